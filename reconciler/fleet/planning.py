"""Planning for a fleet: the differences, what the guards allow of them, and what a saved plan permits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from reconciler.apply.run import Planned
from reconciler.desired.selection import Depth
from reconciler.errors import NoConnectionStringError
from reconciler.fleet.observation import observe_fleet
from reconciler.plan import adoption
from reconciler.plan.approval import approve
from reconciler.plan.budget import estimate
from reconciler.plan.guards import guard, nothing_of
from reconciler.plan.guards.whole_tenant import BY_PIN
from reconciler.plan.identity import identify
from reconciler.plan.late_turn import PlanInputs, reach_of_few
from reconciler.plan.plan import Note
from reconciler.plan.planner import make_plan
from reconciler.plan.pruning import by_document
from reconciler.plan.registration import misplaced, unchanged_revisions
from reconciler.plan.survey import orphans
from reconciler.plan.swapped_organizations import require_unswapped_organizations
from reconciler.plan.tombstones import Tombstones, unnamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.fleet.context import Context
    from reconciler.fleet.request import Request
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.neon.observe import Progress
    from reconciler.plan.history import History
    from reconciler.plan.plan import Plan


async def compare(context: Context, request: Request, on_progress: Progress) -> Planned:
    """Everything that differs between files and live state, before any guard."""
    observed_at = asyncio.get_running_loop().time()
    live = await observe_fleet(context, request, on_progress)
    require_unswapped_organizations(context.desired, live, context.past(request), request.permissions)
    now = context.time()
    grounds = _grounds(context, live, request)
    plan = make_plan(
        context.desired,
        live,
        now=now,
        history=grounds.history,
        selection=request.selection,
        only=request.only,
        prune=request.permissions.prune,
        tombstones=grounds.tombstones,
    )
    notes = (*plan.notes, *_unused_dead_runs(request, live), *_removed_tenants(request), *context.clock_notes())
    complete = structs.replace(
        plan, notes=notes, organizations=context.neon.organization_ids, api_host=context.api_host
    )
    return Planned(
        complete,
        live,
        now,
        observed_at,
        grounds,
        unchanged_revisions=_unchanged_revisions(context, request, live, plan),
        placements=(
            misplaced(context.desired, live, plan, request.selection) if context.registry.keeps_rows else ()
        ),
        shard=request.selection.shard,
    )


def permit(context: Context, compared: Planned, request: Request) -> Planned:
    """What the guards allow of the differences."""
    plan = guard(
        compared.plan,
        context.desired,
        compared.live,
        request.permissions,
        history=context.past(request),
        selection=request.selection,
        strict=request.strict,
        now=compared.at,
    )
    return replace(compared, plan=plan)


def approved(context: Context, planned: Planned, saved: Plan, *, strict: bool) -> Planned:
    """What a saved plan permits of a guarded plan."""
    approval = approve(planned.plan, saved)
    plan, stale = approval.plan, len(approval.stale)
    if strict and stale:
        plan = nothing_of(plan, f"{stale} stale tenant{'s' if stale > 1 else ''}")
    budget = estimate(plan.tenants, context.desired, planned.live)
    return replace(planned, plan=structs.replace(plan, budget=budget), stale=approval.stale)


def own_project(context: Context, planned: Planned, history: History, tenant: str) -> LiveProject:
    """The tenant's project, confirmed by more than its name: a connection string gives access to all its data.

    Raises NoConnectionStringError where there is no project, where several projects match, or where only the name
    matches.
    """
    desired, live = context.desired, planned.live
    for conflict in planned.plan.conflicts:
        if conflict.tenant == tenant:
            raise NoConnectionStringError(conflict.message, hint=conflict.remedy)
    identities, declared = identify(desired, live), desired.tenants[tenant]
    project = identities.projects.get(tenant)
    if tenant in identities.not_returned:
        raise NoConnectionStringError(f"Neon does not show the project of tenant {tenant}", hint="run again later")
    if project is None:
        raise NoConnectionStringError(
            f"tenant {tenant} has no project", hint=f"`reconciler converge {tenant}` creates it"
        )
    if not adoption.confirmed(desired, live, history, declared, project):
        raise NoConnectionStringError(
            f"project {project.id} was found by its name alone: it may be another customer's", hint=BY_PIN
        )
    return project


def _grounds(context: Context, live: LiveState, request: Request) -> PlanInputs:
    selected = sum(request.selection.includes(tenant) for tenant in context.desired.tenants.values())
    return PlanInputs(
        desired=context.desired,
        history=_history(context, live, request),
        permissions=request.permissions,
        only=request.only,
        tombstones=_tombstones(context, live, request),
        depth=request.depth,
        reach=reach_of_few(request.reach, selected),
    )


def _tombstones(context: Context, live: LiveState, request: Request) -> Tombstones:
    """Since when tenants are declared absent. A document declares it now, and is not looked up in the history."""
    chosen = (t for t in context.desired.tenants.values() if request.selection.includes(t))
    ending = [tenant.name for tenant, _ in unnamed(chosen, identify(context.desired, live))]
    asked = [name for name in ending if name not in request.past.documents]
    return request.tombstones(asked) if asked and request.tombstones else Tombstones()


def _history(context: Context, live: LiveState, request: Request) -> History:
    """What the files said before; for pruning, also which tenants of orphans an earlier commit declared."""
    past = context.past(request)
    if not request.permissions.prune or request.removed is None:
        return past
    names = (orphan.tenant for orphan in orphans(context.desired, identify(context.desired, live)))
    return replace(past, removed=request.removed(by_document(live, past, names)))


def _unchanged_revisions(context: Context, request: Request, live: LiveState, plan: Plan) -> Mapping[str, int]:
    """Empty after a list only: without details, nobody knows whether a tenant differs."""
    if request.depth is Depth.LIST:
        return {}
    return unchanged_revisions(context.desired, live, plan, request.selection)


def _unused_dead_runs(request: Request, live: LiveState) -> Iterator[Note]:
    """A note for each run that was declared dead without effect, for example because it is misspelt."""
    for run in sorted(request.dead_runs - live.fates.keys()):
        yield Note(None, f"--run-is-dead {run} has no effect: no tenant has a second project of that run")


def _removed_tenants(request: Request) -> Iterator[Note]:
    """A note for each tenant that no file declares any more: no selection includes it."""
    for tenant in request.gone:
        told = "no file declares the tenant any more: its project stays; to delete it, add state: absent"
        yield Note(tenant.name, told, tenant.location)
