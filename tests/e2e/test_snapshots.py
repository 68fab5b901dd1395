"""Snapshots through the command line: one that vanished, and one that others would give way to in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.annotations import creation_annotations
from reconciler.simulator.clock import timestamp
from reconciler.simulator.seed import ProjectSeed, SnapshotSeed
from tests.e2e.test_causes import commit
from tests.harness.builders import DAY, FREE_COMPUTE, FREE_QUOTA, HOUR
from tests.harness.lived import lived
from tests.harness.repository import git
from tests.harness.shell import START_SECONDS, TIERS
from tests.harness.simulated import simulated_compute, simulated_quota
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

WAITING = "    restore_window: 1d\n    snapshots: {at_limit: replace_oldest}\n  pro:"


def said(ended: Ended) -> str:
    return " ".join((ended.out + ended.err).split())


def taken(shell: Shell) -> list[tuple[str, str]]:
    """Name and moment of each snapshot of the one project."""
    with shell.account() as simulator:
        described = Stored.of(simulator).snapshots()
    return [(snapshot["name"], snapshot["created_at"]) for snapshot in described]


def vanish(shell: Shell) -> None:
    """Somebody deletes every snapshot in the console."""
    with shell.account() as simulator:
        Stored.of(simulator).delete_snapshots()


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Files in git, of which nothing is committed yet."""
    shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
    shell.write("tiers.yaml", TIERS.replace("    restore_window: 1d\n  pro:", WAITING))
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    return shell


def declare(shell: Shell, text: str) -> None:
    shell.tenant("acme", text)
    commit(shell)


def test_one_that_vanished_is_told_by_every_command_and_not_taken_again(fleet: Shell) -> None:
    declare(fleet, "tier: free\nsnapshots: [before-migration]")
    fleet.applied("--base", "none")
    git(fleet.folder, "tag", "applied")
    vanish(fleet)
    for command, code in (("plan", 0), ("drift", 2)):
        for form in ("text", "markdown", "json"):
            ended = fleet.simulated(command, "--base", "applied", "--format", form)
            assert ended.code == code, said(ended)
            assert "lost-snapshot" in said(ended)
            assert "In sync" not in said(ended)
    assert "lost-snapshot" in said(fleet.applied("--base", "applied"))
    assert taken(fleet) == []
    declare(fleet, "tier: free\nsnapshots: [{name: before-migration, retake: true}]")
    fleet.applied("--base", "applied")
    assert [name for name, _ in taken(fleet)] == ["before-migration"]
    assert "In sync" in fleet.simulated("plan", "--base", "applied").out


class TestOneThatCannotBeTaken:
    """A snapshot that is there stays."""

    @pytest.fixture
    def held(self, fleet: Shell) -> Shell:
        """A project of a hundred days that holds the snapshot ``old``; time stands still."""
        fleet.clock = lambda: START_SECONDS
        declare(fleet, "tier: free\nsnapshots: [old]")
        fleet.simulated("plan", "--base", "none")
        project = ProjectSeed(
            "myapp-acme",
            annotations=creation_annotations(fleet="prod", tenant="acme", run="r0"),
            created_at=START_SECONDS - 100 * DAY,
            quota=simulated_quota(FREE_QUOTA),
            compute=simulated_compute(FREE_COMPUTE),
            restore_window_seconds=DAY,
            snapshots=[SnapshotSeed("old")],
        )
        with fleet.account() as simulator:
            simulator.add_project("free", project)
        fleet.applied("--base", "none")
        git(fleet.folder, "tag", "applied")
        return fleet

    def new(self, shell: Shell, hours_ago: float, tier: str = "free") -> str:
        at = timestamp(START_SECONDS - hours_ago * HOUR)
        declare(shell, f"tier: {tier}\nsnapshots: [{{name: new, at: {at}}}]")
        shell.simulated("apply", "--yes", "--journal", "journal.jsonl", "--base", "applied")
        return ", ".join(name for name, _ in taken(shell))

    def test_gives_way_to_one_of_a_moment_that_is_there(self, held: Shell) -> None:
        assert self.new(held, 12) == "new"

    def test_stays_where_a_policy_holds_the_window_back(self, held: Shell) -> None:
        held.write(
            "tiers.yaml", (held.folder / "tiers.yaml").read_text() + "drift_policy: {restore_window: report}\n"
        )
        with held.account() as simulator:
            stored = Stored.of(simulator)
            (project,) = stored.rows("projects")
            stored.change("projects", project["id"], {"history_retention_seconds": 6 * HOUR})
        assert self.new(held, 18) == "old"

    def test_stays_where_the_window_is_about_to_leave_its_moment_behind(self, held: Shell) -> None:
        assert self.new(held, 24 - 1 / 30) == "old"

    def test_stays_where_an_earlier_run_has_raised_the_window(self, held: Shell) -> None:
        limited = (held.folder / "tiers.yaml").read_text().replace("snapshots: 10", "snapshots: 1")
        limited = limited.replace(
            "    restore_window: 7d\n", "    restore_window: 7d\n    snapshots: {at_limit: replace_oldest}\n"
        )
        held.write("tiers.yaml", limited)
        declare(held, "tier: pro\nsnapshots: [old]")
        held.applied("--base", "applied")
        git(held.folder, "tag", "--force", "applied")
        held.clock = lambda: START_SECONDS + HOUR
        assert self.new(held, 72, "pro") == "old"
        held.clock = lambda: START_SECONDS + 2 * HOUR
        assert self.new(held, -1.5, "pro") == "new"

    def test_is_tried_once_where_only_neon_knows_that_it_holds_no_data(self, held: Shell) -> None:
        """The window was one day until a moment ago. The base that moves remembers what Neon has rejected."""
        declare(held, "tier: pro\nsnapshots: [old]")
        held.applied("--base", "applied")
        git(held.folder, "tag", "--force", "applied")
        held.clock = lambda: START_SECONDS + HOUR
        moment = timestamp(START_SECONDS - 72 * HOUR)
        declare(held, f"tier: pro\nsnapshots: [old, {{name: new, at: {moment}}}]")
        apply = ("apply", "--yes", "--journal", "journal.jsonl", "--base", "applied", "--advance", "applied")
        assert held.simulated(*apply).code == 6
        for command in (apply, ("plan", "--base", "applied")):
            again = held.simulated(*command)
            told = " ".join(again.out.split())
            assert f"Neon holds no data of {moment}: it rejected the moment in an earlier run" in told
            assert again.code == (5 if command is apply else 0)
        declare(held, "tier: pro\nsnapshots: [old, new]")
        assert held.simulated(*apply).code == 0
        assert {name for name, _ in taken(held)} == {"old", "new"}
        assert "rejected" not in git(held.folder, "cat-file", "-p", "refs/tags/applied")
