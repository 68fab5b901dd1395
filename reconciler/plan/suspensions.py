"""The computes of suspended tenants (``state: suspended``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.actions.compute import PatchEndpoint, SuspendCompute
from reconciler.plan.change import FieldChange, Risk
from reconciler.plan.concerns.compute import COMPUTE
from reconciler.plan.tenant_history import STATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.plan.action import Action
    from reconciler.plan.comparison import Comparison

PATH: Final = "compute.state"
"""Whether a compute runs. No file states it of a compute: ``state`` of the tenant does."""


def suspend(comparison: Comparison, patches: Iterable[Action]) -> Iterator[SuspendCompute]:
    """Yield the suspension of each compute that runs, or that a patch wakes (Neon), if the tenant is suspended."""
    if not comparison.settings.suspended or COMPUTE.name not in comparison.only:
        return
    names = {branch.id: branch.name for branch in comparison.project.branches or ()}
    woken = {(patch.branch, patch.replica) for patch in patches if isinstance(patch, PatchEndpoint)}
    why = comparison.origin(STATE, reduces=True)
    for endpoint in comparison.project.endpoints or ():
        branch = names.get(endpoint.branch_id, endpoint.branch_id)
        if endpoint.active or (branch, None if endpoint.writes else endpoint.name) in woken:
            change = FieldChange(PATH, "active", "suspended", Risk.DISRUPTIVE, lowering=True, origin=why)
            yield SuspendCompute(
                tenant=comparison.tenant.name,
                reason=f"suspended: {comparison.tenant.reason}",
                source=comparison.tenant.location,
                changes=(change,),
                branch=branch,
                endpoint_id=endpoint.id,
            )
