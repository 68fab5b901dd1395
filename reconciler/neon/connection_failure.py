"""Why a connection to the API failed: the message, and whether another attempt can help."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.neon.network import NetworkPath

NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout)
"""What is raised before a request has left."""
BROKEN_OFF: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""A connection that broke while TLS was agreed on: any connection may break."""
NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""The name servers answered that there is no such name; EAI_AGAIN says that they did not answer."""
NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})
MOST_CAUSES: Final = 50


@dataclass(frozen=True, slots=True)
class ConnectionFailure:
    """``lasts``: the next attempt would fail in the same way."""

    why: str
    hint: str
    lasts: bool


def connection_failure(error: Exception, host: str, path: NetworkPath, *, known: bool) -> ConnectionFailure:
    """Why the connection failed. ``known``: the host has answered in this run already."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in NO_DESCRIPTOR:
            return ConnectionFailure(
                "too few files may be open at once", "raise the limit: ulimit -n 1024", lasts=True
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, BROKEN_OFF):
            return _untrusted(cause, host, path)
    if path.proxy is not None:
        return _proxy_refuses(error, causes, path.proxy, path.variable)
    names = [cause for cause in causes if isinstance(cause, socket.gaierror)]
    unknown = any(cause.errno in NO_SUCH_NAME for cause in names)
    return ConnectionFailure(
        f"{host} cannot be reached: {_reason(error, causes)}",
        f"is {host} right, and can it be reached from here?",
        lasts=unknown and not known,
    )


def proxy_hint(path: NetworkPath) -> str | None:
    """The hint for a connection that broke: where a proxy carried it, that may have been the one."""
    return None if path.proxy is None else f"{path.proxy} is between here and the API"


def _untrusted(error: ssl.SSLError, host: str, path: NetworkPath) -> ConnectionFailure:
    between = f"; {path.proxy} is between here and the API" if path.proxy else ""
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = (
            "certificates of your own, such as a proxy's that inspects TLS, go into the file SSL_CERT_FILE names"
        )
        why = f"the certificate of {host} is not trusted: {error.verify_message}"
        return ConnectionFailure(why, f"{hint}{between}", lasts=True)
    reason = (error.reason or "no common protocol").lower().replace("_", " ")
    hint = f"does https:// fit {host} and its port?{between}"
    return ConnectionFailure(f"{host} does not speak TLS as this program does: {reason}", hint, lasts=True)


def _proxy_refuses(
    error: Exception, causes: tuple[BaseException, ...], proxy: str, variable: str | None
) -> ConnectionFailure:
    named = variable or "the settings"
    if not isinstance(error, httpx.ProxyError):
        unknown = any(isinstance(cause, socket.gaierror) and cause.errno in NO_SUCH_NAME for cause in causes)
        hint = f"correct {named}; NO_PROXY names hosts that need no proxy"
        return ConnectionFailure(f"{proxy} cannot be reached: {_reason(error, causes)}", hint, lasts=unknown)
    said = str(error)
    if said.startswith("407") or "username/password" in said.lower():
        hint = f"put the proxy's user name and password into {named}: http://user:password@host:port"
        return ConnectionFailure(
            f"{proxy} asks for a user name and password that it accepts: {said}", hint, lasts=True
        )
    hint = f"is the host allowed at the proxy? correct {named}; NO_PROXY names hosts that need no proxy"
    passing = said.startswith("5") or ("could not connect" in said and "not allowed" not in said)
    return ConnectionFailure(f"{proxy} does not connect: {said}", hint, lasts=not passing)


def _reason(error: Exception, causes: tuple[BaseException, ...]) -> str:
    """In the operating system's words where it has some: what is raised on top of them says less."""
    for cause in reversed(causes):
        if isinstance(cause, socket.gaierror):
            return str(cause.strerror)
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
            return os.strerror(cause.errno)
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes, the members of groups one by one, the first causes last."""
    waiting, seen = [error], 0
    while waiting and seen < MOST_CAUSES:
        found = waiting.pop(0)
        seen += 1
        yield found
        if isinstance(found, BaseExceptionGroup):
            waiting.extend(found.exceptions)
        if cause := found.__cause__ or found.__context__:
            waiting.append(cause)
