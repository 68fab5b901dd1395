"""Actions on the roles and databases of a branch."""

from typing import ClassVar, TypeAlias

from reconciler.live.project import CONTENTS
from reconciler.plan.actions.base import TenantAction
from reconciler.plan.change import Risk
from reconciler.plan.stage import Stage


class OnContents(TenantAction, frozen=True, kw_only=True):
    """The base of all actions on roles and databases of a branch. A compute of the branch carries them out."""

    usual_stage: ClassVar = Stage.FILL_BRANCH
    details: ClassVar = CONTENTS
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    branch: str
    """The name of the branch."""
    of_new_branch: bool = False
    """Whether the same plan creates or resets the branch: then the action waits for that."""


class Filling(OnContents, frozen=True, kw_only=True):
    """An action that runs before child branches are created, if its own branch already exists."""

    @property
    def stage(self) -> Stage:
        """After its branch was made."""
        return Stage.FILL_NEW_BRANCH if self.of_new_branch else self.usual_stage


class CreateRole(Filling, frozen=True, kw_only=True, tag="create_role"):
    """POST /projects/{id}/branches/{id}/roles. The response's password is not kept.

    Neon: connections to a running compute drop, an idle one wakes for a moment; the role joins neon_superuser.
    """

    verb: ClassVar = "create"
    thing: ClassVar = "role"
    role: str


class CreateDatabase(Filling, frozen=True, kw_only=True, tag="create_database"):
    """POST /projects/{id}/branches/{id}/databases."""

    verb: ClassVar = "create"
    thing: ClassVar = "database"
    database: str
    owner: str


class PatchDatabase(Filling, frozen=True, kw_only=True, tag="patch_database"):
    """PATCH /projects/{id}/branches/{id}/databases/{name}: its owner."""

    verb: ClassVar = "change"
    thing: ClassVar = "database"
    database: str
    owner: str
    """The new owner."""


class DeleteDatabase(OnContents, frozen=True, kw_only=True, tag="delete_database"):
    """DELETE /projects/{id}/branches/{id}/databases/{name}, with its data."""

    verb: ClassVar = "delete"
    thing: ClassVar = "database"
    base_risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    usual_stage: ClassVar = Stage.EMPTY_BRANCH
    database: str
    owner: str


class DeleteRole(OnContents, frozen=True, kw_only=True, tag="delete_role"):
    """DELETE /projects/{id}/branches/{id}/roles/{name}. Neon deletes no owner of a database (manage/roles)."""

    verb: ClassVar = "delete"
    thing: ClassVar = "role"
    base_risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    usual_stage: ClassVar = Stage.EMPTY_BRANCH
    role: str


ContentAction: TypeAlias = CreateRole | CreateDatabase | PatchDatabase | DeleteDatabase | DeleteRole
