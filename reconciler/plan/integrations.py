"""Integrations of a project, as far as they matter for its move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.action import TransferProject
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import TenantPlan

BLOCKING: Final = frozenset({"github", "vercel"})
"""Neon: what keeps a project from a transfer (transferProjectsFromOrgToOrg); of others nothing is documented."""


def blocking(project: LiveProject) -> tuple[str, ...]:
    """The integrations because of which Neon refuses the project's transfer."""
    return tuple(name for name in project.integrations or () if name.lower() in BLOCKING)


def notes(plans: Iterable[TenantPlan]) -> Iterator[Note]:
    """Moves of projects with integrations of which nobody knows whether they keep it from moving."""
    for plan in plans:
        moves = [action for action in plan.actions if isinstance(action, TransferProject)]
        if not moves or plan.project is None:
            continue
        blockers = blocking(plan.project)
        if others := [name for name in plan.project.integrations or () if name not in blockers]:
            told = (
                f"project {plan.project.id} moves with an integration of which Neon does not say whether it may: "
                f"{', '.join(others)}; if Neon refuses, nothing was taken for the move"
            )
            yield Note(plan.tenant, told, moves[0].source)
