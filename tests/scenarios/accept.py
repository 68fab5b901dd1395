"""Writes the expectations of scenarios as they come out, for a person to read before they are committed.

python -m tests.scenarios.accept 003-upgrade 004-downgrade
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.scenarios import scenario


def accept(name: str) -> None:
    """Writes the expectations of one scenario. Raises AssertionError where nothing sound comes out."""
    with TemporaryDirectory() as folder:
        outcome = scenario.play(name, Path(folder))
    for file, text in outcome.files.items():
        path = scenario.FOLDER / name / file
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text, encoding="utf-8")
    scenario.check_settled(outcome)


if __name__ == "__main__":
    for each in sys.argv[1:] or scenario.names():
        accept(each)
