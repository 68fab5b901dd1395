"""Creating projects so that there is one per tenant, although names are not unique and answers get lost.

Neon has no idempotency key. So: look right before, post once, wait until every list must show what was
created, look again. Where another run has created the same tenant, both put the rivals in the same
order, by (created_at, id), and each run that did not come first removes its own project. Nobody ever
removes the first.

Where a registry is kept, a tenant is claimed in it before the POST (apply/claims.py): then there are no rivals,
and neither the wait nor the second look is needed, but for a POST whose answer was lost.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.apply.acceptance import accepted
from reconciler.apply.address import Address
from reconciler.apply.claims import claim, in_time, of_run, put_down, release
from reconciler.apply.journal import Intent
from reconciler.apply.namesakes import namesakes, still_absent
from reconciler.apply.perform import Performed
from reconciler.apply.readback import shortfall
from reconciler.errors import (
    ClaimedError,
    LostRaceError,
    NoConnectionStringError,
    ReconcilerError,
    UncheckedCreateError,
    UnknownOutcomeError,
)
from reconciler.model.api_limits import MAX_NAME_LENGTH
from reconciler.neon.pace import each
from reconciler.plan.action import CreateProject, DeleteProject, PatchProject
from reconciler.plan.change import FieldChange
from reconciler.plan.observed import project_fields
from reconciler.plan.rivals import marked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.session import Session
    from reconciler.apply.units import CreateCohort
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan

TOLD_TO_THE_SECOND: Final = 1.0
"""Neon: of ``created_at``. A rival made up to a second later may come first, and has to be in the lists too."""


@dataclass(frozen=True, slots=True)
class Birth:
    """One POST that was sent: its answer, or the error that says that the answer was lost."""

    create: CreateProject
    later: tuple[Action, ...]
    answer: Performed | UnknownOutcomeError

    @property
    def name(self) -> str:
        """The project's name."""
        return _name(self.create)

    @property
    def lost(self) -> bool:
        """Whether it is not known what became of the POST."""
        return isinstance(self.answer, UnknownOutcomeError)


async def create_cohort(session: Session, unit: CreateCohort) -> None:
    """Creates the tenants, settles who came first where there are rivals, then takes their later steps."""
    async with session.large_units:
        births = await _post_all(session, unit.tenants)
    alone = session.protocol.single_writer or session.registry is not None
    unsettled = [birth for birth in births if birth.lost or not alone]
    try:
        rivals = await _settle(session, unsettled)
    except ReconcilerError as error:
        _put_down_unchecked(session, unsettled, error)
        births, rivals = [birth for birth in births if birth not in unsettled], {}

    async def finish(birth: Birth) -> None:
        await _finish(session, birth, rivals.get(birth.name, []))

    await each(births, finish)


async def _is_absent(session: Session, tenant: TenantPlan) -> bool:
    """Whether the tenant still has no project; right after an observation by name nobody is looked for again."""
    if session.stop.requested or not session.protocol.second_look:
        return True
    return await still_absent(session, tenant, _name(_create(tenant)))


async def _post_all(session: Session, tenants: Sequence[TenantPlan]) -> list[Birth]:
    """One POST for each tenant and never a second, whatever becomes of the first."""

    async def post(tenant: TenantPlan) -> Birth | None:
        if not await _is_absent(session, tenant) or not await accepted(session, [tenant]):
            return None
        create = _create(tenant)
        try:
            answer = await _claimed_post(session, create)
        except ClaimedError as claimed:
            session.tally.skipped(create, str(claimed), claimed.hint)
            return None
        except ReconcilerError as error:
            session.tally.failed(create, error)
            return None
        return Birth(create, tenant.actions[1:], answer)

    return [birth for birth in await each(tenants, post) if birth]


async def _claimed_post(session: Session, create: CreateProject) -> Performed | UnknownOutcomeError:
    """The answer, put down in the registry where one is kept; or the error that says that it was lost."""
    await claim(session, create.tenant, _name(create))
    try:
        born = await _post(session, create)
    except UnknownOutcomeError as lost:
        return lost
    except ReconcilerError as error:
        await release(session, create.tenant, error)
        raise
    session.tally.went_well(create.tenant)
    session.tally.located(create.tenant, born.address.project_id)
    await put_down(session, create, born)
    return born


async def _post(session: Session, create: CreateProject) -> Performed:
    intent = Intent(
        kind=create.kind,
        tenants=(create.tenant,),
        organization=create.organization,
        reason=create.reason,
        changes=create.changes,
    )
    return await session.writes.send(
        intent,
        lambda request_id: in_time(session, session.performer.create(create, request_id)),
        tell=lambda born: born.made,
    )


async def _settle(session: Session, births: Sequence[Birth]) -> dict[str, list[LiveProject]]:
    """Waits until lists show what was created, and looks once more: the projects of each name."""
    if not births:
        return {}
    await asyncio.sleep(session.protocol.settle_seconds + TOLD_TO_THE_SECOND)
    return await namesakes(session, [birth.name for birth in births])


async def _finish(session: Session, birth: Birth, namesakes: Sequence[LiveProject]) -> None:
    """Puts down what became of the creation, and goes on with the tenant's later steps."""
    tenant = birth.create.tenant
    try:
        born = await _identify(session, birth, namesakes)
        session.tally.located(tenant, born.address.project_id)
        if session.registry is None:
            await _give_way(session, birth, born, namesakes)
        session.writes.keep(tenant, born.address.project_id)
        await _hand_out(session, birth.create, born)
        if born.shortfall is not None:
            raise born.shortfall
        if birth.later:
            await session.neon.wait(born.address.organization, born.address.project_id, born.operations)
    except ReconcilerError as error:
        session.tally.failed(birth.create, error)
        return
    session.tally.applied(birth.create)
    await session.steps(birth.later, born.address)


async def _identify(session: Session, birth: Birth, namesakes: Sequence[LiveProject]) -> Performed:
    """The answer, or where it was lost the project that carries the tenant's and this run's annotation."""
    if not isinstance(birth.answer, UnknownOutcomeError):
        return birth.answer
    project = await of_run(session, birth.create.tenant, session.performer.run, namesakes)
    if project is not None:
        session.writes.found(birth.answer, f"project {project.id}")
        wrong = shortfall(birth.create.changes, project_fields(project))
        born = Performed(Address.observed(project), shortfall=wrong)
        await put_down(session, birth.create, born)
        return born
    raise UnknownOutcomeError(
        f"{birth.answer}; no project of this run showed up within {session.protocol.settle_seconds:g} s",
        hint="run again: the next run looks before it creates",
    ) from birth.answer


async def _hand_out(session: Session, create: CreateProject, born: Performed) -> None:
    """Gives the connection string to whoever asked for it; one that came with no answer is read.

    Raises NoConnectionStringError: it is handed out once, after the creation, and never by a later run.
    """
    if session.on_connection is None:
        return
    uri = born.created.connection_uri if born.created else None
    if uri is None:
        own = born.address
        try:
            uri = await session.neon.connection_uri(
                own.organization, own.project_id, _value(create, "database"), _value(create, "role")
            )
        except ReconcilerError as error:
            raise NoConnectionStringError(
                f"project {own.project_id} was created, but its connection string could not be read: {error}",
                hint="read it from Neon: it is handed out only when a project is created",
            ) from error
    session.on_connection(create.tenant, uri)


async def _give_way(session: Session, birth: Birth, born: Performed, namesakes: Sequence[LiveProject]) -> None:
    """Removes this run's project and raises LostRaceError where another was created before it."""
    own = born.address
    earlier = [p for p in namesakes if (p.created_at, p.id) < (own.created_at, own.project_id)]
    if not earlier:
        return
    first = min(earlier, key=lambda project: (project.created_at, project.id))
    session.tally.located(birth.create.tenant, first.id)
    await _remove(session, birth, born, first)
    raise LostRaceError(
        f"project {first.id} in {first.organization} was created first, by another run; "
        f"this run's own project {own.project_id} was removed again",
        hint="run again: the tenant converges on the project that came first",
    )


async def _remove(session: Session, birth: Birth, born: Performed, first: LiveProject) -> None:
    """Renames the project, so that no lagging list shows it under the tenant's name, and deletes it."""
    own, reason = born.address, f"project {first.id} was created first"
    create = birth.create
    new_name = marked(birth.name, session.performer.run)[-MAX_NAME_LENGTH:]
    change = FieldChange("name", birth.name, new_name)
    rename = PatchProject(tenant=create.tenant, reason=reason, source=create.source, changes=(change,))
    delete = DeleteProject(tenant=create.tenant, reason=reason, source=create.source, project_id=own.project_id)
    session.neon.finish_with(own.project_id)
    with suppress(ReconcilerError):  # the name is a courtesy, the deletion is not
        await session.neon.wait(own.organization, own.project_id, born.operations)
        renamed = await session.act(rename, own)
        await session.neon.wait(own.organization, own.project_id, renamed.operations)
    try:
        await session.act(delete, own)
    except ReconcilerError as error:
        raise LostRaceError(
            f"{reason}, by another run, and this run's own project {own.project_id} could not be removed: {error}",
            hint=f"delete project {own.project_id} by hand",
        ) from error


def _put_down_unchecked(session: Session, births: Sequence[Birth], error: ReconcilerError) -> None:
    for birth in births:
        if isinstance(birth.answer, UnknownOutcomeError):
            session.tally.failed(birth.create, birth.answer)
            continue
        session.tally.located(birth.create.tenant, birth.answer.address.project_id)
        unchecked = UncheckedCreateError(
            f"project {birth.answer.address.project_id} was created, but whether another run has created "
            f"{birth.name} too could not be checked: {error}",
            hint="run again: a second project would be reported as a conflict",
        )
        session.tally.failed(birth.create, unchecked)


def _create(tenant: TenantPlan) -> CreateProject:
    """The first action of a tenant that is to be created (plan/order.py)."""
    first = tenant.actions[0]
    if not isinstance(first, CreateProject):
        raise TypeError(f"tenant {tenant.tenant} is to be created, but its plan begins with {first.kind}")
    return first


def _name(create: CreateProject) -> str:
    return _value(create, "name")


def _value(create: CreateProject, path: str) -> str:
    """What is always stated at a creation (plan/lifecycle.py)."""
    return next(str(change.after) for change in create.changes if change.path == path)
