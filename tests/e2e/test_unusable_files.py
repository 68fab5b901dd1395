"""What cannot be used of the base, of a ref or of a file is named, and costs itself."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_causes import commit, grant, run, transfers
from tests.harness.repository import git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Shell

pytestmark = pytest.mark.drawn(9)

LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 120\n"


@pytest.fixture
def fleet(shell: Shell) -> Shell:
    """Two tenants who have 8 GiB of transfer each; what the last commit says of one of them is a pointer."""
    shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    for tenant in ("acme", "bluebird"):
        grant(shell, tenant, 8)
    commit(shell)
    shell.applied("--base", "none")
    shell.write("tenants/bluebird.yaml", LFS)
    commit(shell)
    git(shell.folder, "tag", "applied")
    return shell


def test_a_file_at_the_base_that_is_none_is_named_and_nothing_is_taken_from_its_tenant_alone(fleet: Shell) -> None:
    for tenant in ("acme", "bluebird"):
        grant(fleet, tenant, 2)
    commit(fleet)
    ended = run(fleet, "apply", "--base", "applied")
    assert "applied:tenants/bluebird.yaml:1:1: is a pointer of Git LFS" in " ".join(ended.err.split())
    assert transfers(fleet) == {"acme": 2, "bluebird": 8}


def test_a_broken_file_at_the_base_is_named(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: gold")
    grant(fleet, "bluebird", 8)
    commit(fleet)
    grant(fleet, "acme", 2)
    ended = run(fleet, "apply", "--base", "HEAD")
    assert "1 file at HEAD cannot be used" in ended.err
    assert "tenants/acme.yaml:2:7: tier 'gold' does not exist" in " ".join(ended.err.split())
    assert transfers(fleet)["acme"] == 2, "the commit before the broken one said 8"


def test_a_pointer_at_hand_ends_the_run_with_the_way_to_the_file(fleet: Shell) -> None:
    ended = run(fleet, "apply", "--base", "applied")
    assert ended.code == 3
    assert "tenants/bluebird.yaml:1:1: is a pointer of Git LFS, not the file" in ended.err
    assert "git lfs pull" in ended.err


def test_ref_names_the_file_that_is_edited(fleet: Shell) -> None:
    grant(fleet, "bluebird", 8)
    commit(fleet)
    grant(fleet, "acme", 9)
    ended = run(fleet, "apply", "--base", "applied", "--ref", "main")
    assert ended.code == 5
    assert "tenants/acme.yaml differs" in " ".join(ended.err.split())


@pytest.mark.parametrize("kept", ["blob:none", "tree:0"])
@pytest.mark.parametrize("base", [("--base", "applied"), ()], ids=["a base that is named", "a base that is found"])
def test_a_clone_without_all_objects_says_how_to_get_them(
    fleet: Shell, tmp_path: Path, kept: str, base: tuple[str, ...]
) -> None:
    fleet.write("tiers.yaml", TIERS.replace("5GiB", "4GiB"))
    grant(fleet, "bluebird", 2)
    commit(fleet)
    git(fleet.folder, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", f"--filter={kept}", f"file://{fleet.folder}", clone], check=True)
    ended = run(fleet, "apply", "--directory", str(clone), *base)
    assert "is missing from the repository: the clone is incomplete" in " ".join(ended.err.split())
    assert not base or "fetch the whole history and all files (no --depth, no --filter)" in " ".join(
        ended.err.split()
    )
    assert transfers(fleet) == {"acme": 8, "bluebird": 8}


class TestABrokenFileOfAnother:
    """A sign-up does not wait until somebody has repaired it."""

    @pytest.fixture
    def shop(self, shell: Shell) -> Shell:
        shell.write("tiers.yaml", TIERS + "tenants: [{files: tenants/*.yaml}, {ndjson: lines/*.ndjson}]\n")
        shell.tenant("acme")
        shell.write("lines/all.ndjson", '{"tenant": "zoe", "tier": "free"}\n')
        return shell

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("lines/more.ndjson", '{"tier": "free"\n'),
            ("lines/more.ndjson", '{"tenat": "cedar", "tier": "free"}\n'),
            ("lines/more.ndjson", '{"tenant": "cedar", "tier": "gold", "project_id": "p-1"}\n'),
            ("lines/more.ndjson", '{"tier": "gold", "project_id": "p-1"\n'),
            ("tenants/cedar.yaml", "tenant: cedar\ntier: gold\nproject_id: p-1\n"),
            ("tenants/cedar.yaml", "tenant: [\n"),
        ],
    )
    def test_holds_up_no_other(self, shop: Shell, path: str, text: str) -> None:
        shop.write(path, text)
        assert shop.simulated("converge", "acme", "zoe").code == 0
        assert shop.simulated("converge", "-", stdin=b'{"tenant": "new", "tier": "free"}').code == 0
        assert sorted(transfers(shop)) == ["acme", "new", "zoe"]
        pinned = shop.simulated("plan", "--tenant", "acme")
        assert pinned.code == 3, "a fleet does not go ahead without it"

    def test_nor_one_who_names_its_project(self, shop: Shell) -> None:
        assert shop.simulated("converge", "zoe").code == 0
        project = shop.simulated("plan", "--format", "json", "--tenant", "zoe").document
        assert project["tenants"] == []
        shop.write("lines/more.ndjson", '{"tier": "free"\n')
        shop.tenant("cedar", "tier: free\nproject_id: nobodys-project-1")
        ended = shop.simulated("converge", "cedar")
        assert "nobodys-project-1" in ended.err
        assert "not valid JSON" in ended.err

    @pytest.mark.parametrize("name", ["acme", "zoe"])
    def test_its_own_holds_it_up(self, shop: Shell, name: str) -> None:
        shop.tenant("acme", "tier: gold")
        shop.write("lines/all.ndjson", '{"tenant": "zoe", "tier": "gold"}\n')
        ended = shop.simulated("converge", name)
        assert ended.code == 3
        assert "tier 'gold' does not exist" in ended.err
        assert f"the file of tenant '{name}' cannot be used" in " ".join(ended.err.split())

    def test_a_mark_of_the_order_of_bytes_is_none(self, shop: Shell) -> None:
        shop.write("lines/all.ndjson", '\ufeff{"tenant": "zoe", "tier": "free"}\n')
        assert shop.simulated("converge", "zoe").code == 0
        assert shop.simulated("converge", "-", stdin=b'\xef\xbb\xbf{"tenant": "new", "tier": "free"}').code == 0
