"""Plans a rollback: restores the values that a run recorded before it changed them."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.model.values import replace
from reconciler.plan import field_rollback
from reconciler.plan.actions.branch import PatchBranch
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import PatchProject, TransferProject
from reconciler.plan.budget import estimate
from reconciler.plan.change import FieldChange, Origin
from reconciler.plan.concerns import compute, organization, quota, restore_window
from reconciler.plan.concerns.concern import companions, turns_off
from reconciler.plan.created_by_run import Deletions
from reconciler.plan.identity import identify
from reconciler.plan.plan import Note, Refusal, TenantPlan, ordered
from reconciler.plan.recorded_effects import Created, FieldOwner, MovedProject, Permanent, WrittenField
from reconciler.plan.tenant_rollback import NAME, cannot, changed_since

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.model.values import Value
    from reconciler.plan.comparison import Finding
    from reconciler.plan.plan import Plan
    from reconciler.plan.tenant_rollback import Rollback

IN_NO_FILE: Final = "no file declares the tenant any more, or its file is broken"
NO_VALUE: Final = ("Neon returned no value before the run", "set it in the files")
ABSENT: Final = "its file says state: absent"


def rolled_back(
    plan: Plan, rollbacks: Mapping[str, Rollback], desired: DesiredState, live: LiveState, now: datetime
) -> Plan:
    """Return the plan of a rollback. ``plan`` is that of the files for these tenants: its conflicts stay."""
    projects = identify(desired, live).projects
    in_conflict = {conflict.tenant for conflict in plan.conflicts}
    plans: list[TenantPlan] = []
    refusals: list[Refusal] = []
    notes: list[Note] = []
    for name, rollback in rollbacks.items():
        if name in in_conflict:
            continue
        tenant, project = desired.tenants.get(name), projects.get(name)
        findings = tuple(_findings(rollback, desired, tenant, project, now))
        refusals += [one for one in findings if isinstance(one, Refusal)]
        notes += [one for one in findings if isinstance(one, Note)]
        actions = ordered(one for one in findings if not isinstance(one, Refusal | Note))
        if actions:
            plans.append(TenantPlan(name, project, actions))
    return replace(
        plan,
        tenants=tuple(plans),
        refusals=tuple(refusals),
        notes=tuple(notes),
        orphans=(),
        unmanaged=(),
        file_changes=(),
        budget=estimate(plans, desired, live),
        command=NAME,
    )


def _findings(
    rollback: Rollback, desired: DesiredState, tenant: Tenant | None, project: LiveProject | None, now: datetime
) -> Iterator[Finding]:
    yield from (
        cannot(rollback, one.message, one.remedy) for one in rollback.effects if isinstance(one, Permanent)
    )
    rest = [effect for effect in rollback.effects if not isinstance(effect, Permanent)]
    if not rest or any(isinstance(one, Permanent) and one.of_project for one in rollback.effects):
        return
    if tenant is None or tenant.absent:
        why = IN_NO_FILE if tenant is None else ABSENT
        yield cannot(rollback, f"what run {rollback.run} changed: {why}", "declare the tenant, and run this again")
    elif project is None:
        if not any(isinstance(effect, Created) and effect.thing == "project" for effect in rest):
            yield changed_since(rollback, f"the tenant has no project since run {rollback.run}", ())
    elif rollback.project_id not in (None, project.id):
        message = f"run {rollback.run} changed project {rollback.project_id}, and the tenant has {project.id} now"
        yield changed_since(rollback, message, ())
    else:
        yield from _Way(rollback, desired, tenant, project, now).findings()


class _Way(Struct, frozen=True):
    """The rollback of a tenant with a project."""

    rollback: Rollback
    desired: DesiredState
    tenant: Tenant
    project: LiveProject
    now: datetime

    @property
    def _limits(self) -> OrganizationLimits:
        """The limits of the organization that the project is in afterwards."""
        move = next((one for one in self.rollback.effects if isinstance(one, MovedProject)), None)
        there = self.project.organization if move is None else move.origin
        known = there if there in self.desired.organizations else self.project.organization
        return self.desired.limits(known)

    @property
    def _reason(self) -> str:
        return f"rollback of run {self.rollback.run}"

    def findings(self) -> Iterator[Finding]:
        created = [effect for effect in self.rollback.effects if isinstance(effect, Created)]
        deletions = Deletions(self.rollback, self.tenant, self.project)
        created_project = next((one for one in created if one.thing == "project"), None)
        if created_project is not None:
            yield from deletions.of_project(created_project)
            return
        move = next((effect for effect in self.rollback.effects if isinstance(effect, MovedProject)), None)
        back = None
        for finding in () if move is None else self._transfer(move):
            back = finding if isinstance(finding, TransferProject) else back
            yield finding
        yield from self._fields(back)
        for one in created:
            yield from deletions.of_thing(one)

    # Organization

    def _transfer(self, moved: MovedProject) -> Iterator[Finding]:
        here = self.project.organization
        if here == moved.origin:
            return
        if moved.origin not in self.desired.organizations:
            message = f"the transfer from organization {moved.origin}, which tiers.yaml no longer has"
            yield cannot(self.rollback, message, "add the organization to tiers.yaml")
            return
        down = organization.is_downgrade(self.desired.limits(here), self.desired.limits(moved.origin))
        change = organization.move(here, moved.origin, downgrade=down)
        action = TransferProject(
            tenant=self.tenant.name,
            reason=self._reason,
            source=self.tenant.location,
            changes=(replace(change, origin=Origin.COMMAND),),
            origin=here,
            destination=moved.origin,
            downgrade=down,
        )
        if self.rollback.later.has_moved(moved.at, here):
            message = f"a later run has transferred the project since run {self.rollback.run}"
            yield changed_since(self.rollback, message, (action,))
        elif here in moved.destinations:
            yield action
        else:
            message = f"organization is {here} since run {self.rollback.run}, not {moved.destinations[-1]}"
            yield changed_since(self.rollback, message, (action,))

    # Fields

    def _fields(self, back: TransferProject | None) -> Iterator[Finding]:
        by_place: dict[FieldOwner, list[WrittenField]] = defaultdict(list)
        for effect in self.rollback.effects:
            if isinstance(effect, WrittenField):
                by_place[effect.place].append(effect)
        for place, written in by_place.items():
            changes: list[FieldChange] = []
            for one in written:
                found = self._field(one)
                if isinstance(found, FieldChange):
                    changes.append(found)
                elif found is not None:
                    yield found
            yield from self._patches(place, changes, back)
            yield from self._notes(changes)

    def _field(self, one: WrittenField) -> FieldChange | Refusal | None:
        """The change that restores one field, a refusal, or None if the field already has the value."""
        live = field_rollback.found(self.project, one, self.rollback.effects)
        since = f"since run {self.rollback.run}"
        if isinstance(live, field_rollback.MissingObject) or self.rollback.later.has_made_anew(one):
            return changed_since(
                self.rollback, f"{one.path}: {one.place.kind} {one.place.branch!r} no longer exists {since}", ()
            )
        if field_rollback.is_back(one, live):
            return None
        change = field_rollback.change_back(one, live, self.now)
        why = NO_VALUE if change is None else self._impossible(change)
        if change is None or why is not None:
            message, remedy = why or NO_VALUE
            return cannot(self.rollback, f"{one.path}: {message}", remedy)
        by_later_run = self.rollback.later.has_set(one, partial(field_rollback.equal, one.path, live))
        if field_rollback.is_of_run(one, live) and not by_later_run:
            return change
        patches = tuple(self._patches(one.place, [change], None))
        what = "was set by a later run" if by_later_run else "has another value"
        return changed_since(self.rollback, f"{one.path} {what} {since}", patches)

    def _impossible(self, change: FieldChange) -> tuple[str, str] | None:
        if turns_off(change):
            return "Neon cannot turn it off", "keep it on in the files"
        if change.path.endswith(field_rollback.EXPIRES) and field_rollback.has_passed(change.after, self.now):
            return "the earlier expiry has passed", "delete the branch in the files, if it is to go"
        if organization.forbids(self._limits, change.path, change.after):
            return "the organization of the project does not allow the earlier value", "declare one that it allows"
        return None

    def _notes(self, changes: Iterable[FieldChange]) -> Iterator[Note]:
        for change in changes:
            if change.path == restore_window.PATH and not change.lowering:
                message = (
                    "the restore window gets its earlier length; the history that Neon dropped meanwhile is lost"
                )
                yield Note.about(self.tenant, message)

    def _patches(
        self, place: FieldOwner, changes: list[FieldChange], back: TransferProject | None
    ) -> Iterator[PatchProject | PatchEndpoint | PatchBranch]:
        """Yield the patch of a project, branch or compute, and one before a transfer for forbidden values."""
        early = self._early(changes, back)
        for part, before in ((early, True), ([change for change in changes if change not in early], False)):
            if part:
                yield self._patch(place, part, early, before_transfer=before)

    def _early(self, changes: list[FieldChange], back: TransferProject | None) -> list[FieldChange]:
        if back is None:
            return []
        limits = self.desired.limits(back.destination)
        forbidden = {one.path for one in changes if organization.forbids(limits, one.path, one.before)}
        if not forbidden.isdisjoint(compute.SIZE):
            forbidden |= compute.SIZE
        return [one for one in changes if one.path in forbidden]

    def _patch(
        self, place: FieldOwner, changes: list[FieldChange], early: list[FieldChange], *, before_transfer: bool
    ) -> PatchProject | PatchEndpoint | PatchBranch:
        name, reason, source = self.tenant.name, self._reason, self.tenant.location
        changed = tuple(changes)
        if place.kind == "branch":
            branch = field_rollback.live_branch(self.project, place, self.rollback.effects)
            called = place.branch if branch is None else branch.name
            return PatchBranch(tenant=name, reason=reason, source=source, changes=changed, branch=called)
        endpoint = field_rollback.endpoint(self.project, place)
        values: dict[str, Value] = dict(compute.amounts(endpoint.compute if endpoint else None))
        if place.kind == "project":
            values = {**quota.members(self.project.quota), **compute.members(self.project.compute)}
        if not before_transfer:
            values |= {one.path: one.after for one in early if one.path in values}
        along = companions(changes, values)
        if place.kind == "project":
            return PatchProject(
                tenant=name,
                reason=reason,
                source=source,
                changes=changed,
                before_transfer=before_transfer,
                companions=along,
            )
        return PatchEndpoint(
            tenant=name,
            reason=reason,
            source=source,
            changes=changed,
            branch=place.branch,
            replica=place.replica,
            before_transfer=before_transfer,
            companions=(*along, *field_rollback.other_settings(changes, endpoint)),
        )
