"""Which details of which projects are read: before a plan is made, and again at a late turn."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Final

from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.desired.tier import OrganizationLimits
from reconciler.live.needs import BRANCHES, Needs
from reconciler.model.api_limits import PROJECTS_PER_PAGE
from reconciler.plan import recovery, rivals, tombstones
from reconciler.plan.claims import pins
from reconciler.plan.concerns import PROJECT_CONCERNS, branches, compute, quota, snapshots
from reconciler.plan.concerns.organization import granted_less, is_downgrade
from reconciler.plan.identity import identify
from reconciler.plan.ownership import created_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reconciler.desired.state import Api, DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.needs import Details
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.identity import Identities
    from reconciler.plan.plan import TenantPlan

CALLS_PER_TURN: Final = 2
"""Typical number of calls for a tenant besides the one that a list replaces."""


def needed_by(actions: Iterable[Action]) -> Details:
    """Return the details to read again for these actions; branch sizes decide what may be reduced."""
    return frozenset().union(*map(_needed, actions))


def _needed(action: Action) -> Details:
    return action.details | BRANCHES if action.lowering else action.details


def looks(tenant: TenantPlan) -> int:
    """Return the calls that read the tenant again without a list: the project and each detail."""
    return 0 if tenant.project is None else 1 + len(needed_by(tenant.actions))


def pages(projects: int) -> int:
    """Return the calls that list an organization with this many projects; the last page is empty (Neon)."""
    return ceil(projects / PROJECTS_PER_PAGE) + 1


def lists_pay(projects: int, turns: int, api: Api) -> bool:
    """Return whether listing an organization takes fewer calls than reading each project whose turn comes.

    Only turns before the list is too old count.
    """
    per_second = api.requests_per_minute * api.batch_share / 60
    return pages(projects) < min(turns, per_second * api.look_again_after_seconds / CALLS_PER_TURN)


def needs(
    desired: DesiredState,
    live: LiveState,
    *,
    depth: Depth = Depth.DECLARED,
    reach: Reach = Reach(),
    selection: Selection = Selection(),
    prune: bool = False,
    new: Collection[str] = (),
    half_done: Collection[str] = (),
) -> Needs:
    """Return what has not been observed yet. Called in rounds, it ends: empty once everything was read.

    ``new`` are tenants without earlier files: the owner of a project found by name is always read. ``half_done``
    are tenants with a tried commit: a list does not show what is left of it. ``prune`` says that orphans are
    deleted: then the owner of every unmatched project is read.
    """
    identities = identify(desired, live)
    tenants = [tenant for tenant in desired.tenants.values() if selection.includes(tenant)]
    small = depth is Depth.DECLARED and len(tenants) <= reach.small_fleet
    matched = list(_matched(tenants, identities))
    ending = [project for tenant, project in matched if tenant.absent]
    deep = {t.name for t in tenants if small or (depth is Depth.DECLARED and t.name in half_done)}
    looks = [_Look(desired, t, p, Depth.DEEP if t.name in deep else depth) for t, p in matched if not t.absent]
    counted = depth is Depth.DEEP
    settled = [look for look in looks if not look.unsettled]
    creating = any(identities.nowhere(tenant) and not tenant.absent for tenant in tenants)
    orphans = selection.everything and depth is not Depth.LIST
    everybody = creating or prune or (orphans and depth is Depth.DEEP)
    strangers = _strangers(desired, live, identities, everybody=everybody, orphans=orphans)
    if depth is not Depth.DEEP and len(strangers) > reach.few_strangers:
        strangers = [p for p in strangers if desired.tenant_by_project_name(p.name)] if prune else []
    misnamed = list(_misnamed(desired, live, everybody=creating))
    if depth is not Depth.DEEP and len(misnamed) > reach.few_strangers:
        misnamed = list(_misnamed(desired, live, everybody=False))
    branched = [*(look.project for look in settled if look.needs_branches or look.tenant in new)]
    branched += [*ending, *strangers, *misnamed]
    doubles = rivals.find(desired, identities, tenants) if depth is not Depth.LIST else ()
    branched += [project for double in doubles for project in (double.first, *double.later)]
    later = [project for double in doubles if _all_ours(desired, double) for project in double.later]
    sized = [*(look.project for look in settled if look.needs_endpoints), *later]
    saved = [*(look.project for look in settled if look.needs_snapshots), *later]
    uncounted = [project for project in later if project.consumption is None]
    return Needs(
        projects=_ids(
            [*(look.project for look in looks if look.unsettled or look.uncounted(everybody=counted)), *uncounted]
        ),
        branches=_ids(project for project in branched if project.branches is None),
        endpoints=_ids(project for project in sized if project.endpoints is None),
        snapshots=_ids(project for project in saved if project.snapshots is None),
        integrations=_ids(look.project for look in settled if look.needs_integrations),
    )


def needs_deleted(
    desired: DesiredState, live: LiveState, *, selection: Selection = Selection(), mention: bool = True
) -> bool:
    """Return whether recoverable projects have to be listed: a file asks for one, a tenant gets a new project, or
    a tombstone may meet a later project.
    """
    tenants = [tenant for tenant in desired.tenants.values() if selection.includes(tenant)]
    identities = identify(desired, live)
    ending = any(True for _ in tombstones.unnamed(tenants, identities))
    return ending or recovery.to_be_listed(tenants, identities, mention=mention)


@dataclass(frozen=True, slots=True)
class PlanRequirements:
    """What a plan has to know of live state, for one run. ``needs`` describes the members."""

    selection: Selection = Selection()
    depth: Depth = Depth.DECLARED
    reach: Reach = Reach()
    prune: bool = False
    new: Collection[str] = ()
    half_done: Collection[str] = ()

    @property
    def max_unowned_reads(self) -> int | None:
        """How many projects of no tenant have their annotations read, at most; None for all of them."""
        return None if self.depth is Depth.DEEP else self.reach.few_strangers

    def details(self, desired: DesiredState, live: LiveState) -> Needs:
        """The details that have not been read yet."""
        return needs(
            desired,
            live,
            depth=self.depth,
            reach=self.reach,
            selection=self.selection,
            prune=self.prune,
            new=self.new,
            half_done=self.half_done,
        )

    def deleted(self, desired: DesiredState, live: LiveState, *, mention: bool = True) -> bool:
        """Whether the deleted projects have to be listed."""
        return needs_deleted(desired, live, selection=self.selection, mention=mention)

    def not_found(self, desired: DesiredState, live: LiveState, tenants: Iterable[str]) -> list[str]:
        """Those of the tenants that should have a project and have none that was seen."""
        declared = [desired.tenants[name] for name in tenants if name in desired.tenants]
        identities = identify(desired, live)
        return [tenant.name for tenant in declared if identities.missing(tenant) and not tenant.absent]

    def tenant_of(self, desired: DesiredState, project: LiveProject) -> str | None:
        """The tenant that the annotation of a project names."""
        return created_for(project, desired)


def _matched(tenants: Iterable[Tenant], identities: Identities) -> Iterator[tuple[Tenant, LiveProject]]:
    return ((t, identities.projects[t.name]) for t in tenants if t.name in identities.projects)


def _all_ours(desired: DesiredState, double: rivals.Rivals) -> bool:
    """Return whether runs of this fleet created all of a tenant's projects: then the contents of the later ones
    decide.
    """
    return all(rivals.ours(p, desired.fleet, double.tenant.name) for p in (double.first, *double.later))


def _ids(projects: Iterable[LiveProject]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(project.id for project in projects))


class _Look:
    """Which details the plan of one tenant with a project depends on."""

    def __init__(self, desired: DesiredState, tenant: Tenant, project: LiveProject, depth: Depth) -> None:
        self.project = project
        self._organizations = desired.organizations
        self._tenant = tenant
        self._settings = settings = desired.settings(tenant)
        self._depth = depth
        self._moves = project.organization != settings.organization

    @property
    def tenant(self) -> str:
        """The tenant's name."""
        return self._tenant.name

    @property
    def unsettled(self) -> bool:
        """Whether a value is missing that the files manage, or that the destination organization may forbid."""
        settings, project, moves = self._settings, self.project, self._moves
        return (
            (settings.quota is not None and project.quota is None)
            or ((settings.compute is not None or moves or self._half_sized) and project.compute is None)
            or (self._looks_back and project.restore_window_seconds is None)
            or (bool(settings.settings) and project.settings is None)
        )

    @property
    def _half_sized(self) -> bool:
        """Whether a declared branch has one end of its sizes from the project's defaults, which no file states."""
        stated = [branch.compute for branch in self._settings.dev_branches or () if branch.compute is not None]
        halves = any((sizes.min_cu is None) is not (sizes.max_cu is None) for sizes in stated)
        return halves and self._depth is not Depth.LIST

    @property
    def _looks_back(self) -> bool:
        """Whether the restore window matters: it is managed, it may block a transfer, or a copy is of an earlier
        time.
        """
        settings = self._settings
        moments = [copy.at for copy in settings.snapshots or ()] + [
            copy.at for copy in settings.dev_branches or ()
        ]
        of_the_past = self._depth is not Depth.LIST and any(moments)
        return settings.restore_window_seconds is not None or self._moves or of_the_past

    def uncounted(self, *, everybody: bool) -> bool:
        """Return whether the usage of a quota to be reduced is unknown; for ``everybody``, of any quota."""
        if self.project.consumption is not None:
            return False
        return everybody or any(change.lowering for change in quota.changes(self._settings, self.project))

    @property
    def needs_branches(self) -> bool:
        """Whether branches are read: to check the owner before a write, for names of computes, and if branches are
        declared.
        """
        if self._moves or self.needs_endpoints or self._differs:
            return True
        declares = self._settings.dev_branches is not None or bool(self._settings.snapshots)
        return declares and self._depth is not Depth.LIST

    @property
    def _differs(self) -> bool:
        return any(True for concern in PROJECT_CONCERNS for _ in concern.changes(self._settings, self.project))

    @property
    def needs_endpoints(self) -> bool:
        """Whether computes are read: always before a transfer or a change of size; else by depth, or if a file
        sizes one.
        """
        settings = self._settings
        if self._moves or self._depth is Depth.DEEP:
            return True
        of_branches = bool(branches.computes(settings))
        own = of_branches or self._tenant.overrides.compute is not None
        managed = of_branches or settings.compute is not None
        return managed and (
            (self._depth is Depth.DECLARED and own) or any(compute.changes(settings, self.project))
        )

    @property
    def needs_snapshots(self) -> bool:
        """Whether snapshots are read: before a transfer to a lower limit, and if a declared one may be among
        them.
        """
        looked_for = snapshots.looked_for_among_snapshots(self._settings, self.project)
        return self._may_hold_too_many or (looked_for and self._depth is not Depth.LIST)

    @property
    def needs_integrations(self) -> bool:
        """Whether integrations are read: before a downgrade transfer, which Neon may refuse for them."""
        origin = self._organizations.get(self.project.organization)
        destination = self._organizations[self._settings.organization]
        down = self._moves and origin is not None and is_downgrade(origin.limits, destination.limits)
        return down and self.project.integrations is None

    @property
    def _may_hold_too_many(self) -> bool:
        here, there = self._limits(self.project.organization), self._limits(self._settings.organization)
        return self._moves and "snapshots" in granted_less(here, there)

    def _limits(self, organization: str) -> OrganizationLimits:
        known = self._organizations.get(organization)
        return OrganizationLimits() if known is None else known.limits


def _misnamed(desired: DesiredState, live: LiveState, *, everybody: bool) -> Iterator[LiveProject]:
    """Yield pinned projects that may be another tenant's, to read their annotations: those with another tenant's
    name.

    For ``everybody``, all without their own tenant's name: a tenant without a project may find it there.
    """
    pinned_by = pins(desired)
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
