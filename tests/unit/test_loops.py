"""Coroutines on virtual time: what they return is handed on as it is."""

from __future__ import annotations

import pytest

from tests.harness import account, runs, scripted_api
from tests.harness.account import world


class NeverShown:
    """A result that would take long to be shown."""

    def __repr__(self) -> str:
        raise AssertionError("the result is formatted as text")


async def result() -> NeverShown:
    return NeverShown()


@pytest.mark.parametrize("way", [account.run, runs.virtually, scripted_api.virtually])
def test_a_result_is_not_formatted(way: object) -> None:
    assert callable(way)
    assert type(way(result())) is NeverShown


def test_nor_is_that_of_a_world() -> None:
    with world() as neon:
        assert type(neon.run(result())) is NeverShown
