"""Values of files and documents in messages."""

from __future__ import annotations

import re
from typing import Final

SHOWN_LENGTH: Final = 60
_KEY_LIKE: Final = re.compile(r"napi_\w+")


def shown(value: object) -> str:
    """Return a value for a message: quoted, on one line, not too long, and never an API key."""
    text = repr(_KEY_LIKE.sub("napi_...", str(value)))
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}...'"


def looks_secret(text: str) -> bool:
    """Return whether the text looks like a Neon API key, which no message may repeat."""
    return _KEY_LIKE.search(text) is not None
