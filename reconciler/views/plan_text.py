"""The plan as text: what would be done to whom, what would not and why, and what it costs."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from reconciler.views import blocks, remarks, signs
from reconciler.views.blocks import WHOLE, Extent, heading
from reconciler.views.grouping import by_tenant, conflicts_by_cause, held_back, same_refusals
from reconciler.views.layout import Line, Page, Series, blank, indented, said
from reconciler.views.voice import PLAN
from reconciler.views.wording import budget, coverage, held_count, made, plan_summary
from reconciler.views.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.approval import SavedPlan, Stale
    from reconciler.plan.plan import Plan, Refusal


def render(plan: Plan, *, stale: Sequence[Stale] = (), full: bool = False) -> Page:
    """The whole plan, with the tenants that a saved plan holds back; long groups are cut unless ``full``."""
    return Page(lambda: _pieces(plan, stale, WHOLE if full else Extent()))


def render_saved(saved: SavedPlan, *, full: bool = False) -> Page:
    """A saved plan, and where it comes from."""
    about = said(made(saved.plan.fleet, saved.made), signs.ASIDE)
    return Page(lambda: chain((about, blank()), _pieces(saved.plan, (), WHOLE if full else Extent())))


def _pieces(plan: Plan, stale: Sequence[Stale], extent: Extent) -> Iterator[Line | Series]:
    yield from remarks.api_host(plan.api_host)
    yield from blocks.groups(plan.tenants, PLAN, extent)
    for title, refusals in held_back(plan).items():
        yield from _held_back(title, refusals, extent)
    yield from _stale(stale, extent)
    for title, found in conflicts_by_cause(plan).items():
        yield from remarks.conflicts(title, found, extent)
    yield from remarks.waiting(plan.waiting, extent)
    yield from remarks.files_alone(plan, extent)
    yield from remarks.orphans(plan.orphans, extent)
    yield from remarks.notes(plan.notes, extent)
    yield from _closing(plan, len(stale))


def _held_back(title: str, held: Sequence[Refusal], extent: Extent) -> Iterator[Line | Series]:
    if not held:
        return
    yield from heading(title, held_count(held))
    refusals = same_refusals(held)
    for refusal in refusals[: extent.blocks]:
        yield from remarks.refusal(refusal, extent, naming=not refusal.actions)
        planned = by_tenant(refusal.actions)
        yield from indented(blocks.tenants(planned, PLAN, extent.inside), by=3)
    yield from remarks.cut(refusals, extent, "refusal")


def _stale(stale: Sequence[Stale], extent: Extent) -> Iterator[Line | Series]:
    """What would be done now beside what the saved plan has in its place; the same message is told once."""
    if not stale:
        return
    yield from heading("Stale", len(stale))
    alike: dict[str, list[Stale]] = {}
    for one in stale:
        alike.setdefault(one.message, []).append(one)
    messages = list(alike)
    for message in messages[: extent.blocks]:
        group = alike[message]
        yield from remarks.stale(message, [one.tenant for one in group], extent)
        yield from _beside("not permitted", (action for one in group for action in one.fresh), extent)
        yield from _beside("in the saved plan", (action for one in group for action in one.saved), extent)
    yield from remarks.cut(messages, extent, "reason")


def _beside(title: str, actions: Iterable[Action], extent: Extent) -> Iterator[Line | Series]:
    if tenants := by_tenant(actions):
        yield Line(words(f"{title}:", signs.ASIDE), indent=5)
        yield from indented(blocks.tenants(tenants, PLAN, extent.inside), by=3)


def _closing(plan: Plan, stale: int) -> Iterator[Line | Series]:
    yield said(plan_summary(plan, stale), signs.HEADING)
    if not plan.empty:
        yield said(budget(plan.budget))
    yield from map(said, coverage(plan.coverage))
