"""What holds for every test: the exchanges it makes over HTTP keep to the official description."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.simulator.app import ROUTES
from tests import figures
from tests.contract.installed import ABSENT
from tests.contract.judge import MAX_LISTED, SESSION, Tally

if TYPE_CHECKING:
    from collections.abc import Generator

WORKERS: Final = Tally()
"""The sum of what the workers of a parallel run have seen."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Fails the test in which a violation came up, even where it never asked its judge."""
    before = len(SESSION.violations)
    outcome = yield
    found = SESSION.violations[before:]
    if found:
        pytest.fail("\n".join(["violations of the official description:", *found[:MAX_LISTED]]), pytrace=False)
    return outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its counts to the run that started it."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["figures"] = [(what, f.tried, f.held) for what, f in figures.SESSION.items()]
        output["judged"] = (SESSION.exchanges, SESSION.unjudged, SESSION.violations, sorted(SESSION.operations))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The run that started the workers adds their counts up; a worker that crashed left none."""
    exchanges, unjudged, violations, operations = getattr(node, "workeroutput", {}).get("judged", (0, 0, [], []))
    WORKERS.add(Tally(exchanges, unjudged, violations, set(operations)))
    for what, tried, held in getattr(node, "workeroutput", {}).get("figures", ()):
        figures.add(figures.SESSION, what, tried, held)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was tried, and what was judged: operations, exchanges, and how many rules they broke."""
    for what, figure in sorted(figures.SESSION.items()):
        terminalreporter.write_line(figure.line(what))
    if os.environ.get("FIGURES") == "write":
        figures.write(figures.SESSION)
    total = Tally()
    total.add(SESSION)
    total.add(WORKERS)
    terminalreporter.write_line(
        f"official description: {len(ROUTES)} operations declared by the simulator, {len(total.operations)} "
        f"validated, {total.exchanges} exchanges validated, {len(total.violations)} violations"
    )
    if total.unjudged:
        terminalreporter.write_line(f"{total.unjudged} exchanges passed unjudged: {ABSENT}")
