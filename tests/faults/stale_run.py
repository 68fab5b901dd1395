"""Trials on stale views by their seeds; as a program, trials that are told call by call.

python -m tests.faults.stale_run bounded 42
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

from tests.faults.stale_views import STALENESS, attempt
from tests.harness.runs import virtually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.faults.stale_views import Trial


def trials(
    folder: Path, staleness: str, seeds: Iterable[int], tell: Callable[[str], None] | None = None
) -> Iterator[Trial]:
    """One trial for each seed. Journals are written into the folder, and removed."""
    for seed in seeds:
        yield virtually(attempt(folder, seed, STALENESS[staleness], tell))
        for journal in folder.glob("*.jsonl"):
            journal.unlink()


def main() -> int:
    """1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("staleness", choices=STALENESS)
    parser.add_argument("seeds", type=int, nargs="+")
    given = parser.parse_args()
    with TemporaryDirectory() as folder, patch("os.fsync"):
        made = list(trials(Path(folder), given.staleness, given.seeds, print))
    for trial in made:
        print(f"seed {trial.seed}: {trial.wrong or 'nothing is wrong'}")
    return int(any(trial.wrong for trial in made))


if __name__ == "__main__":
    sys.exit(main())
