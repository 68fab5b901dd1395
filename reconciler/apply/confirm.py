"""Confirms right before their steps that the plans of tenants are still valid (``late_turns.py``)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from msgspec import structs

from reconciler.errors import NotSentError, ReconcilerError
from reconciler.neon.pace import each
from reconciler.plan.action import DeleteBranch, DeleteProject, DeleteSnapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.address import Address
    from reconciler.apply.run import Run
    from reconciler.plan.action import Action
    from reconciler.plan.late_turn import Turn
    from reconciler.plan.plan import TenantPlan

DELETIONS: Final = (DeleteBranch, DeleteSnapshot, DeleteProject)
"""Deletions that cannot be undone completely: what they delete is observed again right before, if late."""


async def confirm(run: Run, tenants: Sequence[TenantPlan], *, details: bool = True) -> list[TenantPlan]:
    """The part of these tenants' plans that is still valid, with their projects as observed now.

    Records the outcome of everything else. A tenant that was observed recently takes no call. ``details`` reads
    the details that the actions need again. Once the run is to end, no observation starts, and the tenant was not
    tried.
    """
    if run.stop.requested:
        return list(tenants)

    async def confirmed(tenant: TenantPlan) -> TenantPlan | None:
        if tenant.project is None or not run.late_turns.late(tenant.tenant, details=details):
            return tenant
        if run.stop.requested:
            return None
        try:
            turn = await run.late_turns.observe_again(tenant, details=details)
        except NotSentError:
            return None
        except ReconcilerError as error:
            run.outcomes.failed(tenant.actions[0], error)
            return None
        return _valid_part(run, tenant, turn)

    return [tenant for tenant in await each(tenants, confirmed) if tenant is not None]


def _valid_part(run: Run, tenant: TenantPlan, turn: Turn) -> TenantPlan | None:
    """The valid part of the plan; None where nothing is. Records the outcome of everything else."""
    if turn.halt is not None:
        run.outcomes.skipped(tenant.actions[0], turn.halt.message, turn.halt.remedy)
        return None
    for action, why in turn.done.items():
        run.outcomes.unchanged(action, why)
    for action, halt in turn.held.items():
        run.outcomes.refused(action, halt.message, halt.remedy)
    return turn.plan if turn.plan.actions else None


async def confirm_deletion(run: Run, action: Action, address: Address) -> bool:
    """Whether a deletion among a tenant's actions is still valid. True for other actions.

    Records the outcome of a deletion that is not. Raises what the client raises for a read.
    """
    turns = run.late_turns
    if not isinstance(action, DELETIONS) or not turns.late(action.tenant):
        return True
    planned = turns.plans[action.tenant]
    if planned.project is None or planned.project.id != address.project_id:
        return True  # the run has created the project itself
    here = replace(planned.project, organization=address.organization)
    alone = structs.replace(planned, project=here, actions=(action,))
    return _valid_part(run, alone, await turns.observe_again(alone)) is not None
