"""Snapshots through the command line: one that vanished, and one that others would give way to in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.annotations import creation_annotations
from reconciler.simulator import snapshots
from reconciler.simulator.clock import timestamp
from reconciler.simulator.seed import ProjectSeed, SnapshotSeed
from tests.builders import DAY, FREE_COMPUTE, FREE_QUOTA, HOUR
from tests.e2e.command_line import START_SECONDS, TIERS
from tests.e2e.test_causes import commit, git
from tests.simulated import simulated_compute, simulated_quota

if TYPE_CHECKING:
    from tests.e2e.command_line import Ended, Shell

WAITING = "    restore_window: 1d\n    snapshots: {at_limit: replace_oldest}\n  pro:"


def said(ended: Ended) -> str:
    return " ".join((ended.out + ended.err).split())


def taken(shell: Shell) -> list[tuple[str, str]]:
    """Name and moment of each snapshot of the one project."""
    with shell.account() as simulator:
        (project,) = simulator.world.store.rows("SELECT id FROM projects")
        rows = snapshots.snapshots(simulator.world.store, project["id"], simulator.clock.now())
        described = [snapshots.describe(row, simulator.clock.now()) for row in rows]
    return [(snapshot["name"], snapshot["created_at"]) for snapshot in described]


def vanish(shell: Shell) -> None:
    """Somebody deletes every snapshot in the console."""
    with shell.account() as simulator, simulator.world.writing() as transaction:
        for row in simulator.world.store.rows("SELECT * FROM snapshots"):
            snapshots.delete(transaction, row)


@pytest.fixture
def fleet(shell: Shell) -> Shell:
    """Files in git, of which nothing is committed yet."""
    shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
    shell.write("tiers.yaml", TIERS.replace("    restore_window: 1d\n  pro:", WAITING))
    git(shell, "init", "--quiet", "--initial-branch=main")
    return shell


def declare(shell: Shell, text: str) -> None:
    shell.tenant("acme", text)
    commit(shell)


def test_one_that_vanished_is_told_by_every_command_and_not_taken_again(fleet: Shell) -> None:
    declare(fleet, "tier: free\nsnapshots: [before-migration]")
    fleet.applied("--base", "none")
    git(fleet, "tag", "applied")
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
        git(fleet, "tag", "applied")
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
        with held.account() as simulator, simulator.world.writing() as transaction:
            set_to = "UPDATE projects SET body = json_set(body, '$.history_retention_seconds', ?)"
            transaction.execute(set_to, 6 * HOUR)
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
        git(held, "tag", "--force", "applied")
        held.clock = lambda: START_SECONDS + HOUR
        assert self.new(held, 72, "pro") == "old"
        held.clock = lambda: START_SECONDS + 2 * HOUR
        assert self.new(held, -1.5, "pro") == "new"
