"""What earlier runs of a commit have done in waves, as their journals tell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.apply.waves.earlier_waves import earlier_waves

if TYPE_CHECKING:
    from pathlib import Path

AT = "2026-11-24T12:00:00+00:00"
OURS, OTHERS = "0123abcd", "4567cdef"


def told(folder: Path, *lines: dict[str, Any]) -> list[Path]:
    """A journal of two runs, each of a commit of its own, with these lines."""
    runs: list[dict[str, Any]] = [
        {"line": "run", "run": run, "fleet": "prod", "commit": commit}
        for run, commit in ((OURS, "a" * 40), (OTHERS, "b" * 40))
    ]
    wave: dict[str, Any] = {"line": "wave", "run": OURS, "number": 1, "tenants": ["acme"]}
    path = folder / "journal.jsonl"
    path.write_text("".join(json.dumps({"at": AT, **line}) + "\n" for line in (*runs, wave, *lines)))
    return [path]


def look(run: str) -> dict[str, Any]:
    return {"line": "look", "run": run, "number": 1, "harmed": ["acme"], "harmful": True}


def test_after_a_harmful_wave_the_next_run_begins_with_its_first(tmp_path: Path) -> None:
    assert earlier_waves(told(tmp_path, look(OURS)), "prod", "a" * 40) is None


def test_a_harmful_wave_of_another_commit_changes_nothing(tmp_path: Path) -> None:
    assert earlier_waves(told(tmp_path, look(OTHERS)), "prod", "a" * 40) is not None
