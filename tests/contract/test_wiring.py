"""The ground that the other tests stand on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.errors import UnknownOutcomeError
from reconciler.simulator.faults import DropAfter
from tests.contract import installed as official
from tests.harness import account as wiring
from tests.harness.account import API, world
from tests.harness.judge import Counts, Judge

if TYPE_CHECKING:
    from reconciler.neon.client import Neon


async def create(neon: Neon) -> None:
    await neon.create_project("free", {"name": "acme"}, {})


def test_a_world_lists_what_was_asked_of_it() -> None:
    with world() as asked:
        asked.using(create)
        asked.using(lambda neon: neon.projects("free"))
        assert asked.calls() == ["POST /projects", "GET /projects", "GET /projects"]
        assert asked.writes() == ["POST /projects"]


def test_a_dropped_connection_reaches_the_client_as_on_a_network() -> None:
    with world() as dropping:
        dropping.simulator.faults.add(DropAfter(), "POST", "/projects")
        with pytest.raises(UnknownOutcomeError):
            dropping.using(create)
        assert dropping.writes() == ["POST /projects"]
        assert len(dropping.using(lambda neon: neon.named("free", "acme"))) == 1


def test_simulated_time_goes_on_from_one_run_to_the_next() -> None:
    with world() as waiting:

        async def moment_after(seconds: float) -> float:
            await asyncio.sleep(seconds)
            return waiting.simulator.clock.now()

        moments = [waiting.run(moment_after(60)) for _ in range(3)]
    assert [round(later - moments[0]) for later in moments] == [0, 60, 120]


async def ask_for_the_unheard_of(via: httpx.AsyncBaseTransport) -> None:
    async with httpx.AsyncClient(transport=via, base_url=API.host) as client:
        await client.get("/projects", params={"surprise": 1})


def test_a_world_ends_in_failure_where_somebody_broke_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge(official.required(), counts=Counts())
    monkeypatch.setattr(wiring, "session_judge", lambda **_: judge)

    def break_a_rule() -> None:
        with world() as judged:
            judged.run(ask_for_the_unheard_of(judged.via))

    with pytest.raises(AssertionError, match="query surprise: is not a parameter"):
        break_a_rule()
