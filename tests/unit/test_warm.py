"""What a forked command finds is what a process of its own would find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pygit2
import pytest
from pygit2.enums import ConfigLevel

from tests.harness import forks
from tests.harness.warm import look_for_settings_of_git

if TYPE_CHECKING:
    from pathlib import Path


def test_libgit2_looks_for_settings_where_the_commands_own_environment_says(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for variable, folder in (("HOME", tmp_path), ("XDG_CONFIG_HOME", tmp_path / "settings")):
            patch.setenv(variable, str(folder))
        look_for_settings_of_git()
        found = [pygit2.settings.search_path[level] for level in (ConfigLevel.GLOBAL, ConfigLevel.XDG)]
    look_for_settings_of_git()  # as they were
    assert found == [str(tmp_path), str(tmp_path / "settings/git")]


def test_workers_share_the_process_that_their_run_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tmp_path / "warm"
    address.touch()
    monkeypatch.setenv(forks.ADDRESS, str(address))
    assert forks.shared.__wrapped__() == forks.Warm(str(address))
