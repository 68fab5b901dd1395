"""Which details of which projects are read: before a plan is made, and again at a late turn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Final, cast

from msgspec import Struct

from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.desired.tier import Occasion
from reconciler.live.project import BRANCHES, Needs
from reconciler.model.api_limits import PROJECTS_PER_PAGE
from reconciler.model.fields.table import BY_PATH
from reconciler.model.moments import month_of
from reconciler.plan import adoption, declared_fields, recovery, rivals, tombstones, within_limits
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import PatchProject
from reconciler.plan.concerns import (
    branches,
    compute,
    databases,
    idle_branches,
    old_branches,
    project_changes,
    quota,
    replicas,
    snapshots,
)
from reconciler.plan.concerns.organization import granted_less, is_downgrade
from reconciler.plan.concerns.snapshot_limits import asks_for_fewer
from reconciler.plan.concerns.snapshot_occasions import asking
from reconciler.plan.history import History
from reconciler.plan.identity import identify
from reconciler.plan.in_sync import nothing_to_read, settled
from reconciler.plan.ownership import created_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import Api, DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import Details, LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.identity import Identities
    from reconciler.plan.plan import TenantPlan

COMMANDED: Final = "of the command"
MOVING: Final = "moving to another organization"
SIZED: Final = "with sizes to compare"
OWNER: Final = "with differences, to see whose they are"
SAVED: Final = "with snapshots to compare"
DECLARING: Final = "declaring branches, snapshots or databases"
NEW: Final = "of new tenants"
ASKED: Final = "to be taken back"
REPLICAS: Final = "that had declared read replicas"
ABSENT: Final = "to be deleted"
STRANGERS: Final = "of no tenant, to see whose they are"
DOUBLE: Final = "of tenants with a second project"
UNLISTED: Final = "of which the list shows too little"
"""Why details of projects are read: completes "branches of 5,000 projects"."""

LONGEST_PAGE: Final = 6
"""Times ``look_again_after``: how old a list page may be at most."""
CALLS_PER_PATCH: Final = 1.2
"""Of a run that patches one tenant after the other: pages and repeated calls are among them."""


def needed_by(actions: Iterable[Action], project: LiveProject) -> Details:
    """Return the details to read again for these actions; branch sizes decide what may be reduced.

    ``project`` is as it was planned: where a list shows that all data fits, no branch has to be read.
    """
    return frozenset().union(*(_needed(action, project) for action in actions))


def _needed(action: Action, project: LiveProject) -> Details:
    reduced = [change for change in action.changes if change.lowering]
    listed = bool(reduced) and all(
        change.path in quota.PATHS and not sizes_decide(change, project) for change in reduced
    )
    return action.details | BRANCHES if action.lowering and not listed else action.details


def sizes_decide(change: FieldChange, project: LiveProject) -> bool:
    """Return whether the change is a smaller limit for each branch, and no list shows that all data fits."""
    of_branches = change.path in quota.PATHS and change.path not in quota.COUNTED
    return of_branches and change.lowering and not project.holds_less_than(cast("int", change.after))


def looks(tenant: TenantPlan) -> int:
    """Return the calls that read the tenant again without a list: the project and each detail."""
    return 0 if tenant.project is None else 1 + len(needed_by(tenant.actions, tenant.project))


def pages(projects: int) -> int:
    """Return the calls that list an organization with this many projects; the last page is empty (Neon)."""
    return ceil(projects / PROJECTS_PER_PAGE) + 1


CREATES_PER_LISTED_PAGE: Final = 20
"""A check after creations lists every organization: so it takes a call for at most so many creations."""


def creates_per_check(listed: Mapping[str, int], creates: int) -> int:
    """Return how many projects are created before one check for duplicates, which all of them share.

    As many as one page lists, and more in a large fleet, whose list takes many calls.
    """
    size = sum(map(pages, listed.values())) + ceil(creates / PROJECTS_PER_PAGE)
    return max(PROJECTS_PER_PAGE, CREATES_PER_LISTED_PAGE * size)


def page_lasts_seconds(api: Api, actions: Iterable[Action]) -> float:
    """Return how old a list page may be at the turn of a tenant with these actions, which shares it with others.

    ``look_again_after``; longer for a tenant that only gets larger values, so that one page serves all tenants on
    it: as long as a patch of each takes at the rate of a fleet run.
    """
    longest = api.look_again_after_seconds
    if not all(isinstance(action, PatchProject | PatchEndpoint) and not action.lowering for action in actions):
        return longest
    patches = PROJECTS_PER_PAGE * CALLS_PER_PATCH * 60 / (api.requests_per_minute * api.batch_share)
    return max(longest, min(patches, longest * LONGEST_PAGE))


def replicas_end(desired: DesiredState, history: History, tenant: Tenant) -> bool:
    """Return whether earlier files declared a read replica of the tenant that the current ones do not."""
    settings = None if tenant.absent else desired.settings(tenant)
    if settings is None or settings.replicas is None or history.same(desired, tenant):
        return False
    past = history.past(tenant.name)
    return past is not None and any(replicas.no_longer_declared(settings, past))


class PlanRequirements(Struct, frozen=True):
    """What a plan has to know of live state, for one run."""

    selection: Selection = Selection()
    depth: Depth = Depth.DECLARED
    reach: Reach = Reach()
    prune: bool = False
    """Whether orphans are deleted: then the owner of every unmatched project is read."""
    new: Collection[str] = ()
    """Tenants without earlier files: the owner of a project found by name is always read; those of pinned ones up
    to ``max_unowned_reads``."""
    half_done: Collection[str] = ()
    """Tenants with a tried commit: a list does not show what is left of it."""
    history: History = History()
    """The earlier files: a tier that a tenant leaves may ask for a snapshot, and read replicas that only they
    declare are deleted."""
    whole: bool = False
    """Whether everything below the projects is read, whatever the files declare: for a command on one tenant."""
    now: datetime | None = None
    """The time of planning: only with it, a list proves that a project has used nothing in the current period."""
    wanted: Mapping[str, Details] = {}
    """What else is read of these tenants, whatever the files declare: for a rollback. ``project`` is the project
    by itself, which tells more than a list."""

    @property
    def max_unowned_reads(self) -> int | None:
        """How many projects of no tenant have their annotations read, at most; None for all of them."""
        return None if self.depth is Depth.DEEP else self.reach.few_strangers

    def details(self, desired: DesiredState, live: LiveState) -> Needs:
        """What has not been observed yet. Called in rounds, it ends: empty once everything was read."""
        identities, tenants, depth = identify(desired, live), self._tenants(desired), self.depth
        small = depth is Depth.DECLARED and len(tenants) <= self.reach.small_fleet
        everybody, tenants = tenants, tenants if small else self._unsettled(desired, identities, tenants)
        matched = list(identities.matched(tenants))
        deep = {t.name for t in tenants if small or (depth is Depth.DECLARED and t.name in self.half_done)}
        looks = [
            _Look(desired, live, t, p, Depth.DEEP if t.name in deep else depth, self.history, self.now)
            for t, p in (matched if small else self._not_in_sync(desired, matched))
            if not t.absent
        ]
        complete = [look for look in looks if not look.incomplete]
        doubles = rivals.find(desired, identities, everybody) if depth is not Depth.LIST else ()
        later = [project for double in doubles if _all_ours(desired, double) for project in double.later]
        counted = [
            look.project for look in looks if look.incomplete or look.uncounted(everybody=depth is Depth.DEEP)
        ]
        alone = (one for one in self._asked_of(complete, "project") if one.consumption is None)
        ended = {look.tenant for look in looks if look.replicas_end}
        replaced = [look.project for look in complete if look.tenant in ended]
        new = self._new_with_unsure_owner(tenants)
        branched = [
            *((look.project, why) for look in complete if (why := self._why_branches(look, new))),
            *_for(ASKED, self._asked_of(complete, "branches")),
            *_for(REPLICAS, replaced),
            *_for(ABSENT, (project for tenant, project in matched if tenant.absent)),
            *_for(STRANGERS, self._unowned(desired, live, identities, tenants)),
            *_for(DOUBLE, (project for double in doubles for project in (double.first, *double.later))),
        ]
        sized = [
            *_for(SIZED, (look.project for look in complete if self.whole or look.needs_endpoints)),
            *_for(ASKED, self._asked_of(complete, "endpoints")),
            *_for(REPLICAS, replaced),
            *_for(NEW, (look.project for look in complete if self._may_be_unfinished(look))),
            *_for(DOUBLE, later),
        ]
        saved = [
            *_for(SAVED, (look.project for look in complete if self.whole or look.needs_snapshots)),
            *_for(ASKED, self._asked_of(complete, "snapshots")),
            *_for(ABSENT, self._saved_before_deletion(desired, matched)),
            *_for(DOUBLE, later),
        ]
        single = [*counted, *alone, *(project for project in later if project.consumption is None)]
        reading = _Reading()
        return Needs(
            projects=reading.of("settings and usage", _for(UNLISTED, single)),
            branches=reading.of("branches", (one for one in branched if one[0].branches is None)),
            endpoints=reading.of("computes", (one for one in sized if one[0].endpoints is None)),
            snapshots=reading.of("snapshots", (one for one in saved if one[0].snapshots is None)),
            integrations=_ids(
                [
                    *(look.project for look in complete if look.needs_integrations),
                    *(one for one in self._asked_of(complete, "integrations") if one.integrations is None),
                ]
            ),
            roles=tuple((look.project.id, id_) for look in complete for id_ in look.unread_roles),
            databases=tuple((look.project.id, id_) for look in complete for id_ in look.unread_databases),
            reasons=tuple(reading.reasons),
        )

    def _why_branches(self, look: _Look, new: Collection[str]) -> str:
        return COMMANDED if self.whole else look.why_branches or (NEW if look.tenant in new else "")

    def _saved_before_deletion(
        self, desired: DesiredState, matched: Iterable[tuple[Tenant, LiveProject]]
    ) -> Iterator[LiveProject]:
        """The projects of which a tier asks for a snapshot before they are deleted."""
        for tenant, project in matched:
            if tenant.absent and asking(Occasion.DELETE, desired, tenant, self.history):
                yield project

    def _not_in_sync(
        self, desired: DesiredState, matched: Iterable[tuple[Tenant, LiveProject]]
    ) -> Iterable[tuple[Tenant, LiveProject]]:
        """Those of which more than the list may be needed."""
        if self.depth is not Depth.DECLARED or self.whole:
            return matched
        asked = {*self.half_done, *self.new, *self.wanted}
        known = self._in_sync(desired)
        return [
            (tenant, project)
            for tenant, project in matched
            if tenant.name in asked
            or (known.get(tenant.name) is not project and not self._is_in_sync(desired, known, tenant, project))
        ]

    def _unsettled(self, desired: DesiredState, identities: Identities, tenants: list[Tenant]) -> list[Tenant]:
        """Those of the tenants that this is about in any way."""
        if self.depth is not Depth.DECLARED or self.whole:
            return tenants
        apart: Collection[str] = settled(desired, self.history, identities)
        if asked := {*self.half_done, *self.new, *self.wanted}:
            apart = frozenset(apart) - asked
        return [tenant for tenant in tenants if tenant.name not in apart]

    def _in_sync(self, desired: DesiredState) -> dict[str, LiveProject]:
        """The projects of which an earlier round found that the list is enough."""
        remembered = desired.remembered.get("in order")
        if remembered is None or remembered[0] is not self.history:
            remembered = desired.remembered["in order"] = (self.history, {})
        return cast("dict[str, LiveProject]", remembered[1])

    def _is_in_sync(
        self, desired: DesiredState, known: dict[str, LiveProject], tenant: Tenant, project: LiveProject
    ) -> bool:
        if not nothing_to_read(desired, self.history, tenant, project):
            return False
        known[tenant.name] = project
        return True

    def _asked_of(self, looks: Iterable[_Look], detail: str) -> Iterator[LiveProject]:
        return (look.project for look in looks if detail in self.wanted.get(look.tenant, ()))

    def _new_with_unsure_owner(self, tenants: Iterable[Tenant]) -> frozenset[str]:
        """New tenants whose project may be another customer's: found by name, or pinned by a commit.

        Pins of a whole fleet, which `adopt` has written, are not read one by one: a call that changes a project
        reads its owner before, in any case.
        """
        new = [tenant for tenant in tenants if tenant.name in self.new]
        pinned = sum(tenant.project_id is not None for tenant in new)
        most = self.max_unowned_reads
        many = most is not None and pinned > most
        return frozenset(tenant.name for tenant in new if tenant.project_id is None or not many)

    def _may_be_unfinished(self, look: _Look) -> bool:
        """Whether a run that died may have left a new project with a first compute of another size."""
        never_done = look.tenant in self.new or look.tenant in self.history.creating
        return never_done and self.depth is not Depth.LIST and look.created_with_a_size

    def _unowned(
        self, desired: DesiredState, live: LiveState, identities: Identities, tenants: Iterable[Tenant]
    ) -> list[LiveProject]:
        """The projects whose annotations say whose they are.

        If there are more than ``max_unowned_reads`` of a kind: of projects that match no tenant, those with a
        tenant's name before a deletion of orphans, otherwise none; of pinned ones, those with another tenant's
        name.
        """
        most = self.max_unowned_reads
        creating = any(identities.nowhere(tenant) and not tenant.absent for tenant in tenants)
        orphans = self.selection.everything and self.depth is not Depth.LIST
        everybody = creating or self.prune or (orphans and self.depth is Depth.DEEP)
        strangers = _strangers(desired, live, identities, everybody=everybody, orphans=orphans)
        if most is not None and len(strangers) > most:
            strangers = [p for p in strangers if desired.tenant_by_project_name(p.name)] if self.prune else []
        misnamed = list(_misnamed(desired, live, everybody=creating))
        if most is not None and len(misnamed) > most:
            misnamed = list(_misnamed(desired, live, everybody=False))
        return [*strangers, *misnamed]

    def deleted(self, desired: DesiredState, live: LiveState, *, mention: bool = True) -> bool:
        """Whether recoverable projects are listed: for a recovery, a new project, or a tombstone."""
        identities = identify(desired, live)
        tenants = self._unsettled(desired, identities, self._tenants(desired))
        ending = any(tombstones.unnamed(tenants, identities))
        return ending or recovery.to_be_listed(tenants, identities, mention=mention)

    def not_found(self, desired: DesiredState, live: LiveState, tenants: Iterable[str]) -> list[str]:
        """Those of the tenants that should have a project and have none that was seen."""
        declared = [desired.tenants[name] for name in tenants if name in desired.tenants]
        identities = identify(desired, live)
        return [tenant.name for tenant in declared if identities.missing(tenant) and not tenant.absent]

    def _tenants(self, desired: DesiredState) -> list[Tenant]:
        return self.selection.of(desired.tenants)

    def tenant_of(self, desired: DesiredState, project: LiveProject) -> str | None:
        """The tenant that the annotation of a project names."""
        return created_for(project, desired)


def _all_ours(desired: DesiredState, double: rivals.Rivals) -> bool:
    """Whether runs of this fleet created all projects of a tenant: then the contents of the later ones decide."""
    return all(rivals.ours(p, desired.fleet, double.tenant.name) for p in (double.first, *double.later))


def _for(reason: str, projects: Iterable[LiveProject]) -> Iterator[tuple[LiveProject, str]]:
    return ((project, reason) for project in projects)


@dataclass(slots=True)
class _Reading:
    """Collects what is read, and why, in words for people."""

    reasons: list[str] = field(default_factory=list)

    def of(self, what: str, read: Iterable[tuple[LiveProject, str]]) -> tuple[str, ...]:
        """The ids of these projects, each once. One with several reasons counts for the first."""
        found: dict[str, str] = {}
        for project, reason in read:
            found.setdefault(project.id, reason)
        for reason, count in Counter(found.values()).items():
            self.reasons.append(f"{what} of {count:,} {'project' if count == 1 else 'projects'} {reason}")
        return tuple(found)


def _ids(projects: Iterable[LiveProject]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(project.id for project in projects))


class _Look:
    """Which details the plan of one tenant with a project depends on."""

    def __init__(
        self,
        desired: DesiredState,
        live: LiveState,
        tenant: Tenant,
        project: LiveProject,
        depth: Depth,
        history: History,
        now: datetime | None,
    ) -> None:
        self.project = project
        self._live = live
        self._desired, self._history = desired, history
        self._fleet = desired.fleet
        self._organizations = desired.organizations
        self._tenant = tenant
        self._settings = settings = desired.settings(tenant)
        self._depth = depth
        self._period_start = None if now is None else month_of(now)
        self._moves = project.organization != settings.organization
        self._here, self._there = desired.limits(project.organization), desired.limits(settings.organization)

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self._tenant.name

    @property
    def replicas_end(self) -> bool:
        """As the function."""
        return replicas_end(self._desired, self._history, self._tenant)

    @property
    def created_with_a_size(self) -> bool:
        """Whether a run of this fleet created the project, and the files size its computes."""
        return self._settings.compute is not None and rivals.ours(self.project, self._fleet, self.tenant)

    @property
    def incomplete(self) -> bool:
        """Whether a value is missing that the files manage, or that the declared organization may forbid."""
        settings, project = self._settings, self.project
        limited = self._moves or self._depth is Depth.DEEP
        return (
            (settings.quota is not None and project.quota is None)
            or ((settings.compute is not None or limited or self._half_sized) and project.compute is None)
            or self._lacks_parameters
            or (self._looks_back and project.restore_window_seconds is None)
            or (bool(settings.settings) and project.settings is None)
        )

    @property
    def _lacks_parameters(self) -> bool:
        """Whether the files state Postgres parameters and a list shows none: Neon does not say that lists do."""
        stated, live = self._settings.compute, self.project.compute
        managed = stated is not None and stated.pg_settings is not None
        return managed and live is not None and live.pg_settings is None and self.project.consumption is None

    @property
    def _half_sized(self) -> bool:
        """Whether a declared branch has one end of its sizes from the project's defaults, which no file states."""
        stated = [branch.compute for branch in self._settings.dev_branches or () if branch.compute is not None]
        halves = any((sizes.min_cu is None) is not (sizes.max_cu is None) for sizes in stated)
        return halves and self._depth is not Depth.LIST

    @property
    def _looks_back(self) -> bool:
        """Whether the restore window matters: managed, limited, or a copy of an earlier time."""
        settings = self._settings
        moments = [copy.at for copy in settings.snapshots or ()] + [
            copy.at for copy in settings.dev_branches or ()
        ]
        of_the_past = self._depth is not Depth.LIST and any(moments)
        deep = self._depth is Depth.DEEP
        return settings.restore_window_seconds is not None or self._moves or deep or of_the_past

    def uncounted(self, *, everybody: bool) -> bool:
        """Return whether the usage of a quota to be reduced is unknown; for ``everybody``, of any quota."""
        if self.project.consumption is not None:
            return False
        return everybody or any(map(self._may_be_used_up, quota.changes(self._settings, self.project)))

    def _may_be_used_up(self, change: FieldChange) -> bool:
        """Whether a limit is reduced to what may be used already in this period, as far as the list shows."""
        if not change.lowering or change.path not in quota.COUNTED:
            return False
        if self._depth is Depth.DEEP:
            return True
        used = self.project.used_at_most(BY_PATH[change.path].name, self._period_start)
        return used is None or used >= cast("int", change.after)

    @property
    def why_branches(self) -> str:
        """Why branches are read: to check the owner before a write, for names of computes, and if branches or
        their protection are declared. Empty if they are not.
        """
        if self._moves:
            return MOVING
        if self.needs_endpoints:
            return SIZED
        if self._owner_is_unproven:
            return OWNER
        if self._saved_before or self._may_hold_too_many:
            return SAVED
        states = branches.stated(self._settings) or snapshots.declares(self._settings)
        declared = (states or self._cleans or self._fills) and self._depth is not Depth.LIST
        return DECLARING if declared else ""

    @property
    def _owner_is_unproven(self) -> bool:
        """Whether something differs that is written only once the annotations say whose the project is.

        Not a quota, of a tenant that a run has handled before or that another source than the name confirms: the
        next run undoes it. It may be smaller too, unless the sizes of branches decide whether it may.
        """
        changes = list(project_changes(self._settings, self.project))
        if not changes or any(change.path not in quota.PATHS for change in changes):
            return bool(changes)
        sized = any(sizes_decide(change, self.project) for change in changes)
        return sized or not self._confirmed_without_annotations

    @property
    def _confirmed_without_annotations(self) -> bool:
        """Whether the earlier files, a pin or a revision confirm the project, as ``adoption.confirmed`` asks."""
        return self._history.handled(self.tenant) or adoption.told(self._tenant, self.project, self._live)

    @property
    def _fills(self) -> bool:
        return databases.declares(self._settings)

    @property
    def unread_roles(self) -> tuple[str, ...]:
        """Branches whose roles are read: no list contains them, and nothing else shows that one is missing."""
        if self._depth is Depth.LIST:
            return ()
        return databases.unread_roles(self._settings, self.project, self._fleet)

    @property
    def unread_databases(self) -> tuple[str, ...]:
        """Branches whose databases are read, for the same reason."""
        if self._depth is Depth.LIST:
            return ()
        return databases.unread_databases(self._settings, self.project, self._fleet)

    @property
    def _cleans(self) -> bool:
        """Whether branches are deleted after a time: those that restores left, or idle ones."""
        return old_branches.concerned(self._settings, self.project) or idle_branches.cleans(self._settings)

    @property
    def needs_endpoints(self) -> bool:
        """Always before a transfer or a change of size; else by depth, or if a file sizes one or suspends it.

        Also of tenants whose tier lets idle branches go: only computes show when a branch was used.
        """
        settings = self._settings
        if self._moves or self._depth is Depth.DEEP or (settings.suspended and self._depth is not Depth.LIST):
            return True
        idle = idle_branches.decided_by_computes(settings, self.project, self._desired.fleet)
        missing = databases.differ(settings, self.project, self._fleet)
        if self._beyond_limits or missing or (idle and self._depth is not Depth.LIST):
            return True
        of_branches = bool(branches.computes(settings))
        of_branches = of_branches or bool(settings.replicas)
        own = of_branches or self._tenant.overrides.compute is not None
        managed = of_branches or settings.compute is not None
        return managed and (
            (self._depth is Depth.DECLARED and own) or any(compute.changes(settings, self.project))
        )

    @property
    def _beyond_limits(self) -> bool:
        """Whether the organization of the project forbids a value that no file states."""
        stated = within_limits.managed(self._settings)
        return any(within_limits.of_project(self._here, self.project, stated))

    @property
    def needs_snapshots(self) -> bool:
        """Before and after a transfer to a lower limit, and if a declared one may be among them."""
        looked_for = snapshots.looked_for_among_snapshots(self._settings, self.project)
        asked_of = old_branches.decided_by_snapshots(self._settings, self.project)
        if self._saved_before:
            return True
        if self._may_hold_too_many and (self._moves or snapshots.method(self._settings).reads_snapshots):
            return True
        return (looked_for or asked_of) and self._depth is not Depth.LIST

    @property
    def _saved_before(self) -> bool:
        """Whether something is taken from the tenant, and a tier asks for a snapshot before."""
        settings, project = self._settings, self.project
        sizes = compute.endpoint_changes(settings.compute, project.read_write(project.default_branch))
        down = self._moves and is_downgrade(self._here, self._there)
        lowered = any(change.lowering for change in (*project_changes(settings, project), *sizes))
        if self._tenant.suspended or not (down or lowered):
            return False
        return asking(Occasion.DOWNGRADE, self._desired, self._tenant, self._history) is not None

    @property
    def needs_integrations(self) -> bool:
        """Whether integrations are read: before a downgrade transfer, which Neon may refuse for them."""
        known = self.project.organization in self._organizations
        down = self._moves and known and is_downgrade(self._here, self._there)
        return down and self.project.integrations is None

    @property
    def _may_hold_too_many(self) -> bool:
        """Whether snapshots may exceed the limit of the destination, also where an earlier run moved the project.

        Without details, only of a project that still differs in its list.
        """
        if self._moves:
            return "snapshots" in granted_less(self._here, self._there)
        differs = self._depth is not Depth.LIST or any(project_changes(self._settings, self.project))
        if not differs or self._history.same(self._desired, self._tenant):
            return False
        now = declared_fields.fields(self._desired, self._tenant)
        return asks_for_fewer(now, self._history.past(self._tenant.name))


def _misnamed(desired: DesiredState, live: LiveState, *, everybody: bool) -> Iterator[LiveProject]:
    """Pinned projects that may be another tenant's, to read their annotations: those with another tenant's name.

    For ``everybody``, all without their own tenant's name: a tenant without a project may find it there.
    """
    pinned_by = desired.pinned_by
    for project in live.projects if pinned_by else ():
        tenant = pinned_by.get(project.id)
        if tenant is None or project.name in desired.project_names(tenant):
            continue
        namesake = desired.tenant_by_project_name(project.name)
        known = namesake in desired.tenants or namesake in desired.held_back
        if everybody or (namesake is not None and (known or not live.listed)):
            yield project


def _strangers(
    desired: DesiredState, live: LiveState, identities: Identities, *, everybody: bool, orphans: bool
) -> list[LiveProject]:
    """Return unmatched projects whose annotations decide: a rename instead of a creation, or an orphan's owner."""
    if not live.listed:
        return []
    return [
        project
        for project in identities.unmatched
        if everybody or (orphans and desired.tenant_by_project_name(project.name) is not None)
    ]
