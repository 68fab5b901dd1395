"""Guard of deletions: a project that has more than the earlier files declare may have a customer who came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.values import replace
from reconciler.plan.actions.project import DeleteProject
from reconciler.plan.declared_fields import in_another_tier
from reconciler.plan.guards.context import Verdict
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.guards.context import TenantContext


def customer_may_have_returned(action: Action, context: TenantContext) -> Verdict | None:
    """Refuse the deletion of a project that somebody has given another tier than the earlier files declare.

    A checkout, or support, has moved it or set all values of the tier.
    """
    project = context.planned.project
    if not isinstance(action, DeleteProject) or project is None or context.pinned:
        return None
    what = _given(action.tenant, project, context)
    if what is None:
        return None
    return Verdict(
        Rule.LATER_LIFE,
        f"project {project.id} {what}: the tenant may have come back since",
        f"declare the tenant; or, to delete the project, add project_id: {project.id} to its state: absent",
    )


def _given(tenant: str, project: LiveProject, context: TenantContext) -> str | None:
    versions = list(context.history.declaring(tenant))
    homes = {home for files, known in versions if (home := files.organization_of(known)) is not None}
    if not homes:
        return None
    if project.organization not in homes:
        return f"is in {project.organization}, and the earlier files have it in {min(homes)}"
    ended = replace(versions[0][1], name=tenant, absent=True)
    earlier = [files for files, _ in versions]
    if project.quota is not None and in_another_tier(context.desired, earlier, ended, project):
        return "has the values of another tier than the earlier files declare"
    return None
