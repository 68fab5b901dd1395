"""Batches of work: the waves of a run, and within a wave the units that share calls or checks.

Both are fixed before the first call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from reconciler.errors import ExitCode, InvalidInputError
from reconciler.model.api_limits import PROJECTS_PER_TRANSFER
from reconciler.model.units import share
from reconciler.plan.actions.project import CreateProject, DeleteProject, RecoverProject, TransferProject
from reconciler.plan.moves import may_need_reductions
from reconciler.plan.needs import creates_per_check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.apply.stop import BreakerLimits, StopSignal
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import TenantPlan

EXAMPLE: Final = "for example --waves 1,1%,10%,100%"
_COUNT: Final = re.compile(r"[1-9][0-9]{0,8}")
_PERCENT: Final = re.compile(r"((?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,3})?)%")


@dataclass(frozen=True, slots=True)
class LoneTenant:
    """A tenant that shares no call with others."""

    tenant: TenantPlan


@dataclass(frozen=True, slots=True)
class CreateCohort:
    """New tenants that share the check after their creation: 400, more in a large fleet."""

    tenants: tuple[TenantPlan, ...]


@dataclass(frozen=True, slots=True)
class SharedTransfer:
    """Up to 400 tenants that move in one call. Each has steps of its own before and after it."""

    source: str
    destination: str
    tenants: tuple[TenantPlan, ...]


@dataclass(frozen=True, slots=True)
class Recovery:
    """A tenant whose deleted project is recovered."""

    tenant: TenantPlan


NO_PAGES: Final[Mapping[str, int]] = MappingProxyType({})

Unit: TypeAlias = Recovery | LoneTenant | CreateCohort | SharedTransfer


def page_numbers(live: LiveState) -> Mapping[str, int]:
    """By project id: on which page of the lists it was. Late turns of one page share a call."""
    numbers: dict[tuple[str, str], int] = {}
    return {
        id_: numbers.setdefault((organization, cursor), len(numbers))
        for organization, cursors in live.list_cursors.items()
        for id_, cursor in cursors.items()
    }


def units(
    tenants: Iterable[TenantPlan], pages: Mapping[str, int] = NO_PAGES, listed: Mapping[str, int] = NO_PAGES
) -> tuple[Unit, ...]:
    """The units in starting order: recoveries, creations, upgrades, changes in place, downgrades, deletions.

    Changes, moves and deletions are in the order of the ``pages`` of their projects, then in that of the plan.
    Several units run at once: a unit may start before an earlier one has ended. ``listed`` is as in ``LiveState``.
    """

    def page(tenant: TenantPlan) -> int:
        return -1 if tenant.project is None else pages.get(tenant.project.id, -1)

    recoveries: list[TenantPlan] = []
    creates: list[TenantPlan] = []
    changes: list[TenantPlan] = []
    deletions: list[TenantPlan] = []
    routes: dict[tuple[str, str], list[TenantPlan]] = {}
    for tenant in tenants:
        if tenant.includes(RecoverProject):
            recoveries.append(tenant)
        elif tenant.includes(CreateProject):
            creates.append(tenant)
        elif (move := tenant.transfer) is not None:
            routes.setdefault((move.origin, move.destination), []).append(tenant)
        elif tenant.includes(DeleteProject):
            deletions.append(tenant)
        else:
            changes.append(tenant)
    changes.sort(key=page)
    deletions.sort(key=page)
    for moving in routes.values():
        moving.sort(key=page)
    upgrades = [moving for moving in routes.values() if not transfer(moving[0]).downgrade]
    downgrades = [moving for moving in routes.values() if transfer(moving[0]).downgrade]
    return (
        *(Recovery(tenant) for tenant in recoveries),
        *(CreateCohort(part) for part in _parts(creates, creates_per_check(listed, len(creates)))),
        *_transfers(upgrades),
        *(LoneTenant(tenant) for tenant in changes),
        *_transfers(downgrades),
        *(LoneTenant(tenant) for tenant in deletions),
    )


def members(unit: Unit) -> tuple[TenantPlan, ...]:
    """The tenants of a unit."""
    return (unit.tenant,) if isinstance(unit, LoneTenant | Recovery) else unit.tenants


def transfer(tenant: TenantPlan) -> TransferProject:
    """The tenant's transfer. Raises StopIteration if it has none."""
    return next(action for action in tenant.actions if isinstance(action, TransferProject))


def _transfers(routes: Iterable[list[TenantPlan]]) -> Iterator[SharedTransfer]:
    for moving in routes:
        move = transfer(moving[0])
        moving.sort(key=lambda tenant: not may_need_reductions(tenant))  # those who may lose something go first
        for part in _parts(moving, PROJECTS_PER_TRANSFER):
            yield SharedTransfer(move.origin, move.destination, part)


def _parts(tenants: list[TenantPlan], size: int) -> Iterator[tuple[TenantPlan, ...]]:
    for start in range(0, len(tenants), size):
        yield tuple(tenants[start : start + size])


@dataclass(frozen=True, slots=True)
class WaveEnd:
    """How many tenants have been tried after a wave: a number, or a share of all tenants."""

    count: int = 0
    percent: float = 0.0

    def of(self, total: int) -> int:
        """The number of tenants out of ``total``. A share is at least one tenant."""
        return min(total, self.count or ceil(share(self.percent, total)))


def read_waves(text: str) -> tuple[WaveEnd, ...]:
    """Reads ``1,1%,10%,100%``. Each value counts from the first tenant. Raises InvalidInputError with a hint."""
    ends = tuple(_read(word.strip(), text) for word in text.split(","))
    for members in ([end.count for end in ends if end.count], [end.percent for end in ends if end.percent]):
        if members != sorted(set(members)):
            _refuse(text, "each wave must include more tenants than the wave before")
    if ends[-1].percent != 100:
        _refuse(text, "the last wave must be 100%, so that no tenant is left out")
    return ends


def _read(word: str, text: str) -> WaveEnd:
    if _COUNT.fullmatch(word):
        return WaveEnd(count=int(word))
    share = _PERCENT.fullmatch(word)
    if share is None or not 0 < float(share[1]) <= 100:
        _refuse(text, f"{word!r} is neither a number of tenants nor a share above 0% and up to 100%")
    return WaveEnd(percent=float(share[1]))


def _refuse(text: str, why: str) -> NoReturn:
    raise InvalidInputError(f"--waves {text}: {why}", hint=EXAMPLE)


def waves(
    tenants: Sequence[TenantPlan], ends: Sequence[WaveEnd], done: int = 0
) -> tuple[tuple[TenantPlan, ...], ...]:
    """The tenants of each wave, in the order of the plan. Without ``ends`` there is one wave.

    ``done`` is how many tenants earlier runs of the same change have had in their waves: it goes on after them.

    A hash of the name assigns a tenant to a wave. The first waves are therefore a sample of the whole fleet, and a
    tenant keeps its wave from run to run as long as it keeps its name.
    """
    if not ends:
        return (tuple(tenants),)
    by_hash = sorted(range(len(tenants)), key=lambda index: _hash(tenants[index].tenant))
    found, begun = [], 0
    for end in ends:
        reached = max(begun, end.of(len(tenants) + done) - done)
        if reached > begun:
            found.append(tuple(tenants[index] for index in sorted(by_hash[begun:reached])))
        begun = reached
    return tuple(found)


def _hash(tenant: str) -> bytes:
    return sha256(tenant.encode()).digest()


def stop_after_bad_wave(failed: int, size: int, number: str, limits: BreakerLimits, stop: StopSignal) -> None:
    """Ends the run when a wave's only tenant failed, or more than the breaker's share of its tenants."""
    if failed and (size == 1 or failed / size > limits.failed_share):
        reason = f"wave {number}: {failed} of {size} tenant{'s' if size > 1 else ''} failed"
        stop.request(reason, ExitCode.PARTLY_APPLIED)
