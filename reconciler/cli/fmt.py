"""``reconciler fmt``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.fleet_files import CORRECT_THEM, InvalidFilesError
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files.formatted_files import paths, reformatted
from reconciler.files.load import load
from reconciler.model.problem import errors
from reconciler.views import file_changes
from reconciler.views.console import say, say_problems, show, stdout_console
from reconciler.views.sentences import counted

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def run(directory: Path, named: tuple[Path, ...], check: bool) -> ExitCode:
    """Writes the files in their one form; with ``check``, shows what would change, and ends with CHANGES."""
    loaded = load(directory)
    if wrong := errors(loaded.problems):
        say_problems(wrong)
        raise InvalidFilesError("the files have problems: nothing was formatted", hint=CORRECT_THEM)
    changed = reformatted(directory, loaded, _only(directory, named))
    for file in changed:
        if check:
            before = (file.before or b"").decode()
            show(file_changes.render(str(file.path), before, file.after.decode()), stdout_console())
        else:
            file.write()
            say(f"formatted {file.path}")
    if check and changed:
        say(f"{counted(len(changed), 'file')} to format: run `reconciler fmt`")
        return ExitCode.CHANGES
    return ExitCode.DONE


def _only(directory: Path, named: tuple[Path, ...]) -> Collection[str] | None:
    """The named files as paths below the folder. Raises InvalidInputError for one that no source reads."""
    if not named:
        return None
    known = {(directory / path).resolve(): path for path in paths(directory)}
    unknown = next((path for path in named if path.resolve() not in known), None)
    if unknown is not None:
        raise InvalidInputError(
            f"{unknown} is no file of the fleet", hint="a file that `tenants` of tiers.yaml reads"
        )
    return {known[path.resolve()] for path in named}
