"""kill -9 at random moments of real applies on a real port: the next one converges, and no project is doubled."""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests import figures
from tests.e2e.processes import PATIENCE_SECONDS, Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

FIGURE: Final = "kills"
BRANCHES: Final = ("dev", "qa", "demo")
SMALL: Final = {"min_cu": 0.25, "max_cu": 1}
"""Which fits into every organization."""
TENANTS: Final = 8
LANES: Final = 4
"""Fleets at once, each in an account of its own: an apply mostly waits."""
KILLS: Final = 2
"""In each lane of `make test`."""
MORE_KILLS: Final = 6
"""In each lane of `make faults`, of which there are four times as many."""
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
        with self.place.running(*WHATEVER_IT_TAKES, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as apply:
            try:
                apply.wait(self.random.uniform(0.2, 1.0) * self.usual_seconds)
            except subprocess.TimeoutExpired:
                apply.kill()
            return apply.wait(PATIENCE_SECONDS) < 0

    def converges(self, declared: list[str]) -> bool:
        """Whether one apply makes it all as the files say."""
        began = time.monotonic()
        ended = self.place.run(*WHATEVER_IT_TAKES)
        self.usual_seconds = time.monotonic() - began
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert self.projects() == declared
        return True


def killed_again_and_again(folder: Path, seed: int, often: int) -> None:
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


def in_lanes(folder: Path, first: int, often: int) -> None:
    with ThreadPoolExecutor(LANES) as pool:
        lanes = [pool.submit(killed_again_and_again, folder / str(n), first + n, often) for n in range(LANES)]
        for lane in lanes:
            lane.result()


def test_an_apply_that_is_killed_at_some_moments_is_repaired_by_the_next(tmp_path: Path) -> None:
    in_lanes(tmp_path, 0, KILLS)


@pytest.mark.exhaustive
@pytest.mark.parametrize("first", range(LANES, 5 * LANES, LANES))
def test_an_apply_that_is_killed_at_any_moment_is_repaired_by_the_next(tmp_path: Path, first: int) -> None:
    in_lanes(tmp_path, first, MORE_KILLS)
