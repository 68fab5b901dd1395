"""Serves the simulator over HTTP on a port of this machine."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn

from reconciler.simulator.faults import ConnectionDropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.simulator.simulator import Simulator

LOOPBACK: Final = "127.0.0.1"
SHUTDOWN_SECONDS: Final = 3


def serve(simulator: Simulator, *, port: int = 0, on_ready: Callable[[str], None] = lambda _: None) -> None:
    """Serves until SIGINT or SIGTERM. Port 0 picks a free port. Calls ``on_ready`` with the base URL of the API.

    Raises OSError if the port is in use.
    """
    with _ignoring_second_signal(), _listening(port) as (listener, url):
        _Server(_config(simulator), lambda: on_ready(url)).run(sockets=[listener])


@contextmanager
def serving(simulator: Simulator, *, port: int = 0) -> Iterator[str]:
    """Serves from a thread until the ``with`` block ends. Yields the base URL of the API.

    Raises OSError if the port is in use.
    """
    ready = threading.Event()
    with _listening(port) as (listener, url):
        server = _Server(_config(simulator), ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        ready.wait()
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def _listening(port: int) -> Iterator[tuple[socket.socket, str]]:
    # asyncio sets TCP_NODELAY only if the socket's protocol is IPPROTO_TCP. Without it, each small response may
    # be delayed by 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen()
        yield listener, f"http://{LOOPBACK}:{listener.getsockname()[1]}/api/v2"


@contextmanager
def _ignoring_second_signal() -> Iterator[None]:
    """Ignores the signal that uvicorn raises again after it has stopped."""
    before = {each: signal.signal(each, _ignore) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _ignore(_number: int, _frame: object) -> None:
    """Does nothing: the server has already stopped."""


def _config(simulator: Simulator) -> uvicorn.Config:
    return uvicorn.Config(
        _DroppingConnections(simulator.app),
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        headers=[("server", "neon-simulator")],
        server_header=False,
        date_header=False,  # the gateway states the simulated time
    )


class _Server(uvicorn.Server):
    """A server that calls ``on_ready`` once it listens."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen, then calls ``on_ready``."""
        await super().startup(sockets)
        self._on_ready()


class _DroppingConnections:
    """Breaks the connection for ConnectionDropped: sends headers that announce a body, but no body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request (ASGI)."""
        try:
            await self._app(scope, receive, send)
        except ConnectionDropped:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
            raise
