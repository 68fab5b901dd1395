"""Names of commits are read strictly, and what two refs could mean is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import InvalidInputError
from reconciler.files.git import commit_id
from tests.harness.repository import git, needs_git
from tests.unit.files.test_git import ACME, repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a merge: HEAD^2 is of the branch that was merged."""
    root = repository(tmp_path / "r", {"tenants/acme.yaml": ACME}, {})
    git(root, "checkout", "--quiet", "-b", "side", "HEAD~1")
    git(root, "commit", "--quiet", "--allow-empty", "--message=side")
    git(root, "checkout", "--quiet", "main")
    git(root, "merge", "--quiet", "--no-ff", "--message=merge", "side")
    git(root, "tag", "applied", "HEAD^1")
    git(root, "tag", "--annotate", "--message=x", "noted", "applied")
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD^2")
    git(root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    return root


@pytest.mark.drawn(8)
@pytest.mark.parametrize(
    "name",
    [
        "HEAD",
        "HEAD~0",
        "HEAD^0",
        "HEAD^",
        "HEAD^1",
        "HEAD^2",
        "HEAD~2",
        "HEAD^2~1",
        "HEAD^^",
        "main",
        "heads/main",
        "refs/heads/main",
        "applied",
        "tags/applied",
        "refs/tags/applied~1",
        "noted",
        "origin/main",
        "origin",
        "remotes/origin/main",
    ],
)
def test_a_name_means_what_git_takes_it_for(root: Path, name: str) -> None:
    assert commit_id(root, name) == git(root, "rev-parse", f"{name}^{{commit}}")


def test_ids_mean_themselves_in_full_and_by_their_first_digits(root: Path) -> None:
    head = git(root, "rev-parse", "HEAD")
    assert {commit_id(root, head[:digits]) for digits in (7, 12, 39, 40)} == {head}
    assert commit_id(root, f"{head[:8]}~1") == git(root, "rev-parse", "HEAD~1")


@pytest.mark.drawn(8)
@pytest.mark.parametrize(
    "name",
    [
        ":/merge",
        "HEAD^{/side}",
        "main@{0}",
        "@",
        "@{-1}",
        "@{upstream}",
        "HEAD^{tree}",
        "HEAD^{commit}",
        "main..side",
        "main...side",
        "^main",
        "HEAD^!",
        "HEAD^@",
        "HEAD:tiers.yaml",
        ":tiers.yaml",
        "main side",
        "--all",
        "ma*n",
        "refs/heads/../tags/applied",
        "HEAD^3",
        "HEAD~9",
        "HEAD~" + "9" * 7,
        "main.lock",
        "\u202emain",
        "~1",
        "",
    ],
)
def test_nothing_else_that_git_understands_is_a_name(root: Path, name: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        commit_id(root, name)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("ref", "remedy"),
    [
        ("applied-last", "git tag applied-last COMMIT, or, by a first run, --base none --advance applied-last"),
        ("refs/tags/applied-last", "git tag applied-last COMMIT"),
        ("dead" * 10, "fetch the whole history"),
        ("deadbee", "forced push"),
        ("origin/x", "git fetch --tags"),
        ("x;y", "git fetch --tags fetches those of the remote"),
    ],
)
def test_what_is_not_there_names_its_remedy(root: Path, ref: str, remedy: str) -> None:
    with pytest.raises(InvalidInputError, match="does not contain commit, branch or tag") as caught:
        commit_id(root, ref)
    assert remedy in str(caught.value.hint)


@pytest.mark.parametrize("ref", ["refs/heads/applied", "refs/remotes/applied/HEAD", "refs/applied"])
def test_a_name_that_two_refs_have_is_an_error_that_names_both(root: Path, ref: str) -> None:
    git(root, "update-ref", ref, "HEAD")
    with pytest.raises(InvalidInputError, match="refs/tags/applied") as caught:
        commit_id(root, "applied")
    assert ref in str(caught.value)
    assert commit_id(root, "refs/tags/applied") == git(root, "rev-parse", "HEAD^1")


def test_a_branch_of_the_remote_is_not_found_by_its_name_alone(root: Path) -> None:
    git(root, "update-ref", "refs/remotes/origin/base", "HEAD")
    with pytest.raises(InvalidInputError, match="does not contain commit, branch or tag 'base'"):
        commit_id(root, "base")


def test_a_branch_called_like_the_first_digits_of_a_commit_is_an_error(root: Path) -> None:
    short = git(root, "rev-parse", "HEAD")[:8]
    git(root, "branch", short, "HEAD~1")
    with pytest.raises(InvalidInputError, match=f"refs/heads/{short} or commit"):
        commit_id(root, short)


def test_a_full_id_is_never_a_ref(root: Path) -> None:
    head = git(root, "rev-parse", "HEAD")
    git(root, "update-ref", f"refs/tags/{head}", "HEAD~1")
    assert commit_id(root, head) == head


def test_head_is_the_checkouts_own_whatever_is_called_so(root: Path) -> None:
    head = git(root, "rev-parse", "HEAD")
    for ref in ("refs/heads/HEAD", "refs/tags/HEAD", "refs/HEAD"):
        git(root, "update-ref", ref, "HEAD~1")
    assert commit_id(root, "HEAD") == head


@pytest.mark.parametrize("what", ["blob", "tree"])
def test_a_tag_of_something_else_names_no_commit(root: Path, what: str) -> None:
    git(root, "tag", "odd", "HEAD:tiers.yaml" if what == "blob" else "HEAD^{tree}")
    git(root, "tag", "--annotate", "--message=x", "noted-odd", "odd")
    for name in ("odd", "noted-odd"):
        with pytest.raises(InvalidInputError, match="cannot read commit"):
            commit_id(root, name)


@pytest.mark.parametrize("shallow", [True, False])
def test_where_ci_has_checked_out_no_branch_that_of_the_remote_is_named(
    root: Path, tmp_path: Path, *, shallow: bool
) -> None:
    clone = tmp_path / "clone"
    git(root, "clone", "--quiet", *(["--depth=1"] if shallow else []), f"file://{root}", str(clone))
    git(clone, "checkout", "--quiet", "--detach")
    git(clone, "branch", "--delete", "--force", "main")
    for name, meant in (("main", "origin/main"), ("refs/heads/main", "origin/main"), ("main~1", "origin/main~1")):
        with pytest.raises(InvalidInputError) as refused:
            commit_id(clone, name)
        assert refused.value.hint == f"a remote has a branch with this name: use {meant}"
    with pytest.raises(InvalidInputError) as refused:
        commit_id(clone, "ain")
    assert "origin" not in str(refused.value.hint)
