"""Read replicas that two runs, or a run and a person, create at once: one of each name stays."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import httpx

from reconciler.desired.tenant import Overrides
from reconciler.model.compute import Compute
from reconciler.plan.outcome import Result
from tests.harness.builders import FREE_COMPUTE, a_fleet, a_tenant
from tests.harness.runs import COUNTED_AT_ONCE
from tests.harness.stored import Stored
from tests.harness.wire import Act, Passing, failing, first, where
from tests.unit.apply.late import FREE, late

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from reconciler.live.project import LiveProject
    from reconciler.neon.client import Neon
    from tests.harness.runs import World
    from tests.unit.apply.late import Late

SMALL: Final = Compute(0.25, 1.0, 300)
WIDE: Final = Compute(0.25, 2.0, 300)
WITH_ONE: Final = a_fleet(a_tenant("acme", overrides=Overrides(replicas={"reports": SMALL})))
LATER: Final = 1.0
"""Seconds after which a creation has another ``created_at``."""


def replicas(run: Late) -> list[str]:
    """The ids of the read replicas that are there."""
    return [row["id"] for row in Stored.of(run.world.simulator).rows("endpoints", type="read_only")]


def creations(run: Late) -> list[str]:
    return [request.line for request in run.world.simulator.requests if request.line.startswith("POST")]


def somebody_creates(compute: Compute) -> Callable[[Neon, LiveProject], Coroutine[Any, Any, object]]:
    async def meddling(neon: Neon, project: LiveProject) -> None:
        assert project.default_branch is not None
        key = (project.organization, project.id)
        answer = await neon.create_replica(*key, project.default_branch.id, name="reports", compute=compute)
        await neon.wait(*key, answer.operations)

    return meddling


def creates_one(call: str) -> bool:
    return call.startswith("POST") and call.endswith("/endpoints")


def creates(passing: Passing) -> bool:
    return creates_one(passing.call)


def looks(passing: Passing) -> bool:
    return passing.request.method == "GET" and passing.path.endswith("/endpoints")


def also(passing: Passing, **members: object) -> httpx.Request:
    """The request of another run that creates the same, with other members."""
    body = json.loads(passing.request.content)
    body["endpoint"].update(members)
    headers = {name: value for name, value in passing.request.headers.items() if name != "content-length"}
    return httpx.Request("POST", passing.request.url, headers=headers, json=body)


def rival_before(**members: object) -> Act:
    """Another run creates one between the search and the creation."""

    async def act(passing: Passing) -> httpx.Response:
        assert (
            await passing.via.handle_async_request(also(passing, **members))
        ).status_code == httpx.codes.CREATED
        await asyncio.sleep(LATER)
        return await passing.answer()

    return first(creates, act)


def rival_after() -> Act:
    """Another run creates one once this run has created its own."""

    async def act(passing: Passing) -> httpx.Response:
        answer = await passing.answer()
        await asyncio.sleep(LATER)
        assert (await passing.via.handle_async_request(also(passing))).status_code == httpx.codes.CREATED
        return answer

    return first(creates, act)


def of_wire(act: Act) -> Callable[[World], Act]:
    return lambda _: act


def test_one_that_somebody_has_created_since_is_not_created_again(tmp_path: Path) -> None:
    run = late(tmp_path, FREE, WITH_ONE, somebody_creates(SMALL), seconds=0, behaviour=COUNTED_AT_ONCE)
    assert [(kind, result) for kind, result, _ in run.told] == [("create_replica", Result.UNCHANGED)]
    assert (len(replicas(run)), creations(run)) == (1, [])


def test_another_one_with_the_name_leaves_the_tenant_to_the_next_run(tmp_path: Path) -> None:
    run = late(tmp_path, FREE, WITH_ONE, somebody_creates(WIDE), seconds=0, behaviour=COUNTED_AT_ONCE)
    ((_, result, message),) = run.told
    assert (result, creations(run)) == (Result.SKIPPED, [])
    assert message == f"read replica reports ({replicas(run)[0]}) has appeared since the plan was made"


def test_a_run_that_came_second_deletes_its_own(tmp_path: Path) -> None:
    run = late(tmp_path, FREE, WITH_ONE, seconds=0, behaviour=COUNTED_AT_ONCE, act=of_wire(rival_before()))
    ((_, result, message),) = run.told
    (left,) = replicas(run)
    assert result is Result.APPLIED
    assert message.startswith(f"another run created read replica {left} first; this run has deleted its own ep-")


def test_a_run_that_came_second_takes_no_other_size_for_its_own(tmp_path: Path) -> None:
    act = rival_before(autoscaling_limit_max_cu=FREE_COMPUTE.max_cu)
    run = late(tmp_path, FREE, WITH_ONE, seconds=0, behaviour=COUNTED_AT_ONCE, act=of_wire(act))
    ((_, result, message),) = run.told
    assert (result, len(replicas(run))) == (Result.FAILED, 1)
    assert "compute.max_cu is 2.0, requested 1.0" in message


def test_a_run_that_came_first_keeps_its_own_and_deletes_nothing(tmp_path: Path) -> None:
    run = late(tmp_path, FREE, WITH_ONE, seconds=0, behaviour=COUNTED_AT_ONCE, act=of_wire(rival_after()))
    assert [(result, message) for _, result, message in run.told] == [(Result.APPLIED, "")]
    assert not [one for one in run.world.simulator.requests if one.method == "DELETE"]


def test_a_search_that_fails_leaves_the_own_one_and_is_told(tmp_path: Path) -> None:
    sent: list[str] = []

    def after_the_creation(passing: Passing) -> bool:
        sent.append(passing.call)
        return looks(passing) and any(creates_one(call) for call in sent)

    act = where(after_the_creation, failing(httpx.ReadError("gone"), carried_out=False))
    run = late(tmp_path, FREE, WITH_ONE, seconds=0, behaviour=COUNTED_AT_ONCE, act=of_wire(act))
    ((_, result, message),) = run.told
    assert (result, len(replicas(run))) == (Result.FAILED, 1)
    start = f"read replica {replicas(run)[0]} was created, but the search for another one with its name failed: "
    assert message.startswith(start)


def test_one_search_comes_before_a_creation_and_one_after_it(tmp_path: Path) -> None:
    run = late(tmp_path, FREE, WITH_ONE, seconds=0, behaviour=COUNTED_AT_ONCE)
    lines = [one.line for one in run.world.simulator.requests if one.line.endswith("/endpoints")]
    assert [line.split()[0] for line in lines] == ["GET", "POST", "GET"]
