"""A machine whose clock is hours off Neon's: what has expired and what was made since is judged by Neon's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.desired.tenant import Boost
from reconciler.errors import ExitCode
from reconciler.fleet import Fleet, Request
from reconciler.simulator.faults import DropAfter
from tests.faults.rich_fleet import BEFORE_LAST_DOWNGRADE, opened
from tests.harness.account import API, world
from tests.harness.builders import NOON, a_fleet, a_tenant
from tests.property.rows import Rows

HOURS_AND_DAYS = (timedelta(hours=5), timedelta(hours=-5), timedelta(days=40))

pytestmark = pytest.mark.parametrize("ahead", HOURS_AND_DAYS, ids=str)


def test_a_wrong_clock_changes_nothing_but_a_note(ahead: timedelta) -> None:
    """Forty days ahead, the branch of a tenant would have expired, and would be deleted."""
    with opened() as scene:
        scene.apply()
        expected = Rows.of(scene.simulator).end_state()
    with opened() as scene:
        ended = replace(scene, ahead=ahead).apply()
        assert Rows.of(scene.simulator).end_state() == expected
    assert ended.code is ExitCode.DONE
    assert ended.planned is not None
    (told,) = (note.message for note in ended.planned.plan.notes if "clock" in note.message)
    size = "40 days" if abs(ahead) > timedelta(days=1) else "5 hours"
    assert f"{size} {'ahead of' if ahead > timedelta() else 'behind'} Neon's" in told


def test_a_snapshot_whose_answer_was_lost_is_not_taken_twice(ahead: timedelta) -> None:
    with opened() as scene:
        lost = scene.simulator.faults.add(DropAfter(), "POST", "*/snapshot", times=2)
        ended = replace(scene, ahead=ahead).apply()
        assert scene.simulator.faults.struck(lost) == 2
        assert ended.code is ExitCode.DONE
        taken = [row["body"]["name"] for row in Rows.of(scene.simulator).snapshots.values()]
    before = [f"before-delete-{NOON:%Y-%m-%d}", BEFORE_LAST_DOWNGRADE]
    assert sorted(taken) == [*before, "v1", "v1", "v1", "v2", "v2"]


def test_a_clock_that_is_a_little_off_is_believed(ahead: timedelta) -> None:
    with opened() as scene:
        ended = replace(scene, ahead=ahead / abs(ahead) * timedelta(seconds=50)).apply()
    assert ended.planned is not None
    assert not [note for note in ended.planned.plan.notes if "clock" in note.message]


def test_boosts_end_by_neons_clock_also_in_the_first_plan_of_a_connection(ahead: timedelta) -> None:
    """The end lies between the two clocks."""
    desired = a_fleet(a_tenant(boosts=(Boost(NOON + ahead / 2, {"active_time_seconds": 0}),)))
    with world(starts_at=NOON.timestamp()) as neon:

        def machine() -> datetime:
            return datetime.fromtimestamp(neon.simulator.clock.now(), UTC) + ahead

        async def main() -> list[str]:
            async with Fleet.connect(
                desired, environ=neon.environ, host=API.host, via=neon.via, now=machine
            ) as fleet:
                planned = [await fleet.plan(Request()) for _ in range(2)]
            return [note.message for one in planned for note in one.plan.notes if note.message.startswith("boost")]

        told = neon.run(main())
    assert [message.endswith("has ended: remove it") for message in told] == [ahead < timedelta()] * 2
