"""Cohorts of creations: how much of their answers is in memory at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.apply.run.run import COHORTS_AT_ONCE
from reconciler.apply.units.create import SentCreate
from reconciler.plan.outcome import Result
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.memory import made_from_now_on
from tests.harness.runs import World, virtually
from tests.harness.wire import Passing, answered, where

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    import pytest

COHORT: Final = 10
NAMES: Final = tuple(f"in-a-cohort-{number:03}" for number in range(8 * COHORT))


def test_answers_of_a_few_cohorts_are_kept_however_many_tenants_are_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.apply.units.units.creates_per_check", lambda _listed, _creates: COHORT)
    kept: list[int] = []
    sent = made_from_now_on(SentCreate)

    async def counted(passing: Passing) -> httpx.Response:
        kept.append(len(sent()))
        return await answered(passing)

    async def main() -> None:
        world = World.open(tmp_path)
        writes = where(lambda passing: passing.request.method == "PATCH", counted)
        report = await world.apply(a_fleet(*map(a_tenant, NAMES)), act=writes)
        assert report.results() == dict.fromkeys(NAMES, Result.APPLIED)
        assert len(kept) == len(NAMES), "each compute gets its size"

    virtually(main())
    assert 0 < max(kept) <= COHORTS_AT_ONCE * COHORT < len(NAMES)
