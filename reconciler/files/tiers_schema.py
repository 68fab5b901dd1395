"""What people write in tiers.yaml. The docstrings of the fields are the descriptions in the JSON Schema."""

from typing import Annotated

from pydantic import Field

from reconciler.desired.policy import Policy, Threshold, Thresholds
from reconciler.desired.state import Api, Defaults
from reconciler.desired.tier import AtLimit, SnapshotMethod
from reconciler.files.scalars import (
    ComputeUnits,
    Concern,
    Count,
    Database,
    Drift,
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
    Reference,
    RegistryAddress,
    Role,
    Seconds,
    Share,
    Slug,
    WhenFull,
    Word,
)
from reconciler.files.sections import Section, described, required
from reconciler.files.tenant_schema import MOST_PREVIOUS, ComputeDocument, SettingsDocument

DEFAULT_FILES = "tenants/**/*.yaml"
MOST_SOURCES = 100
"""Each is tried on every file."""

_API = Api()
_DEFAULTS = Defaults()
_THRESHOLDS = Thresholds()


class NamingDocument(Section):
    """How a tenant's project is called."""

    project: NamingPattern
    """A pattern that holds {tenant} once, and {tier} and {organization} where wanted."""
    previous: Annotated[tuple[NamingPattern, ...], Field(max_length=MOST_PREVIOUS)] = ()
    """Older patterns: projects that match one are found and renamed. Two tenants whose projects could have one
    name, by any pattern, are an error."""


class ComputeLimits(Section):
    """The sizes that an organization allows."""

    min_cu: ComputeUnits | None = None
    max_cu: ComputeUnits | None = None


class LimitsDocument(Section):
    """What Neon allows in an organization, per project unless said otherwise."""

    projects: Count | None = None
    """In the whole organization."""
    branches: Positive | None = None
    """Including the default branch."""
    snapshots: Count | None = None
    compute: ComputeLimits = ComputeLimits()
    restore_window: Seconds | None = None
    min_suspend_timeout: Seconds | None = None


class OrganizationDocument(Section):
    """One Neon organization."""

    id: OrganizationId
    """An organization id, or ${NAME} of the environment variable that holds it."""
    api_key: Reference
    """${NAME} of the environment variable that holds the key; never the key."""
    limits: LimitsDocument = LimitsDocument()


class ApiDocument(Section):
    """How to talk to Neon."""

    host: Host = _API.host
    requests_per_minute: Positive = _API.requests_per_minute
    burst_per_second: Positive = _API.burst_per_second
    batch_share: Share = _API.batch_share
    """The part of the rate that fleet runs keep to, so that sign-ups do not starve behind them."""
    settle: Seconds = int(_API.settle_seconds)
    """How long a new project may take to show up in every list."""
    look_again_after: Seconds = int(_API.look_again_after_seconds)
    """How old what is known of a tenant may be when its turn comes; else it is looked at and planned once more."""


class DefaultsDocument(Section):
    """What a new project gets unless its tenant pins something else; counts at creation only."""

    region: Slug = _DEFAULTS.region
    pg_version: PgVersion = _DEFAULTS.pg_version
    database: Database = _DEFAULTS.database
    role: Role = _DEFAULTS.role
    branch: Name = _DEFAULTS.branch
    """The name of the default branch."""


class QuotaDocument(Section):
    """A tier's limits per billing period: all five, because a limit that is left out means no limit."""

    __annotations__ = required("quota")


class SnapshotPolicyDocument(Section):
    """How a tier's snapshots are made."""

    at_limit: WhenFull = AtLimit.REFUSE
    """What may make room for a declared snapshot once the organization's limit is reached."""
    method: Method = SnapshotMethod.API


class DevBranchPolicyDocument(Section):
    """Which development branches a tier grants."""

    max: Count | None = None
    """How many."""
    compute: ComputeDocument | None = None
    """Their size, where it is not the tier's."""


class TierDocument(Section):
    """One line of the price list. A key that is absent is not managed."""

    organization: Word
    """The organization that the tier's projects live in."""
    naming: NamingPattern | None = None
    """How the tier's projects are called, instead of naming.project."""
    quota: QuotaDocument | None = None
    compute: ComputeDocument | None = None
    restore_window: Seconds | None = described("restore_window_seconds")
    settings: SettingsDocument | None = None
    """Other project settings."""
    snapshots: SnapshotPolicyDocument = SnapshotPolicyDocument()
    dev_branches: DevBranchPolicyDocument = DevBranchPolicyDocument()


class SourceDocument(Section):
    """Where tenants are written: exactly one of the two."""

    files: Glob | None = None
    """YAML files, by a pattern relative to the folder of the fleet."""
    ndjson: Glob | None = None
    """Files of one JSON tenant a line, by a pattern; YAML files override them field by field."""


class ThresholdDocument(Section):
    """The larger of the two applies; one that is not stated counts as 0."""

    max: Count | None = None
    percent: Percent | None = None
    """Of the organization's live projects."""

    def threshold(self) -> Threshold:
        """The core's type."""
        return Threshold(self.max or 0, self.percent or 0)


def _threshold(threshold: Threshold) -> ThresholdDocument:
    return ThresholdDocument(max=threshold.count, percent=threshold.percent)


class PruneDocument(Section):
    """Which projects that no file declares `--prune` spares."""

    min_age: Seconds = Policy().prune_min_age_seconds
    """Those that are younger than this, or were active within it; 0s spares none of them."""


class GuardsDocument(Section):
    """How much of an organization one run may touch."""

    creates: ThresholdDocument = _threshold(_THRESHOLDS.creates)
    transfers: ThresholdDocument = _threshold(_THRESHOLDS.transfers)
    disruptive: ThresholdDocument = _threshold(_THRESHOLDS.disruptive)
    deletes: ThresholdDocument = _threshold(_THRESHOLDS.deletes)
    prune: PruneDocument = PruneDocument()


class RegistryDocument(Section):
    """The platform's own database, in which each tenant is claimed before its project is created."""

    url: RegistryAddress
    """${NAME} of the environment variable that holds the address, or an address without a password."""


class TiersDocument(Section):
    """The price list of a fleet, and the organizations that it lives in."""

    version: FormatVersion
    """The version of this format."""
    fleet: Slug
    """Marks what is ours: fleets that share an organization never touch each other."""
    naming: NamingDocument
    """How projects are called, as in {project: "myapp-{tenant}"}."""
    organizations: dict[Slug, OrganizationDocument]
    """The Neon organizations of the fleet, by a name of your own."""
    personal_api_key: Reference | None = None
    """Transfers between organizations need it."""
    registry: RegistryDocument | None = None
    """Where a registry is kept, every run on the fleet has to use it."""
    api: ApiDocument = ApiDocument()
    defaults: DefaultsDocument = DefaultsDocument()
    tiers: dict[Slug, TierDocument]
    """What each tier grants, by its name."""
    tenants: Annotated[tuple[SourceDocument, ...], Field(max_length=MOST_SOURCES)] = (
        SourceDocument(files=DEFAULT_FILES),
    )
    """Where the tenants are written."""
    guards: GuardsDocument = GuardsDocument()
    drift_policy: dict[Concern, Drift] | None = None
    """By concern. Without an entry: repaired where it takes nothing from the tenant, else reported."""
