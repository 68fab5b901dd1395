"""What a run of the tests left out, by which seed it drew, and what it cost: the last lines of its summary.

Of the cases that are marked ``drawn(N)``, a run of everything (`make test`) makes N, drawn by the seed. With
``PROFILE=ci`` it makes all; of those marked ``drawn(N, ci=M, each=("how", "call"))`` it makes M, or as many as it
takes for each value of these parameters to occur. ``PROFILE=nightly``, and a run of files or names that somebody
chose, makes all.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests import profiles
from tests.order import MINUTES, SECONDS, longest_first

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _pytest import nodes

DRAWN: Final = "drawn"
DRAWING: Final = "DRAWING"
"""The variable that tells workers to draw."""
EMPTY: Final = (sys.executable, "-I", "-c", "")
MEASUREMENTS: Final = 5
TICKS: Final = os.sysconf("SC_CLK_TCK")
"""Of /proc in a second."""


class Costs:
    """A plugin of pytest: a run without workers, a worker, or the run that has started workers."""

    def __init__(self) -> None:
        self.processes = 0
        self.cpu_seconds = 0.0
        self.left_out = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leaves out what was not drawn, and lets begin first what takes longest."""
        if os.environ.get(DRAWING):
            left = not_drawn(items)
            config.hook.pytest_deselected(items=[item for item in items if item in left])
            items[:] = [item for item in items if item not in left]
        workers = getattr(config, "workerinput", {}).get("workercount", 1)
        items[:] = longest_first(items, length, workers)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Every worker leaves out the same."""
        self.left_out += len(items)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A worker hands over what it cost; those that it has started have ended."""
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["costs"] = (cpu_seconds(), self.left_out)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker that crashed has left no number."""
        spent, left_out = getattr(node, "workeroutput", {}).get("costs", (0.0, 0))
        self.processes += 1
        self.cpu_seconds += spent
        self.left_out = max(self.left_out, left_out)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """After what was tried."""
        for line in self._lines(terminalreporter.config):
            terminalreporter.write_line(line)

    def _lines(self, config: pytest.Config) -> list[str]:
        spent = self.cpu_seconds + (cpu_seconds_beside_workers() if self.processes else cpu_seconds())
        empty = cpu_seconds_of_an_empty_python()
        seed, profile = profiles.seed(), profiles.chosen()
        chosen = f" by -m '{config.option.markexpr}'" if config.option.markexpr else ""
        return [
            f"profile {profile}, seed {seed}: {profiles.SEED}={seed} draws the same trials again",
            f"left out: {self.left_out:,} tests, those not drawn and those not chosen{chosen}",
            f"cost: {spent:,.0f} CPU seconds, {spent / empty:,.0f} times an empty Python ({empty:.3f} s)",
        ]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """One for each process; Hypothesis, which is configured next, draws by the same seed."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(profiles.seed())
    chosen = config.args_source is not pytest.Config.ArgsSource.TESTPATHS or config.option.keyword
    if not hasattr(config, "workerinput") and not chosen and profiles.chosen() != profiles.NIGHTLY:
        os.environ[DRAWING] = "1"
    config.pluginmanager.register(Costs())


def length(item: pytest.Item) -> str | None:
    """Whether it is marked as one of minutes, or of seconds."""
    marks = {mark.name for mark in item.own_markers} | _names_above(item.parent)
    return next((mark for mark in (MINUTES, SECONDS) if mark in marks), None)


@cache
def _names_above(node: nodes.Node | None) -> frozenset[str]:
    """The names of all marks of what a test stands in."""
    return frozenset() if node is None else _names_above(node.parent) | {mark.name for mark in node.own_markers}


def not_drawn(items: Sequence[pytest.Item]) -> set[pytest.Item]:
    """Of each function, or module, that is marked: the cases beyond the number of its mark."""
    marked: dict[str, tuple[pytest.Mark, list[pytest.Item]]] = {}
    for item in items:
        for name, mark in (*_own(item), *_above(item.parent)):
            marked.setdefault(name, (mark, []))[1].append(item)
    left: set[pytest.Item] = set()
    for name, (mark, cases) in marked.items():
        left |= {*cases} - {*drawn(name, cases, *mark.args, **mark.kwargs)}
    return left


def _own(node: nodes.Node) -> list[tuple[str, pytest.Mark]]:
    """The function, or module, and its mark."""
    marks = [mark for mark in node.own_markers if mark.name == DRAWN]
    return [(node.nodeid.partition("[")[0], mark) for mark in marks]


@cache
def _above(node: nodes.Node | None) -> list[tuple[str, pytest.Mark]]:
    """The same of all that a test stands in: there are many tests in few modules."""
    return [] if node is None else [*_own(node), *_above(node.parent)]


def drawn(
    name: str, cases: Sequence[pytest.Item], number: int, *, ci: int | None = None, each: Sequence[str] = ()
) -> list[pytest.Item]:
    """Those that the profile makes; these are the arguments of the mark."""

    def kinds(case: Any) -> list[tuple[str, int]]:
        return [(parameter, id(case.callspec.params[parameter])) for parameter in each]

    count = profiles.size(number, len(cases) if ci is None else ci, len(cases))
    return profiles.drawn(name, cases, count, kinds if each else None)


def cpu_seconds() -> float:
    """Of this process, and of all that it has started."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime + cpu_seconds_of_children() + cpu_seconds_of_the_living(os.getpid())


def cpu_seconds_beside_workers() -> float:
    """Of this process, and of the one that the commands of all workers are forked from; workers have ended."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime + cpu_seconds_of_the_living(os.getpid())


def cpu_seconds_of_the_living(parent: int) -> float:
    """Of processes below this one that still run, and of those of theirs that have ended; 0 without /proc."""
    found = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[1]) == parent:
            found += sum(map(int, fields[11:15])) / TICKS + cpu_seconds_of_the_living(int(stat.parent.name))
    return found


def cpu_seconds_of_an_empty_python() -> float:
    """The median of some: this machine's, now."""
    measured = []
    for _ in range(MEASUREMENTS):
        before = cpu_seconds_of_children()
        subprocess.run(EMPTY, check=True, env={"PATH": os.environ["PATH"]})
        measured.append(cpu_seconds_of_children() - before)
    return sorted(measured)[MEASUREMENTS // 2]


def cpu_seconds_of_children() -> float:
    """Of those that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
