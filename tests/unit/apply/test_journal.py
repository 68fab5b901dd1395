"""The journal: complete, readable by its owner only, and a reason not to write where it cannot be kept."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reconciler.apply.journals.journal import Header, Intent, Journal
from reconciler.errors import JournalError
from reconciler.model.values import JsonText
from reconciler.plan.change import FieldChange
from tests.harness.builders import NOON

HEADER = Header(run="r1", fleet="prod", actor="ada@example.com", commit="4f2c", version="0.1.0", started_at=NOON)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_journal_begins_with_who_ran_what(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.jsonl", HEADER, lambda: NOON):
        pass
    (header,) = lines(tmp_path / "journal.jsonl")
    assert header.pop("file").keys() == {"boot", "device", "inode"}
    assert header == {
        "line": "run",
        "at": "2030-05-04T12:00:00+00:00",
        "format_version": 3,
        "run": "r1",
        "fleet": "prod",
        "actor": "ada@example.com",
        "commit": "4f2c",
        "version": "0.1.0",
        "started_at": "2030-05-04T12:00:00+00:00",
    }


def test_an_intent_says_what_is_about_to_be_written_and_its_outcome_what_became_of_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    changes = (
        FieldChange("quota.data_transfer_bytes", 5, 10),
        FieldChange("settings.allowed_ips", None, JsonText.of({"ips": ["10.0.0.1"]})),
    )
    with Journal.open(path, HEADER, lambda: NOON) as journal:
        journal.intend(
            "r1-1",
            Intent(
                kind="patch_project",
                tenants=("acme",),
                organization="free",
                project_ids=("p-acme",),
                reason="tier free",
                changes=changes,
                object={"branch": "main"},
            ),
        )
        journal.conclude("r1-1", "failed", "Neon answers 400")
        journal.end("r1", "interrupted by SIGTERM")
    _, intent, outcome, end = lines(path)
    assert intent["request_id"] == outcome["request_id"] == "r1-1"
    assert (intent["kind"], intent["tenants"], intent["project_ids"]) == ("patch_project", ["acme"], ["p-acme"])
    assert intent["object"] == {"branch": "main"}
    assert intent["changes"] == [
        {"path": "quota.data_transfer_bytes", "before": 5, "after": 10},
        {"path": "settings.allowed_ips", "before": None, "after": {"ips": ["10.0.0.1"]}},
    ]
    assert (outcome["result"], outcome["message"]) == ("failed", "Neon answers 400")
    assert end["stopped"] == "interrupted by SIGTERM"


def test_a_second_run_appends_to_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for _ in range(2):
        with Journal.open(path, HEADER, lambda: NOON) as journal:
            journal.end("r1", None)
    assert [line["line"] for line in lines(path)] == ["run", "end", "run", "end"]


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o600), (0o666, 0o600), (0o700, 0o700)])
def test_a_file_that_was_there_before_is_its_owners_alone_too(tmp_path: Path, before: int, after: int) -> None:
    path = tmp_path / "journal.jsonl"
    path.touch()
    path.chmod(before)
    with Journal.open(path, HEADER, lambda: NOON):
        assert stat.S_IMODE(path.stat().st_mode) == after


def test_what_is_no_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    path.chmod(0o644)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with suppress(JournalError), Journal.open(path, HEADER, lambda: NOON):  # a pipe puts nothing on a disk
        pass
    os.close(reader)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_only_the_owner_can_read_a_journal_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "journal.jsonl"
    Journal.open(path, HEADER, lambda: NOON).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_intent_is_on_disk_before_the_next_thing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    on_disk: list[list[dict[str, Any]]] = []
    monkeypatch.setattr(os, "fsync", lambda _: on_disk.append(lines(path)))
    journal = Journal.open(path, HEADER, lambda: NOON)
    journal.intend("r1-1", Intent(kind="delete_project", tenants=("acme",), organization="free"))
    assert lines(path) == on_disk[-1]
    assert on_disk[-1][-1]["request_id"] == "r1-1"
    journal.close()


def test_a_journal_that_cannot_be_opened_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match="cannot be written: ") as caught:
        Journal.open(tmp_path / "file" / "journal.jsonl", HEADER, lambda: NOON)
    assert caught.value.hint


def test_a_full_disk_is_a_clear_error() -> None:
    with pytest.raises(JournalError, match="No space left on device"):
        Journal.open(Path("/dev/full"), HEADER, lambda: NOON)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal.jsonl", HEADER, lambda: NOON)
    journal.close()
    written = journal.path.read_text()
    journal.close()
    assert journal.path.read_text() == written
