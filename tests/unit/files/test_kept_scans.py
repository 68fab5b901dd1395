"""A run about a few tenants looks at few files, and finds in the others whatever concerns these tenants."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.naming import identity
from reconciler.files import disk_marks
from reconciler.files.commit_tree import CommitTree
from reconciler.files.git import base_ref, load_at
from reconciler.files.kept_scans import KeptFolderScan, KeptScan
from reconciler.files.known_tenants import KnownTenants
from reconciler.files.load import OnInvalid, load
from reconciler.files.objects import Objects
from reconciler.files.tenant_cache import TenantCache
from reconciler.files.tracked import declared_at_head
from reconciler.files.tree import BETWEEN, FolderListing, WorkTree
from reconciler.files.unchanged_files import UnchangedFiles
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import TIERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.files.load import Loaded

OTHERS = 20
TEXT = "tenant: {}\ntier: free\n{}"


class Fleet:
    """A fleet of which a run about all tenants has kept what it found."""

    def __init__(self, folder: Path) -> None:
        self.root, self.cache = folder / "fleet", folder / "cache"
        self.write("tiers.yaml", TIERS)
        for name in ("acme", *(f"t{number}" for number in range(OTHERS))):
            self.write(f"tenants/{name}.yaml", TEXT.format(name, ""))

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def keep(self) -> None:
        known = self.known()
        load(self.root, known=known, on_invalid=OnInvalid.SKIP)
        known.save()

    def known(self, *, complete: bool = True) -> KnownTenants:
        return KnownTenants(lambda prices: TenantCache.open(self.cache, prices, self.root), complete=complete)

    def check_load(self, *names: str) -> Loaded:
        """As a run about these tenants, or about all, beside one that knows nothing: both say the same."""
        only = frozenset(names) or None
        known = self.known(complete=not names)
        loaded = load(self.root, known=known, on_invalid=OnInvalid.SKIP, only=only)
        expected = load(self.root, on_invalid=OnInvalid.SKIP, only=only)
        assert loaded == expected
        assert repr(loaded) == repr(expected)
        return loaded


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Files count as old at once."""
    monkeypatch.setattr(disk_marks, "SETTLED_NS", -(10**12))
    found = Fleet(tmp_path)
    found.keep()
    return found


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are read with what was kept."""
    found: list[str] = []
    original = WorkTree.read

    def noted(self: WorkTree, path: str, *limit: int) -> bytes:
        if self.marks is not None and path.startswith("tenants/"):
            found.append(path)
        return original(self, path, *limit)

    monkeypatch.setattr(WorkTree, "read", noted)
    return found


def test_only_the_file_of_the_tenant_is_read(fleet: Fleet, read: list[str]) -> None:
    loaded = fleet.check_load("acme")
    assert loaded.desired is not None
    assert [*loaded.desired.tenants] == ["acme"]
    assert read == ["tenants/acme.yaml"]


def test_of_the_others_those_that_have_changed_are_read(fleet: Fleet, read: list[str]) -> None:
    fleet.write("tenants/acme.yaml", TEXT.format("acme", "protect: true\n"))
    fleet.write("tenants/t1.yaml", TEXT.format("t1", "# edited\n"))
    fleet.write("tenants/new.yaml", TEXT.format("new", ""))
    (fleet.root / "tenants/t2.yaml").unlink()
    fleet.check_load("acme")
    assert read == ["tenants/acme.yaml", "tenants/new.yaml", "tenants/t1.yaml"]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "edited since"])
def test_a_pin_in_another_file_is_seen(fleet: Fleet, kept: bool) -> None:
    file = fleet.root / "tenants/t1.yaml"
    before = file.stat()
    fleet.write("tenants/t1.yaml", TEXT.format("t1", "project_id: p-1\n"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    if kept:
        fleet.cache = fleet.cache.with_name("anew")
        fleet.keep()
    loaded = fleet.check_load("acme")
    assert loaded.desired is not None
    assert [*loaded.desired.tenants] == ["acme", "t1"]


OTHER_FILES = {
    "two documents": ("tenants/many.yaml", "tenant: acme\ntier: pro\n---\ntenant: kim\ntier: free\n"),
    "twice": ("tenants/eu/acme.yaml", TEXT.format("acme", "")),
    "case": ("tenants/Acme.yaml", TEXT.format("Acme", "")),
    "ending": ("tenants/acme.yml", TEXT.format("acme", "")),
    "earlier name": ("tenants/kim.yaml", TEXT.format("kim", "previously: [acme]\n")),
    "another's file": ("tenants/kim.yaml", "tenant: acme\ntier: pro\n"),
    "broken": ("tenants/kim.yaml", "tenant: [acme\n"),
}


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "made since"])
@pytest.mark.parametrize(("path", "text"), OTHER_FILES.values(), ids=OTHER_FILES.keys())
def test_another_file_about_the_tenant_is_found(fleet: Fleet, path: str, text: str, kept: bool) -> None:
    fleet.write(path, text)
    if kept:
        fleet.keep()
    assert fleet.check_load("acme") != load(fleet.root, on_invalid=OnInvalid.SKIP, only=frozenset({"t3"}))
    fleet.check_load()


def test_a_run_about_all_tenants_takes_them_as_before(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    joined: list[int] = []
    original = UnchangedFiles.take_at_once

    def noted(self: UnchangedFiles, paths: Sequence[str]) -> list[str] | None:
        joined.append(len(paths))
        return original(self, paths)

    monkeypatch.setattr(UnchangedFiles, "take_at_once", noted)
    fleet.check_load()
    assert joined == []
    fleet.write("tenants/t1.yaml", TEXT.format("t1", "protect: true\n"))
    (fleet.root / "tenants/t2.yaml").unlink()
    fleet.write("tenants/kim.yaml", TEXT.format("kim", ""))
    fleet.check_load()
    assert joined == []
    for number in range(OTHERS - 5):
        fleet.write(f"tenants/u{number}.yaml", TEXT.format(f"u{number}", ""))
    fleet.check_load()
    assert joined == [2 * OTHERS - 4]


@needs_git
def test_a_commit_has_the_file_too_that_was_young_when_the_others_were_kept(fleet: Fleet) -> None:
    git(fleet.root, "init", "--quiet", "--initial-branch=main")
    git(fleet.root, "add", "--all")
    git(fleet.root, "commit", "--quiet", "--message=x")
    later = time.time_ns() + 10**13
    fleet.cache = fleet.cache.with_name("another")
    os.utime(fleet.root / "tenants/t1.yaml", ns=(later, later))
    fleet.keep()
    known = fleet.known()
    load(fleet.root, known=known)
    known.save()
    assert load_at(fleet.root, "HEAD", known=known) == load_at(fleet.root, "HEAD")


@needs_git
def test_a_commit_whose_files_were_on_disk_is_not_read_after_an_edit(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(fleet.root, "init", "--quiet", "--initial-branch=main")
    git(fleet.root, "add", "--all")
    git(fleet.root, "commit", "--quiet", "--message=x")
    before = load(fleet.root)
    fleet.write("tenants/t1.yaml", TEXT.format("t1", "protect: true\n"))
    fleet.write("tenants/kim.yaml", TEXT.format("kim", ""))
    (fleet.root / "tenants/t2.yaml").unlink()
    known = fleet.known()
    now = load(fleet.root, known=known)
    known.save()
    expected = load_at(fleet.root, "HEAD")
    read: list[bytes] = []
    original = Objects.blob

    def noted(self: Objects, name: str, limit: int) -> bytes:
        read.append(original(self, name, limit))
        return read[-1]

    with monkeypatch.context() as during:
        during.setattr(CommitTree, "_walk", lambda _, folder, __: iter({"policies": ()}[folder]))
        during.setattr(Objects, "blob", noted)
        then = load_at(fleet.root, "HEAD", known=known)
    assert then == expected
    assert read == [TIERS.encode()]
    assert then.desired is not None
    assert now.desired is not None
    assert before.desired is not None
    assert then.desired.tenants == before.desired.tenants
    assert then.desired.tenants["t3"] is now.desired.tenants["t3"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("tenants/README.yml", "text\n"),
        ("tenants/t1.yaml", TEXT.format("t1", "project_id: p-1\n")),
        ("tenants/kim.yaml", TEXT.format("kim", "labels: {of: t1}\n")),
        ("tiers.yaml", f"{TIERS}# changed\n"),
        ("tiers.yaml", f"{TIERS}tenants: [{{files: 'tenants/t1*.yaml'}}]\n"),
    ],
)
def test_whatever_is_kept_or_has_changed_a_run_about_all_says_the_same(fleet: Fleet, path: str, text: str) -> None:
    fleet.write(path, text)
    fleet.check_load()
    fleet.keep()
    fleet.check_load()
    (fleet.root / "tenants/t1.yaml").rename(fleet.root / "tenants/t99.yaml")
    fleet.check_load()


@pytest.mark.parametrize("goal", ["t1.yaml", "../outside.yaml", "nowhere.yaml"])
def test_a_link_is_followed_each_time(fleet: Fleet, goal: str) -> None:
    fleet.write("outside.yaml", TEXT.format("acme", ""))
    (fleet.root / "tenants/acme.yaml").unlink()
    (fleet.root / "tenants/acme.yaml").symlink_to(goal)
    fleet.check_load("acme")
    fleet.keep()
    fleet.check_load("acme")


def test_a_link_beside_files_that_are_as_before_is_followed(fleet: Fleet) -> None:
    fleet.write("tenants/.hidden", TEXT.format("zoe", ""))
    (fleet.root / "tenants/zoe.yaml").symlink_to(".hidden")
    fleet.check_load()


@pytest.mark.parametrize("name", ["İ", "e\N{COMBINING ACUTE ACCENT}"], ids=ascii)
def test_a_file_is_found_by_its_name_beside_one_whose_length_changes_with_its_case(name: str) -> None:
    kept = KeptScan("", {"tenants": KeptFolderScan(BETWEEN.join([f"{name}.yaml", "acme.yaml"]), b"", ())})
    assert kept.named({"acme"}) == ["tenants/acme.yaml"]
    assert kept.named({identity(name)}) == [f"tenants/{name}.yaml"]


def test_a_cache_that_another_run_replaces_between_two_saves_is_written_again(fleet: Fleet) -> None:
    known = fleet.known()
    load(fleet.root, known=known)
    for _ in range(2):
        for file in fleet.cache.iterdir():
            file.unlink()
        known.save()
    fleet.check_load()
    fleet.check_load("acme")


def test_names_in_any_script_are_found(fleet: Fleet) -> None:
    for name in ("K1", "é"):
        fleet.write(f"tenants/{name}.yaml", TEXT.format(name, ""))
    fleet.keep()
    for name in ("k1", "K1", "é", "acme"):
        fleet.check_load(name)


def test_a_source_without_files_is_told_and_one_with_others_is_not(fleet: Fleet) -> None:
    fleet.write("tiers.yaml", f"{TIERS}tenants: [{{files: 'tenants/t*.yaml'}}, {{files: 'eu/*.yaml'}}]\n")
    fleet.keep()
    assert [problem.message for problem in fleet.check_load("t1").problems] == [
        "no file matches 'eu/*.yaml': this source has no tenants"
    ]
    assert len(fleet.check_load("acme").problems) == 1


@needs_git
@pytest.mark.parametrize("path", ["tenants/acme.yaml", "tenants/t1.yaml", "tenants/new.yaml"])
def test_an_edit_since_the_commit_that_was_found_on_disk_is_seen(fleet: Fleet, path: str) -> None:
    git(fleet.root, "init", "--quiet", "--initial-branch=main")
    for _ in range(2):
        git(fleet.root, "add", "--all")
        git(fleet.root, "commit", "--quiet", "--allow-empty", "--message=x")
    fleet.keep()
    for parent in (True, False):
        known, acme = fleet.known(complete=False), frozenset({"acme"})
        load(fleet.root, known=known, only=acme)
        assert base_ref(fleet.root, known) == base_ref(fleet.root) == ("HEAD^1" if parent else "HEAD")
        assert load_at(fleet.root, "HEAD", only=acme, known=known) == load_at(fleet.root, "HEAD", only=acme)
        fleet.write(path, TEXT.format(path.rpartition("/")[2].removesuffix(".yaml"), "protect: true\n"))


@needs_git
@pytest.mark.parametrize("name", ["acme", "t1", "new", "nobody"])
def test_of_a_commit_near_to_what_was_kept_only_the_files_of_the_tenant_are_read(
    fleet: Fleet, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(fleet.root, "init", "--quiet", "--initial-branch=main")
    for change in (False, True):
        if change:
            fleet.write("tenants/eu/new.yaml", TEXT.format("new", ""))
            fleet.write("tenants/t2.yaml", TEXT.format("t2", "protect: true\n"))
            (fleet.root / "tenants/t1.yaml").unlink()
        git(fleet.root, "add", "--all")
        git(fleet.root, "commit", "--quiet", "--message=x")
    listed: list[str] = []
    original = CommitTree.listing

    def noted(self: CommitTree, folder: str) -> FolderListing:
        listed.append(folder)
        return original(self, folder)

    monkeypatch.setattr(CommitTree, "listing", noted)
    only = frozenset({name})
    known = fleet.known(complete=False)
    load(fleet.root, known=known, only=only)
    for commit, there in (("HEAD", name in {"acme", "new"}), ("HEAD^1", name in {"acme", "t1"})):
        listed.clear()
        found = load_at(fleet.root, commit, only=only, known=known)
        assert ("tenants" in listed) is not there
        assert found == load_at(fleet.root, commit, only=only)
        assert declared_at_head(fleet.root, only, known) == declared_at_head(fleet.root, only)
