"""The progress of a long run: a bar on a terminal, a line at intervals in a log."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct, field

from reconciler.model.units import Estimate
from reconciler.views.console import message_log, say
from reconciler.views.safe_text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console
    from rich.progress import Progress, TaskID

SECONDS_BETWEEN_LINES: Final = 10.0


class Watch(Protocol):
    """Receives the progress of a run; cheap to call, writes to stderr only."""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """``done`` of ``total`` steps of ``what`` are done; None if the total is not known, even about."""


@contextmanager
def watching(terminal: Console | None, *, clock: Callable[[], float] = time.monotonic) -> Iterator[Watch]:
    """Progress on the terminal for as long as the context lasts; a bar leaves nothing behind.

    Where there is no terminal, and in a JSON log, it is a message now and then.
    """
    if terminal is None or message_log() is not None:
        yield _Lines(clock, clock())
        return
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=terminal, transient=True) as progress:
        yield _Bars(progress)


class _Bars(Struct):
    """One bar for each thing that the run does."""

    progress: Progress
    tasks: dict[str, TaskID] = field(default_factory=dict)

    def __call__(self, done: int, total: int | None, what: str) -> None:
        if what not in self.tasks:
            self.tasks[what] = self.progress.add_task("", total=total)
        label = f"{what}, of about" if isinstance(total, Estimate) else what
        self.progress.update(self.tasks[what], completed=done, total=total, description=printable(label))


class _Lines(Struct):
    """A line at intervals, so that a short run writes none."""

    clock: Callable[[], float]
    shown_at: float
    begun: dict[str, tuple[float, int]] = field(default_factory=dict)
    """By kind of step: the time of the first call, and how many steps were done then."""

    def __call__(self, done: int, total: int | None, what: str) -> None:
        now = self.clock()
        begun = self.begun.setdefault(what, (now, done))
        if now - self.shown_at >= SECONDS_BETWEEN_LINES:
            self.shown_at = now
            progress = f"{done:,}" if total is None else f"{_of(done, total)}{_left(begun, now, done, total)}"
            say(f"{what}: {progress}", done=done, total=total)


def _of(done: int, total: int) -> str:
    about = "about " if isinstance(total, Estimate) else ""
    return f"{done:,} of {about}{total:,}"


def _left(begun: tuple[float, int], now: float, done: int, total: int) -> str:
    """``, about 8 min left``: at the pace so far. Empty as long as there is none, and at the end."""
    seconds, advanced = now - begun[0], done - begun[1]
    if seconds <= 0 or advanced <= 0 or done >= total:
        return ""
    from reconciler.views.sentences import duration  # noqa: PLC0415 - a short run tells nothing

    rest = (total - done) * seconds / advanced
    return f", {'' if rest < 1 else 'about '}{duration(rest)} left"
