"""Claims: a tenant is put down in the registry before its project is created, so that no other run creates it too.

The bounds fit together. A POST is sent within ``SENT_WITHIN_SECONDS`` of its claim or not at all, and Neon is
given the rest of ``LAPSES_AFTER``, less what clocks may be apart, to carry it out and show it in a search.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

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
from reconciler.neon.observe import find_named
from reconciler.plan.ownership import RUN, TENANT, owner

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

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


async def claim(session: Session, create: CreateProject, name: str) -> None:
    """Claims the tenant for this run. Raises ClaimedError where it is another's, or has its project by now."""
    if session.registry is None:
        return
    row = session.registry.claim(create.tenant, session.performer.run, session.now())
    if row is None:
        return
    if row.project_id is not None:
        raise ClaimedError(
            f"project {row.project_id} has been put down in the registry since the plan was made",
            hint="run again: it is planned afresh",
        )
    if session.now() < row.claimed_at + LAPSES_AFTER:
        raise _claimed(row)
    await _take_over(session, create, name, row)


def release(session: Session, create: CreateProject, error: Exception) -> None:
    """Gives the claim back where it is certain that nothing was created; otherwise it lapses by itself."""
    if session.registry is not None and isinstance(error, NOT_CARRIED_OUT):
        with suppress(RegistryError):
            session.registry.release(create.tenant, session.performer.run)


async def in_time(session: Session, sending: Awaitable[Performed]) -> Performed:
    """Ends the wait for a turn and an answer before the claim can lapse. Raises UnknownOutcomeError."""
    if session.registry is None:
        return await sending
    try:
        async with asyncio.timeout(SENT_WITHIN_SECONDS):
            return await sending
    except TimeoutError as error:
        raise UnknownOutcomeError(f"no answer within {SENT_WITHIN_SECONDS:g} s of the claim") from error


def put_down(session: Session, create: CreateProject, born: Performed) -> None:
    """The project that the claim has led to. Raises RegistryError."""
    if session.registry is None:
        return
    address = born.address
    placement = Placement(create.tenant, address.project_id, address.organization)
    try:
        session.registry.place(placement, session.performer.run, session.now())
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


async def _take_over(session: Session, create: CreateProject, name: str, row: Registered) -> None:
    """Makes a lapsed claim this run's, once it is seen that it has led to nothing."""
    namesakes = await find_named(session.neon, tuple(session.organizations), [name])
    if namesakes:
        made = await of_run(session, create.tenant, row.claimed_by, namesakes)
        by = f"of run {row.claimed_by}" if made else f"named {name}"
        raise ClaimedError(
            f"project {(made or namesakes[0]).id} {by} has appeared since the plan was made",
            hint="run again: it is planned afresh",
        )
    run, at = session.performer.run, session.now()
    if session.registry is None or not session.registry.take_over(create.tenant, row, run, at):
        raise ClaimedError(f"the lapsed claim of run {row.claimed_by} was taken over by another", hint="run again")


def _claimed(row: Registered) -> ClaimedError:
    lapses = row.claimed_at + LAPSES_AFTER
    return ClaimedError(
        f"claimed by run {row.claimed_by} since {row.claimed_at:%Y-%m-%d %H:%M:%S} UTC",
        hint=f"run again once that run has ended; one that has led to no project lapses at {lapses:%H:%M:%S} UTC",
    )
