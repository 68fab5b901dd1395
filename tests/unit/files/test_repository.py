"""The repository of a fleet is the outermost .git whose last commit knows the folder, and nothing else."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import InvalidInputError
from reconciler.files.git import base_ref, commit_id
from reconciler.files.repository import VARIABLE, find
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import TIERS
from tests.unit.files.test_git import ACME, repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git

FLEET: dict[str, str | bytes] = {"fleet/tiers.yaml": TIERS, "fleet/tenants/acme.yaml": ACME}


def top(folder: Path) -> Path | None:
    found = find(folder)
    return None if found is None else found.top


def test_of_two_that_know_the_folder_the_outer_one_counts(tmp_path: Path) -> None:
    outer = repository(tmp_path / "outer", FLEET)
    repository(outer / "fleet", {"tenants/acme.yaml": ACME})
    assert top(outer / "fleet") == outer


def test_one_that_does_not_know_the_folder_is_passed_over(tmp_path: Path) -> None:
    home = repository(tmp_path / "home", {"dotfile": "x"})
    inner = repository(home / "inner", FLEET)
    assert top(inner / "fleet") == inner
    (home / "untracked").mkdir()
    assert top(home / "untracked") is None
    assert base_ref(home / "untracked") is None


def test_a_folder_that_looks_like_a_repository_is_none(tmp_path: Path) -> None:
    repository(tmp_path / "other", FLEET)
    (tmp_path / "other/.git").rename(tmp_path / "bare")
    assert top(tmp_path / "bare") is None
    assert top(tmp_path / "bare/refs") is None


@pytest.mark.parametrize("junk", ["a folder", "an empty folder of objects"])
def test_a_dot_git_that_is_no_repository_is_passed_over(tmp_path: Path, junk: str) -> None:
    (tmp_path / ".git").mkdir()
    if junk != "a folder":
        (tmp_path / ".git/objects").mkdir()
    root = repository(tmp_path / "r", FLEET)
    assert top(root / "fleet") == root


def test_a_linked_work_tree_is_one_of_its_own_also_within_the_first(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", FLEET, {})
    git(root, "worktree", "add", "--quiet", "trees/old", "HEAD~1")
    assert top(root / "trees/old/fleet") == root / "trees/old"
    assert commit_id(root / "trees/old/fleet", "HEAD") == git(root, "rev-parse", "HEAD~1")


def test_a_submodule_is_no_base_unless_it_is_named_from_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = repository(tmp_path / "theirs", FLEET)
    root = repository(tmp_path / "r", {"README.md": "x"})
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(theirs), "sub")
    git(root, "commit", "--quiet", "--message=x")
    with pytest.raises(InvalidInputError, match="sub is a submodule") as caught:
        find(root / "sub/fleet")
    assert VARIABLE in (caught.value.hint or "")
    monkeypatch.setenv(VARIABLE, str(root / "sub"))
    assert top(root / "sub/fleet") == root / "sub"
    monkeypatch.setenv(VARIABLE, str(theirs))
    with pytest.raises(InvalidInputError, match=VARIABLE):
        find(root / "sub/fleet")


def test_a_link_that_a_commit_brings_is_not_followed_through_any_other(tmp_path: Path) -> None:
    elsewhere = repository(tmp_path / "elsewhere", FLEET)
    root = repository(tmp_path / "r", FLEET)
    shutil.rmtree(root / "fleet")
    (root / "fleet").symlink_to("../elsewhere/fleet")
    repository(root, {})
    (tmp_path / "mine").symlink_to(root)
    for folder in (root / "fleet", tmp_path / "mine/fleet", tmp_path / "mine/../r/fleet"):
        with pytest.raises(InvalidInputError, match="fleet is a symbolic link"):
            find(folder)
    assert top(elsewhere / "fleet") == elsewhere


def test_a_link_of_ones_own_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "r", FLEET)
    (tmp_path / "mine").symlink_to(root / "fleet")
    assert top(tmp_path / "mine") == root
    monkeypatch.chdir(tmp_path / "mine")
    assert top(tmp_path.__class__()) == root


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_repository_is_refused_with_its_owner_and_the_way_to_trust_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path / "r", FLEET)
    for path in (root, root / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(InvalidInputError, match="belongs to user 12345") as caught:
        base_ref(root / "fleet")
    assert f"git config --global --add safe.directory {root}" in (caught.value.hint or "")


def test_certificates_that_are_none_do_not_matter_to_reading(tmp_path: Path) -> None:
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    (tmp_path / "none.pem").write_text("none")
    program = """if True:
        import os, ssl
        from reconciler.files.libgit import pygit2
        asked = ssl.get_default_verify_paths
        assert issubclass(pygit2.GitError, Exception)
        assert pygit2.settings.ssl_cert_file is None
        assert ssl.get_default_verify_paths is asked
        print(os.environ["SSL_CERT_FILE"])
    """
    environ = {**os.environ, "SSL_CERT_FILE": str(tmp_path / "none.pem")}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == str(tmp_path / "none.pem")
