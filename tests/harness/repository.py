"""Git in tests, run as somebody, whatever the settings of this machine are."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SETTINGS: Final = (
    "user.name=A",
    "user.email=a@example.org",
    "commit.gpgsign=false",
    "core.hooksPath=/dev/null",
    "maintenance.auto=false",
)

needs_git: Final = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
"""For tests that cannot run without it."""


def git(root: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> str:
    """What a git command prints in that folder. Raises CalledProcessError where it fails."""
    options = [word for setting in _SETTINGS for word in ("-c", setting)]
    command = ["git", "-C", str(root), *options, *arguments]
    around = {**os.environ, **(environ or {})}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=around).stdout.strip()


def commit_all(root: Path) -> str:
    """Commits all files of that folder, also where none has changed, and returns the id of the commit."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", "x")
    return git(root, "rev-parse", "HEAD")
