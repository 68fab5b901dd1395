"""Every hostile pull request and environment, through every command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import figures
from tests.attacks import account, case
from tests.attacks.attack import Arena, attack
from tests.attacks.processes import Warm
from tests.attacks.stranger import Stranger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CASES = [case.read(name) for name in case.names()]
PULL_REQUESTS = [
    pytest.param(
        each,
        words,
        id=f"{each.name}-{number}" if words else each.name,
        marks=pytest.mark.exhaustive if number > 1 else (),
    )
    for each in CASES
    for number, words in enumerate(each.variants, start=1)
]
"""Of a case with variants, `make test` takes the first and `make faults` the others."""


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with Warm() as warm, Stranger() as stranger:
        yield Arena(account.make(tmp_path_factory.mktemp("account")), warm, stranger)


@pytest.mark.parametrize(("each", "words"), PULL_REQUESTS)
def test_no_key_leaves_no_code_runs_and_nothing_is_forged(
    each: case.Case, words: Mapping[str, str], arena: Arena, tmp_path: Path
) -> None:
    broken = attack(arena, each, words, tmp_path)
    figures.count("hostile pull requests and environments", held=not broken)
    assert not broken, "\n".join([f"{each.name} {words or ''}", *broken])
