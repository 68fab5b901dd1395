"""Keys and passwords, marked so that they can be found, are looked for in all that every command leaves behind."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests import figures
from tests.harness.forks import Order, shared
from tests.harness.local_http import LOCAL
from tests.harness.processes import Place
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KEYS: Final = {
    "PERSONAL_API_KEY": "marked-personal-0b1946ac92492d23",
    "FREE_ORG_API_KEY": "marked-free-9c56cc51b374c3ba18921",
    "PAID_ORG_API_KEY": "marked-paid-7692c3ad3540bb803c020",
}
FOREIGN: Final = "marked-foreign-b3aee66cd32cfef6ba06"
"""A key that opens nothing."""
TYPED: Final = "marked-typed-5b1dd5f4add47c60ac55"
"""One that somebody types into an address, where every process of the machine can see it; no output repeats it."""
GIT: Final = """#!/bin/sh
{ env; echo "$@"; } >> "{log}"
exec "{git}" "$@"
"""
ECHO: Final = " ".join([*KEYS.values(), "postgresql://owner:marked-password-in-an-answer@ep-1.neon.test/db"])
"""What an answer that is up to no good repeats."""
ECHOING: Final[list[dict[str, Any]]] = [
    {"effect": {"type": "AnswerWith", "status": 400, "message": ECHO}, "times": None},
    {"effect": {"type": "AnswerWith", "status": 403, "message": ECHO, "code": ECHO}, "times": None},
    {"effect": {"type": "AnswerWith", "status": 502, "text": f"<html>{ECHO}</html>"}, "times": None},
    {"effect": {"type": "AnswerWith", "status": 200, "text": f'{{"projects": "{ECHO}"}}'}, "times": None},
    {"effect": {"type": "AnswerWith", "status": 500, "message": ECHO}, "method": "PATCH", "times": None},
]
SINK: Final = "strings.jsonl"
"""The only file that is to hold a password."""
TENANTS: Final[list[dict[str, Any]]] = [
    {"tenant": "acme", "tier": "pro", "dev_branches": ["development"], "snapshots": ["v1"]},
    {"tenant": "bluebird", "tier": "free"},
]


@dataclass
class Searched:
    """A place whose commands are watched, with all that they left behind."""

    place: Place
    loud: bool
    """Whether every library says all that it has to say."""
    outputs: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def run(self, *args: str, stdin: str = "", **environ: str) -> int:
        """A command; what it says is kept, and the command lines of all processes meanwhile."""
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(over,))
        watcher.start()
        code, said = self._ended(args, stdin, {**self.place.environ, **environ})
        over.set()
        watcher.join()
        self.outputs += said
        return code

    def _ended(self, args: Sequence[str], stdin: str, environ: Mapping[str, str]) -> tuple[int, list[str]]:
        with TemporaryDirectory() as streams:
            given = Path(streams) / "stdin"
            given.write_text(stdin, encoding="utf-8")
            noted = self.place.folder / "started.log"
            order = Order(args, self.place.folder, environ, noted=noted, loud=self.loud)
            ended = shared().run(order, Path(streams), str(given))
        assert ended.code is not None, "it does not end"
        return ended.code, [ended.out.decode(), ended.err.decode()]

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(process.read_bytes().decode(errors="replace"))
                except OSError:
                    continue

    def declare(self, tenants: list[dict[str, Any]]) -> None:
        lines = "\n".join(json.dumps(tenant) for tenant in tenants)
        (self.place.folder / "fleet.ndjson").write_text(lines, encoding="utf-8")

    def fault(self, fault: dict[str, Any] | None) -> None:
        """Set a fault, or take all away."""
        page = self.place.environ["NEON_API_HOST"].replace("/api/v2", "/_simulator/faults")
        if fault is None:
            httpx.delete(page, **LOCAL)
        else:
            httpx.post(page, json=fault, **LOCAL).raise_for_status()

    def left(self) -> Iterator[tuple[str, str]]:
        """Everything that could hold a secret, by where it was."""
        yield from ((f"output {number}", text) for number, text in enumerate(self.outputs))
        yield "process list", "\n".join(self.seen).replace(TYPED, "")
        for file in sorted(self.place.folder.rglob("*")):
            if file.is_file() and file.name != SINK and not file.name.startswith("sim.db"):
                yield str(file.relative_to(self.place.folder)), file.read_bytes().decode(errors="replace")

    def secrets(self) -> list[str]:
        """The keys, and every password that there is or was."""
        roles = Stored.at(self.place.folder / "sim.db").rows("roles")
        passwords = {row["password"]: None for row in roles if row["password"]}
        return [*KEYS.values(), FOREIGN, TYPED, "marked-password-in-an-answer", *passwords]


@pytest.fixture
def watched(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Searched]:
    place, outside = Place(tmp_path), tmp_path_factory.mktemp("outside")
    place.hurry()
    (tmp_path / "tmp").mkdir()
    place.environ |= {"TMPDIR": str(tmp_path / "tmp"), "RECONCILER_TRACEBACK": "1"}
    searched = Searched(place, request.param)
    searched.declare(TENANTS)
    under_version_control(place, outside)
    with place.served():
        place.environ |= KEYS
        mark(tmp_path / "sim.db", place.environ)
        yield searched


def under_version_control(place: Place, outside: Path) -> None:
    """A commit, a remote that has it, and a ``git`` on the path that notes what it gets to know."""
    git = shutil.which("git")
    assert git is not None
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for command in (
        ("init", "-q", "--bare", str(outside / "origin")),
        ("init", "-q", "--initial-branch=main"),
        ("add", "tiers.yaml", "fleet.ndjson"),
        (*who, "commit", "-q", "-m", "All"),
        ("remote", "add", "origin", str(outside / "origin")),
        ("push", "-q", "-u", "origin", "main"),
    ):
        subprocess.run([git, "-C", str(place.folder), *command], check=True)
    wrapper = outside / "bin/git"
    wrapper.parent.mkdir()
    wrapper.write_text(GIT.replace("{log}", str(place.folder / "git.log")).replace("{git}", git), encoding="utf-8")
    wrapper.chmod(0o755)
    place.environ["PATH"] = f"{wrapper.parent}{os.pathsep}{place.environ['PATH']}"


def mark(account: Path, environ: dict[str, str]) -> None:
    """Let the marked keys open what the simulator's own ones do."""
    stored = Stored.at(account)
    stored.give_key(KEYS["PERSONAL_API_KEY"])
    for name in ("FREE", "PAID"):
        stored.give_key(KEYS[f"{name}_ORG_API_KEY"], environ[f"NEON_{name}_ORG_ID"])


def use_every_command(searched: Searched) -> None:
    """A fleet's life, with a report of every kind."""
    run = searched.run
    assert run("validate", "--format", "json") == 0
    files = ("--output", "plan.txt", "--output", "p.json", "--out", "saved.json")
    assert run("plan", "--format", "markdown", "--ref", "main", *files) == 0
    assert run("show", "saved.json") == 0
    told = ("--output", "report.json", "--events", "events.jsonl", "--metrics", "run.prom")
    assert run("apply", "saved.json", "--yes", "--journal", "journal.jsonl", *told) == 0
    assert run("drift", "--format", "json", "--depth", "deep") == 0
    signing_up = ("converge", "-", "--connections-to", SINK, "--single-writer", "--journal", "journal.jsonl")
    assert run(*signing_up, stdin='{"tenant": "zoe", "tier": "free"}') == 0
    reading = ("connections", "acme", "-", "--connections-to", SINK)
    assert run(*reading, stdin='{"tenant": "zoe", "tier": "free"}') == 0
    assert run("connections", "acme") == 3
    rotating = ("rotate", "acme", "--role", "neondb_owner", "--connections-to", SINK, "--journal", "journal.jsonl")
    assert run(*rotating, "--dry-run", "--format", "json") == 0
    assert run(*rotating, "--yes", "--output", "rotated.json") == 0
    lowered = {**TENANTS[0], "tier": "free", "dev_branches": [], "accept": {"history_loss": True}}
    searched.declare([lowered, {**TENANTS[1], "tier": "pro"}])
    assert run("apply", "--yes", "--allow", "lowering", "--journal", "journal.jsonl", "--format", "json") == 0
    assert run("schema", "plan") == 0


def let_every_command_fail(searched: Searched) -> None:
    """Answers that repeat the keys, keys that open nothing, hosts that are none, a defect."""
    run = searched.run
    searched.declare([{**tenant, "overrides": {"quota": {"data_transfer": "60GiB"}}} for tenant in TENANTS])
    commands = (("plan", "--format", "json"), ("drift",), ("apply", "--yes", "--journal", "journal.jsonl"))
    for number, fault in enumerate(ECHOING):
        searched.fault(fault)
        assert run(*commands[-1], "--events", f"failed{number}.jsonl", "--log-format", "json") != 0
        searched.fault(None)
    for command in commands:
        assert run(*command, FREE_ORG_API_KEY=FOREIGN) == 4
        assert run(*command, "--api-host", f"https://{TYPED}@neon.test/api/v2") == 3
    for variable, code in {
        "NEON_FREE_ORG_ID": 4,
        "NEON_PAID_ORG_ID": 4,
        "NEON_API_HOST": 3,
        "RECONCILER_ENV": 3,
    }.items():
        assert run("plan", **{variable: FOREIGN}) == code
    assert run("plan", "--api-host", "http://127.0.0.1:9/api/v2", FREE_ORG_API_KEY=FOREIGN) == 1
    literal = (searched.place.folder / "tiers.yaml").read_text(encoding="utf-8")
    broken = literal.replace("${PAID_ORG_API_KEY}", KEYS["PAID_ORG_API_KEY"])
    (searched.place.folder / "tiers.yaml").write_text(broken, encoding="utf-8")
    assert run("validate") == 3
    (searched.place.folder / "tiers.yaml").write_text(literal, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize(
    "watched",
    [False, pytest.param(True, marks=pytest.mark.exhaustive)],
    ids=["as usual", "every library logging"],
    indirect=True,
)
def test_no_key_and_no_password_is_found_in_anything_that_a_command_leaves_behind(watched: Searched) -> None:
    use_every_command(watched)
    let_every_command_fail(watched)
    secrets, left = watched.secrets(), dict(watched.left())
    assert len(secrets) >= 8
    assert {"journal.jsonl", "saved.json", "plan.txt", "p.json", "report.json", "git.log"} <= left.keys()
    assert {"events.jsonl", "failed0.jsonl", "run.prom"} <= left.keys()
    found = [(where, secret) for where, text in left.items() for secret in secrets if secret in text]
    figures.count("outputs searched for secrets", times=len(left), held=not found)
    assert not found
    assert {*left["started.log"].split()} == {shutil.which("git", path=watched.place.environ["PATH"])}
    assert left["git.log"].count("ls-remote") == 1
    handed_out = (watched.place.folder / SINK).read_text(encoding="utf-8")
    assert any(secret in handed_out for secret in secrets), "the search itself finds nothing"
    for file in (SINK, "journal.jsonl"):
        assert stat.S_IMODE((watched.place.folder / file).stat().st_mode) == 0o600
