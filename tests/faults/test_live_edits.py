"""What a person protects, renames or raises while a command is under way is not taken by that command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests import profiles
from tests.faults.live_edits import EDITS, JOBS, Person, aim, copied, given, prepared, taken
from tests.harness.repository import needs_git

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_git, pytest.mark.slow]

MOMENTS: Final = profiles.size(1, 2, 1000)
"""At so many calls of a command the person makes each edit, at other ones each; `make nightly` tries all."""
NEVER: Final = 0
"""No call has this number."""


@pytest.mark.drawn(6)
@pytest.mark.parametrize("name", JOBS)
def test_no_command_takes_what_a_person_has_just_kept(name: str, tmp_path: Path) -> None:
    before = prepared(name, tmp_path / "before")
    target = aim(name, before)
    shell = copied(before)
    shell.act = undisturbed = Person(shell, target, EDITS["protects it"], NEVER)
    ended = given(name, shell)
    assert ended.code == 0, ended.err
    found = []
    for edit in JOBS[name].edits:
        for after in profiles.drawn(f"{name} {edit}", range(1, undisturbed.calls + 1), MOMENTS):
            shell = copied(before)
            shell.act = person = Person(shell, target, EDITS[edit], after)
            ended = given(name, shell)
            found += [f"{edit} after call {after}: {what}, and exit code {ended.code}" for what in taken(person)]
    assert not found, "\n".join(found)
