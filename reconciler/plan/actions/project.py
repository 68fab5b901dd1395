"""Actions on projects."""

from datetime import UTC, datetime
from typing import ClassVar, TypeAlias

from reconciler.live.project import BRANCHES, COMPUTES, SNAPSHOTS
from reconciler.model.moments import utc_text
from reconciler.model.values import Value
from reconciler.plan.actions.base import TenantAction
from reconciler.plan.change import Risk
from reconciler.plan.stage import Stage


class CreateProject(TenantAction, frozen=True, kw_only=True, tag="create_project"):
    """POST /projects. ``changes`` contains every value of the new project: name, region, quota members, ..."""

    verb: ClassVar = "create"
    thing: ClassVar = "project"
    of_whole_project: ClassVar = True
    usual_stage: ClassVar = Stage.CREATE_PROJECT
    starts_operations: ClassVar = True
    organization: str


class RecoverProject(TenantAction, frozen=True, kw_only=True, tag="recover_project"):
    """POST /projects/{id}/recover: recovers a deleted project as it was, within 7 days (Neon: beta)."""

    verb: ClassVar = "recover"
    thing: ClassVar = "project"
    of_whole_project: ClassVar = True
    usual_stage: ClassVar = Stage.RECOVER_PROJECT
    project_id: str
    recoverable_until: datetime


class AdoptProject(TenantAction, frozen=True, kw_only=True, tag="adopt_project"):
    """POST /projects/{id}/branches: a branch without a compute marks a project that was found by its name only.

    Neon: annotations can only be set when a branch is created. The mark therefore needs a branch of its own.
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
    """POST /organizations/{source}/projects/transfer: one project of a call for up to 400 projects."""

    verb: ClassVar = "transfer"
    thing: ClassVar = "project"
    of_whole_project: ClassVar = True
    usual_stage: ClassVar = Stage.TRANSFER
    origin: str
    destination: str
    downgrade: bool
    """Whether the destination grants less than the origin."""

    @property
    def lowering(self) -> bool:
        """A downgrade is a reduction, whatever its fields are."""
        return self.downgrade


class PatchProject(TenantAction, frozen=True, kw_only=True, tag="patch_project"):
    """PATCH /projects/{id}: all project-level changes of a tenant at one stage."""

    verb: ClassVar = "change"
    thing: ClassVar = "project"
    usual_stage: ClassVar = Stage.PATCH_PROJECT
    before_transfer: bool = False
    """Whether the destination forbids the live values, so that they are changed before the transfer."""
    companions: tuple[tuple[str, Value], ...] = ()
    """Unchanged fields (path, value) that are sent too: Neon does not document whether a patch merges. All quota
    members and all compute members are therefore sent together."""


class DeleteProject(TenantAction, frozen=True, kw_only=True, tag="delete_project"):
    """DELETE /projects/{id}. It has the id, because names are reused."""

    verb: ClassVar = "delete"
    thing: ClassVar = "project"
    of_whole_project: ClassVar = True
    base_risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    usual_stage: ClassVar = Stage.DELETE_PROJECT
    details: ClassVar = BRANCHES
    project_id: str

    @property
    def lowering(self) -> bool:
        """A deletion is always a reduction."""
        return True


class DeleteDuplicate(TenantAction, frozen=True, kw_only=True, tag="delete_duplicate"):
    """DELETE /projects/{id} of a tenant's second project: a dead run created it, and it is proven to be empty.

    It is no reduction: the tenant keeps its first project.
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
    """The run that created it."""
    first_id: str
    """The project that was created before it, and stays."""
    first_created_at: datetime
    death: str
    """Proof that the run is dead."""
    emptiness: str
    """Proof that the project is empty and not in use."""

    @property
    def proof(self) -> tuple[str, ...]:
        """The parts of the proof, as sentences without a full stop."""
        created, before = (utc_text(at.astimezone(UTC)) for at in (self.created_at, self.first_created_at))
        first = f"project {self.first_id}, created {before}, was first"
        return (
            f"{first}: {self.project_id} was created {created} by run {self.run}",
            f"run {self.run} is dead: {self.death}",
            f"{self.project_id} holds nothing: {self.emptiness}",
        )


ProjectAction: TypeAlias = (
    CreateProject
    | RecoverProject
    | AdoptProject
    | TransferProject
    | PatchProject
    | DeleteDuplicate
    | DeleteProject
)
