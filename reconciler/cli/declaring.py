"""How a command is declared: its flags, an example, its exit codes, and the module that carries it out.

It is built when it is called or asked for help, and that module is imported when it runs: so help is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from reconciler.cli.command_help import LOCAL, DescribedCommand, DescribedGroup
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.cli.command_help import Decorator

READ: Final = (*LOCAL, ExitCode.DENIED, ExitCode.REFUSED, ExitCode.INCOMPLETE_VIEW)
WRITE: Final = (*READ, ExitCode.CHANGES, ExitCode.PARTLY_APPLIED)
"""A run that writes ends with CHANGES only if ``--fail-on drift`` asks for it."""


class DeclaredCommand:
    """A command of this name, or a group of them, that does not exist yet: each flag takes time."""

    def __init__(self, name: str, build: Callable[[], click.Command]) -> None:
        self.name = name
        self.build = build


def by_name(*declared: DeclaredCommand) -> dict[str, DeclaredCommand]:
    """The commands of a module, for the group of all commands."""
    return {one.name: one for one in declared}


def declare(
    name: str,
    help_text: str,
    example: str,
    codes: tuple[ExitCode, ...],
    *flags: Decorator,
    runs_child: bool = False,
    module: str = "",
) -> DeclaredCommand:
    """A command that ``run`` in ``reconciler.cli.<name>`` carries out, or the function ``name`` in ``module``.

    ``module`` names another function after a colon.
    """
    of_module, _, function = module.partition(":")
    carries_out = (of_module, function or name) if module else (name.replace("-", "_"), "run")

    def build() -> click.Command:
        decorated: Callable[..., Any] = _carrying_out(*carries_out)
        for option in reversed(flags):
            decorated = option(decorated)
        described: Any = {"help": help_text, "example": example, "exit_codes": codes, "runs_child": runs_child}
        as_command = click.command(name, cls=DescribedCommand, **described)
        command: click.Command = as_command(decorated)
        return command

    return DeclaredCommand(name, build)


def _carrying_out(module: str, function: str) -> Callable[..., Any]:
    """A function of its own for each command: click notes options on it."""

    def callback(**arguments: Any) -> Any:
        from reconciler.cli.runtime import runtime  # noqa: PLC0415 - only where a command runs

        around = runtime()  # takes the environment of the process before anything else is imported
        with around.loading():
            carry_out = getattr(import_module(f"reconciler.cli.{module}"), function)
        return carry_out(**arguments)

    return callback


def declare_group(name: str, help_text: str, *commands: DeclaredCommand) -> DeclaredCommand:
    """A command that consists of these."""
    return DeclaredCommand(
        name, lambda: DescribedGroup(name, help=help_text, commands=[one.build() for one in commands])
    )
