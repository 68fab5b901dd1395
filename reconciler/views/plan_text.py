"""The plan as text: what would be done to whom, what would not and why, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.views import blocks, remarks, signs
from reconciler.views.blocks import WHOLE, Extent, heading
from reconciler.views.grouping import by_tenant, refused_and_reported, same_refusals
from reconciler.views.layout import Line, Page, indented
from reconciler.views.voice import PLAN
from reconciler.views.wording import budget, coverage, held_count, plan_summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from reconciler.plan.plan import Plan, Refusal
    from reconciler.views.layout import Piece


def render(plan: Plan, *, full: bool = False) -> RenderableType:
    """The whole plan; long groups are cut unless ``full``."""
    return Page(lambda: _pieces(plan, WHOLE if full else Extent()))


def _pieces(plan: Plan, extent: Extent) -> Iterator[Piece]:
    yield from blocks.groups(plan.tenants, PLAN, extent)
    refused, reported = refused_and_reported(plan.refusals)
    yield from _held_back("Refused", refused, extent)
    yield from _held_back("Reported", reported, extent)
    yield from remarks.conflicts(plan.conflicts, extent)
    yield from remarks.orphans(plan.orphans, extent)
    yield from remarks.notes(plan.notes, extent)
    yield from _closing(plan)


def _held_back(title: str, held: Sequence[Refusal], extent: Extent) -> Iterator[Piece]:
    if not held:
        return
    yield from heading(title, held_count(held))
    refusals = same_refusals(held)
    for refusal in refusals[: extent.blocks]:
        yield from remarks.refusal(refusal, extent, naming=not refusal.actions)
        planned = by_tenant(refusal.actions)
        yield from indented(blocks.tenants(planned, PLAN, extent.inside), by=3)
    yield from remarks.cut(refusals, extent, "refusal")


def _closing(plan: Plan) -> Iterator[Piece]:
    yield Line(Text(), Text(plan_summary(plan), signs.HEADING))
    if not plan.empty:
        yield Line(Text(), Text(budget(plan.budget)))
    for sentence in coverage(plan.coverage):
        yield Line(Text(), Text(sentence))
