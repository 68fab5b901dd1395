"""``--dump-to`` and ``--dump-to-command``: where the databases of deleted tenants go."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.errors import InvalidInputError
from reconciler.views.console import say

if TYPE_CHECKING:
    from reconciler.apply.dumps.dumps import Dumps
    from reconciler.plan.plan import Plan

EXAMPLE: Final = "for example --dump-to-command 'age -r KEY -o dump.age'"


def opened(folder: Path | None, command: str | None) -> Dumps | None:
    """The place for dumps that the flags name. Raises InvalidInputError for one that cannot be used."""
    if folder is None and command is None:
        return None
    from reconciler.apply.dumps.dumps import Dumps  # noqa: PLC0415 - only where dumps are asked for

    if folder is not None and command is not None:
        raise InvalidInputError("--dump-to and --dump-to-command exclude each other", hint="use one of them")
    if folder is not None:
        return Dumps.into(folder)
    import tempfile  # noqa: PLC0415

    from reconciler.cli.sinks import require_program  # noqa: PLC0415

    words = tuple(_words(command or ""))
    require_program(words[0], "--dump-to-command")
    meanwhile = click.get_current_context().with_resource(tempfile.TemporaryDirectory(prefix="reconciler-dumps-"))
    return Dumps.into(Path(meanwhile), words)


def announce(dumps: Dumps | None, plan: Plan) -> None:
    """Says before a person agrees which deletions have a dump first, and which will not happen without one."""
    if dumps is None:
        return
    from reconciler.apply.dumps.dumps import deletions  # noqa: PLC0415

    count = deletions(plan)
    if count:
        where = f"to {dumps.folder}" if not dumps.command else f"for {dumps.command[0]}"
        whose, its = ("a project is", "its") if count == 1 else (f"{count:,} projects are", "their")
        say(f"Before {whose} deleted, {its} databases are dumped {where}.")
    for tenant, why in dumps.impossible(plan):
        say(f"{tenant} will not be deleted: {why}")


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidInputError(f"--dump-to-command: {error}", hint="quote it as for a shell") from error
    if not words:
        raise InvalidInputError("--dump-to-command is empty", hint=EXAMPLE)
    return words
