"""Tenants that move together: their steps before, the one call that they share, their steps after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.apply.acceptance import accepted
from reconciler.apply.address import Address
from reconciler.apply.journal import Intent
from reconciler.apply.session import SENT_AGAIN
from reconciler.apply.turns import due
from reconciler.apply.units import after_transfer, before_transfer, moves, transfer
from reconciler.apply.whereabouts import whereabouts
from reconciler.errors import ApiError, ReconcilerError, TransferRefusedError, UnknownOutcomeError
from reconciler.neon.parallel import each

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.apply.session import Session
    from reconciler.apply.units import SharedTransfer
    from reconciler.plan.action import TransferProject
    from reconciler.plan.plan import TenantPlan

REFUSALS_BORNE: Final = 40
"""Refused calls per unit: enough to find four culprits among 400 by halving, each in about nine calls."""
ABOUT_THE_RUN: Final = frozenset({401, 403, 429})
"""Refusals that say nothing about a single project."""


@dataclass(frozen=True, slots=True)
class Mover:
    """A tenant that is ready to move."""

    tenant: TenantPlan
    address: Address

    @property
    def action(self) -> TransferProject:
        """Its transfer."""
        return transfer(self.tenant)

    @property
    def project_id(self) -> str:
        """Of the project that moves."""
        return self.address.project_id


async def move_together(session: Session, unit: SharedTransfer) -> None:
    """Every tenant for itself up to the call and after it; one that fails leaves, and nobody waits for it."""
    async with session.large_units:
        call = SharedCall(session, unit.origin, unit.destination)
        standing = await due(session, unit.tenants, closely=False)
        await call.move(await _ready(session, [tenant for tenant in standing if moves(tenant)]))

        async def after(mover: Mover) -> None:
            await session.steps_when_due(mover.tenant, after_transfer(mover.tenant), mover.address)

        async def there_already(tenant: TenantPlan) -> None:
            await session.steps_when_due(tenant, tenant.actions, Address.planned(tenant))

        await each(call.moved, after)
        await each(await accepted(session, [tenant for tenant in standing if not moves(tenant)]), there_already)


async def _ready(session: Session, tenants: Sequence[TenantPlan]) -> list[Mover]:
    """The tenants whose steps before the transfer went through, in the order of the plan."""

    async def before(tenant: TenantPlan) -> Mover | None:
        address = await session.steps(before_transfer(tenant), Address.planned(tenant), more=True)
        return Mover(tenant, address) if address else None

    return [mover for mover in await each(await accepted(session, tenants), before) if mover]


@dataclass(slots=True)
class SharedCall:
    """The call, split only where it is refused. Membership is read before: it may have moved a part (Neon)."""

    session: Session
    origin: str
    destination: str
    moved: list[Mover] = field(default_factory=list)
    refusals: int = 0

    async def move(self, movers: Sequence[Mover], *, again: bool = False) -> None:
        """Moves all that can be moved, and puts down what became of each."""
        if not movers or self.session.stop.requested:
            return
        try:
            await self._send(movers, again)
        except UnknownOutcomeError as lost:
            await self._look_after_loss(movers, lost, again)
        except ApiError as refusal:
            if _about_projects(refusal):
                await self._split(movers, refusal)
            else:
                self._failed(movers, refusal)
        except ReconcilerError as error:
            self._failed(movers, error)
        else:
            await self._arrived(movers)

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
        await self._arrived(arrived)
        known = (self.origin, self.destination)
        self._failed([mover for mover in movers if places.get(mover.project_id) not in known], error)
        return left

    async def _arrived(self, movers: Iterable[Mover]) -> None:
        for mover in movers:
            told = await self.session.moved(mover.tenant.tenant, mover.project_id, self.destination)
            self.session.tally.applied(mover.action, told)
            self.moved.append(Mover(mover.tenant, mover.address.moved(self.destination)))

    def _failed(self, movers: Iterable[Mover], error: ReconcilerError) -> None:
        for mover in movers:
            self.session.tally.failed(mover.action, error)


def _about_projects(refusal: ApiError) -> bool:
    """Whether it may be one project of the batch that is refused, rather than the whole call."""
    return 400 <= refusal.status < 500 and refusal.status not in ABOUT_THE_RUN
