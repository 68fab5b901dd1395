"""The completion of commands and flags by a shell: the script, and where the shell looks for it."""

from __future__ import annotations

import os
from pathlib import Path, PurePath, PurePosixPath
from typing import Final, NamedTuple

import click
from click.shell_completion import get_completion_class

NAME: Final = "reconciler"
VARIABLE: Final = "_RECONCILER_COMPLETE"
"""As click reads it: the name of the program in capitals."""
_DATA: Final = ("XDG_DATA_HOME", ".local/share")
_CONFIG: Final = ("XDG_CONFIG_HOME", ".config")


class ScriptLocation(NamedTuple):
    """Where a shell finds the completion of a program."""

    base: tuple[str, str]
    """The variable that names a folder, and the folder below the user's home that is its default."""
    path: str
    remedy: str = ""
    """What the user has to do for it."""


PLACES: Final = {
    "bash": ScriptLocation(_DATA, f"bash-completion/completions/{NAME}", "needs the package bash-completion"),
    "fish": ScriptLocation(_CONFIG, f"fish/completions/{NAME}.fish"),
    "zsh": ScriptLocation(
        _DATA, f"zsh/site-functions/_{NAME}", "add its folder to fpath in ~/.zshrc, before compinit"
    ),
}
"""By the name of the shell, as ``--completion`` takes it."""


def used_shell() -> str | None:
    """The shell of the user, if it is one of these."""
    name = PurePath(os.environ.get("SHELL", "")).name
    return name if name in PLACES else None


def script(shell: str) -> str:
    """What the shell runs to complete a line: it asks the program."""
    of_shell = get_completion_class(shell)
    if of_shell is None:
        raise ValueError(shell)
    complete = of_shell(click.Command(NAME), {}, NAME, VARIABLE)
    return complete.source_template % complete.source_vars()


def place(shell: str) -> tuple[Path, PurePosixPath]:
    """The folder of the user in which the shell's files are, and the path of the script below it."""
    (variable, default), path, _ = PLACES[shell]
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else Path.home() / default, PurePosixPath(path)
