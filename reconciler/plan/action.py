"""Actions: one class per API call, pure data that addresses things by name."""

from datetime import UTC, datetime
from typing import ClassVar, Literal, TypeAlias

from msgspec import Struct

from reconciler.live.needs import BRANCHES, COMPUTES, NOTHING_BELOW, SNAPSHOTS, Details
from reconciler.model.annotations import Purpose
from reconciler.model.compute import Compute
from reconciler.model.problem import Location
from reconciler.model.values import Value
from reconciler.plan.change import FieldChange, Risk, highest
from reconciler.plan.stage import Stage

Verb: TypeAlias = Literal["create", "recover", "adopt", "transfer", "change", "delete"]


class TenantAction(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What all actions carry."""

    tenant: str
    reason: str
    """Why, in a few words for a reviewer: ``tier free -> pro``."""
    source: Location
    """The place in the files that asks for it."""
    changes: tuple[FieldChange, ...] = ()

    verb: ClassVar[Verb]
    thing: ClassVar[str]
    """What is done to what, in the words of every view."""
    of_whole_project: ClassVar[bool] = False
    """True where a plan tells the tenant by this action: its project is created, deleted, ..."""
    base_risk: ClassVar[Risk] = Risk.SAFE
    usual_stage: ClassVar[Stage]
    """When it runs within its tenant's plan, unless ``stage`` says otherwise."""
    details: ClassVar[Details] = NOTHING_BELOW
    """What is read again below the project before a late turn."""
    starts_operations: ClassVar[bool] = False
    """True where every such call starts operations, as far as Neon documents it."""
    in_no_list: ClassVar[bool] = False
    """True where no list shows the effect: its operations are awaited even if no other action follows."""

    @property
    def subject(self) -> str:
        """The thing as its tenant knows it: a branch that keeps a moment is a snapshot."""
        return self.thing

    @property
    def stage(self) -> Stage:
        """When it runs within its tenant's plan."""
        return self.usual_stage

    @property
    def kind(self) -> str:
        """``delete_branch``, as documents and journals name it."""
        return str(self.__struct_config__.tag)

    @property
    def risk(self) -> Risk:
        """The highest of what the call itself and its changes do."""
        return highest([self.base_risk, *[change.risk for change in self.changes]])

    @property
    def lowering(self) -> bool:
        """True where it takes something from the tenant."""
        return any(change.lowering for change in self.changes)


class CreateProject(TenantAction, frozen=True, kw_only=True, tag="create_project"):
    """POST /projects. ``changes`` holds every value to create it with: name, region, quota members, ..."""

    verb: ClassVar = "create"
    thing: ClassVar = "project"
    of_whole_project: ClassVar = True
    usual_stage: ClassVar = Stage.CREATE_PROJECT
    starts_operations: ClassVar = True
    organization: str


class RecoverProject(TenantAction, frozen=True, kw_only=True, tag="recover_project"):
    """POST /projects/{id}/recover: a deleted project comes back as it was, within 7 days (Neon: beta)."""

    verb: ClassVar = "recover"
    thing: ClassVar = "project"
    of_whole_project: ClassVar = True
    usual_stage: ClassVar = Stage.RECOVER_PROJECT
    project_id: str
    recoverable_until: datetime


class AdoptProject(TenantAction, frozen=True, kw_only=True, tag="adopt_project"):
    """POST /projects/{id}/branches: a branch without a compute marks a project that was found by its name alone.

    Neon: annotations can only be set when a branch is created, so that a branch of its own carries the mark.
    """

    verb: ClassVar = "adopt"
    thing: ClassVar = "project"
    of_whole_project: ClassVar = True
    usual_stage: ClassVar = Stage.ADOPT_PROJECT
    details: ClassVar = BRANCHES
    starts_operations: ClassVar = True
    project_id: str
    branch: str
    """The name of the branch."""
    parent: str
    """The name of the default branch, which it starts from."""


class TransferProject(TenantAction, frozen=True, kw_only=True, tag="transfer_project"):
    """One project's place in a POST /organizations/{source}/projects/transfer, shared with up to 399 others."""

    verb: ClassVar = "transfer"
    thing: ClassVar = "project"
    of_whole_project: ClassVar = True
    usual_stage: ClassVar = Stage.TRANSFER
    origin: str
    destination: str
    downgrade: bool
    """True where the destination grants less than the origin."""

    @property
    def lowering(self) -> bool:
        """A downgrade takes from the tenant, whatever its fields say."""
        return self.downgrade


class PatchProject(TenantAction, frozen=True, kw_only=True, tag="patch_project"):
    """PATCH /projects/{id}: all project-level changes of a tenant at one stage."""

    verb: ClassVar = "change"
    thing: ClassVar = "project"
    usual_stage: ClassVar = Stage.PATCH_PROJECT
    before_transfer: bool = False
    """True for what the destination organization forbids and must be lowered before the move."""
    companions: tuple[tuple[str, Value], ...] = ()
    """Unchanged siblings (path, value) that go out too: Neon does not say whether a patch merges, so
    that all five quota members and all three compute defaults always travel together."""


class PatchEndpoint(TenantAction, frozen=True, kw_only=True, tag="patch_endpoint"):
    """PATCH /projects/{id}/endpoints/{id}: project defaults never reach a compute that exists (Neon)."""

    verb: ClassVar = "change"
    thing: ClassVar = "compute"
    usual_stage: ClassVar = Stage.PATCH_ENDPOINT
    details: ClassVar = COMPUTES
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    branch: str
    """The name of the branch whose read-write compute it is."""
    before_transfer: bool = False
    companions: tuple[tuple[str, Value], ...] = ()

    @property
    def stage(self) -> Stage:
        """Before the other changes, where the destination requires it."""
        return Stage.LOWER if self.before_transfer else self.usual_stage


class DeleteProject(TenantAction, frozen=True, kw_only=True, tag="delete_project"):
    """DELETE /projects/{id}. Carries the id, because names are reused."""

    verb: ClassVar = "delete"
    thing: ClassVar = "project"
    of_whole_project: ClassVar = True
    base_risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    usual_stage: ClassVar = Stage.DELETE_PROJECT
    details: ClassVar = BRANCHES
    project_id: str

    @property
    def lowering(self) -> bool:
        """Nothing takes more."""
        return True


class DeleteDuplicate(TenantAction, frozen=True, kw_only=True, tag="delete_duplicate"):
    """DELETE /projects/{id} of a tenant's second project, made by a run that died and proven to hold nothing.

    It takes nothing from the tenant, whose first project stays.
    """

    verb: ClassVar = "delete"
    thing: ClassVar = "project"
    base_risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    usual_stage: ClassVar = Stage.DELETE_DUPLICATE
    details: ClassVar = COMPUTES | SNAPSHOTS
    project_id: str
    name: str
    organization: str
    created_at: datetime
    run: str
    """The run that made it."""
    first_id: str
    """The project that was created before it, and stays."""
    first_created_at: datetime
    death: str
    """How it is known that the run is dead."""
    emptiness: str
    """How it is known that the project holds nothing and is in nobody's hands."""

    @property
    def proof(self) -> tuple[str, ...]:
        """Everything that it rests on, in sentences without a full stop."""
        first = f"project {self.first_id}, created {_moment(self.first_created_at)}, was first"
        return (
            f"{first}: {self.project_id} was created {_moment(self.created_at)} by run {self.run}",
            f"run {self.run} is dead: {self.death}",
            f"{self.project_id} holds nothing: {self.emptiness}",
        )


class CreateBranch(TenantAction, frozen=True, kw_only=True, tag="create_branch"):
    """POST /projects/{id}/branches, with its own compute in the same call.

    ``changes`` says only that the branch is to exist: what it is created with stands beside it.
    """

    verb: ClassVar = "create"
    thing: ClassVar = "branch"
    usual_stage: ClassVar = Stage.CREATE_BRANCH
    details: ClassVar = BRANCHES
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    branch: str
    parent: str
    """The name of the branch that it starts from."""
    purpose: Purpose
    at: datetime | None = None
    """The moment of the parent that it starts from; None is now."""
    expires_at: datetime | None = None
    schema_only: bool = False
    with_compute: bool = True
    compute: Compute | None = None
    """None leaves the sizes to the project's defaults."""

    @property
    def subject(self) -> str:
        """What it is to the tenant, by its purpose."""
        return "snapshot" if self.purpose is Purpose.SNAPSHOT else self.thing

    @property
    def stage(self) -> Stage:
        """That of a snapshot, where it is one."""
        return Stage.CREATE_SNAPSHOT if self.purpose is Purpose.SNAPSHOT else self.usual_stage


class PatchBranch(TenantAction, frozen=True, kw_only=True, tag="patch_branch"):
    """PATCH /projects/{id}/branches/{id}: its name or its expiry, as the last part of a change's path says."""

    verb: ClassVar = "change"
    thing: ClassVar = "branch"
    usual_stage: ClassVar = Stage.PATCH_BRANCH
    details: ClassVar = BRANCHES
    branch: str
    """Its present name."""

    @property
    def rename_to(self) -> str | None:
        """The name that it is to have; None leaves its name."""
        return self._after("name")

    @property
    def expires_at(self) -> datetime | None:
        """The expiry that it is to have; None leaves the expiry as it is, or ends it (``expires_no_more``)."""
        moment = self._after("expires_at")
        return None if moment is None else datetime.fromisoformat(moment)

    @property
    def expires_no_more(self) -> bool:
        """Whether its expiry is taken away, so that it stays."""
        return any(change.path.endswith(".expires_at") and change.after is None for change in self.changes)

    def _after(self, member: str) -> str | None:
        found = (change.after for change in self.changes if change.path.endswith(f".{member}"))
        value = next(found, None)
        return None if value is None else str(value)


class DeleteBranch(TenantAction, frozen=True, kw_only=True, tag="delete_branch"):
    """DELETE /projects/{id}/branches/{id}. Carries the id, because names are reused."""

    verb: ClassVar = "delete"
    thing: ClassVar = "branch"
    base_risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    usual_stage: ClassVar = Stage.DELETE_BRANCH
    details: ClassVar = BRANCHES
    starts_operations: ClassVar = True
    branch: str
    branch_id: str
    purpose: Purpose
    before_transfer: bool = False
    """True for a kept moment that the destination organization has no room for."""

    @property
    def subject(self) -> str:
        """What it is to the tenant, by its purpose."""
        return "snapshot" if self.purpose is Purpose.SNAPSHOT else self.thing

    @property
    def stage(self) -> Stage:
        """That of a snapshot, where it is not a dev branch."""
        if self.purpose is Purpose.DEV_BRANCH:
            return self.usual_stage
        return Stage.MAKE_ROOM if self.before_transfer else Stage.REPLACE_SNAPSHOT


class CreateSnapshot(TenantAction, frozen=True, kw_only=True, tag="create_snapshot"):
    """POST /projects/{id}/branches/{id}/snapshot (Neon: beta; of root branches only)."""

    verb: ClassVar = "create"
    thing: ClassVar = "snapshot"
    usual_stage: ClassVar = Stage.CREATE_SNAPSHOT
    details: ClassVar = SNAPSHOTS
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    snapshot: str
    branch: str
    """The name of the branch that it is taken of."""
    at: datetime | None = None
    expires_at: datetime | None = None


class DeleteSnapshot(TenantAction, frozen=True, kw_only=True, tag="delete_snapshot"):
    """DELETE /projects/{id}/snapshots/{id}; nothing brings it back (Neon). Carries the id."""

    verb: ClassVar = "delete"
    thing: ClassVar = "snapshot"
    base_risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    usual_stage: ClassVar = Stage.REPLACE_SNAPSHOT
    details: ClassVar = SNAPSHOTS
    starts_operations: ClassVar = True
    snapshot: str
    snapshot_id: str
    before_transfer: bool = False
    """True for one that the destination organization has no room for."""

    @property
    def stage(self) -> Stage:
        """Before the others, where it does not fit into the destination."""
        return Stage.MAKE_ROOM if self.before_transfer else self.usual_stage


Action: TypeAlias = (
    CreateProject
    | RecoverProject
    | AdoptProject
    | TransferProject
    | PatchProject
    | PatchEndpoint
    | CreateBranch
    | PatchBranch
    | DeleteBranch
    | CreateSnapshot
    | DeleteSnapshot
    | DeleteDuplicate
    | DeleteProject
)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
