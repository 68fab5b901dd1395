"""Why no connection came about: what a person reads, and whether trying again can help."""

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

    from reconciler.neon.network import Way

NOTHING_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout)
"""What is raised before a request has left."""
BROKEN_OFF: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""A connection that broke while TLS was agreed on: any connection may break."""
NO_SUCH_NAME: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""The name servers answered that there is no such name; EAI_AGAIN says that they did not answer."""
NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})
MOST_CAUSES: Final = 50


@dataclass(frozen=True, slots=True)
class Obstacle:
    """``lasts`` where the next attempt would meet it again."""

    why: str
    hint: str
    lasts: bool


def obstacle(error: Exception, host: str, way: Way, *, known: bool) -> Obstacle:
    """What stands between here and the host. ``known`` is a host that has answered in this run already."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in NO_DESCRIPTOR:
            return Obstacle("too few files may be open at once", "raise the limit: ulimit -n 1024", lasts=True)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, BROKEN_OFF):
            return _untrusted(cause, host, way)
    if way.proxy is not None:
        return _proxy_refuses(error, causes, way.proxy, way.variable)
    names = [cause for cause in causes if isinstance(cause, socket.gaierror)]
    unknown = any(cause.errno in NO_SUCH_NAME for cause in names)
    return Obstacle(
        f"{host} cannot be reached: {_reason(error, causes)}",
        f"is {host} right, and can it be reached from here?",
        lasts=unknown and not known,
    )


def through(way: Way) -> str | None:
    """The hint for a connection that broke: where a proxy carried it, that may have been the one."""
    return None if way.proxy is None else f"{way.proxy} is between here and the API"


def _untrusted(error: ssl.SSLError, host: str, way: Way) -> Obstacle:
    between = f"; {way.proxy} is between here and the API" if way.proxy else ""
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = (
            "certificates of your own, such as a proxy's that inspects TLS, go into the file SSL_CERT_FILE names"
        )
        why = f"the certificate of {host} is not trusted: {error.verify_message}"
        return Obstacle(why, f"{hint}{between}", lasts=True)
    reason = (error.reason or "no common protocol").lower().replace("_", " ")
    hint = f"does https:// fit {host} and its port?{between}"
    return Obstacle(f"{host} does not speak TLS as this program does: {reason}", hint, lasts=True)


def _proxy_refuses(
    error: Exception, causes: tuple[BaseException, ...], proxy: str, variable: str | None
) -> Obstacle:
    named = variable or "the settings"
    if not isinstance(error, httpx.ProxyError):
        unknown = any(isinstance(cause, socket.gaierror) and cause.errno in NO_SUCH_NAME for cause in causes)
        hint = f"correct {named}; NO_PROXY names hosts that need no proxy"
        return Obstacle(f"{proxy} cannot be reached: {_reason(error, causes)}", hint, lasts=unknown)
    said = str(error)
    if said.startswith("407") or "username/password" in said.lower():
        hint = f"put the proxy's user name and password into {named}: http://user:password@host:port"
        return Obstacle(f"{proxy} asks for a user name and password that it accepts: {said}", hint, lasts=True)
    hint = f"is the host allowed at the proxy? correct {named}; NO_PROXY names hosts that need no proxy"
    passing = said.startswith("5") or ("could not connect" in said and "not allowed" not in said)
    return Obstacle(f"{proxy} does not connect: {said}", hint, lasts=not passing)


def _reason(error: Exception, causes: tuple[BaseException, ...]) -> str:
    """In the operating system's words where it has some: what is raised on top of them says less."""
    for cause in reversed(causes):
        if isinstance(cause, socket.gaierror):
            return str(cause.strerror)
        if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
            return os.strerror(cause.errno)
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came of, groups unfolded, the first reasons last."""
    waiting, seen = [error], 0
    while waiting and seen < MOST_CAUSES:
        found = waiting.pop(0)
        seen += 1
        yield found
        if isinstance(found, BaseExceptionGroup):
            waiting.extend(found.exceptions)
        if cause := found.__cause__ or found.__context__:
            waiting.append(cause)
