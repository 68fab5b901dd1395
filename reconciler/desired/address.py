"""The address of an API: the rules for a base URL, wherever it was written."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

NEON_DOMAIN: Final = "neon.tech"
NEON_PATH: Final = "/api/v2"
NEON: Final = f"https://console.{NEON_DOMAIN}{NEON_PATH}"
EXAMPLE: Final = f"for example {NEON}"
LONGEST: Final = 500
LONGEST_NAME: Final = 253
"""Characters of a host name (RFC 1035)."""
HIGHEST_PORT: Final = 65_535

_FORM: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>\[[^\]]*\]|[^/:\[\]]*)(?::(?P<port>[^/]*))?(?P<path>/.*)?"
)
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~:/\[\]@!&'()*+,;=%?#-]*")
"""Characters of a URL (RFC 3986), except the dollar sign, which indicates an unset variable."""
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_api_address(text: str) -> str:
    """Return the address that all API paths are appended to, without a final slash.

    Raises ValueError with the reason. The message never repeats the address: it may contain a password, or be a
    misplaced key.
    """
    address = text.strip(" \t\r\n").rstrip("/")
    if not address:
        raise ValueError("it is empty")
    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters")
    found = _parts(address)
    scheme, host = found["scheme"].lower(), found["host"]
    if scheme not in {"http", "https"}:
        raise ValueError("it must start with https://")
    check_host(host)
    check_port(found["port"])
    _check_path(host, found["path"] or "")
    if scheme == "http" and not is_this_machine(host):
        raise ValueError("it would send API keys unencrypted: it must start with https://")
    return address


def _parts(address: str) -> re.Match[str]:
    if "$" in address:
        raise ValueError("it contains a `$`: a variable that was not filled in")
    if not _CHARACTERS.fullmatch(address):
        raise ValueError("it contains a character that is not allowed in an address, such as a space")
    if "@" in address:
        raise ValueError("it must not contain a user name or password")
    if "?" in address or "#" in address:
        raise ValueError("it must not contain `?` or `#`")
    found = _FORM.fullmatch(address)
    if found is None:
        raise ValueError("it is not an address that starts with https:// and a host")
    return found


def check_host(host: str) -> None:
    """Raise ValueError for anything that is neither an ASCII host name nor an IP address (IPv6 in brackets)."""
    if host.startswith("["):
        _check_ip(IPv6Address, host[1:-1])
    elif re.fullmatch(r"(.*\.)?[0-9]+", host):  # no top-level domain is a number
        _check_ip(IPv4Address, host)
    else:
        _check_name(host)


def _check_ip(kind: type[IPv4Address | IPv6Address], host: str) -> None:
    try:
        kind(host)
    except AddressValueError:
        raise ValueError("its host is not a valid IP address") from None
    if "%" in host:
        raise ValueError("its host is not a valid IP address: a network interface is not allowed")


def _check_name(host: str) -> None:
    if not host:
        raise ValueError("it has no host")
    labels = host.split(".")
    if len(host) > LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("its host is not a valid host name")
    for label in labels:
        if label.lower().startswith("xn--"):
            _check_punycode(label)


def _check_punycode(label: str) -> None:
    import idna  # noqa: PLC0415 - large tables, needed for internationalized names only

    try:
        idna.decode(label)
    except UnicodeError:
        raise ValueError("its host is not a valid host name: the part that starts with xn--") from None


def check_port(port: str | None) -> None:
    """Raise ValueError for an invalid port; None means that no port is given."""
    if port is None:
        return
    if not _PORT.fullmatch(port) or not 1 <= int(port) <= HIGHEST_PORT:
        raise ValueError(f"its port is not a number from 1 to {HIGHEST_PORT}")


def _check_path(host: str, path: str) -> None:
    if _BROKEN_ESCAPE.search(path) or "[" in path or "]" in path:
        raise ValueError("its path is not valid")
    segments = unquote(path, "latin-1").split("/")[1:]
    if any(segment in {"", ".", ".."} for segment in segments):
        raise ValueError("its path contains an empty part, `.` or `..`")
    if f".{host.lower()}".endswith(f".{NEON_DOMAIN}") and path != NEON_PATH:
        raise ValueError(f"the path of Neon's own API is {NEON_PATH}")


def is_this_machine(host: str) -> bool:
    """Return whether a host is the loopback interface, which may get a key unencrypted."""
    bare = host.removeprefix("[").removesuffix("]")
    try:
        return bare.lower() == "localhost" or ip_address(bare).is_loopback
    except ValueError:
        return False


_PORTS: Final = {"http": 80, "https": 443}
_KEY: Final = re.compile(r"napi_\w")
_BARE: Final = re.compile(r"[\w.-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")


def canonical(address: str) -> str:
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


def canonical_host(word: str) -> str:
    """Return ``canonical`` of an address, or of a host alone, which means its ``https`` address."""
    return canonical(f"https://{word}{NEON_PATH}" if _BARE.fullmatch(word) else word)


def is_same_address(address: str, known: str) -> bool:
    """Return whether an address, valid or not, is another form of a known one."""
    try:
        return canonical(address) == known
    except ValueError:
        return False


def address_to_show(address: str) -> str | None:
    """Return the address that every output shows if it is not Neon's own; None if it is."""
    found = canonical(address)
    return None if found == NEON else found
