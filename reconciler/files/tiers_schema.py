"""The schema of tiers.yaml. The docstrings of the fields are the descriptions in the JSON Schema."""

from typing import Annotated

from pydantic import Field

from reconciler.desired.policy import Policy, Threshold, Thresholds
from reconciler.desired.state import Api, Defaults
from reconciler.desired.tier import (
    USAGE_THRESHOLDS,
    AtLimit,
    KeptStrings,
    Occasion,
    SnapshotMethod,
    SnapshotPolicy,
    WhenCrowded,
)
from reconciler.files.price_list import DEFAULT_FILES
from reconciler.files.scalars import (
    Before,
    ComputeUnits,
    Concern,
    Count,
    Crowded,
    Currency,
    Database,
    Day,
    Drift,
    Flag,
    FormatVersion,
    Glob,
    Host,
    Method,
    Name,
    NamingPattern,
    OrganizationId,
    Percent,
    PgVersion,
    Positive,
    Price,
    Query,
    Reference,
    RegistryAddress,
    Role,
    RotationPattern,
    Seconds,
    Share,
    Slug,
    Strings,
    WhenFull,
    WholePercent,
    Word,
)
from reconciler.files.sections import Section, described, required
from reconciler.files.tenant_schema import (
    MOST_PREVIOUS,
    ComputeDocument,
    DatabaseDocument,
    MainComputeDocument,
    SettingsDocument,
)

DEFAULT_POLICIES = "policies/*.yaml"
MOST_SOURCES = 100
"""Each is tried on every file."""
MOST_THRESHOLDS = 10
MOST_DESTINATIONS = 10

_API = Api()
_DEFAULTS = Defaults()
_THRESHOLDS = Thresholds()


class NamingDocument(Section):
    """How the projects of tenants are named."""

    project: NamingPattern
    """A pattern that contains {tenant} once; {tier} and {organization} are optional."""
    previous: Annotated[tuple[NamingPattern, ...], Field(max_length=MOST_PREVIOUS)] = ()
    """Older patterns: projects that match one are found and renamed. It is an error if any pattern gives the
    projects of two tenants the same name."""


class ComputeLimits(Section):
    """The compute sizes that an organization allows."""

    min_cu: ComputeUnits | None = None
    max_cu: ComputeUnits | None = None


class LimitsDocument(Section):
    """The limits of an organization at Neon, per project unless stated otherwise."""

    projects: Count | None = None
    """The limit of the whole organization."""
    branches: Positive | None = None
    """Including the default branch."""
    snapshots: Count | None = None
    compute: ComputeLimits = ComputeLimits.default()
    restore_window: Seconds | None = None
    min_suspend_timeout: Seconds | None = None
    replicas: Count | None = None
    """Read replicas (Neon's Free plan: 3)."""


class OrganizationDocument(Section):
    """One Neon organization."""

    id: OrganizationId
    """An organization id, or ${NAME}: the environment variable that contains it."""
    api_key: Reference
    """${NAME}: the environment variable that contains the key. Never the key itself."""
    limits: LimitsDocument = LimitsDocument.default()


class ApiDocument(Section):
    """How Neon's API is called."""

    host: Host = _API.host
    requests_per_minute: Positive = _API.requests_per_minute
    burst_per_second: Positive = _API.burst_per_second
    batch_share: Share = _API.batch_share
    """The share of the rate limit that fleet runs use, so that sign-ups do not wait for them."""
    settle: Seconds = int(_API.settle_seconds)
    """How long it may take until every list contains a new project."""
    look_again_after: Seconds = int(_API.look_again_after_seconds)
    """A tenant whose live state is older than this when its turn comes is read and planned again. A longer time
    saves list calls of a long run; what a person changes within it is overwritten."""
    account: Slug | None = None
    """A name for the Neon account. Fleets of one registry with the same name share the account's rate limit."""


class DefaultsDocument(Section):
    """The settings of a new project, unless its tenant pins others; used at creation only."""

    region: Slug = _DEFAULTS.region
    pg_version: PgVersion = _DEFAULTS.pg_version
    database: Database = _DEFAULTS.database
    role: Role = _DEFAULTS.role
    branch: Name = _DEFAULTS.branch
    """The name of the default branch."""


class QuotaDocument(Section):
    """A tier's limits per billing period. All five are required: Neon reads a missing one as no limit."""

    __annotations__ = required("quota")


class RotationDocument(Section):
    """Snapshots of the tier's tenants that are taken by time, one in each slot. A snapshot with such a name is
    one of them, unless the tenant's file declares it. `apply --only snapshots` runs the rotation alone."""

    name: RotationPattern
    """A pattern with {date}, and {time} if the slots are shorter than a day: the beginning of the slot, in UTC."""
    every: Seconds
    """The length of a slot, in whole hours. Slots are counted from 1970-01-01T00:00Z; a slot in which nothing runs
    is left out."""
    keep: Positive
    """How many rotated snapshots stay: the oldest one goes for a new one."""


class SnapshotPolicyDocument(Section):
    """How a tier's snapshots are created."""

    at_limit: WhenFull = AtLimit.REFUSE
    """What may be deleted for a declared snapshot once the organization's limit is reached."""
    method: Method = SnapshotMethod.API
    rotate: RotationDocument | None = None
    """By default no snapshots are rotated."""
    before: Annotated[tuple[Before, ...], Field(max_length=len(Occasion))] | None = None
    """What a snapshot is taken before, where the organization's limit allows it: downgrade (a smaller limit, or a
    transfer to an organization that grants less, of a tenant that has or leaves the tier), restore, delete. By
    default only restore; an empty list for none."""
    keep_before: Positive = SnapshotPolicy().keep_before
    """How many snapshots before downgrades stay: the oldest one goes for a new one. Those before a restore expire
    after seven days."""


class DevBranchPolicyDocument(Section):
    """The development branches that a tier allows."""

    max: Count | None = None
    """The maximum number."""
    compute: ComputeDocument | None = None
    """Their compute, if it differs from the tier's."""


class BranchCleanupDocument(Section):
    """Which development branches a run deletes because nobody uses them. Of those that a run created: the ones
    that no file declares, and those that their entry calls disposable."""

    idle: Seconds | None = None
    """How long such a branch has not been connected to, created or reset. By default none goes by time."""
    at_limit: Crowded = WhenCrowded.REFUSE
    """What happens to a declared branch above the organization's limit: refuse, or oldest_idle: the branch that
    was used longest ago, a day ago or earlier, goes for it."""


class CleanupDocument(Section):
    """What a run deletes because time has passed. By default nothing is."""

    old_branches: Seconds | None = None
    """How long a branch stays that a restore left, such as "main (old)". Then the restore cannot be undone."""
    dev_branches: BranchCleanupDocument = BranchCleanupDocument.default()


class TierDocument(Section):
    """One tier of the price list. A key that is absent is not managed."""

    organization: Word
    """The organization of the tier's projects."""
    naming: NamingPattern | None = None
    """How the tier's projects are named, instead of naming.project."""
    quota: QuotaDocument | None = None
    compute: MainComputeDocument | None = None
    restore_window: Seconds | None = described("restore_window_seconds")
    protected: Flag | None = described("protected")
    settings: SettingsDocument | None = None
    """Other project settings."""
    snapshots: SnapshotPolicyDocument = SnapshotPolicyDocument.default()
    dev_branches: DevBranchPolicyDocument = DevBranchPolicyDocument.default()
    cleanup: CleanupDocument = CleanupDocument.default()
    roles: list[Role] | None = None
    """Roles of each tenant's default branch. A tenant's file adds others."""
    databases: list[DatabaseDocument] | None = None
    """Databases of each tenant's default branch. A tenant's file adds others, or gives one another owner."""
    usage_thresholds: Annotated[tuple[WholePercent, ...], Field(max_length=MOST_THRESHOLDS)] = USAGE_THRESHOLDS
    """The percentages of a quota at which `usage` reports a tenant; an empty list for none. Changes no project."""


class SqlDocument(Section):
    """A query against the platform's database: each row is a tenant."""

    url: Reference
    """${NAME}: the environment variable that contains the address, sqlite:///FILE or postgresql://... ."""
    query: Query
    """One SELECT. A column is a key of a tenant's file, such as tenant, tier or revision; with dots, a key below:
    "labels.plan", "quota.data_transfer". NULL leaves the key out."""


class SourceDocument(Section):
    """A source of tenants: exactly one of the three keys."""

    files: Glob | None = None
    """YAML files, by a pattern relative to the folder of the fleet."""
    ndjson: Glob | None = None
    """Files with one JSON tenant per line, by a pattern; YAML files override them field by field."""
    sql: SqlDocument | None = None
    """Rows of the platform's database; YAML files override them field by field."""


class ThresholdDocument(Section):
    """The larger of the two applies; a missing one counts as 0."""

    max: Count | None = None
    percent: Percent | None = None
    """A percentage of the organization's live projects."""

    def threshold(self) -> Threshold:
        """The core's type."""
        return Threshold(self.max or 0, self.percent or 0)


def _threshold(threshold: Threshold) -> ThresholdDocument:
    return ThresholdDocument.model_construct(max=threshold.count, percent=float(threshold.percent))


class PruneDocument(Section):
    """Which projects that no file declares `--prune` keeps."""

    min_age: Seconds = Policy().prune_min_age_seconds
    """Projects that are younger than this, or were active within it, are kept; 0s keeps none."""


class GuardsDocument(Section):
    """How many projects of an organization one run may change."""

    creates: ThresholdDocument = _threshold(_THRESHOLDS.creates)
    transfers: ThresholdDocument = _threshold(_THRESHOLDS.transfers)
    disruptive: ThresholdDocument = _threshold(_THRESHOLDS.disruptive)
    deletes: ThresholdDocument = _threshold(_THRESHOLDS.deletes)
    prune: PruneDocument = PruneDocument.default()
    idle: Seconds | None = None
    """`usage` lists the tenants whose projects have been unused for this long; without it, none."""


class RegistryDocument(Section):
    """The platform's own database: each tenant is claimed in it before its project is created."""

    url: RegistryAddress
    """${NAME}: the environment variable that contains the address; or an address without a password."""
    connection_strings: Strings = KeptStrings.NONE
    """Whether each row keeps the connection strings of its tenant, with passwords: `encrypted`, or `none`."""
    key: Reference | None = None
    """${NAME}: the environment variable that contains the key of `connection_strings: encrypted`, a Fernet key (32
    bytes as URL-safe base64). Of several keys, separated by commas or spaces, the first one encrypts, and each
    decrypts."""


class NotifyDocument(Section):
    """Where notices go: to people, through chats, mail and pagers."""

    urls: Annotated[tuple[Reference, ...], Field(max_length=MOST_DESTINATIONS)] = ()
    """${NAME}: environment variables that contain addresses of services, such as slack://... and mailto://...,
    separated by spaces. A command sends notices only with `--notify`."""


class RatesDocument(Section):
    """What an organization is charged, in Neon's units: a GB is 10**9 bytes, a month 744 hours. Use without a
    price is reported, and costs nothing."""

    compute_hour: Price | None = None
    """One hour of one compute unit (CU)."""
    storage_gb_month: Price | None = None
    """One GB-month of data, on root and child branches."""
    history_gb_month: Price | None = None
    """One GB-month of the history that the restore window keeps (Neon: instant restore)."""
    snapshot_gb_month: Price | None = None
    """One GB-month of snapshots."""
    branch_month: Price | None = None
    """One extra branch for a month."""
    branches_included: Positive | None = None
    """How many branches of each project cost nothing, the default branch included."""
    data_transfer_gb: Price | None = None
    """One GB of public network transfer."""
    data_transfer_included_gb: Price | None = None
    """How many GB of it cost the whole organization nothing in a month."""
    private_transfer_gb: Price | None = None
    """One GB over private networking."""


class OwnRatesDocument(RatesDocument):
    """The prices of one organization that differ from the others."""

    sponsored: Flag | None = None
    """Whether Neon pays for the organization: everything in it costs nothing, and no price stands beside it."""


class PricesDocument(RatesDocument):
    """What Neon charges. They change no project: `cost` and the cost of a plan follow from them."""

    as_of: Day
    """The day on which the prices were looked up."""
    currency: Currency = "USD"
    """The currency of all prices."""
    organizations: dict[Slug, OwnRatesDocument] = Field(default_factory=dict)
    """Prices of single organizations, key by key, by their names."""


class TiersDocument(Section):
    """The price list of a fleet, and its organizations."""

    version: FormatVersion
    """The version of this format."""
    fleet: Slug
    """The fleet's name, written on its projects. Fleets in one organization never change each other's projects."""
    naming: NamingDocument
    """How projects are named, as in {project: "myapp-{tenant}"}."""
    organizations: dict[Slug, OrganizationDocument]
    """The Neon organizations of the fleet, by names of your choice."""
    personal_api_key: Reference | None = None
    """Required for transfers between organizations."""
    registry: RegistryDocument | None = None
    """If a registry is used, every run on the fleet has to use it."""
    notify: NotifyDocument | None = None
    """Without it, notices go where RECONCILER_NOTIFY_URLS or `--notify-to` says."""
    api: ApiDocument = ApiDocument.default()
    defaults: DefaultsDocument = DefaultsDocument.default()
    tiers: dict[Slug, TierDocument]
    """The tiers, by name."""
    tenants: Annotated[tuple[SourceDocument, ...], Field(max_length=MOST_SOURCES)] = (
        SourceDocument.model_construct(files=DEFAULT_FILES),
    )
    """The files that declare the tenants."""
    policies: Glob = DEFAULT_POLICIES
    """The files that declare policies, by a pattern relative to the folder of the fleet."""
    guards: GuardsDocument = GuardsDocument.default()
    drift_policy: dict[Concern, Drift] | None = None
    """By concern: repair or report. Without an entry, drift is repaired if that reduces nothing, and otherwise
    reported."""
    prices: PricesDocument | None = None
    """Without prices, no cost is shown."""
