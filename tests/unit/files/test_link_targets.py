"""Links to files beside the fleet's folder in its repository: the same at a commit as on disk."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from reconciler.files.git import edited, load_at
from reconciler.files.links import FOLDERS, HIDDEN, LEAVES, LEAVES_TENANTS
from reconciler.files.load import load
from reconciler.files.tracked import uncommitted
from tests.harness.repository import git, needs_git
from tests.unit.files.builders import TIERS, write
from tests.unit.files.test_git import ACME

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git

CANARY = "canary_key: canary_value\n"


@pytest.fixture(params=["fleet", "teams/eu/fleet"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A fleet in a folder of its repository, with files of all kinds beside it, most of them committed."""
    fleet = write(tmp_path / "repository" / request.param, {"tenants/b.yaml": "tenant: b\ntier: free\n"})
    beside = fleet.parent
    for name in ("shared/acme.yaml", ".hidden/acme.yaml", "shared/.acme.yaml", "made.yaml", "ignored.yaml"):
        (beside / name).parent.mkdir(exist_ok=True)
        (beside / name).write_text(CANARY if "acme" not in name else ACME)
    (beside / "prices.yaml").write_text(TIERS)
    (beside / "shared/lines.ndjson").write_text('{"tenant": "zoe", "tier": "free"}\n')
    (beside / "shared/deep").symlink_to("acme.yaml")
    top = tmp_path / "repository"
    (tmp_path / "outside.yaml").write_text(CANARY)
    (top / ".gitignore").write_text("ignored.yaml\n")
    git(top, "init", "--quiet", "--initial-branch=main")
    git(top, "add", "--all")
    git(top, "rm", "--quiet", "--cached", str((beside / "made.yaml").relative_to(top)))
    git(top, "commit", "--quiet", "--message=x")
    return fleet


def link(root: Path, path: str, goal: str) -> None:
    """A link in place of a file, committed."""
    (root / path).unlink(missing_ok=True)
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).symlink_to(goal)
    git(root, "add", path)
    git(root, "commit", "--quiet", "--message=link")


def tenants(root: Path) -> tuple[list[str], list[str]]:
    """Now, and at the last commit."""
    now, then = load(root).desired, load_at(root, "HEAD").desired
    assert now is not None
    assert then is not None
    return [*now.tenants], [*then.tenants]


@pytest.mark.parametrize(
    "goal", ["../../shared/acme.yaml", "../../shared/deep", "../../shared/../shared/acme.yaml"]
)
def test_a_tenant_may_be_one(root: Path, goal: str) -> None:
    link(root, "tenants/acme.yaml", goal)
    assert tenants(root) == (["acme", "b"], ["acme", "b"])
    assert edited(root) is None


def test_so_may_the_price_list_and_lines(root: Path) -> None:
    (root.parent / "prices.yaml").write_text(f'{TIERS}tenants: [{{ndjson: "lines/*.ndjson"}}]\n')
    git(root, "commit", "--all", "--quiet", "--message=x")
    link(root, "tiers.yaml", "../prices.yaml")
    link(root, "lines/all.ndjson", "../../shared/lines.ndjson")
    assert tenants(root) == (["zoe"], ["zoe"])


def test_an_edit_of_it_is_one_and_git_holds_it_where_it_shows(root: Path) -> None:
    link(root, "tenants/acme.yaml", "../../shared/acme.yaml")
    for flag, held in (("--no-assume-unchanged", True), ("--assume-unchanged", False)):
        git(root.parent, "update-index", flag, "shared/acme.yaml")
        (root.parent / "shared/acme.yaml").write_text(ACME.replace("free", "pro"))
        desired = load(root).desired
        assert desired is not None
        assert (uncommitted(root, desired.tenants, ["acme"]) == set()) is held
        assert edited(root) == "tenants/acme.yaml differs"


@pytest.mark.drawn(6)
@pytest.mark.parametrize(
    ("goal", "why"),
    [
        ("../../made.yaml", LEAVES_TENANTS),
        ("../../ignored.yaml", LEAVES_TENANTS),
        ("../../nowhere.yaml", LEAVES_TENANTS),
        ("../../shared", LEAVES_TENANTS),
        ("../../.hidden/acme.yaml", HIDDEN),
        ("../../shared/.acme.yaml", HIDDEN),
        ("../../../../../../../../outside.yaml", LEAVES_TENANTS),
        ("../tiers.yaml", LEAVES_TENANTS),
        ("/etc/passwd", LEAVES_TENANTS),
    ],
)
def test_nothing_else_is_read(root: Path, goal: str, why: str) -> None:
    link(root, "tenants/acme.yaml", goal)
    now = load(root)
    assert now.desired is None
    assert why in [problem.message for problem in now.problems]
    assert "canary" not in str(now.problems)
    then = load_at(root, "HEAD")
    assert then.desired is not None
    assert [*then.desired.tenants] == ["b"]
    assert "canary" not in str(then.problems)


@pytest.mark.parametrize("goal", ["../shared", "../../outside"])
def test_no_folder_beside_it_is_one_of_tenants(root: Path, goal: str) -> None:
    shutil.rmtree(root / "tenants")
    (root / "tenants").symlink_to(goal)
    loaded = load(root)
    assert loaded.desired is None
    assert LEAVES in [problem.message for problem in loaded.problems]


@pytest.mark.parametrize("goal", [".", "../tenants", "inner/.."])
def test_a_link_to_the_folder_of_the_tenants_is_one_to_a_folder(root: Path, goal: str) -> None:
    (root / "tenants/inner").mkdir()
    (root / "tenants/inner/b2.yaml").write_text("tenant: b2\ntier: free\n")
    link(root, "tenants/loop", goal)
    for problems in (load(root).problems, load_at(root, "HEAD").problems):
        assert [problem.message for problem in problems if "loop" in problem.location.file] == [FOLDERS]


@pytest.mark.parametrize("goal", ["../tiers.yaml", ".", "nowhere.yaml"])
def test_a_link_that_is_not_followed_has_a_remedy(root: Path, goal: str) -> None:
    link(root, "tenants/acme.yaml", goal)
    for problems in (load(root).problems, load_at(root, "HEAD").problems):
        [hint] = [problem.hint for problem in problems if "acme" in problem.location.file]
        assert hint is not None
        assert ("remove" if goal == "nowhere.yaml" else "in the tenants of tiers.yaml") in hint
