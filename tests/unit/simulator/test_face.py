"""What another program takes from the simulator: its names, and an account that it can set back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler import simulator
from reconciler.simulator import AnswerWith, Behaviour, BranchSeed, CommitLater, ProjectSeed
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from reconciler.simulator import Simulator


def test_every_name_of_the_face_is_there() -> None:
    assert [name for name in simulator.__all__ if getattr(simulator, name) is None] == []


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Simulation'"):
        _ = simulator.Simulation


def test_the_face_imports_nothing_until_a_name_is_used() -> None:
    code = (
        "import sys, reconciler.simulator; print(sorted({'sqlite3', 'starlette', 'uvicorn'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def contents(opened: Simulator) -> dict[str, list[tuple[object, ...]]]:
    store = opened.world.store
    tables = [row["name"] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    left_out = {"state", "sqlite_sequence"}  # the time goes on, and numbers are not used again
    return {
        table: [tuple(row) for row in store.rows(f"SELECT * FROM {table}")]  # noqa: S608
        for table in tables
        if table not in left_out and not table.startswith("project_names_")
    }


def test_a_reset_account_is_as_it_was_opened() -> None:
    with account(behaviour=Behaviour(list_lag_seconds=3)) as neon:
        before = contents(neon.simulator)
        seeded = neon.simulator.add_project(
            "free", ProjectSeed("acme", branches=(BranchSeed("b"),), usage={"active_time_seconds": 60})
        )
        neon.simulator.key_of_project(seeded.project_id)
        neon.done("POST", "/projects", {"project": {"name": "bluebird"}})
        neon.done("POST", "/api_keys", {"key_name": "ci"}, key=neon.simulator.personal_key)
        neon.simulator.faults.add(AnswerWith(500), "GET")
        neon.simulator.world.switches.change({"list_lag_seconds": 0})
        neon.simulator.reset()
        assert contents(neon.simulator) == before
        assert neon.simulator.world.behaviour == Behaviour(list_lag_seconds=3)
        assert neon.simulator.requests == []
        assert neon.get("/projects?search=acme")["projects"] == []


def test_what_a_fault_has_postponed_does_not_reach_an_account_that_is_reset_meanwhile() -> None:
    with account() as neon:
        neon.simulator.faults.add(CommitLater(5), "POST", "/projects")
        with pytest.raises(httpx.ReadError):
            neon.ask("POST", "/projects", {"project": {"name": "acme"}})
        neon.simulator.reset()
        neon.wait(6)
        assert neon.names() == []


def test_a_reset_account_has_its_whole_room_again() -> None:
    with account() as neon:
        for _ in range(2):
            for number in range(3):
                neon.done("POST", "/projects", {"project": {"name": f"p{number}"}})
            neon.refused("POST", "/projects", {"project": {"name": "one too many"}})
            neon.simulator.reset()
            assert neon.names() == []


def test_every_name_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")
    assert [name for name in simulator.__all__ if f"`{name}" not in text] == []
