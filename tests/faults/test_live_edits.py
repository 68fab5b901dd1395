"""What a person protects, renames or raises while a command is under way is not taken by that command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.errors import ExitCode
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
AFTER_THE_PLAN: Final = [(name, edit) for name, job in JOBS.items() for edit in job.after_the_plan]


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


@pytest.mark.parametrize(("name", "edit"), AFTER_THE_PLAN)
def test_no_command_replaces_or_deletes_another_state_than_its_plan_has_shown(
    name: str, edit: str, tmp_path: Path
) -> None:
    before = prepared(name, tmp_path / "before")
    target = aim(name, before)
    shell = copied(before)
    shell.act = undisturbed = Person(shell, target, EDITS[edit], NEVER)
    assert given(name, shell).code == 0
    shell = copied(before)
    shell.act = person = Person(shell, target, EDITS[edit], undisturbed.first_write)
    ended = given(name, shell)
    assert person.done
    assert (ended.code, taken(person)) == (ExitCode.PARTLY_APPLIED, []), ended.out
