"""The parts of a text output: tenants with their actions, refusals, conflicts, orphans, notes."""

from __future__ import annotations

from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from msgspec import Struct

from reconciler.model.values import replace
from reconciler.plan.change import Risk
from reconciler.plan.summary import by_kind
from reconciler.views import fields, symbols
from reconciler.views.actions import project_facts
from reconciler.views.file_change_sentences import file_change_sentences, policy_warning
from reconciler.views.formatted_text import FormattedText, formatted
from reconciler.views.grouping import group_by_actions, grouped, shown_of
from reconciler.views.overview import NAMED_IF_DESTRUCTIVE
from reconciler.views.remedies import LABEL, NOTES, ORPHANS, remedy_of
from reconciler.views.sentences import (
    FILE_CHANGES,
    OTHER_HOST,
    POLICY_WARNINGS,
    WAITING,
    counted,
    names,
    observed,
    ownership,
    source_text,
    waiting_sentence,
)
from reconciler.views.terminal import EMPTY, CommaList, Line, blank_line, column, styled, width_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.plan.action import Action
    from reconciler.plan.plan import Conflict, Note, Orphan, Plan, Refusal, TenantPlan, Waiting
    from reconciler.views.grouping import TenantGroup
    from reconciler.views.overview import CauseGroup, Change
    from reconciler.views.perspective import Perspective
    from reconciler.views.terminal import CommaList, Piece

Item = TypeVar("Item")

Authors: TypeAlias = "Mapping[str, tuple[FormattedText, ...]]"
"""The commits that ask for changes of each tenant, in words."""
NOBODY: Final[Authors] = MappingProxyType({})
RULES_PAGE: Final = "docs/safety.md#rules"
"""The table of all rules, with their meaning and what allows them."""


class ListLimits(Struct, frozen=True):
    """How much of a long group is shown; None is all of it."""

    blocks: int | None = 20
    names: int | None = 5

    def named(self, risk: Risk) -> int | None:
        """How many tenants of a block are named: more where something is destroyed."""
        return self.names if self.names is None or risk is not Risk.DESTRUCTIVE else NAMED_IF_DESTRUCTIVE

    @property
    def inside(self) -> ListLimits:
        """The extent for a list within a list."""
        return self if self.blocks is None else replace(self, blocks=5)


NO_LIMITS: Final = ListLimits(blocks=None, names=None)


def limits(*, full: bool) -> ListLimits:
    """None if ``full``, otherwise those of every output."""
    return NO_LIMITS if full else ListLimits()


def heading(title: str, count: int) -> Iterator[Line | CommaList]:
    """A group's title with the number of its members."""
    yield Line(styled(title, symbols.HEADING) + styled(f" ({count:,})", symbols.ASIDE))
    yield blank_line()


def section(
    title: str,
    found: Sequence[Item],
    one: Callable[[Item], Iterable[Piece]],
    extent: ListLimits,
    noun: str,
    *,
    count: int | None = None,
    weight: Callable[[Item], int] = lambda _: 1,
    compact: bool = False,
    helped: bool = False,
) -> Iterator[Piece]:
    """A heading, the items as far as ``extent`` allows, how many more there are, and the next step.

    Nothing without items.
    ``count`` is the number in the heading, by default of what is counted: ``weight`` of each item. ``compact``
    items have no blank line of their own. ``helped``: each item says it by itself.
    """
    if not found:
        return
    remedy = None if helped else remedy_of(title)
    yield from heading(title, sum(map(weight, found)) if count is None else count)
    for item in found[: extent.blocks]:
        yield from one(item)
    beyond = sum(map(weight, found[extent.blocks :])) if extent.blocks is not None else 0
    if compact and beyond:
        yield blank_line()
    if beyond:
        yield _more(beyond, noun)
    if remedy is not None:
        yield Line(styled(f"{LABEL} ", symbols.ASIDE), styled(remedy), indent=2)
    if compact or beyond or remedy is not None:
        yield blank_line()


def overview(found: Sequence[CauseGroup], extent: ListLimits) -> Iterator[Piece]:
    """The changes by cause, each once, with some of its tenants and the commits that ask for it."""
    for group in found:
        yield from heading(group.title, group.tenants)
        shown = group.shown(extent.blocks)
        for change in shown:
            yield from _change(change, full=extent.blocks is None)
        if beyond := len(group.changes) - len(shown):
            yield Line(styled(f"and {counted(beyond, 'more change')} (--full shows all)", symbols.ASIDE), indent=2)
        yield blank_line()


def _change(change: Change, *, full: bool) -> Iterator[Piece]:
    sign, alone = symbols.symbol_of_change(change.of), len(change.of.tenants) == 1
    body = styled(change.words)
    body += styled(formatted("  {}", change.tenants(full=full)) if alone else f"  {change.count}", symbols.HEADING)
    if change.marks:
        lost = change.of.lowering or change.of.risk is Risk.DESTRUCTIVE
        body += styled(f"  {change.marks}", symbols.TAKEN if lost else symbols.CHANGED)
    if change.held_back:
        body += styled(f"  {change.held_back}", symbols.REFUSED.style)
    yield Line(styled(f"{sign.text:<3}", sign.style), body, indent=2)
    if not alone:
        yield Line(EMPTY, styled(change.tenants(full=full)), indent=5)
    for author in change.authors:
        yield Line(EMPTY, styled(author, symbols.ASIDE), indent=5)


def tenants_by_kind(
    members: Iterable[TenantPlan], perspective: Perspective, extent: ListLimits, authors: Authors = NOBODY
) -> Iterator[Line | CommaList]:
    """The tenants of each kind under its heading."""
    for kind, alike in by_kind(members).items():
        if alike:
            yield from heading(perspective.headings[kind], len(alike))
            yield from tenants(alike, perspective, extent, authors)


def tenants(
    members: Iterable[TenantPlan], perspective: Perspective, extent: ListLimits, authors: Authors = NOBODY
) -> Iterator[Line | CommaList]:
    """Each tenant with its actions; those with the same actions share one block.

    ``authors`` are the commits that ask for them, by tenant.
    """
    blocks = group_by_actions(members)
    shown = shown_of(blocks, extent.blocks)
    for block in shown:
        yield from _tenant_group(block, perspective, extent, authors)
        yield blank_line()
    if beyond := blocks[len(shown) :]:
        yield _more(sum(len(block.members) for block in beyond), "tenant")
        yield blank_line()


def _more(count: int, noun: str) -> Line:
    """That a list was cut, and how to see the rest."""
    return Line(styled(f"and {counted(count, f'more {noun}')} (--full shows all)", symbols.ASIDE), indent=2)


def _tenant_group(
    block: TenantGroup, perspective: Perspective, extent: ListLimits, authors: Authors
) -> Iterator[Line | CommaList]:
    reasons = {action.reason for action in block.actions}
    yield _title(block, block.actions[0].reason if len(reasons) == 1 else "")
    if len(block.members) > 1:
        yield Line(EMPTY, styled(names(block.names, extent.named(block.risk))), indent=4)
    for author in dict.fromkeys(author for name in block.names for author in authors.get(name, ())):
        yield Line(EMPTY, styled(author, symbols.ASIDE), indent=4)
    columns = fields.Columns.of(block.actions)
    for action, following in zip_longest(block.actions, block.actions[1:]):
        yield _action(action, block, perspective, reason=action.reason if len(reasons) > 1 else "")
        yield from fields.lines(action, perspective, columns)
        for sentence in perspective.details(action):
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


def observed_at(at: datetime | None) -> Iterator[Line]:
    """When live state was recorded, on top of a plan that was made from a recording."""
    if at is not None:
        yield Line(styled(observed(at), symbols.HEADING))
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


def conflicts(title: str, found: Sequence[Conflict], extent: ListLimits) -> Iterator[Piece]:
    """Each conflict with its place and what a person can do."""
    return section(title, found, _conflict, extent, "conflict")


def _conflict(conflict: Conflict) -> Iterator[Line]:
    sign = styled(f"{symbols.CONFLICT.text:<3}", symbols.CONFLICT.style)
    lead = sign + styled(f"{conflict.tenant}  ", symbols.HEADING)
    yield Line(lead, styled(formatted("({})", source_text([conflict.source])), symbols.ASIDE), indent=2)
    yield Line(EMPTY, styled(conflict.message), indent=5)
    yield Line(styled("to resolve it: ", symbols.ASIDE), styled(conflict.remedy), indent=5)
    yield blank_line()


def waiting(found: Sequence[Waiting], extent: ListLimits) -> Iterator[Piece]:
    """Tenants that are not done with an earlier commit: since when, what keeps them, and who they are."""

    def one(each: Waiting) -> Iterator[Line]:
        yield Line(EMPTY, styled(waiting_sentence(each)), indent=2)
        yield Line(EMPTY, styled(names(each.tenants, extent.names), symbols.HEADING), indent=5)

    return section(
        WAITING, found, one, extent, "reason", count=sum(len(each.tenants) for each in found), compact=True
    )


def orphans(found: Sequence[Orphan], extent: ListLimits) -> Iterator[Piece]:
    """Live projects that no file declares, with what one wants to know before deleting anything."""
    width = width_of(orphan.project.name for orphan in found[: extent.blocks])

    def one(orphan: Orphan) -> Iterator[Line]:
        body = styled(formatted("{}, {}", project_facts(orphan.project), formatted(ownership(orphan))))
        yield Line(column(orphan.project.name, width, symbols.HEADING), body, indent=2)

    return section(ORPHANS, found, one, extent, "orphan", compact=True)


def notes(found: Sequence[Note], extent: ListLimits) -> Iterator[Piece]:
    """Notes; tenants about which the same is said share one."""
    alike = grouped(found, lambda note: note.message)
    groups = list(alike.values())
    return section(
        NOTES, groups, lambda group: [_note(group, extent)], extent, "note", count=len(found), compact=True
    )


def _note(alike: Sequence[Note], extent: ListLimits) -> Line:
    tenants = [note.tenant for note in alike if note.tenant is not None]
    lead = styled(formatted("{}  ", names(tenants, extent.names)), symbols.HEADING) if tenants else EMPTY
    body = styled(alike[0].message)
    if source := source_text(note.source for note in alike if note.source is not None):
        body += styled(formatted("  ({})", source), symbols.ASIDE)
    return Line(lead, body, indent=2)


def policy_warnings(plan: Plan, extent: ListLimits) -> Iterator[Piece]:
    """What policies of the user's own warn of."""

    def one(item: tuple[FormattedText, FormattedText]) -> Iterator[Line]:
        sentence, where = item
        yield Line(EMPTY, styled(sentence) + styled(formatted("  ({})", where), symbols.ASIDE), indent=2)

    found = list(map(policy_warning, plan.warnings))
    return section(POLICY_WARNINGS, found, one, extent, "warning", compact=True)


def file_changes(plan: Plan, extent: ListLimits) -> Iterator[Piece]:
    """What a commit changed and no action carries out."""

    def one(item: tuple[FormattedText, FormattedText]) -> Iterator[Line]:
        sentence, where = item
        yield Line(EMPTY, styled(sentence) + styled(formatted("  ({})", where), symbols.ASIDE), indent=2)

    return section(FILE_CHANGES, list(file_change_sentences(plan)), one, extent, "change", compact=True)
