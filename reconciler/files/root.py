"""The folder of a fleet, searched upwards from the current folder: for commands that are run in a folder below it.

A parent folder may belong to somebody else, whose ``tiers.yaml`` must not take the place of a missing one. So the
search ends at the top folder of the repository, below the home folder and at the border of a file system, and
only a folder and a file of the current user count. No search begins at a folder that the command line names.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE: Final = "tiers.yaml"
_UP: Final = ".."


def fleet_folder(here: Path) -> Path | None:
    """The nearest folder above ``here`` with a tiers.yaml, relative to ``here``; None if there is none.

    ``here`` is absolute and without links. Raises InvalidInputError for one that another user may have put there.
    """
    for steps, folder in enumerate(_searched(here), start=1):
        if os.path.lexists(folder / FILE):
            found = Path(*[_UP] * steps)
            _refuse_foreign(folder, found)
            return found
    return None


def _searched(here: Path) -> Iterator[Path]:
    """The folders above, the nearest first, as far as they may contain the fleet's files."""
    home, device, below = _home(), os.stat(here).st_dev, here  # noqa: PTH116
    for folder in here.parents:
        at_top = os.path.lexists(below / ".git")
        if at_top or home in (folder, below) or os.stat(folder).st_dev != device:  # noqa: PTH116
            return
        yield folder
        below = folder


def _home() -> Path | None:
    try:
        return Path(os.path.realpath(Path.home()))
    except (OSError, RuntimeError):  # no HOME, and no entry for the user
        return None


def _refuse_foreign(folder: Path, found: Path) -> None:
    about = [os.lstat(folder), os.lstat(folder / FILE)]
    if any(each.st_uid != os.geteuid() for each in about):
        why = "belongs to another user"
    elif about[0].st_mode & stat.S_IWOTH:
        why = "is in a folder that everybody can write to"
    else:
        return
    raise InvalidInputError(
        f"there is no {FILE} here, and {found / FILE} {why}: it is not used",
        hint=f"if it is the fleet's, name its folder: -C {found}",
    )
