"""The cause of a failed connection to the API: the message, and whether another attempt can help."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.neon.http import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.neon.network import NetworkPath

NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout)
"""Errors that are raised before a request is sent."""
BROKEN_OFF: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""Errors of a connection that broke during the TLS handshake. They may be temporary."""
NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""Errors that mean that the name does not exist. EAI_AGAIN means that no name server answered."""
NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})
MOST_CAUSES: Final = 50


class ConnectionFailure(Struct, frozen=True):
    """``permanent``: the next attempt would fail in the same way."""

    why: str
    hint: str
    permanent: bool


def connection_failure(error: Exception, host: str, path: NetworkPath, *, known: bool) -> ConnectionFailure:
    """The cause of the failure. ``known``: the host has already answered in this run."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in NO_DESCRIPTOR:
            return ConnectionFailure(
                "the limit on open files is too low", "raise the limit: ulimit -n 1024", permanent=True
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, BROKEN_OFF):
            return _untrusted(cause, host, path)
    if path.proxy is not None:
        return _proxy_refuses(error, causes, path.proxy, path.variable)
    names = [cause for cause in causes if isinstance(cause, socket.gaierror)]
    unknown = any(cause.errno in NO_SUCH_NAME for cause in names)
    return ConnectionFailure(
        f"{host} cannot be reached: {_reason(error, causes)}",
        f"check the host {host} (--api-host), and the network of this machine",
        permanent=unknown and not known,
    )


def proxy_hint(path: NetworkPath) -> str | None:
    """The hint for a broken connection: it names the proxy, which may be the cause. None without a proxy."""
    return None if path.proxy is None else f"the connection goes through {path.proxy}"


def _untrusted(error: ssl.SSLError, host: str, path: NetworkPath) -> ConnectionFailure:
    between = f"; the connection goes through {path.proxy}" if path.proxy else ""
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = "add its certificate, or that of a proxy that inspects TLS, to the file that SSL_CERT_FILE names"
        why = f"the certificate of {host} is not trusted: {error.verify_message}"
        return ConnectionFailure(why, f"{hint}{between}", permanent=True)
    reason = (error.reason or "no common protocol").lower().replace("_", " ")
    hint = f"check whether {host} and its port serve https://{between}"
    return ConnectionFailure(f"the TLS handshake with {host} failed: {reason}", hint, permanent=True)


def _proxy_refuses(
    error: Exception, causes: tuple[BaseException, ...], proxy: str, variable: str | None
) -> ConnectionFailure:
    named = variable or "the settings"
    if not isinstance(error, httpx.ProxyError):
        unknown = any(isinstance(cause, socket.gaierror) and cause.errno in NO_SUCH_NAME for cause in causes)
        hint = f"correct {named}, or add the host to NO_PROXY"
        return ConnectionFailure(f"{proxy} cannot be reached: {_reason(error, causes)}", hint, permanent=unknown)
    message = str(error)
    if message.startswith("407") or "username/password" in message.lower():
        hint = f"set the user name and password of the proxy in {named}: http://user:password@host:port"
        return ConnectionFailure(
            f"{proxy} requires a valid user name and password: {message}", hint, permanent=True
        )
    hint = f"check whether the proxy permits the host; correct {named}, or add the host to NO_PROXY"
    passing = message.startswith("5") or ("could not connect" in message and "not allowed" not in message)
    return ConnectionFailure(f"{proxy} refuses the connection: {message}", hint, permanent=not passing)


def _reason(error: Exception, causes: tuple[BaseException, ...]) -> str:
    """The message of the operating system if there is one: the errors that wrap it contain less."""
    for cause in reversed(causes):
        if isinstance(cause, socket.gaierror):
            return str(cause.strerror)
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
            return os.strerror(cause.errno)
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes, the first cause last. Includes the members of exception groups."""
    waiting, seen = [error], 0
    while waiting and seen < MOST_CAUSES:
        found = waiting.pop(0)
        seen += 1
        yield found
        if isinstance(found, BaseExceptionGroup):
            waiting.extend(found.exceptions)
        if cause := found.__cause__ or found.__context__:
            waiting.append(cause)
