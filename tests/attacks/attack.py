"""One attack from its beginning to its end: the stage, every command, and what was found."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from reconciler.simulator.serve import serving
from tests import profiles
from tests.attacks import invariants, marked, stage
from tests.attacks.account import Overheard, around
from tests.attacks.commands import COMMANDS, FEW, WRITING, in_folder
from tests.harness.forks import Ended, Order, run_from_nothing
from tests.harness.local_http import LOCAL
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.attacks.case import Case
    from tests.attacks.stage import Stage
    from tests.attacks.stranger import Stranger
    from tests.harness.forks import Warm


OTHERS: Final = 4
"""Commands beside the few that every case meets; in `make nightly` it meets all."""


@dataclass(frozen=True, slots=True)
class Arena:
    """What all attacks of a test process share."""

    account: Path
    """The file of the account as it was applied."""
    warm: Warm
    stranger: Stranger


def attack(arena: Arena, case: Case, words: Mapping[str, str], root: Path) -> list[str]:
    """Runs commands under the attack; what went wrong, each with the command it was."""
    shutil.copy(arena.account, root / "account.db")
    with Overheard.open(root / "account.db") as neon, serving(neon) as host:
        stranger = f"127.0.0.1:{arena.stranger.port}"
        ids = {f"PROJECT:{tenant}": project_id for tenant, project_id in neon.project_ids().items()}
        filling = {"STRANGER": stranger, "STRANGER-PORT": str(arena.stranger.port), "SIMULATOR": host, **ids}
        staged = stage.build(root, case, filling, words)
        environ = _environ(staged, around(neon, host))
        _in_the_console(staged, host)
        arena.stranger.heard()
        more = words == case.variants[0] and case.environment.process == "forked"
        names = {*FEW, *(_drawn(case) if more else ())}
        chosen = {name: arguments for name, arguments in COMMANDS.items() if name in names}
        return list(_run(arena, staged, neon, environ, chosen))


def _drawn(case: Case) -> list[str]:
    """The further commands that a case meets."""
    others = [name for name in COMMANDS if name not in FEW]
    return profiles.drawn(case.name, others, profiles.size(OTHERS, OTHERS, len(others)))


def _in_the_console(staged: Stage, host: str) -> None:
    """What somebody did there before the pull request."""
    key = {"Authorization": f"Bearer {marked.KEYS['PERSONAL_API_KEY']}"}
    for method, path, body in staged.case.environment.live:
        call = httpx.request(method, f"{host}{staged.filled_in(path)}", json=body, headers=key, **LOCAL)
        call.raise_for_status()


def _environ(staged: Stage, operator: Mapping[str, str]) -> dict[str, str]:
    """The environment of the commands: the operator's, other secrets of the machine, and what the case adds."""
    places = {
        "HOME": staged.root / "home",
        "XDG_STATE_HOME": staged.root / "home/state",
        "TMPDIR": staged.root / "tmp",
    }
    # No server is to be trusted here, and a file of one certificate is read in no time.
    usual = {
        "SSL_CERT_FILE": str(ROOT / "tests/e2e/untrusted.pem"),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        **{name: str(path) for name, path in places.items()},
    }
    environ = {**usual, **marked.OTHERS, **operator}
    for written, value in staged.case.environment.variables.items():
        name = staged.filled_in(written)
        if value is None:
            environ.pop(name, None)
        else:
            environ[name] = staged.filled_in(value)
    return environ


def _run(
    arena: Arena, staged: Stage, neon: Overheard, environ: dict[str, str], chosen: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    known, before = invariants.files(staged), neon.picture()
    for name, arguments in _commands(staged, chosen):
        if name in staged.case.environment.more and staged.case.environment.edit is not None:
            staged.shell(staged.filled_in(staged.case.environment.edit))
        seen = len(neon.writes())
        ended = _command(arena, staged, environ, name, arguments)
        for broken in _after(staged, neon.writes()[seen:], name, arguments, ended):
            yield f"{name}: {broken}"
        if ended.code is None:
            break
    yield from invariants.others_are_as_they_were(before, neon.picture(), staged.case.expected.writes)
    yield from invariants.neon_heard_no_secret(neon, environ)
    yield from invariants.nothing_else_is_touched(staged)
    yield from invariants.written_files(staged, known)
    left = invariants.new_files(staged, known)
    yield from invariants.nothing_is_told({str(path.relative_to(staged.root)): path.read_bytes() for path in left})
    yield from _stranger(arena, staged)
    yield from _trap(staged, environ)


def _commands(staged: Stage, chosen: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    folder = "fleet" if staged.case.environment.fleet == "folder" else None
    more = {name: tuple(arguments) for name, arguments in staged.case.environment.more.items()}
    reading = {name: arguments for name, arguments in chosen.items() if arguments[0] not in WRITING}
    for name, arguments in {**reading, **more, **chosen}.items():
        yield name, tuple(map(staged.filled_in, in_folder(arguments, folder)))


def _command(arena: Arena, staged: Stage, environ: dict[str, str], name: str, arguments: tuple[str, ...]) -> Ended:
    settings = staged.case.environment
    streams = staged.root / "streams" / name
    streams.mkdir(parents=True)
    (streams / "stdin").write_text(
        staged.filled_in(settings.document) if "-" in arguments else "", encoding="utf-8"
    )
    folder = staged.repository
    if settings.working_directory == "deleted":
        folder = staged.root / "gone"
        folder.mkdir(exist_ok=True)
    stdin = staged.filled_in(settings.stdin) if settings.stdin else str(streams / "stdin")
    order = Order(arguments, folder, environ, deleted=settings.working_directory == "deleted")
    run = arena.warm.run if settings.process == "forked" else run_from_nothing
    return run(order, streams, stdin)


def _after(staged: Stage, writes: list[str], name: str, arguments: tuple[str, ...], ended: Ended) -> Iterator[str]:
    """What one command has broken."""
    yield from invariants.ended_in_words(ended)
    yield from invariants.text_is_text(arguments, ended)
    yield from invariants.nothing_is_told({"stdout": ended.out, "stderr": ended.err})
    yield from invariants.nothing_ran(staged)
    yield from invariants.only_writers_wrote(arguments, writes)
    yield from invariants.as_expected(staged, name, ended)
    staged.canary.unlink(missing_ok=True)


def _stranger(arena: Arena, staged: Stage) -> Iterator[str]:
    """The stranger's host was left alone; no secret went there in any case."""
    heard = arena.stranger.heard()
    yield from invariants.nothing_is_told({"what the stranger's host heard": b"\n".join(heard)})
    if heard and not staged.case.environment.stranger_may_hear:
        yield f"the stranger's host was contacted {len(heard)} times: {heard[0][:80]!r}"


def _trap(staged: Stage, environ: Mapping[str, str]) -> Iterator[str]:
    """The trap of the case is live: who walks into it without care does run the attacker's code."""
    if staged.case.environment.trap is not None:
        staged.spring(staged.filled_in(staged.case.environment.trap), environ)
        if not staged.canary.exists():
            yield "the trap is not live: this case proves nothing"
