"""A new tenant that looks like one who is gone from the files: a rename that its file does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.tenant import Overrides
from reconciler.plan.baseline import Baseline
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from reconciler.plan.renames import no_longer_declared
from tests.harness.builders import (
    GIB,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan, Refusal

LIMITED = Overrides(quota={"data_transfer_bytes": 3 * GIB})
BEFORE = a_fleet(a_tenant("acme", overrides=LIMITED), a_tenant("bob"))
LIVE = a_view(a_project("acme"), a_project("bob"))


def planned(
    now: DesiredState, live: LiveState = LIVE, before: DesiredState = BEFORE, creates: int = 0, **known: Any
) -> Plan:
    history = History(before, **known).under(now)
    history = History(history.base, history.fork, owed=history.owed, gone=no_longer_declared(history, now))
    return guarded_plan(now, live, Permissions(counts={"creates": creates}), history=history)


def refused(plan: Plan) -> dict[str, Refusal]:
    return {refusal.tenants[0]: refusal for refusal in plan.refusals if refusal.rule is Rule.LOOKS_RENAMED}


def test_the_line_to_add_is_told_and_no_project_is_made() -> None:
    plan = planned(a_fleet(a_tenant("zenith", overrides=LIMITED), a_tenant("bob")))
    assert plan.empty
    (refusal,) = plan.refusals
    assert (refusal.rule, refusal.asked_for) == (Rule.LOOKS_RENAMED, True)
    assert refusal.message == (
        "looks like a rename of 'acme', removed from the files since the base: a new project would be empty"
    )
    assert refusal.remedy == (
        "add `previously: [acme]` to tenants/zenith.yaml:1; if this is another customer, permit exactly the "
        "creations of this run with --allow creates=1"
    )


def test_the_order_of_keys_is_no_difference() -> None:
    """Unknown settings of the base come after the known ones, wherever HEAD has them under ``unchecked``."""

    def fleet(name: str, settings: dict[str, Any], labels: dict[str, str]) -> DesiredState:
        return a_fleet(a_tenant(name, labels=labels, overrides=Overrides(settings=settings)), a_tenant("bob"))

    before = fleet("acme", {"shiny": {"a": 1, "b": 2}, "bright": 1}, {"team": "eu", "size": "s"})
    now = fleet("zenith", {"bright": 1, "shiny": {"b": 2, "a": 1}}, {"size": "s", "team": "eu"})
    other = fleet("zenith", {"bright": 1, "shiny": {"b": 2, "a": 2}}, {"size": "s", "team": "eu"})
    assert list(refused(planned(now, before=before))) == ["zenith"]
    assert not refused(planned(other, before=before))


ALIKE = ("acme-inc", "Acme", "acme_inc.eu", "ACME+2")
UNLIKE = ("acmeinc", "acm", "inc-acme", "zenith")


@pytest.mark.parametrize("name", ALIKE)
def test_a_name_that_begins_with_the_others_is_enough(name: str) -> None:
    assert list(refused(planned(a_fleet(a_tenant(name, "pro"), a_tenant("bob"))))) == [name]


@pytest.mark.parametrize("name", UNLIKE)
def test_another_customer_gets_its_project(name: str) -> None:
    plan = planned(a_fleet(a_tenant(name, "pro"), a_tenant("bob")))
    assert not plan.refusals
    assert [action.kind for action in plan.actions] == ["create_project"]


def test_a_part_that_was_taken_off_the_name_is_seen_too() -> None:
    before = a_fleet(a_tenant("acme-inc", "pro"))
    plan = planned(a_fleet(a_tenant("acme")), a_view(a_pro_project("acme-inc")), before)
    assert "'acme-inc'" in refused(plan)["acme"].message


def test_user_ids_of_one_kind_do_not_look_alike() -> None:
    before = a_fleet(a_tenant("user_2abCD", "pro"))
    plan = planned(a_fleet(a_tenant("user_3efGH")), a_view(a_pro_project("user_2abCD")), before)
    assert not plan.refusals


class TestIsNoSuchDoubt:
    new = a_fleet(a_tenant("zenith", overrides=LIMITED), a_tenant("bob"))

    def test_where_the_others_project_is_gone(self) -> None:
        assert not planned(self.new, a_view(a_project("bob"))).refusals

    def test_where_a_tombstone_has_said_that_it_goes(self) -> None:
        before = a_fleet(a_tenant("acme", overrides=LIMITED, absent=True), a_tenant("bob"))
        assert not planned(self.new, before=before).refusals

    def test_where_the_other_is_there_still(self) -> None:
        now = a_fleet(*self.new.tenants.values(), a_tenant("acme", overrides=LIMITED))
        assert not refused(planned(now))

    def test_where_its_file_is_only_broken(self) -> None:
        now = a_fleet(*self.new.tenants.values(), held_back=frozenset({"acme"}))
        assert not planned(now).refusals

    def test_where_the_file_tells_the_earlier_name(self) -> None:
        now = a_fleet(a_tenant("zenith", overrides=LIMITED, previously=("acme",)), a_tenant("bob"))
        assert [action.kind for action in planned(now).actions] == ["patch_project"]

    def test_where_only_the_base_knows_the_other(self) -> None:
        """The branch was cut before the other's file was added."""
        assert not planned(self.new, fork=a_fleet(a_tenant("bob"))).refusals

    def test_where_a_person_names_the_number_of_creations(self) -> None:
        assert not planned(self.new, creates=1).refusals


def test_who_was_refused_stays_in_doubt_in_the_next_run() -> None:
    """Both are owed by the commit before, and the base itself has moved on."""
    now = a_fleet(a_tenant("zenith", overrides=LIMITED), a_tenant("bob"))
    owed = Baseline(a_fleet(a_tenant("acme", overrides=LIMITED)))
    plan = planned(now, before=now, owed={"acme": owed, "zenith": owed})
    assert list(refused(plan)) == ["zenith"]


def test_who_left_before_the_last_run_is_no_matter_of_a_new_tenant() -> None:
    now = a_fleet(a_tenant("zenith", overrides=LIMITED), a_tenant("bob"))
    owed = Baseline(a_fleet(a_tenant("acme", overrides=LIMITED)))
    assert not planned(now, before=a_fleet(a_tenant("bob")), owed={"acme": owed}).refusals


def test_of_many_that_left_a_few_are_named() -> None:
    names = [f"t{number}" for number in range(5)]
    live = a_view(*(a_project(name) for name in names))
    plan = planned(a_fleet(a_tenant("new")), live, a_fleet(*map(a_tenant, names)))
    assert "a rename of 't0' or 't1' or 't2' or one of 2 more," in refused(plan)["new"].message


def test_where_few_were_looked_up_a_project_that_nobody_saw_may_be_live() -> None:
    now = a_fleet(a_tenant("zenith", overrides=LIMITED))
    assert list(refused(planned(now, a_view(listed=False)))) == ["zenith"]


def test_a_name_in_another_case_is_enough_long_after_the_other_one_was_removed() -> None:
    """Nobody would find the data, and --prune would delete it."""
    now, bob = a_fleet(a_tenant("Acme", "pro"), a_tenant("bob")), a_fleet(a_tenant("bob"))
    plan = planned(now, before=bob)
    assert plan.empty
    assert refused(plan)["Acme"].message == (
        "project p-acme is that of 'acme', which differs in case only: a new project would be empty"
    )
    assert "add `previously: [acme]`" in refused(plan)["Acme"].remedy
    assert planned(now, before=bob, creates=1).tenants
    assert planned(a_fleet(a_tenant("acme-inc", "pro"), a_tenant("bob")), before=bob).tenants
