"""Planning from an observation: the differences, what the guards allow of them, and what a saved plan permits."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING

from reconciler.apply.run.planned import Planned
from reconciler.desired.selection import Depth
from reconciler.errors import NoOwnProjectError
from reconciler.fleet.context import Files
from reconciler.model.values import replace
from reconciler.plan import adoption
from reconciler.plan.approval import approve
from reconciler.plan.budget import estimate
from reconciler.plan.concerns import branches
from reconciler.plan.guards import guard, with_all_refused
from reconciler.plan.guards.tenant import BY_PIN
from reconciler.plan.identity import identify
from reconciler.plan.late_turn import PlanInputs, reach_of_few
from reconciler.plan.orphans import by_document, orphans
from reconciler.plan.plan import Note
from reconciler.plan.planner import make_plan
from reconciler.plan.registration import certain_projects, misplaced, unchanged_revisions
from reconciler.plan.resets import NOTHING_RAISED, asked
from reconciler.plan.summary import by_tenant
from reconciler.plan.swapped_organizations import require_unswapped_organizations
from reconciler.plan.tombstones import Tombstones, behind_documents, unnamed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.desired.policies import DeclaredPolicy
    from reconciler.desired.state import DesiredState
    from reconciler.fleet.context import Context
    from reconciler.fleet.request import Request
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.forecast import Forecast
    from reconciler.plan.history import History
    from reconciler.plan.plan import Plan, TenantPlan, TenantTier
    from reconciler.plan.policies import PolicyJudge
    from reconciler.plan.registered_strings import ExpectedStrings
    from reconciler.plan.resets import RaisedNumbers


def compared(context: Context, live: LiveState, request: Request, observed_at: float) -> Planned:
    """Everything that differs between files and live state, before any guard."""
    now = context.time()
    plan_inputs, plan = differences(context, live, request, now)
    notes = (*plan.notes, *context.clock_notes())
    complete = replace(plan, notes=notes, organizations=context.neon.organization_ids, api_host=context.api_host)
    return Planned(
        complete,
        live,
        now,
        observed_at,
        plan_inputs,
        unchanged_revisions=_unchanged_revisions(context, request, live, plan),
        placements=(
            misplaced(context.desired, live, plan, request.selection) if context.registry.keeps_rows else ()
        ),
        strings_due=_strings_due(context, request, live, plan),
        shard=request.selection.shard,
    )


def differences(files: Files, live: LiveState, request: Request, now: datetime) -> tuple[PlanInputs, Plan]:
    """The plan before any guard, and all that it was made from beside live state.

    Raises WrongOrganizationError if the organizations seem to be swapped, and RenamedFleetError.
    """
    past = files.past(request)
    if past.base is not None and past.base.fleet != files.desired.fleet:
        from reconciler.plan.renamed_fleet import require_the_same_fleet  # noqa: PLC0415 - for such files only

        require_the_same_fleet(files.desired, live, past)
    require_unswapped_organizations(files.desired, live, past, request.permissions)
    plan_inputs = _plan_inputs(files, live, request)
    plan = make_plan(
        files.desired,
        live,
        now=now,
        history=plan_inputs.history,
        selection=request.selection,
        only=request.only,
        prune=request.permissions.prune,
        tombstones=plan_inputs.tombstones,
        raised=plan_inputs.raised,
    )
    notes = (*plan.notes, *_unused_dead_runs(request, live), *_removed_tenants(request))
    return plan_inputs, replace(plan, notes=notes)


def permit(files: Files, compared: Planned, request: Request) -> Planned:
    """What the guards allow of the differences. A late turn is judged by the same permissions and policies.

    Raises PolicyError if the policies cannot be evaluated.
    """
    files = Files(desired=compared.plan_inputs.desired, moment=compared.at)
    judge = policy_judge(files, request, compared.at)
    plan = guard(
        compared.plan,
        files.desired,
        compared.live,
        request.permissions,
        history=files.past(request),
        selection=request.selection,
        strict=request.strict,
        now=compared.at,
        policies=judge,
    )
    from reconciler.plan.counted_as_branches import notes_on_places  # noqa: PLC0415 - not before the first request
    from reconciler.usage.after_plan import notes_after  # noqa: PLC0415 - as above

    places = notes_on_places(plan, files.desired, compared.live, compared.at)
    plan = replace(plan, notes=(*plan.notes, *notes_after(plan, files.desired), *places))
    plan = _with_forecast(plan, compared.plan, files.desired.at(compared.at), files.past(request))
    if request.authors is not None:
        from reconciler.plan.authors import with_authors  # noqa: PLC0415 - not before the first request

        plan = with_authors(plan, request.authors)
    plan = _with_cost(plan, files.desired)
    plan = _with_overview(plan, files.desired, compared.live, request)
    inputs = replace(compared.plan_inputs, permissions=request.permissions, policies=judge)
    return replace(compared, plan=plan, plan_inputs=inputs)


def policy_judge(files: Files, request: Request, now: datetime) -> PolicyJudge | None:
    """What evaluates the policies; None if there are none. Raises PolicyError if one cannot be compiled."""
    if request.policies is None:
        policies = (*files.desired.policies, *_policies_ahead(files, request))
    else:
        policies = request.policies
    if not policies:
        return None
    from reconciler.fleet.policies import compiled_policies  # noqa: PLC0415 - for a fleet with policies only

    return compiled_policies(policies, files, request, now)


def _policies_ahead(files: Files, request: Request) -> Iterator[DeclaredPolicy]:
    """Yield the policies with which the base is ahead: nothing that they deny is done by files without them."""
    past = request.past
    if past.base is None or past.fork is None:
        return
    for policy in past.base.policies:
        read = methodcaller("policy_named", policy.name)
        yield from past.ahead(files.desired, read)


def approved(context: Context, planned: Planned, saved: Plan, *, strict: bool) -> Planned:
    """What a saved plan permits of a guarded plan."""
    approval = approve(planned.plan, saved)
    plan, stale = approval.plan, len(approval.stale)
    if strict and stale:
        plan = with_all_refused(plan, f"{stale} stale tenant{'s' if stale > 1 else ''}")
    budget = estimate(plan.tenants, context.desired, planned.live)
    plan = replace(plan, budget=budget, forecast=_forecast(plan.tenants, plan.tiers, context.desired))
    plan = _with_cost(plan, context.desired)
    return replace(planned, plan=plan, stale=approval.stale)


def _with_overview(plan: Plan, desired: DesiredState, live: LiveState, request: Request) -> Plan:
    """A run about few tenants lists no organization: it knows nothing of the fleet."""
    if not live.listed:
        return plan
    from reconciler.plan.counting import with_overview  # noqa: PLC0415 - for fleets only

    return with_overview(plan, desired, request.selection, live.listed)


def _with_forecast(plan: Plan, compared: Plan, desired: DesiredState, history: History) -> Plan:
    """``compared`` is the plan before any guard: it has the projects of the tenants that are refused."""
    from reconciler.plan.tenant_tier import tiers  # noqa: PLC0415 - not before the first request

    known = tiers(plan, desired, history)
    seen = {tenant.tenant: tenant.project for tenant in compared.tenants}
    refused = by_tenant(action for refusal in plan.refusals if refusal.asked_for for action in refusal.actions)
    asked = [replace(tenant, project=seen.get(tenant.tenant)) for tenant in refused]
    return replace(
        plan,
        tiers=known,
        forecast=_forecast(plan.tenants, known, desired),
        refused_forecast=_forecast(asked, known, desired),
    )


def _forecast(
    planned: Sequence[TenantPlan], tiers: Mapping[str, TenantTier], desired: DesiredState
) -> Forecast | None:
    from reconciler.usage.forecast import forecast  # noqa: PLC0415 - not before the first request

    return forecast(planned, tiers, desired)


def _with_cost(plan: Plan, desired: DesiredState) -> Plan:
    """Without prices, nothing is calculated."""
    if desired.prices is None:
        return plan
    from reconciler.plan.costs import with_cost  # noqa: PLC0415 - for prices only

    return with_cost(plan, desired)


def own_project(context: Context, planned: Planned, history: History, tenant: str) -> LiveProject:
    """The tenant's project, confirmed by more than its name: before it is changed, or its data given away.

    Raises NoOwnProjectError if there is no project, where several projects match, or where only the name
    matches.
    """
    desired, live = context.desired, planned.live
    for conflict in planned.plan.conflicts:
        if conflict.tenant == tenant:
            raise NoOwnProjectError(conflict.message, hint=conflict.remedy)
    identities, declared = identify(desired, live), desired.tenants[tenant]
    project = identities.projects.get(tenant)
    if tenant in identities.not_returned:
        raise NoOwnProjectError(f"Neon does not show the project of tenant {tenant}", hint="run again later")
    if project is None:
        raise NoOwnProjectError(
            f"tenant {tenant} has no project", hint=f"`reconciler converge {tenant}` creates it"
        )
    if not adoption.confirmed(desired, live, history, declared, project):
        raise NoOwnProjectError(
            f"project {project.id} was found by its name only: it may be another customer's", hint=BY_PIN
        )
    return project


def _plan_inputs(files: Files, live: LiveState, request: Request) -> PlanInputs:
    selected = len(request.selection.of(files.desired.tenants))
    return PlanInputs(
        desired=files.desired,
        history=_history(files, live, request),
        permissions=request.permissions,
        only=request.only,
        tombstones=_tombstones(files, live, request),
        raised=_raised(files, request),
        depth=request.depth,
        reach=reach_of_few(request.reach, selected),
    )


def _tombstones(files: Files, live: LiveState, request: Request) -> Tombstones:
    """Since when tenants are declared absent. A document declares it now, and is not looked up in the history; the
    file that it replaces is.
    """
    chosen, past = list(request.selection.of(files.desired.tenants)), request.past
    identities = identify(files.desired, live)
    asked = [one.name for one, _ in unnamed(chosen, identities) if one.name not in past.documents]
    asked += [one.name for one, _, _ in behind_documents(past, chosen, identities)]
    return request.tombstones(asked) if asked and request.tombstones else Tombstones()


def _raised(files: Files, request: Request) -> RaisedNumbers:
    """When the numbers grew that ask for resets of branches. Git is read only where one did."""
    if request.raised is None or branches.NAME not in request.only:
        return NOTHING_RAISED
    chosen = request.selection.of(files.desired.tenants)
    grown = list(asked(files.desired, files.past(request), chosen))
    return request.raised(grown) if grown else NOTHING_RAISED


def _history(files: Files, live: LiveState, request: Request) -> History:
    """The files at earlier commits; for pruning, also which tenants of orphans an earlier commit declared."""
    past = files.past(request)
    if not request.permissions.prune or request.removed is None:
        return past
    found = orphans(files.desired, identify(files.desired, live))
    return replace(past, removed=request.removed(by_document(files.desired, live, past, found)))


def _unchanged_revisions(context: Context, request: Request, live: LiveState, plan: Plan) -> Mapping[str, int]:
    """Empty after a list only: without details, it is unknown whether a tenant differs."""
    if request.depth is Depth.LIST:
        return {}
    return unchanged_revisions(context.desired, live, plan, request.selection)


def _strings_due(context: Context, request: Request, live: LiveState, plan: Plan) -> tuple[ExpectedStrings, ...]:
    due = any(row.strings_due_since for row in live.registered.values())
    if not due or not context.registry.keeps_strings:
        return ()
    from reconciler.apply.registry_writes.claims import LAPSES_AFTER  # noqa: PLC0415 - for the registries that keep strings only
    from reconciler.plan.registered_strings import due_strings  # noqa: PLC0415

    certain = certain_projects(context.desired, live, plan, request.selection)
    return tuple(due_strings(context.desired, certain, live.registered, context.time() - LAPSES_AFTER))


def _unused_dead_runs(request: Request, live: LiveState) -> Iterator[Note]:
    """A note for each run that was declared dead without effect, for example because it is misspelt."""
    for run in sorted(request.dead_runs - live.run_statuses.keys()):
        yield Note(None, f"--run-is-dead {run} has no effect: no tenant has a second project of that run")


def _removed_tenants(request: Request) -> Iterator[Note]:
    """A note for each tenant that no file declares any more: no selection includes it."""
    for tenant in request.gone:
        text = "no file declares the tenant any more: its project stays; to delete it, add state: absent"
        yield Note.about(tenant, text)
