"""When a tombstone was written, in real repositories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.files.tombstones import tombstones
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import TIERS, write

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.plan.tombstones import Tombstones

pytestmark = needs_git

START = datetime(2030, 1, 1, tzinfo=UTC)
ACME, CEDAR = "tenants/acme.yaml", "tenants/cedar.yaml"
LIVES = "tenant: acme\ntier: free\n"
ABSENT = "tenant: acme\ntier: free\nstate: absent\n"
CEDAR_ABSENT = ABSENT.replace("acme", "cedar")


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def git_on(root: Path, *arguments: str, at: int = 0, authored: int | None = None) -> str:
    """Runs a git command on that day."""
    times = {
        "GIT_COMMITTER_DATE": day(at).isoformat(),
        "GIT_AUTHOR_DATE": day(at if authored is None else authored).isoformat(),
    }
    return git(root, *arguments, environ=times)


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        git_on(root, "init", "--quiet", "--initial-branch=main")
        self.commit(0, {"tiers.yaml": TIERS, ACME: LIVES})

    def commit(self, at: int, files: dict[str, str | bytes], authored: int | None = None) -> None:
        write(self.root, files)
        git_on(self.root, "add", "--all")
        git_on(self.root, "commit", "--quiet", "--allow-empty", "--message=x", at=at, authored=authored)

    def written(self, **files: str) -> dict[str, int]:
        found = tombstones(self.root, {name: (path,) for name, path in (files or {"acme": ACME}).items()}).written
        return {name: (at - START).days for name, at in found.items()}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


class TestOfATombstone:
    def test_the_first_commit_that_has_it_counts(self, repository: Repository) -> None:
        repository.commit(1, {ACME: ABSENT})
        repository.commit(2, {CEDAR: CEDAR_ABSENT})
        repository.commit(3, {ACME: ABSENT + "# closed its account\n"})
        repository.commit(4, {"README": "x"})
        assert repository.written(acme=ACME, cedar=CEDAR) == {"acme": 1, "cedar": 2}
        assert tombstones(repository.root, {"acme": (ACME,)}).newest == day(4)

    def test_a_second_one_is_as_old_as_itself(self, repository: Repository) -> None:
        repository.commit(1, {ACME: ABSENT})
        repository.commit(2, {ACME: LIVES})
        repository.commit(3, {ACME: ABSENT})
        assert repository.written() == {"acme": 3}

    def test_a_file_that_moved_is_followed(self, repository: Repository) -> None:
        repository.commit(1, {ACME: ABSENT})
        git_on(repository.root, "mv", ACME, "tenants/gone.yaml")
        (repository.root / "tenants/gone.yaml").write_text(f"{ABSENT}---\n{CEDAR_ABSENT}", encoding="utf-8")
        repository.commit(2, {})
        assert repository.written(acme="tenants/gone.yaml", cedar="tenants/gone.yaml") == {"acme": 1, "cedar": 2}

    def test_of_author_and_committer_the_earlier_one_counts(self, repository: Repository) -> None:
        repository.commit(9, {ACME: ABSENT}, authored=2)
        assert repository.written() == {"acme": 2}

    def test_of_a_clock_that_is_ahead_an_earlier_date_of_a_later_commit_counts(
        self, repository: Repository
    ) -> None:
        repository.commit(9, {ACME: ABSENT})
        repository.commit(2, {"README": "x"})
        assert repository.written() == {"acme": 2}

    def test_of_a_clock_that_is_ahead_the_time_of_a_tag_counts(self, repository: Repository) -> None:
        """A run that moves the tag of its base shows that the commit existed then."""
        repository.commit(1, {ACME: LIVES})
        git_on(repository.root, "tag", "--annotate", "--message=x", "before", at=1)
        repository.commit(9, {ACME: ABSENT})
        git_on(repository.root, "tag", "--annotate", "--message=x", "applied", at=3)
        git_on(repository.root, "tag", "light")
        repository.commit(9, {"README": "x"})
        assert repository.written() == {"acme": 3}

    def test_of_a_merge_the_commit_of_the_branch_counts(self, repository: Repository) -> None:
        git_on(repository.root, "checkout", "--quiet", "-b", "feature")
        repository.commit(1, {ACME: ABSENT})
        git_on(repository.root, "checkout", "--quiet", "main")
        repository.commit(2, {"README": "x"})
        git_on(repository.root, "merge", "--quiet", "--no-ff", "--message=x", "feature", at=8)
        repository.commit(9, {"README": "y"})
        assert repository.written() == {"acme": 1}

    def test_that_a_branch_still_has_the_oldest_counts(self, repository: Repository) -> None:
        repository.commit(1, {ACME: ABSENT})
        git_on(repository.root, "branch", "feature")
        repository.commit(2, {ACME: LIVES})
        repository.commit(3, {ACME: ABSENT})
        git_on(repository.root, "checkout", "--quiet", "feature")
        repository.commit(4, {"README": "x"})
        git_on(repository.root, "checkout", "--quiet", "main")
        git_on(repository.root, "merge", "--quiet", "--no-ff", "--message=x", "feature", at=5)
        assert repository.written() == {"acme": 1}

    def test_a_commit_that_nobody_can_read_does_not_make_it_younger(self, repository: Repository) -> None:
        repository.commit(1, {ACME: ABSENT})
        repository.commit(2, {ACME: ABSENT + "teir: x\n"})
        repository.commit(3, {ACME: ABSENT, "tiers.yaml": "["})
        repository.commit(4, {ACME: ABSENT + "# x\n", "tiers.yaml": TIERS})
        assert repository.written() == {"acme": 1}

    def test_in_a_shallow_clone_it_is_as_old_as_the_last_commit_there(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        repository.commit(1, {ACME: ABSENT})
        repository.commit(2, {"README": "x"})
        git_on(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tmp_path}", "clone")
        found = tombstones(tmp_path / "clone", {"acme": (ACME,)}).written
        assert found == {"acme": day(2)}


LINES = "fleet/all.ndjson"
PRESENT_LINE, ABSENT_LINE = (
    f'{{"tenant": "acme", "tier": "free", "state": "{state}"}}\n' for state in ("present", "absent")
)
PRESENT = LIVES + "state: present\n"
SOURCES = TIERS + 'tenants: [{files: "tenants/**/*.yaml"}, {ndjson: "fleet/*.ndjson"}]\n'


class TestALineBelowADocument:
    """Whoever removes the document makes no tombstone."""

    @pytest.fixture
    def covered(self, repository: Repository) -> Repository:
        """The document keeps the tenant that the line declares absent."""
        self.commit(repository, 1, {LINES: ABSENT_LINE, ACME: PRESENT})
        return repository

    def commit(self, repository: Repository, at: int, files: dict[str, str | bytes]) -> None:
        repository.commit(at, {"tiers.yaml": SOURCES, **files})

    def removed(self, repository: Repository, at: int, line: str) -> Tombstones:
        (repository.root / ACME).unlink()
        self.commit(repository, at, {LINES: line})
        return tombstones(repository.root, {"acme": (LINES,)})

    @pytest.mark.parametrize("line", [ABSENT_LINE, ABSENT_LINE + '{"tenant": "cedar", "tier": "free"}\n'])
    def test_names_the_document_that_denied_it(self, covered: Repository, line: str) -> None:
        found = self.removed(covered, 4, line)
        assert (found.uncovered, found.written) == ({"acme": ACME}, {"acme": day(4)})

    def test_names_it_also_while_its_removal_is_not_committed_and_after_later_commits(
        self, covered: Repository
    ) -> None:
        (covered.root / ACME).unlink()
        assert tombstones(covered.root, {"acme": (LINES,)}).uncovered == {"acme": ACME}
        self.commits_after(covered)
        assert tombstones(covered.root, {"acme": (LINES,)}).uncovered == {"acme": ACME}

    def commits_after(self, repository: Repository) -> None:
        self.commit(repository, 4, {"README": "x"})
        git_on(repository.root, "checkout", "--quiet", "-b", "feature")
        self.commit(repository, 5, {"README": "y"})
        git_on(repository.root, "checkout", "--quiet", "main")
        self.commit(repository, 6, {CEDAR: "tenant: cedar\ntier: free\n"})
        git_on(repository.root, "merge", "--quiet", "--no-ff", "--message=x", "feature", at=8)

    def test_that_the_same_commit_makes_a_tombstone_is_one(self, repository: Repository) -> None:
        self.commit(repository, 1, {LINES: PRESENT_LINE, ACME: PRESENT})
        found = self.removed(repository, 4, ABSENT_LINE)
        assert (found.uncovered, found.written) == ({}, {"acme": day(4)})

    def test_that_the_document_did_not_deny_is_one(self, repository: Repository) -> None:
        self.commit(repository, 1, {LINES: ABSENT_LINE, ACME: "tenant: acme\nlabels: {a: b}\n"})
        found = self.removed(repository, 4, ABSENT_LINE)
        assert (found.uncovered, found.written) == ({}, {"acme": day(1)})


class TestNothingIsKnown:
    def test_of_one_that_is_being_written(self, repository: Repository) -> None:
        write(repository.root, {ACME: ABSENT, CEDAR: CEDAR_ABSENT})
        assert repository.written(acme=ACME, cedar=CEDAR) == {}

    def test_outside_a_repository(self, tmp_path: Path) -> None:
        write(tmp_path, {"tiers.yaml": TIERS, ACME: ABSENT})
        assert tombstones(tmp_path, {"acme": (ACME,)}).written == {}
