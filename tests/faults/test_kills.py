"""kill -9 at random moments of real applies on a real port: the next one converges, and no project is doubled."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests import figures, profiles
from tests.faults.appliers import Command
from tests.harness.processes import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

pytestmark = pytest.mark.slow

FIGURE: Final = "kills"
BRANCHES: Final = ("dev", "qa", "demo")
SMALL: Final = {"min_cu": 0.25, "max_cu": 1}
"""Which fits into every organization."""
TENANTS: Final = 8
LANES: Final = 4
"""Fleets at once, each in an account of its own: an apply mostly waits."""
TESTS: Final = profiles.size(1, 1, 5)
"""Each with so many lanes."""
KILLS: Final = profiles.size(1, 3, 6)
"""In each lane."""
ROUNDS_FOR_A_KILL: Final = 4
"""At most: an apply may be over before its moment comes, and that round tries nothing."""
APPLY: Final = ("apply", "--yes", "--expect-empty", "--allow", "lowering", "--journal", "journal.jsonl")
KINDS: Final = ("creates", "transfers", "disruptive", "deletes")
ENOUGH: Final = [word for kind in KINDS for word in ("--allow", f"{kind}=99")]
WHATEVER_IT_TAKES: Final = (*APPLY, *ENOUGH)


def declaration(name: str, random: Random) -> dict[str, Any]:
    """What a tenant is to have this time: another tier, other limits, other branches, or nothing at all."""
    if random.random() < 0.15:
        return {"tenant": name, "tier": "free", "state": "absent"}
    return {
        "tenant": name,
        "tier": random.choice(["free", "pro"]),
        "accept": dict.fromkeys(("suspension", "full_branches", "history_loss"), "9999-12-31"),
        "overrides": {"quota": {"active_time": f"{random.randrange(1, 99)}h"}},
        "dev_branches": [
            {"name": each, "compute": SMALL} for each in random.sample(BRANCHES, random.randrange(3))
        ],
    }


@dataclass(slots=True)
class Lane:
    """A fleet whose files change from round to round, and whose applies are killed."""

    place: Place
    random: Random
    projects: Callable[[], list[str]]
    usual_seconds: float = 1.0
    """How long its applies take that nobody kills."""

    def live(self) -> list[str]:
        """The names of all projects, after new files."""
        tenants = [declaration(f"t{number}", self.random) for number in range(TENANTS)]
        text = "\n".join(map(json.dumps, tenants))
        (self.place.folder / "fleet.ndjson").write_text(text, encoding="utf-8")
        return [f"myapp-{tenant['tenant']}" for tenant in tenants if "state" not in tenant]

    def killed(self) -> bool:
        """Starts an apply and kills it at some moment, unless it is over by then."""
        return self._start().killed_after(self.random.uniform(0.0, 1.0) * self.usual_seconds)

    def converges(self, declared: list[str]) -> bool:
        """Whether one apply makes it all as the files say."""
        began = time.monotonic()
        ended = self._start().ended()
        self.usual_seconds = time.monotonic() - began
        assert ended.code == 0, ended.text
        assert self.projects() == declared
        return True

    def _start(self) -> Command:
        return Command.start(self.place.folder, self.place.environ, "apply", *WHATEVER_IT_TAKES)


def assert_repaired_after_kills(folder: Path, seed: int, often: int) -> None:
    folder.mkdir()
    place = Place(folder)
    place.declare(0)
    with place.served() as projects:
        lane = Lane(place, Random(seed), projects)  # noqa: S311
        lane.converges(lane.live())
        kills = 0
        for _ in range(ROUNDS_FOR_A_KILL * often):
            declared = lane.live()
            hit = lane.killed()
            kills += hit
            held = False
            try:
                held = lane.converges(declared)
            finally:
                if hit:
                    figures.count(FIGURE, held=held)
            if kills == often:
                break
        assert kills == often
        assert place.run("drift").returncode == 0


def assert_repaired_in_lanes(folder: Path, seeds: Iterable[int]) -> None:
    with ThreadPoolExecutor(LANES) as pool:
        lanes = [pool.submit(assert_repaired_after_kills, folder / str(seed), seed, KILLS) for seed in seeds]
        for lane in lanes:
            lane.result()


@pytest.mark.parametrize("part", range(TESTS))
def test_an_apply_that_is_killed_at_any_moment_is_repaired_by_the_next(tmp_path: Path, part: int) -> None:
    assert_repaired_in_lanes(tmp_path, profiles.seeds(FIGURE, LANES, part))
