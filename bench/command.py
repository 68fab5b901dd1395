"""One command in a process of its own, its calls counted: ``bench.command RESULT FOLDER ADDRESS ARGUMENTS...``.

RESULT gets the exit code, the number of calls of each kind, and the simulated seconds that the command took. The
process with the ADDRESS answers the calls.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from bench.simulator_imports import SimulatorImports
from reconciler.cli.collector import loading, tune_collector
from reconciler.cli.main import run
from reconciler.cli.runtime import Runtime

if TYPE_CHECKING:
    import httpx

ID: Final = re.compile(r"(?<=/)(?=[a-z0-9-]*\d)[a-z0-9-]{8,}")
"""An id within a path; its place in the kind of call is ``{id}``."""
PREFIX: Final = "/api/v2"
NOW_SECONDS: Final = 1_795_424_400
"""When each run takes place: the simulator's own epoch, whose import is to be measured."""


@dataclass(slots=True)
class Result:
    """What a command has cost."""

    code: int
    calls: dict[str, int]
    """By kind, such as ``PATCH /projects/{id}``."""
    simulated_seconds: float
    simulator_cpu_seconds: float = 0.0
    """The simulator's share of the processor time: importing it, and the way to its process and back."""

    @property
    def number_of_calls(self) -> int:
        """Polls of operations included."""
        return sum(self.calls.values())


@dataclass(slots=True)
class Counting:
    """The way to the simulator, on which calls are counted."""

    address: Path
    """The socket of the process with the simulator."""
    calls: Counter[str] = field(default_factory=Counter)
    ended_at: float = 0.0
    """When the last answer came, in the seconds of the command's virtual loop, which starts at 0."""
    simulator_cpu_seconds: float = 0.0

    def to_the_process(self, _inner: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """The way to that process, counted, instead of the way to a simulator in this one."""
        from bench.counted_transport import CountedTransport  # noqa: PLC0415 - httpx is imported when a call is made
        from bench.elsewhere import Elsewhere  # noqa: PLC0415
        from reconciler.cli.embedded_neon import LATENCY  # noqa: PLC0415 - as every command with a simulator
        from reconciler.simulator.clock import LoopTime  # noqa: PLC0415

        way = Elsewhere(self.address, LoopTime(NOW_SECONDS), LATENCY.shortest, LATENCY.longest)
        return CountedTransport(way, self)

    def count(self, request: httpx.Request) -> None:
        """Counts one call by its kind."""
        self.calls[f"{request.method} {ID.sub('{id}', request.url.path.removeprefix(PREFIX))}"] += 1

    def spend(self, seconds: float) -> None:
        """Adds processor time that no run against Neon takes."""
        self.simulator_cpu_seconds += seconds

    def end(self, at: float) -> None:
        """Notes when an answer came."""
        self.ended_at = at


def measured(address: Path, arguments: list[str]) -> Result:
    """Run a command as the shell does, apart from the way of its calls."""
    counting = Counting(address)
    sys.meta_path.insert(0, SimulatorImports(counting.spend))
    around = Runtime(interactive=False, wrap=counting.to_the_process, clock=lambda: NOW_SECONDS, loading=loading)
    code = run(arguments, obj=around)
    return Result(int(code), dict(counting.calls), counting.ended_at, counting.simulator_cpu_seconds)


if __name__ == "__main__":
    tune_collector()
    os.chdir(sys.argv[2])
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(measured(Path(sys.argv[3]), sys.argv[4:])))
