"""The DevTools protocol over a pipe: messages end with a zero byte, and no port is opened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_EXEC: Final = """
import os, sys
for number, pipe in enumerate([os.dup(int(one)) for one in sys.argv[1:3]]):
    os.dup2(pipe, 3 + number)
    os.set_inheritable(3 + number, True)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Becomes the command, with the pipes where Chromium expects them."""


class DevTools:
    """A running browser, or one page of it. Calls are answered in their order."""

    def __init__(self, to: int, answers: int) -> None:
        self._to = to
        self._answers = answers
        self._last = 0
        self._rest = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def attach(self) -> None:
        """Opens an empty page: from now on calls are about it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer. Raises AssertionError if the browser refuses the call."""
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        _write(self._to, json.dumps(message).encode() + b"\0")
        answer = self.wait(lambda one: one.get("id") == self._last)
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message that is wanted; keeps the events before it."""
        while True:
            message = self._next()
            if "method" in message:
                self.events.append(message)
            if wanted(message):
                return message

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self._answers, 2**20)
            assert data, "the browser has ended"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


def _write(to: int, data: bytes) -> None:
    while data:
        data = data[os.write(to, data) :]


@contextmanager
def started(command: Sequence[str]) -> Iterator[DevTools]:
    """The browser that the command starts, until the end of the block. It reads from 3 and writes to 4."""
    calls_read, calls_write = os.pipe()
    answers_read, answers_write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", _EXEC, str(calls_read), str(answers_write), *command],
        pass_fds=(calls_read, answers_write),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(calls_read)
    os.close(answers_write)
    try:
        yield DevTools(calls_write, answers_read)
    finally:
        process.kill()
        process.wait()
        os.close(calls_write)
        os.close(answers_read)
