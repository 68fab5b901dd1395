"""Files at a time: what has ended by then counts no more, and nothing else of them depends on it."""

from __future__ import annotations

from datetime import timedelta

from reconciler.desired.tenant import Boost, Hold
from tests.harness.builders import FREE_QUOTA, NOON, a_fleet, a_tenant

LATER = NOON + timedelta(days=1)
FILES = a_fleet(
    a_tenant(boosts=(Boost(LATER, {"active_time_seconds": 0}),), hold=Hold(LATER, "a dispute")), a_tenant("bob")
)


def test_an_end_is_the_first_moment_at_which_nothing_is_left() -> None:
    for moment, left in ((None, True), (NOON, True), (LATER - timedelta(seconds=1), True), (LATER, False)):
        files = FILES.at(moment)
        quota = files.settings(files.tenants["acme"]).quota
        assert quota is not None
        assert (quota.active_time_seconds == 0) is left
        assert (files.held("acme") is not None) is left
        assert (quota == FREE_QUOTA) is not left


def test_files_keep_the_time_that_they_were_first_given() -> None:
    assert FILES.at(NOON).at(LATER).held("acme") is not None
    assert FILES.at(LATER).at(NOON).held("acme") is None


def test_files_without_an_end_are_the_same_at_any_time() -> None:
    files = a_fleet(a_tenant())
    assert files.at(NOON) is files


def test_what_is_derived_from_the_files_is_made_once_for_all_times() -> None:
    owners = FILES.at(NOON).project_owners
    assert FILES.at(LATER).project_owners is owners
    assert (FILES.moment, FILES.at(LATER).moment) == (None, LATER)
