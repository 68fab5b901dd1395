"""What the judge looks at: the two sides of an exchange, whatever carried them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    """Still encoded, without the query."""
    query: Sequence[tuple[str, str]]
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it went. One that a scripted fault has made is broken on purpose, and has no rules."""

    status: int
    media_type: str
    content: bytes
    scripted: bool = False
