"""How a command is declared: its flags, an example, its exit codes, and the module that carries it out.

That module is imported when the command runs, so that help and usage errors are fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.command_help import LOCAL, DescribedCommand
from reconciler.cli.runtime import runtime
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.cli.flags import Decorator

READ: Final = (*LOCAL, ExitCode.DENIED, ExitCode.REFUSED, ExitCode.INCOMPLETE_VIEW)
WRITE: Final = (*READ, ExitCode.CHANGES, ExitCode.PARTLY_APPLIED)
"""A run that writes ends with CHANGES only if ``--fail-on drift`` asks for it."""


def by_name(*commands: click.Command) -> dict[str, click.Command]:
    """The commands of a module, for the group of all commands."""
    return {command.name: command for command in commands if command.name is not None}


def declare(
    name: str,
    help_text: str,
    example: str,
    codes: tuple[ExitCode, ...],
    *flags: Decorator,
    runs_child: bool = False,
    module: str = "",
) -> click.Command:
    """A command that ``run`` in ``reconciler.cli.<name>`` carries out, or the function ``name`` in ``module``.

    ``module`` names another function after a colon.
    """
    of_module, _, function = module.partition(":")
    carries_out = (of_module, function or name) if module else (name.replace("-", "_"), "run")

    def callback(**arguments: Any) -> Any:
        runtime()  # takes the environment of the process before anything else is imported
        return getattr(import_module(f"reconciler.cli.{carries_out[0]}"), carries_out[1])(**arguments)

    decorated: Callable[..., Any] = callback
    for option in reversed(flags):
        decorated = option(decorated)
    described: Any = {"help": help_text, "example": example, "exit_codes": codes, "runs_child": runs_child}
    as_command = click.command(name, cls=DescribedCommand, **described)
    command: click.Command = as_command(decorated)
    return command
