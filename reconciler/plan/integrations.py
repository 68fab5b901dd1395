"""Integrations of a project that affect its transfer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.action import TransferProject
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import TenantPlan

BLOCKING: Final = frozenset({"github", "vercel"})
"""Neon: these prevent a transfer (transferProjectsFromOrgToOrg); others are not documented."""


def blocking(project: LiveProject) -> tuple[str, ...]:
    """Return the integrations that prevent the project's transfer."""
    return tuple(name for name in project.integrations or () if name.lower() in BLOCKING)


def notes(plans: Iterable[TenantPlan]) -> Iterator[Note]:
    """Yield notes for transfers of projects with integrations that Neon does not document."""
    for plan in plans:
        moves = [action for action in plan.actions if isinstance(action, TransferProject)]
        if not moves or plan.project is None:
            continue
        blockers = blocking(plan.project)
        if others := [name for name in plan.project.integrations or () if name not in blockers]:
            told = (
                f"project {plan.project.id} is transferred with an integration that may prevent it (Neon "
                f"does not document it): {', '.join(others)}; if Neon refuses, nothing is reduced"
            )
            yield Note(plan.tenant, told, moves[0].source)
