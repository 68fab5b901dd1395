"""Each concept of the tests stands once, in tests/harness: no second transport, death, account or query."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS: Final = Path(__file__).parents[1]
HARNESS: Final = TESTS / "harness"
TRANSPORTS: Final = ("AsyncBaseTransport", "BaseTransport", "ASGITransport", "MockTransport", "HTTPTransport")
QUERIES: Final = "SELECT|INSERT|UPDATE|DELETE FROM|CREATE TABLE|DROP TABLE|PRAGMA"
SQL: Final = re.compile(rf"\s*({QUERIES})\s")
WORDS: Final = re.compile(rf"Killed|Transport|Simulator|trust_env|\bstore\b|\bwriting\b|{QUERIES}")
"""One of which everything that is looked for has."""
EXCEPTIONS: Final = {
    "e2e/test_doctor.py": "changes the registry's own database behind the program's back",
    "e2e/test_dumps.py": "the databases are the tenants' own, in PostgreSQL",
    "e2e/test_registry_strings.py": "looks into the registry's own database",
    "e2e/test_registry_table.py": "looks into the registry's own database",
    "e2e/test_rows.py": "the databases are the tenants' own, in PostgreSQL",
    "unit/registry/test_damaged.py": "edits the registry's own database as somebody would by hand",
    "unit/registry/test_upgrade.py": "makes the tables that earlier releases of the registry left",
    "contract/fuzz/__main__.py": "opens a simulator of a class of its own, whose time goes on by itself",
    "property/histories_of_rows.py": "the databases are the tenants' own, in PostgreSQL",
    "rows.py": "opens the simulator that has a PostgreSQL database for each branch",
    "unit/registry/test_fleet_with_registry.py": "the database is the registry's, which somebody drops",
    "unit/simulator/test_face.py": "compares every table of the store with what it was",
    "unit/registry/test_settings_of_the_database.py": "asks PostgreSQL about its own sessions",
    "unit/simulator/test_rows.py": "the databases are the tenants' own, in PostgreSQL",
    "unit/simulator/test_store.py": "is about the store: files, transactions and threads",
    "unit/simulator/test_switches.py": "is about what the file of an account keeps from one opening to the next",
    "unit/test_harness.py": "shows what is found",
}
"""Files that may do it all the same, each with the reason."""
FILES: Final = sorted(
    file.relative_to(TESTS).as_posix()
    for file in TESTS.rglob("*.py")
    if HARNESS not in file.parents and "node_modules" not in file.parts
)


def copies_in(source: str) -> list[str]:
    """Of a file; one without any of the words has none, and is not parsed."""
    return list(copies(ast.parse(source))) if WORDS.search(source) else []


def copies(tree: ast.Module) -> Iterator[str]:
    """What a module does by itself that the harness does for all."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name="Killed"):
                yield "a death of its own: Killed of tests/harness/wire.py"
            case ast.ClassDef(bases=bases) if any(_last(base) in TRANSPORTS for base in bases):
                yield f"a transport of its own, {node.name}: Wire of tests/harness/wire.py"
            case ast.Call(func=called) if _last(called) in TRANSPORTS:
                yield f"a transport of its own, {_last(called)}: InProcess or Nowhere of tests/harness/wire.py"
            case ast.Call(func=ast.Attribute(attr="open", value=opened)) if _last(opened).endswith("Simulator"):
                yield "an account of its own: a_simulator of tests/harness/account.py"
            case ast.Call(keywords=given) if any(one.arg == "trust_env" for one in given):
                yield "a call that reads certificates first: LOCAL of tests/harness/local_http.py"
            case ast.Attribute(attr="store" | "writing", value=world) if _last(world) == "world":
                yield "the store: Stored of tests/harness/stored.py"
            case ast.Constant(value=str(text)) if SQL.match(text):
                yield f"a query, {text[:30]!r}: Stored of tests/harness/stored.py"
            case _:
                pass


def _last(node: ast.expr) -> str:
    """The last word of a dotted name."""
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def test_what_all_tests_need_is_made_in_one_place() -> None:
    found = {name: copies_in((TESTS / name).read_text(encoding="utf-8")) for name in {*FILES} - {*EXCEPTIONS}}
    assert {name: copies for name, copies in found.items() if copies} == {}


@pytest.mark.parametrize("name", sorted({*EXCEPTIONS} - {"unit/test_harness.py"}))
def test_every_exception_is_needed(name: str) -> None:
    assert copies_in((TESTS / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "class Killed(BaseException): ...",
        "class Slow(httpx.AsyncBaseTransport): ...",
        "httpx.MockTransport(answer)",
        "with Simulator.open(path) as simulator: ...",
        "httpx.get(url, trust_env=False)",
        "simulator.world.store.rows(query)",
        "with neon.simulator.world.writing() as transaction: ...",
        "query = 'SELECT id FROM projects'",
        "query = f'UPDATE {table} SET x = 1'",
    ],
)
def test_a_copy_is_found(source: str) -> None:
    assert copies_in(source)
