"""What the thresholds count, and how much of a fleet's threshold a part of the fleet may use."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.plan import wanted
from reconciler.plan.action import (
    CreateProject,
    DeleteDuplicate,
    DeleteProject,
    PatchEndpoint,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.change import Origin, Risk
from reconciler.plan.concerns import compute, quota
from reconciler.plan.concerns.direction import of_a_compute
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.history import origin
from reconciler.plan.identity import identify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.history import History
    from reconciler.plan.plan import TenantPlan

CREATES: Final = "creates"
TRANSFERS: Final = "transfers"
DISRUPTIVE: Final = "disruptive"
DELETES: Final = "deletes"


def _disrupts(action: Action, planned: TenantPlan) -> bool:
    """Restarts computes, may suspend them, or wakes one (Neon: a patch wakes an idle compute for a moment)."""
    if isinstance(action, TransferProject | DeleteProject | DeleteDuplicate):
        return False
    return action.risk >= Risk.DISRUPTIVE or (isinstance(action, PatchEndpoint) and _wakes(action, planned))


def _wakes(action: PatchEndpoint, planned: TenantPlan) -> bool:
    project = planned.project
    writers = {} if project is None else project.writers
    branches = () if project is None or project.branches is None else project.branches
    patched = (writers.get(branch.id) for branch in branches if branch.name == action.branch)
    return any(endpoint is not None and not endpoint.active for endpoint in patched)


Counts: TypeAlias = "Callable[[Action, TenantPlan], bool]"
"""Whether an action of a tenant's plan is of a kind."""

KINDS: Final[Mapping[str, Counts]] = {
    CREATES: lambda action, _: isinstance(action, CreateProject | RecoverProject),
    TRANSFERS: lambda action, _: isinstance(action, TransferProject),
    DISRUPTIVE: _disrupts,
    DELETES: lambda action, _: isinstance(action, DeleteProject | DeleteDuplicate),
}
"""By the name that ``guards`` in tiers.yaml and ``--allow`` use."""


def share(allowed: int, selection: Selection, part: Fraction = Fraction(1)) -> int:
    """What a part of the fleet may use of its threshold: at least one, where the fleet may do any.

    ``part`` is the part of the tenants that is selected. All shards together keep to the threshold, unless there
    are more shards than it allows actions; so do selections that have no tenant in common.
    """
    if selection.shard is None or not replace(selection, shard=None).everything:
        return min(allowed, max(1, floor(allowed * part)))
    number, count = selection.shard
    return min(allowed, max(1, allowed // count + (number <= allowed % count)))


def selected(desired: DesiredState, selection: Selection) -> Fraction:
    """The part of the fleet's tenants that is selected."""
    tenants = desired.tenants.values()
    if selection.everything or not tenants:
        return Fraction(1)
    return Fraction(sum(selection.includes(tenant) for tenant in tenants), len(tenants))


def is_caused(actions: Iterable[Action]) -> bool:
    """Whether the files ask for any of it."""
    return any(change.origin is Origin.CONFIG for action in actions for change in action.changes)


def asked_for(kind: str, desired: DesiredState, live: LiveState, history: History) -> Counter[str]:
    """How many actions of a kind the files ask for in the whole fleet, by organization.

    Whichever part of the fleet is selected, all of them count, so that many runs are no way round. What was listed
    and is done already is left out. Creations count where organizations were listed: elsewhere nobody knows who
    has a project.
    """
    asks, found = _ASKS[kind], identify(desired, live).projects
    asked: Counter[str] = Counter()
    for name, tenant in desired.tenants.items():
        said = _Asking(tenant, found.get(name), desired, live, history)
        if not said.is_unchanged and asks(said):
            asked[said.here] += 1
    return asked


@dataclass(frozen=True, slots=True)
class _Asking:
    """A tenant of whom the files may ask for something, selected or not: nothing below its project was read."""

    tenant: Tenant
    project: LiveProject | None
    desired: DesiredState
    live: LiveState
    history: History

    @property
    def base(self) -> DesiredState | None:
        """The files at the tenant's own base: of one that is owed, an earlier commit than the others'."""
        before = self.history.before(self.tenant.name)
        return None if before is None else before.base

    @property
    def before(self) -> Tenant | None:
        """The tenant as its base declares it; None where it does not, or by a tombstone."""
        base = self.base
        known = None if base is None else base.tenants.get(self.tenant.name)
        return None if known is None or known.absent else known

    @property
    def is_unchanged(self) -> bool:
        """Whether the files say of it what the base says."""
        base, tier = self.base, self.tenant.tier
        if base is None:
            return True
        same = base.tenants.get(self.tenant.name) == self.tenant
        return same and base.tiers.get(tier) == self.desired.tiers.get(tier)

    @property
    def home(self) -> str:
        """The organization of its tier at the base; where it is new, of its tier."""
        base, before = self.base, self.before
        home = self.desired.home(self.tenant) if base is None or before is None else base.home(before)
        return home or ""

    @property
    def here(self) -> str:
        """The organization that its project is in, as far as it is known."""
        return self.home if self.project is None else self.project.organization

    @property
    def lives(self) -> bool:
        """Whether it has a project, or may have one where nothing was listed."""
        return self.before is not None and (self.project is not None or not self.live.listed)


def _asks_for_creation(said: _Asking) -> bool:
    return bool(said.live.listed) and said.before is None and said.project is None and not said.tenant.absent


def _asks_for_move(said: _Asking) -> bool:
    if said.tenant.absent or not said.lives:
        return False
    return said.here != said.desired.tiers[said.tenant.tier].organization != said.home


def _asks_for_end(said: _Asking) -> bool:
    """Files that are older than the base ask for nothing."""
    if not said.tenant.absent or not said.lives:
        return False
    past = said.history.past(said.tenant.name)
    now = wanted.fields(said.desired, said.tenant)
    return origin(wanted.STATE, now, past, reduces=True) is Origin.CONFIG


def _asks_for_disruption(said: _Asking) -> bool:
    """Another size of a compute, or a lower quota, that the project does not have yet."""
    past = said.history.past(said.tenant.name)
    if said.tenant.absent or not said.lives or past is None:
        return False
    now = wanted.fields(said.desired, said.tenant)
    moved = [path for path in now if past.origin(path, now, reduces=path in QUOTA) is Origin.CONFIG]
    if said.project is None:
        return any(path in QUOTA or of_a_compute(path) for path in moved)
    settings = said.desired.settings(said.tenant)
    lower = any(change.lowering and change.path in moved for change in quota.changes(settings, said.project))
    sizes = {path for path in moved if of_a_compute(path)}
    due = {change.path for change in compute.changes(settings, said.project)}
    return lower or any(path not in compute.PATHS or path in due for path in sizes)


_ASKS: Final[Mapping[str, Callable[[_Asking], bool]]] = {
    CREATES: _asks_for_creation,
    TRANSFERS: _asks_for_move,
    DISRUPTIVE: _asks_for_disruption,
    DELETES: _asks_for_end,
}
