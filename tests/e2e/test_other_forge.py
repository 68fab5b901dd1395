"""What answers at the address of a forge may be something else: the command says so, and shows no defect."""

from __future__ import annotations

from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import pytest

from tests.harness.local_server import listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.shell import Shell


@contextmanager
def answering_always(body: bytes) -> Iterator[int]:
    """A server with one answer; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing on stderr."""

    with listening(Handler) as port:
        yield port


@pytest.mark.parametrize("body", [b"<html>", b"null", b"5", b"[1, 2]", b'{"a": 1}', b'"text"'])
@pytest.mark.parametrize("command", [("github", "comment", "plan.md"), ("github", "issue", "plan.md")])
def test_an_answer_of_another_form_is_told(shell: Shell, body: bytes, command: tuple[str, ...]) -> None:
    shell.write("plan.md", "# plan\n")
    with answering_always(body) as port:
        shell.environ |= {
            "GITHUB_API_URL": f"http://127.0.0.1:{port}",
            "GITHUB_REPOSITORY": "owner/name",
            "GITHUB_TOKEN": "marked",
            "GITHUB_REF": "refs/pull/5/merge",
            "NO_PROXY": "127.0.0.1",
        }
        ended = shell.run(*command)
    assert ended.code == 1
    assert "error: GitHub answered GET issues" in ended.err
    assert "defect" not in ended.err
    assert "marked" not in ended.err
