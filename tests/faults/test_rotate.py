"""Every fault at every call of a rotation: the password changes once at most, and whoever asked gets it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.errors import ReconcilerError
from reconciler.fleet import Connection, Fleet, Rotate, RunOptions
from reconciler.plan.outcome import Result
from reconciler.simulator import roles_and_databases
from reconciler.simulator.seed import ProjectSeed
from tests import profiles
from tests.faults.kinds import KINDS, Call, calls_on, struck
from tests.harness.account import API, World, world
from tests.harness.builders import a_branch, a_fleet, a_tenant
from tests.harness.stored import Stored
from tests.harness.wire import Killed, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.plan.outcome import Report

FLEET: Final = a_fleet(a_tenant("acme"))
ROTATE: Final = Rotate(tenant="acme", role="neondb_owner")
CALLS_OF_A_KIND: Final = profiles.size(1, 2, 1000)


@dataclass
class Rotating:
    """One rotation of acme's password."""

    neon: World
    folder: Path
    resets: list[str] = field(default_factory=list)
    """The passwords that the account has made."""
    report: Report | None = None
    error: str = ""
    found: dict[str, Connection] = field(default_factory=dict)

    def rotate(self, via: Any) -> None:
        """Ends with a report, an error, or Killed."""

        async def main() -> None:
            connected = Fleet.connect(FLEET, environ=self.neon.environ, host=API.host, via=via)
            async with connected as fleet:
                planned = await fleet.plan_command("acme", lambda *_: ROTATE)
                await fleet.require_connection(planned)
                options = RunOptions(id="r1", journal=self.folder / "journal.jsonl")
                self.report = await fleet.carry_out(planned, options, on_connection=self.found.__setitem__)

        try:
            self.neon.run(main())
        except ReconcilerError as error:
            self.error = str(error)

    @property
    def applied(self) -> bool:
        return self.report is not None and self.report.outcomes[0].result is Result.APPLIED

    @property
    def password(self) -> str:
        """The current one."""
        (row,) = Stored.of(self.neon.simulator).rows("roles")
        password: str = row["password"]
        return password


@contextmanager
def rotating(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rotating]:
    with world() as neon, monkeypatch.context() as patch:
        note = a_branch("p-acme").annotations
        neon.simulator.add_project("free", ProjectSeed("myapp-acme", annotations={**note, "tenant": "acme"}))
        scene = Rotating(neon, folder)
        reset = roles_and_databases.replace_password

        def counting(transaction: Any, row: Any) -> Any:
            made = reset(transaction, row)
            scene.resets.append(made["password"])
            return made

        patch.setattr(roles_and_databases, "replace_password", counting)
        yield scene


def undisturbed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    with rotating(folder, monkeypatch) as scene:
        way = Wire(scene.neon.via)
        scene.rotate(way)
        assert scene.applied
        assert [call.method for call in calls_on(way)].count("POST") == 1
        return calls_on(way)


def wrong(scene: Rotating, call: Call, kind: str) -> Iterator[str]:
    if len(scene.resets) > 1:
        yield f"reset {len(scene.resets)} times"
    told = scene.found.get("acme")
    if told is None and scene.resets:
        yield "there is a new password, and nobody was told"
    if told is not None and f":{scene.password}@" not in told.direct.reveal():
        yield "what was handed out is not the password"
    if scene.applied and not scene.resets:
        yield "reported as done, and nothing was reset"
    absorbed = KINDS[kind].absorbed(call)
    if absorbed is not None and scene.applied is not absorbed:
        yield f"absorbed should be {absorbed}: {scene.error or scene.report}"


@pytest.mark.drawn(10)
@pytest.mark.parametrize("kind", KINDS)
def test_the_password_changes_once_at_most_and_whoever_asked_gets_it(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = []
    calls = undisturbed(tmp_path, monkeypatch)
    strikes = [(number, call) for number, call in enumerate(calls, start=1) if KINDS[kind].strikes(call)]
    for number, call in profiles.drawn(f"rotate {kind}", strikes, CALLS_OF_A_KIND):
        with rotating(tmp_path, monkeypatch) as scene:
            way = Wire(scene.neon.via, struck(scene.neon.simulator, KINDS[kind], number))
            try:
                scene.rotate(way)
            except Killed:
                assert len(scene.resets) <= 1
                assert scene.password not in (tmp_path / "journal.jsonl").read_text() if scene.resets else True
                continue
            failures += [f"{number} {call}: {what}" for what in wrong(scene, call, kind)]
    assert not failures, "\n".join(failures)
