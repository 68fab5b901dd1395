"""Dumps a tenant's databases right before its project is deleted; without a complete dump, it is not deleted."""

from __future__ import annotations

import asyncio
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec import Struct, field
from rich.filesize import decimal

from reconciler.apply.dumps.dump_programs import MISMATCH, DumpPrograms, find, fitting
from reconciler.errors import DumpError, InvalidInputError, NotFoundError
from reconciler.neon.libpq import libpq
from reconciler.plan.actions.project import DeleteProject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from reconciler.apply.address import Address
    from reconciler.neon.client import Neon
    from reconciler.neon.connection import Connection
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan

AT_ONCE: Final = 4
"""Dumps at the same time."""
OWNER_ONLY: Final = 0o600


class Dumps(Struct, frozen=True):
    """Where dumps go. Each is a file that only its owner can read, and is checked before it gets its name."""

    folder: Path
    command: tuple[str, ...] = ()
    """A program that gets each dump on its standard input; then none stays in the folder."""
    programs: tuple[DumpPrograms, ...] = field(default_factory=find)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, "dump"))

    @classmethod
    def into(cls, folder: Path, command: tuple[str, ...] = ()) -> Self:
        """Raises InvalidInputError if nothing can be written there, or no pg_dump is installed."""
        if not folder.is_dir():
            raise InvalidInputError(
                f"--dump-to {folder}: the folder does not exist", hint=f"mkdir -m 700 {folder}"
            )
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InvalidInputError(f"--dump-to {folder}: the folder cannot be written to")
        return cls(folder, command)

    def impossible(self, plan: Plan) -> Iterator[tuple[str, str]]:
        """Yield each tenant that will not be deleted, with the reason: no installed pg_dump can read it."""
        for planned in plan.tenants:
            if planned.project is None or not any(_deletes(action) for action in planned.actions):
                continue
            try:
                fitting(self.programs, planned.project.pg_version)
            except DumpError as error:
                yield planned.tenant, str(error)

    async def write(self, tenant: str, server: int, connections: Sequence[Connection]) -> str:
        """Dumps each database, and returns what was written, in a few words. Raises DumpError."""
        loop = asyncio.get_running_loop()
        written = [
            await loop.run_in_executor(self._threads, self._write, tenant, server, connection)
            for connection in connections
        ]
        return ", ".join(written)

    def _write(self, tenant: str, server: int, connection: Connection) -> str:
        path = self.folder / file_name(tenant, connection)
        part = path.with_name(f".{path.name}.part")
        try:
            _empty(part)
            programs = self._dump(server, connection, part)
            size = part.stat().st_size
            entries = programs.entries(part) if size else 0
            if not size:
                raise DumpError("pg_dump wrote an empty file")
            if self.command:
                self._hand_over(part, tenant, connection)
                return f"{self.command[0]} ({decimal(size)}, {entries} entries)"
            _keep(part, path)
        except OSError as error:
            raise DumpError(
                f"{path} cannot be written: {error.strerror}", hint="make room, and run again"
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return f"{path} ({decimal(size)}, {entries} entries)"

    def _dump(self, server: int, connection: Connection, target: Path) -> DumpPrograms:
        """With the oldest program that can read the server: what it writes, most servers can read."""
        able = fitting(self.programs, server)
        variables = libpq(connection, direct=True)
        for programs in able[:-1]:
            try:
                programs.dump(variables, target)
            except DumpError as error:
                if MISMATCH not in str(error):
                    raise
            else:
                return programs
        able[-1].dump(variables, target)
        return able[-1]

    def _hand_over(self, dump: Path, tenant: str, connection: Connection) -> None:
        """Raises DumpError if the program fails. It gets no password."""
        variables: Mapping[str, str] = {
            "RECONCILER_TENANT": tenant,
            "RECONCILER_PROJECT": connection.project_id,
            "RECONCILER_DATABASE": connection.database,
        }
        with dump.open("rb") as content:
            done = subprocess.run(  # noqa: S603 - the user named it
                list(self.command),
                stdin=content,
                env={**os.environ, **variables},
                stdout=subprocess.DEVNULL,
                check=False,
            )
        if done.returncode:
            raise DumpError(f"{self.command[0]} ended with {done.returncode}: the dump was not taken")


def file_name(tenant: str, connection: Connection) -> str:
    """The name of a dump's file. An annotation names the tenant of an orphan: all three parts are from outside."""
    parts = (tenant, connection.project_id, connection.database)
    return f"{'.'.join(quote(part, safe='') for part in parts)}.dump"


def deletions(plan: Plan) -> int:
    """How many tenants' projects the plan deletes."""
    return sum(any(_deletes(action) for action in planned.actions) for planned in plan.tenants)


async def dump_first(dumps: Dumps, neon: Neon, action: Action, address: Address) -> str:
    """Dumps every database of the default branch of a project that is about to be deleted.

    Returns what was written; empty for other actions, and for a project that is gone. Raises DumpError, and what
    the client raises for a read.
    """
    if not _deletes(action):
        return ""
    try:
        connections = await _connections(neon, address)
    except NotFoundError as error:
        try:
            await neon.project(*address.project_key)
        except NotFoundError:
            return ""  # the deletion itself reports that it was gone
        raise DumpError(f"the databases cannot be reached: {error}", hint=_WAKE) from error
    if not connections:
        return ""
    version = address.project.pg_version if address.project is not None else 0
    return await dumps.write(action.tenant, version, connections)


_WAKE: Final = "give the default branch a read-write compute, or delete the tenant without --dump-to"


async def _connections(neon: Neon, address: Address) -> list[Connection]:
    organization, project_id = address.project_key
    branches = await neon.branches(organization, project_id)
    default = next((branch for branch in branches if branch.default), None)
    if default is None:
        raise DumpError(f"project {project_id} shows no default branch", hint="run again later")
    found = await neon.databases(organization, project_id, default.id)
    return [await neon.connection(organization, project_id, one.name, one.owner) for one in found]


def _deletes(action: Action) -> bool:
    return isinstance(action, DeleteProject)


def _empty(path: Path) -> None:
    """An empty file that only its owner can read: pg_dump fills it."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
    path.chmod(OWNER_ONLY)


def _keep(part: Path, path: Path) -> None:
    """Gives the dump its name once it is on disk."""
    for place in (part, None, path.parent):
        if place is None:
            part.replace(path)
            continue
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
