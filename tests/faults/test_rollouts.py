"""Bad price changes are stopped within the first hundredth of the tenants and undone; no good one is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests import profiles
from tests.faults.rollouts import BAD, GOOD, TENANTS, WITHIN, rolled_out
from tests.harness.runs import virtually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SEEDS: Final = 50
"""Of each kind: 200 bad changes and 200 good ones in all."""
MAY_BE_MISSED: Final = 0.01


def trials(kinds: dict[str, object], count: int) -> list[tuple[str, int]]:
    """So many, each kind among them but in the smallest run."""
    every = [(name, seed) for seed in range(SEEDS) for name in kinds]
    return profiles.drawn("rollouts", every, count, lambda trial: [trial[0]])


def own(folder: Path, name: str, seed: int) -> Path:
    """A folder for the journals of one trial: a run reads those of earlier runs beside its own."""
    made = folder / f"{name} {seed}"
    made.mkdir()
    return made


def test_a_bad_change_is_stopped_within_the_first_hundredth_and_undone(tmp_path: Path) -> None:
    drawn = trials(dict(BAD), profiles.size(1, len(BAD), 200))
    missed = []
    for name, seed in drawn:
        ended = virtually(rolled_out(own(tmp_path, name, seed), seed, BAD[name], noisy=False))
        if ended.report.harm is None or ended.reached > WITHIN or ended.left:
            missed.append((name, seed, ended.reached, ended.left))
    assert len(missed) <= max(1, MAY_BE_MISSED * len(drawn)), missed


def test_no_good_change_is_stopped_also_while_other_computes_fail(tmp_path: Path) -> None:
    for name, seed in trials(dict(GOOD), profiles.size(1, len(GOOD), 200)):
        ended = virtually(rolled_out(own(tmp_path, name, seed), seed, GOOD[name], noisy=True))
        assert (ended.report.harm, ended.reached) == (None, TENANTS), (name, seed, ended.report.stopped)
