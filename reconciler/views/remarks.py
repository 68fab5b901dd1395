"""What a plan says besides its actions: refusals, conflicts, orphans, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.views import signs
from reconciler.views.blocks import heading, more
from reconciler.views.layout import Line, Piece, blank, column, width_of
from reconciler.views.printable import printable
from reconciler.views.wording import ELSEWHERE, counted, names, ownership, place, project_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.plan.plan import Conflict, Note, Orphan, Refusal
    from reconciler.views.blocks import Extent


def api_host(address: str | None) -> Iterator[Piece]:
    """Where keys go, on top of everything, unless that is Neon itself."""
    if address is not None:
        yield Line(Text("! ", signs.REFUSED.style), Text(printable(f"{ELSEWHERE} {address}"), signs.HEADING))
        yield blank()


def refusal(refused: Refusal, extent: Extent, *, naming: bool) -> Iterator[Piece]:
    """The rule, why it holds something back, and what would allow it; the tenants where ``naming``."""
    lead = Text(f"{signs.REFUSED.text:<3}{refused.rule.value}  ", signs.REFUSED.style)
    yield Line(lead, Text(_concerned(refused, extent, naming=naming)), indent=2)
    yield Line(Text(), Text(printable(refused.message)), indent=5)
    yield Line(Text("to allow it: ", signs.ASIDE), Text(printable(refused.remedy)), indent=5)
    yield blank()


def stale(message: str, tenants: Sequence[str], extent: Extent) -> Iterator[Piece]:
    """Tenants that a saved plan holds back for the same reason, and what a person can do."""
    count = counted(len(tenants), "tenant")
    lead = Text(f"{signs.STALE.text:<3}{count}: ", signs.STALE.style)
    yield Line(lead, Text(names(tenants, extent.names)), indent=2)
    yield Line(Text(), Text(printable(message)), indent=5)
    yield Line(Text("to go ahead: ", signs.ASIDE), Text("make a new plan, and have it approved"), indent=5)
    yield blank()


def _concerned(refused: Refusal, extent: Extent, *, naming: bool) -> str:
    if not refused.tenants:
        return "the whole run"
    count = counted(len(refused.tenants), "tenant")
    return f"{count}: {names(refused.tenants, extent.names)}" if naming else count


def conflicts(found: Sequence[Conflict], extent: Extent) -> Iterator[Piece]:
    """Each conflict with its place and what a person can do; nothing where there are none."""
    if not found:
        return
    yield from heading("Conflicts", len(found))
    for conflict in found[: extent.blocks]:
        sign = (f"{signs.CONFLICT.text:<3}", signs.CONFLICT.style)
        lead = Text.assemble(sign, (f"{printable(conflict.tenant)}  ", signs.HEADING))
        yield Line(lead, Text(f"({place([conflict.source])})", signs.ASIDE), indent=2)
        yield Line(Text(), Text(printable(conflict.message)), indent=5)
        yield Line(Text("to settle it: ", signs.ASIDE), Text(printable(conflict.remedy)), indent=5)
        yield blank()
    yield from cut(found, extent, "conflict")


def orphans(found: Sequence[Orphan], extent: Extent) -> Iterator[Piece]:
    """Live projects that no file declares, with what one wants to know before deleting anything."""
    if not found:
        return
    yield from heading("Orphans", len(found))
    shown = found[: extent.blocks]
    width = width_of(printable(orphan.project.name) for orphan in shown)
    for orphan in shown:
        body = Text(f"{project_facts(orphan.project)}, {ownership(orphan)}")
        yield Line(column(printable(orphan.project.name), width, signs.HEADING), body, indent=2)
    yield blank()
    yield from cut(found, extent, "orphan")


def notes(found: Sequence[Note], extent: Extent) -> Iterator[Piece]:
    """Notes; tenants about which the same is said share one."""
    if not found:
        return
    yield from heading("Notes", len(found))
    alike: dict[str, list[Note]] = {}
    for note in found:
        alike.setdefault(note.message, []).append(note)
    messages = list(alike)
    for message in messages[: extent.blocks]:
        yield _note(message, alike[message], extent)
    yield blank()
    yield from cut(messages, extent, "note")


def _note(message: str, alike: Sequence[Note], extent: Extent) -> Line:
    tenants = [note.tenant for note in alike if note.tenant is not None]
    lead = Text(f"{names(tenants, extent.names)}  " if tenants else "", signs.HEADING)
    body = Text(printable(message))
    if source := place(note.source for note in alike if note.source is not None):
        body.append(f"  ({source})", signs.ASIDE)
    return Line(lead, body, indent=2)


def cut(found: Sequence[object], extent: Extent, noun: str) -> Iterator[Piece]:
    """That a list was cut, if it was."""
    if extent.blocks is not None and len(found) > extent.blocks:
        yield from more(len(found) - extent.blocks, noun)
