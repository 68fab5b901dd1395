"""When a commit raised the number that asks for a reset of a branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.files.load import load
from reconciler.files.raised_numbers import raised_numbers
from tests.unit.files.builders import write
from tests.unit.files.test_tombstones import ACME, LINES, SOURCES, START, Repository, git_on

if TYPE_CHECKING:
    from pathlib import Path


def numbered(number: int, labels: str = "") -> dict[str, str | bytes]:
    return {ACME: f"tenant: acme\ntier: free\ndev_branches: [{{name: dev, reset: {number}}}]\n{labels}"}


def raised(root: Path) -> int | None:
    desired = load(root).desired
    assert desired is not None
    at = raised_numbers(root, desired, [("acme", "dev")]).get(("acme", "dev"))
    return None if at is None else (at - START).days


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_it_is_the_commit_that_raised_the_number_and_not_a_later_one(repository: Repository) -> None:
    repository.commit(1, numbered(2))
    repository.commit(2, numbered(3))
    repository.commit(3, numbered(3, "labels: {team: a}\n"))
    assert raised(repository.root) == 2


def test_a_number_that_fell_and_grew_again_was_raised_by_the_last_commit(repository: Repository) -> None:
    for day, number in enumerate((3, 2, 3), start=1):
        repository.commit(day, numbered(number))
    assert raised(repository.root) == 3


def test_a_higher_number_before_counts(repository: Repository) -> None:
    for day, number in enumerate((2, 5, 4), start=1):
        repository.commit(day, numbered(number))
    assert raised(repository.root) == 2


def test_of_author_and_committer_the_earlier_time_counts(repository: Repository) -> None:
    repository.commit(4, numbered(2), authored=1)
    assert raised(repository.root) == 1


def test_a_number_that_no_commit_raised_has_no_time(repository: Repository) -> None:
    """A document that stated a lower one than the line below it was removed."""
    line = '{"tenant": "acme", "tier": "free", "dev_branches": [{"name": "dev", "reset": 5}]}\n'
    repository.commit(1, {**numbered(2), "tiers.yaml": SOURCES, LINES: line})
    (repository.root / ACME).unlink()
    repository.commit(2, {"tiers.yaml": SOURCES})
    assert raised(repository.root) is None


def test_a_number_that_is_not_committed_has_no_time(repository: Repository) -> None:
    write(repository.root, numbered(2))
    assert raised(repository.root) is None


def test_a_history_that_is_cut_off_has_no_time(repository: Repository, tmp_path: Path) -> None:
    repository.commit(1, numbered(2))
    repository.commit(2, numbered(2, "labels: {team: a}\n"))
    shallow = tmp_path / "shallow"
    git_on(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository.root}", str(shallow))
    assert raised(repository.root) == 1
    assert raised(shallow) is None
