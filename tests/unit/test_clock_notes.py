"""A plan tells how far this machine's clock is from Neon's, in a unit that is easy to read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.fleet import Fleet, Request
from reconciler.plan.permissions import Permissions
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import World, now, virtually

if TYPE_CHECKING:
    from pathlib import Path

FIRST_RUN = Request(permissions=Permissions(expect_empty=True))


@pytest.mark.parametrize(
    ("off", "told"),
    [
        (timedelta(seconds=50), None),
        (timedelta(minutes=5), "5 minutes ahead of"),
        (timedelta(hours=-30), "30 hours behind"),
        (timedelta(days=-8), "8 days behind"),
    ],
)
def test_a_clock_that_is_off_is_told_in_minutes_hours_or_days(
    tmp_path: Path, off: timedelta, told: str | None
) -> None:
    async def main() -> None:
        async with World.open(tmp_path).client() as neon:
            fleet = Fleet(a_fleet(a_tenant()), neon, now=lambda: now() + off)
            notes = [note.message for note in (await fleet.plan(FIRST_RUN)).plan.notes if "clock" in note.message]
        assert [told] * bool(told) == [note.split("clock is ")[1].split(" Neon's:")[0] for note in notes]

    virtually(main())
