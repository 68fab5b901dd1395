"""Edits are found by the bytes of the files, whatever the index, attributes and settings say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reconciler.files.git import base_ref, edited
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import write
from tests.unit.files.test_git import ACME, repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(
        tmp_path / "r", {"tenants/acme.yaml": ACME, "tenants/b.yaml": "tenant: b\r\ntier: free\r\n"}, {}
    )


def test_a_clean_checkout_is_not_edited_also_without_an_index(root: Path) -> None:
    assert edited(root) is None
    (root / ".git/index").unlink()
    assert edited(root) is None
    assert base_ref(root) == "HEAD^1"


def test_line_ends_are_no_edit_in_either_direction(root: Path) -> None:
    write(root, {"tenants/acme.yaml": ACME.replace("\n", "\r\n"), "tenants/b.yaml": "tenant: b\ntier: free\n"})
    assert edited(root) is None


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_what_the_index_overlooks_is_an_edit(root: Path, flag: str) -> None:
    git(root, "update-index", flag, "tenants/acme.yaml")
    write(root, {"tenants/acme.yaml": f"{ACME}# more\n"})
    assert git(root, "status", "--porcelain") == ""
    assert edited(root)
    assert base_ref(root) == "HEAD"


def test_an_edit_of_equal_size_and_time_is_one(root: Path) -> None:
    file = root / "tenants/acme.yaml"
    before = file.stat()
    write(root, {"tenants/acme.yaml": ACME.replace("free", "pro ")})
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert edited(root)


def test_a_file_that_is_gone_is_an_edit_also_in_a_sparse_checkout(root: Path) -> None:
    git(root, "update-index", "--skip-worktree", "tenants/b.yaml")
    (root / "tenants/b.yaml").unlink()
    assert edited(root)


def test_a_staged_edit_that_was_taken_back_at_hand_is_none(root: Path) -> None:
    write(root, {"tenants/acme.yaml": "tenant: acme\ntier: pro\n"})
    git(root, "add", "--all")
    write(root, {"tenants/acme.yaml": ACME})
    assert edited(root) is None


@pytest.mark.parametrize("where", [".gitignore", "tenants/.gitignore", ".git/info/exclude"])
def test_an_ignored_tenant_is_an_edit_for_a_run_of_a_commit_but_moves_no_base(root: Path, where: str) -> None:
    write(root, {"tenants/made.yaml": "tenant: made\ntier: free\n", where: "made.yaml\n"})
    assert edited(root)
    assert base_ref(root) == "HEAD^1"
    write(root, {"tenants/other.yaml": "tenant: other\ntier: free\n"})
    assert base_ref(root) == "HEAD"


def test_an_ignored_file_that_the_commit_has_counts(root: Path) -> None:
    write(root, {"tenants/acme.yaml": f"{ACME}# more\n", ".gitignore": "*.yaml\n"})
    assert base_ref(root) == "HEAD"


@pytest.mark.parametrize("ignores", ["a pipe", "a link", "a folder", "many stars", "a large file"])
def test_ignores_that_could_hold_up_a_run_are_not_asked(root: Path, ignores: str, tmp_path: Path) -> None:
    write(root, {"tenants/made.yaml": "tenant: made\ntier: free\n"})
    file = root / ".gitignore"
    match ignores:
        case "a pipe":
            os.mkfifo(file)
        case "a link":
            os.mkfifo(tmp_path / "pipe")
            file.symlink_to(tmp_path / "pipe")
        case "a folder":
            file.mkdir()
        case "many stars":
            file.write_text("*a" * 30 + "\nmade.yaml\n")
        case _:
            file.write_text("made.yaml\n" * 10_000)
    assert base_ref(root) == "HEAD"


def test_filters_take_no_part(root: Path) -> None:
    git(root, "config", "filter.x.clean", "sed s/pro/free/")
    write(root, {".gitattributes": "*.yaml filter=x\n", "tenants/acme.yaml": "tenant: acme\ntier: pro\n"})
    assert git(root, "diff", "--", "tenants") == ""
    assert edited(root)
