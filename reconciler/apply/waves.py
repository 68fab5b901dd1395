"""Waves: a run's tenants in growing parts, each finished and judged before the next one begins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, Final, NoReturn

from reconciler.errors import ExitCode, InvalidInputError
from reconciler.model.units import share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.stop import BreakerLimits, StopSignal
    from reconciler.plan.plan import TenantPlan

EXAMPLE: Final = "for example --waves 1,1%,10%,100%"
_COUNT: Final = re.compile(r"[1-9][0-9]{0,8}")
_PERCENT: Final = re.compile(r"((?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,3})?)%")


@dataclass(frozen=True, slots=True)
class WaveEnd:
    """How many tenants have been begun once a wave is through: a number, or a share of all of them."""

    count: int = 0
    percent: float = 0.0

    def of(self, total: int) -> int:
        """The number among so many tenants; a share is at least one of them."""
        return min(total, self.count or ceil(share(self.percent, total)))


def read_waves(text: str) -> tuple[WaveEnd, ...]:
    """``1,1%,10%,100%``: each part counts from the beginning. Raises InvalidInputError with a hint."""
    ends = tuple(_read(word.strip(), text) for word in text.split(","))
    for members in ([end.count for end in ends if end.count], [end.percent for end in ends if end.percent]):
        if members != sorted(set(members)):
            _refuse(text, "each wave reaches further than the one before")
    if ends[-1].percent != 100:
        _refuse(text, "the last wave is 100%, so that no tenant is left out without a word")
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


def waves(tenants: Sequence[TenantPlan], ends: Sequence[WaveEnd]) -> tuple[tuple[TenantPlan, ...], ...]:
    """The tenants of each wave, in the order of the plan; one wave where no ends are stated.

    Who is in which wave is decided by a hash of the name, so that the first waves are spread over the fleet,
    and a tenant that has not changed its name keeps its place from run to run.
    """
    if not ends:
        return (tuple(tenants),)
    spread = sorted(range(len(tenants)), key=lambda place: _hash(tenants[place].tenant))
    found, begun = [], 0
    for end in ends:
        reached = max(begun, end.of(len(tenants)))
        if reached > begun:
            found.append(tuple(tenants[place] for place in sorted(spread[begun:reached])))
        begun = reached
    return tuple(found)


def _hash(tenant: str) -> bytes:
    return sha256(tenant.encode()).digest()


def judge(failed: int, size: int, place: str, limits: BreakerLimits, stop: StopSignal) -> None:
    """Ends the run after a wave that went badly: a lone tenant failed, or more than the breaker's share."""
    if failed and (size == 1 or failed / size > limits.failed_share):
        reason = f"wave {place}: {failed} of {size} tenant{'s' if size > 1 else ''} failed"
        stop.request(reason, ExitCode.PARTLY_APPLIED)
