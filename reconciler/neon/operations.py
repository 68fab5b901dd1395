"""Neon's asynchronous operations, which a write starts, and waiting for their end."""

from __future__ import annotations

import asyncio
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations
from sys import intern
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from reconciler.errors import OperationFailedError
from reconciler.model.moments import utc

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

ENDED_WELL: Final = frozenset({"finished", "skipped"})
ENDED_BADLY: Final = frozenset({"error", "cancelled"})
RUNNING: Final = frozenset({"scheduling", "running"})
MAY_RECOVER: Final = "failed"
"""Neon: not final; Neon may retry a failed operation."""

RECOVERY_SECONDS: Final = 30.0
"""How long to wait for Neon to retry a failed operation."""
LIMIT_SECONDS: Final = 300.0
"""The maximum wait. It ends then whatever the status is."""
FIRST_PAUSE_SECONDS: Final = 0.3
LONGEST_PAUSE_SECONDS: Final = 5.0
PAUSE_GROWTH: Final = 1.5


_UUID: Final = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
"""Neon: the id of an operation is a UUID. Another one in an answer is damage, and is never asked for."""


class Operation(Struct, frozen=True):
    """One operation, with the member names of the API (Neon: Operation)."""

    id: Annotated[str, Meta(pattern=_UUID)]
    action: str
    status: str
    failures_count: int = 0
    error: str | None = None
    created_at: datetime | None = None

    def __post_init__(self) -> None:
        """Converts the time to UTC: Neon may give any time zone, or none.

        Keeps equal words once: of many new projects, the operations wait for one check.
        """
        force_setattr(self, "action", intern(self.action))
        force_setattr(self, "status", intern(self.status))
        if self.created_at is not None:
            force_setattr(self, "created_at", utc(self.created_at))

    @property
    def ended_well(self) -> bool:
        """Whether it has ended without an error."""
        return self.status in ENDED_WELL


async def wait_for(
    operations: Iterable[Operation], poll: Callable[[tuple[str, ...]], Awaitable[Iterable[Operation]]]
) -> None:
    """Poll until every operation has ended well. ``poll`` takes the ids of those still pending.

    Raises OperationFailedError for one that ended badly, did not recover, or did not end in time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LIMIT_SECONDS
    failing_since: dict[str, float] = {}
    pause_seconds = FIRST_PAUSE_SECONDS
    pending = _pending(operations, failing_since, loop.time())
    while pending:
        if loop.time() >= deadline:
            raise OperationFailedError(f"{_names(pending)} did not end within {LIMIT_SECONDS:.0f} s")
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * PAUSE_GROWTH, LONGEST_PAUSE_SECONDS)
        pending = _pending(await poll(tuple(operation.id for operation in pending)), failing_since, loop.time())


def _pending(operations: Iterable[Operation], failing_since: dict[str, float], now: float) -> list[Operation]:
    pending = [operation for operation in operations if not operation.ended_well]
    for operation in pending:
        if operation.status != MAY_RECOVER:
            failing_since.pop(operation.id, None)
            failing_seconds = 0.0
        else:
            failing_seconds = now - failing_since.setdefault(operation.id, now)
        if operation.status in ENDED_BADLY or failing_seconds >= RECOVERY_SECONDS:
            raise OperationFailedError(_failure(operation), hint="Neon's console shows the project's operations")
    return pending


def _failure(operation: Operation) -> str:
    why = f": {operation.error}" if operation.error else ""
    return f"operation {operation.action} ({operation.id}) ended as {operation.status!r}{why}"


def _names(operations: Iterable[Operation]) -> str:
    return ", ".join(f"operation {operation.action} ({operation.status})" for operation in operations)
