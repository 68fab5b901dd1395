"""make_plan: the differences between desired and live state, as ordered actions.

Total and deterministic: the same inputs give the same plan. It plans everything that differs; the guards then
remove what must not go ahead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    moves,
    orphans,
    previews,
    recovery,
    rivals,
)
from reconciler.plan.actions.project import DeleteDuplicate, DeleteProject
from reconciler.plan.budget import estimate
from reconciler.plan.concerns import (
    NAMES,
)
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.file_changes import file_changes
from reconciler.plan.history import History
from reconciler.plan.identity import identify
from reconciler.plan.in_sync import settled
from reconciler.plan.plan import Plan, Refusal, TenantPlan
from reconciler.plan.resets import NOTHING_RAISED
from reconciler.plan.tenant_planner import TenantPlanner
from reconciler.plan.tombstones import NOTHING_KNOWN, ending
from reconciler.plan.unmanaged import unmanaged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.identity import Identities
    from reconciler.plan.plan import Conflict, Orphan
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
    tenants = selection.of(desired.tenants)
    undeclared = orphans.orphans(desired, identities) if selection.everything and live.listed else ()
    concerns = frozenset(only)
    found = rivals.find(desired, identities, tenants) if PROJECT.name in concerns else ()
    decisions = rivals.decide(desired, live, found, now)
    apart = settled(desired, history, identities)
    selected, tenants = tenants, [tenant for tenant in tenants if tenant.name not in apart]
    mismatches = {
        **_all_mismatches(desired, live, history, tenants, identities, now),
        **ending(desired, live, history, tombstones, tenants, identities),
    }
    planner = TenantPlanner(
        desired, live, history, concerns, identities, decisions, now, tombstones, raised, moved
    )
    plans = [planner.tenant(tenant) for tenant in tenants if tenant.name not in mismatches]
    if prune and PROJECT.name in concerns and not desired.held_back:
        plans += planner.prunings(undeclared)
    plans = sorted((plan for plan in plans if plan.actions), key=lambda plan: plan.tenant)
    actions = _actions_by_tenant(plans, planner.refusals)
    notes = (
        *coverage.notes(desired, live, tenants, identities, prune=prune),
        *recovery.notes(desired, live, tenants, plans),
        *rivals.notes(decisions),
        *accepted.notes(desired, history, tenants, now),
        *default_branch.endangered_annotation_notes(desired, live, tenants, identities),
        *previews.notes(desired.fleet, tenants, identities, now),
        *moves.integration_notes(plans),
        *ends.notes(desired, tenants, plans),
        *planner.notes,
    )
    return Plan(
        fleet=desired.fleet,
        tenants=tuple(plans),
        refusals=tuple(planner.refusals),
        conflicts=_conflicts(desired, history, tenants, identities, decisions, mismatches),
        orphans=_staying(undeclared, plans),
        notes=notes,
        coverage=coverage.coverage(desired, live, selected, identities, concerns, settled=apart),
        budget=estimate(plans, desired, live),
        unmanaged=unmanaged(
            desired, history, _projects(tenants, identities, mismatches), _paths(actions), concerns
        ),
        file_changes=file_changes(desired, history, tenants, actions),
    )


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


def _all_mismatches(
    desired: DesiredState,
    live: LiveState,
    history: History,
    tenants: Sequence[Tenant],
    identities: Identities,
    now: datetime,
) -> dict[str, Conflict]:
    """Return the conflicts of tenants that are not planned; of several for one tenant, the last one."""
    return {
        **at_creation.pin_mismatches(desired, history, tenants, identities),
        **_unrecoverable(desired, live, tenants, identities, now),
        **_switched(desired, tenants, identities),
        **adoption.reused_names(desired, live, history, tenants, identities, now),
    }


def _switched(desired: DesiredState, tenants: Iterable[Tenant], identities: Identities) -> dict[str, Conflict]:
    judged = (
        default_branch.switched(tenant, project, desired.default_branch(tenant))
        for tenant, project in identities.matched(tenants)
        if not tenant.absent
    )
    return {conflict.tenant: conflict for conflict in judged if conflict}


def _unrecoverable(
    desired: DesiredState, live: LiveState, tenants: Iterable[Tenant], identities: Identities, now: datetime
) -> dict[str, Conflict]:
    asking = [tenant for tenant in tenants if tenant.recover]
    if not asking:
        return {}
    seen = recovery.ProjectsById.of(live)
    found = (recovery.conflict(desired, live, seen, tenant, identities, now) for tenant in asking)
    return {conflict.tenant: conflict for conflict in found if conflict}


def _conflicts(
    desired: DesiredState,
    history: History,
    tenants: Iterable[Tenant],
    identities: Identities,
    decisions: Mapping[str, Decision],
    mismatches: Mapping[str, Conflict],
) -> tuple[Conflict, ...]:
    """Return the conflicts of the tenants, except those that the deletion of a second project ends."""
    ended = {name for name, decision in decisions.items() if decision.actions} - mismatches.keys()
    found = {**identities.conflicts, **rivals.conflicts(decisions), **mismatches}
    return tuple(
        replace(found[tenant.name], asked_for=history.moved(tenant.name, declared_fields.fields(desired, tenant)))
        for tenant in tenants
        if tenant.name in found and tenant.name not in ended
    )


def _staying(orphans: Iterable[Orphan], plans: Iterable[TenantPlan]) -> tuple[Orphan, ...]:
    """Return the orphans without a planned deletion."""
    actions = (action for plan in plans for action in plan.actions)
    deleted = {action.project_id for action in actions if isinstance(action, DeleteProject | DeleteDuplicate)}
    return tuple(orphan for orphan in orphans if orphan.project.id not in deleted)
