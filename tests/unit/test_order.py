"""What takes longest begins first."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest

from tests.order import longest_first, sizes


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 16])
@pytest.mark.parametrize("tests", [0, 1, 7, 100, 1001])
def test_no_test_is_lost_and_no_other_order_changed(tests: int, workers: int) -> None:
    ordered = longest_first(range(tests), lambda test: test % 10 == 9, workers)
    assert sorted(ordered) == list(range(tests))
    others = [test for test in ordered if test % 10 != 9]
    assert others == sorted(others)


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_each_worker_begins_with_its_part_of_the_long_ones(workers: int) -> None:
    ordered = longest_first(range(1001), lambda test: test < 9, workers)
    bounds = [0, *accumulate(sizes(1001, workers))]
    for start, end in pairwise(bounds):
        own = [test < 9 for test in ordered[start:end]]
        assert sum(own) in (9 // workers, 9 // workers + 1)
        assert own == sorted(own, reverse=True)


def test_each_worker_gets_as_many_as_any_other() -> None:
    assert list(sizes(10, 4)) == [2, 2, 3, 3]
