"""Values that must not be shown: API keys, connection strings, everything the environment holds."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "***"
"""Replaces a secret."""
SHORTEST: Final = 8
"""A shorter value is not a key of Neon's; to replace it would damage other words."""

_PASSWORD_IN_URL = re.compile(r"(?<=://)(?:[^\s:/]*:\S*|[^/\s@]+)(?=@)")
"""A user with a password, up to the last ``@`` before a space, because people write passwords as they are, with
``/`` and ``@``; or a word in the user's place, which may be a key. An address with a path alone stays."""
_API_KEY = re.compile(r"\bnapi_\w+")
"""Neon: API keys begin with ``napi_``."""


class Secret:
    """A text that no message, repr or log shows; only ``reveal`` returns it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for a request header, or for a destination that the user has chosen."""
        return self._text

    def looks_like(self, pattern: re.Pattern[str]) -> bool:
        """Whether the whole text matches the pattern."""
        return pattern.fullmatch(self._text) is not None

    def hidden_in(self, text: str) -> str:
        """The text with this secret replaced, unless the secret is shorter than ``SHORTEST``."""
        return text.replace(self._text, HIDDEN) if len(self._text) >= SHORTEST else text

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not written anywhere")


def redact(text: str, *secrets: Secret) -> str:
    """The text with these secrets replaced, and everything that looks like a password or a key."""
    for secret in secrets:
        text = secret.hidden_in(text)
    return _API_KEY.sub(HIDDEN, _PASSWORD_IN_URL.sub(HIDDEN, text))
