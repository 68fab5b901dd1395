"""``--only``: a tenant that changes its tier, or its organization, gets all of it or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.concerns import PROJECT_CONCERNS, organization
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.guards.bench import Verdict
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject
    from reconciler.plan.guards.bench import Bench


def part_of_a_tier(bench: Bench) -> Verdict | None:
    """Some of what a tier grants, and not the rest, would be a state that no tier describes."""
    tenant, project = bench.desired.tenants.get(bench.planned.tenant), bench.planned.project
    if not bench.only or tenant is None or tenant.absent or project is None:
        return None
    settings = bench.desired.settings(tenant)
    differing = list(_differing(settings, project))
    left_out = [name for name in differing if name not in bench.only]
    if not left_out:
        return None
    moves = project.organization != settings.organization
    if not (moves or bench.changes_tier or bench.in_another_tier):
        return None
    return Verdict(
        Rule.PART_OF_A_TIER,
        f"--only leaves out {', '.join(left_out)}: the tenant would be left between two tiers",
        f"take all of it: {' '.join(f'--only {name}' for name in differing)}; or leave --only out",
    )


def _differing(settings: Settings, project: LiveProject) -> Iterator[str]:
    """The concerns of a tier in which the project differs, by the names that ``--only`` uses."""
    if project.organization != settings.organization:
        yield organization.NAME
    for concern in PROJECT_CONCERNS:
        if concern is not PROJECT and any(True for _ in concern.changes(settings, project)):
            yield concern.name
