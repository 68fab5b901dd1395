"""What a plan refuses, reports and notes, as lists in Markdown."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from reconciler.plan.change import Risk
from reconciler.plan.summary import by_tenant
from reconciler.views import sentences
from reconciler.views.actions import project_facts
from reconciler.views.file_change_sentences import file_change_sentences, policy_warning
from reconciler.views.formatted_text import FormattedText, formatted
from reconciler.views.grouping import (
    conflicts_of,
    group_by_actions,
    grouped,
    refusals_of,
    same_refusals,
)
from reconciler.views.markdown_tables import OPEN_ROWS, action_words, changes, section
from reconciler.views.markup import bullets, listed, paragraph, prose, row, stacked, strong, text
from reconciler.views.perspective import PLAN
from reconciler.views.remedies import LABEL, NOTES, ORPHANS, STALE, remedy_of
from reconciler.views.sentences import count_held_back, counted, names, ownership, source_text, waiting_sentence
from reconciler.views.view import DriftView, PlanView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.approval import Stale
    from reconciler.plan.plan import Conflict, Note, Orphan, Refusal, Waiting
    from reconciler.views.grouping import TenantGroup
    from reconciler.views.markdown_size import Size
    from reconciler.views.markup import Block, Markdown
    from reconciler.views.view import DiffView

Item = TypeVar("Item")

BLOCKS: Final = 5
"""Groups of tenants with the same actions that a refusal shows."""


class FindingList(Struct, frozen=True):
    """What was found, by its title; each item is made when it is shown."""

    title: str
    items: Sequence[Callable[[Size], Markdown]]
    count: int
    """What the title counts."""
    risk: Risk = Risk.SAFE
    """What is destructive is cut last."""
    weights: Sequence[int] = ()
    """How many tenants each item is about, where those that are not shown are counted in tenants."""
    remedy: str | None = None
    """What to do about all of it; None if each item says it, or nothing is to be done."""

    def shown(self, size: Size) -> Sequence[Callable[[Size], Markdown]]:
        """The first items."""
        return size.cut(self.items, lambda _: self.risk)


def findings(view: PlanView | DriftView | DiffView) -> list[FindingList]:
    """All findings of a plan besides its changes."""
    planned, drift = view.plan, isinstance(view, DriftView)
    alone = () if drift else file_change_sentences(planned)
    held = view.stale if isinstance(view, PlanView) else ()
    found = [
        *(_refusals(title, those, with_actions=not drift) for title, those in refusals_of(view).items()),
        stale(held),
        *(_of(title, those, _conflict) for title, those in conflicts_of(view).items()),
        _of(sentences.POLICY_WARNINGS, list(map(policy_warning, planned.warnings)), _with_place),
        _of(sentences.WAITING, planned.waiting, _waiting, sum(len(one.tenants) for one in planned.waiting)),
        _of(sentences.FILE_CHANGES, list(alone), _with_place),
        _of(ORPHANS, planned.orphans, _orphan),
        notes(planned.notes),
    ]
    return [one for one in found if one.items]


def blocks(found: Iterable[FindingList], size: Size, document: str = "the plan") -> Iterator[Block]:
    """A list for each finding, as far as ``size`` allows."""
    for one in found:
        shown = one.shown(size)
        items = bullets([item(size) for item in shown])
        beyond = sum(one.weights[len(shown) :]) if one.weights else len(one.items) - len(shown)
        noun, opened = "tenants" if one.weights else "", len(shown) <= OPEN_ROWS
        below = [paragraph([prose(f"{LABEL} {one.remedy}")])] if one.remedy else []
        yield section(
            one.title, one.count, items, beyond, opened=opened, noun=noun, document=document, below=below
        )


def _of(
    title: str, found: Sequence[Item], make: Callable[[Item, Size], Markdown], count: int | None = None
) -> FindingList:
    items, counted = [partial(make, one) for one in found], len(found) if count is None else count
    return FindingList(title, items, counted, remedy=remedy_of(title))


def _refusals(title: str, held: Sequence[Refusal], *, with_actions: bool) -> FindingList:
    def one(refusal: Refusal, size: Size) -> Markdown:
        return stacked((_refusal(refusal, size), *(_actions(refusal.actions, size) if with_actions else ())))

    return _of(title, same_refusals(held), one, count_held_back(held))


def _refusal(refusal: Refusal, size: Size) -> Markdown:
    whom = formatted("the whole run")
    if refusal.tenants:
        count = formatted(counted(len(refusal.tenants), "tenant"))
        whom = formatted("{}: {}", count, names(refusal.tenants, size.samples))
    why = row(strong(text(refusal.rule.value)), text(formatted("{}:", whom)), text(refusal.message))
    return stacked((why, row(text("To allow it:"), text(refusal.remedy))))


def _actions(actions: Iterable[Action], size: Size) -> Iterator[Markdown]:
    """The actions that are held back, tenants with the same ones together."""
    found = group_by_actions(by_tenant(actions))
    shown = size.within(BLOCKS).cut(found, lambda block: block.risk)
    for block in shown:
        yield _block(block, size)
    if beyond := sum(len(block.members) for block in found[len(shown) :]):
        yield text(f"and {counted(beyond, 'more tenant')}")


def _block(block: TenantGroup, size: Size) -> Markdown:
    where = source_text(action.source for member in block.members for action in member.actions)
    whom = text(formatted("{} ({}):", names(block.names, size.samples), where))
    lines = (
        row(
            action_words(action, block, PLAN),
            text(formatted("({})", formatted("{}", action.reason))),
            listed(changes(action, PLAN)),
        )
        for action in block.actions
    )
    return stacked((whom, *lines))


def stale(found: Sequence[Stale]) -> FindingList:
    """The tenants that a saved plan holds back: what is planned now, and what it permits."""

    def one(alike: Sequence[Stale], size: Size) -> Markdown:
        whom = names([each.tenant for each in alike], size.samples)
        count = formatted(counted(len(alike), "tenant"))
        lead = row(text(formatted("{}: {}:", count, whom)), text(alike[0].message))
        fresh = list(_actions((action for each in alike for action in each.fresh), size))
        saved = list(_actions((action for each in alike for action in each.saved), size))
        lines = (*_titled("not permitted:", fresh), *_titled("in the saved plan:", saved))
        return stacked((lead, text("To go ahead: make a new plan, and have it approved"), *lines))

    return _of(STALE, list(grouped(found, lambda each: each.message).values()), one, len(found))


def _titled(title: str, lines: Sequence[Markdown]) -> Sequence[Markdown]:
    return (text(title), *lines) if lines else ()


def _conflict(conflict: Conflict, _: Size) -> Markdown:
    where = formatted("{} ({}):", conflict.tenant, source_text([conflict.source]))
    what = row(text(where), text(conflict.message))
    return stacked((what, row(text("To resolve it:"), text(conflict.remedy))))


def _waiting(waiting: Waiting, size: Size) -> Markdown:
    sentence = FormattedText((waiting_sentence(waiting),))
    return text(formatted("{}: {}", sentence, names(waiting.tenants, size.samples)))


def _with_place(found: tuple[FormattedText, FormattedText], _: Size) -> Markdown:
    sentence, where = found
    return row(text(sentence), text(formatted("({})", where)))


def _orphan(orphan: Orphan, _: Size) -> Markdown:
    facts = project_facts(orphan.project)
    return text(formatted("{}: {}, {}", orphan.project.name, facts, formatted(ownership(orphan))))


def notes(found: Sequence[Note]) -> FindingList:
    """Notes; tenants about which the same is said share one."""
    return _of(NOTES, list(grouped(found, lambda note: note.message).values()), _note, len(found))


def _note(alike: Sequence[Note], size: Size) -> Markdown:
    whom = [note.tenant for note in alike if note.tenant is not None]
    where = source_text(note.source for note in alike if note.source is not None)
    about = text(formatted("{}:", names(whom, size.samples))) if whom else text("")
    return row(about, text(alike[0].message), *([text(formatted("({})", where))] if where else []))
