"""Whether the files are the tip of a branch, in real repositories."""

from __future__ import annotations

from contextlib import nullcontext as does_not_raise
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ExitCode, InvalidInputError, StaleFilesError
from reconciler.files.freshness import require_tip
from tests.harness.repository import commit_all, git, needs_git
from tests.unit.files.builders import TIERS, write
from tests.unit.files.test_git import ACME, repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git

FILES: dict[str, str | bytes] = {"tiers.yaml": TIERS, "tenants/acme.yaml": ACME}


def cloned(tmp_path: Path) -> tuple[Path, Path]:
    """A repository and a clone of it."""
    origin = repository(tmp_path / "origin", FILES)
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    return origin, tmp_path / "clone"


def commit(root: Path, text: str) -> str:
    write(root, {"tenants/acme.yaml": text})
    return commit_all(root)


def refused(root: Path, ref: str) -> StaleFilesError:
    with pytest.raises(StaleFilesError) as caught:
        require_tip(root, ref)
    assert caught.value.exit_code is ExitCode.REFUSED
    assert caught.value.hint
    return caught.value


def test_the_tip_of_a_branch_without_edits_is_fresh(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", FILES)
    with does_not_raise():
        require_tip(root, "main")
        require_tip(root, "HEAD")


@pytest.mark.parametrize("path", ["tiers.yaml", "tenants/acme.yaml", "tenants/new.yaml"])
def test_an_edit_of_the_files_counts(tmp_path: Path, path: str) -> None:
    root = repository(tmp_path / "r", FILES)
    write(root, {path: f"{(root / path).read_text() if (root / path).exists() else ACME}# edited\n"})
    assert "edited since commit" in str(refused(root, "main"))


def test_an_edit_elsewhere_does_not_count(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", FILES)
    write(root, {"README.md": "more"})
    with does_not_raise():
        require_tip(root, "main")


def test_a_checkout_behind_the_branch_is_refused_with_both_commits(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", FILES)
    old, new = git(root, "rev-parse", "HEAD"), commit(root, f"{ACME}# more\n")
    git(root, "checkout", "--quiet", old)
    message = str(refused(root, "main"))
    assert old[:12] in message
    assert new[:12] in message


@pytest.mark.parametrize("ref", ["main", "origin/main"])
def test_a_clone_that_was_fetched_before_the_last_push_is_refused_with_both_commits(
    tmp_path: Path, ref: str
) -> None:
    origin, clone = cloned(tmp_path)
    require_tip(clone, ref)
    old, new = git(clone, "rev-parse", "HEAD"), commit(origin, f"{ACME}# more\n")
    message = str(refused(clone, ref))
    assert old[:12] in message
    assert new[:12] in message
    git(clone, "pull", "--quiet")
    require_tip(clone, ref)


def test_commits_that_were_not_pushed_are_not_the_tip(tmp_path: Path) -> None:
    _, clone = cloned(tmp_path)
    mine = commit(clone, f"{ACME}# mine\n")
    assert mine[:12] in str(refused(clone, "main"))


def test_a_remote_that_does_not_answer_is_no_consent(tmp_path: Path) -> None:
    origin, clone = cloned(tmp_path)
    origin.rename(tmp_path / "moved")
    assert "did not return the commit of main" in str(refused(clone, "main"))


def test_a_branch_that_is_gone_from_the_remote_is_no_consent(tmp_path: Path) -> None:
    origin, clone = cloned(tmp_path)
    git(origin, "branch", "--quiet", "--move", "main", "trunk")
    assert "did not return the commit of origin/main" in str(refused(clone, "origin/main"))


@pytest.mark.parametrize("ref", ["nonsense", "", "--all"])
def test_a_ref_that_does_not_exist_is_an_error_of_its_own(tmp_path: Path, ref: str) -> None:
    with pytest.raises(InvalidInputError):
        require_tip(repository(tmp_path / "r", FILES), ref)


def test_outside_a_repository_there_is_no_tip(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    with pytest.raises(InvalidInputError):
        require_tip(tmp_path, "main")
