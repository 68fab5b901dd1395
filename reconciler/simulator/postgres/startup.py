"""The first message of a connection to PostgreSQL, and the last one to a client that is refused.

Source: PostgreSQL, "Message Formats": StartupMessage, SSLRequest, GSSENCRequest, CancelRequest, ErrorResponse.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

LARGEST_BYTES: Final = 10_000
"""PostgreSQL's own limit for a startup message."""

_ENCRYPTION: Final = frozenset({80_877_103, 80_877_104})
"""SSLRequest and GSSENCRequest."""
_CANCEL: Final = 80_877_102
_NO: Final = b"N"
_ENDPOINT: Final = "endpoint="
_POOLER: Final = "-pooler"


class NotPostgresError(Exception):
    """The client does not speak PostgreSQL's protocol, or has gone."""


@dataclass(frozen=True, slots=True)
class Startup:
    """What a client says first: who it is, and what it wants to use."""

    protocol: int
    parameters: tuple[tuple[str, str], ...]

    @property
    def user(self) -> str:
        """The role."""
        return dict(self.parameters).get("user", "")

    @property
    def endpoint_id(self) -> str | None:
        """The compute, as Neon takes it from clients that send no host name: ``options=endpoint=ep-...``."""
        for word in self._options():
            if word.startswith(_ENDPOINT):
                return word.removeprefix(_ENDPOINT).removesuffix(_POOLER)
        return None

    def message(self, *, read_only: bool) -> bytes:
        """The message as the server is to get it: PostgreSQL has no option that names a compute."""
        options = [word for word in self._options() if not word.startswith(_ENDPOINT)]
        options += ["-c default_transaction_read_only=on"] * read_only
        parameters = {**dict(self.parameters), "options": " ".join(options)}
        body = struct.pack("!I", self.protocol)
        for name, value in parameters.items():
            body += name.encode() + b"\0" + value.encode() + b"\0"
        return _message(body + b"\0")

    def _options(self) -> Iterator[str]:
        yield from dict(self.parameters).get("options", "").split()


@dataclass(frozen=True, slots=True)
class Cancel:
    """A request to cancel what another connection does; whose it is, only its server knows."""

    message: bytes


def read_first_message(client: socket.socket) -> Startup | Cancel:
    """The first message of a client; encryption is declined. Raises NotPostgresError."""
    while True:
        (length,) = struct.unpack("!I", _exactly(client, 4))
        if not 8 <= length <= LARGEST_BYTES:
            raise NotPostgresError(f"a first message of {length} bytes")
        body = _exactly(client, length - 4)
        (code,) = struct.unpack_from("!I", body)
        if code == _CANCEL:
            return Cancel(_message(body))
        if code not in _ENCRYPTION:
            return Startup(code, _parameters(body[4:]))
        client.sendall(_NO)


def _parameters(body: bytes) -> tuple[tuple[str, str], ...]:
    try:
        words = body.rstrip(b"\0").decode().split("\0")
    except UnicodeDecodeError as error:
        raise NotPostgresError(str(error)) from None
    if len(words) % 2:
        words.append("")  # the last value is empty
    return tuple(zip(words[::2], words[1::2], strict=True))


def refusal(code: str, message: str) -> bytes:
    """What a client gets that may not connect. ``code`` is an SQLSTATE."""
    fields = {"S": "FATAL", "V": "FATAL", "C": code, "M": message}
    body = b"".join(name.encode() + value.encode() + b"\0" for name, value in fields.items())
    return b"E" + _message(body + b"\0")


def _message(body: bytes) -> bytes:
    return struct.pack("!I", len(body) + 4) + body


def _exactly(client: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = client.recv(count - len(received))
        if not part:
            raise NotPostgresError("the client has gone")
        received += part
    return received
