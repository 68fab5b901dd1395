"""Projects that have moved together and whose turns come late: pages of their new list show them again."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.apply.run.list_pages import MOVED_PER_PAGE
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.simulator.behaviour import Behaviour, ListOrder
from reconciler.simulator.faults import AnswerWith, HideProjects
from tests.harness.builders import FREE_COMPUTE, FREE_TIER, PRO_TIER, a_fleet, a_tenant
from tests.harness.runs import World, now, virtually
from tests.harness.wire import Passing, answered, where
from tests.unit.apply.late import LATE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx

    from reconciler.simulator.exchanges import Exchange
    from reconciler.simulator.faults import AnyEffect

MOVING: Final = tuple(f"t{number:02}" for number in range(40))
STAYING: Final = tuple(f"s{number:02}" for number in range(40))
PER_PAGE: Final = 10
ALL_PAGES: Final = (len(MOVING) + len(STAYING)) // PER_PAGE
LARGER: Final = replace(PRO_TIER, compute=FREE_COMPUTE)
"""Another quota and restore window: one patch after the transfer."""
KEEPS: Final = Behaviour(rate_limit=None, transfer_lag_seconds=0, transfer_keeps_quota=True)
ALONE_FOR_ALL: Final = 3
"""Projects that are read alone, for all: whether the key sees what has moved, and what a patch removes."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that moved tenants."""

    not_applied: set[str]
    read_alone: set[str]
    """Tenants whose projects were read by themselves."""
    pages: int
    """Calls that listed the new organization."""
    left: set[str]
    """Tenants that the next plan changes."""


async def nothing(_world: World, _ids: dict[str, str]) -> None:
    """Nobody does anything."""


def in_new_list(effect: AnyEffect, world: World) -> None:
    """The effect strikes the list of the new organization."""
    paid = world.simulator.organization_ids["paid"]
    world.simulator.faults.add(effect, "GET", "/projects", times=None, organization=paid)


def moved(
    folder: Path,
    names: tuple[str, ...] = MOVING,
    before: Callable[[World, dict[str, str]], Awaitable[None]] = nothing,
    then: Callable[[World, dict[str, str]], Awaitable[None]] = nothing,
    **behaviour: Any,
) -> Run:
    """Moves them ``LATE`` after the observation. ``then`` happens right after the transfer."""
    staying = [a_tenant(name, "pro") for name in STAYING]
    ids: dict[str, str] = {}

    async def main() -> Run:
        world = World.open(folder, dataclasses.replace(KEEPS, **behaviour))
        world.seed(a_fleet(*map(a_tenant, names), *staying, tiers=(FREE_TIER, LARGER)))
        wanted = a_fleet(*(a_tenant(name, "pro") for name in names), *staying, tiers=(FREE_TIER, LARGER))
        allowed = Permissions(counts={"disruptive": len(names), "transfers": len(names)})

        async def transferred(passing: Passing) -> httpx.Response:
            answer = await answered(passing)
            await then(world, ids)
            return answer

        async with world.client(where(lambda passing: passing.path.endswith("/transfer"), transferred)) as neon:
            fleet = Fleet(wanted, neon, now=now)
            planned = await fleet.plan(Request(permissions=allowed))
            ids.update({plan.tenant: plan.project.id for plan in planned.plan.tenants if plan.project})
            assert len(ids) == len(names), planned.plan.refusals
            await asyncio.sleep(LATE)
            await before(world, ids)
            world.forget()
            report = await fleet.apply(planned, RunOptions(journal=folder / "j"))
            made = list(world.simulator.requests)
            world.simulator.faults.clear()
            left = (await fleet.plan(Request())).plan
        return Run(
            {one.tenant for one in report.outcomes if one.result is not Result.APPLIED},
            {name for name, id_ in ids.items() if f"GET /projects/{id_}" in {each.line for each in made}},
            sum(lists(each, world.simulator.organization_ids["paid"]) for each in made),
            {plan.tenant for plan in left.tenants},
        )

    return virtually(main())


def lists(exchange: Exchange, organization_id: str) -> bool:
    """Whether it asked for a page of the organization's list."""
    return exchange.line == "GET /projects" and exchange.query["org_id"] == organization_id


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("neon.project_lists", "plan.list_pages"):
        monkeypatch.setattr(f"reconciler.{module}.PROJECTS_PER_PAGE", PER_PAGE)


@pytest.mark.parametrize("keeps_quota", [True, False])
def test_pages_show_them_all(tmp_path: Path, keeps_quota: bool) -> None:
    run = moved(tmp_path, transfer_keeps_quota=keeps_quota)
    assert run.not_applied == run.left == set()
    assert len(run.read_alone) <= ALONE_FOR_ALL
    assert run.pages <= ALL_PAGES


def test_pages_without_quotas_prove_nothing_about_a_quota(tmp_path: Path) -> None:
    run = moved(tmp_path, list_shows_quota=False)
    assert run.not_applied == run.left == set()
    assert run.read_alone == set(MOVING)


@pytest.mark.parametrize("hidden", [("t07",), MOVING], ids=["one", "all"])
def test_one_that_no_page_shows_is_read_alone(tmp_path: Path, hidden: tuple[str, ...]) -> None:
    async def hide(world: World, ids: dict[str, str]) -> None:
        in_new_list(HideProjects(tuple(ids[name] for name in hidden)), world)

    run = moved(tmp_path, before=hide)
    assert run.not_applied == run.left == set()
    assert set(hidden) <= run.read_alone
    assert len(run.read_alone) <= len(hidden) + ALONE_FOR_ALL
    assert run.pages <= len(MOVING) / MOVED_PER_PAGE


def test_a_list_that_is_not_answered_is_asked_for_once(tmp_path: Path) -> None:
    async def refuse(world: World, _ids: dict[str, str]) -> None:
        in_new_list(AnswerWith(400, "no"), world)

    run = moved(tmp_path, before=refuse)
    assert run.not_applied == run.left == set()
    assert (run.read_alone, run.pages) == (set(MOVING), 1)


def test_a_few_are_not_searched_in_a_long_list(tmp_path: Path) -> None:
    few = MOVING[: 2 * MOVED_PER_PAGE]
    run = moved(tmp_path, few)
    assert run.not_applied == run.left == set()
    assert run.pages <= len(few) / MOVED_PER_PAGE


@pytest.mark.parametrize("order", ListOrder)
def test_what_somebody_has_changed_since_is_not_put_back(tmp_path: Path, order: ListOrder) -> None:
    changed = ("t03", "t22", "t39")

    async def change(world: World, ids: dict[str, str]) -> None:
        async with world.client() as person:
            for name in changed:
                await person.update_project("paid", ids[name], {"quota.active_time_seconds": 3600})

    run = moved(tmp_path, then=change, list_order=order)
    assert run.not_applied == set(changed)
    assert run.left <= set(changed)
