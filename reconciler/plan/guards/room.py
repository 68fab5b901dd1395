"""Whether a project fits into the organization that it moves to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.tier import AtLimit
from reconciler.plan.action import DeleteBranch, DeleteSnapshot, PatchEndpoint, TransferProject
from reconciler.plan.concerns import compute
from reconciler.plan.concerns.organization import branches_allowed, forbids, snapshots_allowed
from reconciler.plan.concerns.snapshots import method
from reconciler.plan.guards.bench import Bench, Verdict
from reconciler.plan.making_way import makes_way
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.live.project import LiveEndpoint
    from reconciler.plan.action import Action


def no_room_below(action: Action, bench: Bench) -> Verdict | None:
    """A move to an organization that allows fewer branches or snapshots than would be left."""
    if not isinstance(action, TransferProject) or action.destination not in bench.desired.organizations:
        return None
    rules = (_too_many_branches, _too_many_snapshots, _too_large_computes)
    return next((verdict for rule in rules if (verdict := rule(action.destination, bench))), None)


def _too_many_branches(organization: str, bench: Bench) -> Verdict | None:
    limits, remaining = bench.desired.organizations[organization].limits, _remaining_branches(bench)
    if limits.branches is None or len(remaining) <= limits.branches:
        return None
    return Verdict(
        Rule.BRANCH_LIMIT,
        f"{branches_allowed(organization, limits)}, and {_left(remaining)}",
        "delete branches that the tenant can do without, or let the file declare fewer",
    )


def _too_many_snapshots(organization: str, bench: Bench) -> Verdict | None:
    limits, remaining = bench.desired.organizations[organization].limits, _remaining_snapshots(bench)
    if limits.snapshots is None or len(remaining) <= limits.snapshots:
        return None
    return Verdict(
        Rule.SNAPSHOT_LIMIT,
        f"{snapshots_allowed(organization, limits)}, and {_left(remaining)}",
        f"delete snapshots that the tenant can do without{_or_let_them_give_way(bench)}",
    )


def _too_large_computes(organization: str, bench: Bench) -> Verdict | None:
    """Computes that nothing in the files sizes are left alone, and so stand in the way."""
    project, limits = bench.planned.project, bench.desired.organizations[organization].limits
    names = {branch.id: branch.name for branch in (project.branches if project else None) or ()}
    lowered = {action.branch for action in _before_the_move(bench) if isinstance(action, PatchEndpoint)}
    writers = project.writers.values() if project else ()
    sized = {writer.id for writer in writers if names.get(writer.branch_id) in lowered}
    remaining = set(_remaining_branches(bench))
    for endpoint in (project.endpoints if project else None) or ():
        branch = names.get(endpoint.branch_id, endpoint.branch_id)
        sizes = compute.members(endpoint.compute)
        if (
            branch in remaining
            and endpoint.id not in sized
            and any(forbids(limits, path, size) for path, size in sizes.items())
        ):
            what, remedy = _compute(endpoint, writers)
            return Verdict(
                Rule.ORGANIZATION_LIMIT,
                f"organization {organization} does not allow the size or suspension of the {what} {endpoint.id} "
                f"of branch {branch!r}, which no file sizes",
                remedy,
            )
    return None


def _compute(endpoint: LiveEndpoint, writers: Collection[LiveEndpoint]) -> tuple[str, str]:
    """What it is, and what may be done about it: no file sizes a read replica."""
    if endpoint in writers:
        return "compute", "change it in the console, or declare the branch"
    return "read replica", "make it smaller in the console, or delete it"


def _or_let_them_give_way(bench: Bench) -> str:
    """Where that would help: nothing gives way to a limit that the tenant's own snapshots do not count against."""
    settings = bench.desired.settings(bench.desired.tenants[bench.planned.tenant])
    if settings.snapshot_policy.at_limit is AtLimit.REPLACE_OLDEST or not method(settings).reads_snapshots:
        return ""
    return f", or let the oldest give way with tiers.{settings.tier}.snapshots.at_limit: replace_oldest"


def _left(remaining: list[str]) -> str:
    return f"{len(remaining)} would be left: {', '.join(map(repr, remaining))}"


def _remaining_branches(bench: Bench) -> list[str]:
    deleted = {action.branch_id for action in _before_the_move(bench) if isinstance(action, DeleteBranch)}
    project = bench.planned.project
    return [branch.name for branch in (project.branches if project else None) or () if branch.id not in deleted]


def _remaining_snapshots(bench: Bench) -> list[str]:
    """Those that count."""
    deleted = {action.snapshot_id for action in _before_the_move(bench) if isinstance(action, DeleteSnapshot)}
    project = bench.planned.project
    live = (project.snapshots if project else None) or ()
    return [snapshot.name for snapshot in live if snapshot.manual and snapshot.id not in deleted]


def _before_the_move(bench: Bench) -> list[Action]:
    """What can make way for the move. What is replaced only after it is still there during it."""
    return [action for action in bench.planned.actions if makes_way(action)]
