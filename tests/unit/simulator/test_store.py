from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from reconciler.simulator.clock import LoopTime, seconds_of, timestamp
from reconciler.simulator.seed import ProjectSeed
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.store import VERSION, Store, create_tables
from reconciler.simulator.types import Limits, Organization, Quota
from reconciler.simulator.virtual_time import VirtualLoop
from tests.unit.simulator.account import FREE, PAID, account

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_keeps_organizations_keys_projects_and_time(tmp_path: Path) -> None:
    file = tmp_path / "sim.db"
    with account(path=file) as neon:
        neon.create()
        neon.wait(1000)
        neon.create("later")
        before = neon.simulator.organization_ids, neon.simulator.organization_keys, neon.simulator.clock.now()
    with account(path=file, organizations=()) as neon:
        assert (neon.simulator.organization_ids, neon.simulator.organization_keys) == before[:2]
        assert neon.simulator.clock.now() == pytest.approx(before[2], abs=5)
        assert sorted(neon.names()) == ["acme", "later"]


def test_an_organization_that_is_given_again_takes_on_its_new_limits(tmp_path: Path) -> None:
    file = tmp_path / "sim.db"
    with account(path=file):
        pass
    with account(path=file, organizations=(Organization("free", Limits(projects=0)),)) as neon:
        assert neon.refused("POST", "/projects", {"project": {}})[0] == 422


def test_an_organization_keeps_its_id_under_another_name(tmp_path: Path) -> None:
    """As in Neon, where a name is no more than a word: told by how the files refer to its id."""

    def opened(**names: str) -> tuple[dict[str, str], list[str]]:
        organizations = [Organization(name, reference=of) for name, of in names.items()]
        with Simulator.open(tmp_path / "sim.db", organizations) as simulator:
            return dict(simulator.organization_ids), list(simulator.organization_keys.values())

    free, paid, free_2 = "org-sim-free", "org-sim-paid", "org-sim-free-2"
    assert opened(free="A", paid="B")[0] == {"free": free, "paid": paid}
    assert opened(free="B", paid="A")[0] == {"free": paid, "paid": free}
    assert opened(sponsored="A", free="C", paid="B")[0] == {"sponsored": free, "free": free_2, "paid": paid}
    renamed, keys = opened(sponsored="D", free="C")
    assert renamed == {"sponsored": "org-sim-sponsored", "free": free_2, free: free, "paid": paid}
    assert len(set(keys)) == 4


def test_the_same_calls_make_the_same_ids_and_secrets() -> None:
    def answers() -> tuple[object, object]:
        with account() as neon:
            return neon.create(), neon.done("POST", "/projects", {"project": {}})

    assert answers() == answers()


def test_ids_and_keys_are_plainly_simulated() -> None:
    with Simulator.open(organizations=[Organization("EU Paid_1")]) as simulator:
        assert simulator.organization_ids == {"EU Paid_1": "org-sim-eu-paid-1"}
        assert simulator.organization_keys == {"EU Paid_1": "sim_org_eu_paid_1_key"}
        assert simulator.personal_key == "sim_personal_key"


def test_two_openings_of_a_file_share_time_and_never_see_it_run_backwards(tmp_path: Path) -> None:
    file = tmp_path / "sim.db"
    fast, slow = LoopTime(2_000_000_000.0), LoopTime(1_000_000_000.0)
    with (
        Simulator.open(file, [FREE], clock_source=fast) as first,
        Simulator.open(file, clock_source=slow) as second,
    ):
        seen = [each.add_project("free", ProjectSeed("a")).project_id for each in (first, second, first, second)]
        rows = second.world.store.rows("SELECT id, created_at FROM projects ORDER BY rowid")
        assert [row["id"] for row in rows] == seen
        moments = [row["created_at"] for row in rows]
        assert moments == sorted(moments)
        assert second.clock.now() >= 2_000_000_000
        second.clock.advance(60)
        assert first.clock.now() >= 2_000_000_060
        with pytest.raises(ValueError, match="backwards"):
            first.clock.advance(-1)


def test_a_process_that_was_behind_does_not_see_time_stand_still(tmp_path: Path) -> None:
    file = tmp_path / "sim.db"
    with account(path=file) as neon:
        neon.wait(7 * 86_400)
        neon.create()
    with account(path=file) as neon:
        path = f"/projects/{neon.ask('POST', '/projects', {'project': {}}).json()['project']['id']}"
        assert neon.refused("PATCH", path, {"project": {"name": "b"}})[0] == 423
        neon.wait(1)
        neon.done("PATCH", path, {"project": {"name": "b"}})


def test_a_write_that_fails_leaves_nothing_behind() -> None:
    with account() as neon:
        world = neon.simulator.world

        def write() -> None:
            with world.writing() as transaction:
                transaction.execute("UPDATE organizations SET name = 'other' WHERE name = 'paid'")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            write()
        assert "paid" in neon.simulator.organization_ids
        neon.create()


def test_a_thread_reads_no_unfinished_write_of_another() -> None:
    with account() as neon, ThreadPoolExecutor(1) as thread:
        world = neon.simulator.world
        named_paid = "SELECT count(*) FROM organizations WHERE name = 'paid'"
        with world.writing() as transaction:
            transaction.execute("UPDATE organizations SET name = 'other' WHERE name = 'paid'")
            read = thread.submit(world.store.value, named_paid)
            assert transaction.value(named_paid) == 0
            assert wait([read], timeout=0.05).not_done, "it waits for the write to end"
            transaction.execute("UPDATE organizations SET name = 'paid' WHERE name = 'other'")
        assert read.result() == 1


def test_a_project_made_by_hand_is_as_described_and_leaves_no_trace_in_the_log() -> None:
    with account() as neon:
        seed = ProjectSeed(
            "acme",
            quota=Quota(active_time_seconds=7),
            annotations={"tenant": "acme"},
            created_at=1_700_000_000,
            last_active_at=1_710_000_000,
            storage_bytes=123,
            usage={"active_time_seconds": 5},
        )
        seeded = neon.simulator.add_project("free", seed)
        neon.simulator.set_usage(seeded.project_id, data_transfer_bytes=6)
        assert neon.simulator.requests == []
        neon.wait(neon.simulator.world.behaviour.counters_lag_seconds)
        project = neon.get(f"/projects/{seeded.project_id}")["project"]
        assert project["created_at"] == timestamp(1_700_000_000)
        assert project["compute_last_active_at"] == timestamp(1_710_000_000)
        assert project["synthetic_storage_size"] == 123
        assert (project["active_time_seconds"], project["data_transfer_bytes"]) == (5, 6)
        branches = neon.get(f"/projects/{seeded.project_id}/branches")
        assert branches["annotations"][seeded.branch_id]["value"] == {"tenant": "acme"}
        assert branches["branches"][0]["logical_size"] == 123
        neon.done("PATCH", f"/projects/{seeded.project_id}", {"project": {"name": "renamed"}})


def test_a_seeded_fleet_is_the_same_each_time_and_valid() -> None:
    def fleet() -> list[dict[str, object]]:
        with account(organizations=(FREE, PAID)) as neon:
            neon.simulator.seed_fleet("free", 40)
            projects: list[dict[str, object]] = neon.get("/projects?limit=400")["projects"]
            return projects

    assert len(fleet()) == 40
    assert fleet() == fleet()


def test_time_goes_on_from_one_virtual_loop_to_the_next() -> None:
    source, moments = LoopTime(1000.0), [1000.0]
    for _ in range(3):
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(asyncio.sleep(60))
            moments.append(runner.run(_read(source)))
        assert source() == pytest.approx(moments[-1], abs=0.01)
    assert [round(moment) for moment in moments] == [1000, 1060, 1120, 1180]


async def _read(source: LoopTime) -> float:
    await asyncio.sleep(0)
    return source()


def test_times_are_written_in_utc_to_the_second_and_read_with_their_zone() -> None:
    assert timestamp(0.9) == "1970-01-01T00:00:00Z"
    assert seconds_of("1970-01-01T01:00:00+01:00") == 0
    with pytest.raises(ValueError, match="no time zone"):
        seconds_of("1970-01-01T00:00:00")


def test_no_other_process_finds_half_of_the_tables(tmp_path: Path) -> None:
    found = set()
    made, other = (sqlite3.connect(tmp_path / "new.db", isolation_level=None) for _ in range(2))
    made.execute("PRAGMA journal_mode = WAL")

    def count() -> int:
        counted: int = other.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        return counted

    made.set_trace_callback(lambda _: found.add(count()))
    create_tables(made)
    assert found == {0}
    assert count() > 20
    made.close()
    other.close()


def test_databases_in_memory_begin_alike_and_share_nothing() -> None:
    with closing(Store(":memory:")) as one, closing(Store(":memory:")) as other:
        assert one.value("PRAGMA user_version") == VERSION
        one.behave("{}")
        assert other.value("SELECT behaviour FROM state") is None
        with closing(Store(":memory:")) as later:
            assert later.value("SELECT behaviour FROM state") is None


@pytest.mark.parametrize("in_memory", [True, False])
def test_the_time_and_the_switches_are_those_of_the_last_write(tmp_path: Path, in_memory: bool) -> None:
    def later(latest: float) -> float:
        assert store.latest() == latest
        return latest + 5

    with closing(Store(":memory:" if in_memory else tmp_path / "account.db")) as store:
        assert store.behaviour() is None
        store.reach(10)
        assert store.latest() == 10
        with store.writing(later):
            assert store.latest() == 10
        assert store.latest() == 15
        with suppress(ZeroDivisionError), store.writing(later):
            raise ZeroDivisionError
        assert store.latest() == 15
        store.behave("{}")
        assert (store.behaviour(), store.latest()) == ("{}", 15)


def test_the_time_of_a_file_is_what_another_process_has_written(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "account.db")) as one, closing(Store(tmp_path / "account.db")) as other:
        before = one.latest()
        other.reach(before + 7)
        other.behave("{}")
        assert (one.latest(), one.behaviour()) == (before + 7, "{}")
