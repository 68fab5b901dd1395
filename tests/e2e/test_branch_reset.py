"""The reset of a branch to its parent, by a command and by a number in the files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.lived import lived
from tests.harness.repository import commit_all, git, needs_git
from tests.harness.shell import PassingTime

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

TAG: Final = ("--base", "refs/tags/applied", "--advance", "applied")
ACME = "tier: pro\nsnapshots: [v1]\ndev_branches: [dev, {name: child, parent: dev}, preview]"


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Acme, a paying tenant with development branches that are an hour old."""
    shell.tenant("acme", ACME)
    shell.applied()
    shell.clock = PassingTime(600.0, shell.clock() + 3600)
    return shell


def reset(shell: Shell, branch: str, *words: str) -> Ended:
    return shell.run(
        "branch", "reset", "acme", branch, "--simulator", "sim.db", "--journal", "reset.jsonl", *words
    )


def test_it_says_what_is_lost_before_it_asks(fleet: Shell) -> None:
    ended = reset(fleet, "preview", "--dry-run")
    assert ended.code == 0, ended.err
    told = " ".join(ended.out.split())
    assert "reset branch preview to its parent main" in told
    assert "what was written to it is lost" in told
    assert "1 write call" in told


def test_it_is_done_and_the_next_plan_is_empty(fleet: Shell) -> None:
    ended = reset(fleet, "preview", "--yes", "--format", "json")
    assert ended.code == 0, ended.err
    (outcome,) = json.loads(ended.out)["tenants"]
    assert [(one["action"]["kind"], one["result"]) for one in outcome["actions"]] == [("reset_branch", "applied")]
    again = fleet.simulated("plan", "--detailed-exitcode", "--base", "none")
    assert again.code == 0, again.out


@pytest.mark.parametrize(
    ("branch", "word"),
    [
        ("main", "it is the default branch, which has no parent"),
        ("dev", "it has child branches"),
        ("nothing", "its branches are: child, dev, preview"),
    ],
)
def test_what_cannot_be_reset_is_refused_with_a_remedy(fleet: Shell, branch: str, word: str) -> None:
    ended = reset(fleet, branch, "--yes")
    assert ended.code == 5
    assert word in " ".join(ended.out.split())


def test_a_branch_whose_parent_a_restore_put_aside_gets_the_data_of_what_is_in_its_place(fleet: Shell) -> None:
    restored = fleet.simulated("restore", "acme", "--to", "10m", "--yes", "--journal", "restore.jsonl")
    assert restored.code == 0, restored.out + restored.err
    before = parents(fleet)
    assert before["preview"].startswith("main (old, before restore to")
    ended = reset(fleet, "preview", "--yes", "--format", "json")
    (outcome,) = json.loads(ended.out)["tenants"]
    (done,) = outcome["actions"]
    assert (ended.code, done["result"]) == (0, "applied")
    assert (done["action"]["parent"], done["action"]["replaced_parent"]) == ("main", before["preview"])
    assert parents(fleet) == {**before, "preview": "main"}
    told = " ".join(reset(fleet, "preview", "--dry-run").out.split())
    assert "reset branch preview to its parent main" in told
    again = fleet.simulated("plan", "--detailed-exitcode", "--base", "none")
    assert again.code == 0, again.out


def test_for_a_day_nothing_is_reset_to_a_branch_that_was_restored_from_a_snapshot(fleet: Shell) -> None:
    restored = fleet.simulated("restore", "acme", "--snapshot", "v1", "--yes", "--journal", "restore.jsonl")
    assert restored.code == 0, restored.out + restored.err
    ended = reset(fleet, "preview", "--yes")
    told = "branch 'main' was restored from a snapshot: Neon resets nothing to it until 20"
    assert (ended.code, told in " ".join(ended.out.split())) == (5, True), ended.out
    fleet.clock = PassingTime(600.0, fleet.clock() + 86_400)
    assert reset(fleet, "preview", "--yes").code == 0
    assert parents(fleet)["preview"] == "main"


def parents(shell: Shell) -> dict[str, str]:
    """The name of the parent of each branch that has one."""
    rows = shell.stored.branches(shell.stored.project_ids()["myapp-acme"])
    names = {row["id"]: name for name, row in rows.items()}
    return {name: names[row["parent_id"]] for name, row in rows.items() if row["parent_id"]}


def test_a_protected_tenant_is_left_alone(fleet: Shell) -> None:
    fleet.tenant("acme", f"{ACME}\nprotect: true")
    ended = reset(fleet, "preview", "--yes")
    assert ended.code == 5
    assert "protected" in ended.out


def reset_tomorrow(shell: Shell) -> Ended:
    """A commit of a laptop whose clock is two weeks ahead raises the number; CI applies it."""
    shell.tenant("acme", "tier: pro\ndev_branches: [preview]")
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    shell.write(".gitignore", "*sim.db*\n*.jsonl\n")
    commit_all(shell.folder)
    shell.applied("--advance", "applied")
    shell.tenant("acme", "tier: pro\ndev_branches: [{name: preview, reset: 1}]")
    git(shell.folder, "add", "--all")
    ahead = f"@{int(shell.stored.now) + 14 * 86_400} +0000"
    git(
        shell.folder,
        *("commit", "--quiet", "--message=reset"),
        environ={"GIT_AUTHOR_DATE": ahead, "GIT_COMMITTER_DATE": ahead},
    )
    return shell.simulated("apply", "--yes", *TAG)


@needs_git
def test_a_reset_by_hand_counts_although_the_commit_that_asked_for_one_is_dated_later(shell: Shell) -> None:
    """So what was written since is not lost when that date comes."""
    refused = reset_tomorrow(shell)
    assert refused.code == 5
    assert "raise the number once more" in " ".join(refused.out.split())
    by_hand = reset(shell, "preview", "--yes")
    assert by_hand.code == 0, by_hand.out + by_hand.err
    (preview,) = (row for row in shell.stored.rows("branches") if row["name"] == "preview")
    shell.clock = PassingTime(3661.0, shell.clock() + 30 * 86_400)
    later = shell.simulated("apply", "--yes", *TAG)
    assert later.code == 0, later.out
    assert "this counts as the reset" in " ".join(later.out.split())
    assert shell.stored.row("branches", id=preview["id"])["body"] == preview["body"]


@needs_git
def test_a_commit_that_a_run_has_seen_is_no_later_than_that_run(shell: Shell) -> None:
    assert reset_tomorrow(shell).code == 5
    next_run = shell.simulated("apply", "--yes", *TAG)
    assert next_run.code == 0, next_run.out
    assert "reset branch preview to its parent main" in next_run.out
