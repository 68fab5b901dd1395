"""Tenants that move together: the one call that they share, and their steps after it.

The move is tried before anything is taken. Where Neon refuses it and names a limit of the destination, those make
way that can, and it is tried again. The first tenant of which something would be taken goes alone: where it cannot
move even so, nothing is taken of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from reconciler.apply.acceptance import accepted
from reconciler.apply.address import Address
from reconciler.apply.journal import Intent
from reconciler.apply.session import SENT_AGAIN
from reconciler.apply.still_holds import holding
from reconciler.apply.units import transfer
from reconciler.apply.whereabouts import whereabouts
from reconciler.errors import ApiError, ReconcilerError, TransferRefusedError, UnknownOutcomeError
from reconciler.neon.parallel import each
from reconciler.plan.making_way import makes_way, makes_way_for, named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from reconciler.apply.session import Session
    from reconciler.apply.units import SharedTransfer
    from reconciler.plan.action import Action, TransferProject
    from reconciler.plan.making_way import Limit
    from reconciler.plan.plan import TenantPlan

REFUSALS_BORNE: Final = 40
"""Refused calls per unit: enough to find four culprits among 400 by halving, each in about nine calls."""
ALONE_AT_MOST: Final = 3
"""Tenants that go alone before it is known whether a route is open."""
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
        return any(map(makes_way, self.tenant.actions))

    def in_the_way(self, limits: Collection[Limit]) -> tuple[Action, ...]:
        """What makes way for these limits, and has not done so."""
        return tuple(action for action in self.left if not makes_way_for(action).isdisjoint(limits))


async def move_together(session: Session, unit: SharedTransfer) -> None:
    """Every tenant for itself up to the call and after it; one that fails leaves, and nobody waits for it."""
    async with session.large_units:
        call = SharedCall(session, unit.origin, unit.destination)
        tenants = accepted(session, await holding(session, unit.tenants))
        movers = [Mover(tenant, Address.planned(tenant)) for tenant in tenants]
        movers.sort(key=lambda mover: not mover.would_lose)
        await call.move(movers[await call.move_first(movers) :])

        async def after(mover: Mover) -> None:
            await session.steps(mover.left, mover.address)

        await each(call.moved, after)


@dataclass(slots=True)
class SharedCall:
    """The call, split only where it is refused. Membership is read before: it may have moved a part (Neon)."""

    session: Session
    origin: str
    destination: str
    moved: list[Mover] = field(default_factory=list)
    refusals: int = 0
    failure: ReconcilerError | None = None
    """What somebody failed with last."""
    shut: ReconcilerError | None = None
    """Why those that went alone could not move: nothing makes way any more."""

    async def move_first(self, movers: Sequence[Mover]) -> int:
        """Moves a tenant of which something may be taken alone, to learn whether the others can move at all.

        How many went alone: another one where the failure of one tells nothing of the route.
        """
        alone = [mover for mover in movers if mover.would_lose][:ALONE_AT_MOST]
        for number, mover in enumerate(alone, start=1):
            await self.move([mover])
            if self.moved:
                return number
            if self.failure is not None and (number == len(alone) or _about_the_route(self.failure)):
                self.shut = self.failure
                return number
        return len(alone)

    async def move(self, movers: Sequence[Mover], *, again: bool = False) -> None:
        """Moves all that can be moved, and puts down what became of each."""
        if not movers or self.session.stop.requested:
            return
        if self.shut is not None and not _about_projects(self.shut):  # nobody can move
            self._failed(movers, self.shut)
            return
        try:
            await self._send(movers, again)
        except UnknownOutcomeError as lost:
            await self._look_after_loss(movers, lost, again)
        except ApiError as refusal:
            if _about_projects(refusal):
                await self._after_refusal(movers, refusal)
            else:
                self._failed(movers, refusal)
        except ReconcilerError as error:
            self._failed(movers, error)
        else:
            self._arrived(movers)

    async def _send(self, movers: Sequence[Mover], again: bool) -> None:
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
                self.origin, self.destination, project_ids, request_id=request_id
            ),
        )

    async def _look_after_loss(self, movers: Sequence[Mover], lost: UnknownOutcomeError, again: bool) -> None:
        """Goes on with those that moved; only those seen at the origin are sent again, and once."""
        left = await self._left(movers, (self.destination, self.origin), lost)
        if again:
            self._failed(left, lost)
        else:
            await self.move(left, again=True)

    async def _after_refusal(self, movers: Sequence[Mover], refusal: ApiError) -> None:
        """Those make way that can, for the limits that the refusal names; else its culprits are looked for."""
        texts = refusal.limits if isinstance(refusal, TransferRefusedError) else ()
        limits = named(texts, (mover.project_id for mover in movers))
        if self.shut is not None or not any(mover.in_the_way(limits) for mover in movers):
            await self._split(movers, refusal)
            return
        left = await self._left(movers, (self.origin, self.destination), refusal)
        made = await each(left, lambda mover: self._make_way(mover, limits))
        await self.move([mover for mover in made if mover is not None])

    async def _make_way(self, mover: Mover, limits: Collection[Limit]) -> Mover | None:
        """The mover without what stood in its way; None where that failed."""
        actions = mover.in_the_way(limits)
        address = await self.session.steps(actions, mover.address, more=True)
        return None if address is None else replace(mover, address=address, done=(*mover.done, *actions))

    async def _split(self, movers: Sequence[Mover], refusal: ApiError) -> None:
        """The culprits that the refusal names fail alone; where it names none, halving finds them."""
        self.refusals += 1
        left = await self._left(movers, (self.origin, self.destination), refusal)
        named = refusal.culprits if isinstance(refusal, TransferRefusedError) else ()
        blameless = [mover for mover in left if mover.project_id not in named]
        if len(blameless) < len(left):
            self._failed([mover for mover in left if mover.project_id in named], refusal)
            await self.move(blameless)
        elif len(left) < len(movers):
            await self.move(left)
        elif len(left) == 1 or self.refusals >= REFUSALS_BORNE:
            self._failed(left, refusal)
        else:
            middle = len(left) // 2
            await self.move(left[:middle])
            await self.move(left[middle:])

    async def _left(self, movers: Sequence[Mover], likely: Sequence[str], error: ReconcilerError) -> list[Mover]:
        """Those still at the origin; the others are put down as moved, or as gone."""
        project_ids = [mover.project_id for mover in movers]
        try:
            places = await whereabouts(self.session.neon, likely, project_ids)
        except ReconcilerError:
            self._failed(movers, error)
            return []
        left = [mover for mover in movers if places.get(mover.project_id) == self.origin]
        arrived = [mover for mover in movers if places.get(mover.project_id) == self.destination]
        self._arrived(arrived)
        known = (self.origin, self.destination)
        self._failed([mover for mover in movers if places.get(mover.project_id) not in known], error)
        return left

    def _arrived(self, movers: Iterable[Mover]) -> None:
        for mover in movers:
            told = self.session.moved(mover.tenant.tenant, mover.project_id, self.destination)
            self.session.tally.applied(mover.action, told)
            self.moved.append(replace(mover, address=mover.address.moved(self.destination)))

    def _failed(self, movers: Iterable[Mover], error: ReconcilerError) -> None:
        for mover in movers:
            self.session.tally.failed(mover.action, error)
            self.failure = error


def _about_the_route(refusal: ReconcilerError) -> bool:
    """Whether others would meet the same: it is about the whole call, or about a limit of the destination."""
    return not _about_projects(refusal) or (isinstance(refusal, TransferRefusedError) and bool(refusal.limits))


def _about_projects(refusal: ReconcilerError) -> bool:
    """Whether it may be one project of the batch that is refused, rather than the whole call."""
    return isinstance(refusal, ApiError) and 400 <= refusal.status < 500 and refusal.status not in ABOUT_THE_RUN
