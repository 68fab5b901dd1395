"""Whatever an answer holds, a run ends in words, deletes and doubles nothing, and the next one converges."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.cli.runtime import Runtime
from reconciler.environment import Environment
from reconciler.errors import ExitCode
from tests import figures
from tests.contract.breaking import VALUES, places, spoilt_at
from tests.contract.judge import raw_content, with_content
from tests.e2e.command_line import Ended, Shell, run_in
from tests.property.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BEFORE = {
    "acme": "tier: pro\ndev_branches: [dev]\nsnapshots: [v1]",
    "bluebird": "tier: free",
    "cedar": "tier: free",
}
AFTER = {
    "acme": "tier: pro\ndev_branches: [dev, qa]\nsnapshots: [v1, v2]\noverrides: {compute: {max_cu: 8}}",
    "bluebird": "tier: pro",
    "cedar": "tier: free\noverrides: {quota: {data_transfer: 6GiB}}",
    "dawn": "tier: free",
}
REQUESTS = 40
"""About as many as the second apply makes."""

WHOLE: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "an object": b"{}",
    "a text": b'""',
    "lists in each other": b"[" * 100_000,
    "objects in each other": b'{"a":' * 10_000,
    "a number": b"1" * 5000,
    "no UTF-8": b"\xff{}",
    "a page": b"<html>",
}


@dataclass(frozen=True)
class Spoiling(httpx.AsyncBaseTransport):
    """Changes the answer to the n-th request, on the client's side of the wire."""

    inner: httpx.AsyncBaseTransport
    turns: Iterator[int]
    number: int
    spoil: Callable[[bytes], bytes]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self.inner.handle_async_request(request)
        if next(self.turns) != self.number:
            return response
        content = self.spoil(await raw_content(response))
        response.headers.pop("content-length", None)
        return with_content(response, content, read=False)


def declare(shell: Shell, tenants: dict[str, str]) -> None:
    for name, text in tenants.items():
        shell.tenant(name, text)


def spoilt(shell: Shell, number: int, spoil: Callable[[bytes], bytes]) -> Ended:
    """An apply, one of whose answers is spoilt."""
    turns = iter(range(10**6))
    around = Runtime(
        environ=Environment(shell.environ),
        wrap=lambda inner: Spoiling(shell._judged(inner), turns, number, spoil),
        clock=shell.clock,
    )
    return run_in(shell.folder, ("apply", "--yes", "--simulator", "sim.db"), around)


@dataclass(frozen=True)
class Spoil:
    """A value put into one place of a document, or what stands there left out; or another document."""

    place: int
    value: str

    def __call__(self, content: bytes) -> bytes:
        if self.value in WHOLE and self.place < 0:
            return WHOLE[self.value]
        if not content:
            return content
        document = json.loads(content)
        paths = [path for path in places(document, object) if path]
        return (
            json.dumps(spoilt_at(document, paths[self.place % len(paths)], VALUES[self.value])).encode()
            if paths
            else content
        )


spoils = st.one_of(
    st.builds(Spoil, st.integers(0, 10_000), st.sampled_from(sorted(VALUES))),
    st.builds(Spoil, st.just(-1), st.sampled_from(sorted(WHOLE))),
)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The account of a fleet in sync, as a file."""
    shell = Shell(tmp_path_factory.mktemp("begun"))
    declare(shell, BEFORE)
    shell.applied()
    with shell.account() as simulator:
        simulator.world.store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    return shell.folder / "sim.db"


@pytest.mark.slow  # the same examples each time: to search for new ones, take ``derandomize`` away
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(number=st.integers(0, REQUESTS), spoil=spoils)
@example(number=0, spoil=Spoil(-1, "objects in each other"))
@example(number=0, spoil=Spoil(24, "100,000 letters"))
@example(number=9, spoil=Spoil(-1, "lists in each other"))
def test_no_answer_makes_a_run_fail_without_words_or_take_anything(begun: Path, number: int, spoil: Spoil) -> None:
    with TemporaryDirectory() as folder:
        shell = Shell(Path(folder))
        shutil.copy(begun, shell.folder / "sim.db")
        declare(shell, AFTER)
        before = rows(shell)
        ended = spoilt(shell, number, spoil)
        with figures.counted("spoilt answers"):
            assert ended.code in set(ExitCode)
            assert not any(word in ended.out + ended.err for word in ("Traceback", "defect"))
            assert all(sign.isprintable() for sign in (ended.out + ended.err).replace("\n", ""))
            assert before.projects.keys() <= rows(shell).projects.keys()
            assert before.branches.keys() <= rows(shell).branches.keys()
            assert before.snapshots.keys() <= rows(shell).snapshots.keys()
            second = shell.simulated("apply", "--yes")
            assert second.code == 0, (ended, second)
            names = sorted(row["body"]["name"] for row in rows(shell).projects.values())
            assert names == sorted(f"myapp-{tenant}" for tenant in AFTER)


def rows(shell: Shell) -> Rows:
    with shell.account() as simulator:
        return Rows.of(simulator)
