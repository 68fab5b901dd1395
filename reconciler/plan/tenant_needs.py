"""Which details of one tenant's project its plan depends on, and why details are read, in words."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

from msgspec import Struct, field

from reconciler.desired.selection import Depth
from reconciler.desired.tier import Occasion
from reconciler.model.fields.table import BY_PATH
from reconciler.model.moments import month_of
from reconciler.plan import adoption, declared_fields, rivals, within_limits
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
from reconciler.plan.concerns.snapshot_occasions import settings_with_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.change import FieldChange
    from reconciler.plan.history import History

COMMANDED: Final = "of the command"
MOVING: Final = "moving to another organization"
SIZED: Final = "with sizes to compare"
OWNER: Final = "with differences, to find their tenants"
SAVED: Final = "with snapshots to compare"
DECLARING: Final = "declaring branches, snapshots or databases"
NEW: Final = "of new tenants"
ROLLBACK: Final = "to be rolled back"
REPLICAS: Final = "that had declared read replicas"
ABSENT: Final = "to be deleted"
UNOWNED: Final = "of no tenant, to find their owners"
DOUBLE: Final = "of tenants with a second project"
UNLISTED: Final = "about which the list shows too little"
"""Each completes a sentence: "branches of 5,000 projects to be deleted"."""


class TenantNeeds:
    """The details that the plan of one tenant with a project depends on."""

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
        """Whether earlier files declared a read replica of the tenant that the current ones do not."""
        settings, history = self._settings, self._history
        if settings.replicas is None or history.same(self._desired, self._tenant):
            return False
        past = history.past(self.tenant)
        return past is not None and any(replicas.no_longer_declared(settings, past))

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
            or (
                (settings.compute is not None or limited or self._takes_size_of_project)
                and project.compute is None
            )
            or self._lacks_parameters
            or (self._restore_window_matters and project.restore_window_seconds is None)
            or (bool(settings.settings) and project.settings is None)
        )

    @property
    def _lacks_parameters(self) -> bool:
        """Whether the files state Postgres parameters and a list shows none: Neon does not say that lists do."""
        stated, live = self._settings.compute, self.project.compute
        managed = stated is not None and stated.pg_settings is not None
        return managed and live is not None and live.pg_settings is None and self.project.consumption is None

    @property
    def _takes_size_of_project(self) -> bool:
        """Whether a declared branch has one end of its sizes from the project's defaults, which no file states."""
        stated = [branch.compute for branch in self._settings.dev_branches or () if branch.compute is not None]
        halves = any((sizes.min_cu is None) is not (sizes.max_cu is None) for sizes in stated)
        return halves and self._depth is not Depth.LIST

    @property
    def _restore_window_matters(self) -> bool:
        """Whether the restore window matters: managed, limited, or a copy of an earlier time."""
        settings = self._settings
        moments = [copy.at for copy in settings.snapshots or ()] + [
            copy.at for copy in settings.dev_branches or ()
        ]
        of_the_past = self._depth is not Depth.LIST and any(moments)
        deep = self._depth is Depth.DEEP
        return settings.restore_window_seconds is not None or self._moves or deep or of_the_past

    def lacks_usage(self, *, everybody: bool) -> bool:
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
        if self._snapshot_before_reduction or self._may_hold_too_many:
            return SAVED
        states = branches.stated(self._settings) or snapshots.declares(self._settings)
        declared = (
            states or self._deletes_old_branches or self._declares_databases
        ) and self._depth is not Depth.LIST
        return DECLARING if declared else ""

    @cached_property
    def _changes(self) -> tuple[FieldChange, ...]:
        """What differs of the project itself."""
        return tuple(project_changes(self._settings, self.project))

    @property
    def _owner_is_unproven(self) -> bool:
        """Whether something differs that is written only once the annotations say whose the project is.

        Not a quota, of a tenant that a run has handled before or that another source than the name confirms: the
        next run undoes it. It may be smaller too, unless the sizes of branches decide whether it may.
        """
        changes = self._changes
        if not changes or any(change.path not in quota.PATHS for change in changes):
            return bool(changes)
        sized = any(quota.sizes_decide(change, self.project) for change in changes)
        return sized or not self._confirmed_without_annotations

    @property
    def _confirmed_without_annotations(self) -> bool:
        """Whether the earlier files, a pin or a revision confirm the project, as ``adoption.confirmed`` asks."""
        return self._history.handled(self.tenant) or adoption.confirmed_without_annotations(
            self._tenant, self.project, self._live
        )

    @property
    def _declares_databases(self) -> bool:
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
    def _deletes_old_branches(self) -> bool:
        """Whether branches are deleted after a time: those that restores left, or idle ones."""
        return old_branches.concerned(self._settings, self.project) or idle_branches.cleans(self._settings)

    @cached_property
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
        if self._snapshot_before_reduction:
            return True
        if self._may_hold_too_many and (self._moves or snapshots.method(self._settings).reads_snapshots):
            return True
        return (looked_for or asked_of) and self._depth is not Depth.LIST

    @cached_property
    def _snapshot_before_reduction(self) -> bool:
        """Whether a value of the tenant is reduced, and a tier asks for a snapshot before that."""
        settings, project = self._settings, self.project
        sizes = compute.endpoint_changes(settings.compute, project.read_write(project.default_branch))
        down = self._moves and is_downgrade(self._here, self._there)
        lowered = any(change.lowering for change in (*self._changes, *sizes))
        if self._tenant.suspended or not (down or lowered):
            return False
        return settings_with_snapshot(Occasion.DOWNGRADE, self._desired, self._tenant, self._history) is not None

    @property
    def needs_integrations(self) -> bool:
        """Whether integrations are read: before a downgrade transfer, which Neon may refuse for them."""
        known = self.project.organization in self._organizations
        down = self._moves and known and is_downgrade(self._here, self._there)
        return down and self.project.integrations is None

    @cached_property
    def _may_hold_too_many(self) -> bool:
        """Whether snapshots may exceed the limit of the destination, also where an earlier run moved the project.

        Without details, only of a project that still differs in its list.
        """
        if self._moves:
            return "snapshots" in granted_less(self._here, self._there)
        differs = self._depth is not Depth.LIST or bool(self._changes)
        if not differs or self._history.same(self._desired, self._tenant):
            return False
        now = declared_fields.fields(self._desired, self._tenant)
        return asks_for_fewer(now, self._history.past(self._tenant.name))


def for_reason(reason: str, projects: Iterable[LiveProject]) -> Iterator[tuple[LiveProject, str]]:
    """Return the projects, each with this reason."""
    return ((project, reason) for project in projects)


class ReadReasons(Struct):
    """Counts the projects to read, by detail and reason, as texts for people."""

    texts: list[str] = field(default_factory=list)

    def count(self, detail: str, read: Iterable[tuple[LiveProject, str]]) -> tuple[str, ...]:
        """Return the ids of these projects, each once. One with several reasons counts for the first."""
        found: dict[str, str] = {}
        for project, reason in read:
            found.setdefault(project.id, reason)
        for reason, count in Counter(found.values()).items():
            self.texts.append(f"{detail} of {count:,} {'project' if count == 1 else 'projects'} {reason}")
        return tuple(found)
