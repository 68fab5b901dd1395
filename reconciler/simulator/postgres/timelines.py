"""Timelines: where each of them begins, and its data directory, which is made when it is needed first.

Every directory is made of one template: the logs of all timelines that a new one goes back to are replayed on
it, up to the position where each of them went its own way. PostgreSQL itself has timelines for that.

The folder of a timeline holds ``origin.json`` and, once it was opened, its directory ``live``. ``marks`` are names
that its log is to hold before it goes on; ``ready`` is the machine time at which it held all that it began with.
One process works on the folders at a time.
"""

from __future__ import annotations

import fcntl
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import RLock
from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.simulator.postgres import contents
from reconciler.simulator.postgres.cluster import Cluster
from reconciler.simulator.postgres.moments import machine_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from reconciler.simulator.postgres.programs import Programs

TEMPLATE_NUMBER: Final = 65_535
"""Of the socket for a server that nobody but this module connects to."""

MOST_RUNNING: Final = 24
"""Servers that run at once. One that nobody is connected to makes room for another."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a timeline begins: at a mark in the log of another, or at a machine time. Without a source: empty."""

    source: int | None = None
    mark: str | None = None
    time: float | None = None
    schema_only: bool = False


class Timelines:
    """All timelines of one account, in one folder."""

    def __init__(
        self, folder: Path, sockets: Path, programs: Programs, busy: Callable[[], Collection[int]]
    ) -> None:
        """``busy`` timelines keep their servers, however many run."""
        self._busy = busy
        self._folder = folder
        self._sockets = sockets
        self._programs = programs
        self._turn = RLock()
        self._depth = 0
        self._used: dict[int, float] = {}
        """When each server of this process was asked for last."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Work on the folders, in which no other thread or process takes part."""
        with self._turn, (self._folder / "lock").open("w") as file:
            if not self._depth:
                fcntl.flock(file, fcntl.LOCK_EX)
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    def begin(self) -> int:
        """Begins a timeline without rows."""
        with self.turn():
            return self._write(Origin())

    def derive(self, source: int, *, time: float | None, schema_only: bool) -> int:
        """Begins a timeline with what another holds now, or held at a machine time.

        A source that nobody has opened holds what its own source held, which is where the new one begins, too.
        """
        with self.turn():
            if not self.opened(source):
                origin = self._origin(source)
                return self._write(replace(origin, schema_only=origin.schema_only or schema_only))
            if time is not None:
                return self._write(Origin(source, None, time, schema_only))
            mark = f"timeline {self._next()}"
            self._mark(source, mark)
            return self._write(Origin(source, mark, None, schema_only))

    def _next(self) -> int:
        """The number of the next timeline. None is used again."""
        counter = self._folder / "latest"
        return int(counter.read_text()) + 1 if counter.exists() else 1

    def _write(self, origin: Origin) -> int:
        number = self._next()
        (self._folder / "latest").write_text(str(number))
        folder = self._of(number)
        folder.mkdir(exist_ok=True)
        self._programs.give(folder)
        (folder / "origin.json").write_bytes(msgspec.json.encode(origin))
        return number

    def _mark(self, number: int, mark: str) -> None:
        """Writes a mark into the log of a timeline: now, or before anything else is written to it."""
        live = self._live(number)
        if live.running():
            contents.mark(live, mark)
            return
        with (self._of(number) / "marks").open("a") as marks:
            marks.write(f"{mark}\n")

    def _origin(self, number: int) -> Origin:
        """Where a timeline begins."""
        return msgspec.json.decode((self._of(number) / "origin.json").read_bytes(), type=Origin)

    def opened(self, number: int) -> bool:
        """Whether a timeline has a directory: before, nobody has connected to it."""
        return (self._of(number) / "ready").exists()

    def running(self, number: int) -> Cluster | None:
        """The server of a timeline, if it runs."""
        live = self._live(number)
        return live if live.running() else None

    def open(self, number: int) -> tuple[Cluster, bool]:
        """The running server of a timeline, and whether it was started for it."""
        with self.turn():
            live = self._live(number)
            self._used[number] = machine_time()
            if live.running():
                return live, False
            self._make_room()
            self._start(number, live)
            return live, True

    def _start(self, number: int, live: Cluster) -> None:
        """Starts a server, and writes the marks that its log is to hold before it goes on."""
        if self.opened(number):
            live.start()
        else:
            self._make(number, live)
        marks = self._of(number) / "marks"
        if marks.exists():
            for mark in marks.read_text().splitlines():
                contents.mark(live, mark)
            marks.unlink()

    def _make_room(self) -> None:
        """Stops the server that was asked for least recently, where too many run."""
        running = [number for number in self._used if self._live(number).running()]
        free = sorted(set(running).difference(self._busy()), key=self._used.__getitem__)
        for number in free[: max(0, len(running) - MOST_RUNNING + 1)]:
            self.stop(number)

    def _make(self, number: int, live: Cluster) -> None:
        """Makes the directory of a timeline, and starts its server."""
        origin = self._origin(number)
        live.stop()  # what a process has left that was killed
        shutil.rmtree(live.folder, ignore_errors=True)
        self._template().copy_to(live.folder)
        if origin.source is None:
            live.start()
        else:
            self._recover(live, origin.source, origin)
        if origin.schema_only:
            contents.delete_rows(live)
        contents.mark(live, _ready(number))
        (self._of(number) / "ready").write_text(str(machine_time()))

    def _recover(self, cluster: Cluster, source: int, origin: Origin) -> None:
        """Replays the log of a source, and of all that this one was made of."""
        server, _ = self.open(source)
        contents.commit(server)  # the log reaches beyond every moment of the past
        logs = [self._live(each).folder / "pg_wal" for each in self._lineage(source)]
        if origin.mark is not None:
            cluster.recover(logs, recovery_target_name=origin.mark)
        elif origin.time is None or origin.time <= float((self._of(source) / "ready").read_text()):
            cluster.recover(logs, recovery_target_name=_ready(source))
        else:
            moment = datetime.fromtimestamp(origin.time, UTC)
            cluster.recover(logs, recovery_target_time=moment.isoformat())

    def _lineage(self, number: int | None) -> Iterator[int]:
        """A timeline, the one that it was made of, and so on."""
        while number is not None:
            yield number
            number = self._origin(number).source

    def _template(self) -> Cluster:
        """The directory that every first timeline begins with."""
        template = Cluster(self._programs, self._folder / "template", self._sockets, TEMPLATE_NUMBER)
        if not template.folder.exists():
            unfinished = replace(template, folder=template.folder.with_suffix(".unfinished"))
            shutil.rmtree(unfinished.folder, ignore_errors=True)
            unfinished.create()
            contents.prepare_cluster(unfinished)
            unfinished.folder.rename(template.folder)
        return template

    def stop(self, number: int) -> None:
        """Ends the server of a timeline and its sessions."""
        with self.turn():
            self._live(number).stop()
            self._used.pop(number, None)

    def close(self) -> None:
        """Ends all servers."""
        with self.turn():
            for number in self._numbers():
                self.stop(number)
            shutil.rmtree(self._sockets, ignore_errors=True)

    def _numbers(self) -> list[int]:
        """All timelines that have a folder."""
        return sorted(int(each.name) for each in (self._folder / "timelines").iterdir())

    def keep_only(self, wanted: Collection[int]) -> None:
        """Deletes every timeline but those, and those that they were made of: their logs are read again."""
        with self.turn():
            kept = {each for number in wanted for each in self._lineage(number)}
            for number in set(self._numbers()) - kept:
                self.stop(number)
                shutil.rmtree(self._of(number), ignore_errors=True)

    def _of(self, number: int) -> Path:
        return self._folder / "timelines" / str(number)

    def _live(self, number: int) -> Cluster:
        return Cluster(self._programs, self._of(number) / "live", self._sockets, number)


def _ready(number: int) -> str:
    """The mark in the log of a timeline behind all that it began with."""
    return f"ready {number}"
