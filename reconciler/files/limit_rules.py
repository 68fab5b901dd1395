"""Values against each other and against what an organization allows: shared by tiers and tenants."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from reconciler.files.finding import Finding
from reconciler.files.plain_values import text_of
from reconciler.model.compute import LARGEST_SCALING_CU, MAX_CU_RANGE, NEVER_SUSPEND
from reconciler.model.fields.field import Form
from reconciler.model.fields.table import BY_PATH, of
from reconciler.model.problem import Severity
from reconciler.model.units import BYTE_UNITS, NEVER, SECOND_UNITS, format_cu, format_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.desired.tier import Organization
    from reconciler.files.finding import Path
    from reconciler.files.tenant_schema import SettingsDocument
    from reconciler.model.compute import Compute


_CLOUDS: Final = ("aws-", "azure-", "gcp-")
"""How the names of Neon's regions begin."""
_SMALL_QUOTAS: Final = {
    Form.TIME_QUOTA: (SECOND_UNITS["h"], "s", "h", "seconds"),
    Form.SIZE_QUOTA: (BYTE_UNITS["MiB"], "B", "MiB", "bytes"),
}
"""For each form: the number below which to write a unit, that unit, the usual unit, and the first in words."""


def compute_findings(
    resolved: Compute, written: Compute, organization: Organization, path: Path
) -> Iterator[Finding]:
    """What is wrong with a compute's values; each is reported at a key that ``written`` states."""
    for member, size in (("min_cu", written.min_cu), ("max_cu", written.max_cu)):
        if size is not None and size > LARGEST_SCALING_CU and size % 2:
            message = f"{member} {format_cu(size)}: above {LARGEST_SCALING_CU} CU Neon has even sizes only"
            yield Finding((*path, member), message, f"{format_cu(size - 1)} or {format_cu(size + 1)}")
    yield from _size_findings(resolved, written, path)
    limits, name = organization.limits, organization.name
    if written.max_cu is not None and limits.max_cu is not None and written.max_cu > limits.max_cu:
        yield _outside((*path, "max_cu"), format_cu(written.max_cu), name, f"at most {format_cu(limits.max_cu)}")
    if written.min_cu is not None and limits.min_cu is not None and written.min_cu < limits.min_cu:
        yield _outside((*path, "min_cu"), format_cu(written.min_cu), name, f"at least {format_cu(limits.min_cu)}")
    timeout, least = written.suspend_timeout_seconds, limits.min_suspend_timeout_seconds
    if timeout is not None and least is not None and NEVER_SUSPEND < timeout < least:
        bound = f"at least {format_seconds(least)}"
        yield _outside((*path, "suspend_timeout"), format_seconds(timeout), name, bound)
    if timeout == NEVER_SUSPEND and not limits.always_on and least is not None:
        place, bound = (*path, "suspend_timeout"), f"a timeout, at least {format_seconds(least)}"
        yield _outside(place, NEVER, name, bound)


def replica_findings(
    resolved: Mapping[str, Compute] | None,
    written: Mapping[str, Compute] | None,
    organization: Organization,
    path: Path,
) -> Iterator[Finding]:
    """What is wrong with read replicas: each one's values, at a key that ``written`` states, and their number."""
    written, most = written or {}, organization.limits.replicas
    for name, own in written.items():
        yield from compute_findings((resolved or {})[name], own, organization, (*path, name))
    if most is not None and written and len(resolved or ()) > most:
        message = (
            f"{len(resolved or ())} read replicas: organization {organization.name!r} allows {most} per project"
        )
        yield Finding(path, message, at_key=True)


def unchecked_findings(settings: SettingsDocument | None, path: Path) -> Iterator[Finding]:
    """What has a key, and checks, of its own is not to be written where nothing is checked.

    In any case of its letters: many readers of JSON take a key in another case for the same.
    """
    for key in (settings.unchecked or {}) if settings is not None else ():
        place, known = (*path, "settings", "unchecked", key), key.casefold()
        if f"settings.{known}" in BY_PATH:
            yield Finding(place, f"{known} is a setting that is checked", "write it under settings", at_key=True)
        elif known == "quota":
            yield Finding(place, "quota is no setting", "write it under quota", at_key=True)


def restore_window_findings(seconds: int | None, organization: Organization, path: Path) -> Iterator[Finding]:
    """A restore window that is longer than the organization allows."""
    most = organization.limits.restore_window_seconds
    if seconds is not None and most is not None and seconds > most:
        bound = f"at most {format_seconds(most)}"
        yield _outside((*path, "restore_window"), format_seconds(seconds), organization.name, bound)


def bare_quota_findings(document: object, path: Path) -> Iterator[Finding]:
    """Warn of small amounts without a unit in the quota at ``path``: somebody may have meant hours or MiB.

    ``document`` is the text as written, because the schema's type has only the number of seconds or bytes.
    """
    quota: Any = document
    for key in path:
        quota = quota.get(key) if isinstance(quota, dict) else None
    forms = _forms_of_quotas() if isinstance(quota, dict) else {}
    for key in [key for key in forms if key in quota]:
        text = text_of(quota[key]) or ""
        least, unit, meant, word = _SMALL_QUOTAS[forms[key]]
        if text.isdecimal() and int(text) < least:
            message = f"{key} {text} is {text} {word}: a number without a unit"
            hint = f"write {text}{unit}, or {text}{meant} if that is meant"
            yield Finding((*path, key), message, hint, severity=Severity.WARNING)


def region_findings(region: str | None, path: Path) -> Iterator[Finding]:
    """Warn of a region that no cloud of Neon has: every creation in it fails."""
    if region is not None and not region.startswith(_CLOUDS):
        message = f"region {region!r} does not begin with the name of a cloud: projects cannot be created in it"
        yield Finding(path, message, "name it as Neon does, as in aws-us-east-2", severity=Severity.WARNING)


@cache
def _forms_of_quotas() -> dict[str, Form]:
    """Return the form of each amount of a quota, by its key."""
    return {field.key: field.form for field in of("quota")}


def _size_findings(resolved: Compute, written: Compute, path: Path) -> Iterator[Finding]:
    smallest, largest = resolved.min_cu, resolved.max_cu
    if smallest is None or largest is None or (written.min_cu is None and written.max_cu is None):
        return
    place = (*path, "max_cu" if written.max_cu is not None else "min_cu")
    if smallest > largest:
        message = f"min_cu {format_cu(smallest)} is larger than max_cu {format_cu(largest)}"
        yield Finding(place, message)
    elif smallest < largest and largest > LARGEST_SCALING_CU:
        message = f"from {format_cu(smallest)} to {format_cu(largest)} CU: above 16 CU no compute scales"
        yield Finding(place, message, f"min_cu {format_cu(largest)} too, or at most 16")
    elif largest - smallest > MAX_CU_RANGE:
        message = f"from {format_cu(smallest)} to {format_cu(largest)} CU: a compute scales over at most 8 CU"
        yield Finding(place, message, f"min_cu {format_cu(largest - MAX_CU_RANGE)} or more")


def _outside(path: Path, value: str, organization: str, bound: str) -> Finding:
    return Finding(path, f"{path[-1]} {value}: organization {organization!r} allows {bound}")
