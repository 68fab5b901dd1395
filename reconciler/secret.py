"""Values that must not be shown: API keys, connection strings, and the values of environment variables."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "***"
"""The text that replaces a secret."""
SHORTEST: Final = 8
"""The shortest secret, in characters, that is replaced. Neon's keys are longer; a shorter value may be part of
other words."""

_PASSWORD_IN_URL = re.compile(r"(?<=://)(?:[^\s:/]*:\S*|[^/\s@]+)(?=@)")
"""A user name with a password, up to the last ``@`` before a space, because passwords may contain ``/`` and ``@``
unescaped. Also a user name without a password, which may be a key. An address without a user does not match."""
_API_KEY = re.compile(r"\bnapi_\w+")
"""Neon: API keys begin with ``napi_``."""


class Secret:
    """A text that messages, reprs and logs do not show. Only ``reveal`` returns it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Returns the text, for a request header or for an output that the user has chosen."""
        return self._text

    def looks_like(self, pattern: re.Pattern[str]) -> bool:
        """Whether the whole text matches the pattern."""
        return pattern.fullmatch(self._text) is not None

    def hidden_in(self, text: str) -> str:
        """Replaces this secret in the text, unless the secret is shorter than ``SHORTEST``."""
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
        raise TypeError("a secret cannot be pickled or copied")


def redact(text: str, *secrets: Secret) -> str:
    """Replaces these secrets in the text, and everything that looks like a password or an API key."""
    for secret in secrets:
        text = secret.hidden_in(text)
    return _API_KEY.sub(HIDDEN, _PASSWORD_IN_URL.sub(HIDDEN, text))
