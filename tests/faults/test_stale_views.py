"""Whatever a run reads too late, and however late its writes arrive: nobody loses anything that a plan would keep.

Each run makes other trials, `make nightly` 100,000. One is made again from its seed alone:
``python -m tests.faults.stale_run bounded 42``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.apply.checks.deletion_checks import Replacement
from reconciler.apply.run.late_turns import LateTurns
from reconciler.apply.units import create
from tests import figures, profiles
from tests.faults.stale_run import trials
from tests.faults.stale_views import STALENESS
from tests.faults.trials import stale_views_asked_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.faults.stale_views import Trial

pytestmark = pytest.mark.slow

FIGURE: Final = "runs on stale views"
PARTS: Final = profiles.size(1, 8, 64)
EITHER: Final = pytest.mark.parametrize("staleness", STALENESS)


def assert_trials_hold(folder: Path, staleness: str, seeds: Iterable[int]) -> None:
    """Fails where any of these trials goes wrong, or where they show nothing."""
    counts = dict.fromkeys(("trials", "writes", "changes", "stale_reads"), 0)
    wrong = []
    for trial in trials(folder, staleness, seeds):
        counts["trials"] += 1
        for what in ("writes", "changes", "stale_reads"):
            counts[what] += getattr(trial, what)
        if trial.wrong:
            wrong.append(f"{trial.wrong}: python -m tests.faults.stale_run {staleness} {trial.seed}")
        figures.count(FIGURE, held=not trial.wrong)
    assert wrong == []
    assert counts["writes"] >= counts["trials"]
    assert counts["changes"] >= counts["trials"]
    assert counts["stale_reads"] >= counts["trials"] / 2


@pytest.mark.drawn(1)
@EITHER
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_unsafe_is_done(tmp_path: Path, staleness: str, part: int) -> None:
    assert_trials_hold(tmp_path, staleness, profiles.seeds(staleness, stale_views_asked_for() // PARTS, part))


def test_a_trial_is_the_same_each_time(tmp_path: Path) -> None:
    """Whichever trials the process has made before."""
    (once,) = trials(tmp_path, "bounded", [9])
    *_, second = trials(tmp_path, "bounded", [7, 9])
    assert second == once


def never_late(patch: pytest.MonkeyPatch) -> None:
    """Turns do not look again: found by one trial in 80."""
    patch.setattr(LateTurns, "late", lambda *_, **__: False)


def no_doubt(patch: pytest.MonkeyPatch) -> None:
    """Nothing is looked at before a snapshot gives way to another one."""

    async def sure(_: Replacement) -> str:
        return ""

    patch.setattr(Replacement, "objection", sure)
    patch.setattr(Replacement, "history_objection", sure)


def no_rivals(patch: pytest.MonkeyPatch) -> None:
    """Creations do not look for rivals once their projects show: found by one trial in 50."""

    async def nobody(*_: Any) -> dict[str, Any]:
        return {}

    patch.setattr(create, "_find_projects", nobody)


@pytest.mark.drawn(1)
@pytest.mark.parametrize(
    ("defect", "first", "words"),
    [
        pytest.param(never_late, 139, "although", id="late"),
        pytest.param(no_doubt, 749, "cannot be taken", id="doubt"),
        pytest.param(no_rivals, 221, "twice", id="rivals"),
    ],
)
def test_a_planted_defect_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    defect: Callable[[pytest.MonkeyPatch], None],
    first: int,
    words: str,
) -> None:
    """``first`` is the first seed that finds it today."""
    defect(monkeypatch)

    def finds(trial: Trial) -> bool:
        return any(words in wrong for wrong in trial.wrong)

    assert any(map(finds, trials(tmp_path, "bounded", [first, *range(1_000)])))
