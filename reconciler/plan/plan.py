"""The plan: what a run would do, tenant by tenant, and what it would not do and why."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

from msgspec import Struct, field

from reconciler.live.project import LiveProject
from reconciler.model.problem import Location
from reconciler.model.values import Value
from reconciler.plan.action import Action, DeleteDuplicate
from reconciler.plan.change import Origin


class Rule(Enum):
    """The guards, by the name that a refusal shows."""

    LOWERING_NEEDS_A_CAUSE = "lowering-needs-a-cause"
    MOVE_NEEDS_A_CAUSE = "move-needs-a-cause"
    BASE_AHEAD = "base-ahead"
    DRIFT_POLICY = "drift-policy"
    PROTECTED = "protected"
    OWNERSHIP = "ownership"
    THRESHOLD = "threshold"
    ORGANIZATION_LIMIT = "organization-limit"
    MANY_UNMATCHED = "many-unmatched"
    SHRUNKEN_FILES = "shrunken-files"
    INCOMPLETE_VIEW = "incomplete-view"
    INTEGRATION = "integration"
    DOWNGRADE_PROOF = "downgrade-proof"
    BRANCH_LIMIT = "branch-limit"
    SNAPSHOT_LIMIT = "snapshot-limit"
    ROOT_BRANCH = "root-branch"
    LOST_SNAPSHOT = "lost-snapshot"
    SNAPSHOT_EXPIRY = "snapshot-expiry"
    TIER_RENAMED = "tier-renamed"
    PRUNE = "prune"
    MADE_AT_CREATION = "made-at-creation"
    PART_OF_A_TIER = "part-of-a-tier"
    STRICT = "strict"
    STALE_REVISION = "stale-revision"
    MISSING_PROJECT = "missing-project"
    UNCONFIRMED = "unconfirmed"
    LATER_LIFE = "later-life"
    LOOKS_RENAMED = "looks-renamed"
    CANNOT_BE_DONE = "cannot-be-done"
    CANNOT_CONNECT = "cannot-connect"
    BEYOND_LIMITS = "beyond-limits"


ONLY_REPORTED: Final = frozenset(
    {Rule.DRIFT_POLICY, Rule.BASE_AHEAD, Rule.SNAPSHOT_EXPIRY, Rule.CANNOT_CONNECT, Rule.BEYOND_LIMITS}
)
"""Rules that speak of live state alone: nobody asked for what they hold back."""


class TenantPlan(Struct, frozen=True):
    """All actions of one tenant, in the order in which they run."""

    tenant: str
    project: LiveProject | None
    """What was seen of it; None where the project is to be created."""
    actions: tuple[Action, ...]
    revision: int | None = None
    """Of the tenant's file, where it states one."""


class Refusal(Struct, frozen=True):
    """Actions that a guard holds back: the rule, the numbers, the file and what would allow them."""

    rule: Rule
    tenants: tuple[str, ...]
    message: str
    remedy: str
    actions: tuple[Action, ...]
    """The actions as planned, or with only those of their changes that are held back."""
    unheld: bool = False
    """Whether git holds the files of none of these tenants: then nothing says that it was asked for."""

    @property
    def asked_for(self) -> bool:
        """Whether something is refused that this run was asked for; what drifted by itself is only reported."""
        if self.rule in ONLY_REPORTED:
            return False
        if self.rule is Rule.STRICT or any(isinstance(action, DeleteDuplicate) for action in self.actions):
            return True
        if self.unheld:
            return False
        origins = {change.origin for action in self.actions for change in action.changes}
        return not origins or not origins.isdisjoint({Origin.CONFIG, Origin.UNKNOWN})


class Conflict(Struct, frozen=True):
    """Something about a tenant that only a person can decide; nothing is done to it."""

    tenant: str
    message: str
    remedy: str
    source: Location
    asked_for: bool = True
    """Whether the files changed about this tenant since the base; without a base nobody can tell."""


class Orphan(Struct, frozen=True):
    """A live project of the fleet that no file declares. Reported, never deleted without ``--prune``."""

    project: LiveProject
    tenant: str
    """The tenant that its name or annotation speaks of."""
    owned: bool | None
    """Whether our annotation is on it; None where that was not read."""


class Note(Struct, frozen=True):
    """Something worth knowing that changes nothing."""

    tenant: str | None
    message: str
    source: Location | None = None


class Unmanaged(Struct, frozen=True):
    """What the files managed at the base and do not manage any more: the live value is kept."""

    path: str
    live: tuple[tuple[str, Value], ...]
    """The value that is kept, by the path of each of its members; a None was not read."""
    tenants: tuple[str, ...]
    """All of whom the same is to be said, in name order."""
    tier: str | None
    """The tier that ceased to state it; None where it stood in the tenants' own files."""
    new_tenants: str
    """What new tenants of the tier get; empty where it stood in the tenants' own files."""
    sources: tuple[Location, ...]
    """The tier, or the tenants, as they stand in the files now."""


class FileChange(Struct, frozen=True):
    """What a commit changed in the files beside the fields of projects: no action carries it out."""

    path: str
    """Of keys: ``protect``, ``labels.team``, ``defaults.region``."""
    before: Value
    """None where the files did not say it."""
    after: Value
    effect: str
    """What the key is for, in a few words."""
    tenants: tuple[str, ...]
    """Whose files changed so, in name order; empty for tiers.yaml."""
    source: Location


class Waiting(Struct, frozen=True):
    """Tenants that are not done with an earlier commit: their base is another one than that of all others."""

    commit: str | None
    """Their base; None where they were never done."""
    reason: str
    """What keeps them, in a few words."""
    tenants: tuple[str, ...]
    """All of whom that is so, in name order."""
    changed: bool
    """Whether the files at hand say something else of them than the base of all others: then this run is asked."""


class Coverage(Struct, frozen=True):
    """What the plan looked at; "in sync" is never said without it."""

    tenants: int
    """Tenants that the plan speaks of."""
    left_out: int
    """Tenants that the selection leaves out."""
    projects: int
    """Live projects seen."""
    organizations: tuple[str, ...]
    """Organizations listed whole; the others were only asked about the selected tenants."""
    computes_checked: int
    """Tenants whose existing computes were read."""
    computes_total: int
    """Tenants that have a live project."""
    only: tuple[str, ...] = ()
    """Names of the concerns that were looked at; empty where all were."""
    missing: int = 0
    """Tenants without a live project that ``only`` keeps from being created."""
    branches_checked: int = 0
    """Tenants whose branches were read, of those that declare any."""
    branches_total: int = 0
    snapshots_checked: int = 0
    """Tenants whose snapshots were read, of those that declare any."""
    snapshots_total: int = 0
    unknown: int = 0
    """Projects that the API would not show."""
    held_back: int = 0
    """Tenants whose files are broken."""
    in_no_file: int = 0
    """Live projects of the listed organizations that no tenant of the files has, whatever they are called."""
    used_checked: int = 0
    """Tenants of whom was read how much of their quota is used, of ``computes_total``."""
    replicas: int = 0
    """Read replicas that were seen; no file speaks of any."""
    other_computes: int = 0
    """Computes that were seen of branches for which no file sizes one."""
    tuned_computes: int = 0
    """Computes that were seen with settings of Postgres, which are not compared."""
    protected_branches: int = 0
    """Branches that were seen protected in Neon, which is not compared."""


class Budget(Struct, frozen=True):
    """API calls that the plan costs: writes exactly, the rest estimated."""

    writes: int
    transfers: int
    """Calls among ``writes`` that move up to 400 projects each."""
    reads: int
    seconds: float
    """At the account's rate limit, as the run shares it."""


class Plan(Struct, frozen=True):
    """Deterministic: the same inputs give the same plan, byte for byte."""

    fleet: str
    tenants: tuple[TenantPlan, ...]
    """In name order; only tenants with actions."""
    refusals: tuple[Refusal, ...]
    conflicts: tuple[Conflict, ...]
    orphans: tuple[Orphan, ...]
    notes: tuple[Note, ...]
    coverage: Coverage
    budget: Budget
    unmanaged: tuple[Unmanaged, ...] = ()
    file_changes: tuple[FileChange, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    organizations: Mapping[str, str] = field(default_factory=dict)
    """Neon's id of each, by its name; empty where the plan was made of no account."""
    api_host: str | None = None
    """The address of the API, where it is not Neon's own."""

    @property
    def actions(self) -> Iterator[Action]:
        """Every action, tenant by tenant."""
        return (action for tenant in self.tenants for action in tenant.actions)

    @property
    def passed_on(self) -> frozenset[str]:
        """The tenants that wait since an earlier commit, and of whom the files at hand ask nothing new."""
        return frozenset(name for waiting in self.waiting if not waiting.changed for name in waiting.tenants)

    @property
    def empty(self) -> bool:
        """True where there is nothing to do; refusals and conflicts may still stand."""
        return not self.tenants
