"""The moments that a tenant can be restored to, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.filesize import decimal

from reconciler.views import symbols
from reconciler.views.actions import utc_time
from reconciler.views.formatted_text import formatted
from reconciler.views.sentences import counted
from reconciler.views.terminal import EMPTY, Line, Piece, blank_line, column, page, paragraph, styled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconciler.plan.return_points import ReturnPoint, ReturnPoints, Storage

KINDS: Final = {
    "window": "restore window",
    "old_branch": "old branch",
    "snapshot": "snapshot",
    "preview": "preview",
}
HOLDERS: Final = {
    "default": "default branch",
    "branch": "branch",
    "old_branch": "left by a restore",
    "snapshot": "kept as a snapshot",
    "preview": "preview",
}
NO_WINDOW: Final = "no earlier moments: Neon cannot read them on a branch that was restored from a snapshot"
MOST_BRANCHES: Final = 8
_WIDTH: Final = max(map(len, KINDS.values()))
_INDENT: Final = styled(" " * (_WIDTH + 2))


@page
def render(found: ReturnPoints) -> Iterator[Piece]:
    """The moments, newest first, each with the flags that restore to it."""
    place = formatted("branch {} ({}) of project {}", found.branch, found.branch_id, found.project_id)
    yield Line(styled(f"{found.tenant}  ", symbols.HEADING), styled(place))
    if found.restored_at is not None:
        yield Line(EMPTY, styled(f"last restored or reset {utc_time(found.restored_at)}", symbols.ASIDE), indent=2)
    yield blank_line()
    for point in found.points:
        yield from _point(point)
    yield blank_line()
    yield from _storage(found.storage)
    reachable = sum(point.restore is not None for point in found.points)
    yield paragraph(
        f"{counted(reachable, 'moment')} can be restored, as of {utc_time(found.at)}.", symbols.HEADING
    )


def _storage(storage: Storage) -> Iterator[Piece]:
    """What holds the data: the largest branches, and how many there are of everything else."""
    yield Line(styled("Storage", symbols.HEADING))
    yield blank_line()
    shown = storage.branches[:MOST_BRANCHES]
    for branch in shown:
        size = "unknown" if branch.size_bytes is None else decimal(branch.size_bytes)
        held = formatted(f"{HOLDERS[branch.kind]}, created {utc_time(branch.created_at)}")
        yield Line(column(size, _WIDTH), styled(formatted("{} ({})", branch.name, held)), indent=2)
    if more := len(storage.branches) - len(shown):
        yield Line(
            _INDENT, styled(f"{counted(more, 'smaller branch', 'smaller branches')}", symbols.ASIDE), indent=2
        )
    if storage.snapshots:
        yield Line(column("unknown", _WIDTH), styled(f"{counted(storage.snapshots, 'snapshot')}"), indent=2)
    if storage.total_bytes is not None:
        text = "all branches as stored, with the history of the restore window"
        yield Line(column(decimal(storage.total_bytes), _WIDTH), styled(text, symbols.ASIDE), indent=2)
    yield blank_line()


def _point(point: ReturnPoint) -> Iterator[Line]:
    yield Line(column(KINDS[point.kind], _WIDTH), styled(_time(point), symbols.HEADING), indent=2)
    yield Line(_INDENT, styled(formatted("{} ({}{})", point.name, point.id, formatted(_facts(point)))), indent=2)
    if point.restore is not None:
        flags = styled(formatted("restore {}", point.restore), symbols.ADDED)
        yield Line(_INDENT, flags, indent=2)


def _time(point: ReturnPoint) -> str:
    match point.kind:
        case "window":
            return NO_WINDOW if point.restore is None else f"{_text(point.since)} to now"
        case "old_branch":
            return f"{_text(point.since)} to {_text(point.until)}" if point.until else "unknown"
        case "snapshot":
            return _text(point.until)
        case "preview":
            return "not finalized"


def _text(moment: datetime | None) -> str:
    return "unknown" if moment is None else utc_time(moment)


def _facts(point: ReturnPoint) -> str:
    facts = ["" if point.size_bytes is None else decimal(point.size_bytes)]
    facts.append("" if point.expires_at is None else f"expires {utc_time(point.expires_at)}")
    return "".join(f", {fact}" for fact in facts if fact)
