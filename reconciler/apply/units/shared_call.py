"""The transfer call that tenants share.

The transfer is tried before anything is reduced for it. If Neon refuses it and names a limit of the destination,
the tenants that exceed that limit are reduced, and the transfer is tried again. The first tenant to be reduced
goes alone: if it cannot move after the reduction, no other tenant is reduced.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.apply.journals.journal import Intent, named
from reconciler.apply.registry_writes.claims import register_move
from reconciler.apply.run.routes import closes_route, locate, refuses_everyone, refuses_projects
from reconciler.apply.steps.steps import SENT_AGAIN, take_steps
from reconciler.apply.units.arrival import Arrival
from reconciler.errors import ApiError, LockedError, ReconcilerError, TransferRefusedError, UnknownOutcomeError
from reconciler.model.values import replace
from reconciler.neon.pace import each
from reconciler.neon.project_reader import MISSING_PAUSES_SECONDS
from reconciler.plan.moves import Limit, is_tried_first, limits_named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from reconciler.apply.run.routes import Route
    from reconciler.apply.run.run import Run
    from reconciler.apply.units.mover import Mover

MAX_REFUSALS: Final = 40
"""Refused calls per unit: enough to find four projects among 400 by halving, each in about nine calls."""
MAX_ALONE: Final = 3
"""Tenants that go alone before it is decided whether the route is open."""


@dataclass(slots=True)
class SharedCall:
    """The shared call. It is split only if it is refused, and only after the projects have been located again:
    a refused call may have moved some of them (Neon)."""

    run: Run
    source: str
    destination: str
    moved: list[Mover] = field(default_factory=list)
    locked: list[list[Mover]] = field(default_factory=list)
    """Movers that other operations lock. They are tried again once all others have moved."""
    lock: LockedError | None = None
    """The last error about a lock."""
    refusals: int = 0
    failure: ReconcilerError | None = None
    """The last error of a tenant that failed."""
    lost: list[tuple[UnknownOutcomeError, frozenset[str]]] = field(default_factory=list)
    """Calls with a lost answer and an unknown outcome, each with the ids of its projects."""

    @property
    def route(self) -> Route:
        """What the run knows about moves from the source to the destination."""
        return self.run.route(self.source, self.destination)

    async def move_all(self, movers: Sequence[Mover]) -> None:
        """Moves all that can be moved. The first tenant moves alone if the plan may reduce it."""
        rest = await self._rest_after_first(movers)
        if not self.route.is_closed():
            await self.move(rest, postpone_locked=len(rest) > 1)
            return
        for losing in (False, True):  # tenants within the limits may still move
            part = [mover for mover in rest if mover.may_need_reductions is losing]
            await self.move(part, postpone_locked=len(part) > 1)

    async def _rest_after_first(self, movers: Sequence[Mover]) -> Sequence[Mover]:
        """The movers that are left once it is known whether the route is open.

        If the failure of one mover says nothing about the route, the next one goes alone too.
        """
        alone = movers if len(movers) > 1 and any(is_tried_first(mover.tenant) for mover in movers) else ()
        for number, mover in enumerate(alone[:MAX_ALONE], start=1):
            if self.route.open or self.route.is_closed() or self.run.stop.requested:
                return movers[number - 1 :]
            await self.move([mover], postpone_locked=True)
            self._learn(self.failure, last=number == MAX_ALONE)
        return movers[len(alone[:MAX_ALONE]) :]

    async def move(self, movers: Sequence[Mover], *, postpone_locked: bool, repeated: bool = False) -> None:
        """Moves all that can be moved, and records the outcome of each.

        ``postpone_locked``: locked movers are collected in ``locked``, and the call does not wait for them.
        ``repeated``: this is the second call after a lost answer or an unreadable refusal.
        """
        if not movers or self.run.stop.requested:
            return
        if self.route.failure is not None and refuses_everyone(self.route.failure):
            self._failed(movers, self.route.failure)
            return
        movers = await self._saved(movers)
        if not movers or self.run.stop.requested:
            return
        try:
            await self._send(movers, postpone_locked, repeated)
        except UnknownOutcomeError as lost:
            await self._after_lost_answer(movers, lost, postpone_locked, repeated)
        except LockedError as refusal:
            await self._after_lock(movers, refusal, postpone_locked)
        except ApiError as refusal:
            await self._after_refusal(movers, refusal, postpone_locked, repeated)
        except ReconcilerError as error:
            self._failed(movers, error)
        else:
            self._conclude_not_carried_out({mover.project_id for mover in movers})
            await self._arrived(movers)

    async def _saved(self, movers: Sequence[Mover]) -> list[Mover]:
        """The movers once each has the snapshot that its plan takes before the transfer. One that failed stays."""
        saved = await each(movers, self._save)
        return [mover for mover in saved if mover is not None]

    async def _save(self, mover: Mover) -> Mover | None:
        before = mover.before
        if not before:
            return mover
        address = await take_steps(self.run, before, mover.address, more=True)
        return None if address is None else replace(mover, address=address, saved=before)

    def give_up(self, movers: Iterable[Mover]) -> None:
        """Records that other operations lock these projects for too long."""
        if self.lock is not None:
            self._failed(movers, self.lock)

    async def _send(self, movers: Sequence[Mover], postpone_locked: bool, repeated: bool) -> None:
        project_ids = tuple(mover.project_id for mover in movers)
        intent = Intent(
            kind=movers[0].action.kind,
            tenants=tuple(mover.tenant.tenant for mover in movers),
            organization=self.source,
            project_ids=project_ids,
            reason=SENT_AGAIN if repeated else f"move to {self.destination}",
            object=named(movers[0].action),
            quotas_at_risk=tuple(mover.project_id for mover in movers if mover.has_quota),
        )
        await self.run.writes.send(
            intent,
            lambda request_id: self.run.neon.transfer_projects(
                self.source,
                self.destination,
                project_ids,
                brief_lock_wait=postpone_locked,
                request_id=request_id,
            ),
        )

    async def _after_lost_answer(
        self, movers: Sequence[Mover], lost: UnknownOutcomeError, postpone_locked: bool, repeated: bool
    ) -> None:
        """Continues with the projects that moved. Those still at the source are sent again."""
        self.lost.append((lost, frozenset(mover.project_id for mover in movers)))
        left = await self._still_at_source(movers, lost)
        if repeated:
            self._failed(left, lost)
        else:
            await self.move(left, postpone_locked=postpone_locked, repeated=True)

    async def _after_lock(self, movers: Sequence[Mover], refusal: LockedError, postpone_locked: bool) -> None:
        """Neon: no project has moved (423), and the answer names none. Halving finds those that are not locked."""
        self.refusals += 1
        self.lock = refusal
        if not postpone_locked:
            self._failed(movers, refusal)
        elif len(movers) == 1 or self.refusals >= MAX_REFUSALS:
            self.locked.append(list(movers))
        else:
            await self._move_halves(movers, postpone_locked)

    async def _after_refusal(
        self, movers: Sequence[Mover], refusal: ApiError, postpone_locked: bool, repeated: bool
    ) -> None:
        if isinstance(refusal, TransferRefusedError) and not refusal.legible and not repeated:
            left = await self._still_at_source(movers, refusal)
            await self.move(left, postpone_locked=postpone_locked, repeated=True)  # the reason is not known yet
        elif refuses_projects(refusal):
            await self._reduce_or_split(movers, refusal, postpone_locked)
        else:
            self._failed(movers, refusal)

    async def _reduce_or_split(self, movers: Sequence[Mover], refusal: ApiError, postpone_locked: bool) -> None:
        """Reduces the tenants that exceed the limits named in the refusal. If none do, finds the refused projects.

        Until a reduced tenant has moved, one tenant is reduced alone.
        """
        limits = self._limits(movers, refusal)
        if self.route.is_closed() or not any(mover.reductions(limits) for mover in movers):
            await self._split(movers, refusal, postpone_locked)
            return
        left = await self._still_at_source(movers, refusal)
        left = await self._rest_after_proof(left, limits, refusal, postpone_locked)
        if not self.route.is_closed():
            await self._reduce_and_move(left, limits, postpone_locked)
            return
        for exceeding in (False, True):  # tenants within the limits may still move
            part = [mover for mover in left if bool(mover.reductions(limits)) is exceeding]
            await self.move(part, postpone_locked=postpone_locked)

    async def _rest_after_proof(
        self, movers: Sequence[Mover], limits: Collection[Limit], refusal: ApiError, postpone_locked: bool
    ) -> list[Mover]:
        """The movers that are left once it is known whether a reduction helps: one tenant at a time tries it."""
        left = list(movers)
        for number, mover in enumerate([m for m in movers if m.reductions(limits)][:MAX_ALONE], start=1):
            if self.route.is_known():
                break
            left.remove(mover)
            await self._reduce_and_move([mover], limits, postpone_locked)
            self._learn(refusal, last=number == MAX_ALONE)
        return left

    def _learn(self, refusal: ReconcilerError | None, *, last: bool) -> None:
        """Closes the route if the failure of a tenant that went alone applies to others, or if it was the last."""
        failure, self.failure = self.failure, None
        if failure is not None and closes_route(failure):
            self.route.failure = failure
        elif last and not self.route.open:
            self.route.failure = failure or refusal

    def _limits(self, movers: Sequence[Mover], refusal: ApiError) -> frozenset[Limit]:
        ids = self.run.neon.organization_ids
        names = {self.source, self.destination, ids[self.source], ids[self.destination]}
        texts = refusal.limits if isinstance(refusal, TransferRefusedError) else ()
        return limits_named(texts, {*names, *(mover.project_id for mover in movers)})

    async def _reduce_and_move(
        self, movers: Sequence[Mover], limits: Collection[Limit], postpone_locked: bool
    ) -> None:
        reduced = await each(movers, lambda mover: self._reduce(mover, limits))
        await self.move([mover for mover in reduced if mover is not None], postpone_locked=postpone_locked)

    async def _reduce(self, mover: Mover, limits: Collection[Limit]) -> Mover | None:
        """The mover after its reductions for these limits; None if one failed."""
        actions = mover.reductions(limits)
        address = await take_steps(self.run, actions, mover.address, more=True)
        return None if address is None else replace(mover, address=address, done=(*mover.done, *actions))

    async def _split(self, movers: Sequence[Mover], refusal: ApiError, postpone_locked: bool) -> None:
        """Fails the projects that the refusal names, and moves the others. If it names none, halves the call."""
        self.refusals += 1
        left = await self._still_at_source(movers, refusal)
        refused = refusal.culprits if isinstance(refusal, TransferRefusedError) else ()
        others = [mover for mover in left if mover.project_id not in refused]
        if len(others) < len(left):
            self._failed([mover for mover in left if mover.project_id in refused], refusal)
            await self.move(others, postpone_locked=postpone_locked)
        elif len(left) < len(movers):
            await self.move(left, postpone_locked=postpone_locked)
        elif len(left) == 1 or self.refusals >= MAX_REFUSALS or self._applies_to_all(refusal):
            self._failed(left, refusal)
        else:
            await self._move_halves(left, postpone_locked)

    async def _move_halves(self, movers: Sequence[Mover], postpone_locked: bool) -> None:
        middle = len(movers) // 2
        await self.move(movers[:middle], postpone_locked=postpone_locked)
        await self.move(movers[middle:], postpone_locked=postpone_locked)

    def _applies_to_all(self, refusal: ApiError) -> bool:
        """Whether the refusal is the one that has closed the route."""
        return self.route.is_closed() and closes_route(refusal)

    async def _still_at_source(self, movers: Sequence[Mover], error: ReconcilerError) -> list[Mover]:
        """The movers that are still at the source. The others are recorded as moved, or failed with ``error``."""
        ends = (self.source, self.destination)
        likely = ends[::-1] if isinstance(error, UnknownOutcomeError) else ends  # a lost answer: most have moved
        try:
            found = await self._locate(movers, likely)
        except ReconcilerError:
            self._failed(movers, error)
            return []
        left = [mover for mover in movers if found.get(mover.project_id) == self.source]
        arrived = [mover for mover in movers if found.get(mover.project_id) == self.destination]
        self._conclude_carried_out({mover.project_id for mover in arrived})
        await self._arrived(arrived)
        self._failed([mover for mover in movers if found.get(mover.project_id) not in ends], error)
        return left

    async def _locate(self, movers: Sequence[Mover], likely: Sequence[str]) -> dict[str, str]:
        """The organization of each project. Searches again for those that no key shows for a while."""
        project_ids = [mover.project_id for mover in movers]
        found = await locate(self.run.neon, likely, project_ids)
        for pause_seconds in MISSING_PAUSES_SECONDS:
            missing = [project_id for project_id in project_ids if project_id not in found]
            if not missing or self.run.stop.requested:
                break
            await asyncio.sleep(pause_seconds)
            found |= await locate(self.run.neon, likely, missing)
        return found

    def _conclude_carried_out(self, arrived: Collection[str]) -> None:
        """Records in the journal which calls with a lost answer were carried out."""
        for lost, project_ids in list(self.lost):
            seen = project_ids.intersection(arrived)
            if seen:
                part = "" if seen == project_ids else f" of {len(seen)} of {len(project_ids)} projects"
                self.run.writes.found(lost, f"live state shows it{part}")
                self.lost.remove((lost, project_ids))

    def _conclude_not_carried_out(self, moved: Collection[str]) -> None:
        """Records which calls with a lost answer were not carried out: a later call moved their projects."""
        for lost, project_ids in list(self.lost):
            if not project_ids.isdisjoint(moved):
                self.run.writes.not_carried_out(
                    lost, "it was not carried out: a later call transferred its projects"
                )
                self.lost.remove((lost, project_ids))

    async def _arrived(self, movers: Sequence[Mover]) -> None:
        self.run.neon.arriving(mover.project_id for mover in movers)
        self.run.late_turns.pages.moved(self.destination, [mover.project_id for mover in movers if mover.left])
        arrival = Arrival()
        for mover in movers:
            note = await register_move(self.run, mover.tenant.tenant, mover.project_id, self.destination)
            if not mover.quota_at_risk:
                self.run.outcomes.applied(mover.action, note)
            address = mover.address.moved(self.destination)
            self.moved.append(replace(mover, address=address, arrival=arrival, note=note))
            self.route.open = True
            self.route.proven = self.route.proven or bool(mover.done)

    def _failed(self, movers: Iterable[Mover], error: ReconcilerError) -> None:
        for mover in movers:
            self.run.outcomes.failed(mover.action, error)
            self.failure = error
