"""What all calls of one process on one fleet have in common, whichever of its connections they go by.

A web service may connect for each request. So that two requests about one tenant know of each other, this is
kept by event loop, fleet and account, and goes with the loop.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from reconciler.apply.just_made import JustMade
from reconciler.apply.line import Line

if TYPE_CHECKING:
    from reconciler.neon.client import Neon


@dataclass(frozen=True, slots=True)
class Common:
    """The line in which calls about few tenants stand, and the projects that they made a moment ago."""

    line: Line[Any] = field(default_factory=Line)
    just_made: JustMade = field(default_factory=JustMade)

    @property
    def idle(self) -> bool:
        """Whether there is nothing to be remembered."""
        return self.line.empty and not self.just_made.rows(None)


_OF_LOOPS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, list[tuple[object, Common]]]] = WeakKeyDictionary()


def common(fleet: str, neon: Neon) -> Common:
    """Of the running loop. What is idle is kept no longer than until another one begins."""
    known = _OF_LOOPS.setdefault(asyncio.get_running_loop(), [])
    place = (fleet, neon.place)
    for other, found in known:
        if other == place:
            return found
    begun = Common()
    known[:] = [*((other, found) for other, found in known if not found.idle), (place, begun)]
    return begun
