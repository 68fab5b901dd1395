"""Actions on snapshots."""

from datetime import datetime
from typing import ClassVar, TypeAlias

from reconciler.desired.tier import Occasion
from reconciler.live.project import SNAPSHOTS
from reconciler.plan.actions.base import TenantAction
from reconciler.plan.change import Risk
from reconciler.plan.stage import Stage, stage_of_snapshot_deletion


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
    """The name of its source branch."""
    at: datetime | None = None
    expires_at: datetime | None = None
    occasion: Occasion | None = None
    """The change before which it is taken; None if the files declare or rotate it."""

    @property
    def stage(self) -> Stage:
        """Before the change for which it is taken."""
        return self.usual_stage if self.occasion is None else Stage.SNAPSHOT_BEFORE


class DeleteSnapshot(TenantAction, frozen=True, kw_only=True, tag="delete_snapshot"):
    """DELETE /projects/{id}/snapshots/{id}. It is permanent (Neon). It has the id, because names are reused."""

    verb: ClassVar = "delete"
    thing: ClassVar = "snapshot"
    base_risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    usual_stage: ClassVar = Stage.REPLACE_SNAPSHOT
    details: ClassVar = SNAPSHOTS
    starts_operations: ClassVar = True
    snapshot: str
    snapshot_id: str
    before_transfer: bool = False
    """Whether it does not fit into the destination organization."""
    after_new: bool = False
    """Whether it is deleted after the new one was taken."""
    occasion: Occasion | None = None
    """What the new one is taken before, if it is such a snapshot."""

    @property
    def stage(self) -> Stage:
        """Before the others if it does not fit into the destination; last if it fits beside the new one."""
        return stage_of_snapshot_deletion(
            before_transfer=self.before_transfer,
            after_new=self.after_new,
            before_change=self.occasion is not None,
        )


class PreviewSnapshot(TenantAction, frozen=True, kw_only=True, tag="preview_snapshot"):
    """POST /projects/{id}/snapshots/{id}/restore without finalizing: a branch with a compute (Neon: beta)."""

    verb: ClassVar = "create"
    thing: ClassVar = "branch"
    usual_stage: ClassVar = Stage.CREATE_BRANCH
    details: ClassVar = SNAPSHOTS
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    snapshot: str
    snapshot_id: str
    branch: str
    """The name of the preview."""
    target_id: str
    """The branch whose place it takes if the restore is finalized."""


SnapshotAction: TypeAlias = CreateSnapshot | DeleteSnapshot | PreviewSnapshot
