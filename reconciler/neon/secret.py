"""What an answer of the API may repeat and no message may show: API keys, and passwords in addresses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.secret import HIDDEN

if TYPE_CHECKING:
    from reconciler.secret import Secret

_PASSWORD_IN_URL = re.compile(r"(?<=://)(?:[^\s:/]*:\S*|[^/\s@]+)(?=@)")
"""A user with a password, up to the last ``@`` before a space, because people write passwords as they are, with
``/`` and ``@``; or a word in the user's place, which may be a key. An address with a path alone stays."""
_API_KEY = re.compile(r"\bnapi_\w+")
"""Neon: API keys begin with ``napi_``."""


def redact(text: str, *secrets: Secret) -> str:
    """Text from outside without these secrets, and without what looks like a password or a key."""
    for secret in secrets:
        text = secret.hidden_in(text)
    return _API_KEY.sub(HIDDEN, _PASSWORD_IN_URL.sub(HIDDEN, text))
