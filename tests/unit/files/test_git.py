"""The files of a fleet at a commit, in real repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import InvalidInputError
from reconciler.files.git import base_ref, commit_id, load_at
from reconciler.files.links import LEAVES_TENANTS, NOWHERE, remedy
from reconciler.files.load import load
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import TIERS, write

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.settings import Settings
    from reconciler.files.load import Loaded
    from reconciler.files.reading import Memo

pytestmark = needs_git

ACME = "tenant: acme\ntier: free\n"


def repository(root: Path, *commits: dict[str, str | bytes]) -> Path:
    """A repository with these commits, each of which writes files over those of the one before."""
    root.mkdir(exist_ok=True)
    git(root, "init", "--quiet", "--initial-branch=main")
    for files in commits:
        write(root, files)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--allow-empty", "--message=x")
    return root


def names(root: Path, ref: str) -> list[str]:
    """The tenants at a commit."""
    loaded = load_at(root, ref)
    assert loaded.desired is not None, loaded.problems
    return list(loaded.desired.tenants)


def settings(loaded: Loaded) -> list[Settings]:
    """What every tenant resolves to."""
    assert loaded.desired is not None, loaded.problems
    return [loaded.desired.settings(tenant) for tenant in loaded.desired.tenants.values()]


def test_outside_a_repository_there_is_no_base(tmp_path: Path) -> None:
    assert base_ref(write(tmp_path, {"tenants/acme.yaml": ACME})) is None


def test_no_git_is_needed_to_read_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path, {"tenants/acme.yaml": ACME}, {})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert base_ref(root) == "HEAD^1"
    assert names(root, "HEAD") == ["acme"]


def test_the_first_commit_has_no_base(tmp_path: Path) -> None:
    assert base_ref(repository(tmp_path, {"tenants/acme.yaml": ACME})) is None


def test_a_repository_without_commits_has_no_base(tmp_path: Path) -> None:
    assert base_ref(write(repository(tmp_path), {"tenants/acme.yaml": ACME})) is None


def test_the_base_is_the_parent_of_what_is_committed(tmp_path: Path) -> None:
    root = repository(tmp_path, {"tenants/acme.yaml": ACME}, {"tenants/b.yaml": "tenant: b\ntier: free\n"})
    assert base_ref(root) == "HEAD^1"
    assert names(root, "HEAD^1") == ["acme"]
    assert names(root, "HEAD") == ["acme", "b"]


@pytest.mark.parametrize(
    "change", ["a tenant is edited", "a tenant is added", "a tenant is removed", "a line", "prices"]
)
def test_the_base_is_the_commit_while_files_are_edited(change: str, tmp_path: Path) -> None:
    tiers = TIERS + 'tenants: [{files: "tenants/**/*.yaml"}, {ndjson: "fleet/*.ndjson"}]\n'
    root = repository(tmp_path, {"tenants/acme.yaml": ACME}, {"tiers.yaml": tiers})
    match change:
        case "a tenant is edited":
            write(root, {"tenants/acme.yaml": ACME + "protect: true\n"})
        case "a tenant is added":
            write(root, {"tenants/eu/b.yaml": "tenant: b\ntier: free\n"})
        case "a tenant is removed":
            (root / "tenants/acme.yaml").unlink()
        case "a line is added":
            write(root, {"fleet/x.ndjson": '{"tenant": "c", "tier": "free"}'})
        case _:
            write(root, {}, tiers=tiers + "# more\n")
    assert base_ref(root) == "HEAD"
    assert names(root, "HEAD") == ["acme"]


def test_other_files_may_be_edited_without_moving_the_base(tmp_path: Path) -> None:
    root = repository(tmp_path, {"tenants/acme.yaml": ACME}, {"README.md": "hello\n"})
    write(root, {"README.md": "hello again\n", "notes.txt": "x"})
    assert base_ref(root) == "HEAD^1"


def test_the_base_of_a_merge_is_the_branch_that_was_merged_into(tmp_path: Path) -> None:
    root = repository(tmp_path, {"tenants/acme.yaml": ACME})
    git(root, "checkout", "--quiet", "-b", "change")
    repository(root, {"tenants/b.yaml": "tenant: b\ntier: free\n"})
    git(root, "checkout", "--quiet", "main")
    git(root, "merge", "--quiet", "--no-ff", "--message=merge", "change")
    assert names(root, base_ref(root) or "") == ["acme"]


def test_a_base_without_a_price_list_is_none(tmp_path: Path) -> None:
    root = tmp_path / "fleet"
    repository(tmp_path / "fleet").joinpath("README.md").write_text("hello\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=x")
    repository(root, {"tenants/acme.yaml": ACME})
    assert base_ref(root) is None


def test_a_shallow_clone_has_no_base_and_says_why(tmp_path: Path) -> None:
    root = repository(tmp_path / "origin", {"tenants/acme.yaml": ACME}, {"README.md": "x"})
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{root}", "clone")
    assert base_ref(tmp_path / "clone") is None
    with pytest.raises(InvalidInputError) as caught:
        load_at(tmp_path / "clone", "HEAD^1")
    assert caught.value.hint == "fetch the whole history: git fetch --unshallow"


def test_a_fleet_may_live_in_a_folder_of_a_repository(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"fleets/a/tiers.yaml": TIERS, "fleets/a/tenants/acme.yaml": ACME}
    root = repository(tmp_path, files, {"fleets/b/tenants/b.yaml": "x"}) / "fleets/a"
    assert base_ref(root) == "HEAD^1"
    assert names(root, "HEAD") == ["acme"]


def test_the_work_tree_is_left_alone(tmp_path: Path) -> None:
    root = repository(tmp_path, {"tenants/acme.yaml": ACME}, {})
    write(root, {"tenants/acme.yaml": "mine"})
    load_at(root, "HEAD")
    assert (root / "tenants/acme.yaml").read_text() == "mine"


def test_attributes_for_archives_and_line_ends_change_nothing(tmp_path: Path) -> None:
    attributes = "tenants/* export-ignore\n*.yaml text eol=crlf\n"
    assert names(repository(tmp_path, {".gitattributes": attributes, "tenants/acme.yaml": ACME}), "HEAD") == [
        "acme"
    ]


def test_hooks_of_another_repository_do_not_mislead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = repository(tmp_path / "other", {"tenants/other.yaml": "tenant: other\ntier: free\n"})
    root = repository(tmp_path / "fleet", {"tenants/acme.yaml": ACME}, {})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    assert base_ref(root) == "HEAD^1"
    assert names(root, "HEAD") == ["acme"]


def test_links_are_followed_within_the_folder_and_nowhere_else(tmp_path: Path) -> None:
    root = write(tmp_path, {"tenants/.data/acme.yaml": ACME, "outside.yaml": ACME})
    (root / "tenants/acme.yaml").symlink_to(".data/acme.yaml")
    assert names(repository(root, {}), "HEAD") == ["acme"]
    (root / "tenants/b.yaml").symlink_to("../outside.yaml")
    (root / "tenants/loop.yaml").symlink_to("loop.yaml")
    loaded = load_at(repository(root, {}), "HEAD")
    assert [str(problem) for problem in loaded.problems] == [
        f"HEAD:tenants/b.yaml:1:1: {LEAVES_TENANTS} ({remedy(LEAVES_TENANTS)})",
        f"HEAD:tenants/loop.yaml:1:1: {NOWHERE} ({remedy(NOWHERE)})",
    ]
    assert loaded.desired is not None
    assert (list(loaded.desired.tenants), {*loaded.desired.held_back}) == (["acme"], {"b", "loop"})


def test_broken_files_of_the_past_hold_back_only_their_tenants(tmp_path: Path) -> None:
    root = repository(tmp_path, {"tenants/acme.yaml": ACME, "tenants/b.yaml": "tenant: ["})
    loaded = load_at(root, "HEAD")
    assert loaded.desired is not None
    assert (list(loaded.desired.tenants), sorted(loaded.desired.held_back)) == (["acme"], ["b"])
    assert str(loaded.problems[0]).startswith("HEAD:tenants/b.yaml:2:1: not valid YAML")


def test_a_memo_changes_nothing_but_the_time(tmp_path: Path) -> None:
    root = repository(tmp_path, {"tenants/acme.yaml": ACME, "tenants/b.yaml": "tenant: b\ntier: pro\n"})
    write(
        root,
        {"tenants/b.yaml": "tenant: b\ntier: free\n"},
        tiers=TIERS.replace("max_cu: 2}\n    res", "}\n    res"),
    )
    memo: Memo = {}
    pairs = [
        (load(root), load(root, memo=memo)),
        (load_at(root, "HEAD"), load_at(root, "HEAD", memo=memo)),
    ]
    for plain, remembered in pairs:
        assert settings(plain) == settings(remembered)
    assert settings(pairs[0][0]) != settings(pairs[1][0])
    assert len(memo) == 3


def test_settings_of_another_release_are_readable_at_a_commit(tmp_path: Path) -> None:
    """Unknown ones, and those that this release checks by now, count as unchecked: also in tiers.yaml."""
    unknown = "overrides: {settings: {shiny: 1, hipaa: true, unchecked: {audit_log_level: base}}}\n"
    tier = TIERS + "    settings: {bright: {a: [1, no]}, block_vpc_connections: true}\n"
    root = repository(tmp_path, {"tenants/acme.yaml": "tenant: acme\ntier: pro\n" + unknown, "tiers.yaml": tier})
    write(root, {}, tiers=tier)
    memo: Memo = {}
    assert load(root, memo=memo).desired is None
    then = load_at(root, "HEAD", memo=memo)
    assert then.problems == ()
    assert [one.settings for one in settings(then)] == [
        {
            "bright": {"a": [1, "no"]},
            "block_vpc_connections": True,
            "shiny": 1,
            "hipaa": True,
            "audit_log_level": "base",
        }
    ]


def test_members_that_this_release_does_not_know_are_readable_at_a_commit(tmp_path: Path) -> None:
    """Also in tiers.yaml, where one of them would make the whole commit unusable as a base."""
    allowed = "settings: {allowed_ips: {ips: [10.0.0.1], primary_branch_only: true}}"
    tenant, tiers = f"{ACME}overrides: {{{allowed}}}\n", TIERS + f"    {allowed}\n"
    root = repository(tmp_path, {"tenants/acme.yaml": tenant, "tiers.yaml": tiers})
    write(root, {}, tiers=tiers)
    assert load(root).desired is None
    then = load_at(root, "HEAD")
    assert then.problems == ()
    assert then.desired is not None
    said = {"allowed_ips": {"ips": ["10.0.0.1"], "primary_branch_only": True}}
    assert then.desired.tenants["acme"].overrides.settings == said
    assert [tier.settings for tier in then.desired.tiers.values() if tier.settings] == [said]


@pytest.mark.parametrize("broken", ["hipaa: on", "quota: {active_time_seconds: 1}", "unchecked: 1, shiny: 1"])
def test_settings_that_no_release_accepts_hold_a_tenant_back_at_a_commit(broken: str, tmp_path: Path) -> None:
    root = repository(
        tmp_path, {"tenants/acme.yaml": f"{ACME}overrides: {{settings: {{{broken}}}}}\n", "tiers.yaml": TIERS}
    )
    then = load_at(root, "HEAD").desired
    assert then is not None
    assert then.held_back == {"acme"}


@pytest.mark.parametrize("ref", ["nowhere", "-c", "--help", "", "HEAD:tiers.yaml", "a..b", "x\ny", "HEAD\0"])
def test_what_names_no_commit_is_refused(ref: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        load_at(repository(tmp_path, {"tenants/acme.yaml": ACME}), ref)


def test_tags_branches_and_abbreviations_name_commits(tmp_path: Path) -> None:
    root = repository(tmp_path, {"tenants/acme.yaml": ACME})
    git(root, "tag", "--annotate", "--message=x", "applied")
    head = git(root, "rev-parse", "HEAD")
    assert {commit_id(root, ref) for ref in ("main", "applied", head[:10], "HEAD")} == {head}


def test_neither_replace_refs_nor_grafts_change_what_a_commit_says(tmp_path: Path) -> None:
    root = repository(
        tmp_path, {"tenants/acme.yaml": ACME}, {"tenants/b.yaml": "tenant: b\ntier: free\n"}, {"README.md": "x"}
    )
    first, base, head = (git(root, "rev-parse", ref) for ref in ("HEAD~2", "HEAD~1", "HEAD"))
    git(root, "replace", base, first)
    (root / ".git/info/grafts").write_text(f"{head} {first}\n")
    assert git(root, "ls-tree", "--name-only", "HEAD^1", "tenants/") == "tenants/acme.yaml"
    assert commit_id(root, "HEAD^1") == base
    assert names(root, "HEAD^1") == ["acme", "b"]


def test_a_missing_object_is_named_and_nothing_is_fetched(tmp_path: Path) -> None:
    origin = repository(tmp_path / "origin", {"tenants/acme.yaml": ACME}, {"tenants/acme.yaml": f"{ACME}# x\n"})
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{origin}", "clone")
    assert base_ref(tmp_path / "clone") == "HEAD^1"
    loaded = load_at(tmp_path / "clone", "HEAD^1")
    assert loaded.desired is not None
    assert ({*loaded.desired.unread}, {*loaded.desired.held_back}) == ({"tenants/acme.yaml"}, {"acme"})
    assert [str(problem) for problem in loaded.problems] == [
        "HEAD^1:tenants/acme.yaml:1:1: is missing from the repository: the clone is incomplete"
    ]
    assert load_at(tmp_path / "clone", "HEAD").desired is not None


def test_the_rule_for_links_is_that_of_the_work_tree(tmp_path: Path) -> None:
    """tiers.yaml and the folder of the tenants may be links that stay in the fleet's folder."""
    root = write(tmp_path, {"real/acme.yaml": ACME})
    (root / "tiers.yaml").rename(root / "prices.yaml")
    (root / "tiers.yaml").symlink_to("prices.yaml")
    (root / "tenants").symlink_to("real")
    repository(root, {})
    now, then = load(root), load_at(root, "HEAD")
    assert now.problems == then.problems == ()
    assert settings(now) == settings(then)
    assert names(root, "HEAD") == ["acme"]
