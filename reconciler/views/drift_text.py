"""The drift report as text: where the live fleet differs from the files, and what apply would leave as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.views import blocks, remarks, signs
from reconciler.views.blocks import WHOLE, Extent, heading
from reconciler.views.grouping import differing, same_refusals
from reconciler.views.layout import Page, said
from reconciler.views.voice import DRIFT
from reconciler.views.wording import coverage, drift_summary, held_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.plan.plan import Plan
    from reconciler.views.layout import Piece


def render(plan: Plan, *, full: bool = False) -> Page:
    """Everything that a plan found to differ; long groups are cut unless ``full``."""
    return Page(lambda: _pieces(plan, WHOLE if full else Extent()))


def _pieces(plan: Plan, extent: Extent) -> Iterator[Piece]:
    found = differing(plan)
    yield from remarks.api_host(plan.api_host)
    yield from blocks.groups(found, DRIFT, extent)
    yield from _left(plan, extent)
    yield from remarks.conflicts(plan.conflicts, extent)
    yield from remarks.orphans(plan.orphans, extent)
    yield from remarks.notes(plan.notes, extent)
    yield said(drift_summary(plan, len(found)), signs.HEADING)
    yield from map(said, coverage(plan.coverage))


def _left(plan: Plan, extent: Extent) -> Iterator[Piece]:
    if plan.refusals:
        yield from heading("Apply leaves as it is", held_count(plan.refusals))
        refusals = same_refusals(plan.refusals)
        for refusal in refusals[: extent.blocks]:
            yield from remarks.refusal(refusal, extent, naming=True)
        yield from remarks.cut(refusals, extent, "refusal")
