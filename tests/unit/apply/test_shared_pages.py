"""List pages that late turns share: how many are read, and what somebody changes while they are believed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil
from random import Random
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from reconciler.apply.run.list_pages import Listed
from reconciler.desired.state import Api
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.values import replace
from reconciler.neon.pace import AT_ONCE
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.simulator.behaviour import Behaviour
from tests.harness.builders import FREE_QUOTA, FREE_TIER, GIB, PRO_TIER, a_fleet, a_tenant
from tests.harness.memory import made_from_now_on
from tests.harness.runs import UNLIMITED, World, now, virtually
from tests.harness.wire import Passing, answered, where
from tests.unit.apply.late import LATE

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from reconciler.neon.client import Neon

pytestmark = pytest.mark.drawn(1)

PER_PAGE: Final = 200
NAMES: Final = tuple(f"t{number:03}" for number in range(2 * PER_PAGE))
API: Final = replace(Api(), host=UNLIMITED.host)
PER_SECOND: Final = API.requests_per_minute * API.batch_share / 60
IN_FLIGHT_SECONDS: Final = AT_ONCE / PER_SECOND
"""How long the patch may wait for the calls that have set out before it."""
PAGE_SECONDS: Final = PER_PAGE / PER_SECOND
"""How long the patches of all tenants on a page take."""


@dataclass(frozen=True, slots=True)
class Meddled:
    """What a run did while somebody changed the quota of one tenant after the other in the console."""

    pages: int
    overwritten_after_seconds: dict[str, float]
    """How long after the change the run replaced it, by tenant."""
    left: set[str]
    """The tenants that were changed before their turn, and that the run left alone."""
    kept: int
    """Pages in memory near the end of the run."""


Meddling: TypeAlias = Callable[[int, float], Meddled]


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("neon.project_lists", "plan.list_pages"):
        monkeypatch.setattr(f"reconciler.{module}.PROJECTS_PER_PAGE", PER_PAGE)


@pytest.fixture(scope="module")
def meddled(tmp_path_factory: pytest.TempPathFactory) -> Meddling:
    """What a run did, by its quota and how often it looks again: tests that look at the same run share it."""

    @cache
    def ran(gigabytes: int, seconds: float) -> Meddled:
        api = replace(API, look_again_after_seconds=seconds)
        return meddle_with(tmp_path_factory.mktemp("run"), gigabytes, api)

    return ran


def meddle_with(folder: Path, gigabytes: int, api: Api) -> Meddled:
    """A run gives each of two pages of tenants another quota; a person changes 3 a second, drawn at random."""
    quota = replace(FREE_QUOTA, data_transfer_bytes=gigabytes * GIB)
    before = a_fleet(*map(a_tenant, NAMES))
    after = replace(a_fleet(*map(a_tenant, NAMES), tiers=(replace(FREE_TIER, quota=quota), PRO_TIER)), api=api)
    changed_at: dict[str, float] = {}
    patched_at: dict[str, float] = {}
    kept: list[int] = []
    listed = made_from_now_on(Listed)

    async def patched(passing: Passing) -> httpx.Response:
        if len(patched_at) % 50 == 49:
            kept.append(len(listed()))
        patched_at[passing.path.removeprefix("/projects/")] = asyncio.get_running_loop().time()
        return await answered(passing)

    async def meddle(neon: Neon, ids: list[str]) -> None:
        for id_ in ids:
            await asyncio.sleep(1 / 3)
            if id_ not in patched_at:
                await neon.update_project("free", id_, {"quota.active_time_seconds": 3600})
                changed_at[id_] = asyncio.get_running_loop().time()

    async def main() -> Meddled:
        world = World.open(folder, Behaviour(rate_limit=None))
        world.seed(before)
        patches = where(lambda passing: passing.request.method == "PATCH", patched)
        async with world.client(patches, api=api) as neon, world.client() as person:
            fleet = Fleet(after, neon, now=now)
            allowed = Permissions(lowering=True, counts={"disruptive": len(NAMES)})
            planned = await fleet.plan(Request(base=before, permissions=allowed))
            ids = {plan.project.id: plan.tenant for plan in planned.plan.tenants if plan.project}
            assert len(ids) == len(NAMES), planned.plan.refusals
            await asyncio.sleep(LATE)
            world.forget()
            meddling = asyncio.create_task(meddle(person, Random(1).sample(sorted(ids), k=len(ids))))  # noqa: S311
            report = await fleet.apply(planned, RunOptions(journal=folder / "j"))
            meddling.cancel()
        left = {outcome.tenant for outcome in report.outcomes if outcome.result is Result.SKIPPED}
        assert left <= {ids[id_] for id_ in changed_at}
        return Meddled(
            sum(exchange.path == "/projects" for exchange in world.simulator.requests),
            {ids[id_]: patched_at[id_] - at for id_, at in changed_at.items() if id_ in patched_at},
            left,
            kept[-1],
        )

    return virtually(main())


@pytest.mark.parametrize("gigabytes", [6, 4], ids=["raised", "reduced"])
@pytest.mark.parametrize("seconds", [10.0, 2.0])
def test_what_is_overwritten_was_changed_after_the_page_was_read(
    meddled: Meddling, gigabytes: int, seconds: float
) -> None:
    run = meddled(gigabytes, seconds)
    assert run.pages < len(NAMES) / 4, "one page serves many tenants"
    assert run.left
    assert max(run.overwritten_after_seconds.values()) <= seconds + IN_FLIGHT_SECONDS < PAGE_SECONDS


def test_a_longer_look_again_after_needs_fewer_pages(meddled: Meddling) -> None:
    late_on_the_first = PAGE_SECONDS - (20 - LATE)
    once_in_twenty_seconds = ceil(late_on_the_first / 20) + ceil(PAGE_SECONDS / 20)
    assert 0 < meddled(6, 20.0).pages <= once_in_twenty_seconds < meddled(6, 10.0).pages


def test_a_page_is_forgotten_with_the_last_turn_of_a_tenant_on_it(meddled: Meddling) -> None:
    assert meddled(6, API.look_again_after_seconds).kept <= 1
