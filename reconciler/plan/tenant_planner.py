"""The plan of one tenant: its adoption, creation, changes or end, and what is refused or noted on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.desired.tier import Occasion
from reconciler.model.values import replace
from reconciler.plan import (
    adoption,
    at_creation,
    declared_fields,
    lifecycle,
    orphans,
    recovery,
    rivals,
    suspensions,
    unmanaged_computes,
)
from reconciler.plan.accepted import accepts_more
from reconciler.plan.change import Origin
from reconciler.plan.comparison import Comparison
from reconciler.plan.concerns import (
    branch_contents,
    branches,
    databases,
    idle_branches,
    old_branches,
    protection,
    replicas,
    snapshots,
)
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.concerns.snapshot_occasions import SnapshotBefore, reduces, settings_with_snapshot
from reconciler.plan.converge import converge, in_sync, of_new_project, permanent
from reconciler.plan.declared_fields import in_another_tier
from reconciler.plan.in_sync import as_declared
from reconciler.plan.plan import Note, Refusal, TenantPlan, ordered
from reconciler.plan.resets import raised_for
from reconciler.plan.tenant_history import NOT_DECLARED, NOTHING
from reconciler.plan.tombstones import later_project_refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.comparison import Finding
    from reconciler.plan.history import History
    from reconciler.plan.identity import Identities
    from reconciler.plan.plan import Orphan
    from reconciler.plan.resets import RaisedNumbers
    from reconciler.plan.rivals import Decision
    from reconciler.plan.tombstones import Tombstones


@dataclass(slots=True)
class TenantPlanner:
    """Plans one tenant after another, and collects ``refusals`` and ``notes``."""

    _desired: DesiredState
    _live: LiveState
    _history: History
    _only: frozenset[str]
    _identities: Identities
    _decisions: Mapping[str, Decision]
    _now: datetime
    _tombstones: Tombstones
    _raised: RaisedNumbers
    _moved: Collection[str] = ()
    """Tenants whose projects the run that plans again has transferred."""
    _by_id: recovery.ProjectsById = field(init=False)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._by_id = recovery.ProjectsById.of(self._live)

    def tenant(self, tenant: Tenant) -> TenantPlan:
        """Return the plan of the tenant; empty if nothing differs."""
        project = self._identities.projects.get(tenant.name)
        decision = self._decisions.get(tenant.name)
        if decision and decision.actions and decision.rivals.contested:
            return TenantPlan(tenant.name, decision.rivals.first, decision.actions, tenant.revision)
        if project is None and PROJECT.name in self._only:
            recovered = recovery.plan(self._by_id, tenant, self._identities, self._history.past(tenant.name))
            if recovered is not None:
                return recovered
        actions = (
            *self._adoption(tenant, project),
            *self._actions(tenant, project),
            *(decision.actions if decision else ()),
        )
        return TenantPlan(tenant.name, project, ordered(actions), tenant.revision)

    def prunings(self, undeclared: Iterable[Orphan]) -> list[TenantPlan]:
        """Return the deletions of orphans."""
        judged = list(
            orphans.prunings(self._desired, self._live, self._history, self._identities, undeclared, self._now)
        )
        self.refusals += [one for one in judged if isinstance(one, Refusal)]
        return [one for one in judged if isinstance(one, TenantPlan)]

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
            if not tenant.suspended:
                return self._create(tenant)
            self.notes.append(Note.about(tenant, "no project is created for a suspended tenant"))
        return ()

    def _end(self, tenant: Tenant, project: LiveProject) -> Iterator[Action]:
        past = self._history.past(tenant.name)
        committed = past is not None and tenant.name not in self._history.documents
        delete = lifecycle.delete(self._desired, tenant, project.id, past)
        refusal = later_project_refusal(
            self._desired, self._live, self._tombstones, tenant, project, delete, self._now, committed=committed
        )
        if refusal is not None:
            self.refusals.append(refusal)
            return
        yield delete
        for finding in self._before_deletion(tenant, project, delete):
            if isinstance(finding, Note):
                self.notes.append(finding)
            elif not isinstance(finding, Refusal):
                yield finding

    def _before_deletion(self, tenant: Tenant, project: LiveProject, delete: Action) -> Iterator[Finding]:
        """Yield the snapshot that is taken before the deletion, where the tenant's tier asks for one."""
        asked = settings_with_snapshot(Occasion.DELETE, self._desired, tenant, self._history)
        if asked is not None:
            comparison = self._ending(tenant, project, asked)
            yield from SnapshotBefore(comparison, Occasion.DELETE, delete.changes[0].origin).findings()

    def _ending(self, tenant: Tenant, project: LiveProject, settings: Settings) -> Comparison:
        """A comparison without differences, for a project that is deleted."""
        here = self._desired.limits(project.organization)
        return Comparison(
            fleet=self._desired.fleet,
            tenant=tenant,
            settings=replace(settings, organization=project.organization),
            project=project,
            wanted_now={},
            past=None,
            at_base=None,
            only=self._only,
            here=here,
            there=here,
            now=self._now,
        )

    def _create(self, tenant: Tenant) -> Iterator[Action]:
        past = self._history.past(tenant.name)
        create = lifecycle.create(self._desired, tenant, past)
        yield create
        created = lifecycle.as_created(self._desired, tenant, create, self._now)
        comparison = self._comparison(tenant, self._desired.settings(tenant), created)
        # The cause of a creation is the cause of everything in the new project.
        comparison = replace(comparison, past=None if past is None else NOTHING, at_base={})
        yield from of_new_project(comparison)
        yield from self._below(comparison)

    def _converge(self, tenant: Tenant, project: LiveProject) -> Iterator[Action]:
        settings = self._desired.settings(tenant)
        self.refusals += at_creation.changed(self._desired, self._history, tenant, project)
        if as_declared(settings, project):
            return
        here = self._desired.limits(project.organization)
        self.refusals += unmanaged_computes.findings(tenant.name, settings, project, here, self._only)
        below = _looks_below(settings, project) or snapshots.exceed(here, project)
        if not below and in_sync(settings, project, here):
            return
        comparison = self._comparison(tenant, settings, project)
        self.refusals += permanent(comparison)
        patches = list(converge(comparison))
        yield from patches
        yield from suspensions.suspend(comparison, patches)
        yield from self._below(comparison, self._before_downgrade(comparison, patches))

    def _before_downgrade(self, comparison: Comparison, patches: Sequence[Action]) -> list[Finding]:
        """Return the snapshot before a reduction, if a tier asks for one."""
        tenant, project = comparison.tenant, comparison.project
        if tenant.suspended or not reduces(patches, project.default_branch):
            return []
        asked = settings_with_snapshot(Occasion.DOWNGRADE, self._desired, tenant, self._history)
        if asked is None:
            return []
        origins = [change.origin for action in patches if action.lowering for change in action.changes]
        ahead = all(origin is Origin.BASE_AHEAD for origin in origins)
        origin = Origin.BASE_AHEAD if ahead else Origin.CONFIG
        of_asking = replace(comparison, settings=_taken_as(asked, comparison.settings))
        return list(SnapshotBefore(of_asking, Occasion.DOWNGRADE, origin).findings())

    def _below(self, comparison: Comparison, before: Iterable[Finding] = ()) -> Iterator[Action]:
        """Yield actions on read replicas, branches and snapshots, for new and existing projects alike."""
        yield from protection.patches(comparison)
        found = [*before, *branches.findings(comparison), *old_branches.findings(comparison)]
        of_branches = (*branch_contents.findings(comparison, found), *snapshots.findings(comparison, found))
        for finding in (*replicas.findings(comparison), *found, *of_branches):
            if isinstance(finding, Note):
                self.notes.append(finding)
            elif isinstance(finding, Refusal):
                self.refusals.append(finding)
            else:
                yield finding

    def _comparison(self, tenant: Tenant, settings: Settings, project: LiveProject) -> Comparison:
        past = adoption.past(self._desired, self._live, self._history, tenant, project)
        at_base = self._history.at_base(tenant.name)
        if self._history.unfinished(tenant.name, rivals.creating_run(project)):
            past, at_base = past and NOT_DECLARED, {}
        changes_tier = any(f.tenants[tenant.name].tier != tenant.tier for f in self._history.earlier(tenant.name))
        if (
            past
            and changes_tier
            and in_another_tier(self._desired, self._history.earlier(tenant.name), tenant, project)
        ):
            past = replace(past, in_another_tier=True)
        wanted = declared_fields.fields(self._desired, tenant)
        if past and accepts_more(tenant, self._history) and not any(past.differing(wanted)):
            past = replace(past, only_accepts=True)
        return Comparison(
            fleet=self._desired.fleet,
            tenant=tenant,
            settings=settings,
            project=project,
            wanted_now=wanted,
            past=past,
            at_base=at_base,
            only=self._only,
            here=self._desired.limits(project.organization),
            there=self._desired.limits(settings.organization),
            now=self._now,
            raised=raised_for(self._raised, tenant.name),
            rejected=self._history.rejected.get(tenant.name, ()),
            moved_by_run=tenant.name in self._moved,
            unknown_past=self._history.is_unknown(tenant.name),
            generated=tenant.name in self._history.ignored,
        )


def _taken_as(asked: Settings, now: Settings) -> Settings:
    """Return the current settings with the policy of the tier that asks for the snapshot: the method stays."""
    policy = replace(
        now.snapshot_policy,
        before=asked.snapshot_policy.before,
        keep_before=asked.snapshot_policy.keep_before,
    )
    return replace(now, snapshot_policy=policy)


def _looks_below(settings: Settings, project: LiveProject) -> bool:
    """Whether read replicas, branches or snapshots are managed or reported."""
    if settings.dev_branches is not None or settings.snapshots is not None or databases.declares(settings):
        return True
    if replicas.looked_for(settings, project):
        return True
    return (
        snapshots.declares(settings) or old_branches.concerned(settings, project) or idle_branches.cleans(settings)
    )
