"""Whatever a run reads too late, and however late its writes arrive: nobody loses anything that a plan would keep.

A hundred thousand trials of a whole run do not fit into minutes: `make test` makes a few, `make faults` hundreds.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.apply import create
from reconciler.apply.late_turns import LateTurns
from tests import figures
from tests.faults.stale_views import FAIR, FOUL, Trial, Weather, attempt
from tests.unit.apply.world import virtually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

pytestmark = pytest.mark.slow

FIGURE: Final = "runs on stale views"
SAMPLE: Final = 6
TRIALS: Final = 600
PARTS: Final = 6
WEATHERS: Final = pytest.mark.parametrize("weather", [FAIR, FOUL], ids=["fair", "foul"])


@pytest.fixture(autouse=True)
def no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No machine fails here: journals need not wait for the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def trials(folder: Path, weather: Weather, seeds: Iterable[int]) -> list[Trial]:
    """One trial for each seed."""
    made = []
    for seed in seeds:
        within = folder / str(seed)
        within.mkdir()
        made.append(virtually(attempt(within, seed, weather)))
    return made


def hold(made: list[Trial]) -> None:
    """Fails where any of these trials went wrong, or where they show nothing."""
    for trial in made:
        figures.count(FIGURE, held=not trial.wrong)
    assert [f"seed {trial.seed}: {trial.wrong}" for trial in made if trial.wrong] == []
    assert sum(trial.writes for trial in made) >= len(made)
    assert sum(trial.deeds for trial in made) >= len(made)
    assert sum(trial.old_reads for trial in made) >= len(made) / 2


@WEATHERS
def test_nothing_unsafe_is_done(tmp_path: Path, weather: Weather) -> None:
    hold(trials(tmp_path, weather, range(SAMPLE)))


@pytest.mark.exhaustive
@WEATHERS
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_unsafe_is_done_in_many_trials(tmp_path: Path, weather: Weather, part: int) -> None:
    hold(trials(tmp_path, weather, range(SAMPLE + part, TRIALS, PARTS)))


def never_late(patch: pytest.MonkeyPatch) -> None:
    """Late turns are not observed again."""
    patch.setattr(LateTurns, "late", lambda *_, **__: False)


def no_rivals(patch: pytest.MonkeyPatch) -> None:
    """Creations do not look for rivals once their projects show."""

    async def nobody(*_: Any) -> dict[str, Any]:
        return {}

    patch.setattr(create, "_find_projects", nobody)


@pytest.mark.parametrize(
    ("defect", "first", "words"),
    [
        pytest.param(never_late, 64, "is deleted although", id="late"),
        pytest.param(no_rivals, 8, "twice", id="rivals"),
    ],
)
def test_a_planted_defect_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    defect: Callable[[pytest.MonkeyPatch], None],
    first: int,
    words: str,
) -> None:
    """``first`` is the first seed that finds it today; of a hundred others a few do."""
    defect(monkeypatch)
    for seed in (first, *range(200, 400)):
        (trial,) = trials(tmp_path, FAIR, [seed])
        if any(words in wrong for wrong in trial.wrong):
            return
    pytest.fail("no trial finds the defect")
