"""The registry from the command line: four real processes at once on SQLite and PostgreSQL, and its rebuild."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.environment import Environment
from reconciler.live.registered import ALL_PARTS
from reconciler.registry.connect import open_registry
from tests.harness.processes import PATIENCE_SECONDS, Place
from tests.harness.registry_database import postgresql, required

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.drawn(5)]

TENANTS = 8
RIVALS = 4


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    required()
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.db'}"
        return
    with postgresql() as found:
        yield found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A fleet's folder whose tiers.yaml names a registry."""
    folder = tmp_path / "fleet"
    folder.mkdir()
    place = Place(folder)
    with (folder / "tiers.yaml").open("a", encoding="utf-8") as tiers:
        tiers.write("registry: {url: '${REGISTRY_URL}'}\n")
    return place


def test_four_applies_at_once_make_one_project_for_each_tenant(place: Place, address: str) -> None:
    place.environ["REGISTRY_URL"] = address
    declared = place.declare(TENANTS)
    with place.served() as projects, ExitStack() as stack:
        rivals = [
            stack.enter_context(
                place.running(
                    "apply",
                    "--yes",
                    "--journal",
                    f"journal-{number}.jsonl",
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                )
            )
            for number in range(RIVALS)
        ]
        told = [rival.communicate(timeout=PATIENCE_SECONDS)[0] for rival in rivals]
        assert {rival.returncode for rival in rivals} <= {0, 6}, told
        assert projects() == declared
        journals = [path.read_text(encoding="utf-8") for path in place.folder.glob("journal-*.jsonl")]
        posted = sum(journal.count('"kind": "create_project"') for journal in journals)
        assert posted == TENANTS, told
        rebuilt = place.run("registry", "rebuild")
        assert (rebuilt.returncode, rebuilt.stdout) == (
            0,
            f"{place.elsewhere}Nothing to change; the registry has 8 rows.\n",
        )


def test_a_registry_that_was_lost_is_rebuilt_and_the_change_is_shown(place: Place) -> None:
    required()
    place.environ["REGISTRY_URL"] = "sqlite:///first.db"
    place.declare(2)
    place.hurry()
    with place.served() as projects:
        assert place.run("apply", "--yes").returncode == 0
        place.environ["REGISTRY_URL"] = "sqlite:///second.db"
        rebuilt = place.run("registry", "rebuild")
        assert rebuilt.returncode == 0, rebuilt.stderr
        assert "Rows changed (2)" in rebuilt.stdout
        assert rebuilt.stdout.count("added: project") == 2
        assert place.run("apply", "--yes").returncode == 0
        assert len(projects()) == 2


def test_a_document_older_than_what_was_applied_is_refused(place: Place) -> None:
    required()
    place.environ["REGISTRY_URL"] = "sqlite:///registry.db"
    fleet = place.folder / "fleet.ndjson"

    def applied(revision: int, hours: int) -> subprocess.CompletedProcess[str]:
        quota = {"active_time": f"{hours}h"}
        tenant = {"tenant": "acme", "tier": "free", "revision": revision, "overrides": {"quota": quota}}
        fleet.write_text(json.dumps(tenant), encoding="utf-8")
        return place.run("apply", "--yes")

    place.declare(1)
    place.hurry()
    with place.served():
        assert applied(2, 5).returncode == 0
        older = applied(1, 6)
        assert older.returncode == 5
        assert "stale-revision" in older.stdout + older.stderr
        assert applied(2, 7).returncode == 0
        assert applied(3, 8).returncode == 0
        assert applied(2, 9).returncode == 5


def test_a_rehearsal_has_a_registry_of_its_own(place: Place) -> None:
    required()
    place.environ["REGISTRY_URL"] = "postgresql://nobody@127.0.0.1:1/real"
    place.declare(1)
    applied = place.run("apply", "--yes", "--simulator", "sim.db", "--journal", "j.jsonl")
    assert applied.returncode == 0, applied.stderr
    assert (place.folder / "sim.registry.db").exists()


def test_an_apply_beside_another_one_writes_nothing_and_says_whose_turn_it_is(place: Place) -> None:
    required()
    place.environ["REGISTRY_URL"] = "sqlite:///registry.db"
    place.declare(2)
    registry = open_registry(f"sqlite:///{place.folder / 'sim.registry.db'}", Environment({}), fleet="prod")
    registry.prepare()
    at = datetime(2100, 1, 1, tzinfo=UTC)
    registry.lease(ALL_PARTS, "other", at, lapsed_before=at)
    registry.close()
    ended = place.run("apply", "--yes", "--simulator", "sim.db")
    assert ended.returncode == 1
    assert "run other has been applying the fleet since" in ended.stderr
    assert "its lease lapses at" in ended.stderr
    assert place.run("converge", "--simulator", "sim.db", "t000").returncode == 0


def test_a_registry_that_nobody_configured_cannot_be_rebuilt(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.declare(1)
    rebuilt = place.run("registry", "rebuild", "--simulator", "sim.db")
    assert rebuilt.returncode == 3
    assert "tiers.yaml names no registry" in rebuilt.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:hunter2@host/db", "a password must not be written in the files"),
        ("postgresql://host/db?password=hunter2", "a password must not be written in the files"),
        ("mysql://host/db", "no address of a registry"),
    ],
)
def test_a_password_in_the_files_is_an_error_with_its_place(tmp_path: Path, url: str, said: str) -> None:
    place = Place(tmp_path)
    place.declare(1)
    with (tmp_path / "tiers.yaml").open("a", encoding="utf-8") as tiers:
        tiers.write(f"registry: {{url: '{url}'}}\n")
    validated = place.run("validate")
    assert validated.returncode == 3
    assert said in validated.stdout
    assert "hunter2" not in validated.stdout + validated.stderr
