"""Every fault at every call after a transfer whose projects are looked at again by pages of their new list."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import pytest

from tests import profiles
from tests.faults.kinds import KINDS
from tests.harness.wire import Act, Passing, answered
from tests.unit.apply.moving import moved

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.harness.runs import World

MOVING: Final = tuple(f"t{number}" for number in range(8))
STAYING: Final = ("s0", "s1", "s2", "s3")
PER_PAGE: Final = 6
"""Two pages have them all, and as many may be searched for eight."""
CALLS: Final = 12
"""After the transfer, at least: a read that the key sees the projects, pages, and a patch of each."""
ALL_TRIALS: Final = list(product(KINDS, range(1, CALLS + 1)))
TRIALS: Final = profiles.drawn("faults after a transfer", ALL_TRIALS, profiles.size(16, 72, len(ALL_TRIALS)), list)


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("neon.project_lists", "plan.list_pages"):
        monkeypatch.setattr(f"reconciler.{module}.PROJECTS_PER_PAGE", PER_PAGE)


def test_the_undisturbed_run_reads_pages(tmp_path: Path) -> None:
    run = moved(tmp_path, MOVING, staying=STAYING)
    assert run.not_applied == run.left == set()
    assert run.after_transfer >= CALLS
    assert 1 <= run.pages <= 2


@pytest.mark.parametrize(("name", "number"), TRIALS)
def test_one_more_run_ends_as_if_nothing_had_happened(tmp_path: Path, name: str, number: int) -> None:
    kind = KINDS[name]

    def since(world: World, place: int) -> Act:
        async def strike(passing: Passing) -> httpx.Response:
            if kind.effect is not None:
                world.simulator.faults.add(kind.effect(world.simulator), passing.request.method, passing.path)
            return await (kind.wire or answered)(passing)

        return strike if place == number else answered

    run = moved(tmp_path, MOVING, staying=STAYING, since=since)
    assert run.left <= run.not_applied, "what was reported as applied is so"
    if name != "stuck operation":
        assert run.left_later == set()
