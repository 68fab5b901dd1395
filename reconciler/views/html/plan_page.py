"""A plan, drift, or what a change of the files asks for, as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.change import Risk
from reconciler.plan.summary import differing
from reconciler.views import coverage_sentences, sentences
from reconciler.views.forecast_text import forecast_sentences
from reconciler.views.html.blocks import Facet, shown
from reconciler.views.html.charts import BAD, PLAIN, WARN
from reconciler.views.html.data import NAME, RANK, SIZE, page_data
from reconciler.views.html.facets import CAUSE, ORGANIZATION, RISK, RULE, TIER
from reconciler.views.html.overview import plan_figures
from reconciler.views.html.page import pages
from reconciler.views.html.plan_blocks import PlanSections
from reconciler.views.html.shared import tables
from reconciler.views.html.tile import Tile
from reconciler.views.overview import authors_by_tenant
from reconciler.views.perspective import DRIFT, PLAN
from reconciler.views.plan_cost import cost_sentences
from reconciler.views.view import DiffView, PlanView

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.plan.plan import Plan, TenantPlan
    from reconciler.views.perspective import Perspective
    from reconciler.views.view import DriftView

SORTS: Final = (("most tenants first", SIZE), ("riskiest first", RANK), ("by name", NAME))


class Words(Struct, frozen=True):
    """What differs between the pages: title, summary and lines at the top, and how actions are worded."""

    title: str
    summary: str
    lead: Sequence[str]
    tenants: Sequence[TenantPlan]
    perspective: Perspective


def render(view: PlanView | DriftView | DiffView, *, full: bool) -> Iterator[str]:
    """The page; long lists are cut unless ``full``."""
    plan, words = view.plan, _words(view)
    shared = list(tables(plan, words.perspective, full=full))
    authors = {} if shared or words.perspective is DRIFT else authors_by_tenant(plan)
    made = PlanSections(view, words.tenants, words.perspective, authors)
    changes, others = list(made.changes()), list(made.other_sections())
    sections = [*changes, *others]
    facets = (Facet("Kind", "all kinds", [one.title for one in sections]), TIER, RISK, CAUSE, ORGANIZATION, RULE)
    return pages(
        "plan.html.j2",
        data=page_data(sections, facets, SORTS),
        facets=facets,
        title=words.title,
        host=plan.api_host,
        host_warning=sentences.OTHER_HOST,
        summary=words.summary,
        lead=words.lead,
        numbers=_tiles(plan, words),
        anchors={one.anchor for one in sections},
        shared=shared,
        overview=plan_figures(changes, words.tenants, plan.overview),
        sections=shown(sections, full=full),
        coverage=[]
        if plan.command is not None
        else [str(one) for one in coverage_sentences.coverage(plan.coverage)],
    )


def _words(view: PlanView | DriftView | DiffView) -> Words:
    plan = view.plan
    if isinstance(view, PlanView):
        return Words(
            f"Plan of {plan.fleet}",
            sentences.plan_summary(plan, len(view.stale)),
            list(_lead(view)),
            plan.tenants,
            PLAN,
        )
    if isinstance(view, DiffView):
        lead = [str(sentences.diff_origin(view.made)), sentences.DIFF_SAYS_NOTHING_OF]
        return Words(f"Change of {plan.fleet}", sentences.diff_summary(plan), lead, plan.tenants, PLAN)
    found = differing(plan)
    return Words(f"Drift of {plan.fleet}", sentences.drift_summary(plan, len(found)), [], found, DRIFT)


def _lead(view: PlanView) -> Iterator[str]:
    plan = view.plan
    if view.saved and view.made is not None:
        yield str(sentences.saved_plan_origin(plan.fleet, view.made))
    if plan.observed_at is not None:
        yield sentences.observed(plan.observed_at)
    yield from map(str, forecast_sentences(plan))
    if not plan.empty:
        yield coverage_sentences.budget(plan.budget)
    yield from map(str, cost_sentences(plan, view.past_cost))


def _tiles(plan: Plan, words: Words) -> list[Tile]:
    actions = [action for tenant in words.tenants for action in tenant.actions]
    tenants = len({action.tenant for action in actions})
    destructive = len({action.tenant for action in actions if action.risk is Risk.DESTRUCTIVE})
    disruptive = len({action.tenant for action in actions if action.risk is Risk.DISRUPTIVE})
    lowering = len({action.tenant for action in actions if any(change.lowering for change in action.changes)})
    refused = len({name for one in plan.refusals if one.asked_for for name in one.tenants})
    done = "tenants differ" if words.perspective is DRIFT else "tenants change"
    return [
        Tile(f"{tenants:,}", done),
        Tile(f"{destructive:,}", "lose something permanently", BAD if destructive else PLAIN),
        Tile(f"{disruptive:,}", "are interrupted", WARN if disruptive else PLAIN),
        Tile(f"{lowering:,}", "get less", WARN if lowering else PLAIN),
        Tile(f"{refused:,}", "refused", BAD if refused else PLAIN, anchor="refused"),
        Tile(f"{len(plan.conflicts):,}", "need a decision", BAD if plan.conflicts else PLAIN, anchor="conflicts"),
    ]
