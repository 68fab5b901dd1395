"""A real HTTP server on this machine that receives notices, as a chat or a pager would."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from tests.harness.local_server import listening

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Receiver:
    """What has arrived, as Apprise's ``json://`` writes it, and the path of each GET."""

    port: int = 0
    status: int = 200
    """What it answers."""
    heard: list[dict[str, Any]] = field(default_factory=list)

    def url(self, path: str = "token-of-the-service") -> str:
        """Its address."""
        return f"json://127.0.0.1:{self.port}/{path}"

    @property
    def bodies(self) -> list[str]:
        return [one["message"] for one in self.heard]

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.heard]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if receiver.status < 300:
                receiver.heard.append(json.loads(body))
            self.answer()

        def do_GET(self) -> None:
            receiver.heard.append({"path": self.path})
            self.answer()

        def answer(self) -> None:
            self.send_response(receiver.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing on stderr."""

    with listening(Handler) as receiver.port:
        yield receiver
