"""What holds for every test: the exchanges it makes over HTTP keep to the official description."""

from __future__ import annotations

import gc
import os
import signal
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.simulator.app import ROUTES
from tests import figures, profiles
from tests.contract.installed import ABSENT
from tests.faults import trials
from tests.harness.judge import MAX_LISTED, SESSION, Counts

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

profiles.load()
gc.set_threshold(50_000, 20, 20)  # of 700, looking for garbage takes up to a tenth of the time
pytest_plugins = ["tests.temporary", "tests.compiled", "tests.costs"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # of a shell's `&`; what is started would ignore it too
    signal.signal(signal.SIGINT, signal.default_int_handler)

WORKERS: Final = Counts()
"""The sum of what the workers of a parallel run have seen."""
CLIENT: Final = "client"
"""The mark of a test in which a client of Neon's acts, and the property under which its report names that one."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """The order of the tests follows from the seed of the run, like its trials; ``--randomly-seed`` sets it."""
    if config.getoption("randomly_seed", None) == "default":
        config.option.randomly_seed = profiles.seed()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Reports pass from workers to the run that started them, marks do not."""
    for item in items:
        for mark in item.iter_markers(CLIENT):
            item.user_properties.append((CLIENT, mark.args[0]))


def pytest_collection_finish() -> None:
    """What the tests are made of stays until the end: no collection of garbage goes through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_certificates_of_the_user() -> Iterable[None]:
    """What this machine trusts takes long to read; commands of tests call servers of tests, without TLS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.delenv("SSL_CERT_DIR", raising=False)
        yield


@pytest.fixture(scope="session")
def _states(tmp_path_factory: pytest.TempPathFactory) -> Iterable[Iterator[str]]:
    """A new path with each one. What commands keep before the first test is kept in a folder of this run."""
    folder = tmp_path_factory.mktemp("states")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        patch.setenv("XDG_CACHE_HOME", f"{folder}.cache")
        yield (f"{folder}/{number}" for number in count())


@pytest.fixture(autouse=True)
def _no_state_of_the_user_or_of_another_test(_states: Iterator[str]) -> None:
    """Journals, logs and caches that commands keep are kept for this test: no test finds those of another one.

    The next test replaces the values, and the end of the run takes them back.
    """
    folder = next(_states)
    os.environ["XDG_STATE_HOME"] = folder
    os.environ["XDG_CACHE_HOME"] = f"{folder}.cache"


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_the_disk() -> Iterable[None]:
    """No machine crashes under a test, which alone would show what has not reached the disk; commands do wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


TRIALS: Final = trials.Trials()
"""The same of their random trials."""


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
        output["trials"] = (trials.SESSION.made, trials.SESSION.held, trials.SESSION.reported)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """The run that started the workers adds their counts up; a worker that crashed left none."""
    exchanges, unjudged, violations, operations = getattr(node, "workeroutput", {}).get("judged", (0, 0, [], []))
    WORKERS.add(Counts(exchanges, unjudged, violations, set(operations)))
    for what, tried, held in getattr(node, "workeroutput", {}).get("figures", ()):
        figures.add(figures.SESSION, what, tried, held)
    TRIALS.add(trials.Trials(*getattr(node, "workeroutput", {}).get("trials", (0, 0, 0))))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was tried, and what was judged: operations, exchanges, and how many rules they broke."""
    TRIALS.add(trials.SESSION)
    if TRIALS.made:
        figures.add(figures.SESSION, "trials of the create protocol", TRIALS.made, TRIALS.held)
    for what, figure in sorted(figures.SESSION.items()):
        terminalreporter.write_line(figure.line(what))
    if os.environ.get("FIGURES") == "write":
        figures.write(figures.SESSION)
    total = Counts()
    total.add(SESSION)
    total.add(WORKERS)
    terminalreporter.write_line(
        f"official description: {len(ROUTES)} operations declared by the simulator, {len(total.operations)} "
        f"validated, {total.exchanges} exchanges validated, {len(total.violations)} violations"
    )
    if TRIALS.made:
        terminalreporter.write_line(str(TRIALS))
    if total.unjudged:
        terminalreporter.write_line(f"{total.unjudged} exchanges passed unjudged: {ABSENT}")
    write_clients(terminalreporter)


def write_clients(terminalreporter: pytest.TerminalReporter) -> None:
    """How many scenarios of Neon's own clients have passed, where there were any."""
    stats = terminalreporter.stats
    if not any(clients(stats[outcome]) for outcome in stats):
        return
    broken = {report.nodeid for report in stats.get("error", ())}
    passed = Counter(clients(report for report in stats.get("passed", ()) if report.nodeid not in broken))
    listed = ", ".join(f"{client} {passed[client]}" for client in sorted(passed))
    scenarios = "scenario" if passed.total() == 1 else "scenarios"
    ending = f" ({listed})" if listed else ""
    terminalreporter.write_line(f"Neon's own clients: {passed.total()} {scenarios} passed{ending}")


def clients(reports: Iterable[object]) -> list[str]:
    """The client of each report that is about one."""
    return [
        str(client)
        for report in reports
        for name, client in getattr(report, "user_properties", ())
        if name == CLIENT
    ]
