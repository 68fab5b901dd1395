"""The port that connection strings point to: passes each connection on to the server of its compute's branch."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import psycopg

from reconciler.simulator.postgres import startup
from reconciler.simulator.postgres.admission import NO_SUCH_COMPUTE, NotAdmittedError
from reconciler.simulator.postgres.cluster import ADMIN
from reconciler.simulator.postgres.errors import PostgresError
from reconciler.simulator.postgres.startup import Cancel, NotPostgresError, Startup

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

LOOPBACK: Final = "127.0.0.1"
STARTUP_SECONDS: Final = 60.0
"""How long a client may take for its first message (PostgreSQL: authentication_timeout)."""

CHUNK_BYTES: Final = 65_536
NO_LOGIN: Final = "28000", f"role {ADMIN!r} is not permitted to log in"
FAILED: Final = "58000"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a connection is passed on to."""

    timeline: int
    socket: Path
    read_only: bool


@dataclass(eq=False, slots=True)
class Session:
    """One connection of a client, and the server that it is passed on to."""

    endpoint_id: str
    timeline: int
    client: socket.socket
    server: socket.socket
    used: bool = field(default=False)
    """Whether anything went through since somebody looked."""

    def end(self) -> None:
        """Breaks the connection, on both sides."""
        for each in (self.client, self.server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def relay(self) -> None:
        """Passes everything on until one side ends."""
        with selectors.DefaultSelector() as ready:
            ready.register(self.client, selectors.EVENT_READ, self.server)
            ready.register(self.server, selectors.EVENT_READ, self.client)
            while True:
                for key, _ in ready.select():
                    assert isinstance(key.fileobj, socket.socket)  # noqa: S101
                    part = key.fileobj.recv(CHUNK_BYTES)
                    if not part:
                        return
                    self.used = True
                    key.data.sendall(part)


class Proxy:
    """Listens on a port of 127.0.0.1, with a thread for each connection."""

    def __init__(
        self, port: int, route: Callable[[str], Route], turn: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """``route`` finds the server for a compute; within ``turn``, nobody else changes where one runs.

        Raises OSError if the port is in use; 0 picks a free one.
        """
        self._route = route
        self._turn = turn
        self._sessions: dict[int, Session] = {}
        self._closed = False
        self._listener = socket.create_server((LOOPBACK, port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def sessions(self) -> list[Session]:
        """The open connections."""
        return list(self._sessions.copy().values())

    def close(self) -> None:
        """Stops to listen, and ends all connections. A connection that is under way is not made any more."""
        self._closed = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for session in self.sessions:
            session.end()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, NotPostgresError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.settimeout(STARTUP_SECONDS)
            asked = startup.read_first_message(client)
            client.settimeout(None)
            if isinstance(asked, Cancel):
                self._cancel(asked)
                return
            try:
                session = self._connect(client, asked)
            except NotAdmittedError as refused:
                client.sendall(startup.refusal(refused.code, str(refused)))
            except (PostgresError, psycopg.Error) as failed:
                client.sendall(startup.refusal(FAILED, str(failed)))
            else:
                self._relay(session)

    def _connect(self, client: socket.socket, asked: Startup) -> Session:
        if asked.user == ADMIN:
            raise NotAdmittedError(*NO_LOGIN)
        if asked.endpoint_id is None:
            raise NotAdmittedError(*NO_SUCH_COMPUTE)
        with self._turn():
            if self._closed:
                raise NotPostgresError("the proxy is closed")
            route = self._route(asked.endpoint_id)
            session = Session(asked.endpoint_id, route.timeline, client, _connected(route.socket))
            session.server.sendall(asked.message(read_only=route.read_only))
            self._sessions[id(session)] = session
        return session

    def _relay(self, session: Session) -> None:
        try:
            with session.server:
                session.relay()
        finally:
            del self._sessions[id(session)]

    def _cancel(self, asked: Cancel) -> None:
        """Hands a request to cancel to every server that it can be for: only one of them knows its secret."""
        for server in {session.server.getpeername() for session in self.sessions}:
            with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
                connection.connect(server)
                connection.sendall(asked.message)


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection
