"""An answer on its way, and the one place that renders errors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.refusal import Refusal

JSON: Final = "application/json"
FAULT_HEADER: Final = "x-simulator-fault"
"""On answers that a fault has made: they need not have the documented shape."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status with a JSON document, or with a body that is encoded already; neither is an empty body."""

    document: Any = None
    status: int = 200
    encoded: bytes | None = None
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None
    """Why the answer need not have the documented shape."""

    @classmethod
    def refused(cls, refusal: Refusal, request_id: str) -> Self:
        """The error answer (Neon: GeneralError, unless the refusal has a body of its own)."""
        body = refusal.body or {"request_id": request_id, "code": refusal.code, "message": str(refusal)}
        return cls(body, refusal.status, headers=refusal.headers)

    @property
    def content(self) -> bytes:
        """The body to send."""
        if self.encoded is not None:
            return self.encoded
        return b"" if self.document is None else msgspec.json.encode(self.document)

    def sealed(self, **headers: str) -> Answer:
        """The answer with these headers and its body encoded once."""
        return replace(self, encoded=self.content, headers={**self.headers, **headers})

    @property
    def header_lines(self) -> list[tuple[bytes, bytes]]:
        """All headers, as ASGI wants them."""
        lines = {**self.headers, "content-length": str(len(self.content))}
        if self.content or self.fault is not None:
            lines["content-type"] = self.media_type
        if self.fault is not None:
            lines[FAULT_HEADER] = self.fault
        return [(name.encode(), value.encode()) for name, value in lines.items()]
