"""Switches of a simulated account: kept in its file, and what each of the new ones changes."""

from __future__ import annotations

import dataclasses
import sqlite3
from typing import TYPE_CHECKING

import pytest

from reconciler.simulator.behaviour import Behaviour, Patch, RateLimit
from reconciler.simulator.faults import FailOperations
from reconciler.simulator.seed import ProjectSeed
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.types import Limits, Organization, Quota
from tests.unit.simulator.account import FREE, PAID, account

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400


def test_a_file_keeps_its_switches_for_every_process_that_opens_it(tmp_path: Path) -> None:
    with Simulator.open(tmp_path / "sim.db") as first, Simulator.open(tmp_path / "sim.db") as second:
        assert first.world.behaviour == Behaviour()
        second.world.switches.change({"quota_patch": "replace", "rate_limit": {"per_minute": 9}})
        changed = Behaviour(quota_patch=Patch.REPLACE, rate_limit=RateLimit(per_minute=9))
        assert first.world.behaviour == changed
    with Simulator.open(tmp_path / "sim.db") as reopened:
        assert reopened.world.behaviour == changed
    with Simulator.open(tmp_path / "sim.db", behaviour=Behaviour()) as reset:
        assert reset.world.behaviour == Behaviour()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quota_path": "merge"}, "there is no switch 'quota_path'"),
        ({"quota_patch": "perhaps"}, "Invalid enum value 'perhaps'"),
        ({"root_branches": "many"}, "Expected `int | null`, got `str`"),
    ],
)
def test_what_is_no_switch_or_no_value_of_it_is_refused_and_changes_nothing(
    changes: dict[str, object], message: str
) -> None:
    with Simulator.open() as simulator:
        with pytest.raises(ValueError, match=r".") as caught:
            simulator.world.switches.change({"soft_deletion": True, **changes})
        assert message in str(caught.value)
        assert simulator.world.behaviour == Behaviour()


def test_the_file_of_another_version_is_refused(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "old.db")
    old.execute("CREATE TABLE projects (id TEXT)")
    old.close()
    with pytest.raises(sqlite3.DatabaseError, match="another version of the simulator"):
        Simulator.open(tmp_path / "old.db")


def test_neon_works_on_a_project_now_and_then_where_a_switch_says_so() -> None:
    with account(behaviour=Behaviour(background_work_every_seconds=60)) as neon:
        project_id = neon.simulator.add_project("free", ProjectSeed("acme")).project_id
        patch = {"project": {"name": "acme"}}
        statuses = []
        for _ in range(120):
            statuses.append(neon.ask("PATCH", f"/projects/{project_id}", patch).status_code)
            neon.wait(1)
        assert 8 <= statuses.count(423) <= 12  # five seconds of each minute
        assert statuses.count(200) == 120 - statuses.count(423)


def test_an_operation_that_failed_may_be_tried_again_and_finish() -> None:
    with account() as neon:
        project_id = neon.simulator.add_project("free", ProjectSeed("acme")).project_id
        path = f"/projects/{project_id}"
        neon.simulator.faults.add(FailOperations(recovers_after=10), "PATCH")
        patch = {"project": {"history_retention_seconds": 3600}}
        (started,) = neon.done("PATCH", path, patch)["operations"]
        operation = neon.get(f"{path}/operations/{started['id']}")["operation"]
        assert (operation["status"], operation["failures_count"]) == ("failed", 1)
        assert operation["retry_at"] == "2026-11-23T09:00:10Z"
        assert neon.refused("PATCH", path, patch)[0] == 423
        neon.wait(10)
        operation = neon.get(f"{path}/operations/{started['id']}")["operation"]
        assert (operation["status"], operation["failures_count"], operation.get("error")) == ("finished", 1, None)
        neon.done("PATCH", path, patch)


def test_a_slow_list_names_what_it_had_no_time_for() -> None:
    with account(behaviour=Behaviour(list_seconds_per_project=0.1)) as neon:
        made = neon.simulator.add_projects("unlimited", [ProjectSeed(f"p{number}") for number in range(5)])
        key = neon.simulator.organization_keys["unlimited"]
        page = neon.get("/projects?limit=5&timeout=300", key=key)
        assert len(page["projects"]) == 3
        assert len(page["unavailable_project_ids"]) == 2
        listed = {project["id"] for project in page["projects"]} | set(page["unavailable_project_ids"])
        assert listed == {each.project_id for each in made}
        assert "unavailable_project_ids" not in neon.get("/projects?limit=5&timeout=30000", key=key)


@pytest.mark.parametrize("says_when", [True, False])
def test_a_refusal_by_rate_may_say_when_to_come_back(says_when: bool) -> None:
    limit = RateLimit(per_minute=2)
    with account(behaviour=Behaviour(rate_limit=limit, rate_limit_says_when=says_when)) as neon:
        neon.get("/regions")
        neon.wait(20)
        neon.get("/regions")
        refused = neon.ask("GET", "/regions")
        assert refused.status_code == 429
        assert refused.headers.get("retry-after") == ("40" if says_when else None)
        neon.wait(40)
        neon.get("/regions")


@pytest.mark.parametrize("shows", [True, False])
def test_a_creation_may_show_what_was_set(shows: bool) -> None:
    with account(behaviour=Behaviour(create_shows_settings=shows)) as neon:
        project = neon.create()["project"]
        assert {name in project for name in ("org_id", "settings", "default_endpoint_settings")} == {shows}
        assert neon.get(f"/projects/{project['id']}")["project"]["org_id"] == neon.free


@pytest.mark.parametrize("keeps", [True, False])
def test_a_project_may_lose_its_quota_when_it_moves(keeps: bool) -> None:
    with account(behaviour=Behaviour(transfer_keeps_quota=keeps)) as neon:
        seed = ProjectSeed("acme", quota=Quota(active_time_seconds=5))
        project_id = neon.simulator.add_project("free", seed).project_id
        body = {"destination_org_id": neon.paid, "project_ids": [project_id]}
        personal = neon.simulator.personal_key
        neon.done("POST", f"/organizations/{neon.free}/projects/transfer", body, key=personal)
        settings = neon.get(f"/projects/{project_id}", key=personal)["project"]["settings"]
        assert settings.get("quota") == ({"active_time_seconds": 5} if keeps else None)


@pytest.mark.parametrize("lag", [0, 8])
def test_the_key_of_the_destination_may_see_a_project_later(lag: float) -> None:
    with account(behaviour=Behaviour(transfer_lag_seconds=lag), refusals_allowed=True) as neon:
        project_id = neon.simulator.add_project("free", ProjectSeed("acme")).project_id
        body = {"destination_org_id": neon.paid, "project_ids": [project_id]}
        personal, key = neon.simulator.personal_key, neon.simulator.organization_keys["paid"]
        neon.done("POST", f"/organizations/{neon.free}/projects/transfer", body, key=personal)
        assert neon.ask("GET", f"/projects/{project_id}", key=key).status_code == (403 if lag else 200)
        assert neon.get(f"/projects/{project_id}", key=personal)["project"]["org_id"] == neon.paid
        neon.simulator.clock.advance(lag)
        assert neon.get(f"/projects/{project_id}", key=key)["project"]["org_id"] == neon.paid


@pytest.mark.parametrize("counts", [True, False])
def test_a_deleted_project_may_take_its_place_until_it_is_lost(counts: bool) -> None:
    small = Organization("free", Limits(projects=1))
    with account(behaviour=Behaviour(deleted_projects_count=counts), organizations=(small, PAID)) as neon:
        first = neon.create()["project"]["id"]
        neon.done("DELETE", f"/projects/{first}")
        if counts:
            status, message = neon.refused("POST", "/projects", {"project": {"name": "b"}})
            assert (status, message) == (422, "projects limit exceeded, limit:1")
            neon.done("POST", f"/projects/{first}/recover")
            neon.done("DELETE", f"/projects/{first}")
            neon.wait(7 * DAY)
        neon.create("b")


def test_a_list_may_leave_the_restore_window_out() -> None:
    with account(behaviour=Behaviour(list_shows_restore_window=False), organizations=(FREE, PAID)) as neon:
        neon.create()
        (item,) = neon.get("/projects")["projects"]
        assert "history_retention_seconds" not in item
        neon.simulator.world.switches.set(dataclasses.replace(Behaviour(), list_shows_restore_window=True))
        (item,) = neon.get("/projects")["projects"]
        assert item["history_retention_seconds"] == DAY
