"""Guards that hold back a tenant as a whole: a part of a change of tier, and a project found by name only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan import adoption
from reconciler.plan.action import AdoptProject, CreateProject, DeleteDuplicate
from reconciler.plan.concerns import PROJECT_CONCERNS, organization
from reconciler.plan.concerns.project import PROJECT
from reconciler.plan.guards.context import Verdict
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
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


MESSAGE: Final = (
    "the project was found by name only: differences are reported and not applied until another source "
    "confirms the owner"
)
BY_PIN: Final = "add its id as project_id to the tenant's file"


def held_until_confirmed(context: TenantContext) -> tuple[tuple[Action, ...], Verdict | None]:
    """Return the actions that wait for a confirmation of the project's owner, and the verdict; else none.

    The deletion of a tombstone is judged by who created the project, that of a second project by its own proof.
    """
    tenant, project = context.desired.tenants.get(context.planned.tenant), context.planned.project
    if tenant is None or project is None or tenant.absent:
        return (), None
    waiting = tuple(
        action
        for action in context.planned.actions
        if not isinstance(action, AdoptProject | CreateProject | DeleteDuplicate)
    )
    if not waiting or adoption.confirmed(context.desired, context.live, context.history, tenant, project):
        return (), None
    can_mark = len(waiting) < len(context.planned.actions) or context.desired.registry is not None
    remedy = f"{BY_PIN}; or apply this plan, which marks the project, and run again" if can_mark else BY_PIN
    return waiting, Verdict(Rule.UNCONFIRMED, MESSAGE, remedy)
