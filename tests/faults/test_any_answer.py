"""Whatever an answer holds, a run ends in words, deletes and doubles nothing, and the next one converges."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.cli.runtime import Runtime
from reconciler.environment import Environment
from reconciler.errors import ExitCode
from tests import figures, profiles
from tests.contract.breaking import VALUES, places, spoilt_at
from tests.harness.judge import raw_content, with_content
from tests.harness.shell import Ended, Shell, run_in
from tests.harness.wire import Act, Passing, Wire, at
from tests.property.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

FIGURE: Final = "spoilt answers"
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


def spoiling(number: int, spoil: Callable[[bytes], bytes]) -> Act:
    """Changes the answer to the request of that number, on the client's side of the wire."""

    async def spoilt(passing: Passing) -> httpx.Response:
        response = await passing.answer()
        content = spoil(await raw_content(response))
        response.headers.pop("content-length", None)
        return with_content(response, content)

    return at(number, spoilt)


def declare(shell: Shell, tenants: dict[str, str]) -> None:
    for name, text in tenants.items():
        shell.tenant(name, text)


def spoilt(shell: Shell, number: int, spoil: Callable[[bytes], bytes]) -> Ended:
    """An apply, one of whose answers is spoilt."""
    around = Runtime(
        environ=Environment(shell.environ),
        wrap=lambda inner: Wire(shell._judged(inner), spoiling(number + 1, spoil)),
        clock=shell.clock,
    )
    return run_in(shell.folder, ("apply", "--yes", "--simulator", "sim.db"), around)


@dataclass(frozen=True)
class Spoil:
    """A value put into one place of a document, or what stands there left out; or another document."""

    place: int
    value: str

    def __str__(self) -> str:
        return self.value if self.place < 0 else f"{self.value} at place {self.place}"

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


KNOWN: Final = (
    (0, Spoil(-1, "objects in each other")),
    (0, Spoil(24, "100,000 letters")),
    (9, Spoil(-1, "lists in each other")),
    (8, Spoil(6603, "the last day")),
)
"""Answers that once made trouble: the number of the request, and how its answer is spoilt."""


def drawn() -> list[tuple[int, Spoil]]:
    """Others, by the seed."""
    found = []
    for seed in profiles.seeds(FIGURE, profiles.size(9, 30, 2_000)):
        random = Random(seed)  # noqa: S311
        whole = random.random() < 0.5
        place, value = (-1, WHOLE) if whole else (random.randrange(10_000), VALUES)
        found.append((random.randrange(REQUESTS), Spoil(place, random.choice(sorted(value)))))
    return found


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The account of a fleet in sync, as a file."""
    shell = Shell(tmp_path_factory.mktemp("begun"))
    declare(shell, BEFORE)
    shell.applied()
    shell.stored.settle()
    return shell.folder / "sim.db"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "spoil"), [*KNOWN, *drawn()], ids=str)
def test_no_answer_makes_a_run_fail_without_words_or_take_anything(
    begun: Path, number: int, spoil: Spoil, tmp_path: Path
) -> None:
    shell = Shell(tmp_path)
    shutil.copy(begun, shell.folder / "sim.db")
    declare(shell, AFTER)
    before = rows(shell)
    ended = spoilt(shell, number, spoil)
    with figures.counted(FIGURE):
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
