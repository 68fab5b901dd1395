"""The plan: the actions of each tenant, what is refused, and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Final, Self

from msgspec import Struct, field

from reconciler.desired.tenant import Tenant
from reconciler.live.project import LiveBranch, LiveProject
from reconciler.model.problem import Location
from reconciler.model.values import Value
from reconciler.plan.action import Action
from reconciler.plan.actions.project import DeleteDuplicate, TransferProject
from reconciler.plan.change import Origin
from reconciler.plan.forecast import Forecast
from reconciler.plan.plan_cost import PlanCost
from reconciler.plan.stage import Stage


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
    HELD = "held"
    CHANGED_SINCE = "changed-since"
    CANNOT_GO_BACK = "cannot-go-back"
    CREATED_BY_THE_RUN = "created-by-the-run"
    POLICY = "policy"


ONLY_REPORTED: Final = frozenset(
    {Rule.DRIFT_POLICY, Rule.BASE_AHEAD, Rule.SNAPSHOT_EXPIRY, Rule.CANNOT_CONNECT, Rule.BEYOND_LIMITS}
)
"""Rules about live state only: no commit asks for what they refuse."""


class TenantPlan(Struct, frozen=True):
    """All actions of one tenant, in the order in which they run."""

    tenant: str
    project: LiveProject | None
    """The observed project; None if it is to be created."""
    actions: tuple[Action, ...]
    revision: int | None = None
    """The revision in the tenant's file, if any."""

    @property
    def transfer(self) -> TransferProject | None:
        """The transfer of its project, if one is planned."""
        return next((action for action in self.actions if isinstance(action, TransferProject)), None)

    @property
    def branches(self) -> tuple[LiveBranch, ...]:
        """The observed branches of its project."""
        return (self.project.branches if self.project else None) or ()

    def includes(self, kind: type[Action]) -> bool:
        """Whether an action of this kind is planned."""
        return any(isinstance(action, kind) for action in self.actions)


class Refusal(Struct, frozen=True):
    """Actions that a guard refuses: the rule, the reason, and what allows them."""

    rule: Rule
    tenants: tuple[str, ...]
    message: str
    remedy: str
    actions: tuple[Action, ...]
    """The planned actions, with the refused changes only."""
    uncommitted: bool = False
    """Whether git holds no file of these tenants: then no commit shows that the actions were asked for."""

    @property
    def asked_for(self) -> bool:
        """Whether the files ask for a refused action. Drift is only reported."""
        if self.rule in ONLY_REPORTED:
            return False
        duplicates = any(isinstance(action, DeleteDuplicate) for action in self.actions)
        if duplicates or self.rule in (Rule.STRICT, Rule.POLICY):
            return True
        if self.uncommitted:
            return False
        origins = {change.origin for action in self.actions for change in action.changes}
        return not origins or not origins.isdisjoint({Origin.CONFIG, Origin.UNKNOWN, Origin.COMMAND})


class Conflict(Struct, frozen=True):
    """A decision about a tenant that a person has to make. The tenant is not changed."""

    tenant: str
    message: str
    remedy: str
    source: Location
    asked_for: bool = True
    """Whether the files of this tenant changed since the base; True if there is no base."""

    @classmethod
    def about(cls, tenant: Tenant, message: str, remedy: str) -> Self:
        """The conflict of a declared tenant."""
        return cls(tenant.name, message, remedy, tenant.location)


class Orphan(Struct, frozen=True):
    """A live project of the fleet that no file declares. Reported, never deleted without ``--prune``."""

    project: LiveProject
    tenant: str
    """The tenant that its name or annotation names."""
    owned: bool | None
    """Whether it has the annotation of this fleet; None if its annotations were not read."""


class Note(Struct, frozen=True):
    """Information about a tenant or a run. It has no effect on the plan."""

    tenant: str | None
    message: str
    source: Location | None = None

    @classmethod
    def about(cls, tenant: Tenant, message: str) -> Self:
        """The note on a declared tenant."""
        return cls(tenant.name, message, tenant.location)


class PolicyWarning(Struct, frozen=True):
    """What a policy of the user's own warns of. It has no effect on the plan."""

    policy: str
    """The policy's name."""
    message: str
    tenants: tuple[str, ...]
    """In name order; empty if it is about the whole plan."""
    source: Location
    """Where the policy is declared."""


class Unmanaged(Struct, frozen=True):
    """A field that the files managed at the base and no longer manage: its live value is kept."""

    path: str
    live: tuple[tuple[str, Value], ...]
    """The kept value by the path of each member; None if it was not read."""
    tenants: tuple[str, ...]
    """In name order."""
    tier: str | None
    """The tier that no longer declares it; None if the tenants' own files declared it."""
    new_tenants: str
    """What new tenants of the tier get; empty if the tenants' own files declared it."""
    sources: tuple[Location, ...]
    """The current locations of the tier, or of the tenants."""


class FileChange(Struct, frozen=True):
    """A change, by a commit, of a key that is not a field of a project. It needs no action."""

    path: str
    """The path of keys: ``protect``, ``labels.team``, ``defaults.region``."""
    before: Value
    """None if the files did not declare it."""
    after: Value
    effect: str
    """The effect of the key, in a few words."""
    tenants: tuple[str, ...]
    """The tenants with this change in their files, in name order; empty for tiers.yaml."""
    source: Location


class Waiting(Struct, frozen=True):
    """Tenants for which an earlier commit is not fully applied: they have a base of their own."""

    commit: str | None
    """Their base; None if nothing was ever applied for them."""
    reason: str
    """Why they wait, in a few words."""
    tenants: tuple[str, ...]
    """In name order."""
    changed: bool
    """Whether these files differ for them from the base of all other tenants: then this run has to apply them."""


class Layer(Enum):
    """Where the files state a value."""

    TIER = "tier"
    OVERRIDE = "override"
    BOOST = "boost"
    FILE = "file"
    """The tenant's file, outside of its overrides."""
    NAMING = "naming"


class TenantTier(Struct, frozen=True):
    """The tier of a tenant, and which of its changed values do not come from it."""

    tier: str
    before: str | None
    """At its base; None if it had none, or if that is unknown."""
    layers: Mapping[str, Layer]
    """By path in the files; a changed value that is missing here is the tier's."""

    @property
    def changed(self) -> bool:
        """Whether it had another tier before."""
        return self.before is not None and self.before != self.tier


class Authored(Struct, frozen=True):
    """A key of the files that asks for changes, and the commit since the base that wrote it."""

    source: Location
    tier: str | None
    """The tier that states it, if one does."""
    tenant: str | None
    """The tenant whose file states it, if one does."""
    key: str
    """``compute.max_cu`` of a tier, ``overrides.compute.max_cu`` of a tenant; empty for the whole file."""
    commit: str
    author: str
    """The name alone."""
    subject: str
    """The first line of the message, or the beginning of a long one."""


class Coverage(Struct, frozen=True):
    """What the plan compared. Every output that says "in sync" also states it."""

    tenants: int
    """Tenants that the plan covers."""
    left_out: int
    """Tenants that the selection leaves out; 0 if only some files were read, because the others are not known."""
    projects: int
    """Observed live projects."""
    organizations: tuple[str, ...]
    """Organizations of which all projects were listed. In others, only the selected tenants were searched for."""
    computes_checked: int
    """Tenants whose computes were read."""
    computes_total: int
    """Tenants with a live project."""
    only: tuple[str, ...] = ()
    """Names of the compared concerns; empty for all."""
    missing: int = 0
    """Tenants without a live project that are not created because of ``only``."""
    branches_checked: int = 0
    """Tenants that declare branches and whose branches were read."""
    branches_total: int = 0
    snapshots_checked: int = 0
    """Tenants that declare snapshots and whose snapshots were read."""
    snapshots_total: int = 0
    databases_checked: int = 0
    """Tenants that declare roles or databases and whose roles and databases were read."""
    databases_total: int = 0
    unknown: int = 0
    """Projects that the API did not return."""
    held_back: int = 0
    """Tenants whose files are broken."""
    in_no_file: int = 0
    """Live projects of the listed organizations that belong to no declared tenant."""
    used_checked: int = 0
    """Tenants with a live project whose quota usage was read."""
    replicas: int = 0
    """Observed read replicas that no file declares."""
    declared_replicas: int = 0
    """Observed read replicas that files declare."""
    other_computes: int = 0
    """Observed computes of branches for which no file declares a size."""
    tuned_computes: int = 0
    """Observed computes with Postgres settings, which are not compared."""
    protected_branches: int = 0
    """Observed branches that are protected in Neon, which no file states."""

    @property
    def undeclared(self) -> bool:
        """Whether the account has projects and no file is about anybody: that is no fleet in sync."""
        return self.in_no_file > 0 and not (self.tenants or self.left_out or self.held_back)


class Budget(Struct, frozen=True):
    """The API calls of the plan: the exact number of writes, and an estimate of the others."""

    writes: int
    transfers: int
    """The writes among them that transfer up to 400 projects each."""
    reads: int
    seconds: float
    """The duration at the run's share of the account's rate limit."""
    resizes: int = 0
    """The writes among them that resize the first compute of a new project, where Neon makes it otherwise than the
    creation requests. If Neon does not, they are left out, with the reads that follow their operations."""
    polls: int = 0
    """The reads among them that follow operations."""
    searches: int = 0
    """The reads among them that look for projects before and after creations."""
    late_looks: int = 0
    """The reads among them that look again at tenants whose turn comes late."""
    repeats: int = 0
    """The writes among them that try a transfer again, where Neon refuses it until something is reduced."""

    @property
    def calls(self) -> int:
        """All of them."""
        return self.writes + self.reads


class TierOverview(Struct, frozen=True):
    """The tenants of a tier. Each is counted once, and ``tenants`` is their sum."""

    tier: str
    tenants: int
    changed: int = 0
    """With actions."""
    refused: int = 0
    """With refusals, and without actions."""
    undecided: int = 0
    """In conflict."""
    suspended: int = 0
    """Unchanged, and suspended by their files."""
    absent: int = 0
    """Tombstones without actions."""
    unchanged: int = 0
    """All others that were compared."""
    left_out: int = 0
    """Not compared, because of the selection."""


class OrganizationRoom(Struct, frozen=True):
    """The projects of an organization that was listed completely."""

    organization: str
    projects: int
    """Now, whoever created them."""
    after: int
    """With all actions of the plan."""
    limit: int | None
    """None if the files declare none."""


class Overview(Struct, frozen=True):
    """The fleet that a plan was made for: tiers by the state of their tenants, and the room in organizations."""

    tiers: tuple[TierOverview, ...]
    """In the order of tiers.yaml; then tiers that only tombstones name."""
    organizations: tuple[OrganizationRoom, ...]
    tier_of: Mapping[str, str]
    """The tier of each declared tenant that the plan names."""


class Plan(Struct, frozen=True):
    """The actions of all tenants, and what is reported. The same inputs give the same plan, byte for byte."""

    fleet: str
    tenants: tuple[TenantPlan, ...]
    """Tenants with actions, in name order."""
    refusals: tuple[Refusal, ...]
    conflicts: tuple[Conflict, ...]
    orphans: tuple[Orphan, ...]
    notes: tuple[Note, ...]
    coverage: Coverage
    budget: Budget
    unmanaged: tuple[Unmanaged, ...] = ()
    file_changes: tuple[FileChange, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    tiers: Mapping[str, TenantTier] = field(default_factory=dict)
    """The tiers of the tenants with planned or refused actions, by tenant."""
    authored: tuple[Authored, ...] = ()
    """The commits that ask for changes; empty if the files are not in git, or not compared with a commit."""
    forecast: Forecast | None = None
    """What the actions mean for their tenants; None without actions."""
    refused_forecast: Forecast | None = None
    """The same for the refused actions that were asked for."""
    organizations: Mapping[str, str] = field(default_factory=dict)
    """Neon's id of each organization by name; empty if the plan was made without an account."""
    api_host: str | None = None
    """The address of the API if it is not Neon's own."""
    monthly_cost: PlanCost | None = None
    """What the plan does to the cost of a month; None without prices in tiers.yaml, or if no limit changes."""
    command: str | None = None
    """The command that asks for the actions: ``restore``, ``rollback``. None: the files ask for them."""
    observed_at: datetime | None = None
    """When the live state was recorded that the plan was made from. None: it was read for the plan."""
    warnings: tuple[PolicyWarning, ...] = ()
    """What policies of the user's own warn of."""

    overview: Overview | None = None
    """The whole fleet in a few numbers; None if no organization was listed."""

    @property
    def actions(self) -> Iterator[Action]:
        """Every action, tenant by tenant."""
        return (action for tenant in self.tenants for action in tenant.actions)

    @property
    def passed_on(self) -> frozenset[str]:
        """The tenants that wait for an earlier commit, and for which the current files ask for nothing new."""
        return frozenset(name for waiting in self.waiting if not waiting.changed for name in waiting.tenants)

    @property
    def tier_of(self) -> Mapping[str, str]:
        """The tier of each declared tenant that the plan names; without an overview, of those with actions."""
        with_actions = {name: one.tier for name, one in self.tiers.items()}
        return with_actions if self.overview is None else {**with_actions, **self.overview.tier_of}

    @property
    def empty(self) -> bool:
        """True if there is nothing to do; there may be refusals and conflicts."""
        return not self.tenants


def ordered(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Sort by stage; within a stage in planned order (sorting is stable). Snapshots are replaced one by one."""
    if not (by_stage := sorted(actions, key=lambda action: action.stage)):
        return ()
    leaving = [action for action in by_stage if action.stage is Stage.REPLACE_SNAPSHOT]
    coming = [action for action in by_stage if action.stage is Stage.CREATE_SNAPSHOT]
    before = [action for action in by_stage if action.stage < Stage.REPLACE_SNAPSHOT]
    after = [action for action in by_stage if action.stage > Stage.CREATE_SNAPSHOT]
    return (*before, *_one_by_one(leaving, coming), *after)


def _one_by_one(leaving: Sequence[Action], coming: Sequence[Action]) -> Iterator[Action]:
    """Yield new snapshots that fit, then each other one right after the snapshot that it replaces.

    A project above its limit loses several snapshots for the first new one.
    """
    free, more = len(coming) - len(leaving), len(leaving) - len(coming)
    yield from coming[: max(0, free)]
    yield from leaving[: max(0, more)]
    for old, new in zip(leaving[max(0, more) :], coming[max(0, free) :], strict=True):
        yield from (old, new)
