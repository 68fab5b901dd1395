"""What a run writes to the registry while it applies: claims, projects, and revisions.

A tenant is claimed before its project is created, so that no other run creates one too. The time limits belong
together: a POST is sent within ``SENT_WITHIN_SECONDS`` of its claim or not at all. The rest of ``LAPSES_AFTER``,
less the accepted clock difference, is the time for Neon to create the project and show it in a search.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from reconciler.errors import (
    ApiError,
    ClaimedError,
    JournalError,
    NotFoundError,
    NotSentError,
    RegistryError,
    UnknownOutcomeError,
    UnreachableError,
)
from reconciler.live.registered import ConnectionStrings, Placement, Record, RowState
from reconciler.model.annotations import RUN, TENANT
from reconciler.model.moments import utc_text
from reconciler.model.values import replace
from reconciler.neon.observe import find_named
from reconciler.plan.actions.project import DeleteProject
from reconciler.plan.late_turn import RUN_AGAIN
from reconciler.plan.ownership import owner
from reconciler.plan.registry_record import declared_record, live_record

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Sequence

    from reconciler.apply.calls.perform import Performed
    from reconciler.apply.run.run import Run
    from reconciler.live.project import LiveProject
    from reconciler.live.registered import Registered
    from reconciler.neon.connection import Connection
    from reconciler.plan.action import Action
    from reconciler.plan.actions.project import CreateProject
    from reconciler.plan.plan import TenantPlan

SENT_WITHIN_SECONDS: Final = 120.0
LAPSES_AFTER: Final = timedelta(minutes=15)
"""The age at which another run may take over a claim without a project."""
NOT_CARRIED_OUT: Final = (ApiError, JournalError, NotSentError, UnreachableError)
"""Errors after which a POST has certainly created nothing."""


async def claim(run: Run, tenant: str, name: str, *, recovered: str | None = None) -> None:
    """Claims the tenant for this run. Raises ClaimedError if another run has claimed it, or it has a project.

    ``recovered`` is the id of the deleted project to recover: a row with that project is no obstacle.
    """
    row = await run.registry.write(run.registry.claim, tenant, run.id, run.now())
    if row is None:
        return
    if row.project_id != recovered and row.project_id is not None:
        raise _has_a_project(row, planned=recovered is None)
    if row.project_id is None and run.now() < row.claimed_at + LAPSES_AFTER:
        raise _claimed(row)
    await _take_over(run, tenant, name, row)


async def release(run: Run, tenant: str, error: Exception) -> None:
    """Releases the claim if certainly nothing was created. Otherwise it expires."""
    if isinstance(error, NOT_CARRIED_OUT):
        with suppress(RegistryError):
            await run.registry.write(run.registry.release, tenant, run.id)


def deadline() -> float:
    """Until when calls may be sent under a claim that is made now, by the loop's clock."""
    return asyncio.get_running_loop().time() + SENT_WITHIN_SECONDS


async def in_time(run: Run, call: Coroutine[Any, Any, Performed], *, until: float | None = None) -> Performed:
    """Cancels the call before the claim can lapse. Raises UnknownOutcomeError."""
    if not run.registry.keeps_rows:
        return await call
    until = deadline() if until is None else until
    late = UnknownOutcomeError(f"no answer within {SENT_WITHIN_SECONDS:g} s of the claim")
    if until <= asyncio.get_running_loop().time():  # a call that need not wait is sent before it can be cancelled
        call.close()
        raise late
    try:
        async with asyncio.timeout_at(until):
            return await call
    except TimeoutError as error:
        raise late from error


async def register(run: Run, create: CreateProject, created: Performed) -> None:
    """Writes the created project to the tenant's row. Raises RegistryError."""
    address = created.address
    connection = created.created.connection if created.created else None
    placement = Placement(
        create.tenant,
        address.project_id,
        address.organization,
        _new_record(run, create, created),
        _strings(run, connection),
    )
    try:
        await run.registry.write(run.registry.place, placement, run.id, run.now())
    except RegistryError as error:
        raise RegistryError(
            f"project {address.project_id} was created, but not written to the registry: {error}",
            hint="run again: the next run finds the project by its name and writes it to the registry",
        ) from error


def _new_record(run: Run, create: CreateProject, created: Performed) -> Record:
    """What is known of a project whose first operations still run."""
    record = replace(declared_record(run.desired, run.desired.tenants[create.tenant]), state=RowState.SETTING_UP)
    if created.created is None:
        return record
    record = replace(record, **live_record(created.created.project).known)
    connection = created.created.connection
    if connection is None:
        return record
    return replace(
        record,
        host=connection.host,
        pooled_host=connection.pooled_host,
        database=connection.database,
        role=connection.role,
    )


def _strings(run: Run, connection: Connection | None) -> ConnectionStrings | None:
    """The strings that are written with a new project; None where none are kept, or the answer was lost."""
    if connection is None or not run.registry.keeps_strings:
        return None
    return ConnectionStrings(connection.pooled, connection.direct)


async def register_move(run: Run, tenant: str, project_id: str, organization: str) -> str:
    """Writes a project's organization to the tenant's row. Returns the error, or an empty text.

    The next run corrects the row, so an error does not stop the tenant's other actions.
    """
    try:
        placement = Placement(tenant, project_id, organization)
        await run.registry.write(run.registry.place, placement, run.id, run.now())
    except RegistryError as error:
        return f"the registry was not updated: {error}"
    return ""


async def unregister(run: Run, action: Action) -> str:
    """Marks the row of a tenant whose project was deleted. Returns the error, or an empty text."""
    if not isinstance(action, DeleteProject):
        return ""
    try:
        await run.registry.write(run.registry.forget, action.tenant, action.project_id, run.now())
    except RegistryError as error:
        return f"the registry was not updated: {error}; `reconciler registry rebuild` removes the row"
    return ""


async def accepted(run: Run, tenants: Sequence[TenantPlan]) -> list[TenantPlan]:
    """The tenants whose revision the registry accepts, before their first write. Records the others' outcomes.

    Planning refuses an older revision. Until the first write, another run may accept a newer one.
    """
    if run.stop.requested:
        return []
    stated = {tenant.tenant: tenant.revision for tenant in tenants if tenant.revision is not None}
    if not stated:
        return list(tenants)
    try:
        newer = await run.registry.write(run.registry.accept, stated, run.id, run.now())
    except RegistryError as error:  # without the record, a later run could not tell an older revision
        for tenant in tenants:
            if tenant.tenant in stated:
                run.outcomes.failed(tenant.actions[0], error)
        return [tenant for tenant in tenants if tenant.tenant not in stated]
    for tenant in tenants:
        if (revision := newer.get(tenant.tenant)) is not None:
            _skip_older(run, tenant, revision)
    return [tenant for tenant in tenants if tenant.tenant not in newer]


def _skip_older(run: Run, tenant: TenantPlan, newer: int) -> None:
    run.outcomes.skipped(
        tenant.actions[0],
        f"revision {newer} of the tenant was accepted since the plan was made; this is revision {tenant.revision}",
        hint="run again with the newest files",
    )


async def of_run(run: Run, tenant: str, creator: str, candidates: Iterable[LiveProject]) -> LiveProject | None:
    """The project annotated with this tenant and run ``creator``, with its branches.

    Skips a candidate that is gone when it is read: another run has created and removed it.
    """
    for candidate in candidates:
        try:
            branches = await run.neon.branches(candidate.organization, candidate.id)
        except NotFoundError:
            continue
        project = replace(candidate, branches=branches)
        annotation = owner(project) or {}
        if annotation.get(RUN) == creator and annotation.get(TENANT) == tenant:
            return project
    return None


async def _take_over(run: Run, tenant: str, name: str, row: Registered) -> None:
    """Takes over a lapsed claim, or the row of a deleted project, if no project of that name exists."""
    candidates = await find_named(run.neon, tuple(run.organizations), [name])
    if candidates:
        created = await of_run(run, tenant, row.claimed_by, candidates)
        by = f"of run {row.claimed_by}" if created else f"named {name}"
        raise ClaimedError(
            f"project {(created or candidates[0]).id} {by} has appeared since the plan was made",
            hint=RUN_AGAIN,
        )
    registry, at = run.registry, run.now()
    if not await registry.write(registry.take_over, tenant, row, run.id, at):
        raise ClaimedError(f"another run has taken over the claim of run {row.claimed_by}", hint="run again")


def _has_a_project(row: Registered, *, planned: bool) -> ClaimedError:
    """``planned``: the row did not exist when the plan was made, else the plan would not create a project."""
    if planned:
        return ClaimedError(
            f"project {row.project_id} was added to the registry since the plan was made",
            hint=RUN_AGAIN,
        )
    return ClaimedError(
        f"the registry has another project for the tenant: {row.project_id}",
        hint="run again; if that project no longer exists, run `reconciler registry rebuild` first",
    )


def _claimed(row: Registered) -> ClaimedError:
    lapses = row.claimed_at + LAPSES_AFTER
    return ClaimedError(
        f"claimed by run {row.claimed_by} since {utc_text(row.claimed_at)}",
        hint=f"run again once that run has ended; a claim without a project lapses at {lapses:%H:%M:%S} UTC",
    )
