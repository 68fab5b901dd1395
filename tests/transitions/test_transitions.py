"""Every field of the official description, from state to state: what is stated becomes so, or is refused.

A transition is one field between two runs of one tenant: set, changed, taken away, spoilt by a value that is none,
mended. After each run everything that the API tells of the tenant is what its files state, or what it was before;
a second plan holds nothing but the same refusals; and no write has been answered with a refusal.
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.simulator.behaviour import Behaviour, Patch, Per
from tests import figures, profiles
from tests.transitions.account import an_account
from tests.transitions.fields import Kept, Level
from tests.transitions.lanes import Kind, a_lane, kind
from tests.transitions.table import fields
from tests.transitions.verdict import Verdict, of_neighbour

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.transitions.answers import Answers
    from tests.transitions.fields import Field
    from tests.transitions.lanes import Lane

STEPS: Final = 7
"""Transitions of a lane."""
ACCOUNTS: Final = 6
DRAWN_ACCOUNTS: Final = 3
"""Of them, in `.ci/run`: every field has all kinds, whichever they are."""
LANES_OF_A_FIELD: Final = 2
"""In each account."""
LANES_OF_SEVERAL: Final = 25
"""In each account, with several fields at random."""
LEAST: Final = 5000
"""Transitions in all accounts."""


@pytest.mark.slow
def test_a_sample_of_transitions_does_what_the_files_state_or_refuses_it() -> None:
    random = Random(0)  # noqa: S311
    lanes = [*of_one_field(random, lanes=1), *of_several(random, lanes=5)]
    assert_lanes_hold(
        profiles.drawn("lanes", lanes, profiles.size(len(lanes) // 3, len(lanes), len(lanes))), random
    )


@pytest.mark.exhaustive
@pytest.mark.drawn(DRAWN_ACCOUNTS, ci=DRAWN_ACCOUNTS)
@pytest.mark.parametrize("account", range(1, ACCOUNTS + 1))
def test_every_transition_does_what_the_files_state_or_refuses_it(account: int) -> None:
    lanes, random = lanes_of(account)
    assert_lanes_hold(lanes, random)


def test_there_are_enough_transitions_and_each_field_has_all_kinds() -> None:
    """Counts what the accounts are to try, without running them."""
    counted = [transitions(lanes_of(account)[0]) for account in range(1, ACCOUNTS + 1)]
    found: Counter[tuple[Field, Kind]] = Counter()
    for account in counted:
        found.update(account)
    assert sum(found.values()) >= LEAST
    for field in fields():
        kinds = {Kind.CHANGE} if field.level is Level.TIER else set(Kind) - {Kind.SAME}
        if field.unread:
            kinds -= {Kind.SET}
        assert {one for (of, one), count in found.items() if of is field and count >= 5} >= kinds, field.name
        for drawn in combinations(counted, DRAWN_ACCOUNTS):
            assert {one for account in drawn for of, one in account if of is field} >= kinds, field.name


def test_one_way_fields_are_asked_to_go_back() -> None:
    """From true to false, which is the transition that cannot be."""
    found: Counter[str] = Counter()
    for account in range(1, ACCOUNTS + 1):
        for lane in lanes_of(account)[0]:
            for before, after in zip(lane.states, lane.states[1:], strict=False):
                for field, now in after.stated.items():
                    was = before.stated[field].value
                    if field.kept is Kept.ONE_WAY and was and now.value and was.told and now.value.told is False:
                        found[field.name] += 1
    assert found.keys() == {"settings.enable_logical_replication", "settings.hipaa"}
    assert min(found.values()) >= 5


def lanes_of(account: int) -> tuple[list[Lane], Random]:
    """The lanes of one of the accounts, always the same."""
    random = Random(account)  # noqa: S311
    return [*of_one_field(random, LANES_OF_A_FIELD), *of_several(random, LANES_OF_SEVERAL)], random


def of_one_field(random: Random, lanes: int) -> Iterable[Lane]:
    """Lanes in which one field moves, for each field."""
    for index in range(lanes):
        for number, field in enumerate(fields()):
            yield a_lane(f"one-{index}-{number}", [field], STEPS, random)


def of_several(random: Random, lanes: int) -> Iterable[Lane]:
    """Lanes in which several fields move at once."""
    for index in range(lanes):
        yield a_lane(f"several-{index}", several(random), STEPS, random)


def several(random: Random) -> list[Field]:
    """Two to six fields that do not depend on each other."""
    found = {field.group: field for field in random.sample(fields(), len(fields())) if not field.doubtful}
    return random.sample(list(found.values()), random.randint(2, 6))


def transitions(lanes: Iterable[Lane]) -> Counter[tuple[Field, Kind]]:
    """How often each field does what."""
    return Counter(
        (field, kind(before.stated[field], now))
        for lane in lanes
        for before, after in zip(lane.states, lane.states[1:], strict=False)
        for field, now in after.stated.items()
        if before.stated[field] != now
    )


def assert_lanes_hold(lanes: Sequence[Lane], random: Random) -> None:
    """All lanes in one account, a step of each at a time. Fails with everything that is wrong."""
    found: list[str] = []
    before: dict[str, Answers] = {}
    with an_account(a_behaviour(random)) as account:
        for step in range(STEPS + 1):
            now = {lane.tenant: lane.states[step] for lane in lanes}
            tiers = {f"tier-{name}": files.tier() for name, files in now.items()}
            round_ = account.run(tiers, {name: files.tenant(name) for name, files in now.items()})
            wrong = [*of_neighbour(round_), *round_.refused]
            for name, files in now.items():
                verdict = Verdict(name, files, round_, before.get(name))
                wrong += [f"{name}: {line}" for line in verdict.findings()]
            found += [f"step {step}: {line}" for line in wrong]
            before = dict(round_.answers)
        count = transitions(lanes).total()
        figures.count("transitions of fields", held=not found, times=count)
        assert not found, "\n".join(found)


def a_behaviour(random: Random) -> Behaviour:
    """One of the Neons that the documents allow.

    It counts protected branches in each project: in an organization, whether a lane may protect a branch would
    depend on what the others protect.
    """
    return Behaviour(
        settings_patch=random.choice(list(Patch)),
        protected_branches_per=Per.PROJECT,
        quota_patch=random.choice(list(Patch)),
        compute_patch=random.choice(list(Patch)),
        new_computes_take_pg_settings=random.random() < 0.5,
        one_way_settings_refused=random.random() < 0.5,
        list_shows_quota=random.random() < 0.5,
        list_zero_compute=random.random() < 0.5,
        list_shows_restore_window=random.random() < 0.5,
        default_suspend_as_zero=random.random() < 0.5,
        create_shows_settings=random.random() < 0.5,
        first_compute_takes_defaults=random.random() < 0.5,
        transfer_checks_settings=random.random() < 0.5,
        rate_limit=None,
    )
