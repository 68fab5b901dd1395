"""One data directory of PostgreSQL, and the server that runs on it."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import psycopg

from reconciler.simulator.postgres.errors import PostgresError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from reconciler.simulator.postgres.programs import Programs

Connection: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"

ADMIN: Final = "cloud_admin"
"""Neon's own superuser, whose name no role can have."""

START_SECONDS: Final = 60
STOP_SECONDS: Final = 30
LOOK_EVERY_SECONDS: Final = 0.005

SETTINGS: Final = """
listen_addresses = ''           # the proxy listens, and connects through a socket
shared_buffers = '4MB'
fsync = off                     # only a crash of the whole machine loses rows
full_page_writes = off
wal_level = replica
wal_keep_size = '1000000GB'     # every moment can be returned to
max_wal_size = '1GB'
checkpoint_timeout = '1d'
timezone = 'UTC'
log_timezone = 'UTC'
"""
SETTINGS_BY_VERSION: Final = {18: "io_method = sync\n"}
"""From that version on."""

ACCESS: Final = f"local all {ADMIN} trust\nlocal all all scram-sha-256\n"
SOCKETS: Final = ".s.PGSQL."
_PID: Final = "postmaster.pid"
_launched: Final[dict[int, subprocess.Popen[bytes]]] = {}
"""The servers that this process has started, by their ids: it is told of their ends."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory. Its number names its socket, as a port does."""

    programs: Programs
    folder: Path
    sockets: Path
    number: int

    @property
    def socket(self) -> Path:
        """Where its server listens."""
        return self.sockets / f"{SOCKETS}{self.number}"

    def create(self) -> None:
        """Makes the data directory: no roles but the administrator, no databases but PostgreSQL's own."""
        options = ("--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--wal-segsize=1")
        self.programs.run("initdb", "-D", str(self.folder), "-U", ADMIN, *options)
        newer = "".join(text for since, text in SETTINGS_BY_VERSION.items() if self.programs.version >= since)
        with (self.folder / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(SETTINGS + newer)
        (self.folder / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")

    def copy_to(self, folder: Path) -> None:
        """Copies the data directory, whose server must not run."""
        self.programs.run("cp", "-Rp", str(self.folder), str(folder))

    def running(self) -> bool:
        """Whether its server accepts connections."""
        with socket.socket(socket.AF_UNIX) as probe:
            return (self.folder / _PID).exists() and probe.connect_ex(str(self.socket)) == 0

    def start(self, **settings: str) -> None:
        """Starts the server, and waits until it accepts connections. Raises PostgresError if it does not."""
        log = self.folder.with_suffix(".log")
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        arguments = ("-D", str(self.folder), "-p", str(self.number), "-k", str(self.sockets))
        process = self.programs.launch("postgres", *arguments, *options, log=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if self.running():  # costs next to nothing, beside an attempt that is refused
                with suppress(psycopg.OperationalError):
                    self._connect("postgres").close()
                    _launched[process.pid] = process
                    return
            time.sleep(LOOK_EVERY_SECONDS)
        process.kill()
        process.wait()
        raise PostgresError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Stops the server, if it runs: its sessions are told, their transactions rolled back."""
        pid = self._pid()
        if pid is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            if self._gone(pid):
                return
        raise PostgresError(f"PostgreSQL in {self.folder} does not stop")

    def _pid(self) -> int | None:
        """The process of the server; None if there is none."""
        try:
            pid = int((self.folder / _PID).read_text().partition("\n")[0])
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return pid

    def _gone(self, pid: int) -> bool:
        """Waits until the server has stopped; False if it takes too long."""
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            ours = _launched.get(pid)
            if self._pid() is None if ours is None else ours.poll() is not None:
                _launched.pop(pid, None)
                return True
            time.sleep(LOOK_EVERY_SECONDS)
        return False

    def recover(self, logs: Iterable[Path], **target: str) -> None:
        """Starts the server on a copy of an older directory, and replays logs up to a target first.

        ``target`` is a setting of PostgreSQL that begins with ``recovery_target_``. The logs must reach beyond it.
        """
        (self.folder / "recovery.signal").touch()
        self.programs.give(self.folder / "recovery.signal")
        copies = [f'cp {shlex.quote(str(log)).replace("%", "%%")}/%f "%p" 2>/dev/null' for log in logs]
        self.start(
            restore_command=" || ".join(copies), hot_standby="off", recovery_target_action="promote", **target
        )

    @contextmanager
    def connection(self, database: str = "postgres") -> Iterator[Connection]:
        """A connection of the administrator. Each statement is a transaction of its own."""
        with self._connect(database) as connection:
            yield connection

    def _connect(self, database: str) -> Connection:
        return psycopg.connect(
            host=str(self.sockets),
            port=self.number,
            user=ADMIN,
            dbname=database,
            sslmode="disable",
            options="",
            autocommit=True,
            connect_timeout=START_SECONDS,
        )
