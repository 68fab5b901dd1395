"""make_plan: the differences between desired and live state, as ordered actions.

Total and deterministic: the same inputs give the same plan. It plans everything that differs; the guards then
remove what must not go ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.desired.selection import Selection
from reconciler.model.values import replace
from reconciler.plan import (
    accepted,
    adoption,
    at_creation,
    coverage,
    declared_fields,
    default_branch,
    ends,
    in_sync,
    moves,
    orphans,
    previews,
    recovery,
    rivals,
)
from reconciler.plan.actions.project import DeleteDuplicate, DeleteProject
from reconciler.plan.budget import estimate
from reconciler.plan.concerns import NAMES
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.file_changes import file_changes
from reconciler.plan.history import History
from reconciler.plan.identity import identify
from reconciler.plan.plan import Plan
from reconciler.plan.resets import NOTHING_RAISED
from reconciler.plan.tenant_planner import TenantPlanner
from reconciler.plan.tombstones import NOTHING_KNOWN, ending
from reconciler.plan.unmanaged import unmanaged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.identity import Identities
    from reconciler.plan.plan import Conflict, Note, Orphan, Refusal, TenantPlan
    from reconciler.plan.resets import RaisedNumbers
    from reconciler.plan.rivals import Decision
    from reconciler.plan.tombstones import Tombstones


def make_plan(
    desired: DesiredState,
    live: LiveState,
    *,
    now: datetime,
    history: History = History(),
    selection: Selection = Selection(),
    only: Iterable[str] = NAMES,
    prune: bool = False,
    tombstones: Tombstones = NOTHING_KNOWN,
    raised: RaisedNumbers = NOTHING_RAISED,
    moved: Collection[str] = (),
) -> Plan:
    """Plan everything that differs, for the selected tenants and the concerns named in ``only``.

    ``now`` decides only what has expired or ended and what lies in a restore window; no action contains it.
    ``history`` holds what the files said before: it decides the cause of a difference. ``prune`` plans the
    deletion of owned orphans; ``tombstones`` holds when those were written, ``raised`` when the numbers grew that
    ask for resets. ``moved`` are tenants whose projects the run that plans again has transferred.
    """
    dated = desired.at(now)
    desired, history = dated, (history if dated is desired else history.under(dated)).at(now)
    identities = identify(desired, live)
    concerns = frozenset(only)
    selected = selection.of(desired.tenants)
    settled = in_sync.settled(desired, history, identities)
    tenants = [tenant for tenant in selected if tenant.name not in settled]
    inputs = _Inputs(desired, live, history, identities, tenants, now)
    doubles = rivals.find(desired, identities, selected) if PROJECT.name in concerns else ()
    decisions = rivals.decide(desired, live, doubles, now)
    mismatches = _mismatches(inputs, tombstones)
    planner = TenantPlanner(
        desired, live, history, concerns, identities, decisions, now, tombstones, raised, moved
    )
    undeclared = orphans.orphans(desired, identities) if selection.everything and live.listed else ()
    pruned = undeclared if prune and PROJECT.name in concerns and not desired.held_back else ()
    plans = _tenant_plans(planner, tenants, mismatches, pruned)
    actions = _actions_by_tenant(plans, planner.refusals)
    return Plan(
        fleet=desired.fleet,
        tenants=plans,
        refusals=tuple(planner.refusals),
        conflicts=_conflicts(inputs, decisions, mismatches),
        orphans=_staying(undeclared, plans),
        notes=(*_notes(inputs, decisions, plans, prune=prune), *planner.notes),
        coverage=coverage.coverage(desired, live, selected, identities, concerns, settled=settled),
        budget=estimate(plans, desired, live),
        unmanaged=unmanaged(
            desired, history, _projects(tenants, identities, mismatches), _paths(actions), concerns
        ),
        file_changes=file_changes(desired, history, tenants, actions),
    )


class _Inputs(Struct, frozen=True):
    """What the steps of a plan compare."""

    desired: DesiredState
    live: LiveState
    history: History
    identities: Identities
    tenants: Sequence[Tenant]
    """The selected tenants, without those that are in sync by their projects alone."""
    now: datetime


def _tenant_plans(
    planner: TenantPlanner,
    tenants: Iterable[Tenant],
    mismatches: Mapping[str, Conflict],
    pruned: Sequence[Orphan],
) -> tuple[TenantPlan, ...]:
    """Return the plans that have actions, by tenant; the planner keeps what it refuses and notes."""
    plans = [planner.tenant(tenant) for tenant in tenants if tenant.name not in mismatches]
    if pruned:
        plans += planner.prunings(pruned)
    return tuple(sorted((plan for plan in plans if plan.actions), key=lambda plan: plan.tenant))


def _notes(
    inputs: _Inputs, decisions: Mapping[str, Decision], plans: Sequence[TenantPlan], *, prune: bool
) -> Iterator[Note]:
    desired, live, tenants, identities = inputs.desired, inputs.live, inputs.tenants, inputs.identities
    yield from coverage.notes(desired, live, tenants, identities, prune=prune)
    yield from recovery.notes(desired, live, tenants, plans)
    yield from rivals.notes(decisions)
    yield from accepted.notes(desired, inputs.history, tenants, inputs.now)
    yield from default_branch.endangered_annotation_notes(desired, live, tenants, identities)
    yield from previews.notes(desired.fleet, tenants, identities, inputs.now)
    yield from moves.integration_notes(plans)
    yield from ends.notes(desired, tenants, plans)


def _actions_by_tenant(plans: Iterable[TenantPlan], refusals: Iterable[Refusal]) -> dict[str, list[Action]]:
    """Return the actions of each tenant, refused or not."""
    found: dict[str, list[Action]] = {}
    for actions in (*(plan.actions for plan in plans), *(refusal.actions for refusal in refusals)):
        for action in actions:
            found.setdefault(action.tenant, []).append(action)
    return found


def _paths(actions: Mapping[str, Iterable[Action]]) -> dict[str, set[str]]:
    return {name: {c.path for action in those for c in action.changes} for name, those in actions.items()}


def _projects(
    tenants: Iterable[Tenant], identities: Identities, mismatches: Mapping[str, Conflict]
) -> dict[str, LiveProject]:
    """Return the projects of the tenants that are not in conflict, by tenant."""
    named = (tenant.name for tenant in tenants if tenant.name not in mismatches)
    return {name: identities.projects[name] for name in named if name in identities.projects}


def _mismatches(inputs: _Inputs, tombstones: Tombstones) -> dict[str, Conflict]:
    """Return the conflicts of tenants that are not planned; of several for one tenant, the last one."""
    desired, live, history = inputs.desired, inputs.live, inputs.history
    tenants, identities = inputs.tenants, inputs.identities
    return {
        **at_creation.pin_mismatches(desired, history, tenants, identities),
        **_unrecoverable(inputs),
        **_switched(inputs),
        **adoption.reused_names(desired, live, history, tenants, identities, inputs.now),
        **ending(desired, live, history, tombstones, tenants, identities),
    }


def _switched(inputs: _Inputs) -> dict[str, Conflict]:
    """Return the conflicts of tenants with another default branch than their files name."""
    judged = (
        default_branch.switched(tenant, project, inputs.desired.default_branch(tenant))
        for tenant, project in inputs.identities.matched(inputs.tenants)
        if not tenant.absent
    )
    return {conflict.tenant: conflict for conflict in judged if conflict}


def _unrecoverable(inputs: _Inputs) -> dict[str, Conflict]:
    """Return the conflicts of tenants whose deleted project cannot be recovered."""
    asking = [tenant for tenant in inputs.tenants if tenant.recover]
    if not asking:
        return {}
    seen = recovery.ProjectsById.of(inputs.live)
    found = (
        recovery.conflict(inputs.desired, inputs.live, seen, tenant, inputs.identities, inputs.now)
        for tenant in asking
    )
    return {conflict.tenant: conflict for conflict in found if conflict}


def _conflicts(
    inputs: _Inputs, decisions: Mapping[str, Decision], mismatches: Mapping[str, Conflict]
) -> tuple[Conflict, ...]:
    """Return the conflicts of the tenants, except those that the deletion of a second project ends."""
    ended = {name for name, decision in decisions.items() if decision.actions} - mismatches.keys()
    found = {**inputs.identities.conflicts, **rivals.conflicts(decisions), **mismatches}
    return tuple(
        replace(found[tenant.name], asked_for=_is_asked_for(inputs, tenant))
        for tenant in inputs.tenants
        if tenant.name in found and tenant.name not in ended
    )


def _is_asked_for(inputs: _Inputs, tenant: Tenant) -> bool:
    """Return whether the files changed what the tenant has, or by what its project is found."""
    now = declared_fields.fields(inputs.desired, tenant)
    return inputs.history.moved(tenant.name, now) or inputs.history.is_found_otherwise(tenant)


def _staying(orphans: Iterable[Orphan], plans: Iterable[TenantPlan]) -> tuple[Orphan, ...]:
    """Return the orphans without a planned deletion."""
    actions = (action for plan in plans for action in plan.actions)
    deleted = {action.project_id for action in actions if isinstance(action, DeleteProject | DeleteDuplicate)}
    return tuple(orphan for orphan in orphans if orphan.project.id not in deleted)
