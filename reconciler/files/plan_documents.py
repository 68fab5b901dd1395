"""The JSON documents that we write: plan, drift, report and problems."""

from typing import Literal

from reconciler.files.action_documents import AnyActionDocument
from reconciler.files.document import (
    AnyJson,
    BranchCounts,
    Document,
    Flag,
    KindWord,
    Moment,
    Number,
    PlaceDocument,
    SnapshotCounts,
    Text,
    Whole,
)
from reconciler.model.problem import Severity
from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule


class SnapshotDocument(Document):
    """One live snapshot."""

    id: Text
    name: Text
    source_branch_id: Text | None
    created_at: Moment
    expires_at: Moment | None
    manual: Flag


class ProjectDocument(Document):
    """A live project, as far as it was seen."""

    id: Text
    name: Text
    organization: Text
    region: Text
    pg_version: Whole
    created_at: Moment
    storage_bytes: Whole | None
    last_active_at: Moment | None
    snapshots: tuple[SnapshotDocument, ...] | None
    """null where they were not read."""


class TenantDocument(Document):
    """All actions of one tenant, in the order in which they run."""

    tenant: Text
    kind: KindWord
    """What its actions amount to."""
    revision: Whole | None
    """Of the tenant's file; null where it states none."""
    project: ProjectDocument | None
    """null where it is to be created."""
    actions: tuple[AnyActionDocument, ...]


class RefusalDocument(Document):
    """Actions that a guard holds back."""

    rule: Rule
    tenants: tuple[Text, ...]
    message: Text
    remedy: Text
    """What would allow it."""
    actions: tuple[AnyActionDocument, ...]


class ConflictDocument(Document):
    """Something about a tenant that only a person can decide."""

    tenant: Text
    message: Text
    remedy: Text
    source: PlaceDocument


class OrphanDocument(Document):
    """A live project of the fleet that no file declares."""

    tenant: Text
    owned: Flag | None
    """null where its annotations were not read."""
    project: ProjectDocument


class NoteDocument(Document):
    """Something worth knowing that changes nothing."""

    tenant: Text | None
    message: Text
    source: PlaceDocument | None


class UnmanagedDocument(Document):
    """What the files managed at the base and do not manage any more: the live value is kept."""

    path: Text
    live: dict[Text, AnyJson]
    """The value that is kept, by the path of each of its members; null was not read."""
    tenants: tuple[Text, ...]
    tier: Text | None
    """The tier that ceased to state it; null where it stood in the tenants' own files."""
    new_tenants: Text
    """What new tenants of the tier get; may be empty."""
    sources: tuple[PlaceDocument, ...]


class FileChangeDocument(Document):
    """What a commit changed in the files beside the fields of projects: no action carries it out."""

    path: Text
    before: AnyJson
    """null where the files did not say it."""
    after: AnyJson
    effect: Text
    """What the key is for."""
    tenants: tuple[Text, ...]
    """Empty for tiers.yaml."""
    source: PlaceDocument


class CoverageDocument(Document):
    """What was looked at."""

    tenants: Whole
    left_out: Whole
    only: tuple[Text, ...]
    missing: Whole
    projects: Whole
    organizations: tuple[Text, ...]
    computes_checked: Whole
    computes_total: Whole
    branches_checked: Whole
    branches_total: Whole
    snapshots_checked: Whole
    snapshots_total: Whole
    unknown: Whole
    held_back: Whole
    in_no_file: Whole = 0
    used_checked: Whole = 0
    replicas: Whole = 0
    other_computes: Whole = 0
    tuned_computes: Whole = 0
    protected_branches: Whole = 0


class BudgetDocument(Document):
    """API calls: writes exactly, the rest estimated."""

    writes: Whole
    transfers: Whole
    reads: Whole
    seconds: Number


class WaitingDocument(Document):
    """Tenants that are not done with an earlier commit."""

    commit: Text | None
    """Their base; null where they were never done."""
    reason: Text
    tenants: tuple[Text, ...]
    changed: bool
    """Whether the files at hand ask something new of them."""


class PlanCounts(Document):
    """Tenants by what their actions amount to, and everything beside them."""

    create: Whole
    recover: Whole
    adopt: Whole = 0
    upgrade: Whole
    downgrade: Whole
    change: Whole
    delete: Whole
    branches: BranchCounts
    snapshots: SnapshotCounts
    refusals: Whole
    conflicts: Whole
    orphans: Whole


class Differences(Document):
    """Where live side and files differ."""

    format_version: Literal[1]
    fleet: Text
    organizations: dict[Text, Text]
    """Neon's id of each, by its name in tiers.yaml."""
    api_host: Text | None = None
    """The address of the API; left out where it is Neon's own."""
    counts: PlanCounts
    tenants: tuple[TenantDocument, ...]
    refusals: tuple[RefusalDocument, ...]
    conflicts: tuple[ConflictDocument, ...]
    orphans: tuple[OrphanDocument, ...]
    notes: tuple[NoteDocument, ...]
    coverage: CoverageDocument
    budget: BudgetDocument


class PlanDocument(Differences):
    """What apply would do."""

    kind: Literal["plan"]
    made_at: Moment
    commit: Text | None
    """The commit of the files."""
    base: Text | None
    """The commit that they were compared with."""
    unmanaged: tuple[UnmanagedDocument, ...]
    file_changes: tuple[FileChangeDocument, ...]
    waiting: tuple[WaitingDocument, ...]


class DriftDocument(Differences):
    """Every tenant that differs, whether apply would repair it or not."""

    kind: Literal["drift"]


class ActionOutcomeDocument(Document):
    """What became of one action."""

    result: Result
    message: Text
    hint: Text | None
    request_id: Text | None
    action: AnyActionDocument


class DeletionDocument(Document):
    """The record of a deleted project, for a register of erasures."""

    project_id: Text
    request_id: Text | None
    """Of the call that deleted it; Neon's logs have it too."""
    deleted_at: Moment
    recoverable_until: Moment
    """Until then ``recover: <project_id>`` in the tenant's file brings it back."""


class TenantOutcomeDocument(Document):
    """What became of one tenant."""

    tenant: Text
    result: Result
    project_id: Text | None
    revision: Whole | None
    """Of the tenant's file; null where it states none."""
    recoverable_until: Moment | None
    deletion: DeletionDocument | None
    """null where nothing was deleted, or only branches and snapshots."""
    actions: tuple[ActionOutcomeDocument, ...]


class StaleDocument(Document):
    """A tenant for which the saved plan does not permit what would be done."""

    tenant: Text
    message: Text
    fresh: tuple[AnyActionDocument, ...]
    saved: tuple[AnyActionDocument, ...]


class ReportCounts(Document):
    """Tenants by what became of them, and copies that were created, changed and deleted."""

    applied: Whole
    unchanged: Whole
    skipped: Whole
    failed: Whole
    branches: BranchCounts
    snapshots: SnapshotCounts
    stale: Whole


class ReportDocument(Document):
    """What became of a plan."""

    format_version: Literal[1]
    kind: Literal["report"]
    run: Text
    api_host: Text | None = None
    """The address of the API; left out where it is Neon's own."""
    started_at: Moment
    finished_at: Moment
    calls: Whole
    counts: ReportCounts
    stopped: Text | None
    """Why the run ended before its plan did."""
    stopped_by: Text | None
    tenants: tuple[TenantOutcomeDocument, ...]
    stale: tuple[StaleDocument, ...]


class ProblemDocument(PlaceDocument):
    """One thing wrong with the files."""

    severity: Severity
    message: Text
    hint: Text | None


class ProblemsDocument(Document):
    """What is wrong with the files."""

    format_version: Literal[1]
    kind: Literal["problems"]
    problems: tuple[ProblemDocument, ...]
