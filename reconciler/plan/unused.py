"""Whether a project is unused: what must be read before it counts as such.

A new project is active once without a user: its compute starts with it and suspends after its timeout. Anything
beyond that is use. Counters lag, so they prove nothing for a project younger than the lag, and show no use within
the last hour; the computes show when they were last active. Counters restart each month, but the time of the last
activity does not (Neon: Project, Endpoint).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.model.compute import DEFAULT_SUSPEND_TIMEOUT_SECONDS, NEVER_SUSPEND
from reconciler.model.moments import utc_text
from reconciler.model.quota import Consumption
from reconciler.model.units import roughly_bytes, roughly_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconciler.live.project import LiveEndpoint, LiveProject

COUNTERS_LAG: Final = timedelta(hours=1)
"""Neon: maximum lag of counters and activity times (guides/consumption-limits)."""
SLACK: Final = timedelta(minutes=1)
"""The maximum time until a new compute has started, or is reported as suspended."""
LONGEST_SUSPEND_SECONDS: Final = 3600
"""A compute that stays on longer after its creation hides whether it was used."""
OWN_WRITES_BYTES: Final = 16 * 2**20
"""What the creation itself may write: one segment of Postgres' write-ahead log."""
OWN_SIZE_BYTES: Final = 64 * 2**20
"""Size of an empty Postgres: Neon reports about 30 MB."""


def counters_complete_at(project: LiveProject) -> datetime:
    """Return when the counters include everything that the creation did."""
    return project.created_at + timedelta(seconds=_suspend_seconds(project)) + SLACK + COUNTERS_LAG


def additions(project: LiveProject) -> Iterator[str]:
    """Yield what the project has beyond its creation, and what was not read."""
    yield from _branches(project)
    yield from _snapshots(project)
    yield from _computes(project)
    if project.storage_bytes is None:
        yield "its size is unknown"
    elif project.storage_bytes > OWN_SIZE_BYTES:
        yield f"it stores more than {_bytes(OWN_SIZE_BYTES)}"
    if project.integrations:
        yield f"it has an integration: {', '.join(project.integrations)}"


def activity(project: LiveProject) -> Iterator[str]:
    """Yield the signs that the project was used after its creation, if the counters are complete."""
    allowed = timedelta(seconds=_suspend_seconds(project)) + SLACK
    if any(endpoint.active for endpoint in project.endpoints or ()):
        yield "a compute is running"
    last = project.latest_activity
    if last is not None and last > project.created_at + allowed:
        yield f"it was active at {utc_text(last)}"
    if project.consumption is None:
        yield "its counters were not read"
    else:
        yield from _counters(project.consumption, allowed, _largest_cu(project))


def description(project: LiveProject) -> str:
    """Describe a project without signs of use."""
    used, last = project.consumption or Consumption(), project.latest_activity
    active = "never active" if last is None else f"active until {utc_text(last)}, as after any creation"
    return (
        f"{active}, {_bytes(used.written_data_bytes)} written, {_bytes(used.data_transfer_bytes)} sent, "
        f"{_bytes(project.storage_bytes)} stored, one branch, no snapshot"
    )


def _branches(project: LiveProject) -> Iterator[str]:
    branches = project.branches
    if branches is None:
        yield "its branches were not read"
        return
    if [branch.default for branch in branches] != [True]:
        yield f"it has {len(branches)} branches"
    if any(branch.protected for branch in branches):
        yield "its branch is protected"
    if any((branch.logical_size_bytes or 0) > OWN_SIZE_BYTES for branch in branches):
        yield f"its branch is larger than {_bytes(OWN_SIZE_BYTES)}"


def _snapshots(project: LiveProject) -> Iterator[str]:
    if project.snapshots is None:
        yield "its snapshots were not read"
    elif project.snapshots:
        yield f"it has {_counted(len(project.snapshots), 'snapshot')}"


def _computes(project: LiveProject) -> Iterator[str]:
    if project.endpoints is None:
        yield "its computes were not read"
        return
    if [endpoint.writes for endpoint in project.endpoints] != [True]:
        yield f"it has {_counted(len(project.endpoints), 'compute')}"
    longest = _suspend_seconds(project)
    if not 0 < longest <= LONGEST_SUSPEND_SECONDS:
        how = "never suspends" if longest < 0 else f"stays on for {roughly_seconds(longest)}"
        yield f"its compute {how}, which hides whether it was used"


def _counters(used: Consumption, allowed: timedelta, cu: float) -> Iterator[str]:
    seconds = allowed / timedelta(seconds=1)
    limits = (
        ("active time", used.active_time_seconds, seconds, "s"),
        ("compute time", used.compute_time_seconds, seconds * cu, "s"),
        ("written data", used.written_data_bytes, OWN_WRITES_BYTES, "bytes"),
        ("data transfer", used.data_transfer_bytes, 0, "bytes"),
    )
    for what, amount, limit, unit in limits:
        if amount is None:
            yield f"its {what} counter is unknown"
        elif amount > limit:
            yield f"its {what} counter is {amount:,} {unit}, but its creation explains only {limit:,.0f}"


def _suspend_seconds(project: LiveProject) -> int:
    """Return the longest suspend timeout of its computes; Neon's default if none is known."""
    stated = [_timeout(endpoint) for endpoint in project.endpoints or ()]
    if NEVER_SUSPEND in stated:
        return NEVER_SUSPEND
    return max(stated, default=DEFAULT_SUSPEND_TIMEOUT_SECONDS)


def _timeout(endpoint: LiveEndpoint) -> int:
    seconds = endpoint.compute.suspend_timeout_seconds
    return DEFAULT_SUSPEND_TIMEOUT_SECONDS if seconds is None else seconds


def _largest_cu(project: LiveProject) -> float:
    return max((endpoint.compute.max_cu or 1.0 for endpoint in project.endpoints or ()), default=1.0)


def _bytes(amount: int | None) -> str:
    return "nothing" if not amount else roughly_bytes(amount)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
