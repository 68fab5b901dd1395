"""What a new project still lacks after its creation: the size of its compute, or the mark of its tenant.

Both are part of the creation, which is reported once they are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.apply.calls.readback import compute_fields
from reconciler.apply.steps.steps import carry_out
from reconciler.apply.units.lost_marks import lost_mark
from reconciler.errors import LockedError, NotSentError, NotTakenError
from reconciler.model.values import replace
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.concerns.concern import companions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.address import Address
    from reconciler.apply.calls.perform import Performed
    from reconciler.apply.run.run import Run
    from reconciler.plan.action import Action
    from reconciler.plan.actions.project import CreateProject


class Lack(Struct, frozen=True):
    """What a new project still lacks after its creation."""

    action: Action
    """The action that supplies it."""
    words: str
    repairs: str
    """What the next run does where this one ends before it."""


async def complete(run: Run, create: CreateProject, later: Sequence[Action], created: Performed) -> None:
    """Supplies what the project lacks, and waits for its operations if something depends on their end.

    Once the project was checked for rivals, those of the creation have usually ended. So the first call is sent
    without a poll, and one list of operations after it shows how both have ended. Raises what the client raises,
    and NotTakenError where a call is not sent because the run ends.
    """
    key, lacks = created.address.project_key, await _lacks(run, create, later, created)
    pending, ended = created.operations, run.checks_rivals
    for lack in lacks:
        if not ended:
            await run.neon.wait(*key, pending)
            pending = ()
        try:
            performed = await _supply(run, lack, created.address)
        except LockedError:
            if not pending:
                raise
            await run.neon.wait(*key, pending)
            pending = ()
            performed = await _supply(run, lack, created.address)
        pending, ended = (*pending, *performed.operations), False
    if later or lacks or run.registry.keeps_rows:  # the row says when the project is ready
        await run.neon.wait(*key, pending)


async def _lacks(run: Run, create: CreateProject, later: Sequence[Action], created: Performed) -> list[Lack]:
    resize = _resize(create, created)
    mark = await lost_mark(run, create, later, created.address)
    lacks = [Lack(resize, "its compute does not have the requested size", "resizes")] if resize else []
    return [*lacks, Lack(mark, "it is not marked as the tenant's", "marks")] if mark else lacks


async def _supply(run: Run, lack: Lack, address: Address) -> Performed:
    try:
        performed = await carry_out(run, lack.action, address)
    except NotSentError as error:
        words = f"project {address.project_id} was created, but {lack.words}"
        raise NotTakenError(f"{words}: {error}", hint=f"run again: the next run {lack.repairs} it") from error
    if performed.shortfall is not None:
        raise performed.shortfall
    return performed


def _resize(create: CreateProject, created: Performed) -> PatchEndpoint | None:
    """The patch of a first compute that is not as the creation requested it; None if it is.

    Neon does not document that the compute of a new project has its ``default_endpoint_settings``.
    """
    if created.first_compute is None:
        return None
    stated = compute_fields(created.first_compute.compute)
    requested = {change.path: change for change in create.changes if change.path in stated}
    wrong = [replace(c, before=stated[path]) for path, c in requested.items() if c.after != stated[path]]
    if not wrong:
        return None
    return PatchEndpoint(
        tenant=create.tenant,
        reason="the first compute of the project does not have the requested size",
        source=create.source,
        changes=tuple(wrong),
        branch=created.first_compute.branch,
        companions=companions(wrong, {path: change.after for path, change in requested.items()}),
    )
