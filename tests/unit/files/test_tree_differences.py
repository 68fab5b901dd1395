"""What differs between two commits is what libgit2 finds, and folders with the same id are not read."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from reconciler.files import tree_differences
from reconciler.files.objects import Differing, Objects
from reconciler.files.regular_files import UnreadableError
from reconciler.files.repository import found
from reconciler.files.tree_differences import differences
from tests.harness.repository import git, needs_git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.files.repository import Repository


def write(path: str, text: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")

    return change


def remove(path: str) -> Callable[[Path], None]:
    return lambda root: shutil.rmtree(root / path) if (root / path).is_dir() else (root / path).unlink()


def move(path: str, to: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / path).rename(root / to)

    return change


CHANGES: dict[str, tuple[Callable[[Path], None], ...]] = {
    "nothing": (),
    "an edit": (write("a/b/one", "2"),),
    "a new file": (write("a/new", "1"), write("new", "1")),
    "a new folder": (write("d/e/f", "1"),),
    "a file less": (remove("a/two"),),
    "a folder less": (remove("a/b"),),
    "a folder moved": (move("a/b", "a/c"),),
    "a file in place of a folder": (remove("a/b"), write("a/b", "1")),
    "a folder in place of a file": (remove("a/two"), write("a/two/three", "1")),
    "a link in place of a file": (remove("a/two"), lambda root: (root / "a/two").symlink_to("b")),
}


def made(root: Path, *changes: Callable[[Path], None]) -> Repository:
    git(root, "init", "--quiet", "--initial-branch=main")
    for number, those in enumerate(((write("a/b/one", "1"), write("a/two", "1"), write("z/three", "1")), changes)):
        for change in those:
            change(root)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--allow-empty", f"--message={number}")
    return found(root)


def trees(root: Path) -> tuple[str, str]:
    before, now = (git(root, "rev-parse", f"{ref}^{{tree}}").strip() for ref in ("HEAD^", "HEAD"))
    return before, now


@needs_git
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES.keys())
def test_what_differs_is_what_libgit2_finds(tmp_path: Path, changes: tuple[Callable[[Path], None], ...]) -> None:
    repository = made(tmp_path, *changes)
    here = sorted(one.path for one in differences(repository.objects, *trees(tmp_path)))
    deltas = repository.libgit.diff("HEAD^", "HEAD").deltas
    assert here == sorted({delta.new_file.path for delta in deltas})
    before, now = ({*git(tmp_path, "ls-tree", "-r", "--name-only", ref).split()} for ref in ("HEAD^", "HEAD"))
    for one in differences(repository.objects, *trees(tmp_path)):
        assert (one.before is not None, one.now is not None) == (one.path in before, one.path in now)


@needs_git
def test_folders_that_are_the_same_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = made(tmp_path, write("a/b/one", "2"))
    same, read = git(tmp_path, "rev-parse", "HEAD:z").strip(), list[str]()
    original = Objects.differing

    def noted(self: Objects, before: str, now: str) -> Differing:
        read.extend([before, now])
        return original(self, before, now)

    monkeypatch.setattr(Objects, "differing", noted)
    assert [one.path for one in differences(repository.objects, *trees(tmp_path))] == ["a/b/one"]
    assert len(read) == 6
    assert same not in read


@needs_git
def test_more_entries_than_any_machine_holds_are_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = made(tmp_path, write("a/b/one", "2"))
    monkeypatch.setattr(tree_differences, "is_too_much", lambda seen, _path: seen > 5)
    with pytest.raises(UnreadableError, match="more than"):
        list(differences(repository.objects, *trees(tmp_path)))
