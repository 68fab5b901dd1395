"""Actions as they stand in a JSON document, one class for each kind, and back to actions."""

from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import Field

from reconciler.files.document import AnyJson, Document, Flag, Moment, Number, PlaceDocument, RiskWord, Text, Whole
from reconciler.model.annotations import Purpose
from reconciler.model.compute import Compute
from reconciler.model.values import JsonText, Value
from reconciler.plan.action import (
    AdoptProject,
    CreateBranch,
    CreateProject,
    CreateSnapshot,
    DeleteBranch,
    DeleteDuplicate,
    DeleteProject,
    DeleteSnapshot,
    PatchBranch,
    PatchEndpoint,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.change import FieldChange, Origin, Risk

_STRUCTURED = "settings."
"""Paths below it hold structured values only, so that ``true`` there is JSON and no flag."""


class ChangeDocument(Document):
    """One field. ``path`` ends in its unit."""

    path: Text
    before: AnyJson
    """null where the thing does not exist yet, or the API states no value."""
    after: AnyJson
    risk: RiskWord
    lowering: Flag
    """Whether it takes something from the tenant."""
    origin: Origin
    """config: the files changed since the base. drift: the live side moved. unknown: there is no base."""

    def change(self) -> FieldChange:
        """The change again."""
        return FieldChange(
            self.path,
            None if self.before is None else value(self.path, self.before),
            value(self.path, self.after),
            Risk[self.risk.upper()],
            self.lowering,
            self.origin,
        )


def value(path: str, written: Any) -> Value:
    """A value as it was written, of the field at the path."""
    if path.startswith(_STRUCTURED) or isinstance(written, dict | list):
        return JsonText.of(written)
    plain: Value = written
    return plain


class Shared(Document):
    """What all actions have."""

    tenant: Text
    reason: Text
    """Why, for a reviewer."""
    risk: RiskWord
    """The highest of what the call itself and its changes do."""
    lowering: Flag
    changes: tuple[ChangeDocument, ...]
    source: PlaceDocument
    """The place in the files that asks for it."""

    def _shared(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "reason": self.reason,
            "source": self.source.location(),
            "changes": tuple(change.change() for change in self.changes),
        }


class CreateProjectDocument(Shared):
    """A project is created, with every value among its changes."""

    kind: Literal["create_project"]
    organization: Text

    def action(self) -> CreateProject:
        """The action again."""
        return CreateProject(**self._shared(), organization=self.organization)


class RecoverProjectDocument(Shared):
    """A deleted project is brought back."""

    kind: Literal["recover_project"]
    project_id: Text
    recoverable_until: Moment

    def action(self) -> RecoverProject:
        """The action again."""
        return RecoverProject(
            **self._shared(), project_id=self.project_id, recoverable_until=self.recoverable_until
        )


class AdoptProjectDocument(Shared):
    """A project that was found by its name alone is marked, by a branch without a compute."""

    kind: Literal["adopt_project"]
    project_id: Text
    branch: Text
    """The name of the branch that carries the mark."""
    parent: Text

    def action(self) -> AdoptProject:
        """The action again."""
        return AdoptProject(**self._shared(), project_id=self.project_id, branch=self.branch, parent=self.parent)


class TransferProjectDocument(Shared):
    """A project moves to another organization."""

    kind: Literal["transfer_project"]
    origin: Text
    destination: Text
    downgrade: Flag

    def action(self) -> TransferProject:
        """The action again."""
        return TransferProject(
            **self._shared(), origin=self.origin, destination=self.destination, downgrade=self.downgrade
        )


class Patch(Shared):
    """Values of a project or of a compute are changed."""

    before_transfer: Flag
    companions: dict[Text, AnyJson]
    """Values that go out with the changes and stay as they are."""

    def _patch(self) -> dict[str, Any]:
        companions = tuple((path, value(path, written)) for path, written in self.companions.items())
        return {**self._shared(), "before_transfer": self.before_transfer, "companions": companions}


class PatchProjectDocument(Patch):
    """Values of a project are changed."""

    kind: Literal["patch_project"]

    def action(self) -> PatchProject:
        """The action again."""
        return PatchProject(**self._patch())


class PatchEndpointDocument(Patch):
    """Values of a branch's compute are changed."""

    kind: Literal["patch_endpoint"]
    branch: Text

    def action(self) -> PatchEndpoint:
        """The action again."""
        return PatchEndpoint(**self._patch(), branch=self.branch)


class DeleteProjectDocument(Shared):
    """A project is deleted."""

    kind: Literal["delete_project"]
    project_id: Text

    def action(self) -> DeleteProject:
        """The action again."""
        return DeleteProject(**self._shared(), project_id=self.project_id)


class DeleteDuplicateDocument(Shared):
    """A tenant's second project, which a dead run has left and which holds nothing, is deleted."""

    kind: Literal["delete_duplicate"]
    project_id: Text
    name: Text
    organization: Text
    created_at: Moment
    run: Text
    """The run that made it."""
    first_id: Text
    """The project that was created before it, and stays."""
    first_created_at: Moment
    death: Text
    """How it is known that the run is dead."""
    emptiness: Text
    """How it is known that the project holds nothing and is in nobody's hands."""

    def action(self) -> DeleteDuplicate:
        """The action again."""
        return DeleteDuplicate(
            **self._shared(),
            project_id=self.project_id,
            name=self.name,
            organization=self.organization,
            created_at=self.created_at,
            run=self.run,
            first_id=self.first_id,
            first_created_at=self.first_created_at,
            death=self.death,
            emptiness=self.emptiness,
        )


class ComputeDocument(Document):
    """Size and suspension of a compute; null leaves it to the project."""

    min_cu: Number | None
    max_cu: Number | None
    suspend_timeout_seconds: Whole | None


class CreateBranchDocument(Shared):
    """A branch is created, with its compute."""

    kind: Literal["create_branch"]
    branch: Text
    parent: Text
    purpose: Purpose
    at: Moment | None
    """The moment of the parent that it starts from; null is now."""
    expires_at: Moment | None
    schema_only: Flag
    with_compute: Flag
    compute: ComputeDocument | None

    def action(self) -> CreateBranch:
        """The action again."""
        return CreateBranch(
            **self._shared(),
            branch=self.branch,
            parent=self.parent,
            purpose=self.purpose,
            at=self.at,
            expires_at=self.expires_at,
            schema_only=self.schema_only,
            with_compute=self.with_compute,
            compute=None if self.compute is None else Compute(**dict(self.compute)),
        )


class PatchBranchDocument(Shared):
    """The name or the expiry of a branch is changed."""

    kind: Literal["patch_branch"]
    branch: Text
    """Its present name."""

    def action(self) -> PatchBranch:
        """The action again."""
        return PatchBranch(**self._shared(), branch=self.branch)


class DeleteBranchDocument(Shared):
    """A branch is deleted."""

    kind: Literal["delete_branch"]
    branch: Text
    branch_id: Text
    purpose: Purpose
    before_transfer: Flag

    def action(self) -> DeleteBranch:
        """The action again."""
        return DeleteBranch(
            **self._shared(),
            branch=self.branch,
            branch_id=self.branch_id,
            purpose=self.purpose,
            before_transfer=self.before_transfer,
        )


class CreateSnapshotDocument(Shared):
    """A snapshot is taken."""

    kind: Literal["create_snapshot"]
    snapshot: Text
    branch: Text
    at: Moment | None
    """null is now."""
    expires_at: Moment | None

    def action(self) -> CreateSnapshot:
        """The action again."""
        return CreateSnapshot(
            **self._shared(),
            snapshot=self.snapshot,
            branch=self.branch,
            at=self.at,
            expires_at=self.expires_at,
        )


class DeleteSnapshotDocument(Shared):
    """A snapshot is deleted; nothing brings it back."""

    kind: Literal["delete_snapshot"]
    snapshot: Text
    snapshot_id: Text
    before_transfer: Flag

    def action(self) -> DeleteSnapshot:
        """The action again."""
        return DeleteSnapshot(
            **self._shared(),
            snapshot=self.snapshot,
            snapshot_id=self.snapshot_id,
            before_transfer=self.before_transfer,
        )


ActionDocument: TypeAlias = (
    CreateProjectDocument
    | RecoverProjectDocument
    | AdoptProjectDocument
    | TransferProjectDocument
    | PatchProjectDocument
    | PatchEndpointDocument
    | DeleteProjectDocument
    | DeleteDuplicateDocument
    | CreateBranchDocument
    | PatchBranchDocument
    | DeleteBranchDocument
    | CreateSnapshotDocument
    | DeleteSnapshotDocument
)
AnyActionDocument = Annotated[ActionDocument, Field(discriminator="kind")]
ACTIONS: tuple[type[ActionDocument], ...] = get_args(ActionDocument)
