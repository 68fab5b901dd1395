"""A tenant with two projects, from the command line: what is shown, what settles it, and what does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.apply.journals.journal import Header, Journal
from reconciler.model.annotations import creation_annotations
from reconciler.plan.unused import COUNTERS_LAG
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.seed import ProjectSeed
from tests.harness.builders import FREE_COMPUTE, FREE_QUOTA, NOON
from tests.harness.shell import PassingTime
from tests.harness.simulated import simulated_compute, simulated_quota

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Ended, Shell

HOUR: Final = 3600.0
FIRST_RUN: Final = "11111111"
DEAD_RUN: Final = "2222dead"


@pytest.fixture
def pair(shell: Shell) -> dict[str, str]:
    """Two projects of acme's, made three hours ago by two runs within two seconds; their ids by their runs."""
    shell.tenant("acme")
    shell.clock = lambda: DEMO_EPOCH_SECONDS
    shell.simulated("plan")
    ids = {}
    with shell.account() as simulator:
        for late, run in enumerate((FIRST_RUN, DEAD_RUN)):
            notes = creation_annotations(fleet="prod", tenant="acme", run=run)
            seed = ProjectSeed(
                "myapp-acme",
                quota=simulated_quota(FREE_QUOTA),
                compute=simulated_compute(FREE_COMPUTE),
                annotations=notes,
                created_at=DEMO_EPOCH_SECONDS - 3 * HOUR + 2 * late,
            )
            ids[run] = simulator.add_project("free", seed).project_id
    return ids


def projects(shell: Shell) -> set[str]:
    return {row["id"] for row in shell.stored.rows("projects")}


def applied(shell: Shell, *args: str) -> Ended:
    return shell.simulated("apply", "--yes", "--journal", "journal.jsonl", *args)


def dead_journal(folder: Path) -> Path:
    """That of the dead run, on this machine."""
    path = folder / f"{DEAD_RUN}.jsonl"
    Journal.open(path, Header(DEAD_RUN, "prod", "a test", None, "0", NOON), lambda: NOON).close()
    return path


def test_the_conflict_names_what_is_not_proven_and_the_command_that_settles_it(
    shell: Shell, pair: dict[str, str]
) -> None:
    ended = applied(shell)
    assert ended.code == 5
    told = " ".join(ended.out.split())
    assert f"it is unknown whether run {DEAD_RUN}, which created {pair[DEAD_RUN]}, is dead" in told
    assert f"`reconciler apply --run-is-dead {DEAD_RUN}` if you know that {DEAD_RUN} died" in told
    assert projects(shell) == set(pair.values())


def test_the_command_settles_it_and_tells_the_proof_in_plan_report_and_journal(
    shell: Shell, pair: dict[str, str]
) -> None:
    report = shell.folder / "report.json"
    ended = applied(shell, "--run-is-dead", DEAD_RUN, "--output", str(report))
    assert ended.code == 0, ended.out + ended.err
    assert projects(shell) == {pair[FIRST_RUN]}
    plan, _, text = " ".join(ended.out.split()).partition("Second projects deleted (1)")
    proof = f"run {DEAD_RUN} is dead: declared with --run-is-dead"
    assert proof in plan
    assert proof in text
    (outcome,) = json.loads(report.read_text())["tenants"]
    (action,) = outcome["actions"]
    assert action["action"]["kind"] == "delete_duplicate"
    assert action["action"]["death"] == "declared with --run-is-dead"
    assert (outcome["project_id"], action["request_id"] is not None) == (pair[FIRST_RUN], True)
    assert proof in (shell.folder / "journal.jsonl").read_text()
    after = shell.simulated("plan", "--detailed-exitcode")
    assert after.code == 0, after.out


def test_the_journal_of_the_dead_run_settles_it_without_a_word(shell: Shell, pair: dict[str, str]) -> None:
    folder = shell.folder / "logs"
    folder.mkdir()
    dead_journal(folder)
    assert applied(shell, "--journals", "logs").code == 0
    assert projects(shell) == {pair[FIRST_RUN]}


def test_a_run_that_holds_its_journal_is_not_called_dead(shell: Shell, pair: dict[str, str]) -> None:
    path = dead_journal(shell.folder)
    with Journal.open(path, Header(DEAD_RUN, "prod", "a test", None, "0", NOON), lambda: NOON):
        ended = applied(shell, "--journals", str(path), "--run-is-dead", DEAD_RUN)
    assert ended.code == 5
    assert "is still running: a process holds the lock on its journal" in " ".join(ended.out.split())
    assert projects(shell) == set(pair.values())


def test_no_word_deletes_a_project_that_is_used(shell: Shell, pair: dict[str, str]) -> None:
    now = shell.clock()
    with shell.account(now) as simulator:
        simulator.set_usage(pair[DEAD_RUN], data_transfer_bytes=1)
    shell.clock = PassingTime(2 * COUNTERS_LAG.total_seconds(), now)  # counters restart with the next month
    ended = applied(shell, "--run-is-dead", DEAD_RUN)
    assert ended.code == 5
    assert "add the id of the right one as project_id" in " ".join(ended.out.split())
    assert projects(shell) == set(pair.values())


def test_a_protected_tenant_keeps_both(shell: Shell, pair: dict[str, str]) -> None:
    shell.tenant("acme", "tier: free\nprotect: true")
    assert applied(shell, "--run-is-dead", DEAD_RUN).code == 5
    assert projects(shell) == set(pair.values())


def test_a_saved_plan_has_to_hold_the_deletion(shell: Shell, pair: dict[str, str]) -> None:
    shell.simulated("plan", "--out", "without.json")
    assert applied(shell, "without.json", "--run-is-dead", DEAD_RUN).code == 7
    assert projects(shell) == set(pair.values())
    shell.simulated("plan", "--run-is-dead", DEAD_RUN, "--out", "with.json")
    shown = shell.run("show", "with.json")
    assert f"delete second project myapp-acme ({pair[DEAD_RUN]} in free)" in " ".join(shown.out.split())
    assert applied(shell, "with.json", "--run-is-dead", DEAD_RUN).code == 0
    assert projects(shell) == {pair[FIRST_RUN]}


def test_converge_settles_it_too(shell: Shell, pair: dict[str, str]) -> None:
    ended = shell.simulated("converge", "acme", "--run-is-dead", DEAD_RUN, "--journal", "journal.jsonl")
    assert ended.code == 0, ended.out + ended.err
    assert projects(shell) == {pair[FIRST_RUN]}


def test_a_run_that_left_nothing_is_told_of(shell: Shell, pair: dict[str, str]) -> None:
    ended = applied(shell, "--run-is-dead", "22222222")
    assert (ended.code, projects(shell)) == (5, set(pair.values()))
    assert "--run-is-dead 22222222 has no effect" in " ".join(ended.out.split())


@pytest.mark.parametrize("word", ["", "../x", "a b", "*"])
def test_what_is_no_id_of_a_run_is_refused(shell: Shell, word: str) -> None:
    shell.tenant("acme")
    ended = shell.simulated("plan", "--run-is-dead", word)
    assert ended.code == 3
    assert "is not the id of a run" in ended.err


def test_a_place_for_journals_that_is_not_there_is_refused(shell: Shell) -> None:
    assert shell.simulated("plan", "--journals", "nowhere").code == 3


def test_drift_and_markdown_tell_the_pair(shell: Shell, pair: dict[str, str]) -> None:
    drift = shell.simulated("drift", "--format", "json")
    assert DEAD_RUN in drift.document["conflicts"][0]["message"]
    told = shell.simulated("plan", "--run-is-dead", DEAD_RUN, "--format", "markdown")
    assert "declared with" in told.out
    assert pair[DEAD_RUN] in told.out
