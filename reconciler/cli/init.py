"""``reconciler init``: the files of a new fleet."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from reconciler.cli.answers import answers, shell_to_complete
from reconciler.cli.completion import PLACES, place, script
from reconciler.cli.flags import AccountFlags
from reconciler.cli.runtime import runtime
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files.load import load
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.starting import STATED_ON, of_fleet, of_repository, write_new
from reconciler.views.console import print_document, say_problems, show, stdout_console
from reconciler.views.formats import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.cli.flags import StartFlags
    from reconciler.desired.state import DesiredState
    from reconciler.files.starting import Start

WROTE: Final = "wrote"
KEPT: Final = "kept"
LEFT_OUT: Final = "left out"


def run(directory: Path, start: StartFlags) -> ExitCode:
    """Writes the files that do not exist, says which, and what to do next."""
    _make(directory)
    home = Path(os.path.realpath(directory))
    top = _top(home)
    below = "" if top == home else f"{home.relative_to(top).as_posix()}/"
    asking = runtime().interactive and not start.yes
    chosen = answers(start, asking=asking, below=below, existing=_existing(directory))
    shell = shell_to_complete(start, asking=asking)
    for folder, files in ((home, of_fleet(chosen)), (top, of_repository(chosen))):
        _write(folder, files)
    for path, flag in _left_out(chosen):
        _tell(LEFT_OUT, top / path, f"needs {flag}")
    if shell is not None:
        _complete(shell)
    has_keys = all(runtime().environ.find(name) for name in (*chosen.ids, *chosen.organization_keys))
    _next(chosen, directory, has_git=os.path.lexists(top / ".git"), has_keys=has_keys)
    return _examine(directory) if has_keys else ExitCode.DONE


def _complete(shell: str) -> None:
    """Writes what the shell of the user completes commands with, into the user's own folder."""
    folder, path = place(shell)
    _make(folder)
    _write(Path(os.path.realpath(folder)), [(str(path), script(shell))], PLACES[shell].remedy)


def _examine(directory: Path) -> ExitCode:
    from reconciler.cli.doctor import examined  # noqa: PLC0415 - only where the keys are there
    from reconciler.views.view import DoctorView  # noqa: PLC0415

    found = examined(directory, AccountFlags(None, False, None, False), None)
    print_document("")
    show(text_of(DoctorView(found)), stdout_console())
    return found.exit_code


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"the folder {directory} cannot be made: {error.strerror}") from error


def _top(home: Path) -> Path:
    """The top of the repository around the fleet's folder, if it is the user's own; else the folder itself."""
    for folder in (home, *home.parents):
        if os.path.lexists(folder / ".git"):
            return folder if folder.stat().st_uid == os.geteuid() else home
    return home


def _existing(directory: Path) -> DesiredState | None:
    """The price list that is there. Raises InvalidInputError if it cannot be used."""
    if not os.path.lexists(directory / PRICE_LIST):
        return None
    loaded = load(directory, only=frozenset())
    if loaded.desired is None:
        say_problems(loaded.problems)
        raise InvalidInputError(f"{directory / PRICE_LIST} has problems: nothing was written")
    return loaded.desired


def _write(folder: Path, files: Iterable[tuple[str, str]], remedy: str = "") -> None:
    for name, text in files:
        try:
            written = write_new(folder, PurePosixPath(name), text)
        except OSError as error:
            raise InvalidInputError(f"{folder / name} cannot be written: {error.strerror}") from error
        _tell(WROTE if written else KEPT, folder / name, remedy if written else "exists")


def _tell(what: str, path: Path, why: str = "") -> None:
    shown = os.path.relpath(path)
    print_document(f"{what:8}  {shown}{f'  ({why})' if why else ''}")


def _left_out(start: Start) -> Iterator[tuple[str, str]]:
    needed = (("--program OWNER/NAME@COMMIT", start.program), ("--reviewer @NAME", start.reviewer))
    for path, (flag, stated) in zip(start.in_repository, needed, strict=False):
        if stated is None:
            yield path, flag


def _next(start: Start, directory: Path, *, has_git: bool, has_keys: bool) -> None:
    environ = runtime().environ
    unset = [name for name in (*start.ids, *start.keys) if environ.find(name) is None]
    steps = [
        f"Compare limits and prices in {directory / PRICE_LIST}, of {STATED_ON}, with your contract with Neon.",
        *([f"cd {directory}"] if directory != Path() else []),
        *([] if has_git else ["git init"]),
        "Describe a tenant or two (tenants/README.md), or write files for projects that exist: reconciler adopt",
        "reconciler plan --simulator sim.db",
        'git add --all && git commit -m "Begin the fleet"',
        *([f"export RECONCILER_ENV={','.join(start.foreign)}"] if start.foreign else []),
        *([f"export {' '.join(f'{name}=...' for name in unset)}"] if unset else []),
        *([] if has_keys else ["reconciler doctor"]),
    ]
    print_document("\nNext:\n" + "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, start=1)))
