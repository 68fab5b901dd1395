"""``--only``: a tenant that changes its tier or organization gets all of the change or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.concerns import PROJECT_CONCERNS, organization
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.guards.context import Verdict
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject
    from reconciler.plan.guards.context import TenantContext


def part_of_a_tier(context: TenantContext) -> Verdict | None:
    """Refuse to apply a part of a tier change: no tier describes the result."""
    tenant, project = context.desired.tenants.get(context.planned.tenant), context.planned.project
    if not context.only or tenant is None or tenant.absent or project is None:
        return None
    settings = context.desired.settings(tenant)
    differing = list(_differing(settings, project))
    left_out = [name for name in differing if name not in context.only]
    if not left_out:
        return None
    moves = project.organization != settings.organization
    if not (moves or context.changes_tier or context.in_another_tier):
        return None
    return Verdict(
        Rule.PART_OF_A_TIER,
        f"--only leaves out {', '.join(left_out)}: the tenant would have parts of two tiers",
        f"include all of it with {' '.join(f'--only {name}' for name in differing)}, or run without --only",
    )


def _differing(settings: Settings, project: LiveProject) -> Iterator[str]:
    """Yield the differing concerns of a tier, by the names that ``--only`` accepts."""
    if project.organization != settings.organization:
        yield organization.NAME
    for concern in PROJECT_CONCERNS:
        if concern is not PROJECT and any(True for _ in concern.changes(settings, project)):
            yield concern.name
