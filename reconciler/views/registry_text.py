"""The rows of the registry, and what a rebuild changes, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.live.registered import KeptString
from reconciler.views import sections, symbols
from reconciler.views.actions import utc_time
from reconciler.views.formatted_text import formatted
from reconciler.views.grouping import CONFLICTS
from reconciler.views.remedies import ROWS_CHANGED, ROWS_NOT_CHANGED, ROWS_THAT_DIFFER
from reconciler.views.sections import NO_LIMITS, section
from reconciler.views.sentences import counted
from reconciler.views.terminal import EMPTY, Line, Page, Piece, blank_line, page, paragraph, styled
from reconciler.views.view import RegistryView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.live.registered import RegisteredTenant
    from reconciler.plan.registration import RowChange
    from reconciler.views.formatted_text import FormattedText
    from reconciler.views.view import RowChangesView


STRINGS: Final = {
    KeptString.KEPT: "connection string kept, encrypted",
    KeptString.DUE: "connection string due: a run was about to write it",
}


def render(view: RegistryView | RowChangesView) -> Page:
    """The view as text."""
    return _rows(view) if isinstance(view, RegistryView) else _changes(view)


@page
def _rows(view: RegistryView) -> Iterator[Piece]:
    found = view.registered.tenants
    for row in found:
        yield from _row(row)
    if found:
        yield blank_line()
    if view.rows is None:
        yield paragraph(f"The registry has {counted(len(found), 'row')}.", symbols.HEADING)
    else:
        yield paragraph(f"{len(found):,} of {counted(view.rows, 'row')} of the registry.", symbols.HEADING)


def _row(row: RegisteredTenant) -> Iterator[Line]:
    state = row.state.value.replace("_", " ")
    yield Line(styled(f"{row.tenant}  ", symbols.HEADING), styled(state, symbols.ASIDE))
    for fact in _facts(row):
        yield Line(EMPTY, styled(fact), indent=2)


def _facts(row: RegisteredTenant) -> Iterator[FormattedText]:
    if row.project_id is None:
        yield formatted("claimed by run {} since {}", row.claimed_by, formatted(utc_time(row.claimed_at)))
        return
    tier = row.tier or "unknown"
    yield formatted(
        "project {} in {}, tier {}, region {}", row.project_id, _known(row.organization), tier, _known(row.region)
    )
    if row.recoverable_until is not None:
        yield formatted(f"recover: {{}} brings it back until {utc_time(row.recoverable_until)}", row.project_id)
    if row.host is not None:
        yield formatted("{} {} at {}", _known(row.database), _known(row.role), row.host)
    if row.connection_string is not None:
        yield formatted(STRINGS[row.connection_string])
    if row.revision is not None:
        yield formatted("revision {}", str(row.revision))
    yield formatted(f"updated {utc_time(row.updated_at)}")


def _known(value: str | None) -> str:
    return "unknown" if value is None else value


@page
def _changes(view: RowChangesView) -> Iterator[Piece]:
    """Every row that was changed, or would be, what is left, and how many rows there are."""
    found = view.found
    yield from sections.api_host(view.api_host)
    changed = ROWS_THAT_DIFFER if view.verified else ROWS_CHANGED
    for title, changes in ((changed, found.changes), (ROWS_NOT_CHANGED, found.waiting)):
        yield from section(title, changes, _row_change, NO_LIMITS, "row", compact=True)
    yield from sections.conflicts(CONFLICTS, found.conflicts, NO_LIMITS)
    yield paragraph(f"{_result(view)}; the registry has {counted(found.rows, 'row')}.", symbols.HEADING)


def _result(view: RowChangesView) -> str:
    if not view.found.changes:
        return "Every row agrees with live" if view.verified else "Nothing to change"
    return counted(len(view.found.changes), "row") + (" to change" if view.verified else " changed")


def _row_change(change: RowChange) -> Iterator[Piece]:
    yield Line(styled(f"{change.tenant}  ", symbols.HEADING), styled(change.message), indent=2)
