"""Commits that arrive during a run: what they change is left to the run of the newest one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from reconciler.daemon_threads import DaemonThreads
from reconciler.errors import ExitCode, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.apply.stop import StopSignal
    from reconciler.plan.newer_commit import NewerCommit

ASK_AFTER_SECONDS: Final = 60.0
"""How old the last answer may be when a unit of work starts."""
ATTEMPTS: Final = 5
PAUSE_SECONDS: Final = 30
"""Between two attempts to ask a remote that does not answer."""
LEFT: Final = "the run of that commit changes the tenant; or run again on it"


class NewerCommits:
    """What the branch of the files has by now, asked anew while the run goes on."""

    def __init__(self, ask: Callable[[], NewerCommit | None] | None, asked_at: float, stop: StopSignal) -> None:
        """``ask`` waits for the answer; None if the files follow no branch. ``asked_at``: when the branch was
        last known to be at the files' commit, by the loop's clock.
        """
        self._ask, self._asked_at, self._stop = ask, asked_at, stop
        self._found: NewerCommit | None = None
        self._lock = asyncio.Lock()

    async def newest(self) -> NewerCommit | None:
        """The commit that the branch is at; None if that is the files'. Ends the run if nobody can tell."""
        if self._ask is None:
            return None
        async with self._lock:
            if not self._stop.requested and not 0 <= _time() - self._asked_at < ASK_AFTER_SECONDS:
                self._found = await self._asked(self._ask)
                self._asked_at = _time()
        return self._found

    async def _asked(self, ask: Callable[[], NewerCommit | None]) -> NewerCommit | None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await asyncio.get_running_loop().run_in_executor(DaemonThreads(), ask)
            except ReconcilerError as error:
                if attempt == ATTEMPTS:
                    why = f"nobody can tell whether a newer commit holds it back: {error}"
                    self._stop.request(why, ExitCode.PARTLY_APPLIED)
            await self._pause()
            if self._stop.requested:
                break
        return self._found

    async def _pause(self) -> None:
        """Wait until the next attempt, or until the run is to end."""
        for _ in range(PAUSE_SECONDS):
            if self._stop.requested:
                return
            await asyncio.sleep(1)


def why_left(newer: NewerCommit) -> str:
    """Why a tenant is left to a newer commit."""
    return f"{newer.ref} is at commit {newer.commit[:12]} by now, which changes what is declared for the tenant"


def _time() -> float:
    return asyncio.get_running_loop().time()
