"""Tenants with their actions, as a plan and a drift report show them alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from reconciler.views import fields, signs
from reconciler.views.grouping import by_kind, collapse
from reconciler.views.layout import Line, Series, blank
from reconciler.views.phrase import phrase
from reconciler.views.wording import counted, names, place
from reconciler.views.words import NOTHING, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan
    from reconciler.views.grouping import Block
    from reconciler.views.voice import Voice


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a long group is shown; None is all of it."""

    blocks: int | None = 20
    names: int | None = 5

    @property
    def inside(self) -> Extent:
        """The extent for a list within a list."""
        return self if self.blocks is None else replace(self, blocks=5)


WHOLE: Final = Extent(blocks=None, names=None)


def heading(title: str, count: int) -> Iterator[Line | Series]:
    """A group's title with the number of its members."""
    yield Line(words(title, signs.HEADING) + words(f" ({count:,})", signs.ASIDE))
    yield blank()


def groups(members: Iterable[TenantPlan], voice: Voice, extent: Extent) -> Iterator[Line | Series]:
    """The tenants of each kind under its heading."""
    for kind, alike in by_kind(members).items():
        if alike:
            yield from heading(voice.headings[kind], len(alike))
            yield from tenants(alike, voice, extent)


def tenants(members: Iterable[TenantPlan], voice: Voice, extent: Extent) -> Iterator[Line | Series]:
    """Each tenant with its actions; those with the same actions share one block."""
    blocks = collapse(members)
    for block in blocks[: extent.blocks]:
        yield from _block(block, voice, extent)
        yield blank()
    if extent.blocks is not None and (beyond := blocks[extent.blocks :]):
        yield from more(sum(len(block.members) for block in beyond), "tenant")


def more(count: int, noun: str) -> Iterator[Line | Series]:
    """That a group was cut, and how to see the rest."""
    yield Line(words(f"and {counted(count, f'more {noun}')} (--full shows all)", signs.ASIDE), indent=2)
    yield blank()


def _block(block: Block, voice: Voice, extent: Extent) -> Iterator[Line | Series]:
    reasons = {action.reason for action in block.actions}
    yield _title(block, block.actions[0].reason if len(reasons) == 1 else "")
    if len(block.members) > 1:
        yield Line(NOTHING, words(names(block.names, extent.names)), indent=4)
    columns = fields.Columns.of(block.actions)
    for action, following in zip_longest(block.actions, block.actions[1:]):
        yield _action(action, block, voice, reason=action.reason if len(reasons) > 1 else "")
        yield from fields.lines(action, voice, columns)
        for sentence in voice.proof(action):
            yield Line(NOTHING, words(sentence, signs.ASIDE), indent=8)
        if gap := voice.gap(action, following):
            yield Line(NOTHING, words(gap, signs.CHANGED), indent=8)


def _title(block: Block, reason: str) -> Line:
    alone = len(block.members) == 1
    name = block.names[0] if alone else counted(len(block.members), "tenant")
    sources = place(action.source for member in block.members for action in member.actions)
    body = words(f"{reason}  " if reason else "") + words(phrase("({})", sources), signs.ASIDE)
    return Line(words(name, signs.HEADING) + words("  "), body, indent=2)


def _action(action: Action, block: Block, voice: Voice, reason: str) -> Line:
    sign = signs.of_action(action)
    body = words(voice.action(action, block.members[0].project))
    if mark := voice.action_mark(action):
        body += words(f"  {mark}", signs.CHANGED)
    if loss := voice.loss(action):
        body += words(f"  {loss}", signs.TAKEN)
    if reason:
        body += words(f"  ({reason})", signs.ASIDE)
    return Line(words(f"{sign.text:<3}", sign.style), body, indent=4)
