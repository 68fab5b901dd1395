"""The create protocol in random trials: one project per tenant, and with a registry never two at any moment.

PROFILE=nightly pytest tests/faults/test_create_protocol.py makes more of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.apply.registry_writes.claims import LAPSES_AFTER
from tests import profiles
from tests.faults.create_protocol import Trial, Weather, attempt
from tests.faults.trials import SESSION, asked_for
from tests.harness.registry_database import in_memory
from tests.harness.runs import virtually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.registry.store import Registry

pytestmark = pytest.mark.slow

FAIR: Final = Weather(longest_lag=10, latest_commit=10, within_settle=True, clocks_apart=240, dust=120)
"""Whatever a POST creates shows within the settle time of its sending."""
FOUL: Final = Weather(longest_lag=30, latest_commit=90, within_settle=False, clocks_apart=240, dust=300)
CLAIMED: Final = Weather(
    longest_lag=60,
    latest_commit=420,
    within_settle=False,
    clocks_apart=240,
    dust=LAPSES_AFTER.total_seconds() + 300,
)
"""Worse still, but within the bounds that a claim allows for (reconciler/apply/registry_writes/claims.py)."""
PARTS: Final = 4
"""Each kind is spread over so many tests, which may run beside each other."""


def no_registry() -> None:
    """None is kept."""


def assert_trials_hold(
    folder: Path,
    part: int,
    weather: Weather,
    open_registry: Callable[[], Registry | None],
    held: Callable[[Trial], bool],
) -> None:
    """This part of the trials. Fails with the seeds of those that did not hold."""
    broken = []
    for seed in profiles.seeds(held.__name__, asked_for() // PARTS, part):
        trial = virtually(attempt(folder, seed, weather, open_registry()))
        SESSION.made += 1
        SESSION.held += held(trial)
        SESSION.reported += held(trial) and trial.reported
        if not held(trial):
            broken.append(trial)
    assert not broken, "\n".join(map(str, broken))


def told_the_truth(trial: Trial) -> bool:
    """Nothing in use was deleted, and two projects are not passed over in silence."""
    return not trial.deleted_in_use and (len(trial.live) == 1) != trial.reported


def made_one(trial: Trial) -> bool:
    """One project, unless a run died that may have had to remove its own."""
    return told_the_truth(trial) and (len(trial.live) == 1 or trial.died > 0)


def never_made_two(trial: Trial) -> bool:
    """One project in all of history, which the last run found or made."""
    return len(trial.ever) == 1 and trial.ever == trial.live and trial.quiet


@pytest.mark.parametrize("part", range(PARTS))
def test_one_project_is_left_where_lists_show_it_within_settle(tmp_path: Path, part: int) -> None:
    assert_trials_hold(tmp_path, part, FAIR, no_registry, made_one)


@pytest.mark.parametrize("part", range(PARTS))
def test_two_projects_are_reported_where_lists_do_not(tmp_path: Path, part: int) -> None:
    assert_trials_hold(tmp_path, part, FOUL, no_registry, told_the_truth)


@pytest.mark.parametrize("part", range(PARTS))
def test_with_a_registry_there_are_never_two_at_any_moment(tmp_path: Path, part: int) -> None:
    assert_trials_hold(tmp_path, part, CLAIMED, in_memory, never_made_two)
