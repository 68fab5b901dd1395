"""Two runs at once, one of which dies anywhere: no pair is left that a person would have to settle by looking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests import figures, profiles
from tests.faults.second_projects import attempt
from tests.harness.runs import virtually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

FIGURE: Final = "races in which a run dies"
TRIALS: Final = 60
"""Of each part, and up to four times as many until a person has to call a run dead: that is one in 15."""
PARTS: Final = profiles.size(1, 2, 40)


@pytest.mark.parametrize("part", range(PARTS))
def test_what_a_dead_run_leaves_is_healed_and_nothing_in_use_is_deleted(tmp_path: Path, part: int) -> None:
    pairs = deleted = commands = 0
    broken = []
    for number, seed in enumerate(profiles.seeds(FIGURE, 4 * TRIALS, part)):
        if number >= TRIALS and commands:
            break
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
