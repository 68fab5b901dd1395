"""Fleets that have been through something before a test: once in each test process, and every test has a copy."""

from __future__ import annotations

import atexit
import os
import shutil
from contextlib import suppress
from copy import deepcopy
from functools import cache, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Callable

STATE: Final = ("XDG_STATE_HOME", "XDG_CACHE_HOME")
"""The variables with the folders of what commands keep beside the fleet."""


def lived(life: Callable[[Shell], Shell]) -> Callable[[Shell], Shell]:
    """A fixture from what a new fleet goes through. It gets nothing but the shell, and gives it back."""

    @cache
    def past() -> _Past:
        return _Past(life)

    @wraps(life)
    def fleet(shell: Shell) -> Shell:
        past().become(shell)
        return shell

    return fleet


class _Past:
    """A fleet that was left as a life ended; no command is run there any more."""

    def __init__(self, life: Callable[[Shell], Shell]) -> None:
        made = TemporaryDirectory(prefix="reconciler-")
        atexit.register(made.cleanup)
        place = Path(made.name)
        self._state = {name: place / name for name in STATE}
        folder = place / "fleet"
        folder.mkdir()
        self._shell = Shell(folder)
        with pytest.MonkeyPatch.context() as patch:
            for name, kept in self._state.items():
                patch.setenv(name, str(kept))
            life(self._shell)

    def become(self, shell: Shell) -> None:
        """Makes another fleet, on which nothing has happened, one with this past."""
        shutil.copytree(self._shell.folder, shell.folder, symlinks=True, dirs_exist_ok=True)
        for name, kept in self._state.items():
            with suppress(FileNotFoundError):
                shutil.copytree(kept, os.environ[name], symlinks=True, dirs_exist_ok=True)
        shell.environ = {**self._shell.environ}
        shell.interactive = self._shell.interactive
        shell.clock = deepcopy(self._shell.clock)
        shell.act = self._shell.act
