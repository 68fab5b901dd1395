"""``--metrics FILE`` and ``--trace otlp``: what a run measures of itself. Without a flag it measures nothing."""

from __future__ import annotations

import functools
import os
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler.cli.documents import check_folder, writing
from reconciler.cli.exit_codes import of_error
from reconciler.cli.runtime import runtime
from reconciler.errors import ExitCode, ReconcilerError, weightiest
from reconciler.files import regular_files
from reconciler.views.console import say_error
from reconciler.views.figures import RunFigures

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from reconciler.cli.flags import TelemetryFlags
    from reconciler.cli.tracing import Trace
    from reconciler.fleet import Planned
    from reconciler.neon.call import Attempt, CallObserver, Pause
    from reconciler.plan.event import Event
    from reconciler.plan.outcome import Report

METRICS: Final = "--metrics"


class Telemetry(Struct):
    """The figures of a run, and its trace, as far as flags ask for them."""

    figures: RunFigures
    started_at: datetime | None = None
    metrics: Path | None = None
    trace: Trace | None = None

    @property
    def observer(self) -> CallObserver | None:
        """Sees every call; None if nobody asks for it."""
        return None if self.metrics is None and self.trace is None else self

    @property
    def listener(self) -> Callable[[Event], None] | None:
        """Gets the events of the run; None if there is no trace."""
        return None if self.trace is None else self.trace.tell

    @property
    def around_unit(self) -> Callable[[str, list[str]], AbstractContextManager[None]] | None:
        """The span of a unit; None if there is no trace."""
        return None if self.trace is None else self.trace.unit

    def attempted(self, attempt: Attempt) -> None:
        """A request has ended."""
        calls, status = self.figures.calls, attempt.status
        calls.count[attempt.call.method, attempt.call.path_template, "" if status is None else str(status)] += 1
        calls.seconds += attempt.seconds
        calls.waited_seconds += attempt.waited_seconds
        if self.trace is not None:
            self.trace.attempted(attempt)

    def paused(self, pause: Pause) -> None:
        """A call was not carried out, and is sent again later."""
        calls = self.figures.calls
        calls.pauses["" if pause.status is None else str(pause.status)] += 1
        calls.pause_seconds += pause.seconds
        if self.trace is not None:
            self.trace.paused(pause)

    def applied(self, planned: Planned, report: Report) -> None:
        """What a run planned and did."""
        figures = self.figures
        figures.plan, figures.report, figures.run = planned.plan, report, report.run
        figures.stale = len(planned.stale)

    def write(self, code: ExitCode) -> ExitCode:
        """Writes the metrics file. Returns the code, or ERROR, after a message, if the file cannot be written."""
        if self.metrics is None or self.started_at is None:
            return code
        from reconciler.views.openmetrics import render  # noqa: PLC0415 - for metrics only

        text = "".join(render(self.figures, int(code), self.started_at, runtime().now))
        try:
            _replace(self.metrics, text)
        except ReconcilerError as error:
            say_error(error)
            return weightiest((code, ExitCode.ERROR))
        return code


def with_telemetry(command: str) -> Callable[[Callable[..., ExitCode]], Callable[..., ExitCode]]:
    """Gives a command the Telemetry that its flags ask for, and writes what it found, however the run ends."""

    def decorate(run: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
        @functools.wraps(run)
        def measured(*, telemetry: TelemetryFlags, **arguments: Any) -> ExitCode:
            found = Telemetry(RunFigures(command))
            if telemetry.metrics is None and telemetry.trace is None:
                return run(telemetry=found, **arguments)
            with ExitStack() as stack:
                _open(found, telemetry, stack)
                try:
                    code = run(telemetry=found, **arguments)
                except BaseException as error:
                    _end(found, of_error(error))
                    raise
                return _end(found, code)

        return measured

    return decorate


def _open(found: Telemetry, flags: TelemetryFlags, stack: ExitStack) -> None:
    """Raises InvalidInputError if the folder of the file does not exist, and MachineError without the packages."""
    if flags.metrics is not None:
        check_folder(flags.metrics, METRICS)
        found.metrics = flags.metrics
    if flags.trace is not None:
        from reconciler.cli.tracing import opened  # noqa: PLC0415 - for traces only

        found.trace = stack.enter_context(opened(found.figures.command, runtime()))
    found.started_at = runtime().now


def _end(found: Telemetry, code: ExitCode) -> ExitCode:
    code = found.write(code)
    if found.trace is not None:
        found.trace.end(found.figures, code)
    return code


def _replace(path: Path, text: str) -> None:
    """Replaces the file at once: nobody reads half of it. Raises InvalidInputError if that is impossible."""
    with writing(f"{METRICS} {path}"):
        regular_files.require_file(path)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(file.fileno(), _readable())
            Path(name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise


def _readable() -> int:
    """The permissions of a new file: the exporter that reads it is another user."""
    mask = os.umask(0)
    os.umask(mask)
    return regular_files.EVERYBODY & ~mask
