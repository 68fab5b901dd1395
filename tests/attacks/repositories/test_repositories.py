"""Every command that looks at git, on every hostile repository, as a process: nothing of a stranger runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import figures
from tests.attacks.repositories import configuration, damaged, pull_request
from tests.attacks.repositories.stage import ALL, COMMANDS, Stage
from tests.harness.repository import needs_git

if TYPE_CHECKING:
    from tests.harness.forks import Ended, Warm

pytestmark = needs_git

BUILDERS = (configuration, damaged, pull_request)


@pytest.mark.slow
@pytest.mark.drawn(4)
@pytest.mark.parametrize("name", ALL)
def test_a_hostile_repository_runs_nothing_and_forges_no_base(name: str, warm: Warm, tmp_path: Path) -> None:
    stage, repository = Stage(tmp_path, warm), ALL[name]
    repository.build(stage)
    stage.canary.unlink(missing_ok=True)
    for command in COMMANDS:
        ended = stage.run(command)
        held = not stage.canary.exists() and as_expected(ended, repository.refused.get(command))
        figures.count("commands in hostile repositories", held=held)
        assert not stage.canary.exists(), stage.canary.read_text()
        assert held, (command, ended)
        assert_started(stage, command)
    if "plan" not in repository.refused:
        assert stage.compared_with() == repository.base(stage)


def as_expected(ended: Ended, refusal: str | None) -> bool:
    """Done as if nothing were there, or refused in a sentence with what to do."""
    said = (ended.out + ended.err).decode()
    if "Traceback" in said or "defect in reconciler" in said:
        return False
    if refusal is None:
        return ended.code in (0, 2)
    message = " ".join(ended.err.decode().split())
    return ended.code in (3, 5) and refusal in message and "hint: " in message


def assert_started(stage: Stage, command: str) -> None:
    """Only ``--ref`` starts a program, which is git, of no folder that a pull request could have filled."""
    started = stage.started()
    if command != "apply --ref":
        assert not started
    assert len(started) <= 2
    assert all(
        Path(program).name == "git" and not Path(program).is_relative_to(stage.checkout) for program in started
    )
    (stage.folder / "started").unlink(missing_ok=True)


@pytest.mark.slow
def test_without_anything_hostile_every_command_goes_ahead(warm: Warm, tmp_path: Path) -> None:
    """And the canary is one: a program that runs would be noticed."""
    stage = Stage(tmp_path, warm)
    assert [stage.run(command).code for command in COMMANDS] == [0, 0, 2, 0, 0]
    assert stage.compared_with() == stage.base
    stage.git("config", "core.fsmonitor", str(stage.program()))
    stage.git("-c", "core.hooksPath=/none", "status")
    assert stage.canary.exists()
