"""make_plan: the differences between desired and live state, as ordered actions.

Total and deterministic: the same inputs give the same plan. It plans everything that differs; the guards then
remove what must not go ahead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from reconciler.desired.selection import Selection
from reconciler.desired.tier import OrganizationLimits
from reconciler.plan import (
    accepted,
    adoption,
    at_creation,
    declared_fields,
    default_branch,
    lifecycle,
    moves,
    pruning,
    recovery,
    rivals,
    survey,
    unmanaged_computes,
)
from reconciler.plan.action import DeleteDuplicate
from reconciler.plan.budget import estimate
from reconciler.plan.comparison import Comparison
from reconciler.plan.concerns import NAMES, branches, snapshots
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.converge import converge, in_sync, permanent
from reconciler.plan.declared_fields import in_another_tier
from reconciler.plan.file_changes import file_changes
from reconciler.plan.history import History
from reconciler.plan.identity import identify
from reconciler.plan.order import ordered
from reconciler.plan.past import NOTHING
from reconciler.plan.plan import Note, Plan, Refusal, TenantPlan
from reconciler.plan.tombstones import NOTHING_KNOWN, later_project_refusal
from reconciler.plan.unmanaged import unmanaged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.identity import Identities
    from reconciler.plan.plan import Conflict, Orphan
    from reconciler.plan.rivals import Ruling
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
) -> Plan:
    """Plan everything that differs, for the selected tenants and the concerns named in ``only``.

    ``now`` decides only what has expired and what lies in a restore window; no action contains it. ``history``
    holds what the files said before: it decides the cause of a difference. ``prune`` plans the deletion of owned
    orphans; ``tombstones`` holds when those were written.
    """
    identities = identify(desired, live)
    tenants = [tenant for tenant in desired.tenants.values() if selection.includes(tenant)]
    mismatches = _mismatches(desired, history, tenants, identities) | _unrecoverable(
        desired, live, tenants, identities, now
    )
    mismatches |= _switched(desired, tenants, identities)
    mismatches |= adoption.reused_names(desired, live, history, tenants, identities, now)
    orphans = survey.orphans(desired, identities) if selection.everything and live.listed else ()
    concerns = frozenset(only)
    found = rivals.find(desired, identities, tenants) if PROJECT.name in concerns else ()
    rulings = rivals.rule(desired, live, found, now)
    planner = _Planner(desired, live, history, concerns, identities, rulings, now, tombstones)
    plans = [planner.tenant(tenant) for tenant in tenants if tenant.name not in mismatches]
    if prune and PROJECT.name in concerns and not desired.held_back:
        judged = list(pruning.prunings(desired, live, history, orphans, now))
        pruned = [one for one in judged if isinstance(one, TenantPlan)]
        planner.refusals += [one for one in judged if isinstance(one, Refusal)]
        plans += pruned
        orphans = _left(orphans, pruned)
    plans = sorted((plan for plan in plans if plan.actions), key=lambda plan: plan.tenant)
    planned_for = _planned_for(plans, planner.refusals)
    told = {name: {c.path for action in actions for c in action.changes} for name, actions in planned_for.items()}
    kept = {t.name: identities.projects[t.name] for t in tenants if t.name in identities.projects}
    kept = {name: project for name, project in kept.items() if name not in mismatches}
    settled = {name for name, ruling in rulings.items() if ruling.actions}
    undecided = {**identities.conflicts, **rivals.conflicts(rulings), **mismatches}
    return Plan(
        fleet=desired.fleet,
        tenants=tuple(plans),
        refusals=tuple(planner.refusals),
        conflicts=_conflicts(
            desired, history, (t for t in tenants if t.name not in settled or t.name in mismatches), undecided
        ),
        orphans=_without_duplicates(orphans, plans),
        notes=(
            *survey.notes(desired, live, tenants, identities, prune=prune),
            *recovery.notes(desired, live, tenants, plans),
            *rivals.notes(rulings),
            *accepted.notes(desired, history, tenants, now),
            *default_branch.endangered_annotation_notes(desired, live, tenants, identities),
            *moves.integration_notes(plans),
            *planner.notes,
        ),
        coverage=survey.coverage(desired, live, tenants, identities, concerns),
        budget=estimate(plans, desired, live),
        unmanaged=unmanaged(desired, history, kept, told, concerns),
        file_changes=file_changes(desired, history, tenants, planned_for),
    )


def _planned_for(plans: Iterable[TenantPlan], refusals: Iterable[Refusal]) -> dict[str, list[Action]]:
    """Return the actions of each tenant, refused or not."""
    found: dict[str, list[Action]] = {}
    for actions in (*(plan.actions for plan in plans), *(refusal.actions for refusal in refusals)):
        for action in actions:
            found.setdefault(action.tenant, []).append(action)
    return found


class _Planner:
    """Plans one tenant after another, and collects ``refusals`` and ``integration_notes``."""

    def __init__(
        self,
        desired: DesiredState,
        live: LiveState,
        history: History,
        only: frozenset[str],
        identities: Identities,
        rulings: Mapping[str, Ruling],
        now: datetime,
        tombstones: Tombstones,
    ) -> None:
        self._desired = desired
        self._live = live
        self._seen = recovery.ById.of(live)
        self._history = history
        self._only = only
        self._identities = identities
        self._rulings = rulings
        self._now = now
        self._tombstones = tombstones
        self.refusals: list[Refusal] = []
        self.notes: list[Note] = []

    def tenant(self, tenant: Tenant) -> TenantPlan:
        project = self._identities.projects.get(tenant.name)
        ruling = self._rulings.get(tenant.name)
        if ruling and ruling.actions and ruling.rivals.contested:
            return TenantPlan(tenant.name, ruling.rivals.first, ruling.actions, tenant.revision)
        if project is None and PROJECT.name in self._only:
            recovered = recovery.plan(self._seen, tenant, self._identities, self._history.past(tenant.name))
            if recovered is not None:
                return recovered
        actions = (
            *self._adoption(tenant, project),
            *self._actions(tenant, project),
            *(ruling.actions if ruling else ()),
        )
        return TenantPlan(tenant.name, project, ordered(actions), tenant.revision)

    def _adoption(self, tenant: Tenant, project: LiveProject | None) -> Iterator[Action]:
        """Yield the action that marks a project found by name only; if it cannot be marked, add a note."""
        if project is None or project.branches is None or tenant.absent or PROJECT.name not in self._only:
            return
        if adoption.confirmed(self._desired, self._live, self._history, tenant, project):
            return
        mark = adoption.adopt(self._desired, tenant, project)
        if isinstance(mark, Note):
            self.notes.append(mark)
        else:
            yield mark

    def _actions(self, tenant: Tenant, project: LiveProject | None) -> Iterable[Action]:
        lifecycles = PROJECT.name in self._only
        if tenant.absent:
            return self._end(tenant, project) if project and lifecycles else ()
        if project is not None:
            return self._converge(tenant, project)
        if lifecycles and self._identities.missing(tenant):
            return self._create(tenant)
        return ()

    def _end(self, tenant: Tenant, project: LiveProject) -> Iterator[Action]:
        delete = lifecycle.delete(self._desired, tenant, project.id, self._history.past(tenant.name))
        refusal = later_project_refusal(
            self._desired, self._live, self._tombstones, tenant, project, delete, self._now
        )
        if refusal is None:
            yield delete
        else:
            self.refusals.append(refusal)

    def _create(self, tenant: Tenant) -> Iterator[Action]:
        past = self._history.past(tenant.name)
        create = lifecycle.create(self._desired, tenant, past)
        yield create
        created = lifecycle.as_created(self._desired, tenant, create, self._now)
        comparison = self._comparison(tenant, self._desired.settings(tenant), created)
        # Everything in a new project is asked for as much as its creation.
        yield from self._below(replace(comparison, past=None if past is None else NOTHING, at_base={}))

    def _converge(self, tenant: Tenant, project: LiveProject) -> Iterator[Action]:
        settings = self._desired.settings(tenant)
        self.refusals += at_creation.changed(self._desired, self._history, tenant, project)
        here = self._limits(project.organization)
        self.refusals += unmanaged_computes.findings(tenant.name, settings, project, here, self._only)
        if settings.dev_branches is None and settings.snapshots is None and in_sync(settings, project):
            return
        comparison = self._comparison(tenant, settings, project)
        self.refusals += permanent(comparison)
        yield from converge(comparison)
        yield from self._below(comparison)

    def _below(self, comparison: Comparison) -> Iterator[Action]:
        """Yield branch and snapshot actions, for new and existing projects alike."""
        found = list(branches.findings(comparison))
        for finding in (*found, *snapshots.findings(comparison, found)):
            if isinstance(finding, Note):
                self.notes.append(finding)
            elif isinstance(finding, Refusal):
                self.refusals.append(finding)
            else:
                yield finding

    def _comparison(self, tenant: Tenant, settings: Settings, project: LiveProject) -> Comparison:
        past = adoption.past(self._desired, self._live, self._history, tenant, project)
        changes_tier = any(f.tenants[tenant.name].tier != tenant.tier for f in self._history.earlier(tenant.name))
        if (
            past
            and changes_tier
            and in_another_tier(self._desired, self._history.earlier(tenant.name), tenant, project)
        ):
            past = replace(past, in_another_tier=True)
        return Comparison(
            fleet=self._desired.fleet,
            tenant=tenant,
            settings=settings,
            project=project,
            wanted_now=declared_fields.fields(self._desired, tenant),
            past=past,
            at_base=self._history.at_base(tenant.name),
            only=self._only,
            here=self._limits(project.organization),
            there=self._limits(settings.organization),
            now=self._now,
        )

    def _limits(self, organization: str) -> OrganizationLimits:
        known = self._desired.organizations.get(organization)
        return OrganizationLimits() if known is None else known.limits


def _mismatches(
    desired: DesiredState, history: History, tenants: Iterable[Tenant], identities: Identities
) -> dict[str, Conflict]:
    """Return conflicts of pins that differ from live; those that a commit changed are refused instead
    (``at_creation``).
    """
    found = ((t, identities.projects.get(t.name)) for t in tenants if not t.absent)
    differing = (
        (tenant, project) for tenant, project in found if project and survey.pin_mismatch(tenant, project)
    )
    conflicts = (
        survey.pin_mismatch(tenant, project, at_creation.pins_changed(desired, history, tenant))
        for tenant, project in differing
    )
    return {conflict.tenant: conflict for conflict in conflicts if conflict}


def _switched(desired: DesiredState, tenants: Iterable[Tenant], identities: Identities) -> dict[str, Conflict]:
    """Return conflicts of projects whose default branch was changed."""
    found = ((t, identities.projects.get(t.name)) for t in tenants if not t.absent)
    judged = (
        default_branch.switched(tenant, project, desired.default_branch(tenant))
        for tenant, project in found
        if project
    )
    return {conflict.tenant: conflict for conflict in judged if conflict}


def _unrecoverable(
    desired: DesiredState, live: LiveState, tenants: Iterable[Tenant], identities: Identities, now: datetime
) -> dict[str, Conflict]:
    seen = recovery.ById.of(live)
    asking = (tenant for tenant in tenants if tenant.recover)
    found = (recovery.conflict(desired, live, seen, tenant, identities, now) for tenant in asking)
    return {conflict.tenant: conflict for conflict in found if conflict}


def _conflicts(
    desired: DesiredState, history: History, tenants: Iterable[Tenant], found: Mapping[str, Conflict]
) -> tuple[Conflict, ...]:
    return tuple(
        structs.replace(
            found[tenant.name], asked_for=history.moved(tenant.name, declared_fields.fields(desired, tenant))
        )
        for tenant in tenants
        if tenant.name in found
    )


def _left(orphans: Iterable[Orphan], pruned: Iterable[TenantPlan]) -> tuple[Orphan, ...]:
    """Return the orphans without a planned deletion."""
    spoken_of = {plan.project.id for plan in pruned if plan.project}
    return tuple(orphan for orphan in orphans if orphan.project.id not in spoken_of)


def _without_duplicates(orphans: Iterable[Orphan], plans: Iterable[TenantPlan]) -> tuple[Orphan, ...]:
    """Return the orphans that are not deleted as second projects."""
    actions = (action for plan in plans for action in plan.actions)
    doomed = {action.project_id for action in actions if isinstance(action, DeleteDuplicate)}
    return tuple(orphan for orphan in orphans if orphan.project.id not in doomed)
