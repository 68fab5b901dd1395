"""Where commands keep what they have read, and that they can be told not to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ExitCode
from tests.harness.shell import Shell

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A fleet of one tenant."""
    (tmp_path / "fleet").mkdir()
    found = Shell(tmp_path / "fleet")
    found.tenant("acme")
    return found


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        (("validate",), [".prices", ".tenants"]),
        (("plan", "--simulator", "sim.db"), [".prices", ".tenants"]),
        (("drift", "--simulator", "sim.db"), [".prices", ".tenants"]),
        (("converge", "acme", "--simulator", "sim.db"), [".prices"]),
    ],
)
def test_the_cache_is_where_the_environment_says(shell: Shell, command: tuple[str, ...], kept: list[str]) -> None:
    cache = shell.folder.parent / "cache"
    shell.environ["RECONCILER_CACHE"] = str(cache)
    shell.run(*command)
    assert sorted(file.suffix for file in cache.iterdir()) == kept


def test_off_turns_it_off(shell: Shell) -> None:
    shell.environ["RECONCILER_CACHE"] = "off"
    before = list(shell.folder.parent.rglob("*.tenants"))
    assert shell.run("validate").code == ExitCode.DONE
    assert list(shell.folder.parent.rglob("*.tenants")) == before == []


@pytest.mark.parametrize(
    "folder", ["cache", "./cache", "{here}/cache", "{here}/../fleet/cache", "{here}/../other/cache"]
)
def test_a_folder_that_a_pull_request_can_write_to_is_refused(shell: Shell, folder: str) -> None:
    (shell.folder.parent / "other" / ".git").mkdir(parents=True)
    shell.environ["RECONCILER_CACHE"] = folder.format(here=shell.folder)
    ended = shell.run("validate")
    assert ended.code == ExitCode.INVALID
    assert "RECONCILER_CACHE is not an absolute path outside the repository" in ended.err
    assert "RECONCILER_CACHE=off" in ended.err
