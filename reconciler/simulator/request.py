"""One HTTP request to Neon's API, as it came."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from reconciler.simulator.faults import Script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope

    from reconciler.simulator.keys import Key

PREFIX: Final = "/api/v2"


@dataclass(frozen=True, slots=True)
class Request:
    """A request below ``/api/v2``."""

    method: str
    path: str
    """Decoded, below ``/api/v2``."""
    raw_path: str
    """Whole and still encoded: the name of a role or database may hold an encoded slash."""
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    """By lower-case names."""
    content: bytes
    id: str
    """The caller's, or one that was made for it."""
    key: Key | None
    """None for an unknown key."""
    arrived: float
    """Simulated seconds since 1970."""
    script: Script = field(default_factory=Script)
    later_seconds: float | None = None
    """After which a fault carries the request out; its connection breaks at once."""

    @property
    def media_type(self) -> str:
        """What the body says it is."""
        return self.headers.get("content-type", "")

    @property
    def org_id(self) -> str | None:
        """The organization of the key; None for a personal one."""
        return None if self.key is None else self.key.org_id


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers, by lower-case names."""
    return {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}


def query_of(scope: Scope) -> tuple[tuple[str, str], ...]:
    """The query's parameters in their order."""
    return tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def raw_path_of(scope: Scope) -> str:
    """The path as it was sent, without the query."""
    path: bytes = scope["raw_path"]
    return path.decode("latin-1").partition("?")[0]


def address_of(scope: Scope) -> str:
    """Where the request comes from."""
    return str(scope["client"][0]) if scope.get("client") else ""


async def content_of(receive: Receive) -> bytes:
    """The whole body."""
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
