"""The tier of each changed tenant, now and before, and which of its values do not come from the tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.plan import Layer, TenantTier

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Boost, Tenant
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.history import History
    from reconciler.plan.plan import Plan

_OF_A_FILE = ("dev_branches", "snapshots", "roles", "databases", "state", "recover", "adoption")
_RAISED = ("quota", "compute")
OfPolicies: TypeAlias = "CreateSnapshot | DeleteSnapshot | CreateBranch | DeleteBranch"
OF_POLICIES: Final = (CreateSnapshot, DeleteSnapshot, CreateBranch, DeleteBranch)
"""Actions that a policy of the tier may ask for: ``rotate``, ``before``, ``at_limit``, ``cleanup``."""


def tiers(plan: Plan, desired: DesiredState, history: History) -> dict[str, TenantTier]:
    """Return the tier of every declared tenant with planned or refused actions, in name order."""
    found: dict[str, list[Action]] = {}
    for action in (*plan.actions, *(action for refusal in plan.refusals for action in refusal.actions)):
        found.setdefault(action.tenant, []).append(action)
    declared = ((desired.tenants.get(name), found[name]) for name in sorted(found))
    return {
        tenant.name: TenantTier(
            tenant.tier,
            history.tier(tenant.name),
            dict(_layers(desired, tenant, actions, _named(tenant, history))),
        )
        for tenant, actions in declared
        if tenant is not None
    }


def _named(tenant: Tenant, history: History) -> frozenset[str]:
    """Return the paths of the branches and snapshots that files declare of a tenant, now or before.

    All others are taken and deleted by policies of the tier.
    """
    declared = (tenant, *history.each_known(tenant.name))
    branches = (f"dev_branches.{one.name}" for each in declared for one in each.dev_branches or ())
    snapshots = (f"snapshots.{one.name}" for each in declared for one in each.snapshots or ())
    return frozenset((*branches, *snapshots))


def paths_of(action: OfPolicies) -> tuple[str, str]:
    """Return the paths of a branch or a snapshot in the files; a branch may be a snapshot that is kept as one."""
    name = action.snapshot if isinstance(action, CreateSnapshot | DeleteSnapshot) else action.branch
    return f"snapshots.{name}", f"dev_branches.{name}"


def declared_at(action: Action, change: FieldChange) -> str:
    """Return the path of a change in the files, if it is about the compute of the branch that the action names.

    ``compute.max_cu`` of the default branch has the path of the project; the caller knows which branch that is.
    """
    if isinstance(action, PatchEndpoint) and action.replica is not None:
        return f"compute.replicas.{action.replica}.{change.path.rpartition('.')[2]}"
    if isinstance(action, PatchEndpoint):
        return f"dev_branches.{action.branch}.{change.path}"
    return change.path


def _layers(
    desired: DesiredState, tenant: Tenant, actions: Iterable[Action], named: Collection[str]
) -> Iterator[tuple[str, Layer]]:
    """Yield the layer of each changed value that is not simply the tier's, by its path in the files."""
    boosts = [boost for boost in tenant.boosts if boost.in_force(desired.moment)]
    default = desired.default_branch(tenant)
    for action in actions:
        if isinstance(action, OF_POLICIES):
            yield from ((path, Layer.FILE) for path in paths_of(action) if path in named)
            continue
        main = isinstance(action, PatchEndpoint) and action.replica is None and action.branch == default
        for change in action.changes:
            path = change.path if main else declared_at(action, change)
            layer = layer_of(tenant, boosts, path)
            if layer is not Layer.TIER or path != change.path:
                yield path, layer
            if isinstance(action, PatchBranch):
                yield change.path, layer


def layer_of(tenant: Tenant, boosts: Iterable[Boost], path: str) -> Layer:
    """Return which layer of the files states a field; ``boosts`` are those in force."""
    group, _, name = path.partition(".")
    if group == "name":
        return Layer.NAMING
    if group in _OF_A_FILE:
        return _of_a_file(tenant, path)
    if group == "quota" and tenant.suspended:
        return Layer.FILE
    if group in _RAISED and any(_states(boost, group, name) for boost in boosts):
        return Layer.BOOST
    return Layer.OVERRIDE if _states(tenant.overrides, group, name) else Layer.TIER


def _of_a_file(tenant: Tenant, path: str) -> Layer:
    """Return the layer of a thing that the tenant's file declares; its compute may be the tier's."""
    group, _, rest = path.partition(".")
    branch, _, member = rest.rpartition(".compute.")
    if group != "dev_branches" or not member:
        return Layer.FILE
    own = next((one.compute for one in tenant.dev_branches or () if one.name == branch), None)
    return Layer.FILE if getattr(own, member, None) is not None else Layer.TIER


def _states(layer: object, group: str, name: str) -> bool:
    """Return whether overrides or a boost state the member of a group: ``compute``, ``max_cu``."""
    stated = getattr(layer, group, None)
    if name.startswith("replicas."):
        return name.split(".")[1] in (getattr(layer, "replicas", None) or {})
    if stated is None or not name:
        return stated is not None
    if isinstance(stated, dict):
        return name.partition(".")[0] in stated
    return getattr(stated, name, None) is not None
