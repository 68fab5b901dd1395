"""What a plan says besides its actions: refusals, conflicts, orphans, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.views import signs
from reconciler.views.blocks import heading, more
from reconciler.views.files_alone import TITLE, count, sentences
from reconciler.views.layout import Line, blank
from reconciler.views.phrase import Phrase, phrase
from reconciler.views.wording import ELSEWHERE, WAITING, counted, names, ownership, place, project_facts, waits
from reconciler.views.words import NOTHING, column, width_of, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.plan.plan import Conflict, Note, Orphan, Plan, Refusal, Waiting
    from reconciler.views.blocks import Extent
    from reconciler.views.layout import Series


def api_host(address: str | None) -> Iterator[Line | Series]:
    """Where keys go, on top of everything, unless that is Neon itself."""
    if address is not None:
        yield Line(words("! ", signs.REFUSED.style), words(phrase(f"{ELSEWHERE} {{}}", address), signs.HEADING))
        yield blank()


def refusal(refused: Refusal, extent: Extent, *, naming: bool) -> Iterator[Line | Series]:
    """The rule, why it holds something back, and what would allow it; the tenants where ``naming``."""
    lead = words(f"{signs.REFUSED.text:<3}{refused.rule.value}  ", signs.REFUSED.style)
    yield Line(lead, words(_concerned(refused, extent, naming=naming)), indent=2)
    yield Line(NOTHING, words(refused.message), indent=5)
    yield Line(words("to allow it: ", signs.ASIDE), words(refused.remedy), indent=5)
    yield blank()


def stale(message: str, tenants: Sequence[str], extent: Extent) -> Iterator[Line | Series]:
    """Tenants that a saved plan holds back for the same reason, and what a person can do."""
    count = counted(len(tenants), "tenant")
    lead = words(f"{signs.STALE.text:<3}{count}: ", signs.STALE.style)
    yield Line(lead, words(names(tenants, extent.names)), indent=2)
    yield Line(NOTHING, words(message), indent=5)
    yield Line(words("to go ahead: ", signs.ASIDE), words("make a new plan, and have it approved"), indent=5)
    yield blank()


def _concerned(refused: Refusal, extent: Extent, *, naming: bool) -> Phrase:
    if not refused.tenants:
        return phrase("the whole run")
    count = phrase(counted(len(refused.tenants), "tenant"))
    return phrase("{}: {}", count, names(refused.tenants, extent.names)) if naming else count


def conflicts(title: str, found: Sequence[Conflict], extent: Extent) -> Iterator[Line | Series]:
    """Each conflict with its place and what a person can do; nothing where there are none."""
    if not found:
        return
    yield from heading(title, len(found))
    for conflict in found[: extent.blocks]:
        sign = words(f"{signs.CONFLICT.text:<3}", signs.CONFLICT.style)
        lead = sign + words(f"{conflict.tenant}  ", signs.HEADING)
        yield Line(lead, words(phrase("({})", place([conflict.source])), signs.ASIDE), indent=2)
        yield Line(NOTHING, words(conflict.message), indent=5)
        yield Line(words("to settle it: ", signs.ASIDE), words(conflict.remedy), indent=5)
        yield blank()
    yield from cut(found, extent, "conflict")


def waiting(found: Sequence[Waiting], extent: Extent) -> Iterator[Line | Series]:
    """Tenants that are not done with an earlier commit: since when, what keeps them, and who they are."""
    if not found:
        return
    yield from heading(WAITING, sum(len(one.tenants) for one in found))
    for one in found[: extent.blocks]:
        yield Line(NOTHING, words(waits(one)), indent=2)
        yield Line(NOTHING, words(names(one.tenants, extent.names), signs.HEADING), indent=5)
    yield blank()
    yield from cut(found, extent, "reason")


def orphans(found: Sequence[Orphan], extent: Extent) -> Iterator[Line | Series]:
    """Live projects that no file declares, with what one wants to know before deleting anything."""
    if not found:
        return
    yield from heading("Orphans", len(found))
    shown = found[: extent.blocks]
    width = width_of(orphan.project.name for orphan in shown)
    for orphan in shown:
        body = words(phrase("{}, {}", project_facts(orphan.project), phrase(ownership(orphan))))
        yield Line(column(orphan.project.name, width, signs.HEADING), body, indent=2)
    yield blank()
    yield from cut(found, extent, "orphan")


def notes(found: Sequence[Note], extent: Extent) -> Iterator[Line | Series]:
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
    lead = words(phrase("{}  ", names(tenants, extent.names)), signs.HEADING) if tenants else NOTHING
    body = words(message)
    if source := place(note.source for note in alike if note.source is not None):
        body += words(phrase("  ({})", source), signs.ASIDE)
    return Line(lead, body, indent=2)


def files_alone(plan: Plan, extent: Extent) -> Iterator[Line | Series]:
    """What a commit changed and no action carries out; nothing where there is none of it."""
    if not (total := count(plan)):
        return
    yield from heading(TITLE, total)
    told = list(sentences(plan))
    for sentence, where in told[: extent.blocks]:
        yield Line(NOTHING, words(sentence) + words(phrase("  ({})", where), signs.ASIDE), indent=2)
    yield blank()
    yield from cut(told, extent, "change")


def cut(found: Sequence[object], extent: Extent, noun: str) -> Iterator[Line | Series]:
    """That a list was cut, if it was."""
    if extent.blocks is not None and len(found) > extent.blocks:
        yield from more(len(found) - extent.blocks, noun)
