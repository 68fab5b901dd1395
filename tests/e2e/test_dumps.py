"""``--dump-to``: the rows of a tenant leave before its project does, or it stays."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from reconciler.apply.dumps import dump_programs
from reconciler.apply.dumps.dump_programs import DumpPrograms, fitting
from reconciler.apply.dumps.dumps import file_name
from reconciler.errors import DumpError, InvalidInputError
from reconciler.neon.connection import Connection
from tests.harness.processes import Place
from tests.rows import driver

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.drawn(3)

SIMULATED = ("--simulator", "sim.db", "--postgres")
ROWS = (
    "CREATE TABLE notes (id integer PRIMARY KEY, text text NOT NULL)",
    "INSERT INTO notes SELECT n, 'note ' || n FROM generate_series(1, 500) AS n",
)


@pytest.fixture
def place() -> Iterator[Place]:
    """Two tenants, in a folder that every user can enter: run by root, the databases belong to another one."""
    driver()
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        made = Place(Path(folder))
        made.declare(2)
        assert made.run("apply", *SIMULATED, "--yes").returncode == 0
        (made.folder / "dumps").mkdir(mode=0o700)
        yield made


def declare(place: Place, *absent: str) -> None:
    tenants = [{"tenant": name, "state": "absent", "revision": 1} for name in absent]
    kept = [
        line
        for line in (place.folder / "fleet.ndjson").read_text().splitlines()
        if json.loads(line)["tenant"] not in absent
    ]
    (place.folder / "fleet.ndjson").write_text("\n".join([*map(json.dumps, tenants), *kept]), encoding="utf-8")


def write_rows(place: Place, tenant: str, *statements: str) -> None:
    ended = place.run(
        "connections",
        tenant,
        *SIMULATED,
        "--direct",
        "--",
        "psql",
        "-q",
        *(w for s in statements for w in ("-c", s)),
    )
    assert ended.returncode == 0, ended.stderr


def delete(place: Place, *words: str) -> tuple[int, Any, str]:
    ended = place.run("apply", *SIMULATED, "--yes", "--allow", "lowering", "--format", "json", *words)
    return ended.returncode, json.loads(ended.stdout) if ended.stdout else None, ended.stderr


def dumps(place: Place) -> list[Path]:
    return sorted((place.folder / "dumps").iterdir())


def restored(place: Place, dump: Path) -> list[Any]:
    """The rows of a dump, restored into a database of another tenant's project."""
    programs = dump_programs.find()[-1]
    into = f"'{programs.folder / 'pg_restore'}' --no-owner --exit-on-error --dbname=\"$PGDATABASE\" '{dump}'"
    read = "psql -qAt -c 'SELECT id || text FROM notes ORDER BY id'"
    ended = place.run("connections", "t001", *SIMULATED, "--direct", "--", "sh", "-c", f"{into} && {read}")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_the_rows_are_dumped_and_equal_where_they_are_restored(place: Place) -> None:
    write_rows(place, "t000", *ROWS)
    declare(place, "t000")
    code, report, said = delete(place, "--dump-to", "dumps")
    assert code == 0, said
    assert "Before a project is deleted, its databases are dumped to dumps." in said
    (dump,) = dumps(place)
    deletion = report["tenants"][0]["deletion"]
    assert dump.name == f"t000.{deletion['project_id']}.neondb.dump"
    assert deletion["dump"].startswith(f"dumps/{dump.name} (")
    assert deletion["recoverable_until"]
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    assert restored(place, dump) == [f"{n}note {n}" for n in range(1, 501)]


def test_a_dump_that_fails_holds_back_that_deletion_and_no_other(place: Place, tmp_path: Path) -> None:
    write_rows(place, "t000", *ROWS)
    broken = tmp_path
    (broken / "pg_dump").write_text(FAILS_FOR.format(real=dump_programs.find()[-1].folder / "pg_dump"))
    (broken / "pg_restore").symlink_to(dump_programs.find()[-1].folder / "pg_restore")
    (broken / "pg_dump").chmod(0o755)
    place.environ["PATH"] = f"{broken}:{os.environ['PATH']}"
    declare(place, "t000", "t001")
    code, report, said = delete(place, "--dump-to", "dumps", "--allow", "deletes=2")
    assert report, said
    results = {tenant["tenant"]: tenant["result"] for tenant in report["tenants"]}
    assert (code, results) == (6, {"t000": "failed", "t001": "applied"}), said
    assert "cannot dump notes" in json.dumps(report)
    assert [dump.name.partition(".")[0] for dump in dumps(place)] == ["t001"]
    place.environ["PATH"] = os.environ["PATH"]
    code, _, said = delete(place, "--dump-to", "dumps")
    assert code == 0, said
    assert [dump.name.partition(".")[0] for dump in dumps(place)] == ["t000", "t001"]


FAILS_FOR = """#!/bin/sh
case "$1" in --version) exec {real} --version;; esac
if {real} --schema-only --no-password | grep -q 'TABLE public.notes'
then echo 'pg_dump: error: cannot dump notes' >&2; exit 1
fi
exec {real} "$@"
"""
"""A pg_dump that fails for a database with that table."""


def test_a_command_gets_the_dump_and_no_file_stays(place: Place) -> None:
    write_rows(place, "t000", *ROWS)
    declare(place, "t000")
    program = place.folder / "keep.sh"
    program.write_text("cat > $RECONCILER_TENANT.$RECONCILER_DATABASE.copy; ! env | grep -q PGPASSWORD")
    code, report, said = delete(place, "--dump-to-command", f"sh {program}")
    assert code == 0, said
    assert report["tenants"][0]["deletion"]["dump"].startswith("sh (")
    assert dumps(place) == []
    assert restored(place, place.folder / "t000.neondb.copy") == [f"{n}note {n}" for n in range(1, 501)]


def test_a_command_that_fails_holds_the_deletion_back(place: Place) -> None:
    declare(place, "t000")
    code, report, _ = delete(place, "--dump-to-command", "false")
    assert (code, report["tenants"][0]["result"]) == (6, "failed")
    assert "false ended with 1: the dump was not taken" in json.dumps(report)


def test_the_single_tenant_door_dumps_too(place: Place) -> None:
    declare(place, "t000")
    ended = place.run("converge", "t000", *SIMULATED, "--allow", "lowering", "--dump-to", "dumps")
    assert ended.returncode == 0, ended.stderr
    assert "dumped to dumps/t000." in " ".join(ended.stdout.split())
    assert len(dumps(place)) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--dump-to", "missing"), "--dump-to missing: the folder does not exist"),
        (("--dump-to", "dumps", "--dump-to-command", "cat"), "exclude each other"),
        (("--dump-to-command", "no-such-program x"), "program 'no-such-program' does not exist"),
        (("--dump-to-command", "'"), "--dump-to-command: No closing quotation"),
        (("--dump-to-command", ""), "--dump-to-command is empty"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_before_anything(
    place: Place, words: tuple[str, ...], told: str
) -> None:
    declare(place, "t000")
    code, report, said = delete(place, *words)
    assert (code, report, told in said) == (3, None, True), said


def test_a_newer_server_than_any_pg_dump_is_told(tmp_path: Path) -> None:
    old, new = DumpPrograms(tmp_path, 15), DumpPrograms(tmp_path, 17)
    assert fitting((old, new), 15) == (old, new)
    assert fitting((old, new), 16) == (new,)
    with pytest.raises(DumpError, match="the project has PostgreSQL 18, and pg_dump 17 is the newest"):
        fitting((old, new), 18)


def test_without_pg_dump_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(dump_programs, "WHEEL", "no_such_wheel")
    with pytest.raises(InvalidInputError, match="neither is installed"):
        dump_programs.find()


def test_a_torn_dump_is_no_dump(tmp_path: Path) -> None:
    driver()
    torn = tmp_path / "torn.dump"
    torn.write_bytes(b"PGDMP\x01")
    with pytest.raises(DumpError, match="pg_restore"):
        dump_programs.find()[-1].entries(torn)


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "/etc/x", "a/b", "..", "a\nb"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    connection = Connection.read("free", name, f"postgresql://app:secret@ep-1.example.org/{quote(name, safe='')}")
    path = tmp_path / file_name(name, connection)
    assert path.parent == tmp_path
    assert path.resolve().parent == tmp_path.resolve()
    assert path.name.isprintable()
