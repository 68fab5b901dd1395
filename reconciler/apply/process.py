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


_OF_LOOPS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, Common]]] = WeakKeyDictionary()


def common(fleet: str, neon: Neon) -> Common:
    """Of the running loop."""
    places = _OF_LOOPS.setdefault(asyncio.get_running_loop(), {})
    return places.setdefault((fleet, neon.place), Common())
