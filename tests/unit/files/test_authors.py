"""Who wrote what the files ask for: commits since the base, and lines of shared files by blame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.files import authors as authors_module
from reconciler.files.authors import authors
from reconciler.files.load import load
from reconciler.plan.authors import FileKey
from tests.harness.repository import git, needs_git

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.plan.plan import Authored

pytestmark = needs_git

TIERS: Final = """\
version: 1
fleet: prod
naming: {{project: "myapp-{{tenant}}"}}
organizations:
  free: {{id: "${{FREE_ORG_ID}}", api_key: "${{FREE_ORG_API_KEY}}"}}
tiers:
  free:
    organization: free
    restore_window: {window}
    compute:
      min_cu: 0.25
      max_cu: {size}
"""
SIZE: Final = FileKey("free", None, "compute.max_cu")
WINDOW: Final = FileKey("free", None, "restore_window_seconds")
ACME: Final = FileKey(None, "acme", "overrides.compute.max_cu")


def write(root: Path, *, size: str = "1", window: str = "1d", acme: str = "") -> None:
    (root / "tenants").mkdir(exist_ok=True)
    (root / "tiers.yaml").write_text(TIERS.format(size=size, window=window))
    (root / "tenants/acme.yaml").write_text(f"tenant: acme\ntier: free\n{acme}")


def commit(root: Path, subject: str, author: str = "Ada") -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", subject, "--author", f"{author} <a@example.org>")
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A fleet with one commit, the tag ``base``."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path)
    commit(tmp_path, "files")
    git(tmp_path, "tag", "base")
    return tmp_path


def found(root: Path, *places: FileKey, at: str | None = None) -> dict[FileKey, Authored]:
    desired = load(root).desired
    assert desired is not None
    return authors(root, "base", desired, places, at=at)


def test_each_line_of_the_price_list_has_its_own_commit(root: Path) -> None:
    write(root, size="2")
    first = commit(root, "Raise the size\n\nAnd why.", "Ada")
    write(root, size="2", window="2d")
    second = commit(root, "Raise the window", "Grace")
    told = found(root, SIZE, WINDOW)
    assert {place: (one.commit, one.author, one.subject) for place, one in told.items()} == {
        SIZE: (first, "Ada", "Raise the size"),
        WINDOW: (second, "Grace", "Raise the window"),
    }
    assert (told[SIZE].source.line, told[WINDOW].source.line) == (12, 9)


def test_a_line_that_no_commit_since_changed_has_no_author(root: Path) -> None:
    write(root, size="2")
    commit(root, "Raise the size")
    assert set(found(root, SIZE, WINDOW)) == {SIZE}


def test_a_tenants_file_has_the_commit_that_wrote_the_key(root: Path) -> None:
    override = "overrides:\n  compute: {max_cu: 0.5}\n"
    write(root, acme=override)
    first = commit(root, "Less for acme")
    write(root, acme=f"{override}labels: {{team: eu}}\n")
    commit(root, "A label")
    one = found(root, ACME)[ACME]
    assert (one.commit, one.source.file, one.source.line) == (first, str(root / "tenants/acme.yaml"), 4)


def test_what_is_not_committed_has_no_author(root: Path) -> None:
    write(root, size="2")
    commit(root, "Raise the size")
    write(root, size="4")
    assert found(root, SIZE) == {}


def test_files_of_a_commit_are_read_there(root: Path) -> None:
    write(root, size="2")
    first = commit(root, "Raise the size")
    write(root, size="4")
    commit(root, "Raise it more")
    assert found(root, SIZE, at=first)[SIZE].commit == first


def test_a_merge_has_the_commit_that_was_merged(root: Path) -> None:
    git(root, "switch", "--quiet", "--create", "topic")
    write(root, size="2")
    first = commit(root, "Raise the size")
    git(root, "switch", "--quiet", "main")
    (root / "notes.txt").write_text("x")
    commit(root, "Beside")
    git(root, "merge", "--quiet", "--no-edit", "topic")
    assert found(root, SIZE)[SIZE].commit == first


def test_a_long_file_is_not_blamed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authors_module, "MOST_LINES", 5)
    write(root, size="2")
    commit(root, "Raise the size")
    write(root, size="2", window="2d")
    second = commit(root, "Raise the window")
    assert found(root, SIZE)[SIZE].commit == second


def test_outside_of_git_nobody_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    assert found(tmp_path, SIZE, ACME) == {}


def test_a_base_that_does_not_exist_names_nobody(root: Path) -> None:
    desired = load(root).desired
    assert desired is not None
    assert authors(root, "no-such-ref", desired, [SIZE]) == {}
