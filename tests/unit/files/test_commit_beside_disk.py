"""Of a commit only the files are read that are not the same on disk, and it says what all its files say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from reconciler.files import source_files, sources
from reconciler.files.git import load_at
from reconciler.files.known_tenants import KnownTenants
from reconciler.files.load import OnInvalid, load
from tests.harness.repository import commit_all, git, needs_git
from tests.unit.files.builders import TIERS, write

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.files.tree import Tree

pytestmark = needs_git
Files: TypeAlias = "dict[str, str | bytes]"


def tenants(*paths: str, more: str = "") -> Files:
    """A file for each path below ``tenants``, of the tenant that is named like it."""
    names = ((path, path.rpartition("/")[2]) for path in paths)
    return {f"tenants/{path}.yaml": f"tenant: {name}\ntier: free\n{more}" for path, name in names}


SAME = tenants("eu/acme", "us/kim", "us/west/lou", "zoe")
README: Files = {"tenants/eu/README.md": "Files of tenants.\n"}
TWO_SOURCES: Files = {
    "tiers.yaml": f"{TIERS}tenants: [{{files: 'tenants/**/*.yaml'}}, {{files: 'tenants/*/east/*.yaml'}}]\n"
}
BESIDE = {
    "nothing": (SAME, SAME),
    "an edit": (SAME, {**SAME, **tenants("us/kim", more="protect: true\n")}),
    "a new file": (SAME, {**SAME, **tenants("us/ann")}),
    "a removed file": ({**SAME, **tenants("us/ann")}, SAME),
    "a new folder": (SAME, {**SAME, **tenants("asia/ann", "asia/east/bob")}),
    "a removed folder": ({**SAME, **tenants("asia/ann", "asia/east/bob")}, SAME),
    "a folder below": ({**SAME, **tenants("us/west/far/ann")}, SAME),
    "a moved file": ({**SAME, **tenants("us/ann")}, {**SAME, **tenants("eu/ann")}),
    "a moved pin": (
        {**SAME, **tenants("eu/ann", more="project_id: p-1\n")},
        {**SAME, **tenants("eu/bob", more="project_id: p-1\n")},
    ),
    "a file of no tenant": ({**SAME, **README}, SAME),
    "a file of no tenant beside others": ({**SAME, **README}, {**SAME, **README, **tenants("eu/ann")}),
    "a hidden file": ({**SAME, "tenants/us/.x.yaml": "tenant: x\n"}, SAME),
}
"""The files of the commit, and those on disk."""
READ_AS_A_WHOLE = {
    "a broken file": ({**SAME, "tenants/us/ann.yaml": "tenant: [\n"}, SAME),
    "a tenant that the tiers do not allow": (
        {**SAME, "tenants/us/ann.yaml": "tenant: ann\ntier: nope\n"},
        SAME,
    ),
    "the name of another one": ({**SAME, **tenants("eu/kim")}, SAME),
    "the name of another one in capitals": ({**SAME, **tenants("eu/Kim")}, SAME),
    "the pin of another one": (
        {**SAME, **tenants("eu/ann", "eu/bob", more="project_id: p-1\n")},
        {**SAME, **tenants("eu/ann", more="project_id: p-1\n")},
    ),
    "an earlier name": ({**SAME, **tenants("eu/ann", more="previously: [bob]\n")}, SAME),
    "a file that is not read": ({**SAME, "tenants/eu/ann.yml": "tenant: ann\ntier: free\n"}, SAME),
    "a broken file on disk": (SAME, {**SAME, "tenants/us/ann.yaml": "tenant: [\n"}),
    "another price list": (SAME, {**SAME, "tiers.yaml": TIERS.replace("9h", "8h")}),
    "no file of a source": ({**SAME, **TWO_SOURCES}, {**SAME, **TWO_SOURCES, **tenants("us/east/ann")}),
}


@pytest.mark.parametrize(
    ("case", "as_a_whole"),
    [*((case, False) for case in BESIDE.values()), *((case, True) for case in READ_AS_A_WHOLE.values())],
    ids=[*BESIDE, *READ_AS_A_WHOLE],
)
def test_only_the_files_that_differ_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[Files, Files], as_a_whole: bool
) -> None:
    before, now = case
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path, before)
    commit_all(tmp_path)
    for path in before.keys() - now.keys():
        (tmp_path / path).unlink()
    write(tmp_path, now, tiers=now.get("tiers.yaml", TIERS))
    assert_says_the_same(tmp_path, monkeypatch, as_a_whole=as_a_whole)


@pytest.mark.parametrize("place", ["tenants/eu", "tenants/asia", "tenants/us/kim.yaml", "tenants"])
def test_a_commit_with_another_repository_in_a_place_is_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path, SAME)
    first = commit_all(tmp_path)
    git(tmp_path, "rm", "--quiet", "-r", "--cached", "--ignore-unmatch", place)
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{first},{place}")
    git(tmp_path, "commit", "--quiet", "--message", "x")
    assert_says_the_same(tmp_path, monkeypatch, as_a_whole=True)


@pytest.mark.parametrize("in_commit", [False, True])
@pytest.mark.parametrize("goal", ["us/kim.yaml", "us", "../tiers.yaml", "nowhere"])
def test_links_are_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goal: str, in_commit: bool
) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path, SAME)
    link = tmp_path / "tenants/link.yaml"
    link.symlink_to(goal)
    commit_all(tmp_path)
    if in_commit:
        link.unlink()
    else:
        git(tmp_path, "rm", "--quiet", "--cached", "tenants/link.yaml")
        git(tmp_path, "commit", "--quiet", "--message", "x")
    assert_says_the_same(tmp_path, monkeypatch, as_a_whole=True)


def test_executable_files_say_what_others_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (write(tmp_path, SAME) / "tenants/us/kim.yaml").chmod(0o755)
    commit_all(tmp_path)
    assert_says_the_same(tmp_path, monkeypatch, as_a_whole=False)


def assert_says_the_same(root: Path, monkeypatch: pytest.MonkeyPatch, *, as_a_whole: bool) -> None:
    """Load the files on disk, and then those of the last commit, with and without what was read."""
    known = KnownTenants()
    load(root, known=known, on_invalid=OnInvalid.SKIP)
    listed: list[object] = []
    listings = source_files.listings_of

    def noted(tree: Tree, *rest: Any) -> Any:
        listed.append(tree)
        return listings(tree, *rest)

    with monkeypatch.context() as during:
        during.setattr(sources, "listings_of", noted)
        found = load_at(root, "HEAD", known=known)
    expected = load_at(root, "HEAD")
    assert found.desired is not None
    assert expected.desired is not None
    assert found.desired == expected.desired
    assert [*found.desired.tenants] == [*expected.desired.tenants]
    assert len(found.problems) == len(expected.problems)  # of a file on disk, they name that
    assert bool(listed) == as_a_whole
