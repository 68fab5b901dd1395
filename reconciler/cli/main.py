"""The command group, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import traceback
from importlib import import_module
from typing import Final

import click

from reconciler.cli import machine, streams
from reconciler.cli.initial_environment import take
from reconciler.cli.surroundings import Surroundings
from reconciler.environment import Environment
from reconciler.errors import ExitCode, ReconcilerError, weightiest
from reconciler.views.console import say

COMMANDS: Final = {
    "validate": ("validate", "Check every file and report every problem."),
    "plan": ("plan", "Show what apply would do."),
    "show": ("show", "Show a saved plan again."),
    "apply": ("apply", "Converge the live fleet to the files."),
    "drift": ("drift", "Tell where the live fleet differs from the files."),
    "converge": ("converge", "Converge one tenant within seconds, for a sign-up or an upgrade."),
    "connection-string": ("connection_string", "Hand out the connection strings of a few tenants again."),
    "registry": ("registry", "The tenant registry: rebuild it from live."),
    "schema": ("schema", "Print the JSON Schema of the files, or of a JSON document."),
    "simulator": ("simulator", "The embedded Neon: serve it, seed it, print its keys."),
    "demo": ("demo", "Watch a fleet converge on the embedded Neon."),
}
"""Module below reconciler.cli and one line of help. A module is imported when its command runs."""


OBJECTS_BETWEEN_COLLECTIONS: Final = 50_000
"""A large fleet is millions of objects that stay: looking through them at each 700 new ones took half the time."""


class LazyGroup(click.Group):
    """Imports a command's module only when it is called: ``--help`` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the table, which is the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"reconciler.cli.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="neon-reconciler")
def group() -> None:
    """GitOps for a fleet of Neon projects, one for each tenant of your platform.

    tiers.yaml and tenants/ say what every tenant is to have. `plan` shows what would change, `apply`
    converges the live fleet, `drift` tells when it has moved.
    """


def main(args: list[str] | None = None) -> None:
    """Runs a command and ends the process with its exit code."""
    closed = streams.take_over()
    machine.make_room_for_files()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the process as SIGINT does
    initial = take()
    around = Surroundings(environ=initial.environ, forget=initial.forget)
    code = run(args, around) if closed is None else _told(closed)
    streams.leave()
    sys.exit(code)


def run(args: list[str] | None = None, obj: object = None) -> int:
    """Runs a command. Whatever goes wrong becomes one message on stderr and an exit code."""
    code: int = ExitCode.DONE
    stdout = sys.stdout
    try:
        result = group.main(args, prog_name="reconciler", standalone_mode=False, obj=obj)
        code = result if isinstance(result, int) else code
        sys.stdout.flush()
    except click.ClickException as error:
        _show_usage(error)
        return ExitCode.INVALID
    except (click.Abort, KeyboardInterrupt):
        say("interrupted; no call is under way")
        return ExitCode.INTERRUPTED
    except ReconcilerError as error:
        return _told(error)
    except SystemExit:
        if sys.stdout is stdout:
            raise
        broken = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))  # click replaced stdout for that
        return _told_unforeseen(broken, _environment(obj))
    except Exception as error:
        return weightiest([ExitCode(code), _told_unforeseen(error, _environment(obj))])
    return code


def _environment(obj: object) -> Environment:
    return obj.environ if isinstance(obj, Surroundings) else Environment.of(None)


def _show_usage(error: click.ClickException) -> None:
    """How the command is called, and what is wrong with the words that it was given, in one line."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        _say_lines(error.ctx.get_usage())
        say(f"Try '{error.ctx.command_path} --help' for help.")
        say("")
    say(f"Error: {error.format_message()}")


def _say_lines(text: str) -> None:
    for line in text.splitlines():
        say(line)


def _told(error: ReconcilerError) -> ExitCode:
    from reconciler.views.console import show, stderr_console  # noqa: PLC0415 - only where something failed
    from reconciler.views.problems_text import render_error  # noqa: PLC0415

    show(render_error(error), stderr_console())
    return error.exit_code


def _told_unforeseen(error: Exception, environ: Environment) -> ExitCode:
    """Nobody knows what such an error repeats: every value that may be a secret is taken out of it."""
    if os.environ.get("RECONCILER_TRACEBACK"):
        _say_lines(environ.hide("".join(traceback.format_exception(error))))
    elif told := machine.said_of(error):
        _told(told)
    else:
        say(f"error: a defect in reconciler: {environ.hide(f'{type(error).__name__}: {error}')}")
        say("hint: set RECONCILER_TRACEBACK=1 to see where, and report it")
    return ExitCode.ERROR
