"""Actions that restore an earlier state."""

from datetime import datetime
from typing import ClassVar, Literal, TypeAlias

from msgspec import Struct

from reconciler.live.project import SNAPSHOTS
from reconciler.plan.actions.base import TenantAction
from reconciler.plan.change import Risk
from reconciler.plan.stage import Stage


class Consequence(Struct, frozen=True):
    """One effect of a command, which a person reads before it."""

    about: Literal["moment", "lost", "kept", "newer", "id", "snapshot", "connection"]
    message: str
    """A sentence without a full stop."""


class RestoreAction(TenantAction, frozen=True, kw_only=True):
    """The base of all actions that restore an earlier state of a branch."""

    verb: ClassVar = "restore"
    thing: ClassVar = "branch"
    of_whole_project: ClassVar = True
    base_risk: ClassVar[Risk] = Risk.DISRUPTIVE
    usual_stage: ClassVar = Stage.RESTORE
    details: ClassVar = SNAPSHOTS
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    branch: str
    """The branch that gets the earlier state."""
    effects: tuple[Consequence, ...] = ()

    @property
    def lowering(self) -> bool:
        """The branch loses what was written since that state."""
        return True


class RestoreBranch(RestoreAction, frozen=True, kw_only=True, tag="restore_branch"):
    """POST /projects/{id}/branches/{id}/restore. The branch keeps its id, its computes and its annotations (Neon).

    Its current state stays as another branch, which takes over its children.
    """

    branch_id: str
    from_branch: str
    """The name of the branch whose history holds the moment: itself, or one that an earlier restore kept."""
    from_branch_id: str
    at: datetime | None
    """The moment in that history; None is the current state of ``from_branch``."""
    keep_as: str
    """The name of the branch that keeps the current state."""


class RestoreSnapshot(RestoreAction, frozen=True, kw_only=True, tag="restore_snapshot"):
    """POST /projects/{id}/snapshots/{id}/restore: a new branch takes the place of the default branch (Neon: beta).

    It takes over name, computes and protection, and has another id and no annotations. The replaced branch keeps
    its own, under a name that ends in ``(old)``.
    """

    snapshot: str
    snapshot_id: str
    branch_id: str
    """The branch that is replaced."""


class FinalizeRestore(RestoreAction, frozen=True, kw_only=True, tag="finalize_restore"):
    """POST /projects/{id}/branches/{id}/finalize_restore: the preview of a snapshot takes its target's place."""

    preview: str
    preview_id: str
    keep_as: str
    """The name that the replaced branch gets."""


Restore: TypeAlias = RestoreBranch | RestoreSnapshot | FinalizeRestore
"""Actions that restore an earlier state of the default branch."""
