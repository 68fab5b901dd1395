"""The network path from this machine to the API: the proxy and the certificates that the environment names.

This module alone reads these variables, before the first call. The error for an invalid variable names the
variable and not its value, which may contain a password.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.request import getproxies

import certifi
from msgspec import Struct

from reconciler.desired.address import check_host, check_port
from reconciler.errors import InvalidInputError, MachineError
from reconciler.neon.http import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

PROXY_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
LONGEST_SOCKS_WORD: Final = 255
"""The maximum length of a user name and of a password, in bytes (RFC 1929)."""
CERTIFICATES_HINT: Final = (
    "name certificates in PEM format, or unset the variable to trust the certificates of the package certifi"
)


class NetworkPath(Struct, frozen=True):
    """The transport of requests to the API, and the name of the proxy in messages, if there is a proxy."""

    transport: httpx.AsyncBaseTransport
    proxy: str | None = None
    variable: str | None = None
    """The variable that names the proxy. None if the settings of the operating system name it."""


def network_path_to(url: httpx.URL, limits: httpx.Limits) -> NetworkPath:
    """The network path to this address. Raises InvalidInputError for a proxy or certificates that cannot be used.

    Addresses with http:// are on this machine and use no proxy.
    """
    certificates = trusted_certificates(os.environ, usual=url.scheme == "https")
    proxies = getproxies()
    scheme = _proxied_by(url, proxies)
    if scheme is None:
        return NetworkPath(
            _ClosingTransport(httpx.AsyncHTTPTransport(verify=certificates, trust_env=False, limits=limits))
        )
    variable = _variable(scheme)
    named = f"the proxy that ${variable} names" if variable else "the proxy of the operating system's settings"
    proxy = _proxy(proxies[scheme], variable or "the proxy in the settings", certificates)
    carrier = httpx.AsyncHTTPTransport(verify=certificates, trust_env=False, limits=limits, proxy=proxy)
    return NetworkPath(_ClosingTransport(carrier, socks=proxy.url.scheme.startswith("socks")), named, variable)


def trusted_certificates(environ: Mapping[str, str], *, usual: bool = True) -> ssl.SSLContext:
    """A TLS context with the certificates of SSL_CERT_FILE, otherwise of SSL_CERT_DIR, otherwise of certifi.

    Those of certifi only if ``usual``, because reading them takes longer than a short command needs in all.
    Raises InvalidInputError if they cannot be read, or are not certificates.
    """
    # Not ssl.create_default_context: it writes the secrets of every connection to the file $SSLKEYLOGFILE. They
    # decrypt recorded traffic, and with it the API keys.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if file := environ.get("SSL_CERT_FILE"):
        _load_file(context, Path(file))
    elif folders := environ.get("SSL_CERT_DIR"):
        _load_folders(context, folders)
    elif usual:
        try:
            context.load_verify_locations(cafile=certifi.where())
        except OSError as error:  # ssl.SSLError is one
            raise MachineError(
                f"the certificates of the package certifi cannot be read: {error.strerror or error}",
                hint="install certifi again, or name other certificates with SSL_CERT_FILE",
            ) from error
    return context


def _load_file(context: ssl.SSLContext, file: Path) -> None:
    try:
        if file.exists() and not file.is_file():
            raise _unusable("SSL_CERT_FILE", "it does not name a file")
        context.load_verify_locations(cafile=file)
    except ssl.SSLError as error:
        raise _unusable("SSL_CERT_FILE", "the file contains no readable certificate") from error
    except (OSError, ValueError) as error:
        raise _unusable("SSL_CERT_FILE", _why(error)) from error


def _load_folders(context: ssl.SSLContext, folders: str) -> None:
    """OpenSSL reads a certificate when it is needed, from a file named by its hash: ``5ad8a5d6.0``."""
    try:
        found = [name for folder in folders.split(os.pathsep) if folder for name in os.listdir(folder)]  # noqa: PTH208
        context.load_verify_locations(capath=folders)
    except (OSError, ValueError) as error:
        raise _unusable("SSL_CERT_DIR", _why(error)) from error
    if not any(_is_hashed(name) for name in found):
        raise _unusable(
            "SSL_CERT_DIR",
            "the folder contains no certificate named by its hash (run `openssl rehash` on the folder)",
        )


def _is_hashed(name: str) -> bool:
    stem, _, number = name.partition(".")
    return len(stem) == 8 and set(stem) <= set("0123456789abcdef") and number.isdecimal()


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "it is not a path"


def _unusable(variable: str, why: str) -> InvalidInputError:
    return InvalidInputError(f"${variable} cannot be used: {why}", hint=CERTIFICATES_HINT)


def _proxied_by(url: httpx.URL, proxies: Mapping[str, str]) -> str | None:
    """The key in ``proxies`` of the proxy for an address. None if the address uses no proxy."""
    if url.scheme != "https" or _goes_directly(url, proxies.get("no", "")):
        return None
    return next((scheme for scheme in ("https", "all") if proxies.get(scheme)), None)


def _goes_directly(url: httpx.URL, no_proxy: str) -> bool:
    """Whether NO_PROXY names the host, a domain that contains it (either with a port), or ``*`` for all hosts."""
    host = url.raw_host.decode("ascii").strip("[]").lower()
    port = url.port or 443
    for entry in no_proxy.lower().split(","):
        name = entry.strip().partition("://")[2] or entry.strip()
        name = name.removesuffix(f":{port}").strip("[]").removeprefix("*").lstrip(".")
        if entry.strip() == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
    return False


def _variable(scheme: str) -> str | None:
    """The environment variable with the proxy of a scheme. Lower case has precedence."""
    name = f"{scheme}_proxy"
    if os.environ.get(name):
        return name
    return next((found for found in os.environ if found.lower() == name), None)


def _proxy(text: str, variable: str, certificates: ssl.SSLContext) -> httpx.Proxy:
    stated = text.strip()
    stated = stated if "://" in stated else f"http://{stated}"
    try:
        return httpx.Proxy(_checked(stated), ssl_context=certificates if stated.startswith("https") else None)
    except (ValueError, httpx.InvalidURL) as error:  # idna.IDNAError is a ValueError
        raise InvalidInputError(
            f"${variable} cannot be used: {_words(error)}",
            hint="use the form http://proxy.example:8080 or socks5://proxy.example:1080; or set NO_PROXY",
        ) from None


def _words(error: Exception) -> str:
    """The message of an error. Messages of httpx are not used: they repeat parts of the address."""
    return "it is not the address of a proxy" if isinstance(error, httpx.InvalidURL | UnicodeError) else str(error)


def _checked(stated: str) -> httpx.URL:
    """The address of a proxy. Raises ValueError whose message repeats no part of it, or httpx.InvalidURL."""
    scheme, _, rest = stated.partition("://")
    if scheme.lower() not in PROXY_SCHEMES:
        raise ValueError(
            f"the address of a proxy must begin with {' or '.join(f'{known}://' for known in PROXY_SCHEMES)}"
        )
    authority = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
    host, colon, port = _split_port(authority)
    check_host(host)
    check_port(port if colon else None)
    url = httpx.URL(stated)
    words = (url.username, url.password)
    if scheme.lower().startswith("socks") and max(len(word.encode()) for word in words) > LONGEST_SOCKS_WORD:
        raise ValueError(
            f"the user name and the password of a SOCKS proxy have at most {LONGEST_SOCKS_WORD} bytes each"
        )
    return url


def _split_port(authority: str) -> tuple[str, str, str]:
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        return host + bracket, rest[:1], rest[1:]
    return authority.partition(":")


class _ClosingTransport(httpx.AsyncBaseTransport):
    """Closes the sockets of failed connections, and raises their errors as errors of httpx.

    httpcore does not close a socket if its TLS handshake is cancelled or its SOCKS handshake fails, and does not
    convert the errors of a SOCKS handshake.
    """

    def __init__(self, carrier: httpx.AsyncBaseTransport, *, socks: bool = False) -> None:
        self._carrier = carrier
        self._socks = socks

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.TransportError; httpx.ProxyError if a proxy does not answer with SOCKS."""
        opened: list[Any] = []

        async def note(event: str, about: Mapping[str, Any]) -> None:
            if event.endswith("connect_tcp.complete"):
                opened.append(about["return_value"])

        request.extensions["trace"] = note
        try:
            return await self._carrier.handle_async_request(request)
        except BaseException as error:
            for stream in opened:
                await stream.aclose()
            named = isinstance(error, httpx.TransportError) or not isinstance(error, Exception)
            if named or not self._socks:
                raise
            raise httpx.ProxyError("the response is not SOCKS 5") from error

    async def __aenter__(self) -> _ClosingTransport:
        await self._carrier.__aenter__()
        return self

    async def __aexit__(self, *ended: Any) -> None:
        await self._carrier.__aexit__(*ended)
