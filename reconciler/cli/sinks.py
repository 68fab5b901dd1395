"""Sinks: where connection strings and passwords leave the program, each named by the user."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import click

from reconciler.cli.command_help import CHILD
from reconciler.cli.documents import writing
from reconciler.errors import InvalidInputError, OutputError
from reconciler.files import regular_files
from reconciler.neon.libpq import libpq
from reconciler.views.console import print_document, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.cli.flags import SinkFlags
    from reconciler.fleet import Connection

OWNER_ONLY: Final = 0o600
URL: Final = "DATABASE_URL"
UNPOOLED_URL: Final = "DATABASE_URL_UNPOOLED"
"""The names that Neon's own tools use for the two strings."""
MOST_BYTES: Final = 1_000_000
"""Of a dotenv file."""
AGAIN: Final = "nothing is lost: `reconciler connections` reads the strings again"
NO_SINK: Final = (
    "name a sink: --connections-to FILE, --dotenv FILE, --to-command COMMAND, -- COMMAND, --to-registry, "
    "or --reveal for stdout"
)


class Sink(Protocol):
    """Takes connections. Opened and checked before the first call, so that no password is lost."""

    def write(self, connections: Mapping[str, Connection]) -> None:
        """Writes the connections by tenant. Raises OutputError."""


def open_sinks(flags: SinkFlags, tenants: Sequence[str], *, revealed_as: str | None = None) -> list[Sink]:
    """The sinks that the flags name. Raises InvalidInputError for one that cannot be used.

    ``revealed_as`` is the format in which ``--reveal`` prints; None where a command has no such flag.
    """
    sinks: list[Sink] = []
    if flags.connections_to is not None:
        sinks.append(ConnectionsFile(flags.connections_to))
    if flags.dotenv is not None:
        _require_one(tenants, "--dotenv")
        sinks.append(DotenvFile(flags.dotenv, direct=flags.direct))
    if flags.to_command is not None:
        sinks.append(ProgramInput(flags.to_command))
    if flags.reveal and revealed_as is not None:
        sinks.append(Stdout(direct=flags.direct, as_json=revealed_as == "json"))
    return sinks


def require_sink(flags: SinkFlags, sinks: Sequence[object]) -> None:
    """Raises InvalidInputError without a sink: no string is printed unless ``--reveal`` asks for it."""
    if not sinks and not flags.to_registry:
        raise InvalidInputError("connection strings are not printed unless asked for", hint=NO_SINK)


def child_of_command(tenants: Sequence[str]) -> tuple[str, ...]:
    """The program after ``--``, with its arguments; empty without one. Raises InvalidInputError."""
    child: tuple[str, ...] | None = click.get_current_context().meta.get(CHILD)
    if child is None:
        return ()
    if not child:
        raise InvalidInputError("no command follows --", hint="for example: -- psql")
    _require_one(tenants, "-- COMMAND")
    require_program(child[0], "--")
    return child


def run_child(child: Sequence[str], connection: Connection, *, direct: bool) -> int:
    """Runs a program with the connection in its environment, and without the keys. Returns its exit code.

    A program that a signal ended has 128 and the signal's number.
    """
    environ = {**os.environ, **variables(connection, direct=direct), **libpq(connection, direct=direct)}
    code = subprocess.run(list(child), env=environ, check=False).returncode  # noqa: S603 - the user named it
    return code if code >= 0 else 128 - code


def variables(connection: Connection, *, direct: bool) -> dict[str, str]:
    """``DATABASE_URL`` and ``DATABASE_URL_UNPOOLED``."""
    return {URL: connection.uri(direct=direct).reveal(), UNPOOLED_URL: connection.direct.reveal()}


class ConnectionsFile:
    """JSON lines, one for each tenant, appended to a file that only its owner can read."""

    def __init__(self, path: Path) -> None:
        """Creates the file if it does not exist. Raises InvalidInputError if that fails or others may read it."""
        self._path = path
        self._descriptor = _private(path, "--connections-to")

    def write(self, connections: Mapping[str, Connection]) -> None:
        """Appends one line for each tenant and closes the file. Raises OutputError with the missing tenants.

        Nothing is taken back where the disk is full: another run may have appended to the file meanwhile.
        """
        missing = list(connections)
        try:
            with os.fdopen(self._descriptor, "w", encoding="utf-8") as file:
                for tenant, connection in connections.items():
                    file.write(json_line(tenant, connection) + "\n")
                    file.flush()
                    missing.remove(tenant)
        except OSError as error:
            raise OutputError(
                f"--connections-to {self._path}: {error.strerror}; no connection string of {', '.join(missing)}",
                hint=AGAIN,
            ) from error
        if connections:
            say(f"appended {counted(connections)} to {self._path}")


class DotenvFile:
    """A dotenv file of one tenant: two variables are set, other lines stay."""

    def __init__(self, path: Path, *, direct: bool) -> None:
        """Creates the file if it does not exist. Raises InvalidInputError if that fails or others may read it."""
        self._path, self._direct = path, direct
        os.close(_private(path, "--dotenv"))

    def write(self, connections: Mapping[str, Connection]) -> None:
        """Replaces the file by one with the variables. Raises OutputError; the file then stays as it was."""
        for connection in connections.values():
            with _leaving(f"--dotenv {self._path}"):
                text = regular_files.read(self._path, MOST_BYTES).decode()
                self._replace(_with_variables(text, variables(connection, direct=self._direct)))
            say(f"wrote {URL} and {UNPOOLED_URL} to {self._path}")

    def _replace(self, text: str) -> None:
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(self._path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise


class ProgramInput:
    """A program that reads the JSON lines from its stdin. No shell is involved."""

    def __init__(self, command: str) -> None:
        """Raises InvalidInputError if the program does not exist."""
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise InvalidInputError(f"--to-command: {error}", hint="quote the command as for a shell") from error
        if not self._words:
            raise InvalidInputError("--to-command: the command is empty", hint="name a program")
        require_program(self._words[0], "--to-command")

    def write(self, connections: Mapping[str, Connection]) -> None:
        """Runs the program once. Raises OutputError unless it ends with 0."""
        if not connections:
            return
        lines = "".join(json_line(tenant, connection) + "\n" for tenant, connection in connections.items())
        with _leaving(f"--to-command {self._words[0]}"):
            done = subprocess.run(self._words, input=lines.encode(), check=False)  # noqa: S603 - the user named it
        if done.returncode != 0:
            raise OutputError(f"--to-command: {self._words[0]} ended with {done.returncode}", hint=AGAIN)
        say(f"gave {counted(connections)} to {self._words[0]}")


class Stdout:
    """Standard output, which ``--reveal`` permits: one string a line, or the JSON lines."""

    def __init__(self, *, direct: bool, as_json: bool) -> None:
        self._direct, self._as_json = direct, as_json

    def write(self, connections: Mapping[str, Connection]) -> None:
        """Prints them in the order of the tenants. Raises OutputError if they cannot be printed."""
        for tenant, connection in connections.items():
            line = json_line(tenant, connection) if self._as_json else connection.uri(direct=self._direct).reveal()
            with _leaving("--reveal"):
                print_document(line)


def json_line(tenant: str, connection: Connection) -> str:
    """A tenant's connection as JSON: where it leads, and both strings."""
    return json.dumps(
        {
            "tenant": tenant,
            "project_id": connection.project_id,
            "organization": connection.organization,
            "branch": connection.branch,
            "host": connection.host,
            "pooled_host": connection.pooled_host,
            "database": connection.database,
            "role": connection.role,
            "pooled": connection.pooled.reveal(),
            "direct": connection.direct.reveal(),
        }
    )


def _private(path: Path, flag: str) -> int:
    """A descriptor of a file that nobody else can read, opened to append."""
    with writing(f"{flag} {path}"):
        descriptor = regular_files.open_to_write(path, append=True, mode=OWNER_ONLY)
    if os.fstat(descriptor).st_mode & 0o077:
        os.close(descriptor)
        raise InvalidInputError(
            f"{flag} {path}: others may read this file", hint=f"chmod 600 -- {shlex.quote(str(path))}"
        )
    return descriptor


def _with_variables(text: str, values: Mapping[str, str]) -> str:
    """The lines of a dotenv file with these variables set: in place, or at the end."""
    lines, rest = text.splitlines(), dict(values)
    for number, line in enumerate(lines):
        found = re.match(r"\s*(?:export\s+)?(\w+)\s*=", line)
        if found and found[1] in values:
            lines[number] = _assignment(found[1], values[found[1]])
            rest.pop(found[1], None)
    return "\n".join([*lines, *(_assignment(name, value) for name, value in rest.items())]) + "\n"


def _assignment(name: str, value: str) -> str:
    return f"{name}='{value.replace(chr(39), '%27')}'"


@contextmanager
def _leaving(what: str) -> Iterator[None]:
    """Raises OutputError, which begins with ``what``: a string did not get where it should."""
    try:
        yield
    except (OSError, UnicodeDecodeError, regular_files.UnreadableError) as error:
        raise OutputError(f"{what}: {getattr(error, 'strerror', None) or error}", hint=AGAIN) from error


def _require_one(tenants: Sequence[str], flag: str) -> None:
    if len(tenants) != 1:
        raise InvalidInputError(f"{flag} is for one tenant, not for {len(tenants)}", hint="use --connections-to")


def require_program(name: str, flag: str) -> None:
    """Raises InvalidInputError if a program that a flag names is not there."""
    if shutil.which(name) is None:
        raise InvalidInputError(f"{flag}: program {name!r} does not exist", hint="check its path")


def counted(connections: Mapping[str, Connection]) -> str:
    """``2 connection strings``."""
    return f"{len(connections)} connection string{'s' if len(connections) > 1 else ''}"
