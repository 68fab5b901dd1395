"""The address of the API: when two are the same, and when it is Neon's own."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

NEON: Final = "https://console.neon.tech/api/v2"
"""Neon: the server that the API reference names."""
_PATH: Final = "/api/v2"
"""What a host without an address around it stands for."""
_PORTS: Final = {"http": 80, "https": 443}
_UNFIT: Final = re.compile(r"[\s\\?#@]|[^ -\U0010ffff]|napi_\w")
"""No address that is meant holds a space, a user, a query, a fragment or one of Neon's keys."""
_BARE: Final = re.compile(r"[\w.-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")


def normal(address: str) -> str | None:
    """The one way to write an address: lower case, ASCII, without default port and last slash; None for none."""
    if _UNFIT.search(address):
        return None
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").removesuffix(".").encode("idna").decode().lower()
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    shown = f"[{host}]" if ":" in host else host
    end = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{shown}{end}{parts.path.rstrip('/')}"


def allowed(word: str) -> str | None:
    """As ``normal``, of an address or of a host alone, which stands for its ``https`` address; None for none."""
    return normal(f"https://{word}{_PATH}" if _BARE.fullmatch(word) else word)


def foreign(address: str) -> str | None:
    """What every output shows of an address that is not Neon's own; None where it is Neon's."""
    found = normal(address)
    return None if found == NEON else found
