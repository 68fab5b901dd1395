"""Projects that have moved together and whose turns come late: pages of their new list show them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.apply.run.list_pages import MOVED_PER_PAGE
from reconciler.apply.stop import StopSignal
from reconciler.simulator.behaviour import ListOrder
from reconciler.simulator.faults import AnswerWith, HideProjects
from tests.unit.apply.moving import STAYING, moved

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from reconciler.simulator.faults import AnyEffect
    from tests.harness.runs import World
    from tests.harness.wire import Act, Passing

MOVING: Final = tuple(f"t{number:02}" for number in range(20))
PER_PAGE: Final = 10
ALL_PAGES: Final = (len(MOVING) + len(STAYING)) // PER_PAGE
ALONE_FOR_ALL: Final = 3
"""Projects that are read alone, for all: whether the key sees what has moved, and what a patch removes."""


def in_new_list(effect: AnyEffect, world: World) -> None:
    """The effect strikes the list of the new organization."""
    paid = world.simulator.organization_ids["paid"]
    world.simulator.faults.add(effect, "GET", "/projects", times=None, organization=paid)


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("neon.project_lists", "plan.list_pages"):
        monkeypatch.setattr(f"reconciler.{module}.PROJECTS_PER_PAGE", PER_PAGE)


@pytest.mark.drawn(1)
@pytest.mark.parametrize("keeps_quota", [True, False])
def test_pages_show_them_all(tmp_path: Path, keeps_quota: bool) -> None:
    run = moved(tmp_path, MOVING, transfer_keeps_quota=keeps_quota)
    assert run.not_applied == run.left == set()
    assert len(run.read_alone) <= ALONE_FOR_ALL
    assert run.pages <= ALL_PAGES


def test_pages_without_quotas_prove_nothing_about_a_quota(tmp_path: Path) -> None:
    run = moved(tmp_path, MOVING, list_shows_quota=False)
    assert run.not_applied == run.left == set()
    assert run.read_alone == set(MOVING)


@pytest.mark.drawn(1)
@pytest.mark.parametrize("hidden", [("t07",), MOVING], ids=["one", "all"])
def test_one_that_no_page_shows_is_read_alone(tmp_path: Path, hidden: tuple[str, ...]) -> None:
    async def hide(world: World, ids: dict[str, str]) -> None:
        in_new_list(HideProjects(tuple(ids[name] for name in hidden)), world)

    run = moved(tmp_path, MOVING, before=hide)
    assert run.not_applied == run.left == set()
    assert set(hidden) <= run.read_alone
    assert len(run.read_alone) <= len(hidden) + ALONE_FOR_ALL
    assert run.pages <= len(MOVING) / MOVED_PER_PAGE


def test_a_list_that_is_not_answered_is_asked_for_once(tmp_path: Path) -> None:
    async def refuse(world: World, _ids: dict[str, str]) -> None:
        in_new_list(AnswerWith(400, "no"), world)

    run = moved(tmp_path, MOVING, before=refuse)
    assert run.not_applied == run.left == set()
    assert (run.read_alone, run.pages) == (set(MOVING), 1)


def test_no_further_page_is_searched_once_the_run_is_to_end(tmp_path: Path) -> None:
    stop = StopSignal()

    async def hide(world: World, ids: dict[str, str]) -> None:
        in_new_list(HideProjects(tuple(ids.values())), world)

    def at_the_first_page(_: World, __: int) -> Act:
        async def asked(passing: Passing) -> httpx.Response:
            if passing.call == "GET /projects":
                stop.request("a signal")
            return await passing.answer()

        return asked

    run = moved(tmp_path, MOVING, before=hide, since=at_the_first_page, stop=stop)
    assert (run.not_applied, run.left_later) == (set(MOVING), set())
    assert run.pages == 1


def test_a_few_are_not_searched_in_a_long_list(tmp_path: Path) -> None:
    few = MOVING[: 2 * MOVED_PER_PAGE]
    run = moved(tmp_path, few)
    assert run.not_applied == run.left == set()
    assert run.pages <= len(few) / MOVED_PER_PAGE


@pytest.mark.drawn(1)
@pytest.mark.parametrize("order", ListOrder)
def test_what_somebody_has_changed_since_is_not_put_back(tmp_path: Path, order: ListOrder) -> None:
    changed = ("t03", "t11", "t19")

    async def change(world: World, ids: dict[str, str]) -> None:
        async with world.client() as person:
            for name in changed:
                await person.update_project("paid", ids[name], {"quota.active_time_seconds": 3600})

    run = moved(tmp_path, MOVING, then=change, list_order=order)
    assert run.not_applied == set(changed)
    assert run.left <= set(changed)
