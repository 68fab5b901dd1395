"""Every hostile pull request and environment, through every command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests import figures
from tests.attacks import account, case, in_ci
from tests.attacks.attack import Arena, attack
from tests.attacks.stranger import Stranger
from tests.harness.github_api import DESCRIPTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.harness.forks import Warm

needs_npm = pytest.mark.skipif(
    not DESCRIPTION.exists() and "CI" not in os.environ, reason="npm ci --prefix tests/forge"
)
CASES = [case.read(name) for name in case.names()]
OTHER_WORDS = [
    pytest.param(each, words, id=f"{each.name}-{number}")
    for each in CASES
    for number, words in enumerate(each.variants[1:], start=2)
]
"""Further variants of a case, which meet fewer commands."""

BROUGHT = [
    each
    for each in CASES
    if not each.environment.merged
    and any((each.folder / name).exists() for name in ("pull-request", "prepare.sh"))
]
"""Cases whose commit is the attack, or a part of it."""


@pytest.fixture(scope="session")
def arena(warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with Stranger() as stranger:
        yield Arena(account.make(tmp_path_factory.mktemp("account")), warm, stranger)


@pytest.mark.drawn(4)
@pytest.mark.parametrize("each", CASES, ids=[each.name for each in CASES])
def test_no_key_leaves_no_code_runs_and_nothing_is_forged(each: case.Case, arena: Arena, tmp_path: Path) -> None:
    check(each, each.variants[0], arena, tmp_path)


@pytest.mark.drawn(2, ci=40)
@pytest.mark.parametrize(("each", "words"), OTHER_WORDS)
def test_nor_do_other_words(each: case.Case, words: Mapping[str, str], arena: Arena, tmp_path: Path) -> None:
    check(each, words, arena, tmp_path)


def check(each: case.Case, words: Mapping[str, str], arena: Arena, tmp_path: Path) -> None:
    broken = attack(arena, each, words, tmp_path)
    figures.count("hostile pull requests and environments", held=not broken)
    assert not broken, "\n".join([f"{each.name} {words or ''}", *broken])


@needs_npm
@pytest.mark.drawn(2, ci=36, each=("each", "fork"))
@pytest.mark.parametrize("fork", [False, True], ids=["with-keys", "from-a-fork"])
@pytest.mark.parametrize("each", BROUGHT, ids=[each.name for each in BROUGHT])
def test_no_key_leaves_by_the_workflow_of_pull_requests(
    each: case.Case, fork: bool, arena: Arena, tmp_path: Path
) -> None:
    broken = in_ci.attack(arena, each, each.variants[0], tmp_path, fork=fork)
    figures.count("hostile pull requests through the workflow", held=not broken)
    assert not broken, "\n".join([each.name, *broken])


def test_thirty_pull_requests_and_more_go_through_the_workflow() -> None:
    assert len(BROUGHT) >= 30
