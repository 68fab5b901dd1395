"""Plants defects one after the other and runs the test that has to fail: ``make mutants``.

A defect that its test does not notice, or that cannot be planted any more, ends the run with status 1. The printed
seed draws the same defects again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from tests.mutants.defects import ROOT, Defect, GoneError, defects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

DRAWN: Final = 20
TIMEOUT_SECONDS: Final = 900
SHARED: Final = ("tests/contract/node_modules", "tests/forge/node_modules")
"""Folders that git does not hold and the tests need: linked into the copy."""
PASSED, FAILED = 0, 1
"""How pytest ends."""


class End(Enum):
    """What became of a defect."""

    FOUND = "found"
    ENDLESS = "found: the test did not end"
    SURVIVED = "NOT FOUND"
    GONE = "CANNOT BE PLANTED"
    BROKEN = "NOT TRIED: the test could not be run"

    @property
    def good(self) -> bool:
        """Whether the tests hold the promise."""
        return self in {End.FOUND, End.ENDLESS}


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the checkout, in which defects are planted."""

    folder: Path

    def tested(self, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
        """pytest on these tests, up to the first that fails. Raises TimeoutExpired."""
        environ = {"SEED": "1", **os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:xdist", "-p", "no:cacheprovider", *tests)
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environ,
            timeout=TIMEOUT_SECONDS,
            capture_output=True,
            text=True,
            check=False,
        )

    def tried(self, defect: Defect) -> End:
        """Plants the defect, runs its test, and takes the defect out again."""
        file = self.folder / defect.file
        text = file.read_text(encoding="utf-8")
        try:
            file.write_text(defect.planted(text), encoding="utf-8")
            code = self.tested([defect.test]).returncode
        except GoneError:
            return End.GONE
        except subprocess.TimeoutExpired:
            return End.ENDLESS
        finally:
            file.write_text(text, encoding="utf-8")
        return {PASSED: End.SURVIVED, FAILED: End.FOUND}.get(code, End.BROKEN)


def copied(folder: Path) -> Copy:
    """The files of the checkout as they are, without what git ignores."""
    listing = ("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if not (ROOT / name).exists():
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    for name in SHARED:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return Copy(folder)


def drawn(seed: int, number: int) -> Sequence[Defect]:
    """So many of the defects at random, the same for the same seed."""
    known = defects()
    return Random(seed).sample(known, min(number, len(known)))  # noqa: S311 - no secret


def run(copy: Copy, chosen: Sequence[Defect], say: Callable[[str], None]) -> int:
    """Try each defect, and tell what became of it. Returns the exit code."""
    without = copy.tested(dict.fromkeys(defect.test for defect in chosen))
    if without.returncode != PASSED:
        say(f"the tests fail without any defect:\n{without.stdout}{without.stderr}")
        return 1
    ends: Counter[End] = Counter()
    for number, defect in enumerate(chosen, start=1):
        start = time.perf_counter()
        end = copy.tried(defect)
        ends[end] += 1
        say(f"{number:2}/{len(chosen)} {end.value}, {time.perf_counter() - start:.0f} s: {defect.promise}")
        if not end.good:
            say(f"      {defect.file}: {defect.old.strip()!r} -> {defect.new.strip()!r}; {defect.test}")
    found = sum(count for end, count in ends.items() if end.good)
    say(f"{found} of {len(chosen)} planted defects were found")
    return 0 if found == len(chosen) else 1


@click.command()
@click.option("--seed", type=int, help="Draw these again.  [default: a new one]")
@click.option("--number", type=click.IntRange(1), default=DRAWN, show_default=True, help="How many are drawn.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
def main(seed: int | None, number: int, everything: bool) -> None:
    """Plant defects, each of which a test has to find."""
    known = len(defects())
    chosen_seed = SystemRandom().randrange(10**6) if seed is None else seed
    chosen = drawn(chosen_seed, known if everything else number)
    print(f"{len(chosen)} of {known} defects, seed {chosen_seed}", flush=True)
    with TemporaryDirectory(prefix="reconciler-mutants-") as folder:
        code = run(copied(Path(folder)), chosen, lambda text: print(text, flush=True))
    sys.exit(code)


if __name__ == "__main__":
    main()
