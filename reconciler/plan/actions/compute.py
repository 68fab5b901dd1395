"""Actions on computes."""

from typing import ClassVar, TypeAlias

from reconciler.live.project import COMPUTES
from reconciler.model.compute import Compute
from reconciler.model.values import Value
from reconciler.plan.actions.base import TenantAction
from reconciler.plan.change import Risk
from reconciler.plan.stage import Stage


class PatchEndpoint(TenantAction, frozen=True, kw_only=True, tag="patch_endpoint"):
    """PATCH /projects/{id}/endpoints/{id}: project defaults do not apply to existing computes (Neon)."""

    verb: ClassVar = "change"
    thing: ClassVar = "compute"
    usual_stage: ClassVar = Stage.PATCH_ENDPOINT
    details: ClassVar = COMPUTES
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    branch: str
    """The name of the branch whose compute it is."""
    replica: str | None = None
    """The name of the read replica; None for the read-write compute."""
    before_transfer: bool = False
    companions: tuple[tuple[str, Value], ...] = ()

    @property
    def stage(self) -> Stage:
        """Before the other changes if the destination requires it."""
        return Stage.LOWER if self.before_transfer else self.usual_stage


class SuspendCompute(TenantAction, frozen=True, kw_only=True, tag="suspend_compute"):
    """POST /projects/{id}/endpoints/{id}/suspend, for a tenant that its file suspends. Carries the id, because a
    branch may have several computes.

    Neon: a project that has used up its quota starts no compute, but its counters lag by up to an hour.
    """

    verb: ClassVar = "suspend"
    thing: ClassVar = "compute"
    usual_stage: ClassVar = Stage.SUSPEND_COMPUTE
    details: ClassVar = COMPUTES
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    branch: str
    """The name of its branch."""
    endpoint_id: str


class CreateReplica(TenantAction, frozen=True, kw_only=True, tag="create_replica"):
    """POST /projects/{id}/endpoints: a read replica, which reads the branch's data (Neon: manage/computes).

    ``changes`` contains only its existence.
    """

    verb: ClassVar = "create"
    thing: ClassVar = "read replica"
    usual_stage: ClassVar = Stage.CREATE_REPLICA
    details: ClassVar = COMPUTES
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    branch: str
    """The name of its branch."""
    replica: str
    compute: Compute
    """Absent members are the project's defaults."""


class DeleteReplica(TenantAction, frozen=True, kw_only=True, tag="delete_replica"):
    """DELETE /projects/{id}/endpoints/{id} of a read replica. It has the id, because names are not unique.

    No data is lost; its address is: a new replica has another one.
    """

    verb: ClassVar = "delete"
    thing: ClassVar = "read replica"
    base_risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    usual_stage: ClassVar = Stage.DELETE_REPLICA
    details: ClassVar = COMPUTES
    starts_operations: ClassVar = True
    in_no_list: ClassVar = True
    branch: str
    """The name of its branch."""
    replica: str
    endpoint_id: str


ComputeAction: TypeAlias = PatchEndpoint | SuspendCompute | CreateReplica | DeleteReplica
