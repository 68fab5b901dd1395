"""The waves of a run: parts of the plan, each finished and judged before the next one starts.

They are fixed before the first call.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NoReturn

from reconciler.apply.run.wave_options import WaveEnd
from reconciler.errors import ExitCode, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.apply.stop import BreakerLimits, StopSignal
    from reconciler.plan.plan import TenantPlan

EXAMPLE: Final = "for example --waves 1,1%,10%,100%"
_COUNT: Final = re.compile(r"[1-9][0-9]{0,8}")
_PERCENT: Final = re.compile(r"((?:0|[1-9][0-9]{0,2})(?:\.[0-9]{1,3})?)%")


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
