"""How much a run of the tests tries, and which of many trials: the profile, and the seed.

| ``PROFILE`` | who runs it | what it tries |
|---|---|---|
| ``default`` | `make test` | a sample of everything that has more trials than seconds |
| ``ci`` | `.ci/run` | a larger one, which holds every kind of trial; how often each is made, and where, is drawn |
| ``nightly`` | `make nightly` | all of it |

A sample is drawn by the seed. It follows from the commit: whoever tests one commit draws the same trials, and each
commit draws others. ``SEED=N`` draws again what a run with that seed has drawn; every run prints its own. The
examples of Hypothesis follow from the test alone; those of ``nightly`` from the seed.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T")

PROFILE: Final = "PROFILE"
SEED: Final = "SEED"
DEFAULT, CI, NIGHTLY = "default", "ci", "nightly"
EXAMPLES: Final = {DEFAULT: 12, CI: 60, NIGHTLY: 1500}
"""Of each property whose examples take milliseconds."""
_ROOT: Final = Path(__file__).parents[1]


def chosen() -> str:
    """The profile. Raises ValueError for a name that is none."""
    name = os.environ.get(PROFILE, DEFAULT)
    if name not in EXAMPLES:
        raise ValueError(f"{PROFILE}={name}: there are only {', '.join(EXAMPLES)}")
    return name


def size(default: int, ci: int, nightly: int) -> int:
    """How many trials the profile asks for."""
    return {DEFAULT: default, CI: ci, NIGHTLY: nightly}[chosen()]


def seed() -> int:
    """``SEED``, or the number that follows from the commit; 0 where there is no repository, or no commit yet."""
    if SEED not in os.environ:  # workers inherit it
        command = ["git", "-C", str(_ROOT), "rev-parse", "--quiet", "--verify", "HEAD"]
        commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        os.environ[SEED] = str(int(commit[:7] or "0", 16))
    return int(os.environ[SEED])


def drawn(
    what: str, all_of_them: Sequence[T], count: int, kinds: Callable[[T], Iterable[Any]] | None = None
) -> list[T]:
    """So many of them, in their order; what else is drawn makes no difference to it.

    With ``kinds``, which tells what a trial is an example of, those come first that show a kind which none before
    them shows; and no run but the smallest leaves a kind out, however few are asked for.
    """
    random = Random(f"{seed()} {what}")  # noqa: S311
    places = random.sample(range(len(all_of_them)), len(all_of_them))
    if kinds is not None:
        first = _showing_a_kind(places, lambda place: kinds(all_of_them[place]))
        places = [*first, *(place for place in places if place not in first)]
        count = count if chosen() == DEFAULT else max(count, len(first))
    return [all_of_them[place] for place in sorted(places[:count])]


def dealt(what: str, all_of_them: Sequence[T], hand: int, count: int) -> list[T]:
    """The hand of that number, from 0, of so many: dealt in turn from a pack in an order that is drawn.

    Together the hands hold each of them, unless they are too few to.
    """
    pack = list(all_of_them)
    Random(f"{seed()} {what}").shuffle(pack)  # noqa: S311
    return [pack[place % len(pack)] for place in range(hand * count, hand * count + min(count, len(pack)))]


def _showing_a_kind(places: Iterable[int], kinds: Callable[[int], Iterable[Any]]) -> dict[int, None]:
    """The places that show a kind which none before them shows."""
    found: dict[int, None] = {}
    seen: set[Any] = set()
    for place in places:
        shown = {*kinds(place)}
        if not shown <= seen:
            found[place] = None
        seen |= shown
    return found


def seeds(what: str, count: int, part: int = 0) -> range:
    """So many seeds of random trials, one after the other; none of them is of another part."""
    first = Random(f"{seed()} {what}").randrange(10**9)  # noqa: S311
    return range(first + part * count, first + (part + 1) * count)


def load() -> None:
    """Gives the profile to Hypothesis. No test depends on how fast the machine is: no case takes too long."""
    for name, examples in EXAMPLES.items():
        settings.register_profile(
            name,
            deadline=None,
            max_examples=examples,
            derandomize=name != NIGHTLY,
            suppress_health_check=[HealthCheck.too_slow],
        )
    settings.load_profile(chosen())
