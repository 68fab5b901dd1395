"""What a person reads who asks for help, or types something that does not exist."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from reconciler.cli import options
from reconciler.cli.command_help import MEANINGS, OTHER, Choice, DescribedCommand, Flag
from reconciler.cli.flags import PACKS
from reconciler.cli.main import APART, COMMAND_GROUPS, MODULES, group, run
from reconciler.desired.selection import Depth
from reconciler.errors import ExitCode
from reconciler.plan.concerns import NAMES
from reconciler.plan.guards.counted import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.declaring import DeclaredCommand


def every_command() -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from ((f"{name} {part}", below) for part, below in command.commands.items())
        elif command is not None:
            yield name, command


EVERY = dict(every_command())


def test_every_help_ends_with_an_example_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    for name in (*EVERY, ""):
        assert run([*name.split(), "--help"]) == ExitCode.DONE
        shown = capsys.readouterr().out
        example, codes = shown.split("\nExample:\n")[1].split("\nExit codes:\n")
        assert f"reconciler {name}".strip() in example
        listed = [int(line.split()[0]) for line in codes.splitlines() if line[2:3].strip()]
        assert listed == sorted(getattr(EVERY.get(name), "exit_codes", MEANINGS)), name
        other = shown.partition("\nOther:\n")[2].partition("\n\n")[0]
        argument_rows = [row for row in other.splitlines() if row[2] not in "- "]
        assert argument_rows == [], f"an argument of {name} stands in the usage"


def test_the_usage_shows_which_arguments_may_be_left_out() -> None:
    for name, command in EVERY.items():
        for argument in (one for one in command.params if isinstance(one, click.Argument)):
            shown = argument.make_metavar(click.Context(command))
            assert shown.startswith("[") is not argument.required, f"{name}: {shown}"


@pytest.mark.parametrize(
    "name", [name for name, one in EVERY.items() if any(flag.name == "fail_on" for flag in one.params)]
)
def test_the_code_of_each_result_that_a_command_can_fail_on_is_in_its_help(name: str) -> None:
    command = EVERY[name]
    assert isinstance(command, DescribedCommand)
    of_any = {ExitCode.INVALID, ExitCode.REFUSED, ExitCode.INCOMPLETE_VIEW, ExitCode.CHANGES}
    assert of_any <= {*command.exit_codes}


DECLARED: dict[str, dict[str, DeclaredCommand]] = {
    title: import_module(f"reconciler.cli.{module}").DECLARED for title, module in MODULES.items()
}
GROUPED = {name: declared.build() for commands in DECLARED.values() for name, declared in commands.items()}


def test_every_flag_of_a_fleet_command_belongs_to_a_group() -> None:
    for name, command in GROUPED.items():
        flags = [one for one in command.params if isinstance(one, click.Option)]
        assert [one.name for one in flags if not isinstance(one, Flag) or one.group == OTHER] == [], name


WORDS = [
    (name, one)
    for name, command in EVERY.items()
    for one in command.params
    if isinstance(one, Flag) and one.multiple and isinstance(one.type, click.Choice)
]


@pytest.mark.parametrize(
    ("name", "words"), WORDS, ids=lambda found: found if isinstance(found, str) else found.name
)
def test_words_of_a_fixed_set_may_have_commas_between_them(name: str, words: Flag) -> None:
    assert isinstance(words.type, click.Choice)
    first, second = words.type.choices[:2]
    ctx = click.Context(EVERY[name])
    for given in ([f"{first},{second}"], [f"{first}, {second}"], [first, second, first]):
        assert words.type_cast_value(ctx, given) == (first, second)
    assert words.make_metavar(ctx).endswith(f"|{words.type.choices[-1]}],...")
    with pytest.raises(click.BadParameter, match=r"'other' is not one of"):
        words.type_cast_value(ctx, [f"{first},other"])


def test_help_groups_the_flags(capsys: pytest.CaptureFixture[str]) -> None:
    run(["apply", "--help"])
    shown = capsys.readouterr().out
    titles = [line for line in shown.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles == [
        "What to look at:",
        "Which account:",
        "What is permitted:",
        "How to apply:",
        "Output:",
        "Other:",
        "Example:",
        "Exit codes:",
    ]


def test_every_command_of_the_table_exists() -> None:
    for title, commands in COMMAND_GROUPS.items():
        assert set(DECLARED[title]) == set(commands).difference(APART)


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(ExitCode)


def test_the_choices_are_those_of_planning() -> None:
    assert options.CONCERNS == NAMES
    assert tuple(KINDS) == options.THRESHOLDS
    assert tuple(depth.value for depth in Depth) == options.DEPTHS


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["valdate"], "No such command 'valdate'. Did you mean 'validate'?", "see 'reconciler --help'"),
        (["xyzzy"], "No such command 'xyzzy'.", "see 'reconciler --help'"),
        (
            ["plan", "--tenent", "x"],
            "No such option '--tenent'. Did you mean '--tenant'?",
            "reconciler plan --base",
        ),
        (
            ["plan", "--log-format", "jsn"],
            "Invalid value for '--log-format': 'jsn' is not one of 'text', 'json'. Did you mean 'json'?",
            "reconciler plan --base",
        ),
        (["converge"], "Missing argument 'TENANT... | -'.", "or try: reconciler converge acme"),
        (
            ["registry", "rebild"],
            "No such command 'rebild'. Did you mean 'rebuild'?",
            "see 'reconciler registry --help'",
        ),
    ],
)
def test_a_usage_error_says_what_helps(
    words: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == ExitCode.INVALID
    shown = capsys.readouterr().err
    assert shown.startswith("Usage: reconciler")
    assert f"\nerror: {error}\nhint: " in shown
    assert hint in shown


def test_every_choice_suggests_the_word_that_was_meant() -> None:
    choices = [(name, one) for name, command in EVERY.items() for one in command.params]
    others = [each for each in choices if isinstance(each[1].type, click.Choice)]
    assert [each for each in others if not isinstance(each[1].type, Choice)] == []


def test_no_words_at_all_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == ExitCode.INVALID
    assert "\nGet started:\n  init " in capsys.readouterr().err


@pytest.mark.parametrize("name", ["registry", "simulator"])
def test_the_table_of_a_group_cuts_no_text_off(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert "\nCommands:\n" in shown
    assert "..." not in shown.partition("\nCommands:\n")[2]


def test_a_command_that_is_built_again_is_the_same() -> None:
    again = {name: declared.build() for commands in DECLARED.values() for name, declared in commands.items()}
    for name, command in GROUPED.items():
        assert [one.opts for one in again[name].params] == [one.opts for one in command.params], name


def test_flags_are_packed_into_what_the_table_of_packs_names() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(options.__file__).parent.glob("*.py")]
    named = {name for source in sources for name in re.findall(r'\bpacked\(\s*"(\w+)"', source)}
    assert named == set(PACKS)
