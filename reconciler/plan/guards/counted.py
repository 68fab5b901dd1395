"""What the thresholds count, and how much of a fleet's threshold a part of the fleet may use."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

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
from reconciler.plan.history import origin
from reconciler.plan.identity import identify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
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


KINDS: Final[Mapping[str, Callable[[Action, TenantPlan], bool]]] = {
    CREATES: lambda action, _: isinstance(action, CreateProject | RecoverProject),
    TRANSFERS: lambda action, _: isinstance(action, TransferProject),
    DISRUPTIVE: _disrupts,
    DELETES: lambda action, _: isinstance(action, DeleteProject | DeleteDuplicate),
}
"""By the name that ``guards`` in tiers.yaml and ``--allow`` use."""


def share(allowed: int, selection: Selection) -> int:
    """The part of a fleet's threshold that a shard may use: at least one, where the fleet may do any.

    All shards together keep to the threshold, unless there are more shards than it allows actions.
    """
    if selection.shard is None:
        return allowed
    number, count = selection.shard
    return min(allowed, max(1, allowed // count + (number <= allowed % count)))


def asked_for(kind: str, desired: DesiredState, live: LiveState, history: History) -> Counter[str]:
    """How many deletions, or transfers, the files ask for in the whole fleet, by organization.

    Whichever part of the fleet is selected, all of them count, so that many runs are no way round. What was listed
    and is done already is left out.
    """
    base, found = history.base, identify(desired, live).projects
    asked: Counter[str] = Counter()
    for name, tenant in desired.tenants.items():
        before = None if base is None else base.tenants.get(name)
        project = found.get(name)
        if base is None or before is None or before.absent or (live.listed and project is None):
            continue
        home = base.tiers[before.tier].organization
        here = home if project is None else project.organization
        if kind == DELETES and _deleted(tenant, desired, history):
            asked[here] += 1
        if kind == TRANSFERS and not tenant.absent and here != desired.tiers[tenant.tier].organization != home:
            asked[here] += 1
    return asked


def _deleted(tenant: Tenant, desired: DesiredState, history: History) -> bool:
    """Whether the files ask for the end of the tenant; files that are older than the base do not."""
    if not tenant.absent:
        return False
    past = history.past(tenant.name)
    return origin(wanted.STATE, wanted.fields(desired, tenant), past, reduces=True) is Origin.CONFIG
