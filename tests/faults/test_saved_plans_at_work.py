"""A saved plan that two runs apply at once, or while a person acts in the console: it permits, and no more."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.errors import ExitCode
from reconciler.plan.outcome import Result
from reconciler.simulator.gateway import Latency
from tests import figures, profiles
from tests.faults.console import CHANGES, QUOTAS_STAY, UNHINDERED, Console, Person
from tests.faults.kinds import calls_on
from tests.faults.rich_fleet import opened
from tests.faults.test_every_fault import Account, undisturbed
from tests.harness.account import API
from tests.harness.stored import Stored
from tests.harness.wire import Wire
from tests.property.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.plan.plan import Plan
    from reconciler.simulator.behaviour import Behaviour
    from tests.faults.console import Change
    from tests.faults.rich_fleet import Ended, Scene

pytestmark = pytest.mark.slow

FIGURE: Final = "changes in the console during an apply of a saved plan"
MOMENTS: Final = profiles.size(1, 2, 1000)
"""At so many moments the person does each deed, at other ones each; `make nightly` tries all."""
RUNS: Final = profiles.size(2, 6, 120)
"""Pairs of runs that apply one saved plan."""
SLOW: Final = Latency(0.05, 0.9)


def journal(scene: Scene, name: str = "journal.jsonl") -> list[dict[str, Any]]:
    """The writes of a run."""
    lines = map(json.loads, (scene.folder / name).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line["line"] == "intent"]


def projects(scene: Scene) -> set[str]:
    return {row["id"] for row in Stored.of(scene.simulator).rows("projects", deleted=True)}


def beyond(writes: Iterable[dict[str, Any]], saved: Plan, others: set[str]) -> Iterator[str]:
    """Writes that the saved plan does not hold, but for what a run does to what itself has made.

    Such a project is of none of the ``others``: neither there before, nor a person's or another run's.
    """
    replicas: set[str] = set()
    for write in writes:
        if write["project_ids"] and others.isdisjoint(write["project_ids"]):
            continue
        if write["kind"] == "create_replica":
            replicas.update(write["tenants"])
        for tenant in write["tenants"]:
            own = write["kind"] == "delete_replica" and tenant in replicas
            if not (own or permitted(write, tenant, saved)):
                yield f"{write['kind']} of {tenant} is not in the saved plan: {write['changes']}"


def permitted(write: dict[str, Any], tenant: str, saved: Plan) -> bool:
    alike = [
        action
        for planned in saved.tenants
        if planned.tenant == tenant and (not write["project_ids"] or planned.project is not None)
        for action in planned.actions
        if action.kind == write["kind"]
    ]
    values = {(change.path, str(change.after)) for action in alike for change in action.changes}
    asked = {(change["path"], str(change["after"])) for change in write["changes"]}
    return bool(alike) and asked <= values


def live_things(scene: Scene) -> Counter[str]:
    """Every live project with all that is in it."""
    return Counter(Rows.of(scene.simulator).end_state())


def of_others(lines: Iterable[str], tenant: str) -> list[str]:
    """Those that are not the tenant's, under its own name or the one that a person gave it."""
    return sorted(line for line in lines if json.loads(line)[0]["name"] not in {f"myapp-{tenant}", "mine"})


@cache
def moments() -> range:
    """After how many calls of a run on the saved plan a person can act: all of a run that nobody disturbs."""
    with opened(behaviour=UNHINDERED) as scene:
        saved, way = scene.saved_plan(), Wire(scene.world.via)
        scene.world.run(scene.applying(way, saved=saved))
        return range(len(calls_on(way)))


def wrong(name: str, after: int) -> Iterator[str]:
    """What does not hold where the person acts once so many calls of the run are answered."""
    change, expected = CHANGES[name], undisturbed()
    with opened(behaviour=UNHINDERED) as scene:
        saved = scene.saved_plan()
        before = projects(scene)
        console = Console(Person(scene), change.do, after)
        ended = scene.world.run(scene.applying(Wire(scene.world.via, console), saved=saved))
        assert console.answer is not None
        assert ended.planned is not None
        writes = journal(scene)
        theirs = (
            {console.answer.json()["project"]["id"]}
            if console.answer.status_code == 201 and "hal" in name
            else set()
        )
        yield from beyond(writes, saved, before | theirs)
        yield from untrue(ended, change.tenant, writes)
        if of_others(live_things(scene), change.tenant) != of_others(
            expected.after.live_things.values(), change.tenant
        ):
            yield "another tenant is not as its file says"
        yield from not_settled(scene)


def untrue(ended: Ended, touched: str, writes: list[dict[str, Any]]) -> Iterator[str]:
    """Where exit code, report and journal contradict each other."""
    assert ended.planned is not None
    assert ended.report is not None
    stale = {one.tenant for one in ended.planned.stale}
    unfinished = {outcome.tenant for outcome in ended.report.outcomes if outcome.result is not Result.APPLIED}
    if not stale | unfinished <= {touched}:
        yield f"held back or unfinished: {sorted(stale | unfinished)}"
    if stale & {tenant for write in writes for tenant in write["tenants"]}:
        yield "something was done to a stale tenant"
    if any(not one.fresh for one in ended.planned.stale):
        yield "stale without a difference"
    code = ExitCode.PARTLY_APPLIED if unfinished else ExitCode.STALE if stale else None
    if code is not None and ended.code is not code:
        yield f"exit code {ended.code!r}, not {code!r}"
    if code is None and ended.code not in {ExitCode.DONE, ExitCode.REFUSED}:
        yield f"exit code {ended.code!r}"


def not_settled(scene: Scene) -> Iterator[str]:
    """Where one more apply, of a fresh plan, does not leave a fleet that a third one finds in sync.

    A project that a person made is adopted first: one apply more.
    """
    second = scene.apply()
    if second.planned is not None and any(
        action.kind == "adopt_project" for action in second.planned.plan.actions
    ):
        second = scene.apply()
    if second.code not in {ExitCode.DONE, ExitCode.REFUSED}:
        yield f"the next run ends with {second.code!r}: {second.report or second.error}"
    third = scene.apply()
    if third.planned is None or not third.planned.plan.empty:
        yield "the run after the next one still finds something to do"


def after_a_change(change: Change, behaviour: Behaviour) -> Ended:
    """An apply of a saved plan, right before which a person does something."""
    with opened(behaviour=behaviour) as scene:
        saved = scene.saved_plan()
        console = Console(Person(scene), change.do, 0)
        return scene.world.run(scene.applying(Wire(scene.world.via, console), saved=saved))


def test_a_move_by_a_person_that_changes_nothing_else_is_one_that_the_saved_plan_permits() -> None:
    ended = after_a_change(CHANGES["moves a project that is to move"], QUOTAS_STAY)
    assert ended.planned is not None
    assert ended.planned.stale == ()


@pytest.mark.drawn(3)
@pytest.mark.parametrize("name", CHANGES)
def test_what_a_person_does_between_plan_and_apply_makes_that_tenant_stale_where_it_matters(name: str) -> None:
    change = CHANGES[name]
    ended = after_a_change(change, UNHINDERED)
    assert ended.planned is not None
    assert [one.tenant for one in ended.planned.stale] == ([change.tenant] if change.stale else [])
    if change.stale:
        assert ended.code is ExitCode.STALE


@pytest.mark.drawn(3)
@pytest.mark.parametrize("name", CHANGES)
def test_what_a_person_does_during_an_apply_lets_it_do_nothing_else(name: str) -> None:
    """Each deed in an account of its own."""
    found = []
    for after in profiles.drawn(name, moments(), MOMENTS):
        complaints = list(wrong(name, after))
        figures.count(FIGURE, held=not complaints)
        found += [f"{name} after call {after}: {complaint}" for complaint in complaints]
    assert not found, "\n".join(found)


def single(account: Account) -> dict[str, list[Any]]:
    """What stands, without the snapshots that two runs have taken twice (docs/reliability.md)."""
    found = {name: json.loads(line) for name, line in account.live_things.items()}
    return {name: [*rest, sorted(set(snapshots))] for name, (*rest, snapshots) in found.items()}


@pytest.mark.parametrize("seed", profiles.drawn("pairs of runs", range(10_000), RUNS))
def test_two_runs_that_apply_one_saved_plan_do_no_more_than_it_permits(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    with opened(SLOW) as scene:
        saved, before = scene.saved_plan(), projects(scene)

        async def later(seconds: float, name: str) -> Ended:
            await asyncio.sleep(seconds)
            return await scene.applying(saved=saved, journal=name)

        async def both() -> tuple[Ended, Ended]:
            return await asyncio.gather(later(0, "one.jsonl"), later(random.uniform(0, 30), "two.jsonl"))

        ended = scene.world.run(both())
        scene.world.run(asyncio.sleep(API.settle_seconds))
        assert {run.code for run in ended} <= {ExitCode.DONE, ExitCode.PARTLY_APPLIED, ExitCode.STALE}
        for name in ("one.jsonl", "two.jsonl"):
            assert not list(beyond(journal(scene, name), saved, before))
        assert set(Account.of(scene.simulator).live_things) == set(undisturbed().after.live_things)
        assert scene.apply().code is ExitCode.DONE
        assert single(Account.of(scene.simulator)) == single(undisturbed().after)
