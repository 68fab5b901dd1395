"""``--events``: one JSON line for each thing that happens, as it happens, and no run is worse off for it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from reconciler.cli import events as events_module
from reconciler.cli.events import EventLines
from reconciler.errors import ExitCode
from reconciler.plan.event import ObservedAgain
from tests.e2e.test_full_disk import FULL, room_for
from tests.harness.builders import NOON
from tests.harness.events import check_end, check_folded, read_events
from tests.harness.processes import Place, until
from tests.harness.wire import answering, first, writes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.events import Line
    from tests.harness.shell import Shell

TOLD: Final = ("--events", "events.jsonl")


def events(shell: Shell) -> list[Line]:
    return read_events((shell.folder / "events.jsonl").read_text(encoding="utf-8"))


def kinds(lines: list[Line]) -> list[str]:
    return [line["event"] for line in lines]


def test_the_events_of_an_apply_are_its_report_in_pieces(shell: Shell) -> None:
    for name in ("acme", "bluebird"):
        shell.tenant(name)
    ended = shell.applied(*TOLD, "--format", "json", "--waves", "1,100%", "--allow", "creates=2")
    lines = events(shell)
    check_end(lines, json.loads(ended.out), 0)
    check_folded(lines, json.loads(ended.out))
    wave = ["wave_started", "tenant_started", "action", "tenant_ended"]
    assert kinds(lines) == ["run_started", *wave, *wave, "run_ended"]
    assert [line["number"] for line in lines if line["event"] == "wave_started"] == [1, 2]


def test_converge_tells_its_events_too(shell: Shell) -> None:
    shell.tenant("acme")
    ended = shell.simulated("converge", "acme", "--journal", "journal.jsonl", *TOLD, "--format", "json")
    check_end(events(shell), ended.document, 0)
    check_folded(events(shell), ended.document)


def test_what_a_guard_refuses_is_told_at_the_start(shell: Shell) -> None:
    shell.tenant("acme", "tier: pro")
    shell.applied()
    shell.tenant("acme", "tier: free")
    ended = shell.simulated("apply", "--yes", "--journal", "journal.jsonl", *TOLD)
    lines = events(shell)
    assert kinds(lines)[:2] == ["run_started", "refused"]
    assert lines[1]["tenants"] == ["acme"]
    assert lines[-1]["exit_code"] == ended.code


def test_a_pause_for_the_rate_limit_is_told(shell: Shell) -> None:
    def busy(_: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"Retry-After": "7"}, json={"code": "", "message": "slow down"})

    shell.tenant("acme")
    shell.act = first(writes, answering(busy))
    shell.applied(*TOLD)
    (pause,) = [line for line in events(shell) if line["event"] == "paused"]
    assert (pause["route"], pause["status"], pause["attempt"]) == ("POST /projects", 429, 1)
    assert pause["seconds"] >= 7
    assert pause["request_id"].startswith(pause["run"])


def test_a_run_without_a_report_ends_with_its_error(shell: Shell) -> None:
    shell.tenant("acme", "tier: platinum")
    ended = shell.simulated("apply", "--yes", *TOLD)
    (line,) = events(shell)
    assert (line["event"], line["exit_code"]) == ("run_failed", ended.code)
    assert line["message"] in ended.err


def test_a_plan_that_a_person_declines_changes_nothing_and_says_so(shell: Shell) -> None:
    shell.tenant("acme")
    shell.interactive = True
    assert shell.simulated("apply", *TOLD, stdin=b"n\n").code == ExitCode.INTERRUPTED
    assert [(line["event"], line["message"]) for line in events(shell)] == [("run_failed", "interrupted")]


def test_an_unexpected_error_is_told_without_its_text(shell: Shell) -> None:
    class Odd(Exception):  # noqa: N818
        pass

    def broken(_: httpx.Request) -> httpx.Response:
        raise Odd("napi_secret")

    shell.tenant("acme")
    shell.act = first(writes, answering(broken))
    assert shell.simulated("apply", "--yes", "--journal", "journal.jsonl", *TOLD).code == ExitCode.ERROR
    assert events(shell)[-1]["message"] == "a defect in reconciler: Odd"


def test_stdout_has_the_events_alone_and_the_report_is_text_on_stderr(shell: Shell) -> None:
    shell.tenant("acme")
    ended = shell.applied("--events", "-", "--output", "report.json")
    report = json.loads((shell.folder / "report.json").read_text())
    check_end(read_events(ended.out), report, 0)
    assert "Applied: 1 tenant" in ended.err


def test_stdout_does_not_hold_two_documents(shell: Shell) -> None:
    ended = shell.simulated("apply", "--yes", "--events", "-", "--format", "json")
    assert ended.code == ExitCode.INVALID
    assert "stdout cannot hold both the events and --format json" in ended.err
    assert "hint: write one of them to a file" in ended.err


def test_a_file_that_cannot_be_written_is_refused_before_any_work(shell: Shell) -> None:
    shell.tenant("acme")
    ended = shell.simulated("apply", "--yes", "--events", "nowhere/events.jsonl")
    assert ended.code == ExitCode.INVALID
    assert "--events nowhere/events.jsonl: folder nowhere does not exist" in ended.err
    assert not (shell.folder / "sim.db").exists()


def applied(place: Place, *args: str, stdout: int) -> subprocess.CompletedProcess[str]:
    """Applies three tenants in a process of its own."""
    place.declare(3)
    words = ("apply", "--simulator", "sim.db", "--yes", "--journal", "journal.jsonl", "--output", "report.json")
    with place.running(*words, *args, stdout=stdout, stderr=subprocess.PIPE) as command:
        _, err = command.communicate()
    return subprocess.CompletedProcess(words, command.wait(), None, err)


def all_applied(ended: subprocess.CompletedProcess[str], place: Place) -> None:
    assert ended.returncode == 0, ended.stderr
    assert json.loads((place.folder / "report.json").read_text())["counts"]["applied"] == 3
    assert ended.stderr.count("no more events are written") == 1


@pytest.mark.slow
def test_a_full_disk_ends_the_events_and_not_the_run(tmp_path: Path) -> None:
    place = Place(tmp_path)
    ended = applied(place, "--events", str(FULL), stdout=subprocess.DEVNULL)
    all_applied(ended, place)
    assert "warning: --events /dev/full: No space left on device" in ended.stderr


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_the_events_and_not_the_run(tmp_path: Path) -> None:
    place = Place(tmp_path)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = applied(place, "--events", "-", stdout=writer)
    finally:
        os.close(writer)
    all_applied(ended, place)
    assert "warning: --events -: Broken pipe" in ended.stderr


def test_a_reader_that_stops_reading_ends_the_events_and_not_the_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(events_module, "PATIENCE_SECONDS", 0.01)
    reader, writer = os.pipe()
    lines = EventLines("a pipe", writer)
    while not lines.broken:
        lines.tell(ObservedAgain(NOON, 500 * "x"))
    lines.tell(ObservedAgain(NOON, "after it"))
    os.close(writer)
    os.close(reader)
    told = capfd.readouterr().err
    assert told.count("nobody has read for 0 s: no more events are written") == 1


def test_two_runs_do_not_write_to_one_file(shell: Shell) -> None:
    shell.tenant("acme")
    shell.write("events.jsonl", '{"of": "the other run"}\n')
    with (shell.folder / "events.jsonl").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        ended = shell.simulated("apply", "--yes", *TOLD)
    assert (ended.code, "another run writes its events to events.jsonl" in ended.err) == (3, True), ended.err
    assert (shell.folder / "events.jsonl").read_text(encoding="utf-8") == '{"of": "the other run"}\n'


def test_a_line_that_finds_no_room_is_not_left_in_part(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    lines = EventLines("events.jsonl", descriptor)
    with room_for(300):
        for number in range(3):
            lines.tell(ObservedAgain(NOON, f"{number}" + 80 * "x"))
    os.close(descriptor)
    told = read_events(path.read_text())
    assert len(told) == 1
    assert capfd.readouterr().err.count("no more events are written") == 1


@pytest.mark.slow
def test_a_killed_run_leaves_whole_lines(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.declare(30)
    with place.served():
        words = ("apply", "--yes", "--expect-empty", "--allow", "creates=99", "--events", "events.jsonl")
        with place.running(*words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            until(lambda: '"event": "action"' in _text(tmp_path / "events.jsonl"))
            process.kill()
            process.wait()
    lines = read_events(_text(tmp_path / "events.jsonl"))
    assert lines[0]["event"] == "run_started"
    assert lines[-1]["event"] not in {"run_ended", "run_failed"}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
