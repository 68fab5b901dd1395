"""A disk that is full: said in one message, nothing half-written, and what was done is still reported."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.documents import write
from reconciler.cli.sinks import ConnectionsFile
from reconciler.errors import InvalidInputError, OutputError
from reconciler.neon.connection import Connection
from tests.harness.processes import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

FULL = Path("/dev/full")
ENOUGH = 10_000_000
"""Bytes; more than any other file of a run has."""


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_document_is_never_left_in_part(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    with room_for(10), pytest.raises(InvalidInputError, match=r"--out .*plan\.json: File too large"):
        write(path, "x" * 100, "--out")
    assert not path.exists()


@pytest.mark.parametrize("ending", [KeyboardInterrupt, MemoryError, ValueError])
def test_a_document_whose_pieces_end_early_is_never_left_in_part(
    tmp_path: Path, ending: type[BaseException]
) -> None:
    def pieces() -> Iterator[str]:
        yield "{"
        raise ending

    with pytest.raises(ending):
        write(tmp_path / "plan.json", pieces(), "--out")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_opened_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="Is a directory"):
        write(tmp_path, "document")
    assert tmp_path.is_dir()


def test_a_device_is_never_removed() -> None:
    with pytest.raises(InvalidInputError, match="No space left on device"):
        write(FULL, "document")
    assert FULL.exists()


def test_the_tenants_whose_connection_strings_found_no_room_are_named(tmp_path: Path) -> None:
    path = tmp_path / "strings"
    strings = {
        name: Connection.read("free", "p1", f"postgresql://{name}@h.test/db")
        for name in ("acme", "bluebird", "cedar")
    }
    file = ConnectionsFile(path)
    with room_for(400), pytest.raises(OutputError, match=r"no connection string of bluebird, cedar$") as caught:
        file.write(strings)
    assert caught.value.hint
    assert json.loads(path.read_text().splitlines()[0])["tenant"] == "acme"
    assert "postgresql" not in str(caught.value)


def converge(place: Place, *args: str, stdout: int) -> subprocess.CompletedProcess[str]:
    """Converges the only tenant, in a process of its own."""
    place.declare(1)
    words = ("converge", "t000", "--simulator", "sim.db", "--journal", "journal.jsonl", *args)
    with place.running(*words, stdout=stdout, stderr=subprocess.PIPE, file_bytes=ENOUGH) as command:
        out, err = command.communicate()
    return subprocess.CompletedProcess(words, command.wait(), out, err)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_report_that_finds_no_room_is_no_defect_and_the_journal_has_it(tmp_path: Path, form: str) -> None:
    place = Place(tmp_path)
    with FULL.open("w") as full:
        ended = converge(place, "--format", form, stdout=full.fileno())
    assert ended.returncode == 1
    assert "the output cannot be written: No space left on device" in ended.stderr
    assert "hint:" in ended.stderr
    assert "defect" not in ended.stderr
    assert place.journal()[-1]["line"] == "end"


@pytest.mark.slow
def test_the_report_comes_although_the_connection_string_found_no_room(tmp_path: Path) -> None:
    strings = tmp_path / "strings"
    strings.touch(mode=0o600)
    os.truncate(strings, ENOUGH)
    ended = converge(Place(tmp_path), "--connections-to", "strings", stdout=subprocess.PIPE)
    assert ended.returncode == 1
    assert "created     t000" in ended.stdout
    assert "File too large; no connection string of t000" in ended.stderr
    assert "defect" not in ended.stderr
