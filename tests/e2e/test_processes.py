"""Real processes on a real port: signals, sudden death, two at once, pipes and terminals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.processes import PATIENCE_SECONDS, RECONCILER, Place, read_until, terminal, until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.drawn(5)]

SMALL_FLEET = 20
LARGE_FLEET = 60
"""Well above the calls that are under way at once, so that an interrupted run leaves something to do."""
LATE_SECONDS = 50
"""Less than the client bears, more than it takes to send a signal."""
APPLY = ("apply", "--yes", "--expect-empty", "--journal", "journal.jsonl")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A fleet's folder."""
    return Place(tmp_path)


def outcomes(place: Place) -> int:
    """How many calls that write have been answered so far."""
    return sum(line["line"] == "outcome" for line in place.journal())


def test_the_exports_lead_every_command_to_the_simulator_that_is_served(place: Place) -> None:
    declared = place.declare(3)
    with place.served_by_a_process() as projects:
        assert "Plan: 3 to create." in place.run("plan").stdout
        applied = place.run(*APPLY)
        assert applied.returncode == 0, applied.stderr
        assert projects() == declared
        place.declare(2)
        assert place.run("drift").returncode == 2


def told_of(report: Mapping[str, Any]) -> list[str]:
    """The names of the projects that exist now, as the report tells: some without the size of their compute."""
    return sorted(
        f"myapp-{tenant['tenant']}"
        for tenant in report["tenants"]
        if tenant["result"] == "applied" or "was created, but its compute" in tenant["actions"][0]["message"]
    )


@pytest.mark.drawn(1)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_apply_ends_in_order_and_the_next_one_finishes(
    place: Place, number: signal.Signals
) -> None:
    declared = place.declare(LARGE_FLEET)
    with place.served() as projects:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with place.running(*APPLY, "--format", "json", **streams) as apply:
            until(lambda: outcomes(place) >= 3)
            apply.send_signal(number)
            out, err = apply.communicate(timeout=PATIENCE_SECONDS)
        assert apply.returncode == 8, err
        assert "stopping" in err
        report = json.loads(out)
        assert report["stopped_by"] == "interrupted"
        assert len(report["tenants"]) == LARGE_FLEET
        assert told_of(report) == projects()
        assert len(projects()) < LARGE_FLEET
        lines = place.journal()
        assert lines[-1]["line"] == "end"
        intents = [line["request_id"] for line in lines if line["line"] == "intent"]
        assert sorted(intents) == sorted(line["request_id"] for line in lines if line["line"] == "outcome")
        assert place.run(*APPLY).returncode == 0
        assert projects() == declared


@pytest.mark.drawn(1)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_an_apply_at_once_with_a_word(place: Place, number: signal.Signals) -> None:
    """The answers of the calls in flight are not to be expected within the life of this test."""
    declared = place.declare(3)
    with place.served() as projects:
        late = place.fault({"type": "Delay", "seconds": LATE_SECONDS}, "POST", "/projects")
        with place.running(*APPLY, stderr=subprocess.PIPE) as apply:
            until(lambda: late() > 0)
            apply.send_signal(number)
            assert apply.stderr is not None
            read = apply.stderr.readline()
            apply.send_signal(number)
            err = read + apply.communicate(timeout=PATIENCE_SECONDS)[1]
        assert apply.returncode == 8, err
        assert "stopping" in err
        assert "ended at once" in err
        assert "Traceback" not in err
        place.forget_faults()
        assert place.run(*APPLY).returncode == 0
        assert projects() == declared


@pytest.mark.drawn(1)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_write_ends_a_run_with_a_word(place: Place, number: signal.Signals) -> None:
    place.declare(3)
    with place.served() as projects:
        late = place.fault({"type": "Delay", "seconds": LATE_SECONDS}, "GET", "/projects")
        with place.running(*APPLY, stderr=subprocess.PIPE) as apply:
            until(lambda: late() > 0)
            apply.send_signal(number)
            err = apply.communicate(timeout=PATIENCE_SECONDS)[1]
        assert apply.returncode == 8, err
        assert err.strip() == "interrupted; no call is in flight"
        place.forget_faults()
        assert projects() == []


def test_a_killed_apply_is_repaired_by_the_next_one(place: Place) -> None:
    declared = place.declare(SMALL_FLEET)
    with place.served() as projects:
        with place.running(*APPLY, stdout=subprocess.DEVNULL) as apply:
            until(lambda: outcomes(place) >= 3)
            apply.kill()
            apply.wait(PATIENCE_SECONDS)
        assert place.journal()[-1]["line"] != "end"
        second = place.run(*APPLY)
        assert second.returncode == 0, second.stdout
        assert projects() == declared


@pytest.mark.drawn(1)
@pytest.mark.parametrize("saved", [(), ("plan.json",)], ids=["fresh", "saved"])
def test_two_applies_at_once_make_one_project_for_each_tenant_and_the_loser_says_so(
    place: Place, saved: tuple[str, ...]
) -> None:
    """Both have planned, and wait at their prompts, before either writes."""
    declared = place.declare(5)
    place.environ["TERM"] = "dumb"
    with place.served() as projects, ExitStack() as stack:
        assert place.run("plan", "--out", "plan.json").returncode == 0
        rivals = []
        for _ in range(2):
            ours, theirs = stack.enter_context(terminal())
            apply = stack.enter_context(
                place.running("apply", *saved, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE)
            )
            rivals.append((apply, ours))
        for _, ours in rivals:
            read_until(ours, "Apply this plan?")
        for _, ours in rivals:
            os.write(ours, b"y\n")
        reports = [apply.communicate(timeout=PATIENCE_SECONDS)[0] for apply, _ in rivals]
        codes = {apply.returncode for apply, _ in rivals}
        assert 6 in codes <= {0, 6}, reports
        assert any("another run" in report or "appeared" in report for report in reports), reports
        assert projects() == declared
        assert place.run("drift").returncode == 0


NOT_ALL_WAS_READ = (
    "error: the reader of the output ended before everything was printed\n"
    "hint: a run that writes has a journal of everything; a command that only reads can run again\n"
)


@pytest.mark.drawn(1)
@pytest.mark.parametrize("form", [("--full",), ("--format", "json")])
def test_a_reader_that_leaves_early_is_met_in_one_sentence(place: Place, form: tuple[str, ...]) -> None:
    place.declare(300)
    command = " ".join([*RECONCILER, "plan", "--simulator", "sim.db", "--expect-empty", *form])
    ended = subprocess.run(
        ["sh", "-c", f"{command} | head -n 1"],
        cwd=place.folder,
        env=place.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ended.stdout.count("\n") == 1
    # A pipe takes what fits into it: then nobody notices that the reader is gone.
    assert ended.stderr in ("", NOT_ALL_WAS_READ)


@pytest.mark.parametrize(("no_color", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_they_are_not_wanted(
    place: Place, no_color: dict[str, str], coloured: bool
) -> None:
    place.declare(1)
    place.environ |= {"TERM": "xterm-256color", **no_color}
    with (
        terminal() as (ours, theirs),
        place.running("plan", "--simulator", "sim.db", stdout=theirs, stderr=subprocess.PIPE) as plan,
    ):
        plan.communicate(timeout=PATIENCE_SECONDS)
        shown = os.read(ours, 65_536).decode()
    assert "t000" in shown
    assert ("\x1b[" in shown) is coloured
