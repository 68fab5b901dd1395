"""Ways to break the product on purpose, to show that the fuzzer notices: defects that it has found once."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC
from enum import Enum
from typing import TYPE_CHECKING
from unittest.mock import patch

from reconciler.files import entry
from reconciler.neon import conversion

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime


class Spoil(Enum):
    """What is broken."""

    NAMES = "names"
    """A name that JSON writes as a number is none: nothing is loaded, and nothing is said about it."""
    MOMENTS = "moments"
    """A moment that the calendar of UTC lacks raises OverflowError."""


def spoilt(how: Spoil | None) -> AbstractContextManager[object]:
    """Break it in the block."""
    match how:
        case None:
            return nullcontext()
        case Spoil.NAMES:
            return patch.object(entry, "text_of", _text_of)
        case Spoil.MOMENTS:
            return patch.object(conversion, "utc", _utc)


def _text_of(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
