"""A tenant whose project somebody renamed gets no empty one, whichever command looks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_causes import commit, run
from tests.harness.lived import lived
from tests.harness.repository import git

if TYPE_CHECKING:
    from tests.harness.shell import Shell

pytestmark = pytest.mark.drawn(7)


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Two tenants of tier free, applied, then the project of acme is renamed, and acme is to be upgraded."""
    shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    for tenant in ("acme", "bluebird"):
        shell.tenant(tenant, "tier: free")
    commit(shell)
    shell.applied("--base", "none")
    git(shell.folder, "tag", "applied")
    shell.tenant("acme", "tier: pro")
    commit(shell)
    return shell


def projects(shell: Shell) -> int:
    return len(shell.stored.rows("projects"))


COMMANDS = (
    ("apply", "--base", "applied"),
    ("apply", "--base", "applied", "--changed-since", "applied"),
    ("apply", "--changed-since", "HEAD^"),
    ("converge", "acme", "--base", "applied"),
    ("converge", "acme"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_renamed_project_is_upgraded(fleet: Shell, command: tuple[str, ...]) -> None:
    fleet.stored.rename_project(fleet.stored.project_ids()["myapp-acme"], "Acme production")
    ended = run(fleet, *command)
    assert ended.code == 0, ended.out + ended.err
    assert projects(fleet) == 2
    assert "in sync" in run(fleet, "plan", "--base", "applied").out.lower()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_one_that_is_gone_is_not_made_again(fleet: Shell, command: tuple[str, ...]) -> None:
    fleet.stored.remove("projects", name="myapp-acme")
    ended = run(fleet, *command)
    assert ended.code == 5
    assert "missing-project" in ended.out + ended.err
    assert projects(fleet) == 1


def test_nor_by_a_document_of_a_tenant_that_a_commit_declares(fleet: Shell) -> None:
    fleet.stored.remove("projects", name="myapp-acme")
    text = b'{"tenant": "acme", "tier": "pro"}'
    refused = fleet.simulated("converge", "-", "--connections-to", "strings.jsonl", stdin=text)
    assert refused.code == 5
    assert projects(fleet) == 1
    assert "postgres" not in refused.out + refused.err
    permitted = fleet.simulated("converge", "-", "--allow", "creates=1", stdin=text)
    assert permitted.code == 0, permitted.out + permitted.err


def test_a_document_of_a_tenant_whose_file_was_just_written_is_a_sign_up(fleet: Shell) -> None:
    fleet.tenant("zoe", "tier: free")
    ended = fleet.simulated("converge", "-", stdin=b'{"tenant": "zoe", "tier": "free"}')
    assert ended.code == 0, ended.out + ended.err
    assert projects(fleet) == 3


class TestAProjectThatItsFileNames:
    """It is deleted in the console: what the conflict proposes is what happens."""

    @pytest.fixture
    def pinned(self, fleet: Shell) -> Shell:
        own = fleet.stored.project_ids()["myapp-acme"]
        fleet.tenant("acme", f"tier: free\nproject_id: {own}")
        commit(fleet)
        fleet.applied("--base", "applied")
        git(fleet.folder, "tag", "--force", "applied")
        fleet.stored.remove("projects", name="myapp-acme")
        return fleet

    def test_is_not_replaced_once_the_pin_is_taken_away(self, pinned: Shell) -> None:
        conflict = run(pinned, "plan", "--base", "applied")
        assert "--allow creates=N" in " ".join(conflict.out.split())
        pinned.tenant("acme", "tier: free")
        commit(pinned)
        for command in (("apply",), ("apply", "--depth", "deep"), ("converge", "acme")):
            held = run(pinned, *command, "--base", "applied")
            assert "missing-project" in held.out + held.err
            assert projects(pinned) == 1

    def test_is_replaced_where_a_person_says_so(self, pinned: Shell) -> None:
        pinned.tenant("acme", "tier: free")
        commit(pinned)
        pinned.applied("--base", "applied", "--allow", "creates=1")
        assert projects(pinned) == 2
