"""Servers on this machine, on a free port, for what a test plays: a forge, a collector, a receiver."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message


class Asked(NamedTuple):
    """One request."""

    method: str
    """In capital letters."""
    target: str
    """The path, with its query."""
    headers: Message
    body: Any
    """The JSON; None without a body."""


Answer: TypeAlias = "tuple[int, Any] | None"
"""The status and the JSON; None closes the connection without an answer."""


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """The port of a server that listens until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def json_server(answer: Callable[[Asked], Answer]) -> Iterator[int]:
    """The port of a server that answers JSON with JSON, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            answered = answer(Asked(self.command, self.path, self.headers, body))
            if answered is None:
                self.close_connection = True
                self.connection.close()
            else:
                self.send(*answered)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815 - as http.server calls them

        def send(self, status: int, answered: Any) -> None:
            content = json.dumps(answered).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Says nothing on stderr."""

    with listening(Handler) as port:
        yield port
