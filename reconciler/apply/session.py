"""One run in progress: what its parts share, and how a tenant takes its steps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reconciler.apply.address import Address
from reconciler.apply.duplicates import doubt
from reconciler.apply.journal import Intent
from reconciler.apply.perform import Performed
from reconciler.apply.replacements import (
    COUNTED_WITHIN_SECONDS,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    OVER_THE_LIMIT,
    Replacement,
    makes_room,
    needs_room,
    successor,
)
from reconciler.apply.route import Route
from reconciler.apply.turns import due, still_to_go
from reconciler.errors import ApiError, ConflictError, ReconcilerError, RegistryError, UnknownOutcomeError
from reconciler.live.registered import Placement
from reconciler.plan.action import CreateBranch, CreateSnapshot, DeleteDuplicate, DeleteProject, PatchEndpoint
from reconciler.plan.outcome import GONE, Deletion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.apply.evidence import Evidence
    from reconciler.apply.perform import Performer
    from reconciler.apply.stop import StopSignal
    from reconciler.apply.tally import Tally
    from reconciler.apply.turns import Turns
    from reconciler.apply.writes import Writes
    from reconciler.neon.client import Neon
    from reconciler.plan.action import Action
    from reconciler.plan.plan import TenantPlan
    from reconciler.registry.store import Registry
    from reconciler.secret import Secret

RECOVERABLE: Final = timedelta(days=7)
"""Neon: how long a deleted project can be recovered (recoverProject)."""
LARGE_UNITS_AT_ONCE: Final = 2
"""Units of many tenants: one keeps the rate used up while the other waits for its shared call."""
SHOWN_IN_NO_LIST: Final = (PatchEndpoint, CreateBranch, CreateSnapshot)
"""Actions whose operations may fail although a later look finds what was asked for."""
SENT_AGAIN: Final = "sent again: the live state shows that the call whose answer was lost was not carried out"

Within: TypeAlias = "Callable[[Coroutine[Any, Any, Performed]], Awaitable[Performed]]"
"""Something around a call that bounds how long it may take."""


async def at_leisure(sending: Coroutine[Any, Any, Performed]) -> Performed:
    """No bound but those of the client."""
    return await sending


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
    evidence: Evidence
    writes: Writes
    stop: StopSignal
    tally: Tally
    protocol: CreateProtocol
    organizations: Mapping[str, int | None]
    """Every organization of the fleet, with its number of live projects where it was listed whole."""
    on_connection: Callable[[str, Secret], None] | None
    """Gets the connection string of each new project; None where nobody asks for them."""
    now: Callable[[], datetime]
    project_names: Callable[[str], Sequence[str]]
    """Every name by which a tenant's project is recognised."""
    turns: Turns | None = None
    """Looks again at tenants whose turn comes late; None where nobody can tell what the plan was made from."""
    seen: Collection[tuple[str, str]] = frozenset()
    """Id and name of each project that the plan was made from."""
    registry: Registry | None = None
    """In which tenants are claimed before their projects are created, and deleted ones forgotten."""
    routes: dict[tuple[str, str], Route] = field(default_factory=dict)
    large_units: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_UNITS_AT_ONCE))

    def route(self, origin: str, destination: str) -> Route:
        """What this run knows of the way from one organization to another."""
        return self.routes.setdefault((origin, destination), Route())

    async def steps(self, actions: Iterable[Action], address: Address, *, more: bool = False) -> Address | None:
        """Takes a tenant's actions one by one. The address after them; None where one failed or the run is to end.

        Operations are waited for before the next write to the project; ``more`` says that one follows after these
        actions. Those of the last action are waited for where no list would show that they failed.
        """
        todo, begun, crowded = list(actions), self.now(), False
        for place, action in enumerate(todo, start=1):
            if self.stop.requested or not await self._comes(action, todo[place:], address, begun):
                return None
            waits = crowded and needs_room(action)
            performed = await self._step(action, address, more or place < len(todo), crowded=waits)
            crowded = crowded or makes_room(action)
            if performed is None:
                return None
            address = performed.address
        return address

    async def steps_when_due(self, tenant: TenantPlan, actions: Sequence[Action], address: Address) -> None:
        """Takes the actions that are left of a tenant once its project has moved, as far as they still stand."""
        if tenant.project is None or not actions:
            await self.steps(actions, address)
            return
        here = replace(tenant.project, organization=address.organization)
        rest = replace(tenant, project=here, actions=tuple(actions))
        for standing in await due(self, [rest]):
            await self.steps(standing.actions, address if standing is rest else Address.planned(standing))

    async def act(self, action: Action, address: Address, *, within: Within = at_leisure) -> Performed:
        """One call to one project. Where its answer is lost, live state decides whether it is sent once more.

        Sending it again is safe because patches and deletions have the same effect however often they are
        carried out, a second branch of a name is refused, and a snapshot is looked for once more after
        the settle time. ``within`` bounds how long each sending may take. Raises UnknownOutcomeError where the
        second answer is lost too and nothing shows.
        """
        sent_at = self.now()
        try:
            return await self._send(action, address, within=within)
        except UnknownOutcomeError as error:
            lost = error
        if found := await self._found(action, address, sent_at, lost):
            return found
        return await self._send_again(action, address, sent_at, lost, within)

    async def _send_again(
        self, action: Action, address: Address, sent_at: datetime, lost: UnknownOutcomeError, within: Within
    ) -> Performed:
        """The repeat. The first call may have been carried out since the look: then Neon refuses this one."""
        try:
            performed = await self._send(action, address, SENT_AGAIN, within=within)
        except UnknownOutcomeError as again:
            if found := await self._found(action, address, sent_at, again):
                return found
            raise
        except ApiError:
            if found := await self._found(action, address, sent_at, lost):
                return found
            raise
        if not performed.gone_before:
            return performed
        self.writes.found(lost, "it was carried out after the look: the repeat found it done")
        return replace(performed, gone_before=False, request_id=lost.request_id)

    async def _comes(self, deletion: Action, later: Sequence[Action], address: Address, begun: datetime) -> bool:
        """Whether what a snapshot is to make room for is sure to come; True of any other action."""
        coming = successor(deletion, later)
        if coming is None:
            return True
        try:
            look = Replacement(self.neon, deletion, coming, address, self.now(), begun)
            why = await look.doubt()
        except ReconcilerError as error:
            self.tally.failed(deletion, error)
            return False
        if why:
            self.tally.skipped(deletion, why, "run again: it is planned afresh")
        return not why

    async def _act_once_counted(self, action: Action, address: Address) -> Performed:
        """The same where something was deleted before it: Neon's counter may not have caught up with that yet."""
        loop = asyncio.get_running_loop()
        deadline, pause_seconds = loop.time() + COUNTED_WITHIN_SECONDS, FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self.act(action, address)
            except ApiError as error:
                if error.status != OVER_THE_LIMIT or loop.time() >= deadline:
                    raise
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)

    async def _step(
        self, action: Action, address: Address, more: bool, *, crowded: bool = False
    ) -> Performed | None:
        """``crowded`` says that the project was full, until others were deleted right before."""
        try:
            if not await still_to_go(self, action, address):
                return Performed(address) if self.tally.is_unchanged(action) else None
            if isinstance(action, DeleteDuplicate) and (why := await self._not_proven(action, address)):
                self.tally.skipped(action, why, "run again: it is planned afresh")
                return None
            performed = await (self._act_once_counted if crowded else self.act)(action, address)
            if performed.shortfall is not None:
                raise performed.shortfall
            if more or isinstance(action, SHOWN_IN_NO_LIST):
                await self.neon.wait(address.organization, address.project_id, performed.operations)
        except ReconcilerError as error:
            self.tally.failed(action, error)
            return None
        deletion = self._record(action, performed)
        note = "; ".join(filter(None, (GONE if performed.gone_before else "", await self._forget(action))))
        self.tally.applied(action, note, request_id=performed.request_id, deletion=deletion)
        return performed

    async def _not_proven(self, action: DeleteDuplicate, address: Address) -> str:
        """What speaks against the deletion now; empty where nothing does. ``address`` is the first project's."""
        return await doubt(self.neon, action, address, fleet=self.performer.fleet, now=self.now())

    def _record(self, action: Action, performed: Performed) -> Deletion | None:
        """The record of the tenant's project that this run deleted. The journal has that of a second one too."""
        if not isinstance(action, DeleteProject | DeleteDuplicate) or performed.gone_before:
            return None
        at = self.now()
        deletion = Deletion(action.project_id, performed.request_id, at, at + RECOVERABLE)
        if isinstance(action, DeleteDuplicate):
            self.writes.deleted(action, action.organization, action.name, deletion)
            return None
        self.writes.deleted(action, performed.address.organization, performed.address.name, deletion)
        return deletion

    async def moved(self, tenant: str, project_id: str, organization: str) -> str:
        """Puts down in the registry where a project is now; what went wrong with that, else nothing.

        The next run mends the row, so that nothing else of the tenant waits for it.
        """
        if self.registry is None:
            return ""
        try:
            placement = Placement(tenant, project_id, organization)
            await self.registry.aside(self.registry.place, placement, self.performer.run, self.now())
        except RegistryError as error:
            return f"the registry was not told: {error}"
        return ""

    async def _forget(self, action: Action) -> str:
        if self.registry is None or not isinstance(action, DeleteProject):
            return ""
        try:
            await self.registry.aside(self.registry.forget, action.tenant, action.project_id)
        except RegistryError as error:
            return f"the registry was not told: {error}; its row goes with `reconciler registry rebuild`"
        return ""

    async def _send(
        self, action: Action, address: Address, note: str = "", *, within: Within = at_leisure
    ) -> Performed:
        intent = _intent(action, address, note)

        async def perform(request_id: str) -> Performed:
            performed = await within(self.performer.perform(action, address, request_id))
            return replace(performed, request_id=request_id)

        try:
            return await self.writes.send(
                intent,
                perform,
                tell=lambda performed: performed.made,
            )
        except ConflictError as conflict:
            if not isinstance(action, CreateBranch):
                raise
            return await self._namesake(action, address, conflict)

    async def _namesake(self, action: CreateBranch, address: Address, conflict: ConflictError) -> Performed:
        """The branch that has the name since the plan was made. Raises ``conflict`` where it is another one."""
        try:
            performed = await self.evidence.namesake(action, address)
        except ReconcilerError as error:
            raise conflict from error
        if performed is None:
            conflict.hint = "run again: the branch that has the name is planned afresh"
            raise conflict
        return performed

    async def _found(
        self, action: Action, address: Address, sent_at: datetime, lost: UnknownOutcomeError
    ) -> Performed | None:
        """What live state shows of the call. Raises ``lost`` where it cannot be read."""
        try:
            found = await self.evidence.of(action, address, sent_at)
            if found is None and isinstance(action, CreateSnapshot):  # Neon: names of snapshots are not unique
                await asyncio.sleep(self.protocol.settle_seconds)
                found = await self.evidence.of(action, address, sent_at)
        except ReconcilerError as error:
            raise lost from error
        if found:
            self.writes.found(lost, found.made or "live state shows it")
            return replace(found, request_id=lost.request_id)
        return None


def _intent(action: Action, address: Address, note: str) -> Intent:
    """What the journal says before the call; of a second project, where it is and what is proven of it."""
    organization, project_id = address.organization, address.project_id
    proof: tuple[str, ...] = ()
    if isinstance(action, DeleteDuplicate):
        organization, project_id, proof = action.organization, action.project_id, action.proof
    return Intent(
        kind=action.kind,
        tenants=(action.tenant,),
        organization=organization,
        project_ids=(project_id,),
        reason="; ".join(filter(None, (action.reason, *proof, note))),
        changes=action.changes,
    )
