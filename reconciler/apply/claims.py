"""Claims: a tenant is put down in the registry before it gets a project, so that no other run gives it one too.

The bounds fit together. A POST is sent within ``SENT_WITHIN_SECONDS`` of its claim or not at all, and Neon is
given the rest of ``LAPSES_AFTER``, less what clocks may be apart, to carry it out and show it in a search.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
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
from reconciler.live.registered import Placement
from reconciler.model.annotations import RUN, TENANT
from reconciler.neon.observe import find_named
from reconciler.plan.ownership import owner

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from reconciler.apply.perform import Performed
    from reconciler.apply.session import Session
    from reconciler.live.project import LiveProject
    from reconciler.live.registered import Registered
    from reconciler.plan.action import CreateProject

SENT_WITHIN_SECONDS: Final = 120.0
LAPSES_AFTER: Final = timedelta(minutes=15)
"""When a claim that has led to no project may be taken over."""
NOT_CARRIED_OUT: Final = (ApiError, JournalError, NotSentError, UnreachableError)
"""Errors after which it is certain that a POST has led to nothing."""


async def claim(session: Session, tenant: str, name: str, *, recovered: str | None = None) -> None:
    """Claims the tenant for this run. Raises ClaimedError where it is another's, or has its project by now.

    ``recovered`` is the deleted project that the tenant is to get back: a row that still names it is no obstacle.
    """
    if session.registry is None:
        return
    registry = session.registry
    row = await registry.aside(registry.claim, tenant, session.performer.run, session.now())
    if row is None:
        return
    if row.project_id != recovered and row.project_id is not None:
        raise _has_a_project(row, planned=recovered is None)
    if row.project_id is None and session.now() < row.claimed_at + LAPSES_AFTER:
        raise _claimed(row)
    await _take_over(session, tenant, name, row)


async def release(session: Session, tenant: str, error: Exception) -> None:
    """Gives the claim back where it is certain that it has led to nothing; otherwise it lapses by itself."""
    if session.registry is not None and isinstance(error, NOT_CARRIED_OUT):
        with suppress(RegistryError):
            await session.registry.aside(session.registry.release, tenant, session.performer.run)


def deadline() -> float:
    """Until when calls may be sent under a claim that is made now, by the loop's time."""
    return asyncio.get_running_loop().time() + SENT_WITHIN_SECONDS


async def in_time(
    session: Session, sending: Coroutine[Any, Any, Performed], *, until: float | None = None
) -> Performed:
    """Ends the wait for a turn and an answer before the claim can lapse. Raises UnknownOutcomeError."""
    if session.registry is None:
        return await sending
    until = deadline() if until is None else until
    late = UnknownOutcomeError(f"no answer within {SENT_WITHIN_SECONDS:g} s of the claim")
    if until <= asyncio.get_running_loop().time():  # what waits for nothing would be sent before it is cancelled
        sending.close()
        raise late
    try:
        async with asyncio.timeout_at(until):
            return await sending
    except TimeoutError as error:
        raise late from error


async def put_down(session: Session, create: CreateProject, born: Performed) -> None:
    """The project that the claim has led to. Raises RegistryError."""
    if session.registry is None:
        return
    address = born.address
    placement = Placement(create.tenant, address.project_id, address.organization)
    try:
        await session.registry.aside(session.registry.place, placement, session.performer.run, session.now())
    except RegistryError as error:
        raise RegistryError(
            f"project {address.project_id} was created, but could not be put down: {error}",
            hint="run again: it is found by its name, and put down then",
        ) from error


async def of_run(session: Session, tenant: str, run: str, namesakes: Iterable[LiveProject]) -> LiveProject | None:
    """The project among them that carries the annotation of that run and tenant, with its branches.

    One that is gone when it is read is another run's that gave way.
    """
    for namesake in namesakes:
        try:
            branches = await session.neon.branches(namesake.organization, namesake.id)
        except NotFoundError:
            continue
        project = replace(namesake, branches=branches)
        annotation = owner(project) or {}
        if annotation.get(RUN) == run and annotation.get(TENANT) == tenant:
            return project
    return None


async def _take_over(session: Session, tenant: str, name: str, row: Registered) -> None:
    """Makes a lapsed claim this run's, or the row of a deleted project, once nothing of the name is seen."""
    namesakes = await find_named(session.neon, tuple(session.organizations), [name])
    if namesakes:
        made = await of_run(session, tenant, row.claimed_by, namesakes)
        by = f"of run {row.claimed_by}" if made else f"named {name}"
        raise ClaimedError(
            f"project {(made or namesakes[0]).id} {by} has appeared since the plan was made",
            hint="run again: it is planned afresh",
        )
    run, at, registry = session.performer.run, session.now(), session.registry
    if registry is None or not await registry.aside(registry.take_over, tenant, row, run, at):
        raise ClaimedError(f"what run {row.claimed_by} had put down was taken over by another", hint="run again")


def _has_a_project(row: Registered, *, planned: bool) -> ClaimedError:
    """``planned`` says that the row was not there when the plan was made, or nothing would be created."""
    if planned:
        return ClaimedError(
            f"project {row.project_id} has been put down in the registry since the plan was made",
            hint="run again: it is planned afresh",
        )
    return ClaimedError(
        f"the registry names another project for the tenant, {row.project_id}",
        hint="run again; where that project is gone, `reconciler registry rebuild` first takes its row away",
    )


def _claimed(row: Registered) -> ClaimedError:
    lapses = row.claimed_at + LAPSES_AFTER
    return ClaimedError(
        f"claimed by run {row.claimed_by} since {row.claimed_at:%Y-%m-%d %H:%M:%S} UTC",
        hint=f"run again once that run has ended; one that has led to no project lapses at {lapses:%H:%M:%S} UTC",
    )
