"""``--log-format json``: what a command says on stderr beside its document, one JSON object for each message."""

from __future__ import annotations

import io
import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from reconciler.documents.ci_commands import without_commands
from reconciler.errors import ApiError
from reconciler.model.problem import Severity
from reconciler.views.console import ERROR, INFO, WARNING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.errors import ReconcilerError
    from reconciler.model.problem import Problem


@dataclass(slots=True)
class JsonLog:
    """Writes messages as lines of JSON: ASCII only, with every control character escaped."""

    file: TextIO
    clock: Callable[[], float]
    """Seconds since 1970."""
    common: dict[str, object] = field(default_factory=dict)
    """What every later message has, such as the id of the run."""

    def write(self, message: str, *, level: str = INFO, **about: object) -> None:
        """Writes one message; members that are None are left out."""
        time = datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds")
        members = {"time": time, "level": level, "message": message, **self.common, **about}
        text = json.dumps({name: value for name, value in members.items() if value is not None})
        print(without_commands(text), file=self.file, flush=True)

    def error(self, error: ReconcilerError) -> None:
        """Writes an error that ends a command, or a part of it."""
        request_id = error.request_id if isinstance(error, ApiError) else None
        code = int(error.exit_code)
        self.write(str(error), level=ERROR, hint=error.hint, request_id=request_id, exit_code=code)

    def problems(self, problems: Iterable[Problem]) -> None:
        """Writes what is wrong with the files, each problem with its place."""
        for problem in sorted(problems, key=lambda problem: (problem.location, problem.message)):
            place = problem.location
            level = WARNING if problem.severity is Severity.WARNING else ERROR
            about = {"file": place.file, "line": place.line, "column": place.column}
            self.write(problem.message, level=level, hint=problem.hint, **about)


class JsonStderr(io.TextIOBase):
    """What stderr is in the meantime: a line that anything else writes, such as a library, is a message too."""

    def __init__(self, messages: JsonLog) -> None:
        self.messages = messages
        self._begun = ""

    def write(self, text: str, /) -> int:
        """Writes each whole line as a message."""
        *lines, self._begun = f"{self._begun}{text}".split("\n")
        for line in filter(str.strip, lines):
            self.messages.write(line)
        return len(text)


@contextmanager
def logging_as_json(clock: Callable[[], float]) -> Iterator[None]:
    """Within the block, stderr is JSON."""
    stderr = sys.stderr
    sys.stderr = JsonStderr(JsonLog(stderr, clock))
    try:
        yield
    finally:
        sys.stderr = stderr
