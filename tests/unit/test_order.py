"""What takes longest begins first, and what takes seconds not last."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest

from tests.order import LAST, MINUTES, SECONDS, longest_first, sizes


def length(test: int) -> str | None:
    return {8: SECONDS, 9: MINUTES}.get(test % 10)


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 16])
@pytest.mark.parametrize("tests", [0, 1, 7, 100, 1001])
def test_no_test_is_lost_and_the_order_of_short_ones_stays(tests: int, workers: int) -> None:
    ordered = longest_first(range(tests), length, workers)
    assert sorted(ordered) == list(range(tests))
    short = [test for test in ordered if length(test) is None]
    assert short == sorted(short)


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_each_worker_begins_with_its_part_of_the_longest_and_ends_with_short_ones(workers: int) -> None:
    ordered = longest_first(range(1001), length, workers)
    bounds = [0, *accumulate(sizes(1001, workers))]
    for start, end in pairwise(bounds):
        own = [length(test) for test in ordered[start:end]]
        minutes = own.count(MINUTES)
        assert minutes in (100 // workers, 100 // workers + 1)
        assert own[:minutes] == [MINUTES] * minutes
        assert SECONDS in own
        assert SECONDS not in own[len(own) - (len(own) - minutes) // LAST :]


def test_each_worker_gets_as_many_as_any_other() -> None:
    assert list(sizes(10, 4)) == [2, 2, 3, 3]
