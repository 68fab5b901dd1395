"""The stranger's host: it listens, answers whatever makes a client say more, and keeps every byte."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

_LONGEST_SILENCE_SECONDS: Final = 5
"""Of a client that holds its connection. Nothing is measured by it."""
_PATIENCE_SECONDS: Final = 60
_TLS: Final = b"\x16"
_NO_HANDSHAKE: Final = b"\x15\x03\x01\x00\x02\x02\x28"
_POSTGRES_WANTS_TLS: Final = (b"\x00\x00\x00\x08\x04\xd2\x16\x2f", b"\x00\x00\x00\x08\x04\xd2\x16\x30")
_POSTGRES_STARTS: Final = b"\x00\x03\x00\x00"
_POSTGRES_NO: Final = b"N"
_POSTGRES_PASSWORD_PLEASE: Final = b"R\x00\x00\x00\x08\x00\x00\x00\x03"
_REFUSAL: Final = b'{"message": "no"}'
_FORBIDDEN: Final = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(_REFUSAL), _REFUSAL)
)


@dataclass(slots=True)
class _Visit:
    """A connection, and what was said on it."""

    port: int
    """The client's."""
    said: bytearray = field(default_factory=bytearray)
    over: threading.Event = field(default_factory=threading.Event)


class Stranger:
    """A host on 127.0.0.1 that the fleet does not know. It speaks HTTP, and asks PostgreSQL for a password."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._visits: list[_Visit] = []
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def heard(self) -> list[bytes]:
        """What was said on each connection since the last time; an empty entry is a connection without a word.

        Their clients have ended: a connection of our own comes after theirs, and each is read to its end.
        """
        with socket.create_connection(("127.0.0.1", self.port)) as ours:
            port = ours.getsockname()[1]
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not any(visit.port == port for visit in self._visits):
            assert time.monotonic() < deadline, "the stranger no longer listens"
            time.sleep(0.001)
        visits, self._visits = self._visits, []
        for visit in visits:
            visit.over.wait()
        return [bytes(visit.said) for visit in visits if visit.port != port]

    def _listen(self) -> None:
        while self._listener.fileno() >= 0:  # a client that goes away ends no more than its own visit
            with contextlib.suppress(OSError):
                connection, (_, port) = self._listener.accept()
                visit = _Visit(port)
                threading.Thread(target=_talk, args=(connection, visit), daemon=True).start()
                self._visits.append(visit)


def _talk(connection: socket.socket, visit: _Visit) -> None:
    try:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(_LONGEST_SILENCE_SECONDS)
            while said := connection.recv(65_536):
                visit.said += said
                answer, over = _answer(said)
                connection.sendall(answer)
                if over:
                    return
    finally:
        visit.over.set()


def _answer(said: bytes) -> tuple[bytes, bool]:
    """What makes the client say more, and whether that was all."""
    if said in _POSTGRES_WANTS_TLS:
        return _POSTGRES_NO, False
    if said[4:8] == _POSTGRES_STARTS:
        return _POSTGRES_PASSWORD_PLEASE, False
    if said.startswith(_TLS):
        return _NO_HANDSHAKE, True
    return _FORBIDDEN, True
