"""The log of what was asked and answered, without keys and without answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.request import Request
    from reconciler.simulator.types import Json


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with the status of its answer; a status of None is a connection that broke."""

    method: str
    path: str
    """Below ``/api/v2``."""
    query: Mapping[str, str]
    content: bytes
    status: int | None
    request_id: str
    at: float
    """Simulated seconds since 1970 at which it arrived."""
    key_kind: str | None
    org_id: str | None
    """The organization of the key; None for a personal one."""

    @classmethod
    def of(cls, request: Request, status: int | None) -> Self:
        """The exchange of a request that was answered so."""
        return cls(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            content=request.content,
            status=status,
            request_id=request.id,
            at=request.arrived,
            key_kind=None if request.key is None else request.key.kind.value,
            org_id=request.org_id,
        )

    @property
    def body(self) -> Json:
        """The request body; None where there was none that is JSON."""
        try:
            decoded: Json = msgspec.json.decode(self.content)
        except (msgspec.DecodeError, RecursionError):
            return None
        return decoded

    @property
    def line(self) -> str:
        """Like ``PATCH /projects/quiet-lake-12345678``."""
        return f"{self.method} {self.path}"
