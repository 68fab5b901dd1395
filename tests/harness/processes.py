"""Real processes: the simulator on a port, commands that run beside each other, and terminals."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, Final

import httpx

from reconciler.cli.embedded_neon import LATENCY, keys, open_account
from reconciler.environment import PULL_REQUESTS
from reconciler.fleet import read
from reconciler.simulator.serve import serving
from tests.harness.account import AT_ONCE
from tests.harness.forks import Order, Running, run_from_nothing, shared
from tests.harness.local_http import LOCAL
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.harness.forks import Ended

RECONCILER: Final = (sys.executable, "-m", "reconciler")
PATIENCE_SECONDS: Final = 60
"""After which something that should have happened long ago is a failure; nothing else depends on time."""
_COLOUR: Final = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PY_COLORS", "COLORTERM")


class Place:
    """A folder with a fleet, where commands run as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._hurried = False
        inherited = {name: value for name, value in os.environ.items() if name not in (*_COLOUR, *PULL_REQUESTS)}
        self.environ = {**inherited, "HOME": str(folder), "XDG_STATE_HOME": str(folder), "NO_PROXY": "127.0.0.1"}
        price_list = f"{TIERS}api: {{settle: 1s, batch_share: 1}}\ntenants: [{{ndjson: fleet.ndjson}}]\n"
        (folder / "tiers.yaml").write_text(price_list, encoding="utf-8")

    def hurry(self) -> None:
        """Where one command follows the other, no test needs to wait for answers, or for the account's rate."""
        prices = self.folder / "tiers.yaml"
        text = prices.read_text(encoding="utf-8")
        prices.write_text(text.replace("api: {", "api: {requests_per_minute: 60000, ", 1), encoding="utf-8")
        self._hurried = True

    def declare(self, count: int) -> list[str]:
        """So many tenants, no two alike; the names of their projects."""
        tenants = [
            {"tenant": f"t{number:03}", "tier": "free", "overrides": {"quota": {"active_time": f"{number + 1}h"}}}
            for number in range(count)
        ]
        (self.folder / "fleet.ndjson").write_text("\n".join(map(json.dumps, tenants)), encoding="utf-8")
        return [f"myapp-{tenant['tenant']}" for tenant in tenants]

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """A command from its start to its end, in a process that is forked from one that has imported all."""
        return self._ended(shared().run, args)

    def run_from_nothing(self, *args: str) -> subprocess.CompletedProcess[str]:
        """The same in a process from its very start."""
        return self._ended(run_from_nothing, args)

    def _ended(
        self, run: Callable[[Order, Path], Ended], args: tuple[str, ...]
    ) -> subprocess.CompletedProcess[str]:
        with TemporaryDirectory() as streams:
            ended = run(self._order(args), Path(streams))
        assert ended.code is not None, "it does not end"
        return subprocess.CompletedProcess(args, ended.code, ended.out.decode(), ended.err.decode())

    @contextmanager
    def running(
        self,
        *args: str,
        stdin: int = DEVNULL,
        stdout: int = DEVNULL,
        stderr: int = DEVNULL,
        file_bytes: int | None = None,
    ) -> Iterator[Running]:
        """A forked command that runs; what is left of it at the end of the block is killed.

        Streams are descriptors, or what stands for one with ``subprocess``.
        """
        with ExitStack() as opened:
            read: dict[str, IO[str]] = {}

            def stream(name: str, given: int) -> int:
                if given == DEVNULL:
                    return opened.enter_context(Path(os.devnull).open("r+b")).fileno()
                if given != PIPE:
                    return given
                ours, theirs = os.pipe()
                opened.callback(os.close, theirs)
                read[name] = os.fdopen(ours, encoding="utf-8")
                return theirs

            streams = [stream("stdin", stdin), stream("stdout", stdout)]
            streams.append(streams[1] if stderr == STDOUT else stream("stderr", stderr))
            command = shared().start(self._order(args, file_bytes), streams)
        command.stdout, command.stderr = read.get("stdout"), read.get("stderr")
        with command:
            yield command

    @contextmanager
    def running_from_nothing(self, *args: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command from its very start, which prints to nobody."""
        words = [*RECONCILER, *args]
        with subprocess.Popen(
            words, cwd=self.folder, env=self.environ, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def _order(self, args: tuple[str, ...], file_bytes: int | None = None) -> Order:
        return Order(args, self.folder, self.environ, file_bytes=file_bytes)

    @contextmanager
    def served(self) -> Iterator[Callable[[], list[str]]]:
        """The simulator on a free port, and every command led to it; a way to see the names of all projects.

        It is served by a thread: a command of its own would first import the program.
        """
        desired = read(self.folder)
        account = open_account(
            self.folder / "sim.db",
            desired,
            time.time,  # noqa: TID251 - the commands' own clock
            latency=AT_ONCE if self._hurried else LATENCY,
        )
        with account as simulator, serving(simulator) as url:
            if self._hurried:
                simulator.world.switches.change({"rate_limit": None})
            self.environ |= {"NEON_API_HOST": url, **keys(desired, simulator)}
            self.environ |= {
                f"NEON_{name.upper()}_ORG_ID": found for name, found in simulator.organization_ids.items()
            }
            yield self._project_names

    @contextmanager
    def served_by_a_process(self) -> Iterator[Callable[[], list[str]]]:
        """The same as a shell does it."""
        with self.running("simulator", "serve", "--port", "0", stderr=subprocess.PIPE) as server:
            self.environ |= _exports(self.run(*_env_command(server.stderr)).stdout)
            yield self._project_names

    @property
    def elsewhere(self) -> str:
        """What every output begins with, because the simulator is not Neon."""
        return f"! Keys go to a host that is not Neon's own: {self.environ['NEON_API_HOST']}\n\n"

    def fault(self, effect: dict[str, Any], method: str, path: str) -> Callable[[], int]:
        """Lets every such call meet a fault; a way to see how many have."""
        fault = {"effect": effect, "method": method, "path": path, "times": None}
        httpx.post(self._page("faults"), json=fault, **LOCAL).raise_for_status()

        def struck() -> int:
            answer = httpx.get(self._page("faults"), **LOCAL).raise_for_status().json()
            return sum(each["struck"] for each in answer["faults"])

        return struck

    def limit_rate(self, per_minute: int, per_second_and_route: int) -> None:
        """Lets the served simulator refuse more calls than these."""
        limit = {"per_minute": per_minute, "per_second_and_route": per_second_and_route}
        httpx.patch(self._page("behaviour"), json={"rate_limit": limit}, **LOCAL).raise_for_status()

    def statuses(self) -> list[int | None]:
        """How the served simulator has answered each request so far."""
        answer = httpx.get(self._page("requests"), **LOCAL).raise_for_status().json()
        return [each["status"] for each in answer["requests"]]

    def forget_faults(self) -> None:
        """Takes all faults away."""
        httpx.delete(self._page("faults"), **LOCAL).raise_for_status()

    def _page(self, name: str) -> str:
        return self.environ["NEON_API_HOST"].replace("/api/v2", f"/_simulator/{name}")

    def _project_names(self) -> list[str]:
        names = []
        for which in ("FREE", "PAID"):
            key = self.environ[f"{which}_ORG_API_KEY"]
            answer = patiently(
                f"{self.environ['NEON_API_HOST']}/projects",
                {"org_id": self.environ[f"NEON_{which}_ORG_ID"], "limit": "400"},
                {"Authorization": f"Bearer {key}"},
            )
            names += [project["name"] for project in answer.json()["projects"]]
        return sorted(names)

    def journal(self) -> list[dict[str, Any]]:
        """The whole lines of the journal so far."""
        path = self.folder / "journal.jsonl"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def patiently(url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> httpx.Response:
    """The answer to a read; a run that was killed may have used up the account's rate."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = httpx.get(url, params=params, headers=headers, **LOCAL)
        if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or time.monotonic() >= deadline:
            return answer.raise_for_status()
        time.sleep(0.5)


def until(happened: Callable[[], bool]) -> None:
    """Waits for it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal: the end for the test, and the end for a process."""
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


def read_until(ours: int, text: str) -> None:
    """Reads from a terminal up to and including a text."""
    seen = ""
    while text not in seen:
        seen += os.read(ours, 4096).decode()


def _env_command(stderr: IO[str] | None) -> list[str]:
    """What the served simulator says to run in another terminal, without the name of the program."""
    assert stderr is not None
    line = stderr.readline()
    found = re.search(r'in another terminal: eval "\$\(reconciler (.+)\)"; ', line)
    assert found, line
    return shlex.split(found[1])


def _exports(text: str) -> Mapping[str, str]:
    """What a shell would make of ``export NAME=value`` lines."""
    words = [shlex.split(line) for line in text.splitlines()]
    return dict(assignment.split("=", 1) for _, assignment in words)
