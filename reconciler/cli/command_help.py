"""Commands whose help groups the flags and ends with an example and the exit codes."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import click

from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOOK_AT: Final = "What to look at"
ACCOUNT: Final = "Which account"
PERMITTED: Final = "What is permitted"
RUNNING: Final = "How to apply"
OUTPUT: Final = "Output"
OTHER: Final = "Other"
GROUPS: Final = (LOOK_AT, ACCOUNT, PERMITTED, RUNNING, OUTPUT, OTHER)
"""The order of the groups in every help."""

MEANINGS: Final = {
    ExitCode.DONE: "Done, or nothing to do.",
    ExitCode.ERROR: "An error, such as a host that does not answer or a full disk.",
    ExitCode.CHANGES: "Something differs.",
    ExitCode.INVALID: "Files, flags or stdin are not valid.",
    ExitCode.DENIED: "A key is missing, wrong, or not permitted to do this.",
    ExitCode.REFUSED: "A guard refused something, or a person has to resolve a conflict.",
    ExitCode.PARTLY_APPLIED: "Partly applied: some tenants failed, or were not reached.",
    ExitCode.STALE: "A saved plan no longer permits what some tenants need.",
    ExitCode.INTERRUPTED: "Interrupted.",
    ExitCode.INCOMPLETE_VIEW: "The API did not show everything.",
}
LOCAL: Final = (ExitCode.DONE, ExitCode.ERROR, ExitCode.INVALID, ExitCode.INTERRUPTED)
"""The codes of a command that calls no API."""
CHILD: Final = "reconciler.child"
"""In click's ``meta``: the words after ``--``, of a command that runs a program."""
LONGEST_LINE: Final = 200
"""Length to which the one line of help for a command may go."""

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""What adds options to the function that carries out a command."""

FILE: Final = click.Path(dir_okay=False, path_type=Path)
"""The type of a flag or an argument that names a file, which need not exist."""
TENANT_FILES: Final = (".yaml", ".yml")
"""How the files of tenants end."""
MOST_SUGGESTED: Final = 3
"""Tenants that a message about arguments without a flag repeats."""


class Flag(click.Option):
    """An option that belongs to a group."""

    def __init__(self, *names: Any, group: str = OTHER, **settings: Any) -> None:
        super().__init__(*names, **settings)
        self.group = group

    @property
    def takes_words(self) -> bool:
        """Whether it takes several of a fixed set of words: one after the other, or with commas between them."""
        return self.multiple and isinstance(self.type, Choice)

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """As click does, after ``--with branches,snapshots`` has become two words."""
        if value is not None and self.takes_words:
            value = tuple(dict.fromkeys(word.strip() for one in value for word in one.split(",")))
        return super().type_cast_value(ctx, value)

    def make_metavar(self, ctx: click.Context) -> str:
        """As click does, with what says that there may be several."""
        return super().make_metavar(ctx) + (",..." if self.takes_words else "")


class Choice(click.Choice[str]):
    """One of a few words. An error names the word that is most like the given one."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """Click's own message, which lists all words, with a suggestion."""
        from difflib import get_close_matches  # noqa: PLC0415 - only where something failed

        message = super().get_invalid_choice_message(value, ctx)
        near = get_close_matches(str(value), self.choices, n=1)
        return f"{message} Did you mean {near[0]!r}?" if near else message


def _log_format() -> Flag:
    """Which form messages on stderr have; ``cli.main`` reads it from the words of the command."""
    return Flag(
        ["--log-format"],
        group=OUTPUT,
        type=Choice(["text", "json"]),
        default="text",
        show_default=True,
        expose_value=False,
        help="Form of the messages on stderr: text, or a JSON object for each.",
    )


def flag(group: str, *names: str, **settings: Any) -> Decorator:
    """``click.option`` of a group."""
    return click.option(*names, cls=Flag, group=group, **settings)


def packed(name: str, *options: Decorator) -> Decorator:
    """A decorator that adds the options and passes them on as one object, which ``cli.flags.PACKS`` names."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def run(**arguments: Any) -> Any:
            from reconciler.cli.flags import PACKS  # noqa: PLC0415 - only where a command runs

            flags = PACKS[name]
            own = {key: arguments.pop(key) for key in flags.__struct_fields__ if key in arguments}
            return command(**arguments, **{name: flags(**own)})

        decorated: Callable[..., Any] = run
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


class DescribedCommand(click.Command):
    """A command that says in its help how it is used and how it ends."""

    def __init__(
        self,
        *settings: Any,
        example: str = "",
        exit_codes: tuple[ExitCode, ...] = LOCAL,
        runs_child: bool = False,
        **more: Any,
    ) -> None:
        """``runs_child``: the words after ``--`` are a program to run, not arguments."""
        super().__init__(*settings, **more)
        self.params.append(_log_format())
        self.example = example
        self.exit_codes = exit_codes
        self.runs_child = runs_child

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; keeps the words after ``--`` in ``meta``.

        Raises UsageError for a tenant that is named without ``--tenant``.
        """
        if self.runs_child and "--" in args:
            end = args.index("--")
            ctx.meta[CHILD], args = tuple(args[end + 1 :]), args[:end]
        ctx.allow_extra_args = any("--tenant" in parameter.opts for parameter in self.params)
        try:
            extra = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            meant = self._with_value(error.option_name.lstrip("-")) or error.possibilities
            raise click.NoSuchOption(error.option_name, possibilities=meant, ctx=error.ctx) from error
        if extra and not ctx.resilient_parsing:
            ctx.fail(f"unexpected argument {extra[0]!r}: did you mean {tenant_flags(extra)}?")
        return extra

    def _with_value(self, word: str) -> list[str]:
        """The flags that take the word as their value: ``--format json``, for ``--json``."""
        choices = ((one, one.type) for one in self.params if isinstance(one, click.Option))
        return [
            f"{flag.opts[-1]} {word}"
            for flag, kind in choices
            if isinstance(kind, click.Choice) and word in kind.choices
        ]

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """With the program to run, where there may be one."""
        return [*super().collect_usage_pieces(ctx), *(["[-- COMMAND...]"] if self.runs_child else [])]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The flags, group by group. Arguments stand in the usage, and in the text if they need one."""
        groups: dict[str, list[tuple[str, str]]] = {title: [] for title in GROUPS}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)):
                groups[parameter.group if isinstance(parameter, Flag) else OTHER].append(record)
        for title, records in groups.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The example and the exit codes."""
        write_ending(formatter, self.example, self.exit_codes)


def tenant_flags(words: Sequence[str]) -> str:
    """The flags that select the tenants that the words name, by their names or their files."""
    flags = " ".join(f"--tenant {shlex.quote(_tenant_named(word))}" for word in words[:MOST_SUGGESTED])
    return f"{flags} ..." if len(words) > MOST_SUGGESTED else flags


def _tenant_named(word: str) -> str:
    name, dot, suffix = word.rpartition("/")[2].rpartition(".")
    return name if dot + suffix in TENANT_FILES else word


class DescribedGroup(click.Group):
    """A group whose help shows the whole first sentence of each command, on several lines where it is long."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table of commands; click's own cuts each text to one line."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(LONGEST_LINE)) for name, command in self.commands.items()]
            )


def write_ending(formatter: click.HelpFormatter, example: str, exit_codes: Iterable[ExitCode]) -> None:
    """The end of a help text: an example, and what the exit codes mean."""
    with formatter.section("Example"):
        formatter.write_text(example)
    with formatter.section("Exit codes"):
        formatter.write_dl([(str(int(code)), MEANINGS[code]) for code in sorted(exit_codes)])
