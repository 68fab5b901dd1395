"""Tenants that move together: the one call that they share, and their steps after it.

The move is tried before anything is taken. Where Neon refuses it and names a limit of the destination, those make
way that can, and it is tried again. The first tenant of which something would be taken goes alone: where it cannot
move even so, nothing is taken of the others.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from reconciler.apply.acceptance import accepted
from reconciler.apply.address import Address
from reconciler.apply.journal import Intent
from reconciler.apply.session import SENT_AGAIN
from reconciler.apply.turns import due
from reconciler.apply.units import moves, transfer
from reconciler.apply.whereabouts import whereabouts
from reconciler.errors import (
    ApiError,
    LockedError,
    ReconcilerError,
    TransferRefusedError,
    UnknownOutcomeError,
)
from reconciler.neon.pace import each
from reconciler.plan.action import DeleteBranch
from reconciler.plan.making_way import Limit, goes_first, makes_way_for, named, would_lose

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from reconciler.apply.route import Route
    from reconciler.apply.session import Session
    from reconciler.apply.units import SharedTransfer
    from reconciler.plan.action import Action, TransferProject
    from reconciler.plan.plan import TenantPlan

REFUSALS_BORNE: Final = 40
"""Refused calls per unit: enough to find four culprits among 400 by halving, each in about nine calls."""
ALONE_AT_MOST: Final = 3
"""Tenants that go alone before it is known whether a route is open."""
LOCKED_PAUSES_SECONDS: Final = (5.0, 10.0, 20.0, 40.0)
"""Before each further try with those that other operations hold."""
NOWHERE_PAUSES_SECONDS: Final = (2.0, 4.0, 8.0)
"""Before each further look for projects that no key sees: they may be on their way."""
ABOUT_THE_RUN: Final = frozenset({401, 403, 429})
"""Refusals that say nothing about a single project."""


@dataclass(frozen=True, slots=True)
class Mover:
    """A tenant that is ready to move."""

    tenant: TenantPlan
    address: Address
    done: tuple[Action, ...] = ()
    """What has made way for the move already."""

    @property
    def action(self) -> TransferProject:
        """Its transfer."""
        return transfer(self.tenant)

    @property
    def project_id(self) -> str:
        """Of the project that moves."""
        return self.address.project_id

    @property
    def left(self) -> tuple[Action, ...]:
        """What is to be done once it has moved, in the order of the plan."""
        over = (*self.done, self.action)
        return tuple(action for action in self.tenant.actions if action not in over)

    @property
    def would_lose(self) -> bool:
        """Whether anything might have to make way for its move."""
        return would_lose(self.tenant)

    def in_the_way(self, limits: Collection[Limit]) -> tuple[Action, ...]:
        """What makes way for these limits, and has not done so; a branch for its compute's sake only at last."""
        surely = tuple(action for action in self.left if not makes_way_for(action).isdisjoint(limits))
        return surely or (self._branches if Limit.COMPUTE in limits else ())

    @property
    def _branches(self) -> tuple[Action, ...]:
        return tuple(action for action in self.left if isinstance(action, DeleteBranch))


async def move_together(session: Session, unit: SharedTransfer) -> None:
    """Every tenant for itself after the call; nobody waits for one that fails or is locked."""
    async with session.large_units:
        call = SharedCall(session, unit.origin, unit.destination)
        standing = await accepted(session, await due(session, unit.tenants, closely=False))
        async with call.route.turn:
            await call.move_all([Mover(tenant, Address.planned(tenant)) for tenant in standing if moves(tenant)])

        async def finish(group: Sequence[Mover], *, locked: bool) -> None:
            for mover in await _once_unlocked(call, group) if locked else group:
                await session.steps_when_due(mover.tenant, mover.left, mover.address)

        async def there_already(tenant: TenantPlan) -> None:
            await session.steps_when_due(tenant, tenant.actions, Address.planned(tenant))

        groups = [partial(finish, [mover], locked=False) for mover in call.moved]
        groups += [partial(finish, group, locked=True) for group in call.locked]
        groups += [partial(there_already, tenant) for tenant in standing if not moves(tenant)]
        await each(groups, lambda group: group())


async def _once_unlocked(call: SharedCall, movers: Sequence[Mover]) -> list[Mover]:
    """Tries again, for about a minute, to move those that other operations hold; those of them that have moved."""
    moved: list[Mover] = []
    for pause_seconds in LOCKED_PAUSES_SECONDS:
        await asyncio.sleep(pause_seconds)
        call = SharedCall(call.session, call.origin, call.destination, lock=call.lock)
        async with call.route.turn:
            await call.move(movers, hurried=True)
        moved += call.moved
        movers = [mover for group in call.locked for mover in group]
        if not movers:
            break
    call.give_up(movers)
    return moved


@dataclass(slots=True)
class SharedCall:
    """The call, split only where it is refused. Membership is read before: it may have moved a part (Neon)."""

    session: Session
    origin: str
    destination: str
    moved: list[Mover] = field(default_factory=list)
    locked: list[list[Mover]] = field(default_factory=list)
    """Those that other operations hold, to be tried again once everybody else has moved."""
    lock: LockedError | None = None
    """What said last that somebody is held."""
    refusals: int = 0
    failure: ReconcilerError | None = None
    """What somebody failed with last."""
    lost: list[tuple[UnknownOutcomeError, frozenset[str]]] = field(default_factory=list)
    """Calls whose answers were lost and of which nothing is known yet, with the projects that each was to move."""

    @property
    def route(self) -> Route:
        """What the run knows of the way."""
        return self.session.route(self.origin, self.destination)

    async def move_all(self, movers: Sequence[Mover]) -> None:
        """Moves all that can be moved, the first of them alone where something could be taken for it."""
        rest = await self._after_the_first(movers)
        if not self.route.closed():
            await self.move(rest, hurried=len(rest) > 1)
            return
        for losing in (False, True):  # who fits may still move
            part = [mover for mover in rest if mover.would_lose is losing]
            await self.move(part, hurried=len(part) > 1)

    async def _after_the_first(self, movers: Sequence[Mover]) -> Sequence[Mover]:
        """Those who have not gone yet, once it is known whether the route is open.

        Another one goes alone where the failure of one tells nothing of the route.
        """
        alone = movers if len(movers) > 1 and any(goes_first(mover.tenant) for mover in movers) else ()
        for number, mover in enumerate(alone[:ALONE_AT_MOST], start=1):
            if self.route.open or self.route.closed() or self.session.stop.requested:
                return movers[number - 1 :]
            await self.move([mover], hurried=True)
            self._learn(self.failure, last=number == ALONE_AT_MOST)
        return movers[len(alone[:ALONE_AT_MOST]) :]

    async def move(self, movers: Sequence[Mover], *, hurried: bool, again: bool = False) -> None:
        """Moves all that can be moved, and puts down what became of each.

        ``hurried`` says that who is locked is put by rather than waited for.
        """
        if not movers or self.session.stop.requested:
            return
        if self.route.shut is not None and _about_everybody(self.route.shut):
            self._failed(movers, self.route.shut)
            return
        try:
            await self._send(movers, hurried, again)
        except UnknownOutcomeError as lost:
            await self._look_after_loss(movers, lost, hurried, again)
        except LockedError as refusal:
            await self._after_lock(movers, refusal, hurried)
        except ApiError as refusal:
            if isinstance(refusal, TransferRefusedError) and not refusal.legible and not again:
                left = await self._left(movers, (self.origin, self.destination), refusal)
                await self.move(left, hurried=hurried, again=True)  # nobody knows yet what it is refused for
            elif _about_projects(refusal):
                await self._after_refusal(movers, refusal, hurried)
            else:
                self._failed(movers, refusal)
        except ReconcilerError as error:
            self._failed(movers, error)
        else:
            self._refute({mover.project_id for mover in movers})
            await self._arrived(movers)

    def give_up(self, movers: Iterable[Mover]) -> None:
        """Puts down that these are held by other operations for longer than is waited."""
        if self.lock is not None:
            self._failed(movers, self.lock)

    async def _send(self, movers: Sequence[Mover], hurried: bool, again: bool) -> None:
        project_ids = tuple(mover.project_id for mover in movers)
        intent = Intent(
            kind=movers[0].action.kind,
            tenants=tuple(mover.tenant.tenant for mover in movers),
            organization=self.origin,
            project_ids=project_ids,
            reason=SENT_AGAIN if again else f"move to {self.destination}",
        )
        await self.session.writes.send(
            intent,
            lambda request_id: self.session.neon.transfer_projects(
                self.origin, self.destination, project_ids, hurried=hurried, request_id=request_id
            ),
        )

    async def _look_after_loss(
        self, movers: Sequence[Mover], lost: UnknownOutcomeError, hurried: bool, again: bool
    ) -> None:
        """Goes on with those that moved; only those seen at the origin are sent again, and once."""
        self.lost.append((lost, frozenset(mover.project_id for mover in movers)))
        left = await self._left(movers, (self.destination, self.origin), lost)
        if again:
            self._failed(left, lost)
        else:
            await self.move(left, hurried=hurried, again=True)

    async def _after_lock(self, movers: Sequence[Mover], refusal: LockedError, hurried: bool) -> None:
        """Neon: nobody has moved (423). Which project is held is not said: those that are not held are found by
        halving and go ahead."""
        self.refusals += 1
        self.lock = refusal
        if not hurried:
            self._failed(movers, refusal)
        elif len(movers) == 1 or self.refusals >= REFUSALS_BORNE:
            self.locked.append(list(movers))
        else:
            await self._halves(movers, hurried)

    async def _after_refusal(self, movers: Sequence[Mover], refusal: ApiError, hurried: bool) -> None:
        """Those make way that can, for the limits that the refusal names; else its culprits are looked for.

        Until somebody of whom something was taken has moved, one makes way alone.
        """
        limits = self._named(movers, refusal)
        if self.route.closed() or not any(mover.in_the_way(limits) for mover in movers):
            await self._split(movers, refusal, hurried)
            return
        left = await self._left(movers, (self.origin, self.destination), refusal)
        left = await self._after_who_proves_it(left, limits, refusal, hurried)
        if not self.route.closed():
            await self._make_way_and_move(left, limits, hurried)
            return
        for lacking in (False, True):  # who fits may still move
            await self.move([m for m in left if bool(m.in_the_way(limits)) is lacking], hurried=hurried)

    async def _after_who_proves_it(
        self, movers: Sequence[Mover], limits: Collection[Limit], refusal: ApiError, hurried: bool
    ) -> list[Mover]:
        """Those who have not made way yet, once it is known whether making way helps: one tries that alone."""
        left = list(movers)
        for number, mover in enumerate([m for m in movers if m.in_the_way(limits)][:ALONE_AT_MOST], start=1):
            if self.route.known():
                break
            left.remove(mover)
            await self._make_way_and_move([mover], limits, hurried)
            self._learn(refusal, last=number == ALONE_AT_MOST)
        return left

    def _learn(self, refusal: ReconcilerError | None, *, last: bool) -> None:
        """What the attempt of one that went alone says of the others: that of the ``last`` decides."""
        failure, self.failure = self.failure, None
        if failure is not None and _about_the_route(failure):
            self.route.shut = failure
        elif last and not self.route.open:
            self.route.shut = failure or refusal

    def _named(self, movers: Sequence[Mover], refusal: ApiError) -> frozenset[Limit]:
        ids = self.session.neon.organization_ids
        names = {self.origin, self.destination, ids[self.origin], ids[self.destination]}
        texts = refusal.limits if isinstance(refusal, TransferRefusedError) else ()
        return named(texts, {*names, *(mover.project_id for mover in movers)})

    async def _make_way_and_move(self, movers: Sequence[Mover], limits: Collection[Limit], hurried: bool) -> None:
        made = await each(movers, lambda mover: self._make_way(mover, limits))
        await self.move([mover for mover in made if mover is not None], hurried=hurried)

    async def _make_way(self, mover: Mover, limits: Collection[Limit]) -> Mover | None:
        """The mover without what stood in its way; None where that failed."""
        actions = mover.in_the_way(limits)
        address = await self.session.steps(actions, mover.address, more=True)
        return None if address is None else replace(mover, address=address, done=(*mover.done, *actions))

    async def _split(self, movers: Sequence[Mover], refusal: ApiError, hurried: bool) -> None:
        """The culprits that the refusal names fail alone; where it names none, halving finds them."""
        self.refusals += 1
        left = await self._left(movers, (self.origin, self.destination), refusal)
        culprits = refusal.culprits if isinstance(refusal, TransferRefusedError) else ()
        blameless = [mover for mover in left if mover.project_id not in culprits]
        if len(blameless) < len(left):
            self._failed([mover for mover in left if mover.project_id in culprits], refusal)
            await self.move(blameless, hurried=hurried)
        elif len(left) < len(movers):
            await self.move(left, hurried=hurried)
        elif len(left) == 1 or self.refusals >= REFUSALS_BORNE or self._meets_the_same(refusal):
            self._failed(left, refusal)
        else:
            await self._halves(left, hurried)

    async def _halves(self, movers: Sequence[Mover], hurried: bool) -> None:
        middle = len(movers) // 2
        await self.move(movers[:middle], hurried=hurried)
        await self.move(movers[middle:], hurried=hurried)

    def _meets_the_same(self, refusal: ApiError) -> bool:
        """Whether these are refused for what those met already that went first."""
        return self.route.closed() and _about_the_route(refusal)

    async def _left(self, movers: Sequence[Mover], likely: Sequence[str], error: ReconcilerError) -> list[Mover]:
        """Those still at the origin; the others are put down as moved, or as gone."""
        try:
            places = await self._places(movers, likely)
        except ReconcilerError:
            self._failed(movers, error)
            return []
        left = [mover for mover in movers if places.get(mover.project_id) == self.origin]
        arrived = [mover for mover in movers if places.get(mover.project_id) == self.destination]
        self._settle({mover.project_id for mover in arrived})
        await self._arrived(arrived)
        known = (self.origin, self.destination)
        self._failed([mover for mover in movers if places.get(mover.project_id) not in known], error)
        return left

    async def _places(self, movers: Sequence[Mover], likely: Sequence[str]) -> dict[str, str]:
        """Where the projects are. One that is nowhere is looked for again: neither key may see it for a while."""
        project_ids = [mover.project_id for mover in movers]
        places = await whereabouts(self.session.neon, likely, project_ids)
        for pause_seconds in NOWHERE_PAUSES_SECONDS:
            nowhere = [project_id for project_id in project_ids if project_id not in places]
            if not nowhere or self.session.stop.requested:
                break
            await asyncio.sleep(pause_seconds)
            places |= await whereabouts(self.session.neon, likely, nowhere)
        return places

    def _settle(self, arrived: Collection[str]) -> None:
        """Puts down in the journal which lost calls were carried out after all."""
        for lost, project_ids in list(self.lost):
            seen = project_ids.intersection(arrived)
            if seen:
                part = "" if seen == project_ids else f" of {len(seen)} of {len(project_ids)} projects"
                self.session.writes.found(lost, f"live state shows it{part}")
                self.lost.remove((lost, project_ids))

    def _refute(self, moved: Collection[str]) -> None:
        """Puts down which lost calls were not carried out: what they were to move was still there to be moved."""
        for lost, project_ids in list(self.lost):
            if not project_ids.isdisjoint(moved):
                self.session.writes.not_carried_out(lost, "it was not carried out: a later call was")
                self.lost.remove((lost, project_ids))

    async def _arrived(self, movers: Sequence[Mover]) -> None:
        self.session.neon.arriving(mover.project_id for mover in movers)
        for mover in movers:
            told = await self.session.moved(mover.tenant.tenant, mover.project_id, self.destination)
            self.session.tally.applied(mover.action, told)
            self.moved.append(replace(mover, address=mover.address.moved(self.destination)))
            self.route.open = True
            self.route.proven = self.route.proven or bool(mover.done)

    def _failed(self, movers: Iterable[Mover], error: ReconcilerError) -> None:
        for mover in movers:
            self.session.tally.failed(mover.action, error)
            self.failure = error


def _about_the_route(refusal: ReconcilerError) -> bool:
    """Whether others would meet the same: it is about everybody, or about a limit of the destination."""
    return _about_everybody(refusal) or (isinstance(refusal, TransferRefusedError) and bool(refusal.limits))


def _about_everybody(refusal: ReconcilerError) -> bool:
    """Whether nobody could move: the call as a whole is refused. An answer that was lost says nothing."""
    return not _about_projects(refusal) and not isinstance(refusal, UnknownOutcomeError)


def _about_projects(refusal: ReconcilerError) -> bool:
    """Whether it may be one project of the batch that is refused, rather than the whole call."""
    return isinstance(refusal, ApiError) and 400 <= refusal.status < 500 and refusal.status not in ABOUT_THE_RUN
