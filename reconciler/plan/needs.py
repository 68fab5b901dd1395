"""Which details have to be read before a plan can be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from msgspec import Struct

from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.desired.tier import Occasion
from reconciler.live.project import Needs
from reconciler.plan import recovery, rivals, tombstones
from reconciler.plan.concerns.snapshot_occasions import settings_with_snapshot
from reconciler.plan.history import History
from reconciler.plan.identity import identify
from reconciler.plan.in_sync import nothing_to_read, settled
from reconciler.plan.ownership import created_for
from reconciler.plan.tenant_needs import (
    ABSENT,
    COMMANDED,
    DOUBLE,
    NEW,
    REPLICAS,
    ROLLBACK,
    SAVED,
    SIZED,
    UNLISTED,
    UNOWNED,
    ReadReasons,
    TenantNeeds,
    for_reason,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import Details, LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.identity import Identities

IN_SYNC: Final = "in sync"
"""Under which a state remembers the projects that need no details."""


class PlanRequirements(Struct, frozen=True):
    """What a plan has to know of live state, for one run."""

    selection: Selection = Selection()
    depth: Depth = Depth.DECLARED
    reach: Reach = Reach()
    prune: bool = False
    """Whether orphans are deleted: then the owner of every unmatched project is read."""
    new: Collection[str] = ()
    """Tenants without earlier files: the owner of a project found by name is always read; owners of pinned
    projects are read up to ``max_unowned_reads``."""
    half_done: Collection[str] = ()
    """Tenants with a commit that was tried and not completed: a list does not show what is missing."""
    history: History = History()
    """The earlier files: a tier that a tenant leaves may ask for a snapshot, and read replicas that only they
    declare are deleted."""
    all_details: bool = False
    """Whether everything below the projects is read, whatever the files declare: for a command on one tenant."""
    now: datetime | None = None
    """The time of planning: only with it, a list proves that a project has used nothing in the current period."""
    also_read: Mapping[str, Details] = {}
    """What else is read of these tenants, whatever the files declare: for a rollback. ``project`` is the project
    read by id, which shows more than a list."""

    @property
    def max_unowned_reads(self) -> int | None:
        """How many projects of no tenant have their annotations read, at most; None for all of them."""
        return None if self.depth is Depth.DEEP else self.reach.unowned_reads

    def details(self, desired: DesiredState, live: LiveState) -> Needs:
        """What has not been observed yet. Called in rounds, it ends: empty once everything was read."""
        return _Round(self, desired, live).needs()

    def deleted(self, desired: DesiredState, live: LiveState, *, mention: bool = True) -> bool:
        """Whether recoverable projects are listed: for a recovery, a new project, or a tombstone."""
        identities = identify(desired, live)
        tenants = self.unsettled(desired, identities, self.selected(desired))
        ending = any(tombstones.unnamed(tenants, identities))
        return ending or recovery.to_be_listed(tenants, identities, mention=mention)

    def not_found(self, desired: DesiredState, live: LiveState, tenants: Iterable[str]) -> list[str]:
        """Those of the tenants that should have a project and have none that was seen."""
        declared = [desired.tenants[name] for name in tenants if name in desired.tenants]
        identities = identify(desired, live)
        return [tenant.name for tenant in declared if identities.missing(tenant) and not tenant.absent]

    def selected(self, desired: DesiredState) -> list[Tenant]:
        """The tenants that the plan is about."""
        return self.selection.of(desired.tenants)

    def tenant_of(self, desired: DesiredState, project: LiveProject) -> str | None:
        """The tenant that the annotation of a project names."""
        return created_for(project, desired)

    def unsettled(self, desired: DesiredState, identities: Identities, tenants: list[Tenant]) -> list[Tenant]:
        """The tenants without those that are in sync and declare nothing below their project."""
        if self.depth is not Depth.DECLARED or self.all_details:
            return tenants
        apart: Collection[str] = settled(desired, self.history, identities)
        if asked := self.asked_for:
            apart = frozenset(apart) - asked
        return [tenant for tenant in tenants if tenant.name not in apart]

    @property
    def asked_for(self) -> frozenset[str]:
        """The tenants of which more than the list is read in any case."""
        return frozenset((*self.half_done, *self.new, *self.also_read))


class _Round:
    """What one round of observation still has to read."""

    def __init__(self, asked: PlanRequirements, desired: DesiredState, live: LiveState) -> None:
        self._asked, self._desired, self._live = asked, desired, live
        self._identities = identify(desired, live)
        selected = asked.selected(desired)
        self._small = asked.depth is Depth.DECLARED and len(selected) <= asked.reach.small_fleet
        self._tenants = selected if self._small else asked.unsettled(desired, self._identities, selected)
        self._matched = list(self._identities.matched(self._tenants))
        matched = self._matched if self._small else self._not_in_sync()
        self._all = [self._needs_of(tenant, project) for tenant, project in matched if not tenant.absent]
        self._complete = [one for one in self._all if not one.incomplete]
        self._doubles = rivals.find(desired, self._identities, selected) if asked.depth is not Depth.LIST else ()
        self._later = [p for double in self._doubles if self._all_ours(double) for p in double.later]
        self._with_ended_replicas = [one.project for one in self._complete if one.replicas_end]

    def needs(self) -> Needs:
        """Return the ids of what is read, and the reasons."""
        reading, complete = ReadReasons(), self._complete
        integrations = [
            *(one.project for one in complete if one.needs_integrations),
            *(project for project in self._also_read("integrations") if project.integrations is None),
        ]
        return Needs(
            projects=reading.count("settings and usage", for_reason(UNLISTED, self._single())),
            branches=reading.count("branches", (one for one in self._branches() if one[0].branches is None)),
            endpoints=reading.count("computes", (one for one in self._computes() if one[0].endpoints is None)),
            snapshots=reading.count("snapshots", (one for one in self._snapshots() if one[0].snapshots is None)),
            integrations=tuple(dict.fromkeys(project.id for project in integrations)),
            roles=tuple((one.project.id, id_) for one in complete for id_ in one.unread_roles),
            databases=tuple((one.project.id, id_) for one in complete for id_ in one.unread_databases),
            reasons=tuple(reading.texts),
        )

    def _needs_of(self, tenant: Tenant, project: LiveProject) -> TenantNeeds:
        asked = self._asked
        deep = self._small or (asked.depth is Depth.DECLARED and tenant.name in asked.half_done)
        depth = Depth.DEEP if deep else asked.depth
        return TenantNeeds(self._desired, self._live, tenant, project, depth, asked.history, asked.now)

    def _all_ours(self, double: rivals.Rivals) -> bool:
        """Whether runs of this fleet created all projects of a tenant: then the contents of later ones decide."""
        fleet, tenant = self._desired.fleet, double.tenant.name
        return all(rivals.ours(project, fleet, tenant) for project in (double.first, *double.later))

    def _single(self) -> Iterator[LiveProject]:
        """The projects that are read by id."""
        everybody = self._asked.depth is Depth.DEEP
        yield from (one.project for one in self._all if one.incomplete or one.lacks_usage(everybody=everybody))
        yield from (project for project in self._also_read("project") if project.consumption is None)
        yield from (project for project in self._later if project.consumption is None)

    def _branches(self) -> Iterator[tuple[LiveProject, str]]:
        new = self._new_with_unsure_owner()
        yield from ((one.project, why) for one in self._complete if (why := self._why_branches(one, new)))
        yield from for_reason(ROLLBACK, self._also_read("branches"))
        yield from for_reason(REPLICAS, self._with_ended_replicas)
        yield from for_reason(ABSENT, (project for tenant, project in self._matched if tenant.absent))
        yield from for_reason(UNOWNED, self._unowned())
        yield from for_reason(DOUBLE, (p for double in self._doubles for p in (double.first, *double.later)))

    def _computes(self) -> Iterator[tuple[LiveProject, str]]:
        every = self._asked.all_details
        yield from for_reason(SIZED, (one.project for one in self._complete if every or one.needs_endpoints))
        yield from for_reason(ROLLBACK, self._also_read("endpoints"))
        yield from for_reason(REPLICAS, self._with_ended_replicas)
        yield from for_reason(NEW, (one.project for one in self._complete if self._may_be_unfinished(one)))
        yield from for_reason(DOUBLE, self._later)
        yield from for_reason(ABSENT, self._to_prune())

    def _snapshots(self) -> Iterator[tuple[LiveProject, str]]:
        every = self._asked.all_details
        yield from for_reason(SAVED, (one.project for one in self._complete if every or one.needs_snapshots))
        yield from for_reason(ROLLBACK, self._also_read("snapshots"))
        yield from for_reason(ABSENT, self._with_snapshot_before_deletion())
        yield from for_reason(DOUBLE, self._later)

    def _why_branches(self, one: TenantNeeds, new: Collection[str]) -> str:
        if self._asked.all_details:
            return COMMANDED
        return one.why_branches or (NEW if one.tenant in new else "")

    def _with_snapshot_before_deletion(self) -> Iterator[LiveProject]:
        """The projects of which a tier asks for a snapshot before they are deleted."""
        for tenant, project in self._matched:
            if tenant.absent and settings_with_snapshot(
                Occasion.DELETE, self._desired, tenant, self._asked.history
            ):
                yield project

    def _also_read(self, detail: str) -> Iterator[LiveProject]:
        return (one.project for one in self._complete if detail in self._asked.also_read.get(one.tenant, ()))

    def _new_with_unsure_owner(self) -> frozenset[str]:
        """New tenants whose project may be another customer's: found by name, or pinned by a commit.

        If more are pinned than may be read, as after `adopt`, pinned ones are left out: a call that changes a
        project reads its owner before, in any case.
        """
        new = [tenant for tenant in self._tenants if tenant.name in self._asked.new]
        pinned = sum(tenant.project_id is not None for tenant in new)
        most = self._asked.max_unowned_reads
        many = most is not None and pinned > most
        return frozenset(tenant.name for tenant in new if tenant.project_id is None or not many)

    def _may_be_unfinished(self, one: TenantNeeds) -> bool:
        """Whether a run that died may have left a new project with a first compute of another size."""
        never_done = one.tenant in self._asked.new or one.tenant in self._asked.history.creating
        return never_done and self._asked.depth is not Depth.LIST and one.created_with_a_size

    def _unowned(self) -> list[LiveProject]:
        """The projects of no tenant whose annotations are read."""
        asked, identities = self._asked, self._identities
        creating = any(identities.nowhere(tenant) and not tenant.absent for tenant in self._tenants)
        all_listed = asked.selection.everything and asked.depth is not Depth.LIST
        everybody = creating or asked.prune or (all_listed and asked.depth is Depth.DEEP)
        owners = _OwnerNeeds(self._desired, self._live, identities, asked.max_unowned_reads)
        return [
            *owners.strangers(everybody=everybody, orphans=all_listed, prune=asked.prune),
            *owners.misnamed(everybody=creating),
        ]

    def _to_prune(self) -> Iterator[LiveProject]:
        """The orphans that may be deleted: their activity is an hour late, their computes' is not (Neon)."""
        if not (self._asked.prune and self._live.listed):
            return
        from reconciler.plan.orphans import orphans  # noqa: PLC0415 - with --prune only

        yield from (orphan.project for orphan in orphans(self._desired, self._identities) if orphan.owned)

    def _not_in_sync(self) -> Iterable[tuple[Tenant, LiveProject]]:
        """The matched projects of which more than the list may be needed."""
        asked = self._asked
        if asked.depth is not Depth.DECLARED or asked.all_details:
            return self._matched
        in_any_case, known = asked.asked_for, self._in_sync()
        return [
            (tenant, project)
            for tenant, project in self._matched
            if tenant.name in in_any_case
            or (known.get(tenant.name) is not project and not self._is_in_sync(known, tenant, project))
        ]

    def _in_sync(self) -> dict[str, LiveProject]:
        """The projects of which an earlier round found that the list is enough."""
        remembered = self._desired.remembered.get(IN_SYNC)
        if remembered is None or remembered[0] is not self._asked.history:
            remembered = self._desired.remembered[IN_SYNC] = (self._asked.history, {})
        return cast("dict[str, LiveProject]", remembered[1])

    def _is_in_sync(self, known: dict[str, LiveProject], tenant: Tenant, project: LiveProject) -> bool:
        if not nothing_to_read(self._desired, self._asked.history, tenant, project):
            return False
        known[tenant.name] = project
        return True


class _OwnerNeeds:
    """The projects of no tenant, and the pinned ones, whose annotations are read: up to ``most`` of each kind."""

    def __init__(self, desired: DesiredState, live: LiveState, identities: Identities, most: int | None) -> None:
        self._desired, self._live, self._identities = desired, live, identities
        self._most = most

    def strangers(self, *, everybody: bool, orphans: bool, prune: bool) -> list[LiveProject]:
        """Return unmatched projects whose annotations decide: a rename or a creation, or an orphan's owner.

        If there are more than ``most``: none, or with ``prune`` those with a tenant's name.
        """
        found = self._unmatched(everybody=everybody, orphans=orphans)
        if not self._too_many(found):
            return found
        return [one for one in found if self._desired.tenant_by_project_name(one.name)] if prune else []

    def misnamed(self, *, everybody: bool) -> list[LiveProject]:
        """Return pinned projects that may be another tenant's: those with another tenant's name.

        For ``everybody``, all without their own tenant's name, if they are no more than ``most``: one of them may
        be the project of a tenant that has none.
        """
        found = list(self._misnamed(everybody=everybody))
        return list(self._misnamed(everybody=False)) if self._too_many(found) else found

    def _too_many(self, projects: list[LiveProject]) -> bool:
        return self._most is not None and len(projects) > self._most

    def _unmatched(self, *, everybody: bool, orphans: bool) -> list[LiveProject]:
        if not self._live.listed:
            return []
        return [
            project
            for project in self._identities.unmatched
            if everybody or (orphans and self._desired.tenant_by_project_name(project.name) is not None)
        ]

    def _misnamed(self, *, everybody: bool) -> Iterator[LiveProject]:
        desired, live = self._desired, self._live
        pinned_by = desired.pinned_by
        for project in live.projects if pinned_by else ():
            tenant = pinned_by.get(project.id)
            if tenant is None or project.name in desired.project_names(tenant):
                continue
            namesake = desired.tenant_by_project_name(project.name)
            known = namesake in desired.tenants or namesake in desired.held_back
            if everybody or (namesake is not None and (known or not live.listed)):
                yield project
