"""The writes in journals, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.views import symbols
from reconciler.views.actions import utc_time
from reconciler.views.formatted_text import formatted
from reconciler.views.remedies import LABEL
from reconciler.views.sections import limits
from reconciler.views.sentences import counted, names
from reconciler.views.terminal import EMPTY, Line, Piece, blank_line, page, paragraph, styled
from reconciler.views.values import label, worded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.record import Audit, RecordedChange, RecordedWrite
    from reconciler.views.formatted_text import FormattedText

_SHOWN: Final = 50
ANOTHER_COPY: Final = "--journals names another copy of the journal, such as the artifact of the CI job"


@page
def render(found: Audit, *, full: bool = False) -> Iterator[Piece]:
    """Each write with who made it and what it changed; the newest ones unless ``full``."""
    shown = found.writes if full else found.writes[-_SHOWN:]
    if len(shown) < len(found.writes):
        yield Line(styled(f"{len(found.writes) - len(shown):,} older writes (--full shows all)", symbols.ASIDE))
        yield blank_line()
    for write in shown:
        yield from _write(write, full=full)
    counts = f"{counted(len(found.writes), 'write')} in {counted(found.files, 'journal')}."
    yield paragraph(counts, symbols.HEADING)
    if found.unreadable:
        incomplete = formatted("Incomplete: {}. Writes may be missing.", names(found.unreadable, 5))
        yield paragraph(formatted(f"{{}} {LABEL.capitalize()} {ANOTHER_COPY}.", incomplete))


def _write(write: RecordedWrite, *, full: bool) -> Iterator[Piece]:
    who = formatted("{}{}", write.actor, formatted(" at commit {}", write.commit[:7]) if write.commit else "")
    about = styled(formatted("{}  ", names(write.tenants, limits(full=full).names)), symbols.HEADING)
    yield Line(styled(f"{utc_time(write.at)}  ", symbols.ASIDE), about + styled(write.kind.replace("_", " ")))
    yield Line(EMPTY, styled(formatted("{}; run {}{}", who, write.run, _because(write)), symbols.ASIDE), indent=2)
    for change in write.changes:
        yield Line(EMPTY, styled(_change(change)), indent=4)
    if write.result != "applied":
        text = formatted("{}: {}", write.result, write.message) if write.message else formatted("{}", write.result)
        yield Line(EMPTY, styled(text, symbols.REFUSED.style), indent=4)
    yield blank_line()


def _because(write: RecordedWrite) -> str:
    return f"; {write.reason}" if write.reason else ""


def _change(change: RecordedChange) -> FormattedText:
    name, after = label(change.path), worded(change.path, change.after)
    if change.before is None:
        return formatted("{}: {}", name, after)
    return formatted("{}: {} -> {}", name, worded(change.path, change.before), after)
