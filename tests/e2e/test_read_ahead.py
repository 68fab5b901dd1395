"""The lists are read while tenant files are parsed: each waits for the other here, so no clock is needed."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from reconciler.cli.embedded_neon import keys, open_account
from reconciler.errors import ExitCode
from reconciler.files.tree import WorkTree
from reconciler.fleet import read
from reconciler.simulator.serve import serving
from tests.harness.processes import PATIENCE_SECONDS
from tests.harness.repository import git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.shell import Shell

WHOLE: Final = (
    ("plan",),
    ("drift",),
    ("apply", "--yes", "--journal", "journal.jsonl"),
    ("observe", "--out", "seen.json"),
)
PARTS: Final = (("--tenant", "t1"), ("--shard", "1/2"), ("--tier", "free"), ("--changed-since", "HEAD"))
PRICES: Final = f"{TIERS}api: {{settle: 1s, batch_share: 1}}\n"
LISTS: Final = 2 * 1
"""Of a fleet without a project: one empty page for each organization."""


@dataclass
class Seen:
    """What a command did, in the order in which it did it."""

    listing: threading.Event = field(default_factory=threading.Event)
    """A list was asked for."""
    parsing: threading.Event = field(default_factory=threading.Event)
    """A tenant's file was opened."""
    calls: list[str] = field(default_factory=list)
    cancelled: int = 0
    before_files: int = 0
    """Calls before all files were read."""

    async def wait(self, event: threading.Event) -> None:
        """Waits in an event loop. Cancelled with the call."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while not event.is_set():
                assert time.monotonic() < deadline, "it did not happen"
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


@pytest.fixture
def fleet(shell: Shell) -> Shell:
    """Three tenants without a project."""
    shell.write("tiers.yaml", PRICES)
    for name in ("t1", "t2", "t3"):
        shell.tenant(name)
    return shell


@contextmanager
def served(shell: Shell) -> Iterator[None]:
    """The simulator on a port, to which the commands of the shell are led."""
    desired = read(shell.folder)
    account = open_account(shell.folder / "sim.db", desired, time.time)  # noqa: TID251 - the commands' own clock
    with account as simulator, serving(simulator) as url:
        shell.environ |= {"NEON_API_HOST": url, **keys(desired, simulator)}
        for name, found in simulator.organization_ids.items():
            shell.environ[f"NEON_{name.upper()}_ORG_ID"] = found
        yield


def watch(
    monkeypatch: pytest.MonkeyPatch,
    *,
    answer_when: Callable[[Seen], threading.Event] | None = None,
    read_when: Callable[[Seen], threading.Event] | None = None,
    on_read: Callable[[], None] = lambda: None,
) -> Seen:
    """Holds each answer, and each file of a tenant, until something has happened."""
    seen = Seen()
    send, opened = httpx.AsyncHTTPTransport.handle_async_request, WorkTree.read

    async def asked(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        seen.calls.append(f"{request.method} {request.url.path.removeprefix('/api/v2')}")
        seen.listing.set()
        if answer_when is not None:
            await seen.wait(answer_when(seen))
        return await send(self, request)

    def read_file(self: WorkTree, path: str, *limit: Any) -> bytes:
        if path.startswith("tenants/"):
            seen.parsing.set()
            if read_when is not None:
                assert read_when(seen).wait(PATIENCE_SECONDS), "it did not happen"
            on_read()
            seen.before_files = len(seen.calls)
        return opened(self, path, *limit)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", asked)
    monkeypatch.setattr(WorkTree, "read", read_file)
    return seen


def listing(seen: Seen) -> threading.Event:
    return seen.listing


def parsing(seen: Seen) -> threading.Event:
    return seen.parsing


def never(_seen: Seen) -> threading.Event:
    return threading.Event()


@pytest.mark.parametrize("command", WHOLE, ids=lambda words: words[0])
def test_files_and_lists_are_read_at_once(
    fleet: Shell, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(fleet):
        seen = watch(monkeypatch, answer_when=parsing, read_when=listing)
        ended = fleet.run(*command)
    assert ended.code in (ExitCode.DONE, ExitCode.CHANGES), ended.err
    assert seen.before_files >= 1
    assert seen.cancelled == 0
    assert sum(call == "GET /projects" for call in seen.calls[:LISTS]) == LISTS


def test_the_calls_and_the_plan_are_those_of_a_plan_that_reads_one_after_the_other(
    fleet: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(fleet):
        assert fleet.run("apply", "--yes", "--journal", "journal.jsonl").code == ExitCode.DONE
        fleet.tenant("t1", "tier: pro")
        fleet.tenant("t4")
        seen = watch(monkeypatch, read_when=listing)
        ahead = fleet.run("plan", "--format", "json")
        calls, seen.calls = seen.calls, []
        monkeypatch.setattr("reconciler.cli.read_ahead.ReadAhead.start", lambda _self, _prices: None)
        monkeypatch.setattr(seen, "listing", threading.Event())
        seen.listing.set()
        after = fleet.run("plan", "--format", "json")
    assert ahead.code == after.code == ExitCode.DONE
    planned = [[tenant["actions"] for tenant in ended.document["tenants"]] for ended in (ahead, after)]
    assert planned[0] == planned[1] != []
    assert ahead.document["budget"] == after.document["budget"]
    assert sorted(calls) == sorted(seen.calls)


@pytest.mark.parametrize("command", WHOLE, ids=lambda words: words[0])
def test_what_is_wrong_with_a_file_is_told_although_no_list_answers(
    fleet: Shell, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(fleet):
        fleet.tenant("t2", "tiir: free")
        seen = watch(monkeypatch, answer_when=never, read_when=listing)
        ended = fleet.run(*command)
    assert ended.code == ExitCode.INVALID
    assert ended.out == ""
    assert "tenants/t2.yaml:2:1" in ended.err
    assert "the files have problems: nothing was done" in ended.err
    assert seen.cancelled >= 1
    assert not {call.split()[0] for call in seen.calls} - {"GET"}


def test_a_host_name_that_is_looked_up_for_ever_delays_no_finding(
    fleet: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ended = threading.Event(), threading.Event()

    def look_up(*_arguments: Any, **_keywords: Any) -> list[Any]:
        asked.set()
        ended.wait(PATIENCE_SECONDS)
        raise socket.gaierror("no such host")

    with served(fleet):
        fleet.environ["NEON_API_HOST"] = "https://neon.test/api/v2"
        fleet.tenant("t2", "tiir: free")
        watch(monkeypatch, read_when=lambda _seen: asked)
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        assert fleet.run("plan").code == ExitCode.INVALID
        assert not ended.is_set()
        ended.set()


def test_an_interrupt_while_files_are_read_ends_the_lists_too(
    fleet: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    threads = threading.active_count()
    with served(fleet):
        seen = watch(monkeypatch, answer_when=never, read_when=listing, on_read=interrupt)
        ended = fleet.run("plan")
    assert ended.code == ExitCode.INTERRUPTED
    assert ended.err.strip() == "interrupted; no call is in flight"
    assert seen.cancelled >= 1
    assert threading.active_count() == threads


def test_a_list_that_fails_is_told_after_the_files_were_read(
    fleet: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(fleet):
        fleet.environ["FREE_ORG_API_KEY"] = "opens-nothing"
        fleet.tenant("t2", "tiir: free")
        seen = watch(monkeypatch, read_when=listing)
        assert fleet.run("plan").code == ExitCode.INVALID
        fleet.tenant("t2")
        ended = fleet.run("plan")
    assert ended.code == ExitCode.DENIED
    assert ended.err.count("error:") == 1
    assert seen.parsing.is_set()


def test_a_registry_that_cannot_be_asked_is_told_after_the_files(
    fleet: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.write("tiers.yaml", f"{PRICES}registry: {{url: '${{REGISTRY_URL}}'}}\n")
    fleet.environ["REGISTRY_URL"] = f"sqlite:///{fleet.folder / 'no-folder' / 'registry.db'}"
    with served(fleet):
        fleet.tenant("t2", "tiir: free")
        seen = watch(monkeypatch, read_when=listing)
        broken = fleet.run("plan")
        fleet.tenant("t2")
        seen.listing.clear()
        ended = fleet.run("plan")
    assert broken.code == ExitCode.INVALID
    assert "registry" not in broken.err
    assert ended.err.count("warning: how many calls other machines make is not known") == 1
    assert ended.err.count("error:") == 1


def test_a_missing_key_is_told_after_the_files_and_nothing_is_asked_before(
    fleet: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(fleet):
        del fleet.environ["PAID_ORG_API_KEY"]
        fleet.tenant("t2", "tiir: free")
        seen = watch(monkeypatch)
        broken = fleet.run("plan")
        fleet.tenant("t2")
        ended = fleet.run("plan")
    assert broken.code == ExitCode.INVALID
    assert "PAID_ORG_API_KEY" not in broken.err
    assert "PAID_ORG_API_KEY" in ended.err
    assert ended.err.count("error:") == 1
    assert seen.calls == []


@pytest.mark.parametrize("part", PARTS, ids=lambda words: words[0])
def test_for_a_part_of_the_fleet_nothing_is_read_ahead(
    fleet: Shell, part: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(fleet.folder)
    with served(fleet):
        seen = watch(monkeypatch)
        assert fleet.run("plan", *part).code == ExitCode.DONE
    assert seen.parsing.is_set()
    assert seen.before_files == 0


@pytest.mark.parametrize("edited", [False, True])
def test_files_that_the_base_does_not_permit_are_refused_before_a_call(
    fleet: Shell, edited: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(fleet.folder)
    with served(fleet):
        fleet.write("tiers.yaml", PRICES.replace("${NEON_FREE_ORG_ID}", "org-evil"))
        if not edited:
            commit(fleet.folder)
        seen = watch(monkeypatch)
        ended = fleet.run("plan")
    assert ended.code == ExitCode.REFUSED
    assert ended.err.count("organizations.free.id is 'org-evil'") == 1
    assert seen.calls == []


def commit(folder: Path) -> None:
    git(folder, "init", "--quiet")
    git(folder, "add", "tiers.yaml", "tenants")
    git(folder, "commit", "--quiet", "-m", "Change")
