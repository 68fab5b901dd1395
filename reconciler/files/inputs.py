"""Inputs of a library caller: the files of a folder, and tenants passed as text on top of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.load import load, parse_tenants
from reconciler.files.name_conflicts import name_of_another, shared_project_name
from reconciler.model.values import replace

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.files.load import Loaded

MAX_GIVEN: Final = 2**24
"""Maximum bytes of a text: it is for a few tenants."""
MOST_SHOWN: Final = 10
"""Maximum number of problems in the error of a library call."""


def read(root: Path | str) -> DesiredState:
    """Read the desired state in a folder. Raises InvalidInputError that lists the problems of the files.

    Tenants whose files no longer fit tiers.yaml are held back, and counted by every plan.
    """
    loaded = load(Path(root))
    if loaded.desired is None:
        raise _invalid(loaded)
    if loaded.desired.sql_sources:
        raise InvalidInputError("tiers.yaml has tenants of a database, which only the command line reads")
    return loaded.desired


def parse(desired: DesiredState, text: str, source: str) -> tuple[DesiredState, list[str]]:
    """Return the fleet with the tenants of ``text`` (JSON lines or YAML) instead of those in files, and their
    names.

    ``protect``, ``hold``, ``project_id``, ``previously`` and ``recover`` of a tenant's file stay in force. Raises
    InvalidInputError that lists the problems of the text, or if it is longer than MAX_GIVEN.
    """
    if len(text.encode(errors="replace")) > MAX_GIVEN:
        message = f"{source}: the text is larger than {MAX_GIVEN >> 20} MiB"
        raise InvalidInputError(
            message, hint="write many tenants to a file and list it under tenants in tiers.yaml"
        )
    loaded = parse_tenants(text, source, desired)
    if loaded.desired is None:
        raise _invalid(loaded)
    given = {name: _safeguarded(tenant, desired) for name, tenant in loaded.desired.tenants.items()}
    tenants = {**desired.tenants, **given}
    fleet = replace(desired, tenants={name: tenants[name] for name in sorted(tenants)}, partial=True)
    for tenant in given.values():
        _check_names(tenant, desired, fleet)
    return fleet, list(given)


def _check_names(given: Tenant, declared: DesiredState, fleet: DesiredState) -> None:
    """Raise InvalidInputError if a name in the document conflicts with another tenant's."""
    for name in (given.name, *given.previously):
        holder = declared.same_name(name)
        if holder is not None and holder != given.name:
            place = declared.tenants[holder].location if holder in declared.tenants else "a broken file"
            words = name_of_another(name, holder, place)
            raise InvalidInputError(f"{given.location}: {words}", hint="rename one of the two tenants")
    for name in fleet.project_names(given.name) if given.project_id is None else ():
        for other in declared.project_owners.get(name, ()):
            if other != given.name:
                shared = shared_project_name(fleet, name, given, other)
                raise InvalidInputError(f"{given.location}: {shared.message}", hint=shared.hint)


def _safeguarded(given: Tenant, desired: DesiredState) -> Tenant:
    """Return the tenant with the safeguards in its file, which only a commit may remove."""
    if given.name in desired.held_back:
        raise InvalidInputError(
            f"{given.location}: the file of tenant {given.name!r} is broken, so its protection is unknown",
            hint="repair the file first",
        )
    declared = desired.tenants.get(given.name)
    if declared is None:
        return given
    _check_against_file(given, declared)
    return replace(
        given,
        previously=tuple(dict.fromkeys((*given.previously, *declared.previously))),
        protect=given.protect or declared.protect,
        hold=max(filter(None, (given.hold, declared.hold)), key=lambda hold: hold.until, default=None),
        suspended=given.suspended or declared.suspended,
        reason=given.reason or declared.reason,
        boosts=given.boosts or declared.boosts,
        project_id=given.project_id or declared.project_id,
        recover=None if given.absent else given.recover or declared.recover,
    )


def _check_against_file(given: Tenant, declared: Tenant) -> None:
    """Raise InvalidInputError if the document is about another project than the file, or is older."""
    for key in ("project_id", "recover"):
        ids = (getattr(given, key), getattr(declared, key))
        if len({*ids} - {None}) > 1:
            raise InvalidInputError(
                f"{given.location}: {key} {ids[0]!r} of tenant {given.name!r} is {ids[1]!r} in "
                f"{declared.location}",
                hint="remove it, or correct the file",
            )
    if given.revision is not None and declared.revision is not None and given.revision < declared.revision:
        raise InvalidInputError(
            f"{given.location}: revision {given.revision} of tenant {given.name!r} is older than revision "
            f"{declared.revision} in {declared.location}",
            hint="pass the newest document",
        )


def _invalid(loaded: Loaded) -> InvalidInputError:
    shown = [str(problem) for problem in loaded.problems[:MOST_SHOWN]]
    more = len(loaded.problems) - len(shown)
    return InvalidInputError("\n".join((*shown, *([f"and {more} more"] if more else []))))
