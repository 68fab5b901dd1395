"""One run in progress: what its parts share, and how a tenant takes its steps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.apply.journal import Intent
from reconciler.apply.perform import Performed
from reconciler.errors import ReconcilerError, UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.apply.address import Address
    from reconciler.apply.perform import Performer
    from reconciler.apply.stop import StopSignal
    from reconciler.apply.tally import Tally
    from reconciler.apply.writes import Writes
    from reconciler.neon.client import CreatedProject, Neon
    from reconciler.plan.action import Action

LARGE_UNITS_AT_ONCE: Final = 2
"""Units of many tenants: one keeps the rate used up while the other waits for its shared call."""
SENT_AGAIN: Final = "sent again: the live state shows that the call whose answer was lost was not carried out"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProtocol:
    """How carefully projects are created."""

    settle_seconds: float
    """How long a new project may take to show up in every list."""
    second_look: bool = True
    """Whether absence is confirmed again before the first create; not needed right after an observation."""
    single_writer: bool = False
    """True where nobody else can create the same tenants: the check after creates is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run in progress."""

    neon: Neon
    performer: Performer
    writes: Writes
    stop: StopSignal
    tally: Tally
    protocol: CreateProtocol
    organizations: Mapping[str, int | None]
    """Every organization of the fleet, with its number of live projects where it was listed whole."""
    on_created: Callable[[str, CreatedProject], None]
    large_units: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_UNITS_AT_ONCE))

    async def steps(self, actions: Iterable[Action], address: Address, *, more: bool = False) -> bool:
        """Takes a tenant's actions one by one. False where one failed or the run is to end.

        Operations are waited for before the next write to the project and only then; ``more`` says
        that one follows after these actions.
        """
        todo = list(actions)
        for place, action in enumerate(todo, start=1):
            if self.stop.requested or not await self._step(action, address, more or place < len(todo)):
                return False
        return True

    async def act(self, action: Action, address: Address) -> Performed:
        """One call to one project. Where its answer is lost, live state decides whether it is sent once more.

        Sending it again is safe because patches and deletions have the same effect however often they
        are carried out. Raises UnknownOutcomeError where the second answer is lost too and nothing shows.
        """
        try:
            return await self._send(action, address)
        except UnknownOutcomeError as lost:
            if await self._carried_out(action, address, lost):
                return Performed(address)
        try:
            return await self._send(action, address, SENT_AGAIN)
        except UnknownOutcomeError as lost:
            if await self._carried_out(action, address, lost):
                return Performed(address)
            raise

    async def _step(self, action: Action, address: Address, more: bool) -> bool:
        try:
            performed = await self.act(action, address)
            if performed.shortfall is not None:
                raise performed.shortfall
            if more:
                await self.neon.wait(address.organization, address.project_id, performed.operations)
        except ReconcilerError as error:
            self.tally.failed(action, error)
            return False
        self.tally.applied(action)
        return True

    async def _send(self, action: Action, address: Address, note: str = "") -> Performed:
        intent = Intent(
            kind=action.kind,
            tenants=(action.tenant,),
            organization=address.organization,
            project_ids=(address.project_id,),
            reason=f"{action.reason}; {note}" if note else action.reason,
            changes=action.changes,
        )
        return await self.writes.send(
            intent, lambda request_id: self.performer.perform(action, address, request_id)
        )

    async def _carried_out(self, action: Action, address: Address, lost: UnknownOutcomeError) -> bool:
        """Whether live state shows the effect of the call. Raises ``lost`` where it cannot be read."""
        try:
            done = await self.performer.carried_out(action, address)
        except ReconcilerError as error:
            raise lost from error
        if done:
            self.writes.found(lost, "live state shows it")
        return done
