"""A seed draws the same trials again, and a run of all tests makes as many marked cases as their mark says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests import profiles
from tests.costs import cpu_seconds_of_an_empty_python, not_drawn
from tests.harness.repository import git, needs_git

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CASES = 5
DRAWN = 2


def test_a_seed_draws_the_same_again_and_another_one_others(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    for seed in ("1", "1", "2"):
        monkeypatch.setenv(profiles.SEED, seed)
        drawn.append((profiles.drawn("cases", range(1000), 10), profiles.seeds("trials", 10)))
    assert drawn[0] == drawn[1]
    assert all(one != other for one, other in zip(drawn[0], drawn[2], strict=True))
    assert drawn[0][0] == sorted(drawn[0][0])


def test_where_fewer_are_there_than_are_asked_for_all_are_drawn() -> None:
    assert profiles.drawn("cases", "abc", 7) == ["a", "b", "c"]


@pytest.mark.parametrize(("profile", "count"), [("default", 2), ("ci", 4), ("nightly", 4)])
def test_a_kind_is_left_out_by_the_smallest_run_alone(
    profile: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(profiles.PROFILE, profile)
    found = profiles.drawn("cases", range(100), 2, lambda number: [number // 25])
    assert len(found) == len({number // 25 for number in found}) == count


def test_beyond_one_of_each_kind_others_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(profiles.PROFILE, profiles.CI)
    found = profiles.drawn("cases", range(100), 10, lambda number: [number // 25, f"odd {number % 2}"])
    assert len(found) == 10
    assert {number // 25 for number in found} == {0, 1, 2, 3}
    assert {number % 2 for number in found} == {0, 1}


def test_the_hands_of_a_pack_hold_each_of_it() -> None:
    hands = [profiles.dealt("pack", range(25), hand, 3) for hand in range(9)]
    assert {number for hand in hands for number in hand} == {*range(25)}
    assert all(len({*hand}) == 3 for hand in hands)
    assert profiles.dealt("pack", range(25), 3, 1000) != (once := [*range(25)])
    assert sorted(profiles.dealt("pack", range(25), 3, 1000)) == once


def test_parts_have_seeds_of_their_own() -> None:
    parts = [profiles.seeds("trials", 10, part) for part in range(3)]
    assert len({seed for part in parts for seed in part}) == 30


def test_without_a_seed_it_follows_from_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(profiles.SEED)
    assert profiles.seed() == profiles.seed()
    assert os.environ[profiles.SEED] == str(profiles.seed())


@needs_git
@pytest.mark.parametrize("repository", [False, True], ids=["no repository", "no commit"])
def test_without_a_commit_the_seed_is_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: bool) -> None:
    if repository:
        git(tmp_path, "init")
    monkeypatch.setattr(profiles, "_ROOT", tmp_path)
    monkeypatch.delenv(profiles.SEED)
    assert profiles.seed() == 0


@pytest.mark.parametrize(("profile", "size"), [("default", 1), ("ci", 2), ("nightly", 3)])
def test_a_profile_has_a_size(profile: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(profiles.PROFILE, profile)
    assert profiles.size(1, 2, 3) == size


def test_a_profile_that_there_is_not_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(profiles.PROFILE, "nigthly")
    with pytest.raises(ValueError, match="there are only default, ci, nightly"):
        profiles.size(1, 2, 3)


def cases(request: pytest.FixtureRequest) -> list[pytest.Item]:
    """Those of the test that runs; some may be left out already where a run of all tests draws."""
    return [item for item in request.session.items if item.nodeid.partition("[")[0] in request.node.nodeid]


def kinds(items: Iterable[pytest.Item]) -> list[str]:
    return sorted(item.nodeid.partition("[")[2][0] for item in items)


@pytest.mark.drawn(DRAWN)
@pytest.mark.parametrize("number", range(CASES))
def test_of_marked_cases_so_many_are_drawn(
    number: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(profiles.PROFILE, profiles.DEFAULT)
    here = cases(request)
    assert len(here) - len(not_drawn(here)) == min(DRAWN, len(here))
    assert number < CASES


@pytest.mark.drawn(1, ci=1, each=("kind",))
@pytest.mark.parametrize("number", range(CASES))
@pytest.mark.parametrize("kind", "abc")
def test_of_cases_marked_by_kind_no_kind_is_left_out_in_ci(
    number: int, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(profiles.PROFILE, profiles.CI)
    here = cases(request)
    assert kinds({*here} - not_drawn(here)) == sorted({*kinds(here)})
    assert number < CASES
    assert kind in kinds(here)


def test_an_empty_python_costs_something() -> None:
    assert cpu_seconds_of_an_empty_python() > 0
