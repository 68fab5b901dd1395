"""Streams that are closed, full or unread, a folder that is gone, too few descriptors: told in a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.processes import Place

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

RECONCILER: Final = f"{sys.executable} -m reconciler"
APPLY: Final = f"{RECONCILER} apply --yes --expect-empty --simulator sim.db --journal journal.jsonl"


def shell(place: Place, script: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a script in the fleet's folder."""
    place.declare(1)
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}"],
        cwd=place.folder,
        env=place.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.drawn(3)
@pytest.mark.parametrize(
    ("script", "code", "told"),
    [
        (f"{RECONCILER} validate >&-", 1, "stdout is closed"),
        (f"{RECONCILER} --help >&-", 1, "stdout is closed"),
        (f"{RECONCILER} validate <&- >&-", 1, "stdout is closed"),
        (f"{RECONCILER} validate >/dev/full", 1, "the output cannot be written: No space left"),
        (f"{RECONCILER} --help >/dev/full", 1, "the output cannot be written: No space left"),
        (f"{RECONCILER} validate | sleep 0", 1, "the reader of the output ended"),
        (f"{RECONCILER} --help | sleep 0", 1, "the reader of the output ended"),
        (f"{RECONCILER} validate <&-", 0, ""),
        (f"{RECONCILER} validate 2>&-", 0, ""),
        (f"{RECONCILER} validate <&- >&- 2>&-", 1, ""),
        (f"{RECONCILER} plan 2>/dev/full", 4, ""),
        ("mkdir gone; cd gone; rmdir ../gone; " + f"{RECONCILER} validate", 1, "no longer exists"),
        (f"mkdir gone; F=$PWD; cd gone; rmdir ../gone; {RECONCILER} validate -C $F", 0, ""),
        (f"ulimit -n 20; {RECONCILER} plan --simulator sim.db", 1, "may open 20 files at once"),
        (f"ulimit -n 7; {RECONCILER} drift --simulator sim.db", 1, "ulimit -n 1024"),
        (f"ulimit -Sn 20; {RECONCILER} drift --simulator sim.db", 2, ""),
    ],
)
def test_what_is_not_there_is_told(tmp_path: Path, script: str, code: int, told: str) -> None:
    ended = shell(Place(tmp_path), script)
    assert ended.returncode == code, ended.stderr
    assert told in ended.stderr
    assert "defect" not in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert not told or "hint: " in ended.stderr


def test_nothing_is_applied_where_nobody_would_hear_of_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert shell(place, f"{APPLY} >&-").returncode == 1
    assert place.journal() == []


def test_what_is_printed_to_a_closed_stderr_goes_into_no_file(tmp_path: Path) -> None:
    """The next file that is opened would get its number: a journal, with progress in between its lines."""
    place = Place(tmp_path)
    assert shell(place, f"FORCE_COLOR=1 {APPLY} <&- 2>&-").returncode == 0
    text = (tmp_path / "journal.jsonl").read_text()
    assert [json.loads(line)["line"] for line in text.splitlines()][-1] == "end"


def test_a_run_goes_on_where_its_log_finds_no_room(tmp_path: Path) -> None:
    place = Place(tmp_path)
    ended = shell(place, f"FORCE_COLOR=1 {APPLY} 2>/dev/full")
    assert ended.returncode == 0
    assert "Applied: 1 tenant." in ended.stdout
