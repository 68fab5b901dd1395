"""An old checkout and an upgrade that race: what yesterday's files may do to a customer who has just paid."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.repository import git, needs_git
from tests.harness.shell import Shell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Ended

pytestmark = [needs_git, pytest.mark.drawn(5)]

TAKING: Final = {"delete_project", "delete_branch", "delete_snapshot"}


class Race:
    """A repository, a checkout from before the upgrade and one from after it, and one account behind both."""

    def __init__(self, folder: Path) -> None:
        self.origin = Shell(_made(folder / "origin"))
        git(self.origin.folder, "init", "--quiet", "--initial-branch=main")
        self.origin.tenant("acme", "tier: free\ndev_branches: []")
        self.origin.tenant("zoe")
        self.first = self.push()
        self.old = self._checkout(folder / "old")
        self.old.applied()

    def push(self) -> str:
        git(self.origin.folder, "add", "tiers.yaml", "tenants")
        git(self.origin.folder, "commit", "--quiet", "--allow-empty", "--message=x")
        return git(self.origin.folder, "rev-parse", "HEAD")

    def upgrade(self) -> Shell:
        """Acme pays and gets a branch and a bigger quota, another tenant signs up, and all is applied at once."""
        self.origin.tenant(
            "acme", "tier: pro\ndev_branches: [preview]\noverrides: {quota: {data_transfer: 80GiB}}"
        )
        self.origin.tenant("newcomer")
        self.push()
        new = self._checkout(self.old.folder.parent / "new")
        shutil.copy(self.old.folder / "sim.db", new.folder)
        new.applied("--base", self.first, "--ref", "main")
        shutil.copy(new.folder / "sim.db", self.old.folder)
        return new

    def _checkout(self, folder: Path) -> Shell:
        git(folder.parent, "clone", "--quiet", str(self.origin.folder), folder.name)
        shell = Shell.__new__(Shell)
        fresh = Shell(_made(folder.parent / f"{folder.name}-empty"))
        shell.__dict__.update(fresh.__dict__, folder=folder)
        return shell


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
def race(tmp_path: Path) -> Race:
    return Race(tmp_path)


def lowered(ended: Ended) -> list[str]:
    """Those of them that took something from a tenant."""
    document = json.loads(ended.out)
    outcomes = [action for tenant in document["tenants"] for action in tenant["actions"]]
    taking = [one["action"] for one in outcomes if one["action"]["lowering"] or one["action"]["kind"] in TAKING]
    return [action["kind"] for action in taking]


@pytest.mark.parametrize(
    "flags",
    [(), ("--base", "HEAD"), ("--base", "HEAD~0"), ("--base", "none")],
    ids=["no base", "its own commit", "the same by another name", "none"],
)
def test_a_run_from_the_old_commit_takes_nothing_from_who_has_just_paid(
    race: Race, flags: tuple[str, ...]
) -> None:
    new = race.upgrade()
    ended = race.old.simulated("apply", "--yes", "--format", "json", *flags)
    assert ended.code == (5 if flags in ((), ("--base", "none")) else 0), (
        "5 where nobody can tell that it is drift"
    )
    assert lowered(ended) == []
    assert "lowering-needs-a-cause" in ended.err
    shutil.copy(race.old.folder / "sim.db", new.folder)
    assert "In sync" in new.simulated("plan").out


def test_with_ref_it_is_refused_before_a_single_call_with_both_commits_named(race: Race) -> None:
    race.upgrade()
    before = (race.old.folder / "sim.db").read_bytes()
    tip = git(race.origin.folder, "rev-parse", "HEAD")
    for command in (["apply", "--yes"], ["plan"], ["drift"], ["converge", "acme"]):
        ended = race.old.simulated(*command, "--ref", "main")
        assert ended.code == 5, ended.err
        assert race.first[:12] in ended.err
        assert tip[:12] in ended.err
    assert (race.old.folder / "sim.db").read_bytes() == before


def test_with_ref_the_newest_files_go_ahead_and_edited_ones_do_not(race: Race) -> None:
    new = race.upgrade()
    assert new.simulated("apply", "--yes", "--ref", "origin/main").code == 0
    new.tenant("acme", "tier: free")
    ended = new.simulated("apply", "--yes", "--ref", "main")
    assert ended.code == 5
    assert "edited since commit" in ended.err


def test_a_push_while_the_plan_is_shown_stops_the_run_before_it_writes(
    race: Race, monkeypatch: pytest.MonkeyPatch
) -> None:
    race.old.tenant("late")
    git(race.old.folder, "add", "tenants")
    git(race.old.folder, "commit", "--quiet", "--message=late")
    git(race.old.folder, "push", "--quiet", "origin", "main:refs/heads/release")
    git(race.old.folder, "branch", "--quiet", "--set-upstream-to=origin/release")

    def push_meanwhile(**_flags: bool) -> None:
        git(race.origin.folder, "update-ref", "refs/heads/release", race.push())

    monkeypatch.setattr("reconciler.cli.apply._confirm", push_meanwhile)
    ended = race.old.simulated("apply", "--yes", "--ref", "main", "--journal", "second.jsonl")
    assert ended.code == 5, ended.err
    assert not (race.old.folder / "second.jsonl").exists()
    assert "late" in race.old.simulated("plan").out


def test_where_the_policy_repairs_without_a_cause_ref_is_what_stops_old_files(race: Race) -> None:
    """drift_policy: repair asks for lowering without a commit; then old files would take."""
    tiers = (race.origin.folder / "tiers.yaml").read_text()
    concerns = ("organization", "quota", "restore_window", "compute", "dev_branches")
    policy = f"drift_policy: {{{', '.join(f'{concern}: repair' for concern in concerns)}}}\n"
    race.origin.write("tiers.yaml", tiers + policy)
    race.origin.tenant("acme", "tier: free\ndev_branches: []\naccept: {history_loss: true}")
    race.first = race.push()
    git(race.old.folder, "pull", "--quiet")
    race.upgrade()
    planned = race.old.simulated("plan", "--format", "json").document
    kinds = [action["kind"] for tenant in planned["tenants"] for action in tenant["actions"]]
    assert "transfer_project" in kinds, planned["refusals"]
    ended = race.old.simulated("apply", "--yes", "--ref", "main")
    assert ended.code == 5
    assert "downgraded" not in ended.out


def test_a_tenant_that_only_the_newer_commit_knows_is_an_orphan_to_the_old_one_and_stays(race: Race) -> None:
    new = race.upgrade()
    ended = race.old.simulated("plan")
    assert "newcomer" in ended.out
    assert "1 orphan" in ended.out
    race.old.simulated("apply", "--yes")
    shutil.copy(race.old.folder / "sim.db", new.folder)
    assert "In sync" in new.simulated("plan").out
