"""Measurements of the simulator, each in a process of its own: ``python -m bench.simulator_cases NAME FOLDER``.

Requests go through httpx and ASGI in process, to the account of the whole fleet, which was written by
another process: what is cold here was cold for the simulator.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from bench.scene import ACCOUNT
from reconciler.cli.collector import tune_collector
from reconciler.neon.in_process import InProcess
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.types import Organization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUESTS: Final = 500
TABLES: Final = ("projects", "branches", "endpoints", "roles", "databases", "snapshots")


def seed_account(folder: Path) -> float:
    """As many projects as the fleet has, each with branch, compute, role and database, into a new file."""
    with _opened(folder) as simulator:
        count = simulator.world.store.value("SELECT count(*) FROM projects")
    with Simulator.open(_fresh(folder), [Organization("free")]) as made:
        start = time.perf_counter()
        made.seed_fleet("free", count)
        return time.perf_counter() - start


def copy_rows(folder: Path) -> float:
    """SQLite writing the same rows, which lie ready in memory, with the same keys and no other index."""
    source = sqlite3.connect(folder / ACCOUNT)
    target = sqlite3.connect(_fresh(folder), isolation_level=None)
    rows = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}  # noqa: S608
    for table in TABLES:
        (statement,) = source.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        target.execute(statement)
    start = time.perf_counter()
    target.execute("BEGIN")
    for table, found in rows.items():
        placeholders = ", ".join("?" * len(found[0]))
        target.executemany(f"INSERT INTO {table} VALUES ({placeholders})", found)  # noqa: S608
    target.execute("COMMIT")
    return time.perf_counter() - start


def read_projects(folder: Path) -> float:
    """One project after another, by its id."""
    return _asked(folder, lambda project_id, _: ("GET", f"/projects/{project_id}", None))


def search_projects(folder: Path) -> float:
    """One project after another, by its whole name, as a sign-up looks for its tenant."""
    return _asked(folder, lambda _, name: ("GET", f"/projects?limit=400&search={name}", None))


def patch_projects(folder: Path) -> float:
    """A quota for one project after another, each a commit."""
    quota = {"project": {"settings": {"quota": {"active_time_seconds": 360_000}}}}
    return _asked(folder, lambda project_id, _: ("PATCH", f"/projects/{project_id}", quota))


def read_regions(folder: Path) -> float:
    """The least that a request costs on the way through httpx, ASGI and the front: nothing is looked up."""
    return _asked(folder, lambda *_: ("GET", "/regions", None))


def _asked(folder: Path, request: Callable[[str, str], tuple[str, str, object]]) -> float:
    with _opened(folder) as simulator:
        query = "SELECT id, name FROM projects WHERE org_id = ? ORDER BY id"
        rows = simulator.world.store.rows(query, simulator.organization_ids["free"])
        chosen = [rows[number * len(rows) // REQUESTS] for number in range(REQUESTS)]
        asked = [request(row["id"], row["name"]) for row in chosen]
        return asyncio.run(_seconds(simulator, asked))


async def _seconds(simulator: Simulator, asked: list[tuple[str, str, object]]) -> float:
    key = {"Authorization": f"Bearer {simulator.organization_keys['free']}"}
    way = InProcess(simulator.app)
    async with httpx.AsyncClient(transport=way, base_url="http://neon.test/api/v2", headers=key) as http:
        start = time.perf_counter()
        for method, path, body in asked:
            (await http.request(method, path, json=body)).raise_for_status()
        return time.perf_counter() - start


@contextmanager
def _opened(folder: Path) -> Iterator[Simulator]:
    with Simulator.open(folder / ACCOUNT, behaviour=Behaviour(rate_limit=None)) as simulator:
        yield simulator
        simulator.world.switches.set(Behaviour())


def _fresh(folder: Path) -> Path:
    file = folder / "fresh.db"
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    return file


CASES: Final = {
    case.__name__: case
    for case in (seed_account, copy_rows, read_projects, search_projects, patch_projects, read_regions)
}

if __name__ == "__main__":
    tune_collector()
    sys.stdout.write(f"{CASES[sys.argv[1]](Path(sys.argv[2]))}\n")
