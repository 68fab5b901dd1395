"""A patch of some settings leaves the others as they are, whether Neon merges or replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.apply.run.merging import unmentioned
from reconciler.apply.stop import StopSignal
from reconciler.desired.tenant import Overrides
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.simulator import shapes
from reconciler.simulator.behaviour import Behaviour, Patch
from reconciler.simulator.faults import DropAfter
from tests.harness.builders import GIB, a_fleet, a_project, a_tenant
from tests.harness.runs import World, virtually
from tests.harness.stored import Stored
from tests.harness.wire import also_after, also_before, first

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.simulator.exchanges import Exchange

BY_HAND = {"ips": ["10.0.0.1"], "protected_branches_only": True}
LARGER = Overrides({"data_transfer_bytes": 60 * GIB}, Compute(0.5, 2, 600))
BEFORE = a_fleet(a_tenant("amber", "pro"), a_tenant("birch", "pro"), a_tenant("cedar", "pro"))
AFTER = a_fleet(*(replace(tenant, overrides=LARGER) for tenant in BEFORE.tenants.values()))
NEONS = shapes.project_settings()["maintenance_window"]
NIGHT, DAY = ({**NEONS, "start_time": f"{hour}:00", "end_time": f"{hour + 1}:00"} for hour in (21, 12))
PARAMETER = "default_endpoint_settings.pg_settings.work_mem"
EACH = pytest.mark.parametrize("patch", Patch)


def opened(folder: Path, patch: Patch, *, by_hand: bool = True) -> World:
    """Three tenants; ``by_hand``: somebody has set allowed addresses and settings of Postgres in each project."""
    world = World.open(folder, Behaviour(settings_patch=patch, compute_patch=patch, rate_limit=None))
    world.seed(BEFORE)
    if by_hand:
        stored = Stored.of(world.simulator)
        by_path = {"settings.allowed_ips": BY_HAND, PARAMETER: "64MB"}
        for project_id in stored.project_ids().values():
            stored.change("projects", project_id, by_path)
    return world


def bodies(world: World) -> list[dict[str, Any]]:
    return [row["body"] for row in Stored.of(world.simulator).rows("projects", deleted=True)]


def chosen(world: World, by_tenant: Mapping[str, Any]) -> None:
    """Somebody chooses a maintenance window in the console."""
    stored = Stored.of(world.simulator)
    for tenant, window in by_tenant.items():
        change = {"settings.maintenance_window": window}
        stored.change("projects", stored.project_ids()[f"myapp-{tenant}"], change)


def windows(world: World) -> dict[str, Any]:
    return {body["name"].removeprefix("myapp-"): body["settings"]["maintenance_window"] for body in bodies(world)}


def patches_of_projects(world: World) -> list[Exchange]:
    return [each for each in world.simulator.requests if each.method == "PATCH" and "/endpoints" not in each.path]


def reads_of_projects(world: World) -> list[Exchange]:
    return [each for each in world.simulator.requests if each.method == "GET" and each.path.count("/") == 2]


@EACH
def test_what_somebody_has_set_by_hand_stays(tmp_path: Path, patch: Patch) -> None:
    world = opened(tmp_path, patch)

    async def run() -> None:
        applied = await world.apply(AFTER)
        assert set(applied.results().values()) == {Result.APPLIED}
        assert await world.converged(AFTER)

    virtually(run())
    for body in bodies(world):
        assert body["settings"]["allowed_ips"] == BY_HAND
        assert body["default_endpoint_settings"]["pg_settings"] == {"work_mem": "64MB"}
        assert body["settings"]["quota"]["data_transfer_bytes"] == 60 * GIB


def test_where_neon_merges_nothing_else_is_sent(tmp_path: Path) -> None:
    world = opened(tmp_path, Patch.MERGE)
    virtually(world.apply(AFTER))
    assert len(patches_of_projects(world)) == len(AFTER.tenants)
    assert reads_of_projects(world)
    assert not any("allowed_ips" in str(each.body) for each in patches_of_projects(world))


@EACH
def test_a_window_that_no_file_states_stays(tmp_path: Path, patch: Patch) -> None:
    """The first project has Neon's window, which is there whatever Neon does; one tenant has chosen another."""
    world = opened(tmp_path, patch, by_hand=False)
    chosen(world, {"birch": NIGHT, "cedar": DAY})
    virtually(world.apply(AFTER))
    assert windows(world) == {"amber": NEONS, "birch": NIGHT, "cedar": DAY}
    assert len(patches_of_projects(world)) == len(AFTER.tenants) + (patch is Patch.REPLACE)


@EACH
def test_where_all_have_one_window_a_single_project_is_read(tmp_path: Path, patch: Patch) -> None:
    world = opened(tmp_path, patch, by_hand=False)
    virtually(world.apply(AFTER))
    assert len(patches_of_projects(world)) == len(AFTER.tenants)
    assert len(reads_of_projects(world)) == 1


def test_a_value_that_stays_shows_that_neon_merges(tmp_path: Path) -> None:
    """However many windows there are: one project is read, while the others wait."""
    world = opened(tmp_path, Patch.MERGE)
    chosen(world, {"birch": NIGHT, "cedar": DAY})
    virtually(world.apply(AFTER))
    assert len(reads_of_projects(world)) == 1
    assert windows(world) == {"amber": NEONS, "birch": NIGHT, "cedar": DAY}


def test_computes_that_merge_do_not_show_that_settings_do(tmp_path: Path) -> None:
    world = World.open(
        tmp_path, Behaviour(settings_patch=Patch.REPLACE, compute_patch=Patch.MERGE, rate_limit=None)
    )
    world.seed(BEFORE)
    stored = Stored.of(world.simulator)
    stored.change("projects", stored.project_ids()["myapp-amber"], {PARAMETER: "64MB"})
    for name in ("birch", "cedar"):
        stored.change("projects", stored.project_ids()[f"myapp-{name}"], {"settings.allowed_ips": BY_HAND})
    virtually(world.apply(AFTER))
    found = [body["settings"]["allowed_ips"] for body in bodies(world)]
    assert found.count(BY_HAND) == 2


def test_what_cannot_be_turned_off_does_not_show_that_settings_merge(tmp_path: Path) -> None:
    world = opened(tmp_path, Patch.REPLACE, by_hand=False)
    stored = Stored.of(world.simulator)
    stored.change("projects", stored.project_ids()["myapp-amber"], {"settings.enable_logical_replication": True})
    chosen(world, {"birch": NIGHT})
    virtually(world.apply(AFTER))
    assert windows(world) == {"amber": NEONS, "birch": NIGHT, "cedar": NEONS}


def test_what_somebody_changes_after_the_observation_is_not_put_back(tmp_path: Path) -> None:
    world = opened(tmp_path, Patch.MERGE, by_hand=False)
    chosen(world, {"amber": NIGHT})
    act = first(lambda passing: passing.path.count("/") == 2, also_before(lambda: chosen(world, {"amber": DAY})))
    virtually(world.apply(AFTER, act=act))
    assert windows(world)["amber"] == DAY


@EACH
def test_a_run_that_is_to_end_still_sends_again_what_its_patch_has_removed(tmp_path: Path, patch: Patch) -> None:
    world, stop = opened(tmp_path, patch), StopSignal()
    act = first(
        lambda passing: passing.request.method == "PATCH" and passing.path.count("/") == 2,
        also_after(lambda: stop.request("by SIGTERM")),
    )
    applied = virtually(world.apply(AFTER, act=act, stop=stop))
    assert applied.report.stopped == "by SIGTERM"
    assert all(body["settings"]["allowed_ips"] == BY_HAND for body in bodies(world))
    assert all(body["default_endpoint_settings"]["pg_settings"] == {"work_mem": "64MB"} for body in bodies(world))


def test_a_lost_answer_hides_no_loss(tmp_path: Path) -> None:
    world = opened(tmp_path, Patch.REPLACE)
    world.simulator.faults.add(DropAfter(), "PATCH", "/projects/*", times=2)
    virtually(world.apply(AFTER))
    assert all(body["settings"]["allowed_ips"] == BY_HAND for body in bodies(world))


@pytest.mark.parametrize(
    ("path", "damaged", "whole"),
    [
        ("settings.maintenance_window", True, {"weekdays": [1], "start_time": "01:00", "end_time": "02:00"}),
        ("settings.allowed_ips", "x", {"ips": ["10.0.0.1"], "protected_branches_only": False}),
        ("settings.block_public_connections", {}, True),
    ],
)
def test_what_an_answer_has_damaged_is_not_sent_to_neon(path: str, damaged: Any, whole: Any) -> None:
    name = path.removeprefix("settings.")
    assert path not in unmentioned(a_project(settings={name: damaged}), ["settings.other"])
    assert path in unmentioned(a_project(settings={name: whole}), ["settings.other"])
