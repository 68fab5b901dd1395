"""Confirms right before their steps that the plans of tenants are still valid (``run/late_turns.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.apply.address import Address
from reconciler.apply.checks.out_of_reach import explained
from reconciler.errors import NotSentError, ReconcilerError
from reconciler.model.values import replace
from reconciler.neon.pace import each
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import DeleteProject, PatchProject
from reconciler.plan.actions.restore import FinalizeRestore, RestoreBranch, RestoreSnapshot
from reconciler.plan.actions.snapshot import DeleteSnapshot
from reconciler.plan.event import ObservedAgain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.run.run import Run
    from reconciler.plan.action import Action
    from reconciler.plan.late_turn import Turn
    from reconciler.plan.plan import TenantPlan

DELETIONS: Final = (DeleteBranch, DeleteSnapshot, DeleteProject)
"""Deletions that cannot be undone completely."""
REPLACING: Final = (*DELETIONS, RestoreBranch, RestoreSnapshot, FinalizeRestore)
"""Actions that take data away, or put other data in its place."""
VALUES: Final = (PatchProject, PatchEndpoint)
"""Actions that write limits and sizes, which others may have raised."""


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
        run.tell(ObservedAgain(run.now(), tenant.tenant))
        try:
            turn = await run.late_turns.observe_again(tenant, details=details)
        except NotSentError:
            return None
        except ReconcilerError as error:
            address = Address.planned(tenant)
            run.outcomes.failed(tenant.actions[0], await explained(run, error, address))
            return None
        return _valid_part(run, tenant, turn)

    return [tenant for tenant in await each(tenants, confirmed) if tenant is not None]


def _valid_part(run: Run, tenant: TenantPlan, turn: Turn) -> TenantPlan | None:
    """The valid part of the plan; None if nothing is. Records the outcome of everything else."""
    if turn.halt is not None:
        run.outcomes.skipped(tenant.actions[0], turn.halt.message, turn.halt.remedy)
        return None
    for action, why in turn.done.items():
        run.outcomes.unchanged(action, why)
    for action, halt in turn.held.items():
        run.outcomes.refused(action, halt.message, halt.remedy)
    return turn.plan if turn.plan.actions else None


async def confirm_action(run: Run, action: Action, address: Address) -> Address | None:
    """The address, with the project as observed now, if the action is still valid; None if it is not.

    Only what may be a reduction is observed again: a deletion or a restore like the first action of a turn, a
    reduction once earlier calls of the turn have taken long. So is a patch of values: it raised them when it was
    planned, and reduces what somebody has raised further since. Records the outcome of an action that is not
    valid. Raises what the client raises for a read.
    """
    turns = run.late_turns
    deletes = isinstance(action, REPLACING)
    takes = deletes or action.lowering or isinstance(action, VALUES)
    if not takes or not turns.late(action.tenant, within_turn=not deletes):
        return address
    planned = turns.plans[action.tenant]
    if planned.project is None or planned.project.id != address.project_id:
        return address  # the run has created the project itself
    here = replace(planned.project, organization=address.organization)
    alone = replace(planned, project=here, actions=(action,))
    run.tell(ObservedAgain(run.now(), action.tenant))
    valid = _valid_part(run, alone, await turns.observe_again(alone))
    return None if valid is None else replace(address, project=valid.project)
