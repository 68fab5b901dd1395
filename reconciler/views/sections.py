"""The parts of a text output: tenants with their actions, refusals, conflicts, orphans, notes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from reconciler.plan.summary import by_kind
from reconciler.views import fields, symbols
from reconciler.views.actions import project_facts
from reconciler.views.grouping import group_by_actions
from reconciler.views.safe_text import FormattedText, formatted
from reconciler.views.sentences import (
    FILE_CHANGES,
    OTHER_HOST,
    WAITING,
    count_file_changes,
    counted,
    file_change_sentences,
    names,
    ownership,
    source_text,
    waiting_sentence,
)
from reconciler.views.terminal import EMPTY, CommaList, Line, blank_line, column, styled, width_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.plan import Conflict, Note, Orphan, Plan, Refusal, TenantPlan, Waiting
    from reconciler.views.actions import Perspective
    from reconciler.views.grouping import TenantGroup
    from reconciler.views.terminal import CommaList

RULES_PAGE: Final = "docs/safety.md#rules"
"""The table of all rules, with their meaning and what allows them."""


@dataclass(frozen=True, slots=True)
class ListLimits:
    """How much of a long group is shown; None is all of it."""

    blocks: int | None = 20
    names: int | None = 5

    @property
    def inside(self) -> ListLimits:
        """The extent for a list within a list."""
        return self if self.blocks is None else replace(self, blocks=5)


NO_LIMITS: Final = ListLimits(blocks=None, names=None)


def heading(title: str, count: int) -> Iterator[Line | CommaList]:
    """A group's title with the number of its members."""
    yield Line(styled(title, symbols.HEADING) + styled(f" ({count:,})", symbols.ASIDE))
    yield blank_line()


def tenants_by_kind(
    members: Iterable[TenantPlan], perspective: Perspective, extent: ListLimits
) -> Iterator[Line | CommaList]:
    """The tenants of each kind under its heading."""
    for kind, alike in by_kind(members).items():
        if alike:
            yield from heading(perspective.headings[kind], len(alike))
            yield from tenants(alike, perspective, extent)


def tenants(
    members: Iterable[TenantPlan], perspective: Perspective, extent: ListLimits
) -> Iterator[Line | CommaList]:
    """Each tenant with its actions; those with the same actions share one block."""
    blocks = group_by_actions(members)
    for block in blocks[: extent.blocks]:
        yield from _tenant_group(block, perspective, extent)
        yield blank_line()
    if extent.blocks is not None and (beyond := blocks[extent.blocks :]):
        yield from not_shown(sum(len(block.members) for block in beyond), "tenant")


def not_shown(count: int, noun: str) -> Iterator[Line | CommaList]:
    """That a group was cut, and how to see the rest."""
    yield Line(styled(f"and {counted(count, f'more {noun}')} (--full shows all)", symbols.ASIDE), indent=2)
    yield blank_line()


def _tenant_group(block: TenantGroup, perspective: Perspective, extent: ListLimits) -> Iterator[Line | CommaList]:
    reasons = {action.reason for action in block.actions}
    yield _title(block, block.actions[0].reason if len(reasons) == 1 else "")
    if len(block.members) > 1:
        yield Line(EMPTY, styled(names(block.names, extent.names)), indent=4)
    columns = fields.Columns.of(block.actions)
    for action, following in zip_longest(block.actions, block.actions[1:]):
        yield _action(action, block, perspective, reason=action.reason if len(reasons) > 1 else "")
        yield from fields.lines(action, perspective, columns)
        for sentence in perspective.proof(action):
            yield Line(EMPTY, styled(sentence, symbols.ASIDE), indent=8)
        if gap := perspective.gap(action, following):
            yield Line(EMPTY, styled(gap, symbols.CHANGED), indent=8)


def _title(block: TenantGroup, reason: str) -> Line:
    alone = len(block.members) == 1
    name = block.names[0] if alone else counted(len(block.members), "tenant")
    sources = source_text(action.source for member in block.members for action in member.actions)
    body = styled(f"{reason}  " if reason else "") + styled(formatted("({})", sources), symbols.ASIDE)
    return Line(styled(name, symbols.HEADING) + styled("  "), body, indent=2)


def _action(action: Action, block: TenantGroup, perspective: Perspective, reason: str) -> Line:
    sign = symbols.symbol_of_action(action)
    body = styled(perspective.action(action, block.members[0].project))
    if mark := perspective.action_mark(action):
        body += styled(f"  {mark}", symbols.CHANGED)
    if loss := perspective.loss(action):
        body += styled(f"  {loss}", symbols.TAKEN)
    if reason:
        body += styled(f"  ({reason})", symbols.ASIDE)
    return Line(styled(f"{sign.text:<3}", sign.style), body, indent=4)


def api_host(address: str | None) -> Iterator[Line | CommaList]:
    """Where keys go, on top of everything, unless that is Neon itself."""
    if address is not None:
        yield Line(
            styled("! ", symbols.REFUSED.style), styled(formatted(f"{OTHER_HOST} {{}}", address), symbols.HEADING)
        )
        yield blank_line()


def refusal(refused: Refusal, extent: ListLimits, *, naming: bool) -> Iterator[Line | CommaList]:
    """The rule, why it holds something back, and what would allow it; the tenants where ``naming``."""
    lead = styled(f"{symbols.REFUSED.text:<3}{refused.rule.value}  ", symbols.REFUSED.style)
    yield Line(lead, styled(_concerned(refused, extent, naming=naming)), indent=2)
    yield Line(EMPTY, styled(refused.message), indent=5)
    yield Line(styled("to allow it: ", symbols.ASIDE), styled(refused.remedy), indent=5)
    yield blank_line()


def rules_page() -> Iterator[Line]:
    """Where every rule is explained, below the refusals of a section."""
    yield Line(styled("rules: ", symbols.ASIDE), styled(RULES_PAGE), indent=2)
    yield blank_line()


def stale(message: str, tenants: Sequence[str], extent: ListLimits) -> Iterator[Line | CommaList]:
    """Tenants that a saved plan holds back for the same reason, and what a person can do."""
    count = counted(len(tenants), "tenant")
    lead = styled(f"{symbols.STALE.text:<3}{count}: ", symbols.STALE.style)
    yield Line(lead, styled(names(tenants, extent.names)), indent=2)
    yield Line(EMPTY, styled(message), indent=5)
    yield Line(styled("to go ahead: ", symbols.ASIDE), styled("make a new plan, and have it approved"), indent=5)
    yield blank_line()


def _concerned(refused: Refusal, extent: ListLimits, *, naming: bool) -> FormattedText:
    if not refused.tenants:
        return formatted("the whole run")
    count = formatted(counted(len(refused.tenants), "tenant"))
    return formatted("{}: {}", count, names(refused.tenants, extent.names)) if naming else count


def conflicts(title: str, found: Sequence[Conflict], extent: ListLimits) -> Iterator[Line | CommaList]:
    """Each conflict with its place and what a person can do; nothing where there are none."""
    if not found:
        return
    yield from heading(title, len(found))
    for conflict in found[: extent.blocks]:
        sign = styled(f"{symbols.CONFLICT.text:<3}", symbols.CONFLICT.style)
        lead = sign + styled(f"{conflict.tenant}  ", symbols.HEADING)
        yield Line(lead, styled(formatted("({})", source_text([conflict.source])), symbols.ASIDE), indent=2)
        yield Line(EMPTY, styled(conflict.message), indent=5)
        yield Line(styled("to resolve it: ", symbols.ASIDE), styled(conflict.remedy), indent=5)
        yield blank_line()
    yield from not_shown_of(found, extent, "conflict")


def waiting(found: Sequence[Waiting], extent: ListLimits) -> Iterator[Line | CommaList]:
    """Tenants that are not done with an earlier commit: since when, what keeps them, and who they are."""
    if not found:
        return
    yield from heading(WAITING, sum(len(one.tenants) for one in found))
    for one in found[: extent.blocks]:
        yield Line(EMPTY, styled(waiting_sentence(one)), indent=2)
        yield Line(EMPTY, styled(names(one.tenants, extent.names), symbols.HEADING), indent=5)
    yield blank_line()
    yield from not_shown_of(found, extent, "reason")


def orphans(found: Sequence[Orphan], extent: ListLimits) -> Iterator[Line | CommaList]:
    """Live projects that no file declares, with what one wants to know before deleting anything."""
    if not found:
        return
    yield from heading("Orphans", len(found))
    shown = found[: extent.blocks]
    width = width_of(orphan.project.name for orphan in shown)
    for orphan in shown:
        body = styled(formatted("{}, {}", project_facts(orphan.project), formatted(ownership(orphan))))
        yield Line(column(orphan.project.name, width, symbols.HEADING), body, indent=2)
    yield blank_line()
    yield from not_shown_of(found, extent, "orphan")


def notes(found: Sequence[Note], extent: ListLimits) -> Iterator[Line | CommaList]:
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
    yield blank_line()
    yield from not_shown_of(messages, extent, "note")


def _note(message: str, alike: Sequence[Note], extent: ListLimits) -> Line:
    tenants = [note.tenant for note in alike if note.tenant is not None]
    lead = styled(formatted("{}  ", names(tenants, extent.names)), symbols.HEADING) if tenants else EMPTY
    body = styled(message)
    if source := source_text(note.source for note in alike if note.source is not None):
        body += styled(formatted("  ({})", source), symbols.ASIDE)
    return Line(lead, body, indent=2)


def file_changes(plan: Plan, extent: ListLimits) -> Iterator[Line | CommaList]:
    """What a commit changed and no action carries out; nothing where there is none of it."""
    if not (total := count_file_changes(plan)):
        return
    yield from heading(FILE_CHANGES, total)
    told = list(file_change_sentences(plan))
    for sentence, where in told[: extent.blocks]:
        yield Line(EMPTY, styled(sentence) + styled(formatted("  ({})", where), symbols.ASIDE), indent=2)
    yield blank_line()
    yield from not_shown_of(told, extent, "change")


def not_shown_of(found: Sequence[object], extent: ListLimits, noun: str) -> Iterator[Line | CommaList]:
    """That a list was cut, if it was."""
    if extent.blocks is not None and len(found) > extent.blocks:
        yield from not_shown(len(found) - extent.blocks, noun)
