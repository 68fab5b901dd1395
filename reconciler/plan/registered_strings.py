"""The connection strings that a registry keeps, against its rows: which are missing, due or unreadable."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.moments import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.registered import KeptConnection, Registered


class Remedy(Enum):
    """What repairs the connection strings of a row."""

    READ = "read"
    """Read them from Neon, and write them."""
    ENCRYPT = "encrypt"
    """Encrypt the same strings with the first key."""
    REMOVE = "remove"
    WAIT = "wait"
    """A run is about to write them."""


class ExpectedStrings(Struct, frozen=True):
    """The connection whose strings a row keeps: of the default branch of the tenant's project."""

    tenant: str
    project_id: str
    organization: str
    database: str
    role: str


class StringFinding(Struct, frozen=True):
    """What is wrong with the connection strings of a row."""

    expected: ExpectedStrings
    message: str
    remedy: Remedy


def due_strings(
    desired: DesiredState,
    certain: Mapping[str, LiveProject],
    rows: Mapping[str, Registered],
    lapsed_before: datetime,
) -> Iterator[ExpectedStrings]:
    """Yield the strings that an earlier run was about to write, of certain projects: this run writes them.

    A claim without a project belongs to a run that could not record what it created. Otherwise another run may be
    about to reset the password, until ``lapsed_before``.
    """
    for name, project in certain.items():
        row = rows.get(name)
        if row is None or row.strings_due_since is None:
            continue
        if row.project_id is None or row.strings_due_since < lapsed_before:
            yield expected(desired, name, project.id, project.organization, row)


def expected(
    desired: DesiredState, name: str, project_id: str, organization: str, row: Registered
) -> ExpectedStrings:
    """Return the connection of a row, with the names in the files; in the row, for a tenant that none declares."""
    tenant = desired.tenants.get(name)
    if tenant is None:
        defaults = desired.defaults
        names = row.record.database or defaults.database, row.record.role or defaults.role
    else:
        names = desired.database_and_role(tenant)
    return ExpectedStrings(name, project_id, organization, *names)


def string_findings(
    rows: Mapping[str, tuple[ExpectedStrings, Registered]],
    kept: Mapping[str, KeptConnection],
    *,
    lapsed_before: datetime,
) -> Iterator[StringFinding]:
    """Yield what is wrong with the strings of rows that should keep them."""
    for name, (asked, row) in rows.items():
        own = kept.get(name)
        if own is not None and own.project_id != asked.project_id:
            own = None
        if found := _finding(row, own, lapsed_before):
            yield StringFinding(asked, *found)


def _finding(row: Registered, kept: KeptConnection | None, lapsed_before: datetime) -> tuple[str, Remedy] | None:
    if (since := row.strings_due_since) is not None:
        remedy = Remedy.READ if since < lapsed_before else Remedy.WAIT
        return f"due since {utc_text(since)}: a run was about to write it", remedy
    if kept is None:
        return "missing", Remedy.READ
    if kept.strings is None:
        return "no key of the environment decrypts it", Remedy.READ
    if not row.leads_to(kept.strings):
        own, other = row.record.host, kept.strings.host
        return f"contains host {other}, but the compute of the project is {own}", Remedy.READ
    return None if kept.newest_key else ("encrypted with an older key", Remedy.ENCRYPT)
