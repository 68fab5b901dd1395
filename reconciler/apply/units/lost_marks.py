"""The annotations of a new project, which Neon may not keep: it does not show them in the answer to the creation.

Without them, only its name says whose the project is, and the next run would mark it (plan/adoption.py). A run
reads the branches of one new project, unless it has seen a project with the annotations of its creation. If this
Neon loses them, the run marks its new projects itself, as part of their creation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.adoption import mark
from reconciler.plan.created_marks import keeps_annotations, may_need_mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.address import Address
    from reconciler.apply.run.run import Run
    from reconciler.plan.action import Action
    from reconciler.plan.actions.project import CreateProject

LOST: Final = "Neon did not keep the annotations of the creation"


async def lost_mark(run: Run, create: CreateProject, later: Sequence[Action], address: Address) -> Action | None:
    """The mark of a new project whose annotations are lost. None where it needs none, or has no room for it.

    A sign-up makes no further call: the next run over the files marks its project. Raises what the client raises.
    """
    if run.registry.keeps_rows or run.just_observed or run.stop.requested or not may_need_mark((create, *later)):
        return None
    if await _are_kept(run, address):
        return None
    name = next(iter(address.branches))
    limit = run.desired.limits(address.organization).branches
    return None if limit == 1 else mark(create.tenant, LOST, create.source, address.project_id, name)


async def _are_kept(run: Run, address: Address) -> bool:
    """Whether Neon keeps the annotations of creations: the first new project shows it."""
    creations = run.creations
    async with creations.finding_out:
        if creations.keep_annotations is None:
            branches = await run.neon.branches(*address.project_key)
            creations.keep_annotations = keeps_annotations(branches)
    return creations.keep_annotations
