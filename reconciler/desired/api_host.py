"""When two addresses of the API are the same, and when one is Neon's own."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from reconciler.desired.address import NEON, NEON_PATH, read_api_address

_PORTS: Final = {"http": 80, "https": 443}
_KEY: Final = re.compile(r"napi_\w")
_BARE: Final = re.compile(r"[\w.-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")


def normal(address: str) -> str:
    """The one way to write an address: lower case, without default port and last slash.

    Raises ValueError that says what is wrong with it and repeats none of it.
    """
    if _KEY.search(address):
        raise ValueError("it holds an API key")
    parts = urlsplit(read_api_address(address))
    host = (parts.hostname or "").lower()
    shown = f"[{host}]" if ":" in host else host
    end = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{shown}{end}{parts.path}"


def allowed(word: str) -> str:
    """As ``normal``, of an address or of a host alone, which stands for its ``https`` address."""
    return normal(f"https://{word}{NEON_PATH}" if _BARE.fullmatch(word) else word)


def same(address: str, known: str) -> bool:
    """Whether an address, which may be none at all, is another way to write a known one."""
    try:
        return normal(address) == known
    except ValueError:
        return False


def foreign(address: str) -> str | None:
    """What every output shows of an address that is not Neon's own; None where it is Neon's."""
    found = normal(address)
    return None if found == NEON else found
