"""``reconciler audit``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.apply.journals.audit import WriteFilter, audit, with_rows
from reconciler.apply.run.planned import log_folder
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.runtime import runtime
from reconciler.errors import InvalidInputError
from reconciler.model.moments import utc
from reconciler.model.units import parse_length
from reconciler.views.view import AuditView

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.flags import AccountFlags, FilesFlags, OutputFlags
    from reconciler.fleet import Fleet
    from reconciler.live.registered import RegisteredTenants


def run(
    tenants: tuple[str, ...],
    since: str | None,
    fleet: str | None,
    journals: tuple[Path, ...],
    registry: bool,
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    output: OutputFlags,
) -> None:
    """Shows the writes of the named journals, or of those in the user's log folder."""
    check_outputs(output, AuditView)
    wanted = WriteFilter(tenants, None if since is None else _moment(since, runtime().now), fleet)
    found = audit(journals or (log_folder(),), wanted)
    publish(output, AuditView(with_rows(found, _rows(files, account, base), wanted) if registry else found))


def _rows(files: FilesFlags, account: AccountFlags, base: str | None) -> RegisteredTenants:
    from reconciler.cli.account import with_fleet  # noqa: PLC0415 - journals alone need no account
    from reconciler.cli.fleet_files import FleetFiles  # noqa: PLC0415

    fleet_files = FleetFiles(files)

    async def read(fleet: Fleet) -> RegisteredTenants:
        return await fleet.registered_tenants()

    return with_fleet(account, fleet_files.desired(), read, files=fleet_files, base=base)


def _moment(text: str, now: datetime) -> datetime:
    """A duration before now (``90d``), or a date, or a date and time; without a zone, UTC."""
    try:
        return now - timedelta(seconds=parse_length(text))
    except (ValueError, OverflowError):
        pass
    try:
        return utc(datetime.fromisoformat(text))
    except ValueError as error:
        message = f"--since {text} is neither a duration nor a time"
        raise InvalidInputError(message, hint="write 90d, 2031-01-30 or 2031-01-30T12:00:00Z") from error
