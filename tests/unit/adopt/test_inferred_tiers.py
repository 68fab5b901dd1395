"""Tiers that a fleet has without files, and the nearest one of a project."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from reconciler.adopt.grant import Grant, amounts, differences
from reconciler.adopt.inferred_tiers import MAX_TIERS, Sighting, infer
from reconciler.adopt.nearest_tier import nearest
from reconciler.model.quota import Quota
from tests.harness.builders import DAY, FREE_COMPUTE, FREE_QUOTA, GIB, PRO_COMPUTE, PRO_QUOTA

if TYPE_CHECKING:
    from reconciler.model.compute import Compute


def a_grant(organization: str = "free", quota: Quota = FREE_QUOTA, compute: Compute = FREE_COMPUTE) -> Grant:
    return Grant(organization, amounts(quota, compute, DAY))


def by_hand(gib: int) -> Grant:
    return a_grant(quota=Quota(FREE_QUOTA.active_time_seconds, 0, 0, gib * GIB, FREE_QUOTA.logical_size_bytes))


FREE, PRO = a_grant(), a_grant("paid", PRO_QUOTA, PRO_COMPUTE)


def test_values_that_many_projects_share_are_tiers_named_as_their_names_say() -> None:
    sightings = [Sighting(FREE, "starter")] * 20 + [Sighting(FREE)] * 3 + [Sighting(PRO)] * 9
    found = infer(sightings)
    assert [(tier.name, tier.grant, tier.alike) for tier in found] == [("starter", FREE, 23), ("paid", PRO, 9)]


def test_values_that_people_set_by_hand_are_none() -> None:
    sightings = [Sighting(FREE)] * 50 + [Sighting(by_hand(gib)) for gib in (7, 7, 8, 9)]
    assert [tier.grant for tier in infer(sightings)] == [FREE]


def test_every_organization_gets_one_however_few_projects_it_has() -> None:
    assert [tier.name for tier in infer([Sighting(FREE)] * 900 + [Sighting(PRO)])] == ["free", "paid"]


def test_there_are_ten_at_most_and_the_most_frequent_ones() -> None:
    sightings = [Sighting(by_hand(gib)) for gib in range(10, 30) for _ in range(gib)]
    found = infer(sightings)
    assert len(found) == MAX_TIERS
    assert min(tier.alike for tier in found) == 20


def test_what_a_file_declares_is_not_inferred_again_and_no_name_is_given_twice() -> None:
    sightings = [Sighting(FREE, "free")] * 9 + [Sighting(by_hand(9), "free")] * 9
    found = infer(sightings, known=frozenset({FREE}), taken={"free"})
    assert [(tier.name, tier.grant) for tier in found] == [("free-2", by_hand(9))]


@given(st.lists(st.sampled_from([FREE, PRO, *map(by_hand, range(1, 30))]), max_size=200), st.integers())
def test_the_order_of_projects_decides_nothing(grants: list[Grant], seed: int) -> None:
    sightings = [Sighting(grant) for grant in grants]
    shuffled = sightings[:]
    Random(seed).shuffle(shuffled)  # noqa: S311
    assert infer(sightings) == infer(shuffled)
    tiers = {tier.name: tier.grant for tier in infer(sightings)}
    assert len(tiers) <= MAX_TIERS
    assert all(nearest(grant, tiers) is not None for grant in grants)


def test_the_nearest_tier_needs_the_fewest_overrides_and_is_in_the_organization() -> None:
    tiers = {"free": FREE, "pro": PRO, "eight": by_hand(8)}
    assert nearest(by_hand(8), tiers) is not None
    found = nearest(by_hand(9), tiers)
    assert found is not None
    assert (found.tier, dict(found.overrides)) == ("eight", {"quota.data_transfer_bytes": 9 * GIB})
    assert nearest(a_grant("elsewhere"), tiers) is None


def test_a_name_decides_between_tiers_that_are_equally_near() -> None:
    tiers = {"free": FREE, "starter": FREE}
    assert [nearest(FREE, tiers, name).tier for name in (None, "starter", "gone")] == ["free", "starter", "free"]  # type: ignore[union-attr]


def test_a_value_that_the_project_lacks_rules_a_tier_out() -> None:
    unknown = Grant("free", amounts(FREE_QUOTA, None, DAY))
    assert differences(unknown, FREE) is None
    assert differences(FREE, unknown) == {}
