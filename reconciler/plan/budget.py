"""What a plan costs: calls, and time at the account's rate limit."""

from __future__ import annotations

from collections import Counter
from math import ceil
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from reconciler.model.api_limits import PROJECTS_PER_PAGE, PROJECTS_PER_TRANSFER
from reconciler.model.fields.table import FIELDS
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch
from reconciler.plan.actions.compute import CreateReplica
from reconciler.plan.actions.project import (
    CreateProject,
    DeleteDuplicate,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.concerns.compute import PATHS as COMPUTE
from reconciler.plan.concerns.quota import PATHS as QUOTA
from reconciler.plan.created_marks import may_need_mark, observed_to_keep
from reconciler.plan.late_reads import calls_to_reread
from reconciler.plan.list_pages import creates_per_check
from reconciler.plan.moves import Limit, checks_transfer_permission, is_tried_first, limits_met_by, quota_at_risk
from reconciler.plan.plan import Budget
from reconciler.plan.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.desired.state import Api, DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan

POLLS_OF_FEW: Final = 1.5
"""Polls per write if a tenant's calls follow each other immediately; measured on the simulator."""
OPERATION_SECONDS: Final = 0.8
"""Typical duration of an operation (Neon: provisioning takes less than a second)."""
AT_ONCE: Final = 32
"""Maximum number of tenants in progress at the same time."""
_DETAILS: Final = tuple(map(attrgetter, ("branches", "endpoints", "snapshots", "consumption")))
"""What is None of a project until it was read."""
WITHOUT_WORK: Final = frozenset(field.path for field in FIELDS if not field.starts_operations)
"""Project fields whose change starts no operation (Neon: manage/operations)."""


def polls(plans: Sequence[TenantPlan], per_minute: float) -> int:
    """Return the calls that poll operations, at this rate of calls per minute.

    With many tenants in progress, each waits longer for its next call than its operation takes, and polls once.
    """
    awaited = sum(_awaited(plan.actions) for plan in plans)
    waits = min(AT_ONCE, len(plans)) * 60 / per_minute >= OPERATION_SECONDS
    return awaited if waits else int(awaited * POLLS_OF_FEW)


def _awaited(actions: Sequence[Action]) -> int:
    """Return how often a run waits for operations of a tenant: once for a creation and the resize that follows."""
    return sum(
        starts_work(action) and (place < len(actions) or action.in_no_list or resizes(action))
        for place, action in enumerate(actions, start=1)
    )


def resizes(action: Action) -> bool:
    """Return whether the call may be followed by one that resizes the first compute of a new project.

    Neon does not document that this compute has the sizes of the creation. If it has, nothing follows.
    """
    return isinstance(action, CreateProject) and any(change.path in COMPUTE for change in action.changes)


def starts_work(action: Action) -> bool:
    """Return whether the call starts operations, as far as Neon documents it."""
    if isinstance(action, PatchProject):
        return any(change.path not in WITHOUT_WORK for change in action.changes)
    return action.starts_operations


ARRIVAL_SECONDS: Final = 6.0
"""How long a run waits until the key of an organization sees the projects that have moved to it. Neon does not
document it; measured on the simulator, whose keys see them after 5 seconds."""
READS_PER_ARRIVAL: Final = 6
"""Reads until then, one a second, for each shared transfer."""
BURST_SECONDS: Final = 60 / 35
"""After a pause, the calls of this many seconds may start at once."""
READS_PER_REPLICA: Final = 2
"""Reads for another read replica with the name, right before and after the creation."""
READS_PER_DUPLICATE: Final = 6
"""Reads that prove again, right before its deletion, that a second project is unused."""


def estimate(plans: Sequence[TenantPlan], desired: DesiredState, live: LiveState) -> Budget:
    """Estimate the cost. Writes are exact, apart from resizes, repeated transfers, and quotas that a transfer may
    remove. Reads are searches before and after creations, late turns and polls. Marks of new projects whose
    annotations Neon has lost are not counted: a run learns that from its first creation.
    """
    planned = [action for plan in plans for action in plan.actions]
    routes = Counter((a.origin, a.destination) for a in planned if isinstance(a, TransferProject))
    transfers = sum(-(-count // PROJECTS_PER_TRANSFER) for count in routes.values()) + _alone(plans, routes)
    repeats = _repeats(plans)
    created = [action.tenant for action in planned if isinstance(action, CreateProject)]
    reads_marks = _reads_marks(plans, desired, live)
    recoveries = sum(isinstance(action, RecoverProject) for action in planned)
    duplicates = sum(isinstance(action, DeleteDuplicate) for action in planned)
    resized = sum(map(resizes, planned))
    lost = sum(map(quota_at_risk, plans))
    single = len(planned) - sum(routes.values()) + resized + lost
    per_minute = desired.api.requests_per_minute * desired.api.batch_share
    followed, searched = polls(plans, per_minute), _looks(created, desired, live)
    reads = followed + searched + lost + reads_marks
    reads += recoveries * len(desired.organizations) + checks_transfer_permission(plans)
    reads += duplicates * READS_PER_DUPLICATE + transfers * READS_PER_ARRIVAL
    reads += sum(map(_before_replacements, plans)) + READS_PER_REPLICA * sum(map(_replicas, plans))
    again = _looked_at_again(plans, single + transfers + repeats + reads, per_minute, desired.api, live)
    reads += again
    writes = single + transfers + repeats
    calls = writes + reads
    per_check = creates_per_check(live.listed, len(created))
    cohorts = -(-len(created) // per_check) + -(-sum(map(_replicas, plans)) // AT_ONCE)
    return Budget(
        writes=writes,
        transfers=transfers,
        reads=reads,
        seconds=calls * 60 / per_minute + cohorts * desired.api.settle_seconds + _arrival_seconds(plans),
        resizes=resized,
        polls=followed,
        searches=searched,
        late_looks=again,
        repeats=repeats,
    )


def _reads_marks(plans: Sequence[TenantPlan], desired: DesiredState, live: LiveState) -> bool:
    """Return whether the run reads a new project, to see whether Neon keeps the annotations of a creation."""
    unsure = any(plan.includes(CreateProject) and may_need_mark(plan.actions) for plan in plans)
    return unsure and desired.registry is None and not observed_to_keep(live)


def _arrival_seconds(plans: Sequence[TenantPlan]) -> float:
    """Return how long a run waits for projects that have moved. Meanwhile the other tenants take their turns."""
    moving = sum(plan.transfer is not None for plan in plans)
    return ARRIVAL_SECONDS * moving / len(plans) if plans else 0.0


def _replicas(plan: TenantPlan) -> int:
    """Return the read replicas that are created in a project which other runs know."""
    return 0 if plan.project is None else sum(isinstance(action, CreateReplica) for action in plan.actions)


def _before_replacements(plan: TenantPlan) -> int:
    """Return the reads right before a snapshot replacement: branches and Neon snapshots.

    For a snapshot of an earlier time, also the project and its operations.
    """
    leaving = [action for action in plan.actions if action.stage in (Stage.REPLACE_SNAPSHOT, Stage.REPLACE_BEFORE)]
    coming = [action for action in plan.actions if isinstance(action, CreateSnapshot)]
    of_the_past = any(isinstance(a, CreateSnapshot | CreateBranch) and a.at is not None for a in plan.actions)
    return len(leaving) * (1 + bool(coming) + 2 * of_the_past)


def _alone(plans: Sequence[TenantPlan], routes: Mapping[tuple[str, str], int]) -> int:
    """Return the transfers of single tenants that go before all others of their route."""
    first = {(move.origin, move.destination) for plan in plans if is_tried_first(plan) and (move := plan.transfer)}
    return sum(routes[route] > 1 for route in first)


def _repeats(plans: Sequence[TenantPlan]) -> int:
    """Return the transfers that may be refused: once for each limit that the plan has reductions for.

    Neon does not document which limits a transfer has to meet. Of several tenants, one goes before all others.
    """
    named: dict[tuple[str, str], set[Limit]] = {}
    tenants: Counter[tuple[str, str]] = Counter()
    for plan in plans:
        if (move := plan.transfer) and move.downgrade:
            route = (move.origin, move.destination)
            tenants[route] += 1
            named.setdefault(route, set()).update(*map(limits_met_by, plan.actions))
    return sum(len(limits) * min(2, tenants[route]) for route, limits in named.items())


def _looks(created: Sequence[str], desired: DesiredState, live: LiveState) -> int:
    """The searches: by name before each creation; after each cohort by name or by list, whichever is fewer."""
    creates = len(created)
    listing = sum(count // PROJECTS_PER_PAGE + 1 for count in live.listed.values()) or creates
    organizations = len(desired.organizations)
    per_check = creates_per_check(live.listed, creates)
    full, rest = divmod(creates, per_check)
    after = full * min(listing, per_check * organizations) + min(listing, rest * organizations)
    return sum(len(desired.project_names(tenant)) for tenant in created) * organizations + after


def _looked_at_again(plans: Sequence[TenantPlan], calls: int, per_minute: float, api: Api, live: LiveState) -> int:
    """Return the reads of late turns: tenants whose turn comes when the observation is no longer fresh.

    Several tenants are in progress at once, so more have begun than are done. A moving tenant is read with all
    that share its transfer, and again after it. A deletion after other steps is checked separately.
    """
    if not calls:
        return 0
    seconds_left = max(0.0, api.look_again_after_seconds - _arrival_seconds(plans))
    within = per_minute * (seconds_left + BURST_SECONDS) / 60
    fresh = max(0.0, within - _taken(live))
    begun = max(AT_ONCE, fresh * len(plans) / calls) if fresh else 0.0
    existing = [plan for plan in plans if plan.project is not None]
    late = max(0.0, 1 - begun / len(existing)) if existing else 0.0
    places = Counter(plan.project.organization for plan in existing if plan.project is not None)
    below = late * sum(max(0, calls_to_reread(plan) - 1) for plan in existing)
    seconds = (late * calls + below) * 60 / per_minute
    list_reads = (
        _pages_again(late * n, seconds * n / len(existing), api.look_again_after_seconds, live.listed.get(name))
        for name, n in places.items()
    )
    deleting = max(0.0, 1 - fresh / calls) * sum(_deletions_later(plan) * calls_to_reread(plan) for plan in plans)
    counted = late * sum(map(_counts, existing))
    reducing = late * sum(map(_reductions_first, existing))
    return int(below + sum(list_reads) + counted + reducing + deleting + (0 if fresh else _together(plans, live)))


def _together(plans: Sequence[TenantPlan], live: LiveState) -> int:
    """Return the calls that read again the projects of a shared transfer: the pages of the list that have them."""
    moving = [plan for plan in plans if plan.transfer]
    places = Counter(plan.project.organization for plan in moving if plan.project is not None)
    listed = int(sum(_full_pages(live.listed.get(name), n) for name, n in places.items()))
    return listed + sum(map(_counts, moving))


def _counts(plan: TenantPlan) -> bool:
    """Return whether the tenant is read by itself before its quota is reduced.

    Either no list proved that the quota is not used up, or the tenant moves, and its turn takes long.
    """
    listed = plan.project is None or plan.project.consumption is None
    if listed and not plan.transfer:
        return False
    return any(c.lowering and c.path in QUOTA for action in plan.actions for c in action.changes)


def _reductions_first(plan: TenantPlan) -> int:
    """Return the reductions that the transfer may need first: all tenants take one before any takes the next."""
    if plan.transfer is None or not plan.transfer.downgrade:
        return 0
    return sum(bool(limits_met_by(action)) for action in plan.actions)


def _deletions_later(plan: TenantPlan) -> int:
    """Return the deletions that run some calls after the tenant's turn begins."""
    deletes = [isinstance(action, DeleteBranch | DeleteSnapshot) for action in plan.actions]
    leading = next((place for place, deletion in enumerate(deletes) if not deletion), len(deletes))
    replaced = any(action.stage is Stage.REPLACE_SNAPSHOT for action in plan.actions[:leading])
    return sum(deletes if replaced else deletes[leading:])


def _pages_again(turns: float, seconds: float, longest: float, projects: int | None) -> float:
    """The list pages that show projects again at late turns, which take these seconds.

    Turns come in the order of the pages. A page is read again when it is older than ``longest``.
    """
    pages = _full_pages(projects, turns)
    return min(turns, pages * (1 + seconds // max(1.0, longest * pages)))


def _full_pages(projects: int | None, turns: float) -> float:
    """The list pages that have the projects of so many turns; where no list was read, each project by itself."""
    return turns if projects is None else min(turns, ceil(projects / PROJECTS_PER_PAGE))


def _taken(live: LiveState) -> int:
    """Return the calls of the observation, as far as it shows them: list pages and details."""
    listing = sum(count // PROJECTS_PER_PAGE + 1 for count in live.listed.values())
    return listing + sum(len(live.projects) - [*map(detail, live.projects)].count(None) for detail in _DETAILS)
