"""The line of calls about the same tenants: one after the other; those that ask for the same share a result."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine

    from reconciler.apply.under_way import UnderWay

T = TypeVar("T")


@dataclass(slots=True)
class _Place(Generic[T]):
    """One call's place in the line, with all that have joined it."""

    names: frozenset[str]
    request: object
    task: asyncio.Task[T]
    waiting: int = 0
    left: bool = False
    """Whether all who waited have been cancelled: nobody joins it any more."""


@dataclass(frozen=True, slots=True)
class Shared(Generic[T]):
    """What came of a call."""

    result: T
    joined: bool
    """Whether the work was begun for an earlier call that asked for the same."""


class Line(Generic[T]):
    """A place for each call; calls about different tenants do not wait for each other."""

    def __init__(self) -> None:
        self._last: dict[str, _Place[T]] = {}
        """The last place of each tenant in the line."""

    @property
    def empty(self) -> bool:
        """Whether no call is under way."""
        return not self._last

    async def result(
        self,
        names: Collection[str],
        request: object,
        begin: Callable[[], Coroutine[Any, Any, T]],
        under_way: UnderWay,
    ) -> Shared[T]:
        """Begins the work once all earlier calls about any of the tenants have ended.

        Where the last of these is about the same tenants and its ``request`` is equal, its result is shared. The
        work is cancelled once everybody who waits for it has been.
        """
        place = self._same(frozenset(names), request)
        joined = place is not None
        place = place or self._take(frozenset(names), request, begin, under_way)
        return Shared(await self._wait(place), joined)

    async def passed(self, names: Collection[str]) -> None:
        """Waits until no call about any of the tenants is under way."""
        while tasks := self._earlier(names):
            await asyncio.wait(tasks)

    def _same(self, names: frozenset[str], request: object) -> _Place[T] | None:
        places = [self._last.get(name) for name in names]
        first = places[0] if places else None
        if first is None or any(place is not first for place in places):
            return None
        same = not first.left and first.names == names and first.request == request
        return first if same else None

    def _take(
        self,
        names: frozenset[str],
        request: object,
        begin: Callable[[], Coroutine[Any, Any, T]],
        under_way: UnderWay,
    ) -> _Place[T]:
        task = under_way.begin(_after(self._earlier(names), begin))
        place = _Place(names, request, task)
        self._last.update(dict.fromkeys(names, place))
        task.add_done_callback(lambda _: self._leave(place))
        return place

    def _earlier(self, names: Collection[str]) -> list[asyncio.Task[T]]:
        """Each of them waits for those before it in its turn."""
        places = (self._last[name] for name in names if name in self._last)
        return list(dict.fromkeys(place.task for place in places))

    def _leave(self, place: _Place[T]) -> None:
        for name in place.names:
            if self._last.get(name) is place:
                del self._last[name]

    async def _wait(self, place: _Place[T]) -> T:
        place.waiting += 1
        try:
            return await asyncio.shield(place.task)
        except asyncio.CancelledError:
            if place.waiting == 1:
                place.left = True
                place.task.cancel()
                await asyncio.wait([place.task])
            raise
        finally:
            place.waiting -= 1


async def _after(earlier: Collection[asyncio.Task[T]], begin: Callable[[], Coroutine[Any, Any, T]]) -> T:
    if earlier:
        await asyncio.wait(earlier)
    return await begin()
