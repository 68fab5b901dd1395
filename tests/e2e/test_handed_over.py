"""A project that comes to another tenant: by a pin, by a rename, or by a name that is given out again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ExitCode
from tests.harness.repository import commit_all, git

if TYPE_CHECKING:
    from tests.harness.shell import Shell

COMMANDS = [
    ("converge", "zed"),
    ("apply", "--yes", "--tenant", "zed"),
    ("apply", "--yes"),
    ("suspend", "zed", "--yes", "--reason", "abuse"),
]


@pytest.fixture
def fleet(shell: Shell) -> Shell:
    """A fleet in git, without tenants."""
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    shell.write(".gitignore", "sim.db*\njournal.jsonl\n")
    return shell


def quotas(shell: Shell) -> dict[str, object]:
    return {row["id"]: row["body"]["settings"]["quota"] for row in shell.stored.rows("projects")}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_its_protection_at_the_base_counts_for_every_command(fleet: Shell, command: tuple[str, ...]) -> None:
    """A command on a few tenants reads their files only, but of the base those of the whole fleet."""
    fleet.tenant("acme", "tier: free\nprotect: true")
    fleet.tenant("zed")
    base = commit_all(fleet.folder)
    fleet.applied()
    before = fleet.stored.projects()
    (fleet.folder / "tenants/acme.yaml").unlink()
    less = "overrides: {quota: {active_time: 1h}}"
    fleet.tenant("zed", f"tier: free\nproject_id: {before['myapp-acme']['id']}\n{less}")
    commit_all(fleet.folder)
    ended = fleet.simulated(*command, "--base", base)
    assert ended.code == ExitCode.REFUSED, ended.err
    assert "the tenant is protected at the base" in ended.out + ended.err
    assert fleet.stored.projects() == before


@pytest.mark.parametrize("takes", ["project_id", "previously"])
def test_its_protection_at_the_base_counts_for_a_document(fleet: Shell, takes: str) -> None:
    fleet.tenant("acme", "tier: free\nprotect: true")
    fleet.tenant("bob")
    base = commit_all(fleet.folder)
    fleet.applied()
    before, limits = fleet.stored.projects(), quotas(fleet)
    (fleet.folder / "tenants/acme.yaml").unlink()
    commit_all(fleet.folder)
    less = {"tenant": "zed", "tier": "free", "overrides": {"quota": {"active_time": "1h"}}}
    taken = {"project_id": before["myapp-acme"]["id"], "previously": ["acme"]}[takes]
    document = json.dumps({**less, takes: taken})
    ended = fleet.simulated("converge", "-", "--allow", "lowering", "--base", base, stdin=document.encode())
    assert ended.code == ExitCode.REFUSED, ended.err
    assert "the tenant is protected at the base" in ended.out + ended.err
    assert quotas(fleet) == limits


@pytest.mark.parametrize(
    ("takes", "guarded", "message"),
    [
        ("project_id", "protect: true", "the tenant is protected at the base"),
        ("previously", "protect: true", "the tenant is protected at the base"),
        (
            "project_id",
            "hold: {until: 2029-01-01T00:00:00Z, reason: a move}",
            "held until 2029-01-01T00:00:00Z: a move",
        ),
    ],
    ids=["protection, by a pin", "protection, by a rename", "hold, by a pin"],
)
def test_no_later_run_does_what_the_first_one_refused(
    fleet: Shell, takes: str, guarded: str, message: str
) -> None:
    """The base of the tenant that is gone stays where it is, until the commit that hands over is applied alone."""
    advancing = ("apply", "--yes", "--advance", "refs/tags/applied")
    fleet.tenant("acme")
    commit_all(fleet.folder)
    fleet.applied()
    fleet.tenant("acme", f"tier: free\n{guarded}")
    commit_all(fleet.folder)
    fleet.simulated(*advancing)
    before = fleet.stored.projects()
    pinned = f"project_id: {before['myapp-acme']['id']}" if takes == "project_id" else "previously: [acme]"
    (fleet.folder / "tenants/acme.yaml").unlink()
    fleet.tenant("zed", f"state: absent\n{pinned}")
    commit_all(fleet.folder)
    for _ in range(3):
        ended = fleet.simulated(*advancing, "--base", "refs/tags/applied")
        assert ended.code == ExitCode.REFUSED, ended.out + ended.err
        assert message in ended.out
        assert fleet.stored.projects() == before
    for text in (f"tier: free\n{pinned}", f"state: absent\n{pinned}"):
        fleet.tenant("zed", text)
        commit_all(fleet.folder)
        ended = fleet.simulated(*advancing, "--base", "refs/tags/applied")
        assert ended.code == ExitCode.DONE, ended.out + ended.err
    assert not fleet.stored.projects()


class TestANameThatIsGivenOutAgain:
    """Acme became acme2, and `previously` was removed: only the annotation of the project says acme now."""

    PLAN = ("apply", "--yes", "--base", "refs/tags/applied", "--advance", "refs/tags/applied")

    @pytest.fixture
    def renamed(self, fleet: Shell) -> str:
        """The id of the project."""
        git(fleet.folder, "init", "--quiet", "--initial-branch=main")
        fleet.write(".gitignore", "sim.db*\njournal.jsonl\nstrings*\n")
        fleet.tenant("acme")
        commit_all(fleet.folder)
        fleet.applied("--advance", "refs/tags/applied")
        (fleet.folder / "tenants/acme.yaml").unlink()
        fleet.tenant("acme2", "tier: free\npreviously: [acme]")
        commit_all(fleet.folder)
        assert fleet.simulated(*self.PLAN).code == 0
        fleet.tenant("acme2")
        commit_all(fleet.folder)
        return fleet.stored.project_ids()["myapp-acme2"]

    def test_the_commit_that_forgets_the_earlier_name_is_refused_until_it_is_settled(
        self, fleet: Shell, renamed: str
    ) -> None:
        for ended in (fleet.simulated(*self.PLAN), fleet.simulated(*self.PLAN)):
            assert ended.code == ExitCode.REFUSED, ended.out
            assert f"add project_id: {renamed}" in " ".join(ended.out.split())
        fleet.tenant("acme2", f"tier: free\nproject_id: {renamed}")
        commit_all(fleet.folder)
        assert fleet.simulated(*self.PLAN).code == 0

    def test_its_new_bearer_gets_no_project_and_no_string_of_the_former_one(
        self, fleet: Shell, renamed: str
    ) -> None:
        fleet.tenant("acme", f"tier: free\nproject_id: {renamed}")
        commit_all(fleet.folder)
        ended = fleet.simulated(*self.PLAN)
        assert ended.code == ExitCode.REFUSED, ended.out
        for command in (("connections", "acme"), ("converge", "acme")):
            asked = fleet.simulated(*command, "--connections-to", "strings.jsonl")
            assert asked.code != 0, asked.out + asked.err
            assert not (fleet.folder / "strings.jsonl").read_text()
        assert fleet.stored.project_ids() == {"myapp-acme2": renamed}

    def test_what_the_conflicts_say_gives_each_of_them_its_own(self, fleet: Shell, renamed: str) -> None:
        fleet.tenant("acme")
        commit_all(fleet.folder)
        refused = fleet.simulated(*self.PLAN)
        assert refused.code == ExitCode.REFUSED, refused.out
        said = " ".join(refused.out.split())
        assert f"if it is that of 'acme2', add project_id: {renamed} to the file of 'acme2'" in said
        assert f"if it is this tenant's, add project_id: {renamed} to its file" in said
        fleet.tenant("acme2", f"tier: free\nproject_id: {renamed}")
        commit_all(fleet.folder)
        ended = fleet.simulated(*self.PLAN)
        assert ended.code == 0, ended.out + ended.err
        projects = fleet.stored.project_ids()
        assert projects.keys() == {"myapp-acme", "myapp-acme2"}
        assert projects["myapp-acme2"] == renamed
