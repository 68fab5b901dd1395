"""The way of a command to the simulator in another process, on the virtual time of the command."""

from __future__ import annotations

import asyncio
import socket
from random import Random
from typing import TYPE_CHECKING, Final, TypeVar

import httpx
import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedRWPair
    from pathlib import Path

Message = TypeVar("Message", bound=msgspec.Struct)
Headers = list[tuple[bytes, bytes]]
LENGTH_BYTES: Final = 4


class Asked(msgspec.Struct, array_like=True):
    """One call."""

    now: float
    """Seconds since 1970 at which it arrives."""
    method: str
    url: str
    headers: Headers
    content: bytes


class Told(msgspec.Struct, array_like=True):
    """Its answer."""

    status: int
    headers: Headers
    content: bytes


def send(stream: BufferedRWPair, message: msgspec.Struct) -> None:
    """Writes one message."""
    content = msgspec.msgpack.encode(message)
    stream.write(len(content).to_bytes(LENGTH_BYTES, "big") + content)
    stream.flush()


def received(stream: BufferedRWPair, kind: type[Message]) -> Message | None:
    """The next message; None if the other side has hung up."""
    length = stream.read(LENGTH_BYTES)
    return msgspec.msgpack.decode(stream.read(int.from_bytes(length, "big")), type=kind) if length else None


class Elsewhere(httpx.AsyncBaseTransport):
    """Passes each call to the other process, and waits for it without letting time pass.

    ``shortest`` and ``longest`` are the simulated seconds of a call, half of them on the way there.
    """

    def __init__(self, address: Path, clock: Callable[[], float], shortest: float, longest: float) -> None:
        connected = socket.socket(socket.AF_UNIX)
        connected.connect(str(address))
        self._stream = connected.makefile("rwb")
        connected.close()  # once the stream is closed
        self._clock = clock
        self._latency = (shortest, longest)
        self._random = Random(0)  # noqa: S311 - as the simulator's gateway

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises EOFError if the other process has ended."""
        content = await request.aread()
        seconds = self._random.uniform(*self._latency) / 2
        await asyncio.sleep(seconds)
        send(self._stream, Asked(self._clock(), request.method, str(request.url), request.headers.raw, content))
        told = received(self._stream, Told)
        if told is None:
            raise EOFError("the simulator has ended")
        await asyncio.sleep(seconds)
        return httpx.Response(told.status, headers=told.headers, stream=httpx.ByteStream(told.content))

    async def aclose(self) -> None:
        """Hangs up."""
        self._stream.close()
