"""What holds for every test: the exchanges it makes over HTTP keep to the official description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.description import ABSENT
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
        output["judged"] = (SESSION.exchanges, SESSION.unjudged, SESSION.violations)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The run that started the workers adds their counts up; a worker that crashed left none."""
    exchanges, unjudged, violations = getattr(node, "workeroutput", {}).get("judged", (0, 0, []))
    WORKERS.exchanges += exchanges
    WORKERS.unjudged += unjudged
    WORKERS.violations += violations


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line: how many exchanges were judged, and how many rules they broke."""
    exchanges = SESSION.exchanges + WORKERS.exchanges
    unjudged = SESSION.unjudged + WORKERS.unjudged
    violations = len(SESSION.violations) + len(WORKERS.violations)
    terminalreporter.write_line(f"official description: {exchanges} exchanges judged, {violations} violations")
    if unjudged:
        terminalreporter.write_line(f"{unjudged} exchanges passed unjudged: {ABSENT}")
