"""``reconciler audit``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.apply.audit import Wanted, audit
from reconciler.apply.planned import log_folder
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.runtime import runtime
from reconciler.errors import InvalidInputError
from reconciler.model.moments import utc
from reconciler.model.units import parse_length
from reconciler.views.view import AuditView

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.options import OutputFlags


def run(
    tenants: tuple[str, ...], since: str | None, fleet: str | None, journals: tuple[Path, ...], output: OutputFlags
) -> None:
    """Shows the writes of the named journals, or of those in the user's log folder."""
    check_outputs(output, AuditView)
    wanted = Wanted(tenants, None if since is None else _moment(since, runtime().now), fleet)
    publish(output, AuditView(audit(journals or (log_folder(),), wanted)))


def _moment(text: str, now: datetime) -> datetime:
    """A duration before now (``90d``), or a date, or a date and time; without a zone, UTC."""
    try:
        return now - timedelta(seconds=parse_length(text))
    except (ValueError, OverflowError):
        pass
    try:
        return utc(datetime.fromisoformat(text))
    except ValueError as error:
        told = f"--since {text} is neither a duration nor a time"
        raise InvalidInputError(told, hint="write 90d, 2031-01-30 or 2031-01-30T12:00:00Z") from error
