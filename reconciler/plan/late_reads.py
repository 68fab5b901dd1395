"""What is read of a project again before its actions, when its turn comes late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.live.project import BRANCHES, COMPUTES
from reconciler.plan.actions.project import DeleteProject
from reconciler.plan.concerns import quota

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.live.project import Details, LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan


def details_to_reread(actions: Iterable[Action], project: LiveProject) -> Details:
    """Return the details to read again for these actions; branch sizes decide what may be reduced.

    ``project`` is as it was planned. If a list shows that all data fits, no branch is read.
    """
    return frozenset().union(*(_details_of(action, project) for action in actions))


def _details_of(action: Action, project: LiveProject) -> Details:
    if isinstance(action, DeleteProject) and project.endpoints is not None:  # they show who came back since
        return action.details | COMPUTES
    reduced = [change for change in action.changes if change.lowering]
    listed = bool(reduced) and all(
        change.path in quota.PATHS and not quota.sizes_decide(change, project) for change in reduced
    )
    return action.details | BRANCHES if action.lowering and not listed else action.details


def calls_to_reread(tenant: TenantPlan) -> int:
    """Return the calls that read the tenant again without a list: one for the project and one for each detail."""
    if tenant.project is None:
        return 0
    return 1 + len(details_to_reread(tenant.actions, tenant.project))
