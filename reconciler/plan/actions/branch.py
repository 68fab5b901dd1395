"""Actions on branches and their roles."""

from datetime import datetime
from typing import ClassVar, Final, TypeAlias

from reconciler.desired.tier import Occasion
from reconciler.live.project import BRANCHES, COMPUTES
from reconciler.model.annotations import Purpose
from reconciler.model.compute import Compute
from reconciler.plan.actions.base import TenantAction
from reconciler.plan.change import Risk
from reconciler.plan.stage import Stage, stage_of_snapshot_deletion

IDLE_SINCE: Final = "idle since "
"""The prefix of the reason for deleting an unused branch."""


class CreateBranch(TenantAction, frozen=True, kw_only=True, tag="create_branch"):
    """POST /projects/{id}/branches, with its own compute in the same call.

    ``changes`` contains only the existence of the branch; the other members say how it is created.
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
    """The time in the parent's history that it starts from; None is now."""
    expires_at: datetime | None = None
    schema_only: bool = False
    protected: bool = False
    with_compute: bool = True
    compute: Compute | None = None
    """None: the project's defaults apply."""
    occasion: Occasion | None = None
    """The change before which this snapshot is taken; None if it is no such snapshot."""

    @property
    def subject(self) -> str:
        """A snapshot or a branch, by its purpose."""
        return "snapshot" if self.purpose is Purpose.SNAPSHOT else self.thing

    @property
    def stage(self) -> Stage:
        """The stage of a snapshot if it is one."""
        if self.occasion is not None:
            return Stage.SNAPSHOT_BEFORE
        return Stage.CREATE_SNAPSHOT if self.purpose is Purpose.SNAPSHOT else self.usual_stage


class PatchBranch(TenantAction, frozen=True, kw_only=True, tag="patch_branch"):
    """PATCH /projects/{id}/branches/{id}: name, expiry or protection, by the last part of a change's path.

    Of the default branch, whose path has no other part, only the protection.
    """

    verb: ClassVar = "change"
    thing: ClassVar = "branch"
    usual_stage: ClassVar = Stage.PATCH_BRANCH
    details: ClassVar = BRANCHES
    branch: str
    """Its current name."""

    @property
    def rename_to(self) -> str | None:
        """Its new name; None keeps the current one."""
        return self._after("name")

    @property
    def expires_at(self) -> datetime | None:
        """Its new expiry; None keeps the current one, or removes it (``expires_no_more``)."""
        moment = self._after("expires_at")
        return None if moment is None else datetime.fromisoformat(moment)

    @property
    def protected(self) -> bool | None:
        """Whether it is to be protected; None leaves its protection."""
        found = (change.after for change in self.changes if change.path.rpartition(".")[2] == "protected")
        value = next(found, None)
        return None if value is None else bool(value)

    @property
    def expires_no_more(self) -> bool:
        """Whether its expiry is removed."""
        return any(change.path.endswith(".expires_at") and change.after is None for change in self.changes)

    def _after(self, member: str) -> str | None:
        found = (change.after for change in self.changes if change.path.endswith(f".{member}"))
        value = next(found, None)
        return None if value is None else str(value)


class ResetBranch(TenantAction, frozen=True, kw_only=True, tag="reset_branch"):
    """POST /projects/{id}/branches/{id}/restore from its parent: the branch gets the parent's current data.

    Where a restore has put its parent aside, it gets the data of the branch in the parent's place.

    What was written to the branch is lost, and its earlier history with it (Neon: guides/reset-from-parent). Its
    id, name and computes stay; connections drop.
    """

    verb: ClassVar = "reset"
    thing: ClassVar = "branch"
    base_risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    usual_stage: ClassVar = Stage.RESET_BRANCH
    details: ClassVar = BRANCHES
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    branch: str
    branch_id: str
    parent: str
    """The name of the branch whose data it gets: its parent, or the branch in the place of it."""
    replaced_parent: str | None = None
    """The name of its parent, if a restore has put another branch in the place of it."""
    last_reset_at: datetime | None = None
    """When it was last reset before: shows whether a lost call was carried out."""

    @property
    def lowering(self) -> bool:
        """It always takes the branch's own data."""
        return True


class DeleteBranch(TenantAction, frozen=True, kw_only=True, tag="delete_branch"):
    """DELETE /projects/{id}/branches/{id}. It has the id, because names are reused."""

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
    """Whether it is a snapshot that does not fit into the destination organization."""
    after_new: bool = False
    """Whether it is a snapshot that is deleted after the new one was taken."""
    occasion: Occasion | None = None
    """What the new one is taken before, if it is such a snapshot."""

    @property
    def subject(self) -> str:
        """A snapshot or a branch, by its purpose."""
        return "snapshot" if self.purpose is Purpose.SNAPSHOT else self.thing

    @property
    def stage(self) -> Stage:
        """The stage of a snapshot if it is not a development branch."""
        if self.purpose is Purpose.DEV_BRANCH:
            return self.usual_stage
        if self.purpose is Purpose.PREVIEW:
            return Stage.DELETE_PREVIEW
        return stage_of_snapshot_deletion(
            before_transfer=self.before_transfer,
            after_new=self.after_new,
            before_change=self.occasion is not None,
        )


class ResetPassword(TenantAction, frozen=True, kw_only=True, tag="reset_password"):
    """POST /projects/{id}/branches/{id}/roles/{name}/reset_password. The old password no longer works (Neon).

    Its change contains no password. Other branches have passwords of their own.
    """

    verb: ClassVar = "change"
    thing: ClassVar = "password"
    base_risk: ClassVar[Risk] = Risk.DISRUPTIVE
    usual_stage: ClassVar = Stage.RESET_PASSWORD
    details: ClassVar = COMPUTES
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    branch: str
    """The name of the branch."""
    role: str
    database: str
    """The database of the returned connection string."""


BranchAction: TypeAlias = CreateBranch | PatchBranch | ResetBranch | DeleteBranch | ResetPassword
