"""Which tests begin first with each worker of a parallel run: those that take minutes. None of seconds comes last.

At first, each worker gets as many tests as any other, in their order. One that has run all of its own takes over
from the end of another one's (``--dist worksteal``). A long test that begins late keeps all others waiting.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

MINUTES, SECONDS = "exhaustive", "slow"
"""The marks of tests that take as long."""
LAST: Final = 4
"""In the last quarter of its tests, a worker has none of seconds."""


def longest_first(tests: Sequence[T], length: Callable[[T], str | None], workers: int) -> list[T]:
    """The same tests. Those of minutes are dealt to the workers, and stand first with each."""
    long = [test for test in tests if length(test) == MINUTES]
    others = iter([test for test in tests if length(test) != MINUTES])
    ordered: list[T] = []
    for worker, size in enumerate(sizes(len(tests), workers)):
        own = long[worker::workers]
        ordered += [*own, *_short_last([*islice(others, max(0, size - len(own)))], length)]
    return ordered


def sizes(tests: int, workers: int) -> Iterator[int]:
    """How many tests each worker gets at first."""
    left = tests
    for others in range(workers, 0, -1):
        yield left // others
        left -= left // others


def _short_last(tests: Sequence[T], length: Callable[[T], str | None]) -> list[T]:
    """The last quarter is that of the short ones which were last."""
    short = [place for place, test in enumerate(tests) if length(test) is None]
    last = {*short[len(short) - min(len(short), len(tests) // LAST) :]}
    first = [test for place, test in enumerate(tests) if place not in last]
    return [*first, *(tests[place] for place in sorted(last))]
