"""What git holds of tenants' files: of everything else nobody can tell what was asked for before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.files.git import load_at
from reconciler.files.load import load
from reconciler.files.tracked import declared_at_head, missing_in_git, removed_without_commit, uncommitted
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import TIERS, write
from tests.unit.files.test_git import repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = needs_git

SOURCES = 'tenants: [{files: "tenants/**/*.yaml"}, {files: "more/*.yaml"}, {ndjson: "lines/*.ndjson"}]\n'
LINES = "lines/all.ndjson"
LINE = '{"tenant": "acme", "tier": "free", "overrides": {"quota": {"data_transfer": "%sGiB"}}}\n'
ON_TOP = "tenant: acme\nlabels: {team: eu}\n"
BOTH = "tenant: b\ntier: free\n---\ntenant: c\ntier: free\n---\ntenant: d\ntier: free\n"
OVERLOOKING = ["--assume-unchanged", "--skip-worktree"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Acme is a line with a document on top of it; b, c and d stand in one file."""
    files: dict[str, str | bytes] = {
        LINES: LINE % 50,
        "tenants/acme.yaml": ON_TOP,
        "tenants/both.yaml": BOTH,
        "tiers.yaml": TIERS + SOURCES,
    }
    return repository(tmp_path / "r", files, files)


def not_held(root: Path) -> set[str]:
    """The tenants that git does not hold, compared with the last commit."""
    desired, base = load(root).desired, load_at(root, "HEAD").desired
    assert desired is not None
    tenants = {} if base is None else base.tenants
    changed = {name for name, tenant in desired.tenants.items() if tenants.get(name) != tenant}
    return set(uncommitted(root, desired.tenants, changed))


def edit(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text(text)


def test_all_that_is_committed_is_held(root: Path) -> None:
    assert not_held(root) == set()
    edit(root, LINES, LINE % 20)
    git(root, "commit", "--all", "--quiet", "--message=x")
    assert not_held(root) == set()


class TestAnEditThatGitShowsIsHeld:
    def test_of_a_line_or_a_document(self, root: Path) -> None:
        edit(root, LINES, LINE % 20)
        edit(root, "tenants/both.yaml", BOTH.replace("free", "pro"))
        assert not_held(root) == set()
        git(root, "add", "--all")
        assert not_held(root) == set()

    def test_of_a_line_that_is_removed_with_its_file(self, root: Path) -> None:
        (root / LINES).unlink()
        edit(root, "tenants/acme.yaml", f"{ON_TOP}tier: free\n")
        assert not_held(root) == set()

    def test_of_what_links_lead_to(self, root: Path) -> None:
        edit(root, "real/made", "tenant: x\ntier: free\n")
        (root / "real/x.yaml").symlink_to("made")
        (root / "more").symlink_to("real")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message=x")
        edit(root, "real/made", "tenant: x\ntier: pro\n")
        assert not_held(root) == set()

    def test_of_its_line_ends_alone(self, root: Path) -> None:
        git(root, "update-index", "--assume-unchanged", LINES)
        (root / LINES).write_bytes((LINE % 50).replace("\n", "\r\n").encode())
        assert not_held(root) == set()


def ignored_line(root: Path) -> None:
    """A second file of lines, which git ignores, under the document that HEAD has."""
    git(root, "rm", "--quiet", "--cached", LINES)
    edit(root, ".gitignore", "lines/\n")
    git(root, "add", ".gitignore")
    git(root, "commit", "--quiet", "--message=x")


def untracked_line(root: Path) -> None:
    git(root, "rm", "--quiet", "--cached", LINES)
    git(root, "commit", "--quiet", "--message=x")


def no_longer_in_the_index(root: Path) -> None:
    """The next commit removes the file: nobody sees what else is changed in it."""
    git(root, "rm", "--quiet", "--cached", LINES)
    edit(root, LINES, LINE % 20)


def added_and_not_committed(root: Path) -> None:
    untracked_line(root)
    git(root, "add", LINES)


def a_link_to_an_ignored_file(root: Path) -> None:
    edit(root, ".gitignore", "made\n")
    edit(root, "tenants/made", ON_TOP)
    (root / "tenants/acme.yaml").unlink()
    (root / "tenants/acme.yaml").symlink_to("made")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=x")


@pytest.mark.parametrize(
    "hide",
    [ignored_line, untracked_line, no_longer_in_the_index, added_and_not_committed, a_link_to_an_ignored_file],
)
def test_a_tenant_is_held_only_with_every_file_that_it_is_made_of(
    root: Path, hide: Callable[[Path], None]
) -> None:
    hide(root)
    assert not_held(root) == {"acme"}


@pytest.mark.parametrize("flag", OVERLOOKING)
class TestAnEditThatGitOverlooksIsNotHeld:
    def test_of_the_line_under_a_document(self, root: Path, flag: str) -> None:
        git(root, "update-index", flag, LINES)
        edit(root, LINES, LINE % 20)
        assert not_held(root) == {"acme"}

    def test_that_takes_the_line_away(self, root: Path, flag: str) -> None:
        """What is left is made of a file that git holds, and yet less than HEAD says."""
        git(root, "update-index", flag, LINES)
        edit(root, LINES, "\n")
        edit(root, "tenants/acme.yaml", f"{ON_TOP}tier: free\n")
        assert not_held(root) == {"acme"}

    def test_that_takes_the_file_of_lines_away(self, root: Path, flag: str) -> None:
        git(root, "update-index", flag, LINES)
        (root / LINES).unlink()
        edit(root, "tenants/acme.yaml", f"{ON_TOP}tier: free\n")
        assert not_held(root) == {"acme"}

    def test_of_one_document_of_several(self, root: Path, flag: str) -> None:
        git(root, "update-index", flag, "tenants/both.yaml")
        edit(root, "tenants/both.yaml", BOTH.replace("free", "pro", 1))
        assert not_held(root) == {"b"}

    def test_beside_a_staged_one(self, root: Path, flag: str) -> None:
        edit(root, LINES, LINE % 40)
        git(root, "add", LINES)
        git(root, "update-index", flag, LINES)
        edit(root, LINES, LINE % 20)
        assert not_held(root) == {"acme"}

    def test_of_what_a_link_to_the_folder_leads_to(self, root: Path, flag: str) -> None:
        (root / "lines").rename(root / "real")
        (root / "lines").symlink_to("real")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message=x")
        git(root, "update-index", flag, "real/all.ndjson")
        edit(root, "real/all.ndjson", LINE % 20)
        assert not_held(root) == {"acme"}

    def test_of_a_link_that_leads_elsewhere_now(self, root: Path, flag: str) -> None:
        edit(root, "tenants/large", ON_TOP)
        edit(root, "tenants/small", ON_TOP.replace("eu", "us"))
        file = root / "tenants/acme.yaml"
        file.unlink()
        file.symlink_to("large")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message=x")
        git(root, "update-index", flag, "tenants/acme.yaml")
        file.unlink()
        file.symlink_to("small")
        assert not_held(root) == {"acme"}

    def test_that_takes_a_tenant_out(self, root: Path, flag: str) -> None:
        git(root, "update-index", flag, "tenants/both.yaml")
        edit(root, "tenants/both.yaml", BOTH.rpartition("---")[0])
        desired = load(root).desired
        assert desired is not None
        assert removed_without_commit(root, desired) == {"d"}

    def test_of_the_price_list(self, root: Path, flag: str) -> None:
        git(root, "update-index", flag, "tiers.yaml")
        assert missing_in_git(root, "tiers.yaml") is None
        edit(root, "tiers.yaml", f"{TIERS}{SOURCES}# more\n")
        assert missing_in_git(root, "tiers.yaml") == "is configured to ignore an edit of tiers.yaml"


class TestWhatAFilterWritesIsNotHeld:
    """Git compares what the filter makes of the file: its status is clean, and no commit has what is on disk."""

    @pytest.fixture
    def filtered(self, root: Path) -> Path:
        git(root, "config", "filter.x.smudge", "sed s/50GiB/20GiB/")
        git(root, "config", "filter.x.clean", "sed s/20GiB/50GiB/")
        edit(root, ".gitattributes", f"{LINES} filter=x\ntiers.yaml filter=x\n")
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message=x")
        return root

    def test_of_a_line(self, filtered: Path) -> None:
        assert not_held(filtered) == set()
        (filtered / LINES).unlink()
        git(filtered, "checkout", "--", LINES)
        assert "20GiB" in (filtered / LINES).read_text()
        assert git(filtered, "status", "--porcelain") == ""
        assert not_held(filtered) == {"acme"}

    def test_of_the_price_list(self, filtered: Path) -> None:
        assert missing_in_git(filtered, "tiers.yaml") is None
        edit(filtered, "tiers.yaml", f"{TIERS}{SOURCES}# another\n")
        assert missing_in_git(filtered, "tiers.yaml") == "is configured to ignore an edit of tiers.yaml"

    def test_a_file_that_is_gone_is_shown(self, filtered: Path) -> None:
        (filtered / LINES).unlink()
        edit(filtered, "tenants/acme.yaml", f"{ON_TOP}tier: free\n")
        assert not_held(filtered) == set()


def test_what_git_shows_that_somebody_takes_out_is_taken_out(root: Path) -> None:
    edit(root, "tenants/both.yaml", BOTH.rpartition("---")[0])
    desired = load(root).desired
    assert desired is not None
    assert removed_without_commit(root, desired) == set()


def test_a_price_list_that_no_commit_has_is_not_held(root: Path) -> None:
    git(root, "rm", "--quiet", "--cached", "tiers.yaml")
    git(root, "commit", "--quiet", "--message=x")
    assert missing_in_git(root, "tiers.yaml") == "does not hold tiers.yaml"


def test_whom_the_last_commit_declares(root: Path) -> None:
    """Not whom a file that it has declares since: a document of it, or a line."""
    edit(root, "tenants/both.yaml", f"{BOTH}---\ntenant: new\ntier: free\n")
    assert declared_at_head(root, ["b", "new", "nobody"]) == {"b"}
    edit(root, "tenants/both.yaml", f"{BOTH}---\ntenant: e\n")
    git(root, "commit", "--all", "--quiet", "--message=x")
    assert declared_at_head(root, ["b", "e", "new"]) == {"b", "e"}, "a broken file may declare them"


def test_outside_of_git_nobody_can_tell_either_and_all_is_as_if_held(tmp_path: Path) -> None:
    desired = load(write(tmp_path, {"tenants/acme.yaml": "tenant: acme\ntier: free\n"})).desired
    assert desired is not None
    assert uncommitted(tmp_path, desired.tenants, desired.tenants) == set()
    assert missing_in_git(tmp_path, "tiers.yaml") is None
    assert declared_at_head(tmp_path, ["acme"]) == set()
    assert removed_without_commit(tmp_path, desired) == set()
