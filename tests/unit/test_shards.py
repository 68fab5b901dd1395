"""--shard I/N, and --shard auto from what CI systems set."""

from __future__ import annotations

import pytest

from reconciler.cli.shards import read_shard
from reconciler.environment import Environment
from reconciler.errors import InvalidInputError

GITHUB = {"RECONCILER_SHARD_INDEX": "0", "RECONCILER_SHARDS": "8"}
KUBERNETES = {"JOB_COMPLETION_INDEX": "7", "RECONCILER_SHARDS": "8"}
GITLAB = {"CI_NODE_INDEX": "3", "CI_NODE_TOTAL": "4"}


@pytest.mark.parametrize(
    ("values", "part"),
    [(GITHUB, (1, 8)), (KUBERNETES, (8, 8)), (GITLAB, (3, 4)), ({**GITLAB, **GITHUB}, (1, 8))],
)
def test_auto_is_the_number_of_the_job(values: dict[str, str], part: tuple[int, int]) -> None:
    assert read_shard("auto", Environment(values)) == part


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "no variable says which part this is"),
        ({"CI_NODE_INDEX": "3"}, r"\$CI_NODE_TOTAL is not set"),
        ({"JOB_COMPLETION_INDEX": "8", "RECONCILER_SHARDS": "8"}, "is 8, and .* is 8"),
        ({"CI_NODE_INDEX": "0", "CI_NODE_TOTAL": "4"}, "is 0, and .* is 4"),
        ({"CI_NODE_INDEX": "napi_secret", "CI_NODE_TOTAL": "4"}, r"\$CI_NODE_INDEX is not a number"),
        ({"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "9" * 5000}, r"\$CI_NODE_TOTAL is not a number"),
    ],
)
def test_what_says_no_part_is_an_error_that_prints_no_value(values: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidInputError, match=told) as raised:
        read_shard("auto", Environment(values))
    assert "napi" not in f"{raised.value}{raised.value.hint}"


def test_a_part_is_written_as_two_numbers() -> None:
    assert read_shard("2/8", Environment({})) == (2, 8)


@pytest.mark.parametrize("text", ["", "8", "0/8", "9/8", "1/0", "a/b", "1/2/3", "²/8", "1/" + "9" * 5000])
def test_no_other_part_exists(text: str) -> None:
    with pytest.raises(InvalidInputError, match="--shard takes I/N"):
        read_shard(text, Environment({}))
