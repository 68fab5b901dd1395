"""A run that looks at few tenants builds those, and says of all what a run says that has read every file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.roster import Roster, Unbuilt
from reconciler.desired.selection import Selection
from reconciler.files import disk_marks, tenant_cache
from reconciler.files.git import base_ref, left_out, load_at
from reconciler.files.known_tenants import KnownTenants
from reconciler.files.load import OnInvalid, load
from reconciler.files.tenant_cache import TenantCache
from reconciler.files.tracked import uncommitted
from tests.harness.repository import git, needs_git
from tests.property.test_known_files import assert_says_the_same_of_few, columns
from tests.unit.files.builders import TIERS
from tests.unit.files.test_kept_scans import TEXT, Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.desired.tenant import Tenant
    from reconciler.files.load import Loaded

PINNED = TEXT.format("t1", "project_id: p-1\n")
PROTECTED = TEXT.format("t2", "protect: true\nrevision: 3\n")


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Files count as old at once, and few of a small fleet are not worth being kept; two tenants are special."""
    monkeypatch.setattr(disk_marks, "SETTLED_NS", -(10**12))
    found = Fleet(tmp_path)
    found.write("tenants/t1.yaml", PINNED)
    found.write("tenants/t2.yaml", PROTECTED)
    found.keep()
    monkeypatch.setattr(tenant_cache, "ENOUGH", 0)
    return found


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tenants that are built of what was kept."""
    found: list[str] = []
    original = Unbuilt.tenant

    def noted(self: Unbuilt, name: str) -> Tenant:
        found.append(name)
        return original(self, name)

    monkeypatch.setattr(Unbuilt, "tenant", noted)
    return found


def looking_at_few(fleet: Fleet) -> tuple[KnownTenants, Loaded]:
    known = KnownTenants(lambda prices: TenantCache.open(fleet.cache, prices, fleet.root), few=True)
    loaded = load(fleet.root, known=known, on_invalid=OnInvalid.SKIP)
    known.save()
    return known, loaded


def tenants_of(loaded: Loaded) -> Mapping[str, Tenant]:
    assert loaded.desired is not None
    return loaded.desired.tenants


def test_only_the_tenants_that_are_looked_at_are_built(fleet: Fleet, built: list[str]) -> None:
    _, loaded = looking_at_few(fleet)
    tenants = tenants_of(loaded)
    assert "acme" in tenants
    assert len(tenants) == len([*tenants])
    assert [tenant.name for tenant in Selection(tenants=("acme", "nobody")).of(tenants)] == ["acme"]
    assert loaded.desired is not None
    assert [tenant.name for tenant in loaded.desired.special] == ["t1"]
    assert loaded.desired.plain == {*tenants} - {"t1"}
    assert {*built} == {"acme", "t1"}


EDITS: dict[str, Callable[[Fleet], object]] = {
    "nothing": lambda _: None,
    "a plain tenant": lambda fleet: fleet.write("tenants/t3.yaml", TEXT.format("t3", "labels: {a: b}\n")),
    "a special tenant": lambda fleet: fleet.write("tenants/t3.yaml", TEXT.format("t3", "project_id: p-3\n")),
    "a protected tenant": lambda fleet: fleet.write("tenants/t3.yaml", TEXT.format("t3", "protect: true\n")),
    "a revision": lambda fleet: fleet.write("tenants/t3.yaml", TEXT.format("t3", "revision: 7\n")),
    "no longer special": lambda fleet: fleet.write("tenants/t1.yaml", TEXT.format("t1", "")),
    "no longer protected": lambda fleet: fleet.write("tenants/t2.yaml", TEXT.format("t2", "")),
    "a pin of another": lambda fleet: fleet.write("tenants/t3.yaml", TEXT.format("t3", "project_id: p-1\n")),
    "a name in another case": lambda fleet: fleet.write("tenants/Acme.yaml", TEXT.format("Acme", "")),
    "a second file": lambda fleet: fleet.write("tenants/eu/acme.yaml", TEXT.format("acme", "")),
    "two documents": lambda fleet: fleet.write(
        "tenants/m.yaml", "tenant: m\ntier: pro\n---\ntenant: n\ntier: pro\n"
    ),
    "an earlier name": lambda fleet: fleet.write("tenants/t3.yaml", TEXT.format("t3", "previously: [acme]\n")),
    "a broken file": lambda fleet: fleet.write("tenants/t3.yaml", "tenant: [\n"),
    "another ending": lambda fleet: fleet.write("tenants/t3.yml", TEXT.format("t3", "")),
    "no tenant file": lambda fleet: fleet.write("tenants/README.md", "text\n"),
    "a new tenant": lambda fleet: fleet.write("tenants/new.yaml", TEXT.format("new", "protect: true\n")),
    "a tenant less": lambda fleet: (fleet.root / "tenants/t2.yaml").unlink(),
    "another folder": lambda fleet: (fleet.root / "tenants/t1.yaml").rename(fleet.root / "tenants/t1.yaml.off"),
    "a link": lambda fleet: (fleet.root / "tenants/t9.yaml").symlink_to("t8.yaml"),
    "the price list": lambda fleet: fleet.write("tiers.yaml", f"{TIERS}# changed\n"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_all_is_said_of_files_that_have_changed(fleet: Fleet, edit: Callable[[Fleet], object]) -> None:
    if edit is EDITS["a link"]:
        (fleet.root / "tenants/t9.yaml").unlink()
    edit(fleet)
    _, loaded = looking_at_few(fleet)
    assert_says_the_same_of_few(loaded, load(fleet.root, on_invalid=OnInvalid.SKIP))


TAKEN = ("nothing", "a plain tenant", "a special tenant", "no longer protected", "a new tenant", "a tenant less")


@needs_git
@pytest.mark.parametrize("kept_at", [0, 1, 2, None])
@pytest.mark.parametrize("edit", [EDITS[name] for name in TAKEN], ids=TAKEN)
def test_all_is_said_of_commits(
    fleet: Fleet, edit: Callable[[Fleet], object], kept_at: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of three states was kept: before a commit, between two, after both; or only what is on disk."""
    git(fleet.root, "init", "--quiet", "--initial-branch=main")
    changes = (EDITS["nothing"], EDITS["a revision"], edit)
    for number, change in enumerate(changes):
        change(fleet)
        git(fleet.root, "add", "--all")
        git(fleet.root, "commit", "--quiet", "--allow-empty", "--message=x")
        if number == kept_at:
            monkeypatch.setattr(tenant_cache, "ENOUGH", 100)
            fleet.cache = fleet.cache.with_name("anew")
            fleet.keep()
            monkeypatch.setattr(tenant_cache, "ENOUGH", 0)
    fleet.write("tenants/t5.yaml", TEXT.format("t5", "protect: true\n"))
    for _ in range(2):
        known, loaded = looking_at_few(fleet)
        assert isinstance(tenants_of(loaded), Roster)
        assert_says_the_same_of_few(loaded, load(fleet.root, on_invalid=OnInvalid.SKIP))
        assert base_ref(fleet.root, known) == base_ref(fleet.root) == "HEAD"
        assert left_out(fleet.root, known) == left_out(fleet.root)
        tenants = tenants_of(loaded)
        assert uncommitted(fleet.root, tenants, tenants, known=known) == uncommitted(fleet.root, tenants, tenants)
        for commit in ("HEAD", "HEAD^1", "HEAD^1^1"):
            found, expected = (load_at(fleet.root, commit, known=one) for one in (known, None))
            assert found.desired == expected.desired
            assert columns(tenants_of(found)) == columns(tenants_of(expected))
            gone = tenants_of(found).keys() - tenants.keys()
            places = [[tenants_of(one)[name].location for name in sorted(gone)] for one in (found, expected)]
            assert places[0] == places[1]
        (fleet.root / "tenants/t6.yaml").unlink(missing_ok=True)


def committed(fleet: Fleet) -> None:
    git(fleet.root, "init", "--quiet", "--initial-branch=main")
    for _ in range(2):
        git(fleet.root, "add", "--all")
        git(fleet.root, "commit", "--quiet", "--allow-empty", "--message=x")


@needs_git
def test_a_file_that_git_has_left_out_is_told(fleet: Fleet) -> None:
    committed(fleet)
    git(fleet.root, "update-index", "--skip-worktree", "tenants/t6.yaml")
    (fleet.root / "tenants/t6.yaml").unlink()
    known, _ = looking_at_few(fleet)
    assert left_out(fleet.root, known) == left_out(fleet.root) == ["tenants/t6.yaml"]


@needs_git
def test_a_file_that_only_the_folder_has_is_told(fleet: Fleet) -> None:
    committed(fleet)
    git(fleet.root, "rm", "--quiet", "--cached", "tenants/t6.yaml")
    git(fleet.root, "commit", "--quiet", "--message=x")
    known, loaded = looking_at_few(fleet)
    tenants = tenants_of(loaded)
    assert base_ref(fleet.root, known) == base_ref(fleet.root) == "HEAD"
    assert uncommitted(fleet.root, tenants, (), known=known) == uncommitted(fleet.root, tenants, ()) == {"t6"}


@needs_git
def test_what_was_kept_need_not_have_been_committed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a commit is compared with the files on disk."""
    committed(fleet)
    EDITS["a special tenant"](fleet)
    monkeypatch.setattr(tenant_cache, "ENOUGH", 100)
    fleet.keep()
    monkeypatch.setattr(tenant_cache, "ENOUGH", 0)
    for edited in (True, False):
        known, loaded = looking_at_few(fleet)
        assert isinstance(tenants_of(loaded), Roster)
        found = load_at(fleet.root, "HEAD", known=known)
        assert isinstance(tenants_of(found), Roster)
        assert found.desired == load_at(fleet.root, "HEAD").desired
        assert base_ref(fleet.root, known) == base_ref(fleet.root) == ("HEAD" if edited else "HEAD^1")
        git(fleet.root, "checkout", "--quiet", "--", ".")


def test_a_new_file_that_no_source_reads_is_told(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.write("tiers.yaml", f"{TIERS}tenants: [{{files: 'tenants/t*.yaml'}}, {{files: 'tenants/acme.yaml'}}]\n")
    monkeypatch.setattr(tenant_cache, "ENOUGH", 100)
    fleet.keep()
    monkeypatch.setattr(tenant_cache, "ENOUGH", 0)
    fleet.write("tenants/zoe.yaml", TEXT.format("zoe", ""))
    _, loaded = looking_at_few(fleet)
    assert_says_the_same_of_few(loaded, load(fleet.root, on_invalid=OnInvalid.SKIP))
    assert "no pattern matches 'tenants/zoe.yaml': not read" in {problem.message for problem in loaded.problems}


def test_what_was_kept_stays_after_a_run_that_looks_at_few(fleet: Fleet, built: list[str]) -> None:
    before = {file: file.read_bytes() for file in fleet.cache.iterdir()}
    EDITS["a plain tenant"](fleet)
    for _ in range(2):
        looking_at_few(fleet)
    assert {file: file.read_bytes() for file in fleet.cache.iterdir()} == before
    assert {*built} == {"t3"}


def test_more_changes_than_a_hundredth_are_kept(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_cache, "ENOUGH", 100)
    EDITS["a plain tenant"](fleet)
    assert [isinstance(tenants_of(looking_at_few(fleet)[1]), Roster) for _ in range(2)] == [False, True]


def test_a_file_that_is_young_when_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others of its fleet are not, and a commit with it is known."""
    monkeypatch.setattr(disk_marks, "SETTLED_NS", -(10**12))
    fleet = Fleet(tmp_path)
    young = (fleet.root / "tenants/t3.yaml").stat().st_ino.to_bytes(8, "little")
    reliable = disk_marks.marks_are_reliable
    monkeypatch.setattr(
        tenant_cache, "marks_are_reliable", lambda row, at: row[8:16] != young and reliable(row, at)
    )
    fleet.keep()
    monkeypatch.setattr(tenant_cache, "ENOUGH", 0)
    known, loaded = looking_at_few(fleet)
    assert_says_the_same_of_few(loaded, load(fleet.root, on_invalid=OnInvalid.SKIP))
    assert isinstance(tenants_of(loaded), Roster)
    assert [*known.blobs()] == ["tenants/t3.yaml"]


@needs_git
@pytest.mark.parametrize("few", [True, False])
@pytest.mark.parametrize("more", ["", "tenant: [\n", TEXT.format("t6", ""), "tenant: t7\ntier: pro\n"])
def test_a_file_that_is_elsewhere_on_disk_has_its_place_in_the_commit(
    fleet: Fleet, more: str, *, few: bool
) -> None:
    git(fleet.root, "init", "--quiet")
    git(fleet.root, "add", "--all")
    git(fleet.root, "commit", "--quiet", "--message=x")
    fleet.write("tenants/t1.yaml", f"{PINNED}labels: {{a: b}}\n")
    git(fleet.root, "commit", "--all", "--quiet", "--message=x")
    (fleet.root / "tenants/eu").mkdir()
    (fleet.root / "tenants/t6.yaml").rename(fleet.root / "tenants/eu/t6.yaml")
    (fleet.root / "tenants/t5.yaml").unlink()
    if more:
        fleet.write("tenants/t7.yaml", more)
    known = KnownTenants(lambda prices: TenantCache.open(fleet.cache, prices, fleet.root), few=few)
    load(fleet.root, known=known, on_invalid=OnInvalid.SKIP)
    for commit in ("HEAD", "HEAD~1"):
        there = tenants_of(load_at(fleet.root, commit, known=known))
        places = [there[name].location.file.rpartition("/")[0] for name in ("t5", "t6")]
        assert places == [f"{commit}:tenants"] * 2
