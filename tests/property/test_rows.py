"""Whatever a project goes through, each of its branches holds the rows that it should."""

from __future__ import annotations

from typing import Final

import pytest

from tests import figures, profiles
from tests.property.histories_of_rows import History
from tests.rows import account

pytestmark = pytest.mark.slow

FIGURE: Final = "histories of rows"
HISTORIES: Final = profiles.size(4, 8, 25)
"""Of each part."""
PARTS: Final = profiles.size(1, 1, 40)
KINDS: Final = {"write", "drop", "snapshot", "branch", "schema", "reset", "restore", "undo", "transfer", "recover"}


@pytest.mark.parametrize("part", range(PARTS))
def test_no_row_is_wrong_after_any_history(part: int) -> None:
    wrong: list[str] = []
    done: set[str] = set()
    with account() as opened:
        for seed in profiles.seeds(FIGURE, HISTORIES, part):
            history = History.begin(opened, seed).run()
            figures.count(FIGURE, held=not history.wrong)
            wrong += [f"seed {seed}: {each}" for each in history.wrong]
            done.update(history.done)
            opened.simulator.clock.advance(8 * 86_400)  # what was deleted is gone for good
    assert not wrong, "\n".join(wrong)
    assert len(KINDS & done) >= 6, "these histories do too little: they show nothing"
