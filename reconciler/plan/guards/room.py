"""Whether a project fits into the organization that it moves to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.action import DeleteBranch, DeleteSnapshot, TransferProject
from reconciler.plan.guards.bench import Bench, Verdict
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from reconciler.plan.action import Action


def no_room_below(action: Action, bench: Bench) -> Verdict | None:
    """A move to an organization that allows fewer branches or snapshots than would be left."""
    if not isinstance(action, TransferProject) or action.destination not in bench.desired.organizations:
        return None
    limits = bench.desired.organizations[action.destination].limits
    return _too_many(
        Rule.BRANCH_LIMIT,
        f"organization {action.destination} allows {limits.branches} branches in a project",
        limits.branches,
        _remaining_branches(bench),
    ) or _too_many(
        Rule.SNAPSHOT_LIMIT,
        f"organization {action.destination} allows {limits.snapshots} snapshots in a project",
        limits.snapshots,
        _remaining_snapshots(bench),
    )


def _too_many(rule: Rule, allowed: str, limit: int | None, remaining: list[str]) -> Verdict | None:
    if limit is None or len(remaining) <= limit:
        return None
    names = ", ".join(map(repr, remaining))
    thing = "branches" if rule is Rule.BRANCH_LIMIT else "snapshots"
    return Verdict(
        rule,
        f"{allowed}, and {len(remaining)} would be left: {names}",
        f"delete {thing} that the tenant can do without, or let the file declare fewer",
    )


def _remaining_branches(bench: Bench) -> list[str]:
    deleted = {action.branch_id for action in bench.planned.actions if isinstance(action, DeleteBranch)}
    project = bench.planned.project
    return [branch.name for branch in (project.branches if project else None) or () if branch.id not in deleted]


def _remaining_snapshots(bench: Bench) -> list[str]:
    """Those that count; one that is replaced only after the move is still there during it."""
    deleted = {
        action.snapshot_id
        for action in bench.planned.actions
        if isinstance(action, DeleteSnapshot) and action.before_transfer
    }
    project = bench.planned.project
    live = (project.snapshots if project else None) or ()
    return [snapshot.name for snapshot in live if snapshot.manual and snapshot.id not in deleted]
