"""What a new project still lacks after its creation: which calls supply it, and which polls they need."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.plan.outcome import Result
from reconciler.simulator.faults import FailOperations, StickOperations
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import UNHURRIED, World, virtually
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from pathlib import Path

ACME: Final = a_fleet(a_tenant("acme"))
COMPUTES: Final = "/projects/*/endpoints/*"
MARKED: Final = dataclasses.replace(UNHURRIED, creation_keeps_annotations=False)
"""Where a new project needs two calls: the size of its compute, and its mark."""


def below_the_project(world: World) -> list[str]:
    """The calls to the new project, its annotations aside."""
    lines = [(each.method, each.path) for each in world.simulator.requests if each.path.count("/") > 2]
    return [f"{method} {path.split('/')[3]}" for method, path in lines if (method, path.split("/")[3]) != READ]


READ: Final = ("GET", "branches")


def statuses(world: World) -> set[int | None]:
    return {exchange.status for exchange in world.writes()}


async def end_all(world: World, after_seconds: float) -> None:
    """Ends every operation of the account, so many seconds from now."""
    await asyncio.sleep(after_seconds)
    stored = Stored.of(world.simulator)
    for row in stored.rows("operations"):
        if row["ends_at"] is None:
            stored.change("operations", row["id"], ends_at=stored.now)


def test_no_poll_comes_before_the_resize_and_one_list_shows_both_operations(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        assert (await world.apply(ACME)).results() == {"acme": Result.APPLIED}
        resize, first, *others = below_the_project(world)
        assert (resize, first) == ("PATCH endpoints", "GET operations")
        assert set(others) <= {"GET operations"}
        assert statuses(world) == {201, 200}

    virtually(main())


@pytest.mark.parametrize("single_writer", [True, False])
def test_no_call_meets_operations_that_the_run_has_just_started(tmp_path: Path, single_writer: bool) -> None:
    async def main() -> None:
        world = World.open(tmp_path, MARKED)
        applied = await world.apply(ACME, single_writer=single_writer)
        assert applied.results() == {"acme": Result.APPLIED}
        assert statuses(world) == {201, 200}
        assert (await world.plan(ACME)).empty

    virtually(main())


@pytest.mark.parametrize("seconds", [30, 200])
def test_a_creation_that_takes_long_is_waited_for(tmp_path: Path, seconds: float) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.simulator.faults.add(StickOperations(), "POST", "/projects")
        ending = asyncio.create_task(end_all(world, seconds))
        assert (await world.apply(ACME)).results() == {"acme": Result.APPLIED}
        assert 423 in statuses(world)
        await ending
        assert (await world.plan(ACME)).empty

    virtually(main())


def test_a_creation_that_never_ends_fails(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.simulator.faults.add(StickOperations(), "POST", "/projects")
        applied = await world.apply(ACME)
        assert applied.results() == {"acme": Result.FAILED}
        assert "did not end within 300 s" in applied.message("acme")

    virtually(main())


@pytest.mark.parametrize(("method", "path"), [("POST", "/projects"), ("PATCH", COMPUTES)])
def test_a_failed_operation_of_either_call_fails_the_creation(tmp_path: Path, method: str, path: str) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.simulator.faults.add(FailOperations(), method, path)
        applied = await world.apply(ACME)
        assert applied.results() == {"acme": Result.FAILED}
        assert "ended as 'failed'" in applied.message("acme")

    virtually(main())
