"""Every fault at every call of an apply that does everything: one more apply ends as if nothing had happened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.errors import ExitCode
from reconciler.plan.outcome import Result
from tests import figures
from tests.faults.kinds import KINDS, Call, Killed, Struck
from tests.faults.rich_fleet import AFTER, opened
from tests.property.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.plan.outcome import TenantOutcome
    from reconciler.simulator.simulator import Simulator
    from tests.faults.kinds import Kind
    from tests.faults.rich_fleet import Ended, Scene

CALLS_AT_LEAST: Final = 80
"""Of the undisturbed run; fewer would mean that the fleet has lost some of what makes it rich."""
FIGURE: Final = "faults at a call"
SAMPLED: Final = 11
"""`make test` tries one call of so many with each kind of fault, other ones with each."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is there, project by project, and what was made and deleted on the way."""

    live_things: Mapping[str, str]
    """Every live project with all that is in it, by its name."""
    made: Mapping[str, int]
    """How many projects there are or were, by name."""

    @classmethod
    def of(cls, simulator: Simulator) -> Account:
        """As it is now. Fails where two live projects have one name."""
        lines = Rows.of(simulator).end_state()
        live_things = {json.loads(line)[0]["name"]: line for line in lines}
        assert len(live_things) == len(lines), sorted(live_things)
        made = simulator.world.store.rows("SELECT name, count(*) AS number FROM projects GROUP BY name")
        return cls(live_things, {row["name"]: row["number"] for row in made})


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """The run that meets no fault."""

    calls: tuple[Call, ...]
    before: Account
    after: Account
    deletions: frozenset[str]


@cache
def undisturbed() -> Undisturbed:
    """Its calls in the order of their arrival, and what it ends with."""
    with opened() as scene:
        before = Account.of(scene.simulator)
        way = Struck(scene.world.via, scene.simulator, next(iter(KINDS.values())), at=0)
        assert scene.apply(way).code is ExitCode.DONE
        ended = Undisturbed(tuple(way.calls), before, Account.of(scene.simulator), deletions(scene))
        second = scene.apply()
        assert second.planned is not None
        assert second.planned.plan.empty
        assert len(ended.calls) > CALLS_AT_LEAST
        return ended


def deletions(scene: Scene) -> frozenset[str]:
    """What was deleted, as far as Neon did not refuse it."""
    asked = [exchange for exchange in scene.simulator.requests if exchange.method == "DELETE"]
    return frozenset(exchange.path for exchange in asked if exchange.status is None or exchange.status < 300)


def wrong(kind: Kind, at: int) -> Iterator[str]:
    """What does not hold where the fault strikes the call of that number."""
    expected, call = undisturbed(), undisturbed().calls[at - 1]
    with opened() as scene:
        way = Struck(scene.world.via, scene.simulator, kind, at)
        try:
            first = scene.apply(way)
        except Killed:
            first = None
        if way.calls[:at] != list(expected.calls[:at]):
            yield "the run up to the fault is another one"
        if first is None:
            assert kind.absorbed(call) is False
        else:
            yield from untrue(first, expected, Account.of(scene.simulator))
            if kind.absorbed(call) is not None and (first.code is ExitCode.DONE) is not kind.absorbed(call):
                yield f"the first run ends with {first.code!r}: {first.report or first.error}"
        yield from not_repaired(scene, expected)


def untrue(ended: Ended, expected: Undisturbed, account: Account, *, stopped: bool = False) -> Iterator[str]:
    """Where report or exit code say something else than the account; ``stopped`` has a code of its own."""
    if ended.report is None:
        if account != expected.before:
            yield f"something was written, and only an error told: {ended.error}"
        if ended.code is ExitCode.DONE:
            yield "nothing was done, and the exit code says that all is well"
        return
    for outcome in ended.report.outcomes:
        if outcome.result in (Result.APPLIED, Result.UNCHANGED) and not as_declared(outcome, expected, account):
            yield f"{outcome.tenant} is reported as {outcome.result.value}, and is not as its file says"
    results = {outcome.result for outcome in ended.report.outcomes}
    if ended.code is ExitCode.DONE and account.live_things != expected.after.live_things:
        yield "the exit code says that all is well, and it is not"
    whole = results <= {Result.APPLIED, Result.UNCHANGED}
    if not stopped and ended.code is not (ExitCode.DONE if whole else ExitCode.PARTLY_APPLIED):
        yield f"exit code {ended.code!r} after {sorted(result.value for result in results)}"


def as_declared(outcome: TenantOutcome, expected: Undisturbed, account: Account) -> bool:
    name = AFTER.naming.project_name(outcome.tenant)
    return account.live_things.get(name) == expected.after.live_things.get(name)


def not_repaired(scene: Scene, expected: Undisturbed) -> Iterator[str]:
    """Where one more apply does not end as the undisturbed one; where an operation is stuck, one more after that.

    While an operation of a project runs, Neon refuses every other write to it: until somebody at Neon ends
    it, no run can change that project. All others converge at once.
    """
    second = scene.apply()
    if stuck(scene.simulator):
        yield from untrue(second, expected, Account.of(scene.simulator))
        end_operations(scene.simulator)
        second = scene.apply()
    if second.code is not ExitCode.DONE:
        yield f"the next run ends with {second.code!r}: {second.report or second.error}"
    account = Account.of(scene.simulator)
    if account != expected.after:
        yield f"the account ends as another one: {differing(account.live_things, expected.after.live_things)}"
    if surplus := sorted(deletions(scene) - expected.deletions):
        yield f"more was deleted: {surplus}"


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return [f"{name}: {one.get(name)}" for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def stuck(simulator: Simulator) -> bool:
    return simulator.world.store.row("SELECT 1 FROM operations WHERE ends_at IS NULL") is not None


def end_operations(simulator: Simulator) -> None:
    """What support at Neon does."""
    with simulator.world.writing() as transaction:
        for row in simulator.world.store.rows("SELECT id FROM operations WHERE ends_at IS NULL"):
            transaction.update("operations", row["id"], ends_at=transaction.now)


def try_all(name: str, places: Iterable[int]) -> None:
    """Every one of these calls, each in an account of its own."""
    found = []
    for at in places:
        call = undisturbed().calls[at - 1]
        if not KINDS[name].strikes(call):
            continue
        complaints = list(wrong(KINDS[name], at))
        figures.count(FIGURE, held=not complaints)
        found += [f"{name} at call {at}, {call}: {complaint}" for complaint in complaints]
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_fault_at_some_calls_is_repaired_by_the_next_run(name: str) -> None:
    first = list(KINDS).index(name) % SAMPLED + 1
    try_all(name, range(first, len(undisturbed().calls) + 1, SAMPLED))


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", KINDS)
def test_a_fault_at_any_call_is_repaired_by_the_next_run(name: str, part: int) -> None:
    try_all(name, range(part + 1, len(undisturbed().calls) + 1, 4))
