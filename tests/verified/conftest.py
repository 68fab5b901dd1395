"""The account that the tests meet: the simulator on a port of this machine, or a real one (VERIFIED=account)."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.serve import serving
from reconciler.simulator.types import GUIDE_ORGANIZATIONS
from tests.harness.account import a_simulator
from tests.harness.judge import session_judge
from tests.harness.local_http import LOCAL
from tests.verified import facts
from tests.verified.account import PREFIX, Account
from tests.verified.variables import Access, MissingVariablesError, access

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.simulator.simulator import Simulator

REAL: Final = os.environ.get("VERIFIED") == "account"
CREATES: Final = (
    f"make verified: creates about 90 projects whose names begin with {PREFIX}, in both organizations, with\n"
    "branches and snapshots, transfers some of them, and deletes all of them. Neon keeps deleted projects for\n"
    "seven days. It changes nothing else."
)


def pytest_report_header() -> str | None:
    return CREATES if REAL else None


@contextmanager
def simulated_account(file: Path, behaviour: Behaviour | None = None) -> Iterator[tuple[Account, Simulator]]:
    """A served simulator, judged, on a clock that moves only when a test waits."""
    judge = session_judge(refusals_allowed=True)
    opened = a_simulator(
        *GUIDE_ORGANIZATIONS,
        path=file,
        clock_source=lambda: DEMO_EPOCH_SECONDS,
        behaviour=behaviour or Behaviour(),
    )

    def rule(response: httpx.Response) -> None:
        response.read()
        judge.rule(response.request, response, response.content)

    with opened as simulator, serving(simulator) as url:
        of = Access(url, simulator.personal_key, simulator.organization_ids, simulator.organization_keys)
        with httpx.Client(base_url=url, **LOCAL, event_hooks={"response": [rule]}) as http:
            yield Account(of, http, simulator.clock.advance), simulator
    judge.verify()


@contextmanager
def real_account() -> Iterator[Account]:
    """The account that the variables name. Whatever happens, its throwaway projects are deleted."""
    try:
        of = access(os.environ)
    except MissingVariablesError as error:
        pytest.exit(str(error), returncode=3)
    with httpx.Client(base_url=of.url, timeout=60) as http:
        account = Account(of, http, time.sleep)
        account.clean(now=datetime.now(UTC))  # noqa: TID251 - the age of real projects
        try:
            yield account
        finally:
            account.clean(run=account.run)


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One account for all tests; each creates projects of its own."""
    if REAL:
        with real_account() as real:
            yield real
    else:
        with simulated_account(tmp_path_factory.mktemp("verified") / "neon.db") as (simulated, _):
            yield simulated


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the account has answered to each open question, and how to set the switch accordingly."""
    for line in facts.table(facts.FOUND):
        terminalreporter.write_line(line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A run on a real account has only tests that are marked for it."""
    if REAL:
        items[:] = [item for item in items if item.get_closest_marker("verified")]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands what it has found to the run that started it."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["facts"] = list(facts.FOUND.items())


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The run that started the workers puts together what they have found."""
    facts.FOUND.update(getattr(node, "workeroutput", {}).get("facts", ()))
