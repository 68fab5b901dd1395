"""What a plan costs: calls, and time at the account's rate limit."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, Final

from reconciler.model.api_limits import CREATES_PER_CHECK, PROJECTS_PER_PAGE, PROJECTS_PER_TRANSFER
from reconciler.plan.action import (
    AdoptProject,
    CreateBranch,
    CreateProject,
    CreateSnapshot,
    DeleteBranch,
    DeleteDuplicate,
    DeleteSnapshot,
    PatchEndpoint,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.making_way import asks_for_the_mover, goes_first
from reconciler.plan.needs import lists_pay, looks, pages
from reconciler.plan.order import Stage, stage
from reconciler.plan.plan import Budget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.desired.state import Api, DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan

POLLS_OF_FEW: Final = 1.5
"""For each write, where a tenant's calls follow each other at once; seen on the simulator."""
OPERATION_SECONDS: Final = 0.8
"""About how long an operation takes (Neon: provisioning takes less than a second)."""
AT_ONCE: Final = 32
"""Tenants at work at once, at most."""
SHOWN_IN_NO_LIST: Final = (PatchEndpoint, CreateBranch, CreateSnapshot)
"""Actions whose operations are waited for even where nothing follows."""
ALWAYS: Final = (
    AdoptProject,
    CreateBranch,
    CreateProject,
    CreateSnapshot,
    DeleteBranch,
    DeleteSnapshot,
    PatchEndpoint,
)
WITHOUT_WORK: Final = ("name", "organization", "quota.", "compute.")
"""Paths of a project whose change starts no operation (Neon: manage/operations)."""


def polls(plans: Sequence[TenantPlan], per_minute: float) -> int:
    """Calls that ask about operations, in a run of so many calls a minute.

    Where many tenants are at work, each waits longer for its turn than its operation takes, and asks once.
    """
    awaited = sum(_awaited(plan.actions) for plan in plans)
    waits = min(AT_ONCE, len(plans)) * 60 / per_minute >= OPERATION_SECONDS
    return awaited if waits else int(awaited * POLLS_OF_FEW)


def _awaited(actions: Sequence[Action]) -> int:
    """The writes of a tenant whose operations are waited for."""
    return sum(
        starts_work(action) and (place < len(actions) or isinstance(action, SHOWN_IN_NO_LIST))
        for place, action in enumerate(actions, start=1)
    )


def starts_work(action: Action) -> bool:
    """Whether the call starts operations, as far as Neon says so."""
    if isinstance(action, PatchProject):
        return any(not change.path.startswith(WITHOUT_WORK) for change in action.changes)
    return isinstance(action, ALWAYS)


BURST_SECONDS: Final = 60 / 35
"""So many seconds' worth of calls may start at once after a pause."""
READS_PER_DUPLICATE: Final = 6
"""What proves once more, right before its deletion, that a second project holds nothing."""


def estimate(plans: Sequence[TenantPlan], desired: DesiredState, live: LiveState) -> Budget:
    """Writes are exact. Reads are looks (of the create protocol, at late tenants) and polls of operations."""
    planned = [action for plan in plans for action in plan.actions]
    routes = Counter((a.origin, a.destination) for a in planned if isinstance(a, TransferProject))
    transfers = sum(-(-count // PROJECTS_PER_TRANSFER) for count in routes.values()) + _alone(plans, routes)
    created = [action.tenant for action in planned if isinstance(action, CreateProject)]
    recoveries = sum(isinstance(action, RecoverProject) for action in planned)
    duplicates = sum(isinstance(action, DeleteDuplicate) for action in planned)
    single = len(planned) - sum(routes.values())
    per_minute = desired.api.requests_per_minute * desired.api.batch_share
    reads = polls(plans, per_minute) + _looks(created, desired, live)
    reads += recoveries * len(desired.organizations) + asks_for_the_mover(plans)
    reads += duplicates * READS_PER_DUPLICATE
    reads += sum(map(_before_replacements, plans))
    reads += _looked_at_again(plans, single + transfers + reads, per_minute, desired.api, live)
    calls = single + transfers + reads
    waits = -(-len(created) // CREATES_PER_CHECK) * desired.api.settle_seconds
    return Budget(
        writes=single + transfers,
        transfers=transfers,
        reads=reads,
        seconds=calls * 60 / per_minute + waits,
    )


def _before_replacements(plan: TenantPlan) -> int:
    """What shows, right before snapshots give way, that others are sure to come: branches and Neon's snapshots.

    For a moment of the past, the project and its operations besides.
    """
    leaving = [action for action in plan.actions if stage(action) is Stage.REPLACE_SNAPSHOT]
    coming = [action for action in plan.actions if isinstance(action, CreateSnapshot)]
    of_the_past = any(isinstance(a, CreateSnapshot | CreateBranch) and a.at is not None for a in plan.actions)
    return len(leaving) * (1 + bool(coming) + 2 * of_the_past)


def _alone(plans: Sequence[TenantPlan], routes: Mapping[tuple[str, str], int]) -> int:
    """Transfers of one tenant that goes before all others of its route."""
    led = (plan for plan in plans if goes_first(plan))
    first = {(a.origin, a.destination) for plan in led for a in plan.actions if isinstance(a, TransferProject)}
    return sum(routes[route] > 1 for route in first)


def _looks(created: Sequence[str], desired: DesiredState, live: LiveState) -> int:
    """Before each creation a search for its names; after each cohort by name or by listing, whichever is less."""
    creates = len(created)
    listing = sum(count // PROJECTS_PER_PAGE + 1 for count in live.listed.values()) or creates
    organizations = len(desired.organizations)
    full, rest = divmod(creates, CREATES_PER_CHECK)
    after = full * min(listing, CREATES_PER_CHECK * organizations) + min(listing, rest * organizations)
    return sum(len(desired.project_names(tenant)) for tenant in created) * organizations + after


def _looked_at_again(plans: Sequence[TenantPlan], calls: int, per_minute: float, api: Api, live: LiveState) -> int:
    """Of the tenants whose turn comes when the look is no longer fresh: it began before it was read whole.

    Several are at work at once, so that more have begun than are done. Who moves is looked at with all who move
    along, and once more after the move. A deletion that other steps come before is looked at by itself.
    """
    if not calls:
        return 0
    within = per_minute * (api.look_again_after_seconds + BURST_SECONDS) / 60
    fresh = max(0.0, within - _taken(live))
    begun = max(AT_ONCE, fresh * len(plans) / calls) if fresh else 0.0
    whole = [plan for plan in plans if plan.project is not None]
    late = max(0.0, 1 - begun / len(whole)) if whole else 0.0
    places = Counter(plan.project.organization for plan in whole if plan.project is not None)
    below = late * sum(max(0, looks(plan) - 1) for plan in whole)
    seconds = (late * calls + below) * 60 / per_minute
    again = (_projects_again(late * n, seconds, api, live.listed.get(name)) for name, n in places.items())
    deleting = max(0.0, 1 - fresh / calls) * sum(_deletions_later(plan) * looks(plan) for plan in plans)
    counted = late * sum(map(_counts, whole))
    return int(below + sum(again) + counted + deleting + (0 if fresh else _together(plans, api, live)))


def _together(plans: Sequence[TenantPlan], api: Api, live: LiveState) -> int:
    """Calls that read again the projects of those who move together: lists, where they pay."""
    moving = [plan for plan in plans if any(isinstance(action, TransferProject) for action in plan.actions)]
    places = Counter(plan.project.organization for plan in moving if plan.project is not None)
    counts = ((n, live.listed.get(name)) for name, n in places.items())
    listed = sum(n if of is None or not lists_pay(of, n, api) else min(n, pages(of)) for n, of in counts)
    return listed + sum(map(_counts, moving))


def _counts(plan: TenantPlan) -> bool:
    """Whether the tenant lowers a quota: how much of it is used stands in no list."""
    return any(c.lowering and c.path in QUOTA for action in plan.actions for c in action.changes)


def _deletions_later(plan: TenantPlan) -> int:
    """Deletions that come some calls after the tenant's turn begins."""
    deletes = [isinstance(action, DeleteBranch | DeleteSnapshot) for action in plan.actions]
    leading = next((place for place, deletion in enumerate(deletes) if not deletion), len(deletes))
    replaced = any(stage(action) is Stage.REPLACE_SNAPSHOT for action in plan.actions[:leading])
    return sum(deletes if replaced else deletes[leading:])


def _projects_again(turns: float, seconds: float, api: Api, projects: int | None) -> float:
    """Calls that read the projects of so many late turns again, within so many seconds: lists, where they pay."""
    if projects is None or not lists_pay(projects, int(turns), api):
        return turns
    return min(turns, pages(projects) * ceil(seconds / max(1.0, api.look_again_after_seconds)))


def _taken(live: LiveState) -> int:
    """Calls that the look has taken, as far as it shows them: pages, and what was read below projects."""
    listing = sum(count // PROJECTS_PER_PAGE + 1 for count in live.listed.values())
    below = ((p.branches, p.endpoints, p.snapshots, p.consumption) for p in live.projects)
    return listing + sum(details is not None for of_one in below for details in of_one)
