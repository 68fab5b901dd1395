"""Coroutines on virtual time: what they return is handed on as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness import account, runs, scripted_api
from tests.harness.account import world

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class Result:
    """One that notices when it is formatted as text, which may take long."""

    def __init__(self) -> None:
        self.shown = 0

    def __repr__(self) -> str:
        self.shown += 1
        return "a result"


async def result() -> Result:
    return Result()


@pytest.mark.parametrize("way", [account.run, runs.virtually, scripted_api.virtually])
def test_a_result_is_not_formatted(way: Callable[[Coroutine[None, None, Result]], Result]) -> None:
    assert way(result()).shown == 0


def test_nor_is_that_of_a_world() -> None:
    with world() as neon:
        assert neon.run(result()).shown == 0
