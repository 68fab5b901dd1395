"""Whether a project fits into its destination organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.tier import AtLimit
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.actions.compute import DeleteReplica, PatchEndpoint
from reconciler.plan.actions.project import TransferProject
from reconciler.plan.actions.snapshot import DeleteSnapshot
from reconciler.plan.concerns import compute
from reconciler.plan.concerns.organization import branches_allowed, forbids, snapshots_allowed
from reconciler.plan.concerns.snapshots import method
from reconciler.plan.guards.context import TenantContext, Verdict
from reconciler.plan.moves import may_precede_transfer
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.live.project import LiveEndpoint
    from reconciler.plan.action import Action


def no_room_below(action: Action, context: TenantContext) -> Verdict | None:
    """Refuse a transfer to an organization that allows fewer branches or snapshots than remain."""
    if not isinstance(action, TransferProject) or action.destination not in context.desired.organizations:
        return None
    rules = (_too_many_branches, _too_many_snapshots, _too_many_replicas, _too_large_computes)
    return next((verdict for rule in rules if (verdict := rule(action.destination, context))), None)


def _too_many_branches(organization: str, context: TenantContext) -> Verdict | None:
    limits, remaining = context.desired.organizations[organization].limits, _remaining_branches(context)
    if limits.branches is None or len(remaining) <= limits.branches:
        return None
    return Verdict(
        Rule.BRANCH_LIMIT,
        f"{branches_allowed(organization, limits)}, but {_left(remaining)}",
        "delete unused branches, or declare fewer branches in the file",
    )


def _too_many_snapshots(organization: str, context: TenantContext) -> Verdict | None:
    limits, remaining = context.desired.organizations[organization].limits, _remaining_snapshots(context)
    if limits.snapshots is None or len(remaining) <= limits.snapshots:
        return None
    return Verdict(
        Rule.SNAPSHOT_LIMIT,
        f"{snapshots_allowed(organization, limits)}, but {_left(remaining)}",
        f"delete unused snapshots{_or_let_them_give_way(context)}",
    )


def _too_many_replicas(organization: str, context: TenantContext) -> Verdict | None:
    limit, project = context.desired.organizations[organization].limits.replicas, context.planned.project
    deleted = _deleted_replicas(context)
    remaining = [e for e in (project.endpoints if project else None) or () if not e.writes and e.id not in deleted]
    if limit is None or len(remaining) <= limit:
        return None
    return Verdict(
        Rule.ORGANIZATION_LIMIT,
        f"organization {organization} allows {limit} read replicas per project, but "
        f"{_left([endpoint.name or endpoint.id for endpoint in remaining])}",
        "delete unused read replicas, or declare fewer in the file",
    )


def _deleted_replicas(context: TenantContext) -> set[str]:
    return {action.endpoint_id for action in _before_the_move(context) if isinstance(action, DeleteReplica)}


def _too_large_computes(organization: str, context: TenantContext) -> Verdict | None:
    """Refuse computes that no file sizes: they are not changed, so they block the transfer."""
    project, limits = context.planned.project, context.desired.organizations[organization].limits
    names = {branch.id: branch.name for branch in context.planned.branches}
    before = _before_the_move(context)
    lowered = {(action.branch, action.replica) for action in before if isinstance(action, PatchEndpoint)}
    writers = project.writers.values() if project else ()
    deleted, remaining = _deleted_replicas(context), set(_remaining_branches(context))
    for endpoint in (project.endpoints if project else None) or ():
        branch = names.get(endpoint.branch_id, endpoint.branch_id)
        sizes = compute.amounts(endpoint.compute)
        if (
            branch in remaining
            and endpoint.id not in deleted
            and (branch, None if endpoint.writes else endpoint.name) not in lowered
            and any(forbids(limits, path, size) for path, size in sizes.items())
        ):
            what, remedy = _compute(endpoint, writers)
            return Verdict(
                Rule.ORGANIZATION_LIMIT,
                f"organization {organization} does not allow the size or suspend timeout of {what} "
                f"{endpoint.id} of branch {branch!r}, which no file manages",
                remedy,
            )
    return None


def _compute(endpoint: LiveEndpoint, writers: Collection[LiveEndpoint]) -> tuple[str, str]:
    """Return the kind of compute and a remedy."""
    if endpoint in writers:
        return "compute", "change it in the console, or declare the branch in the tenant's file"
    return "read replica", "declare it under compute.replicas, change it in the console, or delete it"


def _or_let_them_give_way(context: TenantContext) -> str:
    """Return the remedy if it would help: it does not if the snapshots do not count against this limit."""
    settings = context.desired.settings(context.desired.tenants[context.planned.tenant])
    if settings.snapshot_policy.at_limit is AtLimit.REPLACE_OLDEST or not method(settings).reads_snapshots:
        return ""
    return f", or set tiers.{settings.tier}.snapshots.at_limit: replace_oldest to delete the oldest automatically"


def _left(remaining: list[str]) -> str:
    return f"{len(remaining)} would remain: {', '.join(map(repr, remaining))}"


def _remaining_branches(context: TenantContext) -> list[str]:
    deleted = {action.branch_id for action in _before_the_move(context) if isinstance(action, DeleteBranch)}
    return [branch.name for branch in context.planned.branches if branch.id not in deleted]


def _remaining_snapshots(context: TenantContext) -> list[str]:
    deleted = {action.snapshot_id for action in _before_the_move(context) if isinstance(action, DeleteSnapshot)}
    project = context.planned.project
    live = (project.snapshots if project else None) or ()
    return [snapshot.name for snapshot in live if snapshot.manual and snapshot.id not in deleted]


def _before_the_move(context: TenantContext) -> list[Action]:
    """Actions that may run before the transfer. A snapshot that is replaced later still exists during it."""
    return [action for action in context.planned.actions if may_precede_transfer(action)]
