"""Every fault at every call of an apply that does everything: one more apply ends as if nothing had happened.

Many calls are alike: polls of an operation, pages of a list. The shape of a call is its method and path; a class
of calls is a shape, a tenant, and whether anything of that tenant has been written by then. `make test` lets each
kind of fault strike one call, and each shape be struck; `.ci/run` each kind every shape of a write, and each class
be struck; `make nightly` every kind every call. Which kinds strike which calls differs with the commit.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from reconciler.errors import ExitCode
from reconciler.plan.outcome import Result
from tests import figures, profiles
from tests.faults.kinds import KINDS, Call, calls_on, struck
from tests.faults.rich_fleet import AFTER, opened
from tests.harness.stored import Stored
from tests.harness.wire import Killed, Wire
from tests.property.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.plan.outcome import TenantOutcome
    from reconciler.simulator.simulator import Simulator
    from tests.faults.kinds import Kind
    from tests.faults.rich_fleet import Ended, Scene

CALLS_AT_LEAST: Final = 80
"""Of the undisturbed run; fewer would mean that the fleet has lost some of what makes it rich."""
FIGURE: Final = "faults at a call"
PARTS: Final = profiles.size(4, 24, 96)

Trial: TypeAlias = "tuple[str, int]"
"""A kind of fault, and the number of the call that it strikes."""


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
        return cls(
            live_things, Counter(row["name"] for row in Stored.of(simulator).rows("projects", deleted=True))
        )


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
        way = Wire(scene.world.via)
        assert scene.apply(way).code is ExitCode.DONE
        ended = Undisturbed(tuple(calls_on(way)), before, Account.of(scene.simulator), deletions(scene))
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
        way = Wire(scene.world.via, struck(scene.simulator, kind, at))
        try:
            first = scene.apply(way)
        except Killed:
            first = None
        if calls_on(way)[:at] != list(expected.calls[:at]):
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
    return any(row["ends_at"] is None for row in Stored.of(simulator).rows("operations"))


def end_operations(simulator: Simulator) -> None:
    """What support at Neon does."""
    stored = Stored.of(simulator)
    for row in stored.rows("operations"):
        if row["ends_at"] is None:
            stored.change("operations", row["id"], ends_at=stored.now)


def shape(call: Call) -> str:
    """What it asks for, whoever it is about."""
    place = call.path.strip("/").split("/")
    return f"{call.method} {'/'.join(place[::2])} {len(place)}"


def shapes(calls: Sequence[Call]) -> list[list[int]]:
    """The numbers of the calls, those of one shape together."""
    found: dict[str, list[int]] = {}
    for at, call in enumerate(calls, 1):
        found.setdefault(shape(call), []).append(at)
    return list(found.values())


def classes(calls: Sequence[Call]) -> list[list[int]]:
    """The numbers of the calls, those that are alike together."""
    found: dict[tuple[str, str, bool], list[int]] = {}
    written: set[str] = set()
    for at, call in enumerate(calls, 1):
        place = call.path.strip("/").split("/")
        project = place[1] if len(place) > 1 else ""
        which = str(at) if call.creates else project
        found.setdefault((shape(call), which, project in written), []).append(at)
        if not call.reads:
            written |= {project, ""}
    return list(found.values())


def trials() -> list[Trial]:
    """Those of the profile."""
    calls = undisturbed().calls
    possible = {
        (name, at) for name, kind in KINDS.items() for at, call in enumerate(calls, 1) if kind.strikes(call)
    }
    match profiles.chosen():
        case profiles.NIGHTLY:
            return sorted(possible)
        case profiles.CI:
            writes = (alike for alike in shapes(calls) if not calls[alike[0] - 1].reads)
            of_writes = (each_kind(trial for trial in possible if trial[1] in alike) for alike in writes)
            found = dealt(set[Trial]().union(*of_writes), possible, classes(calls))
        case _:
            found = dealt(set(), possible, shapes(calls))
    used = {name for name, _ in found}
    return sorted(found | each_kind({trial for trial in possible if trial[0] not in used}))


def each_kind(possible: Iterable[Trial]) -> set[Trial]:
    """Each kind of fault at one of the calls that it may strike: another one for each kind and each seed."""
    calls: dict[str, list[int]] = {}
    for kind, at in sorted(possible):
        calls.setdefault(kind, []).append(at)
    return {(kind, at) for kind in calls for at in profiles.drawn(kind, calls[kind], 1)}


def dealt(found: set[Trial], possible: set[Trial], groups: Sequence[Sequence[int]]) -> set[Trial]:
    """These trials, and others until each group is struck: by whichever kind had fewest so far."""
    used = Counter(name for name, _ in found)
    order = profiles.dealt("kinds", [*KINDS], 0, len(KINDS))
    for calls in profiles.dealt("groups", groups, 0, len(groups)):
        if any(at in calls for _, at in found):
            continue
        (at,) = profiles.drawn(f"dealt {calls}", calls, 1)
        name = min((name for name in order if (name, at) in possible), key=used.__getitem__)
        found = found | {(name, at)}
        used[name] += 1
    return found


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_fault_at_a_call_is_repaired_by_the_next_run(part: int) -> None:
    found = []
    for name, at in trials()[part::PARTS]:
        complaints = list(wrong(KINDS[name], at))
        figures.count(FIGURE, held=not complaints)
        found += [f"{name} at call {at}, {undisturbed().calls[at - 1]}: {complaint}" for complaint in complaints]
    assert not found, "\n".join(found)


def test_every_profile_tries_each_shape_of_calls_and_each_kind_of_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = undisturbed().calls
    for groups in (classes(calls), shapes(calls)):
        assert sorted(at for group in groups for at in group) == list(range(1, len(calls) + 1))
    sizes = []
    for profile in (profiles.DEFAULT, profiles.CI, profiles.NIGHTLY):
        monkeypatch.setenv(profiles.PROFILE, profile)
        tried = trials()
        assert len(set(tried)) == len(tried)
        assert {name for name, _ in tried} == set(KINDS)
        assert fewest(tried, shapes(calls)) >= 1
        sizes.append(len(tried))
        if profile != profiles.DEFAULT:
            assert fewest(tried, classes(calls)) >= 1
            assert of_writes({(name, calls[at - 1]) for name, at in tried}) == of_writes(
                {(name, call) for name, kind in KINDS.items() for call in calls if kind.strikes(call)}
            )
    assert sizes == sorted(sizes)
    assert sizes[-1] == sum(kind.strikes(call) for kind in KINDS.values() for call in calls)


def of_writes(struck: Iterable[tuple[str, Call]]) -> set[tuple[str, str]]:
    """The kinds of fault with the shapes of the writes that they strike."""
    return {(name, shape(call)) for name, call in struck if not call.reads}


def fewest(tried: Sequence[Trial], groups: Sequence[Sequence[int]]) -> int:
    """How many kinds of fault strike the group that fewest strike."""
    return min(len({name for name, at in tried if at in group}) for group in groups)
