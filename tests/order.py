"""Which tests begin first: those that take minutes, with each worker of a parallel run.

At first, each worker gets as many tests as any other, in their order. One that has run all of its own takes over
from the end of another one's (``--dist worksteal``). A test of minutes that begins late keeps all others waiting.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")


def longest_first(tests: Sequence[T], is_long: Callable[[T], bool], workers: int) -> list[T]:
    """The same tests: the long ones are dealt to the workers, and stand first with each."""
    long = [test for test in tests if is_long(test)]
    others = iter([test for test in tests if not is_long(test)])
    ordered: list[T] = []
    for worker, size in enumerate(sizes(len(tests), workers)):
        own = long[worker::workers]
        ordered += [*own, *islice(others, max(0, size - len(own)))]
    return ordered


def sizes(tests: int, workers: int) -> Iterator[int]:
    """How many tests each worker gets at first."""
    left = tests
    for others in range(workers, 0, -1):
        yield left // others
        left -= left // others
