"""A journal of an earlier format is read; of a later one, nobody claims to have understood all of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.apply.journals.audit import WriteFilter, audit
from reconciler.apply.journals.dead_runs import FORMAT_VERSION, file_identity, run_statuses
from reconciler.live.state import RunState

if TYPE_CHECKING:
    from pathlib import Path

RUN: Final = "0000abcd"
LATER: Final[tuple[Any, ...]] = (FORMAT_VERSION + 1, 99, None, "3", [], {})


def written(folder: Path, version: Any) -> Path:
    """A journal of a run that ended, of this format."""
    path = folder / f"{RUN}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        header = {"line": "run", "run": RUN, "format_version": version, "file": file_identity(file.fileno())}
        file.write(json.dumps(header) + "\n" + json.dumps({"line": "end", "run": RUN, "stopped": None}) + "\n")
    return path


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
def test_an_earlier_one_is_read(tmp_path: Path, version: int) -> None:
    path = written(tmp_path, version)
    assert audit([path], WriteFilter()).unreadable == ()
    assert run_statuses([RUN], [path], ())[RUN].state is RunState.DEAD


@pytest.mark.parametrize("version", LATER)
def test_a_later_one_may_hold_what_is_missed(tmp_path: Path, version: Any) -> None:
    path = written(tmp_path, version)
    assert audit([path], WriteFilter()).unreadable == (str(path),)
    assert run_statuses([RUN], [path], ())[RUN].state is RunState.UNKNOWN
