"""What the thresholds count, and the share of a threshold that a part of the fleet may use."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import TYPE_CHECKING, Final, TypeAlias

from msgspec import Struct

from reconciler.desired.policy import Threshold
from reconciler.desired.selection import Selection
from reconciler.model.values import replace
from reconciler.plan import declared_fields
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import (
    CreateProject,
    DeleteDuplicate,
    DeleteProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.change import Origin, Risk
from reconciler.plan.concerns import compute, organization, quota
from reconciler.plan.concerns.concern import Assignment
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.concerns.reductions import of_a_compute
from reconciler.plan.identity import identify
from reconciler.plan.tenant_history import STATE, origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.concerns.concern import Stated
    from reconciler.plan.history import History
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan, TenantPlan
    from reconciler.plan.tenant_history import TenantHistory

CREATES: Final = "creates"
TRANSFERS: Final = "transfers"
DISRUPTIVE: Final = "disruptive"
DELETES: Final = "deletes"


def _disrupts(action: Action, planned: TenantPlan) -> bool:
    """Whether it restarts, may suspend or wakes computes (Neon: a patch wakes an idle compute for a moment)."""
    if isinstance(action, TransferProject | DeleteProject | DeleteDuplicate):
        return False
    return action.risk >= Risk.DISRUPTIVE or (isinstance(action, PatchEndpoint) and _wakes(action, planned))


def _wakes(action: PatchEndpoint, planned: TenantPlan) -> bool:
    if planned.project is None:
        return False
    patched = (
        planned.project.compute_of(branch.id, action.replica)
        for branch in planned.branches
        if branch.name == action.branch
    )
    return any(endpoint is not None and not endpoint.active for endpoint in patched)


Counts: TypeAlias = "Callable[[Action, TenantPlan], bool]"
"""Whether an action of a tenant's plan counts."""

KINDS: Final[Mapping[str, Counts]] = {
    CREATES: lambda action, _: isinstance(action, CreateProject | RecoverProject),
    TRANSFERS: lambda action, _: isinstance(action, TransferProject),
    DISRUPTIVE: _disrupts,
    DELETES: lambda action, _: isinstance(action, DeleteProject | DeleteDuplicate),
}
"""By the name in ``guards`` of tiers.yaml and in ``--allow``."""


def share(allowed: int, selection: Selection, part: Fraction = Fraction(1)) -> int:
    """Return the share of a threshold for a part of the fleet: at least one, if the fleet may do any.

    ``part`` is the selected part of the tenants. All shards together keep to the threshold, unless there are more
    shards than allowed actions; so do selections that have no tenant in common.
    """
    if selection.shard is None or not replace(selection, shard=None).everything:
        return min(allowed, max(1, floor(allowed * part)))
    number, count = selection.shard
    return min(allowed, max(1, allowed // count + (number <= allowed % count)))


def selected(desired: DesiredState, selection: Selection) -> Fraction:
    """Return the part of the fleet's tenants that is selected."""
    tenants = desired.tenants.values()
    if selection.everything or not tenants:
        return Fraction(1)
    return Fraction(sum(selection.includes(tenant) for tenant in tenants), len(tenants))


def is_caused(actions: Iterable[Action]) -> bool:
    """Return whether the files, or a person, ask for any of these actions."""
    asked = (Origin.CONFIG, Origin.COMMAND)
    return any(change.origin in asked for action in actions for change in action.changes)


def asked_for(kind: str, desired: DesiredState, live: LiveState, history: History) -> Counter[str]:
    """Return how many actions of a kind the files ask for in the whole fleet, by organization.

    All count, whichever part of the fleet is selected, so that many small runs do not bypass the threshold. What
    is listed and already done does not count. Creations count only if organizations were listed: elsewhere it
    is unknown who has a project.
    """
    asks, found = _ASKS[kind], identify(desired, live).projects
    asked: Counter[str] = Counter()
    for name, tenant in desired.tenants.items():
        declared = _DeclaredTenant(tenant, found.get(name), desired, live, history)
        if not declared.is_unchanged and asks(declared):
            asked[declared.organization_now] += 1
    return asked


class _DeclaredTenant(Struct, frozen=True, dict=True):
    """A tenant for which the files may ask for something, selected or not; no details of its project were read."""

    tenant: Tenant
    project: LiveProject | None
    desired: DesiredState
    live: LiveState
    history: History

    @property
    def base(self) -> DesiredState | None:
        """The files at the tenant's own base; an owed tenant has an earlier base than the others."""
        return self.history.files_at_base(self.tenant.name)

    @property
    def before(self) -> Tenant | None:
        """The tenant as its base declares it; None if it is not declared there, or absent."""
        base = self.base
        known = None if base is None else base.tenants.get(self.tenant.name)
        return None if known is None or known.absent else known

    @property
    def is_unchanged(self) -> bool:
        """Whether the files declare the same as the base, or hold the tenant."""
        base, tier = self.base, self.tenant.tier
        if base is None or self.desired.held(self.tenant.name):
            return True
        if self.tenant.boosts:  # one may have ended
            return False
        same = base.tenants.get(self.tenant.name) == self.tenant
        return same and base.tiers.get(tier) == self.desired.tiers.get(tier)

    @cached_property
    def now(self) -> Stated:
        """The fields that the files declare."""
        return declared_fields.fields(self.desired, self.tenant)

    @cached_property
    def _past(self) -> TenantHistory | None:
        return self.history.past(self.tenant.name)

    def origin(self, path: str, *, reduces: bool = False, live: Value | Assignment = None) -> Origin:
        """Return why a field differs, as in a plan of the tenant."""
        return origin(path, self.now, self._past, reduces=reduces, live=live)

    @property
    def tier_organization(self) -> str:
        """The organization of the tenant's tier at the base; for a new tenant, of its current tier."""
        base, before = self.base, self.before
        found = (
            self.desired.organization_of(self.tenant)
            if base is None or before is None
            else base.organization_of(before)
        )
        return found or ""

    @property
    def organization_now(self) -> str:
        """The organization of the tenant's project, as far as it is known."""
        return self.tier_organization if self.project is None else self.project.organization

    @property
    def is_live(self) -> bool:
        """Whether the tenant has a project, or may have one because nothing was listed."""
        return self.before is not None and (self.project is not None or not self.live.listed)


def _asks_for_creation(declared: _DeclaredTenant) -> bool:
    return (
        bool(declared.live.listed)
        and declared.before is None
        and declared.project is None
        and not declared.tenant.absent
    )


def _asks_for_move(declared: _DeclaredTenant) -> bool:
    """A project outside the organization of its tier, by a commit that moved the tenant in that direction."""
    if declared.tenant.absent or not declared.is_live:
        return False
    destination, known = declared.desired.tiers[declared.tenant.tier].organization, declared.desired.organizations
    if declared.organization_now == destination or declared.organization_now not in known:
        return False
    now = Assignment(declared.organization_now, known[declared.organization_now].limits)
    downgrade = organization.is_downgrade(now.limits, known[destination].limits)
    return declared.origin(organization.PATH, reduces=downgrade, live=now) is Origin.CONFIG


def _asks_for_deletion(declared: _DeclaredTenant) -> bool:
    """A deletion; files that are older than the base ask for nothing."""
    if not declared.tenant.absent or not declared.is_live:
        return False
    return declared.origin(STATE, reduces=True) is Origin.CONFIG


def _asks_for_disruption(declared: _DeclaredTenant) -> bool:
    """Another size of a compute, or a lower quota, that the project does not have yet."""
    if declared.tenant.absent or not declared.is_live:
        return False
    paths = [path for path in declared.now if path in QUOTA or of_a_compute(path)]
    if declared.project is None:
        return any(declared.origin(path, reduces=path in QUOTA) is Origin.CONFIG for path in paths)
    settings = declared.desired.settings(declared.tenant)
    lower = (change for change in quota.changes(settings, declared.project) if change.lowering)
    changes = (*lower, *compute.changes(settings, declared.project))
    asked = (declared.origin(c.path, reduces=c.lowering, live=c.before) is Origin.CONFIG for c in changes)
    of_branches = (path for path in paths if path not in (*QUOTA, *compute.PATHS))
    return any(asked) or any(declared.origin(path) is Origin.CONFIG for path in of_branches)


_ASKS: Final[Mapping[str, Callable[[_DeclaredTenant], bool]]] = {
    CREATES: _asks_for_creation,
    TRANSFERS: _asks_for_move,
    DISRUPTIVE: _asks_for_disruption,
    DELETES: _asks_for_deletion,
}


class FleetContext(Struct, frozen=True):
    """Everything that a guard for the fleet may read, besides the remaining tenant plans."""

    plan: Plan
    desired: DesiredState
    live: LiveState
    permissions: Permissions
    history: History
    selection: Selection = Selection()

    def threshold(self, kind: str) -> Threshold:
        """Return the threshold; where the base is ahead with another one, the smaller of the two."""

        def read(files: DesiredState) -> Threshold:
            found: Threshold = getattr(files.policy.thresholds, kind)
            return found

        each = (read(self.desired), *self.history.ahead(self.desired, read))
        return Threshold(min(one.count for one in each), min(one.percent for one in each))

    def asked_for(self, kind: str) -> Mapping[str, int]:
        """Return what the files ask for in the whole fleet, if only a part of it is selected."""
        if self.selection.everything or (self.history.named and kind != DELETES):
            return {}
        return asked_for(kind, self.desired, self.live, self.history)

    def share(self, allowed: int) -> int:
        """Return the share of a threshold for the selected part; all of it if the fleet cannot exceed it.

        Tenants that are named one by one are not a part of a fleet run.
        """
        if self.history.named or len(self.desired.tenants) <= allowed:
            return allowed
        return share(allowed, self.selection, selected(self.desired, self.selection))
