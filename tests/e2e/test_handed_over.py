"""A project that comes to another tenant: by a pin, by a rename, or by a name that is given out again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ExitCode
from tests.harness.repository import git

if TYPE_CHECKING:
    from tests.harness.shell import Shell

COMMANDS = [
    ("converge", "zed"),
    ("apply", "--yes", "--tenant", "zed"),
    ("apply", "--yes"),
    ("suspend", "zed", "--yes", "--reason", "abuse"),
]


def commit(shell: Shell) -> str:
    git(shell.folder, "add", "--all")
    git(shell.folder, "commit", "--quiet", "--message", "x")
    return git(shell.folder, "rev-parse", "HEAD")


def quotas(shell: Shell) -> dict[str, object]:
    return {row["id"]: row["body"]["settings"]["quota"] for row in shell.stored.rows("projects")}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_its_protection_at_the_base_counts_for_every_command(shell: Shell, command: tuple[str, ...]) -> None:
    """A command on a few tenants reads their files only, but of the base those of the whole fleet."""
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    shell.write(".gitignore", "sim.db*\njournal.jsonl\n")
    shell.tenant("acme", "tier: free\nprotect: true")
    shell.tenant("zed")
    base = commit(shell)
    shell.applied()
    before = shell.stored.projects()
    (shell.folder / "tenants/acme.yaml").unlink()
    less = "overrides: {quota: {active_time: 1h}}"
    shell.tenant("zed", f"tier: free\nproject_id: {before['myapp-acme']['id']}\n{less}")
    commit(shell)
    ended = shell.simulated(*command, "--base", base)
    assert ended.code == ExitCode.REFUSED, ended.err
    assert "the tenant is protected at the base" in ended.out + ended.err
    assert shell.stored.projects() == before


@pytest.mark.parametrize("takes", ["project_id", "previously"])
def test_its_protection_at_the_base_counts_for_a_document(shell: Shell, takes: str) -> None:
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    shell.write(".gitignore", "sim.db*\njournal.jsonl\n")
    shell.tenant("acme", "tier: free\nprotect: true")
    shell.tenant("bob")
    base = commit(shell)
    shell.applied()
    before, limits = shell.stored.projects(), quotas(shell)
    (shell.folder / "tenants/acme.yaml").unlink()
    commit(shell)
    less = {"tenant": "zed", "tier": "free", "overrides": {"quota": {"active_time": "1h"}}}
    taken = {"project_id": before["myapp-acme"]["id"], "previously": ["acme"]}[takes]
    document = json.dumps({**less, takes: taken})
    ended = shell.simulated("converge", "-", "--allow", "lowering", "--base", base, stdin=document.encode())
    assert ended.code == ExitCode.REFUSED, ended.err
    assert "the tenant is protected at the base" in ended.out + ended.err
    assert quotas(shell) == limits


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
    shell: Shell, takes: str, guarded: str, message: str
) -> None:
    """The base of the tenant that is gone stays where it is, until the commit that hands over is applied alone."""
    advancing = ("apply", "--yes", "--advance", "refs/tags/applied")
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    shell.write(".gitignore", "sim.db*\njournal.jsonl\n")
    shell.tenant("acme")
    commit(shell)
    shell.applied()
    shell.tenant("acme", f"tier: free\n{guarded}")
    commit(shell)
    shell.simulated(*advancing)
    before = shell.stored.projects()
    pinned = f"project_id: {before['myapp-acme']['id']}" if takes == "project_id" else "previously: [acme]"
    (shell.folder / "tenants/acme.yaml").unlink()
    shell.tenant("zed", f"state: absent\n{pinned}")
    commit(shell)
    for _ in range(3):
        ended = shell.simulated(*advancing, "--base", "refs/tags/applied")
        assert ended.code == ExitCode.REFUSED, ended.out + ended.err
        assert message in ended.out
        assert shell.stored.projects() == before
    for text in (f"tier: free\n{pinned}", f"state: absent\n{pinned}"):
        shell.tenant("zed", text)
        commit(shell)
        ended = shell.simulated(*advancing, "--base", "refs/tags/applied")
        assert ended.code == ExitCode.DONE, ended.out + ended.err
    assert not shell.stored.projects()


class TestANameThatIsGivenOutAgain:
    """Acme became acme2, and `previously` was removed: only the annotation of the project says acme now."""

    PLAN = ("apply", "--yes", "--base", "refs/tags/applied", "--advance", "refs/tags/applied")

    @pytest.fixture
    def renamed(self, shell: Shell) -> str:
        """The id of the project."""
        git(shell.folder, "init", "--quiet", "--initial-branch=main")
        shell.write(".gitignore", "sim.db*\njournal.jsonl\nstrings*\n")
        shell.tenant("acme")
        commit(shell)
        shell.applied("--advance", "refs/tags/applied")
        (shell.folder / "tenants/acme.yaml").unlink()
        shell.tenant("acme2", "tier: free\npreviously: [acme]")
        commit(shell)
        assert shell.simulated(*self.PLAN).code == 0
        shell.tenant("acme2")
        commit(shell)
        return shell.stored.project_ids()["myapp-acme2"]

    def test_the_commit_that_forgets_the_earlier_name_is_refused_until_it_is_settled(
        self, shell: Shell, renamed: str
    ) -> None:
        for ended in (shell.simulated(*self.PLAN), shell.simulated(*self.PLAN)):
            assert ended.code == ExitCode.REFUSED, ended.out
            assert f"add project_id: {renamed}" in " ".join(ended.out.split())
        shell.tenant("acme2", f"tier: free\nproject_id: {renamed}")
        commit(shell)
        assert shell.simulated(*self.PLAN).code == 0

    def test_its_new_bearer_gets_no_project_and_no_string_of_the_former_one(
        self, shell: Shell, renamed: str
    ) -> None:
        shell.tenant("acme", f"tier: free\nproject_id: {renamed}")
        commit(shell)
        ended = shell.simulated(*self.PLAN)
        assert ended.code == ExitCode.REFUSED, ended.out
        for command in (("connections", "acme"), ("converge", "acme")):
            asked = shell.simulated(*command, "--connections-to", "strings.jsonl")
            assert asked.code != 0, asked.out + asked.err
            assert not (shell.folder / "strings.jsonl").read_text()
        assert shell.stored.project_ids() == {"myapp-acme2": renamed}

    def test_what_the_conflicts_say_gives_each_of_them_its_own(self, shell: Shell, renamed: str) -> None:
        shell.tenant("acme")
        commit(shell)
        refused = shell.simulated(*self.PLAN)
        assert refused.code == ExitCode.REFUSED, refused.out
        said = " ".join(refused.out.split())
        assert f"if it is that of 'acme2', add project_id: {renamed} to the file of 'acme2'" in said
        assert f"if it is this tenant's, add project_id: {renamed} to its file" in said
        shell.tenant("acme2", f"tier: free\nproject_id: {renamed}")
        commit(shell)
        ended = shell.simulated(*self.PLAN)
        assert ended.code == 0, ended.out + ended.err
        projects = shell.stored.project_ids()
        assert projects.keys() == {"myapp-acme", "myapp-acme2"}
        assert projects["myapp-acme2"] == renamed
