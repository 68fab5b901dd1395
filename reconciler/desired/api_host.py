"""When two addresses of the API are the same, and when an address is Neon's own."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from reconciler.desired.address import NEON, NEON_PATH, read_api_address

_PORTS: Final = {"http": 80, "https": 443}
_KEY: Final = re.compile(r"napi_\w")
_BARE: Final = re.compile(r"[\w.-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")


def normal(address: str) -> str:
    """Return the canonical form of an address: lower case, without default port and final slash.

    Raises ValueError with the reason; the message never repeats the address.
    """
    if _KEY.search(address):
        raise ValueError("it contains an API key")
    parts = urlsplit(read_api_address(address))
    host = (parts.hostname or "").lower()
    shown = f"[{host}]" if ":" in host else host
    end = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{shown}{end}{parts.path}"


def allowed(word: str) -> str:
    """Return ``normal`` of an address, or of a host alone, which means its ``https`` address."""
    return normal(f"https://{word}{NEON_PATH}" if _BARE.fullmatch(word) else word)


def same(address: str, known: str) -> bool:
    """Return whether an address, valid or not, is another form of a known one."""
    try:
        return normal(address) == known
    except ValueError:
        return False


def foreign(address: str) -> str | None:
    """Return the address that every output shows if it is not Neon's own; None if it is."""
    found = normal(address)
    return None if found == NEON else found
