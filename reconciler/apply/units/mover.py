"""A tenant that is ready to move, and what of its plan comes before and after the move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.apply.units.units import transfer
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.moves import Limit, has_quota, limits_met_by, may_need_reductions, quota_at_risk
from reconciler.plan.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.apply.address import Address
    from reconciler.apply.units.arrival import Arrival
    from reconciler.plan.action import Action
    from reconciler.plan.actions.project import TransferProject
    from reconciler.plan.plan import TenantPlan


class Mover(Struct, frozen=True):
    """A tenant that is ready to move."""

    tenant: TenantPlan
    address: Address
    done: tuple[Action, ...] = ()
    """Reductions that have already been made for the move."""
    saved: tuple[Action, ...] = ()
    """Snapshots that were taken before it, and deletions that made room for them."""
    arrival: Arrival | None = None
    """That of the projects which have moved by the same call. None until then."""
    note: str = ""
    """The note of the transfer for the report."""

    @property
    def action(self) -> TransferProject:
        """The tenant's transfer."""
        return transfer(self.tenant)

    @property
    def project_id(self) -> str:
        """The id of the project that moves."""
        return self.address.project_id

    @property
    def left(self) -> tuple[Action, ...]:
        """The actions that remain after the transfer, in the order of the plan."""
        over = (*self.done, *self.saved, self.action)
        return tuple(action for action in self.tenant.actions if action not in over)

    @property
    def has_quota(self) -> bool:
        """Whether the project has a quota before the transfer."""
        return self.tenant.project is not None and has_quota(self.tenant.project)

    @property
    def quota_at_risk(self) -> bool:
        """Whether the transfer may remove a quota that no later patch of the plan sends."""
        return quota_at_risk(self.tenant)

    @property
    def may_need_reductions(self) -> bool:
        """Whether the plan has reductions that the move may need."""
        return may_need_reductions(self.tenant)

    @property
    def before(self) -> tuple[Action, ...]:
        """The actions before the transfer is tried: the snapshot before a downgrade."""
        return tuple(action for action in self.left if action.stage < Stage.TRANSFER)

    def reductions(self, limits: Collection[Limit]) -> tuple[Action, ...]:
        """The remaining reductions for these limits. A branch is deleted for its compute only as a last resort."""
        direct = tuple(action for action in self.left if not limits_met_by(action).isdisjoint(limits))
        return direct or (self._branches if Limit.COMPUTE in limits else ())

    @property
    def _branches(self) -> tuple[Action, ...]:
        return tuple(action for action in self.left if isinstance(action, DeleteBranch))
