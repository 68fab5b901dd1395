"""Files that have not changed are not parsed again, and nothing can make one mean something else."""

from __future__ import annotations

import time
from mmap import mmap
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml

from reconciler.files import build, known_tenants, reading
from reconciler.files.commit_tree import CommitTree
from reconciler.files.git import base_ref, load_at
from reconciler.files.known_tenants import KnownTenants
from reconciler.files.load import load
from reconciler.files.packed_values import built
from reconciler.files.packed_values import packed as pack
from reconciler.files.price_list_text import parsed_price_list
from reconciler.files.tenant_cache import MOST_FILES, TenantCache
from reconciler.files.tenant_rows import PackedTenants, Rebuilding
from reconciler.files.tenant_schema import TenantDocument
from reconciler.files.tree import WorkTree
from reconciler.model.problem import Location
from tests.harness.repository import git, needs_git
from tests.property import whole_files
from tests.unit.files.builders import TIERS

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.tenant import Tenant
    from reconciler.files.entry import Text
    from reconciler.files.load import Loaded

SQL = {"sql": {"url": "${CUSTOMERS_URL}", "query": "select tenant, tier from customers"}}
FREE = "tenant: {name}\ntier: free\nlabels: {{of: {name}}}\n"


class Files:
    """A fleet's folder beside that of the cache, and which files the last load has parsed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.cache = folder / "fleet", folder / "cache"
        self.parsed: list[str] = []
        parse = reading._read_file

        def noted(text: Text) -> Any:
            self.parsed.append(text.path)
            return parse(text)

        monkeypatch.setattr(reading, "_read_file", noted)
        self.write("tiers.yaml", TIERS)
        for name in ("acme", "zoe"):
            self.tenant(name)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def tenant(self, name: str, more: str = "") -> None:
        self.write(f"tenants/{name}.yaml", FREE.format(name=name) + more)

    def first_load(self) -> list[str]:
        """The files that a run parses which knows nothing."""
        self.cache = self.cache.with_name(f"{self.cache.name}-empty")
        assert self.check_load().desired is not None
        return self.parsed

    def check_load(self) -> Loaded:
        """As a run of its own, beside a load that knows nothing: both say the same."""
        expected = load(self.root)
        self.parsed.clear()
        known = KnownTenants(lambda prices: TenantCache.open(self.cache, prices, self.root))
        loaded = load(self.root, known=known)
        known.save()
        assert loaded == expected
        assert [repr(one) for one in tenants(loaded)] == [repr(one) for one in tenants(expected)]
        assert [one.files for one in tenants(loaded)] == [one.files for one in tenants(expected)]
        return loaded

    def stored(self) -> list[Path]:
        return sorted(self.cache.glob("*.tenants"))


def tenants(loaded: Loaded) -> list[Tenant]:
    return [] if loaded.desired is None else list(loaded.desired.tenants.values())


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Two tenants, read once."""
    found = Files(tmp_path, monkeypatch)
    found.check_load()
    assert found.parsed == ["tenants/acme.yaml", "tenants/zoe.yaml"]
    return found


def test_a_second_run_parses_no_file(files: Files) -> None:
    files.check_load()
    assert files.parsed == []
    assert [one.location.file for one in tenants(files.check_load())] == [
        str(files.root / "tenants/acme.yaml"),
        str(files.root / "tenants/zoe.yaml"),
    ]


def test_a_changed_file_is_parsed_and_its_earlier_form_too_once(files: Files) -> None:
    files.tenant("acme", "protect: true\n")
    files.check_load()
    assert files.parsed == ["tenants/acme.yaml"]
    files.tenant("acme")
    files.check_load()
    assert files.parsed == []


def test_a_change_of_the_price_list_parses_every_file_and_finds_what_no_longer_fits(files: Files) -> None:
    files.write("tiers.yaml", TIERS.replace("tiers:\n  free:", "tiers:\n  gratis:"))
    assert len(files.check_load().problems) >= 2
    assert len(files.parsed) == 2


def test_a_price_list_that_changes_meanwhile_gets_no_tenant_of_the_earlier_one(files: Files) -> None:
    later = TIERS.replace("tiers:\n  free:", "tiers:\n  gratis:")
    known = KnownTenants(lambda prices: TenantCache.open(files.cache, prices, files.root))
    load(files.root, known=known, on_prices=lambda _: files.write("tiers.yaml", later))
    known.save()
    assert len(files.check_load().problems) >= 2
    assert len(files.parsed) == 2


@pytest.mark.parametrize(
    "text",
    [
        "tenant: acme\ntier: free\ntypo: 1\n",
        "tenant: acme\ntier: nope\n",
        "tenant: other\ntier: free\n",
        "tenant: acme\ntier: free\npreviously: [older]\n",
        "tenant: acme\ntier: free\n---\ntenant: more\ntier: free\n",
    ],
    ids=["unknown key", "unknown tier", "another name", "an earlier name", "two tenants"],
)
def test_a_file_with_a_finding_or_several_tenants_is_parsed_each_time(files: Files, text: str) -> None:
    files.write("tenants/acme.yaml", text)
    for _ in range(2):
        files.check_load()
        assert files.parsed == ["tenants/acme.yaml"]


def test_the_tenant_of_a_file_under_another_name_is_still_misplaced(files: Files) -> None:
    (files.root / "tenants/acme.yaml").rename(files.root / "tenants/copy.yaml")
    assert "is in a file named" in files.check_load().problems[0].message


@pytest.mark.parametrize("more", ["", "project_id: p-1\n"])
def test_conflicts_between_known_tenants_are_found(files: Files, more: str) -> None:
    for path in ("tenants/acme.yaml", "tenants/zoe.yaml"):
        files.write(path, FREE.format(name=path[8:-5]) + more)
    if not more:
        files.write("tenants/more/acme.yaml", FREE.format(name="acme"))
    assert files.check_load().problems == files.check_load().problems != ()


@pytest.mark.usefixtures("settled")
def test_a_changed_file_in_conflict_with_a_known_one_is_reported_as_without_a_cache(files: Files) -> None:
    """The later one of two files is reported, whichever of them is known."""
    files.tenant("zoe", "project_id: p-1\n")
    files.check_load()
    files.tenant("acme", "project_id: p-1\n")
    [found] = files.check_load().problems
    assert found.location.file == str(files.root / "tenants/zoe.yaml")
    files.tenant("acme")
    files.write("tenants/Zoe.yaml", FREE.format(name="Zoe"))
    assert files.check_load().problems[0].location.file == str(files.root / "tenants/zoe.yaml")


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-1], lambda data: data[:-9] + b"X" + data[-8:], lambda _: b"", lambda data: b"x" + data],
    ids=["cut", "changed", "empty", "another start"],
)
def test_a_damaged_cache_counts_as_none(files: Files, damage: Any) -> None:
    [file] = files.stored()
    file.write_bytes(damage(file.read_bytes()))
    files.check_load()
    assert len(files.parsed) == 2
    files.check_load()
    assert files.parsed == []


def test_a_cache_of_another_program_is_not_read(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.files.tenant_cache.digest_of_the_program", lambda: b"another")
    files.check_load()
    assert len(files.parsed) == 2


def test_a_folder_that_others_can_write_to_is_not_used(files: Files) -> None:
    files.cache.chmod(0o770)
    files.check_load()
    assert len(files.parsed) == 2


def test_a_link_in_the_place_of_the_folder_is_not_followed(files: Files) -> None:
    files.cache.rename(files.cache.with_name("elsewhere"))
    files.cache.symlink_to("elsewhere")
    files.check_load()
    assert len(files.parsed) == 2


def test_the_folder_and_its_files_are_the_users_alone(files: Files) -> None:
    assert files.cache.stat().st_mode & 0o777 == 0o700
    assert [file.stat().st_mode & 0o777 for file in files.stored()] == [0o600]


def test_the_cache_stays_small(files: Files) -> None:
    for number in range(MOST_FILES + 2):
        files.write("tiers.yaml", f"{TIERS}# {number}\n")
        files.check_load()
    assert len(files.stored()) == MOST_FILES


def test_files_that_are_gone_leave_the_cache_before_it_is_twice_as_large(files: Files) -> None:
    def rows() -> int:
        [file] = files.stored()
        cache = TenantCache.open(files.cache, (files.root / "tiers.yaml").read_bytes())
        assert cache is not None
        assert cache.file == file
        return len(cache._rows.by_digest)

    for number in range(9):
        files.tenant("acme", f"revision: {number + 1}\n")
        files.check_load()
    assert rows() <= 4


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as old as soon as they are written."""
    monkeypatch.setattr("reconciler.files.disk_marks.SETTLED_NS", -(10**12))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files on disk that are read."""
    paths: list[str] = []
    original = WorkTree.read

    def noted(self: WorkTree, path: str, *limit: int) -> bytes:
        paths.append(path)
        return original(self, path, *limit)

    monkeypatch.setattr(WorkTree, "read", noted)
    return paths


def run(files: Files, read: list[str], only: frozenset[str] | None = None) -> list[str]:
    """The tenants' files that a run reads."""
    known = KnownTenants(lambda prices: TenantCache.open(files.cache, prices, files.root))
    del read[:]
    assert load(files.root, known=known, only=only).desired is not None
    known.save()
    return [path for path in read if path != "tiers.yaml"]


def write_again(file: Path) -> None:
    """Write the same bytes, with a later time of the last change."""
    before = file.stat().st_ctime_ns
    while file.stat().st_ctime_ns == before:
        file.write_bytes(file.read_bytes())


@pytest.mark.usefixtures("settled")
def test_a_file_whose_marks_have_not_changed_is_not_read(files: Files, read: list[str]) -> None:
    run(files, read)
    assert run(files, read) == []
    assert run(files, read, only=frozenset({"acme"})) == ["tenants/acme.yaml"]  # sooner than the rows of all
    write_again(files.root / "tenants/acme.yaml")
    assert run(files, read) == ["tenants/acme.yaml"]


def test_a_file_that_has_just_been_written_is_read_again(files: Files, read: list[str]) -> None:
    run(files, read)
    assert run(files, read) == ["tenants/acme.yaml", "tenants/zoe.yaml"]


def test_a_file_that_a_program_writes_through_a_memory_map_is_read_again(files: Files) -> None:
    """Its times change with the first of several writes: a run may have read it in between."""
    file = files.root / "tenants/acme.yaml"
    with file.open("r+b") as opened, mmap(opened.fileno(), 0) as mapped:
        place = mapped.find(b"free")
        mapped[place : place + 4] = b"pro "
        a_little_later = time.time_ns() + 3 * 10**9
        known = KnownTenants(
            lambda prices: TenantCache.open(files.cache, prices, files.root), _began_ns=a_little_later
        )
        load(files.root, known=known)
        known.save()
        mapped[place : place + 4] = b"free"
        files.check_load()


@pytest.mark.usefixtures("settled")
def test_a_file_that_was_changed_while_it_was_read_is_read_again(
    files: Files, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_again(files.root / "tenants/acme.yaml")
    original = WorkTree.read

    def changed(self: WorkTree, path: str, *limit: int) -> bytes:
        data = original(self, path, *limit)
        if path == "tenants/acme.yaml":
            write_again(files.root / path)
            files.tenant("acme", "protect: true\n")
        return data

    with monkeypatch.context() as during:
        during.setattr(WorkTree, "read", changed)
        run(files, read)
    assert run(files, read) == ["tenants/acme.yaml"]
    assert files.check_load().desired is not None


@pytest.mark.usefixtures("settled")
def test_a_tenant_with_a_pinned_project_is_read_for_every_other_one(files: Files, read: list[str]) -> None:
    files.tenant("zoe", "project_id: p-1\n")
    run(files, read)
    assert run(files, read, only=frozenset({"acme"})) == ["tenants/acme.yaml", "tenants/zoe.yaml"]


@pytest.mark.usefixtures("settled")
def test_marks_count_for_one_folder_and_one_price_list(files: Files, read: list[str]) -> None:
    run(files, read)
    assert run(files, read) == []
    files.write("tiers.yaml", f"{TIERS}# changed\n")
    assert len(run(files, read)) == 2


def test_every_key_of_a_price_list_comes_back_as_it_was() -> None:
    written = {**whole_files.TIERS, "tenants": [*whole_files.TIERS["tenants"], SQL]}
    text = yaml.safe_dump(written).encode()
    prices = parsed_price_list(text, "tiers.yaml", past=False)
    assert prices.problems == ()
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(pack(prices, "tiers.yaml")))
    for name in ("tiers.yaml", "HEAD:tiers.yaml"):
        expected = parsed_price_list(text, name, past=False)
        assert built(stored, name) == expected
        assert repr(built(stored, name)) == repr(expected) == repr(parsed_price_list(text, name, past=True))


@pytest.mark.parametrize("name", ["TENANT", "OTHER_TENANT"])
def test_every_key_of_a_tenants_file_comes_back_as_it_was(name: str) -> None:
    written = TenantDocument(**{**whole_files.TENANT, **getattr(whole_files, name)})
    tenant = build.tenant(written, Location("tenants/acme.yaml", 3, 2), ("tenants/acme.yaml",))
    packing = PackedTenants()
    packing.add(b"acme", tenant)
    rows = packing.packed()
    again = Rebuilding(rows).tenant(rows.by_digest[b"acme"], "tenants/acme.yaml", "tenants/acme.yaml")
    assert again == tenant
    assert repr((again, again.files)) == repr((tenant, tenant.files))


@needs_git
def test_a_commit_with_the_same_files_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(tmp_path, monkeypatch)
    git(files.root, "init", "--quiet", "--initial-branch=main")
    git(files.root, "add", "--all")
    git(files.root, "commit", "--quiet", "--message=x")
    files.tenant("acme", "protect: true\n")
    known = KnownTenants()
    now = load(files.root, known=known)
    files.parsed.clear()
    then = load_at(files.root, "HEAD", known=known)
    assert files.parsed == ["tenants/acme.yaml"]
    assert then.desired is not None
    assert now.desired is not None
    assert then.desired.tenants["zoe"] is now.desired.tenants["zoe"]
    assert then == load_at(files.root, "HEAD")


@needs_git
@pytest.mark.usefixtures("settled")
def test_a_commit_whose_folders_are_those_on_disk_gives_all_tenants_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(tmp_path, monkeypatch)
    git(files.root, "init", "--quiet", "--initial-branch=main")
    git(files.root, "add", "--all")
    git(files.root, "commit", "--quiet", "--message=x")
    unlisted: dict[str, tuple[()]] = {"policies": ()}
    for edited in (False, False, True):
        if edited:
            files.tenant("acme", "protect: true\n")
        known = KnownTenants(lambda prices: TenantCache.open(files.cache, prices, files.root))
        now = load(files.root, known=known)
        known.save()
        with monkeypatch.context() as during:
            if not edited:
                during.setattr(CommitTree, "_walk", lambda _, folder, __: iter(unlisted[folder]))
            then = load_at(files.root, "HEAD", known=known)
        assert now.desired is not None
        assert then.desired is not None
        assert (then.desired.tenants is now.desired.tenants) == (not edited)
        assert then == load_at(files.root, "HEAD")


@needs_git
@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("change", ["deleted", "added", "edited"])
def test_the_kept_id_of_a_folder_counts_for_just_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    files = Files(tmp_path, monkeypatch)
    git(files.root, "init", "--quiet", "--initial-branch=main")
    git(files.root, "add", "--all")
    for _ in range(2):
        git(files.root, "commit", "--quiet", "--allow-empty", "--message=x")

    def base() -> str | None:
        known = KnownTenants(lambda prices: TenantCache.open(files.cache, prices, files.root))
        load(files.root, known=known)
        known.save()
        return base_ref(files.root, known)

    assert [base(), base()] == ["HEAD^1", "HEAD^1"]
    with monkeypatch.context() as during:
        during.setattr(known_tenants, "tree_ids", lambda *_: pytest.fail("the id is computed"))
        assert base() == "HEAD^1"
    if change == "deleted":
        (files.root / "tenants/zoe.yaml").unlink()
    else:
        files.tenant("zoe" if change == "edited" else "kim", "protect: true\n")
    assert base() == "HEAD"


COMMENTS = "# Signed up by itself.\n#\n"


@pytest.mark.parametrize(
    "more", ["", "protect: true\n", "labels: {team: eu}\n", "overrides: {quota: {logical_size: 1GiB}}\n"]
)
def test_of_files_that_differ_in_the_name_only_one_is_parsed(files: Files, more: str) -> None:
    files.write("tenants/acme.yaml", f"{COMMENTS}tenant: acme\ntier: free\n{more}")
    files.write("tenants/zoe.yaml", f"tenant: zoe\ntier: free\n{more}")
    assert files.first_load() == ["tenants/acme.yaml"]
    assert [one.location.line for one in tenants(files.check_load())] == [3, 1]


@pytest.mark.parametrize(
    "text",
    [
        "# zoe \u00e9\ntenant: {}\ntier: free\n",
        "tenant: {} # mine\ntier: free\n",
        "tenant: '{}'\ntier: free\n",
        " tenant: {}\n tier: free\n",
        "tenant: {}\r\ntier: free\r\n",
        "---\ntenant: {}\ntier: free\n",
        "tier: free\ntenant: {}\n",
        "tenant: {}\n  more\ntier: free\n",
        "tenant: {}\ntier: free\ntier: free\n",
        "tenant: {}\ntier: free\nprevioulsy: [old]\n",
        "tenant: {}\ntier: free\npreviously: [old]\n",
    ],
)
def test_a_file_that_begins_otherwise_or_says_too_much_is_parsed_by_itself(files: Files, text: str) -> None:
    for name in ("acme", "zoe"):
        files.write(f"tenants/{name}.yaml", text.format(name))
    files.check_load()
    assert files.parsed == ["tenants/acme.yaml", "tenants/zoe.yaml"]


LABELLED = "tier: free\nlabels:\n  team: eu\n  owner: {}\nprotect: true\n"


@pytest.mark.parametrize(
    ("quoted", "owner"),
    [
        *((False, "acme"), (False, "Acme Ltd. & Co"), (False, "3"), (False, "true"), (False, "nullish")),
        *((False, "2026-11-30"), (True, "Acme Ltd"), (True, "null"), (True, "3"), (True, "a@b.org/c+d_e")),
    ],
)
def test_of_files_that_differ_in_plain_labels_too_one_is_parsed(files: Files, owner: str, *, quoted: bool) -> None:
    words = [f'"{word}"' if quoted else word for word in ("someone", owner)]
    for name, word in zip(("acme", "zoe"), words, strict=True):
        files.write(f"tenants/{name}.yaml", f"tenant: {name}\n{LABELLED.format(word)}")
    assert files.first_load() == ["tenants/acme.yaml"]
    assert [dict(one.labels) for one in tenants(files.check_load())] == [
        {"team": "eu", "owner": "someone"},
        {"team": "eu", "owner": owner},
    ]


@pytest.mark.parametrize(
    "owner",
    [
        *("null", "~", "", "'acme'", '"acme"', "a # b", "a: b", "a\n    b", "|\n    acme", "[a]", "&a b", "*a"),
        *("!!str a", '"a\\u00e9"', "\u00e9", "napi_" + "a" * 60, "a\n  owner: b", "a\n  more: b"),
        *("a\ntier: pro", " a", "a ", "a\n# comment", "a\n  # comment\n  more: b", "a\n\n  more: b"),
    ],
)
def test_a_label_of_another_form_is_read_as_what_it_is(files: Files, owner: str) -> None:
    files.write("tenants/acme.yaml", f"tenant: acme\n{LABELLED.format('someone')}")
    files.write("tenants/zoe.yaml", f"tenant: zoe\n{LABELLED.format(owner)}")
    files.check_load()
    assert files.parsed == ["tenants/acme.yaml", "tenants/zoe.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        'reason: "\nlabels:\n  team: {}\n"\nlabels: {{team: eu}}\nstate: suspended\n',
        'reason: "\nlabels:\n  team: {}\n"\n"l\\u0061bels": {{team: eu}}\nstate: suspended\n',
        "reason: |\n  labels:\n  team: {}\nstate: suspended\n",
        "labels:\n  team: {}\n    and more\n",
        "labels:\n  team: {}\n\n  owner: x\n",
        "labels:\n  team: {}\n  # mine\n  owner: x\n",
        "labels:\n   team: {}\n",
    ],
)
def test_what_looks_like_labels_is_read_as_what_it_is(files: Files, text: str) -> None:
    for name, team in (("acme", "eu"), ("zoe", "us")):
        files.write(f"tenants/{name}.yaml", f"tenant: {name}\ntier: free\n{text.format(team)}")
    files.check_load()
    assert files.parsed == ["tenants/acme.yaml", "tenants/zoe.yaml"]


@pytest.mark.parametrize("name", ["null", "true", "no", "y", "a" * 129, "-acme", "x.y", "1e3", "0x10"])
def test_a_name_that_may_mean_something_else_is_read_as_what_it_is(files: Files, name: str) -> None:
    files.write("tenants/acme.yaml", "tenant: acme\ntier: free\n")
    files.write(f"tenants/{name}.yaml", f"tenant: {name}\ntier: free\n")
    files.check_load()
    assert f"tenants/{name}.yaml" in files.parsed


def test_hidden_text_in_a_comment_above_is_found(files: Files) -> None:
    for name in ("acme", "zoe"):
        files.write(
            f"tenants/{name}.yaml", f"# {chr(0x202E) if name == 'zoe' else ''}\ntenant: {name}\ntier: free\n"
        )
    [found] = files.check_load().problems
    assert found.location.file.endswith("zoe.yaml")


def test_two_files_that_pin_one_project_are_in_conflict(files: Files) -> None:
    for name in ("acme", "zoe"):
        files.write(f"tenants/{name}.yaml", f"tenant: {name}\ntier: free\nproject_id: p-1\n")
    assert len(files.check_load().problems) == 1
