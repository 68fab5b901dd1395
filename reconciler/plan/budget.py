"""What a plan costs: calls and time at the account's rate limit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from reconciler.plan.action import CreateProject, DeleteDuplicate, RecoverProject, TransferProject
from reconciler.plan.making_way import asks_for_the_mover, goes_first
from reconciler.plan.plan import Budget
from reconciler.plan.polls import AT_ONCE, polls
from reconciler.plan.rests_on import FRESH_SECONDS, looks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import TenantPlan

TRANSFER_BATCH: Final = 400
"""Neon: project_ids of one transfer call, at most."""
COHORT: Final = 400
"""Creates that share one look afterwards."""
PAGE: Final = 400
"""Neon: projects in one page of a list, at most."""
READS_PER_DUPLICATE: Final = 6
"""What proves once more, right before its deletion, that a second project holds nothing."""


def estimate(plans: Sequence[TenantPlan], desired: DesiredState, live: LiveState) -> Budget:
    """Writes are exact. Reads are looks (of the create protocol, at late tenants) and polls of operations."""
    planned = [action for plan in plans for action in plan.actions]
    routes = Counter((a.origin, a.destination) for a in planned if isinstance(a, TransferProject))
    transfers = sum(-(-count // TRANSFER_BATCH) for count in routes.values()) + _alone(plans, routes)
    created = [action.tenant for action in planned if isinstance(action, CreateProject)]
    recoveries = sum(isinstance(action, RecoverProject) for action in planned)
    duplicates = sum(isinstance(action, DeleteDuplicate) for action in planned)
    single = len(planned) - sum(routes.values())
    per_minute = desired.api.requests_per_minute * desired.api.batch_share
    reads = polls(plans, per_minute) + _looks(created, desired, live)
    reads += recoveries * len(desired.organizations) + asks_for_the_mover(plans)
    reads += duplicates * READS_PER_DUPLICATE
    reads += _looked_at_again(plans, single + transfers + reads, per_minute, live)
    calls = single + transfers + reads
    waits = -(-len(created) // COHORT) * desired.api.settle_seconds
    return Budget(
        writes=single + transfers,
        transfers=transfers,
        reads=reads,
        seconds=calls * 60 / per_minute + waits,
    )


def _alone(plans: Sequence[TenantPlan], routes: Mapping[tuple[str, str], int]) -> int:
    """Transfers of one tenant that goes before all others of its route."""
    led = (plan for plan in plans if goes_first(plan))
    first = {(a.origin, a.destination) for plan in led for a in plan.actions if isinstance(a, TransferProject)}
    return sum(routes[route] > 1 for route in first)


def _looks(created: Sequence[str], desired: DesiredState, live: LiveState) -> int:
    """Before each creation a search for its names; after each cohort by name or by listing, whichever is less."""
    creates = len(created)
    pages = sum(count // PAGE + 1 for count in live.listed.values()) or creates
    organizations = len(desired.organizations)
    full, rest = divmod(creates, COHORT)
    after = full * min(pages, COHORT * organizations) + min(pages, rest * organizations)
    return sum(len(desired.project_names(tenant)) for tenant in created) * organizations + after


def _looked_at_again(plans: Sequence[TenantPlan], calls: int, per_minute: float, live: LiveState) -> int:
    """Of the tenants whose turn comes when the look is no longer fresh: it began before it was read whole.

    Those that move together have their turn together, when their unit begins; of all others several are at work at
    once, so that more have begun than are done.
    """
    moving = [plan for plan in plans if _moves(plan)]
    lone = [plan for plan in plans if not _moves(plan)]
    fresh = max(0.0, per_minute * FRESH_SECONDS / 60 - _taken(live))
    begun = fresh * len(plans) / calls + AT_ONCE if fresh and calls else 0.0
    late = max(0.0, 1 - begun / len(lone)) if lone else 0.0
    together = 0
    if moving and not fresh:
        pages = sum(count // PAGE + 1 for count in live.listed.values())
        below = sum(max(0, looks(plan) - 1) for plan in moving)
        together = below + (min(pages, len(moving)) if pages else len(moving))
    return together + int(late * sum(map(looks, lone)))


def _moves(plan: TenantPlan) -> bool:
    return any(isinstance(action, TransferProject) for action in plan.actions)


def _taken(live: LiveState) -> int:
    """Calls that the look has taken, as far as it shows them: pages, and what was read below projects."""
    pages = sum(count // PAGE + 1 for count in live.listed.values())
    below = ((p.branches, p.endpoints, p.snapshots, p.consumption) for p in live.projects)
    return pages + sum(details is not None for of_one in below for details in of_one)
