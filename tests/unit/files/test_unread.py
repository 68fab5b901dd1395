"""What cannot be read of the files costs itself: at a commit its own tenants, for a few tenants nobody else's."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from reconciler.files.edits import difference
from reconciler.files.git import HEAD, fleet_tree, load_at
from reconciler.files.load import OnInvalid, load, parse_tenants
from reconciler.files.repository import found
from reconciler.files.tree import pointer
from reconciler.plan.baseline import Baseline
from reconciler.plan.history import History
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import TIERS, load_files, write
from tests.unit.files.test_git import ACME, repository

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState


SOURCES = f'{TIERS}tenants: [{{files: "tenants/**/*.yaml"}}, {{ndjson: "lines/*.ndjson"}}]\n'
LINES = "lines/all.ndjson"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
BEE = "tenant: b\ntier: free\n"
LINE = '{"tenant": "%s", "tier": "free"}\n'
NAMELESS = '{"tier": "free"\n'
MARK = "\ufeff"


def at_head(root: Path) -> DesiredState:
    loaded = load_at(root, "HEAD")
    assert loaded.desired is not None, loaded.problems
    return loaded.desired


def now(root: Path) -> DesiredState:
    loaded = load(root)
    assert loaded.desired is not None, loaded.problems
    return loaded.desired


@needs_git
class TestAtACommit:
    @pytest.mark.parametrize(
        ("contents", "why"),
        [
            (LFS, "is a pointer of Git LFS, not the file"),
            (b"/annex/objects/SHA256E-s6--0a\n", "is a pointer of git-annex, not the file"),
            (b"\0GITCRYPT\0\x01\x02", "is encrypted by git-crypt"),
            (ACME.encode() + b"#" * 2**20, "the file is larger than 1 MiB"),
        ],
        ids=["LFS", "annex", "git-crypt", "large"],
    )
    def test_a_file_that_is_none_holds_back_its_tenant(self, tmp_path: Path, contents: bytes, why: str) -> None:
        root = repository(tmp_path, {"tenants/acme.yaml": contents, "tenants/b.yaml": BEE})
        loaded = load_at(root, "HEAD")
        assert loaded.desired is not None
        assert (list(loaded.desired.tenants), {*loaded.desired.held_back}) == (["b"], {"acme"})
        assert [problem.message for problem in loaded.problems] == [why]
        write(root, {"tenants/acme.yaml": ACME})
        seen = loaded.desired.before(now(root))
        assert (list(seen.tenants), {*seen.held_back}) == (["b"], {"acme"})

    def test_a_folder_that_is_a_submodule_costs_the_tenants_below_it(self, tmp_path: Path) -> None:
        other = repository(tmp_path / "other", {"c.yaml": "tenant: c\ntier: free\n"})
        root = repository(tmp_path / "r", {"tenants/acme.yaml": ACME})
        git(
            root,
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            f"file://{other}",
            "tenants/sub",
        )
        git(root, "commit", "--quiet", "--message=x")
        shutil.rmtree(root / "tenants/sub")
        write(root, {"tenants/sub/c.yaml": "tenant: c\ntier: free\n", "tenants/d.yaml": "tenant: d\ntier: free\n"})
        seen = at_head(root).before(now(root))
        assert (list(seen.tenants), {*seen.held_back}) == (["acme"], {"c", "sub"})

    def test_a_file_of_several_costs_those_who_stand_in_it_now(self, tmp_path: Path) -> None:
        root = repository(tmp_path, {"tenants/many.yaml": LFS, "tenants/acme.yaml": ACME})
        write(
            root,
            {
                "tenants/many.yaml": f"{BEE}---\ntenant: c\ntier: free\n",
                "tenants/d.yaml": "tenant: d\ntier: free\n",
            },
        )
        assert at_head(root).before(now(root)).held_back == {"many", "b", "c"}

    def test_broken_lines_hold_back_their_tenants_even_under_a_document(self, tmp_path: Path) -> None:
        on_top = "tenant: acme\nlabels: {team: eu}\ntier: free\n"
        root = write(tmp_path, {LINES: LFS, "tenants/acme.yaml": on_top}, tiers=SOURCES)
        repository(root, {"tiers.yaml": SOURCES})
        write(
            root, {LINES: LINE % "acme" + LINE % "b", "tenants/d.yaml": "tenant: d\ntier: free\n"}, tiers=SOURCES
        )
        assert at_head(root).before(now(root)).held_back == {"all", "acme", "b"}

    def test_a_line_that_names_nobody_costs_who_had_no_line_there(self, tmp_path: Path) -> None:
        root = write(tmp_path, {LINES: LINE % "acme" + NAMELESS, "tenants/b.yaml": BEE}, tiers=SOURCES)
        repository(root, {"tiers.yaml": SOURCES})
        write(root, {LINES: LINE % "acme" + LINE % "c"}, tiers=SOURCES)
        seen = at_head(root).before(now(root))
        assert (list(seen.tenants), {*seen.held_back}) == (["acme", "b"], {"c"})

    def test_a_price_list_that_is_none_costs_all(self, tmp_path: Path) -> None:
        root = repository(tmp_path, {"tiers.yaml": LFS, "tenants/acme.yaml": ACME})
        loaded = load_at(root, "HEAD")
        assert loaded.desired is None
        told = [str(problem) for problem in loaded.problems if problem.location.file == "HEAD:tiers.yaml"]
        assert told[0].startswith("HEAD:tiers.yaml:1:1: is a pointer of Git LFS")

    def test_a_history_knows_less_of_them_also_of_those_who_are_owed(self, tmp_path: Path) -> None:
        root = repository(tmp_path, {"tenants/acme.yaml": LFS, "tenants/b.yaml": BEE})
        base = at_head(root)
        write(root, {"tenants/acme.yaml": f"{BEE.replace(': b', ': c')}---\n{ACME}", "tenants/b.yaml": BEE})
        (root / "tenants/acme.yaml").rename(root / "tenants/both.yaml")
        write(root, {"tenants/acme.yaml": "tenant: e\ntier: free\n---\ntenant: f\ntier: free\n"})
        history = History(base, owed={"f": Baseline(base)}).under(now(root))
        assert [history.past(name) is None for name in ("acme", "b", "c", "e", "f")] == [
            True,
            False,
            False,
            True,
            True,
        ]

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"tenants/b.yaml": f"{BEE}# x\n"}, "tenants/b.yaml differs"),
            ({"tenants/new.yaml": "tenant: new\ntier: free\n"}, "tenants/new.yaml is not committed"),
            ({"tenants/acme.yaml": ACME}, "tenants/acme.yaml is a pointer of Git LFS, not the file in the commit"),
        ],
    )
    def test_an_edit_is_told_with_its_file(
        self, tmp_path: Path, change: dict[str, str | bytes], told: str
    ) -> None:
        first = {"tenants/acme.yaml": LFS if "LFS" in told else ACME, "tenants/b.yaml": BEE}
        root = repository(tmp_path, first)
        repo = found(root)
        tree = fleet_tree(repo, HEAD)
        assert tree is not None
        assert difference(repo, tree, root, ignoring=False) is None
        write(root, change)
        assert difference(repo, tree, root, ignoring=False) == told


def test_a_pointer_at_hand_is_named_with_the_way_to_the_file(tmp_path: Path) -> None:
    loaded = load_files(tmp_path, {"tenants/acme.yaml": LFS, "tenants/b.yaml": BEE})
    assert loaded.desired is None
    assert [problem.message for problem in loaded.problems] == ["is a pointer of Git LFS, not the file"]
    assert str(loaded.problems[0].hint).startswith("git lfs pull")


@pytest.mark.parametrize("data", [b"", b"version: 1\n", b"version https://example.org/\n", ACME.encode()])
def test_a_file_is_no_pointer(data: bytes) -> None:
    assert pointer(data) is None


class TestForAFew:
    @pytest.mark.parametrize(
        "line", [NAMELESS, '{"tenat": "x", "tier": "free"}\n', "[\n", '{"project_id": "p-1",\n']
    )
    def test_a_line_that_names_nobody_is_no_matter_of_theirs(self, tmp_path: Path, line: str) -> None:
        root = write(tmp_path, {LINES: LINE % "acme" + line + LINE % "b"}, tiers=SOURCES)
        acme = frozenset({"acme"})
        for loaded in (
            load(root, only=acme, on_invalid=OnInvalid.SKIP),
            load(root, about=acme, on_invalid=OnInvalid.SKIP),
        ):
            assert loaded.desired is not None
            assert "acme" in loaded.desired.tenants
        assert load(root, on_invalid=OnInvalid.SKIP).desired is None, "a fleet may lack a tenant"

    def test_it_is_where_it_mentions_one_of_them(self, tmp_path: Path) -> None:
        root = write(
            tmp_path, {LINES: '{"tenant" "Acme", "protect": true}\n', "tenants/acme.yaml": ACME}, tiers=SOURCES
        )
        loaded = load(root, only=frozenset({"acme"}), on_invalid=OnInvalid.SKIP)
        assert loaded.desired is not None
        assert (list(loaded.desired.tenants), {*loaded.desired.held_back}) == ([], {"acme"})


class TestAByteOrderMark:
    def test_before_lines_is_left_out(self, tmp_path: Path) -> None:
        loaded = load_files(tmp_path, {LINES: MARK + LINE % "acme" + LINE % "b"}, tiers=SOURCES)
        assert loaded.desired is not None
        assert list(loaded.desired.tenants) == ["acme", "b"]

    def test_elsewhere_is_an_error_with_its_place(self, tmp_path: Path) -> None:
        loaded = load_files(tmp_path, {LINES: LINE % "acme" + MARK + LINE % "b"}, tiers=SOURCES)
        assert [problem.location.line for problem in loaded.problems if problem.location.file.endswith(LINES)] == [
            2
        ]

    @pytest.mark.parametrize("text", [LINE % "acme", f"[{LINE % 'acme'}]", ACME, f"\n{LINE % 'acme'}"])
    def test_on_stdin_is_left_out(self, tmp_path: Path, text: str) -> None:
        fleet = load_files(tmp_path, {"tenants/b.yaml": BEE}).desired
        assert fleet is not None
        given = parse_tenants(MARK + text, "<stdin>", fleet).desired
        assert given is not None
        assert list(given.tenants) == ["acme"]
