"""The address of an API: what a base URL may look like, wherever it was written."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import unquote

NEON_DOMAIN: Final = "neon.tech"
NEON_PATH: Final = "/api/v2"
NEON: Final = f"https://console.{NEON_DOMAIN}{NEON_PATH}"
EXAMPLE: Final = f"as in {NEON}"
LONGEST: Final = 500
LONGEST_NAME: Final = 253
"""Characters of a host name (RFC 1035)."""
HIGHEST_PORT: Final = 65_535

_FORM: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>\[[^\]]*\]|[^/:\[\]]*)(?::(?P<port>[^/]*))?(?P<path>/.*)?"
)
_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~:/\[\]@!&'()*+,;=%?#-]*")
"""Of a URL (RFC 3986), but for the dollar sign: that is left of a variable which nobody has filled in."""
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_api_address(text: str) -> str:
    """The address that all API paths are appended to, without a slash at its end.

    Raises ValueError that says what is wrong with it and repeats none of it: it may hold a password, or be a key
    in the wrong place.
    """
    address = text.strip(" \t\r\n").rstrip("/")
    if not address:
        raise ValueError("it is empty")
    if len(text) > LONGEST:
        raise ValueError(f"it has more than {LONGEST} characters")
    found = _parts(address)
    scheme, host = found["scheme"].lower(), found["host"]
    if scheme not in {"http", "https"}:
        raise ValueError("it must begin with https://")
    check_host(host)
    check_port(found["port"])
    _check_path(host, found["path"] or "")
    if scheme == "http" and not is_this_machine(host):
        raise ValueError("it would carry API keys in clear: it must begin with https://")
    return address


def _parts(address: str) -> re.Match[str]:
    if "$" in address:
        raise ValueError("it holds a `$`: a variable that nothing has filled in")
    if not _CHARACTERS.fullmatch(address):
        raise ValueError("it holds a character that no address has, such as a space")
    if "@" in address:
        raise ValueError("it must not hold a user name or password")
    if "?" in address or "#" in address:
        raise ValueError("it must end with its path: no `?` and no `#`")
    found = _FORM.fullmatch(address)
    if found is None:
        raise ValueError("it is no address that begins with https:// and a host")
    return found


def check_host(host: str) -> None:
    """Raises ValueError for what is neither a host name in ASCII nor an IP address (IPv6 in brackets)."""
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
        raise ValueError("its host is no valid IP address") from None
    if "%" in host:
        raise ValueError("its host is no valid IP address: no network interface can be named")


def _check_name(host: str) -> None:
    if not host:
        raise ValueError("it names no host")
    labels = host.split(".")
    if len(host) > LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("its host is no valid host name")
    for label in labels:
        if label.lower().startswith("xn--"):
            _check_punycode(label)


def _check_punycode(label: str) -> None:
    import idna  # noqa: PLC0415 - large tables, of use for names in other scripts only

    try:
        idna.decode(label)
    except UnicodeError:
        raise ValueError("its host is no valid host name: a part that begins with xn--") from None


def check_port(port: str | None) -> None:
    """Raises ValueError for what is no port; None is a port that is not named."""
    if port is None:
        return
    if not _PORT.fullmatch(port) or not 1 <= int(port) <= HIGHEST_PORT:
        raise ValueError(f"its port is no number from 1 to {HIGHEST_PORT}")


def _check_path(host: str, path: str) -> None:
    if _BROKEN_ESCAPE.search(path) or "[" in path or "]" in path:
        raise ValueError("its path is not valid")
    segments = unquote(path, "latin-1").split("/")[1:]
    if any(segment in {"", ".", ".."} for segment in segments):
        raise ValueError("its path holds an empty part, `.` or `..`")
    if f".{host.lower()}".endswith(f".{NEON_DOMAIN}") and path != NEON_PATH:
        raise ValueError(f"the path of Neon's own API is {NEON_PATH}")


def is_this_machine(host: str) -> bool:
    """Whether a host is the loopback interface, to which a key may go in clear."""
    bare = host.removeprefix("[").removesuffix("]")
    try:
        return bare.lower() == "localhost" or ip_address(bare).is_loopback
    except ValueError:
        return False
