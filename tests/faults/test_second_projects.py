"""Two runs at once, one of which dies anywhere: no pair is left that a person would have to settle by looking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests import figures
from tests.faults.second_projects import attempt
from tests.unit.apply.world import virtually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

FIGURE: Final = "races in which a run dies"
TRIALS: Final = 240
PARTS: Final = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_what_a_dead_run_leaves_is_healed_and_nothing_in_use_is_deleted(tmp_path: Path, part: int) -> None:
    pairs = deleted = commands = 0
    broken = []
    for seed in range(part, TRIALS, PARTS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        trial = virtually(attempt(folder, seed))
        figures.count(FIGURE, held=not trial.wrong)
        pairs, deleted, commands = pairs + trial.pairs, deleted + trial.deleted, commands + trial.commands
        if trial.wrong:
            broken.append(f"seed {seed}: {trial.wrong}")
    assert not broken, "\n".join(broken)
    assert pairs >= 5, "these races make no pairs: they show nothing"
    assert deleted >= pairs / 2
    assert commands >= 1
