"""The command group, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import click
from click.exceptions import NoArgsIsHelpError, NoSuchCommand

from reconciler import __version__
from reconciler.cli import streams
from reconciler.errors import SET_UP, ExitCode, ReconcilerError, weightiest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cli.declaring import DeclaredCommand
    from reconciler.environment import Environment

COMMAND_GROUPS: Final = {
    "Get started": {
        "init": "Write the files of a new fleet: price list, workflows, hooks.",
        "doctor": "Say what is wrong with the set-up, and what to do.",
        "demo": "Converge a sample fleet on the Neon simulator.",
        "simulator": "Serve and seed the Neon simulator, and print its keys.",
    },
    "Write files": {
        "validate": "Check every file and report every problem.",
        "adopt": "Write files for projects that exist, so that the next plan is empty.",
        "new": "Write the file of a new tenant.",
        "set": "Change keys of a tenant's file in place.",
        "fmt": "Write the files in one form.",
        "explain": "Show where each value of a tenant comes from.",
        "collect": "Write lines for tenants that signed up and that no file holds.",
        "policy": "Try the examples of your own policies.",
        "schema": "Print the JSON Schema of the files, or of a JSON document.",
    },
    "Plan and apply": {
        "plan": "Show what apply would do.",
        "diff": "Show what a change of the files asks for, without a key.",
        "observe": "Record the live state of the fleet, for plans without keys.",
        "show": "Show a saved plan again.",
        "apply": "Converge the live fleet to the files.",
        "rollback": "Undo a run: restore the values from before its writes.",
        "drift": "Show where the live fleet differs from the files.",
    },
    "Usage and costs": {
        "usage": "Show what tenants use of their quotas, and who is near a limit.",
        "cost": "Show what a month costs: each organization, tier and tenant.",
    },
    "One tenant": {
        "converge": "Converge one tenant within seconds, for a sign-up or an upgrade.",
        "connections": "Write the connection strings of a few tenants to a file, a program or the terminal.",
        "restore": "Restore one tenant to an earlier state.",
        "history": "List the moments that a tenant can be restored to.",
        "suspend": "Suspend a tenant, with a reason.",
        "resume": "End the suspension of a tenant.",
        "boost": "Raise limits of a tenant until an end.",
        "hold": "Leave a tenant alone until an end.",
        "rotate": "Set a new password for a role of one tenant.",
        "branch": "Reset a development branch of one tenant to its parent.",
    },
    "Records and CI": {
        "audit": "Show who changed what, when and why, from journals.",
        "registry": "The tenant registry: show it, verify it, rebuild it from live.",
        "report": "Merge the reports of the shards of one apply.",
        "github": "Write one comment, or one issue, for the fleet on GitHub.",
        "gitlab": "Write one note for the fleet on GitLab.",
    },
}
"""The commands by what they are for, with one line of help for each, in the order of ``--help``."""

COMMANDS: Final = {name: summary for commands in COMMAND_GROUPS.values() for name, summary in commands.items()}
"""One line of help for each. A command is imported when it is called."""

EXAMINED: Final = "`reconciler doctor` examines keys, organizations, network and git"
"""Follows errors whose cause may be one of these."""
LOG_FORMAT: Final = "--log-format"
MODULES: Final = {
    "Get started": "start_commands",
    "Write files": "author_commands",
    "Plan and apply": "plan_commands",
    "Usage and costs": "usage_commands",
    "One tenant": "tenant_commands",
    "Records and CI": "record_commands",
}
"""The module that declares the commands of a group. It is imported for these alone."""
APART: Final = ("schema", "simulator", "demo")
"""Commands that are declared in modules of their own."""


class LazyGroup(click.Group):
    """Imports a command only when it is called: ``--help`` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the groups."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in APART:
            if callable(ctx.obj):
                ctx.obj()  # takes the environment of the process before anything else is imported
            apart: click.Command = import_module(f"reconciler.cli.{cmd_name}").command
            return apart
        group_of_it = next(title for title, commands in COMMAND_GROUPS.items() if cmd_name in commands)
        declared: DeclaredCommand = import_module(f"reconciler.cli.{MODULES[group_of_it]}").DECLARED[cmd_name]
        return declared.build()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names. Raises NoSuchCommand with the names that are most like it."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise NoSuchCommand(args[0], possibilities=COMMANDS, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """A table for each group, with the second column at one place."""
        widest = max(map(len, COMMANDS))
        for title, commands in COMMAND_GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), summary) for name, summary in commands.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """An example and all exit codes."""
        from reconciler.cli.command_help import MEANINGS, write_ending  # noqa: PLC0415 - only for help

        write_ending(formatter, "reconciler plan --help", MEANINGS)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def group() -> None:
    """GitOps for a fleet of Neon projects, one for each tenant of your platform.

    tiers.yaml and tenants/ declare what every tenant has. `plan` shows what would change, `apply` changes the live
    fleet, `drift` shows what no longer matches.
    """


def main(args: list[str] | None = None) -> None:
    """Runs a command and ends the process with its exit code."""
    from reconciler.cli import interrupts  # noqa: PLC0415 - for a process of its own

    closed = streams.take_over()
    try:
        interrupts.listen()
        code = _ended(args) if closed is None else _print_error(closed)
        streams.leave()
        interrupts.leave_with(code)
    except KeyboardInterrupt:  # while a command that was interrupted ended in order
        os._exit(ExitCode.INTERRUPTED)
    sys.exit(code)


def _ended(args: list[str] | None) -> int:
    """The exit code of the command, also of one that ends the process by itself: the completion of a shell."""
    try:
        return run(args, _runtime_of_the_process)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else ExitCode.DONE


def _runtime_of_the_process() -> object:
    from reconciler.cli.process import runtime_of_the_process  # noqa: PLC0415 - only where a command runs

    return runtime_of_the_process()


def run(args: list[str] | None = None, obj: object = None) -> int:
    """Runs a command. Whatever goes wrong becomes one message on stderr and an exit code."""
    words = sys.argv[1:] if args is None else args
    if not _logs_json(words):
        return _run(args, obj)
    from reconciler.cli.runtime import runtime_in  # noqa: PLC0415 - for a JSON log only
    from reconciler.views.json_log import logging_as_json  # noqa: PLC0415

    with logging_as_json(runtime_in(obj).clock):
        return _run(args, obj)


def _logs_json(words: Sequence[str]) -> bool:
    """Whether the words of the command ask for a JSON log: a usage error is written as JSON too."""
    own = words[: words.index("--")] if "--" in words else words
    return f"{LOG_FORMAT}=json" in own or (LOG_FORMAT, "json") in pairwise(own)


def _run(args: list[str] | None, obj: object) -> int:
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
        from reconciler.views.console import say  # noqa: PLC0415 - only where something failed

        say("interrupted; no call is in flight")
        return ExitCode.INTERRUPTED
    except ReconcilerError as error:
        return _print_error(error)
    except SystemExit:
        if sys.stdout is stdout:
            raise
        broken = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))  # click replaced stdout for that
        return _print_unexpected(broken, _environment(obj))
    except Exception as error:
        return weightiest([ExitCode(code), _print_unexpected(error, _environment(obj))])
    return code


def _environment(obj: object) -> Environment:
    from reconciler.cli.runtime import runtime_in  # noqa: PLC0415 - only where something failed

    return runtime_in(obj).environ


def _show_usage(error: click.ClickException) -> None:
    """Prints the usage of the command, the error, and a hint."""
    from reconciler.views.console import ERROR, say, say_lines  # noqa: PLC0415 - only where something failed

    if isinstance(error, NoArgsIsHelpError):
        say_lines(error.format_message())
        return
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = None
    if context is not None:
        say_lines(f"{context.get_usage()}\n\n")
        hint = f"see '{context.command_path} --help'{_next_try(error, context)}"
    say(error.format_message(), level=ERROR, hint=hint)


def _next_try(error: click.ClickException, context: click.Context) -> str:
    """An example of the command; of a group, where a flag belongs that was written before the command."""
    if isinstance(error, click.NoSuchOption) and isinstance(context.command, click.Group):
        return f"; flags follow the command: {context.command_path} COMMAND {error.option_name}"
    example = getattr(context.command, "example", "")
    return f", or try: {example}" if example else ""


def _print_error(error: ReconcilerError) -> ExitCode:
    from reconciler.views.console import say, say_error  # noqa: PLC0415 - only where something failed

    say_error(error)
    if isinstance(error, SET_UP) or isinstance(error.__cause__, SET_UP):
        say(EXAMINED)
    return error.exit_code


def _print_unexpected(error: Exception, environ: Environment) -> ExitCode:
    """The text of an unexpected error may contain secrets: hides every value that may be one."""
    import traceback  # noqa: PLC0415 - only where something failed

    from reconciler.cli import os_errors  # noqa: PLC0415
    from reconciler.views.console import ERROR, say, say_lines  # noqa: PLC0415

    if os.environ.get("RECONCILER_TRACEBACK"):
        say_lines(environ.hide("".join(traceback.format_exception(error))), level=ERROR)
    elif known := os_errors.as_reconciler_error(error):
        _print_error(known)
    else:
        message = f"a defect in reconciler: {environ.hide(f'{type(error).__name__}: {error}')}"
        say(message, level=ERROR, hint="set RECONCILER_TRACEBACK=1 to see where, and report it")
    return ExitCode.ERROR
