"""``--events FILE|-``: what happens in a run, one JSON line each, as it happens."""

from __future__ import annotations

import errno
import fcntl
import functools
import os
import secrets
import select
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct, field

from reconciler.cli import streams
from reconciler.cli.documents import check_folder, writing
from reconciler.cli.exit_codes import of_error
from reconciler.cli.runtime import runtime
from reconciler.errors import ExitCode, InvalidInputError, ReconcilerError
from reconciler.files import regular_files
from reconciler.fleet import RunOptions
from reconciler.views.console import WARNING, message_log, say
from reconciler.views.formats import TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from reconciler.cli.flags import OutputFlags
    from reconciler.cli.fleet_files import FleetFiles
    from reconciler.cli.telemetry import Telemetry
    from reconciler.plan.approval import Stale
    from reconciler.plan.event import Event
    from reconciler.plan.outcome import Report

STDOUT: Final = "-"
PATIENCE_SECONDS: Final = 20.0
"""How long a run waits for a reader that has stopped reading. Leases and locks of the run outlive it."""


class EventLines(Struct):
    """The events of a run, each written as a whole line. A place that cannot be written to is left alone."""

    place: str
    """What ``--events`` names; empty if nothing is to be written."""
    descriptor: int | None = None
    """The file; None: what is stdout at the time."""
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    """The id of the run."""
    ended: bool = False
    broken: bool = False

    @property
    def on_stdout(self) -> bool:
        """Whether stdout is for the events."""
        return self.place == STDOUT

    @property
    def listener(self) -> Callable[[Event], None] | None:
        """The listener of the run's events; None if nobody wants them."""
        return self.tell if self.place or message_log() is not None else None

    def tell(self, event: Event) -> None:
        """Writes the event, and to a JSON log what people on call need of it.

        If the event cannot be written, says so once: the run goes on, and no more events are written.
        """
        if message_log() is not None:
            from reconciler.views.event_log import log_event  # noqa: PLC0415 - for a JSON log only

            log_event(event)
        if self.ended or self.broken or not self.place:
            return
        from reconciler.documents.events import LAST, line  # noqa: PLC0415 - for events only

        self.ended = isinstance(event, LAST)
        try:
            self._write((line(event, self.run) + "\n").encode())
        except OSError as error:
            self.broken = True
            why = error.strerror or error
            say(f"--events {self.place}: {why}: no more events are written", level=WARNING)
            if self.on_stdout:
                streams.leave()

    def end(self, report: Report, stale: Sequence[Stale], code: ExitCode) -> None:
        """Writes the last event of a run that has a report."""
        if self.listener is None:
            return
        from reconciler.plan.event import RunEnded  # noqa: PLC0415 - for events only

        self.tell(RunEnded(report.finished_at, report, len(stale), int(code)))

    def fail(self, message: str, hint: str | None, code: ExitCode) -> None:
        """Writes the last event of a run that has no report, or cannot show it."""
        if not self.place:
            return
        from reconciler.plan.event import RunFailed  # noqa: PLC0415 - for events only

        self.tell(RunFailed(runtime().now, message, hint, int(code)))

    def _write(self, data: bytes) -> None:
        if self.descriptor is not None:
            _write_whole(self.descriptor, data)
            return
        sys.stdout.flush()
        try:
            descriptor = sys.stdout.fileno()
        except ValueError:  # not a stream of the system: a test's, or a program's that calls the command
            sys.stdout.write(data.decode())
        else:
            _write_whole(descriptor, data)


def with_events(run: Callable[..., ExitCode]) -> Callable[..., ExitCode]:
    """Gives a command the EventLines that its ``--events`` asks for. The last event says how the run has ended."""

    @functools.wraps(run)
    def telling(*, events: Path | None, output: OutputFlags, **arguments: Any) -> ExitCode:
        with _opened(events, output) as lines:
            if (log := message_log()) is not None:
                log.common["run"] = lines.run
            try:
                return run(events=lines, output=output, **arguments)
            except BaseException as error:
                lines.fail(*_failure(error))
                raise

    return telling


def options_of_run(
    files: FleetFiles, journal: Path | None, events: EventLines, telemetry: Telemetry
) -> RunOptions:
    """The options of a run on the commit of these files, whose events and telemetry are written."""
    return RunOptions(
        id=events.run,
        journal=journal,
        commit=files.commit(),
        on_event=_to_all(events.listener, telemetry.listener),
        around_unit=telemetry.around_unit,
    )


def _to_all(*listeners: Callable[[Event], None] | None) -> Callable[[Event], None] | None:
    """A listener that calls all of these; None if there is none."""
    listening = [one for one in listeners if one is not None]

    def tell(event: Event) -> None:
        for listener in listening:
            listener(event)

    return tell if listening else None


@contextmanager
def _opened(place: Path | None, output: OutputFlags) -> Iterator[EventLines]:
    """Raises InvalidInputError, before any work, if the file cannot be written, or stdout is for two things."""
    if place is None:
        yield EventLines("")
        return
    if str(place) == STDOUT:
        _check_stdout(output)
        yield EventLines(STDOUT)
        return
    check_folder(place, "--events")
    with writing(f"--events {place}"):
        descriptor = regular_files.open_to_write(place, append=True)
    try:
        _take(descriptor, place)
        yield EventLines(str(place), descriptor)
    finally:
        os.close(descriptor)


def _take(descriptor: int, place: Path) -> None:
    """Empties the file for this run. Raises InvalidInputError while another run writes its events to it."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        text = f"another run writes its events to {place}"
        raise InvalidInputError(text, hint="name a file of this run's own") from error
    os.ftruncate(descriptor, 0)


def _check_stdout(output: OutputFlags) -> None:
    if output.format != TEXT:
        hint = f"write one of them to a file: --events FILE, or --output report.{output.format}"
        raise InvalidInputError(f"stdout cannot hold both the events and --format {output.format}", hint=hint)


def _failure(error: BaseException) -> tuple[str, str | None, ExitCode]:
    """The text of an unexpected error may contain secrets: only its type is written."""
    code = of_error(error)
    if isinstance(error, ReconcilerError):
        return str(error), error.hint, code
    interrupted = code is ExitCode.INTERRUPTED
    return "interrupted" if interrupted else f"a defect in reconciler: {type(error).__name__}", None, code


def _write_whole(descriptor: int, data: bytes) -> None:
    """All of it or, in a file, nothing. Raises OSError, also if the reader of a pipe has read nothing for long."""
    found = os.fstat(descriptor)
    rest = data
    try:
        while rest:
            if not select.select([], [descriptor], [], PATIENCE_SECONDS)[1]:
                raise TimeoutError(errno.ETIMEDOUT, f"nobody has read for {PATIENCE_SECONDS:.0f} s")
            rest = rest[os.write(descriptor, rest[: select.PIPE_BUF]) :]
    except OSError:
        if stat.S_ISREG(found.st_mode) and len(rest) < len(data):
            os.ftruncate(descriptor, found.st_size)
        raise
