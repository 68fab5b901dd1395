"""Whether a project has another tier than the files gave its tenant: a document put it there, and no commit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.plan.concerns import PROJECT_CONCERNS, compute
from reconciler.plan.concerns.project import PROJECT

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.plan.history import History


def in_another_tier(desired: DesiredState, history: History, tenant: Tenant, project: LiveProject) -> bool:
    """Whether the project has all that some tier grants, which is neither the tenant's tier nor an earlier one.

    A project that differs in a single value has none: somebody gave its tenant more, or less.
    """
    said = [(desired, tenant), *((files, files.tenants[tenant.name]) for files in history.earlier(tenant.name))]
    declared = [(files, known) for files, known in said if not known.absent]
    if any(_has(files, known, project) for files, known in declared):
        return False
    names = {known.tier for _, known in declared}
    others = ((files, tier) for files, _ in declared for tier in files.tiers.values() if tier.name not in names)
    return any(
        tier.quota is not None and _has(files, replace(tenant, tier=tier.name), project) for files, tier in others
    )


def _has(files: DesiredState, tenant: Tenant, project: LiveProject) -> bool:
    """Whether the project has the organization and every value of the tenant's tier."""
    if files.home(tenant) != project.organization:
        return False
    settings = files.settings(tenant)
    differing = (
        change
        for concern in PROJECT_CONCERNS
        if concern is not PROJECT
        for change in concern.changes(settings, project)
    )
    endpoint = project.read_write(project.default_branch)
    return not any(True for _ in differing) and not any(
        True for _ in compute.endpoint_changes(settings.compute, endpoint)
    )
