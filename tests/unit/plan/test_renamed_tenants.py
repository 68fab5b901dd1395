"""A tenant with an earlier name: what was that name's is its own, and what was asked of it then is its past."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.tenant import Overrides
from reconciler.live.registered import Registered
from reconciler.model.values import replace
from reconciler.plan.actions.project import DeleteProject
from reconciler.plan.applied import Applied
from reconciler.plan.baseline import Baseline
from reconciler.plan.change import Origin
from reconciler.plan.declared_fields import changed_since
from reconciler.plan.history import History
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_QUOTA,
    GIB,
    NOON,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

OLD_AGE = NOON - timedelta(days=100)
BEFORE = a_fleet(a_tenant("acme"), a_tenant("bob"))
LIVE = a_view(a_project("acme", created_at=OLD_AGE), a_project("bob"))


def inc(**fields: Any) -> Tenant:
    return a_tenant("acme-inc", **{"previously": ("acme",), **fields})


def now(*tenants: Tenant) -> DesiredState:
    return a_fleet(*(tenants or (inc(),)), a_tenant("bob"))


def granting(gib: int) -> Overrides:
    return Overrides(quota={"data_transfer_bytes": gib * GIB})


def planned(desired: DesiredState, live: LiveState = LIVE, base: DesiredState = BEFORE, **given: Any) -> Plan:
    history = History(base, **given).under(desired)
    return guarded_plan(desired, live, history=history)


def done(plan: Plan) -> list[tuple[str, str, object]]:
    return [(a.tenant, c.path, c.after) for a in plan.actions for c in a.changes]


def refused(plan: Plan) -> list[Rule]:
    return [refusal.rule for refusal in plan.refusals]


def test_its_project_is_found_by_the_earlier_name_and_renamed() -> None:
    plan = planned(now())
    assert done(plan) == [("acme-inc", "name", "myapp-acme-inc")]
    assert [change.origin for action in plan.actions for change in action.changes] == [Origin.CONFIG]
    assert (plan.refusals, plan.conflicts, plan.orphans) == ((), (), ())


def test_once_renamed_the_annotation_of_the_earlier_name_is_its_own() -> None:
    live = a_view(a_project("acme", name="myapp-acme-inc", created_at=OLD_AGE), a_project("bob"))
    assert planned(now(), live).empty
    assert planned(now(), live, base=now()).empty


def test_a_project_that_somebody_else_renamed_is_found_by_that_annotation() -> None:
    live = a_view(a_project("acme", name="by hand"), a_project("bob"))
    assert done(planned(now(), live)) == [("acme-inc", "name", "myapp-acme-inc")]


def test_and_by_the_registrys_row() -> None:
    rows = now().by_current_name({"acme": Registered("p-x", "free", "r0", NOON)})
    live = a_view(a_project("acme", id="p-x", name="by hand", branches=()), a_project("bob"), registered=rows)
    assert done(planned(now(), live)) == [("acme-inc", "name", "myapp-acme-inc")]


def test_nobody_else_gets_it() -> None:
    plan = planned(now(inc(), a_tenant("acme-2", previously=("bcme",))))
    assert [(a.tenant, a.kind) for a in plan.actions] == [
        ("acme-2", "create_project"),
        ("acme-inc", "patch_project"),
    ]


def test_a_project_of_each_name_is_a_conflict() -> None:
    live = a_view(a_project("acme"), a_project("acme-inc"), a_project("bob"))
    plan = planned(now(), live)
    assert [conflict.tenant for conflict in plan.conflicts] == ["acme-inc"]
    assert plan.empty


def test_it_is_neither_new_nor_given_out_again() -> None:
    history = History(BEFORE).under(now())
    assert (history.new("acme-inc"), history.knew("acme-inc"), history.knew("acme")) == (False, True, False)
    by_document_alone = History(a_fleet(a_tenant("bob"))).under(now())
    assert not make_plan(now(), LIVE, history=by_document_alone).conflicts


def test_where_its_project_is_not_found_it_gets_no_new_one() -> None:
    plan = planned(now(), a_view(a_project("bob")))
    assert (plan.empty, refused(plan)) == (True, [Rule.MISSING_PROJECT])


class TestItsPast:
    def test_asks_for_no_lowering(self) -> None:
        """Support gave it 100 GiB, and no file ever moved the limit."""
        raised = replace(FREE_QUOTA, data_transfer_bytes=100 * GIB)
        plan = planned(now(), a_view(a_project("acme", quota=raised), a_project("bob")))
        assert done(plan) == [("acme-inc", "name", "myapp-acme-inc")]
        assert refused(plan) == [Rule.LOWERING_NEEDS_A_CAUSE]

    @pytest.mark.parametrize(("gib", "lowered"), [(3, True), (9, False)])
    def test_is_the_cause_of_what_it_lowers_and_of_nothing_else(self, gib: int, lowered: bool) -> None:
        before = a_fleet(a_tenant("acme", overrides=granting(8)), a_tenant("bob"))
        raised = replace(FREE_QUOTA, data_transfer_bytes=20 * GIB)
        live = a_view(a_project("acme", quota=raised), a_project("bob"))
        plan = planned(now(inc(overrides=granting(gib))), live, base=before)
        limits = [after for _, path, after in done(plan) if path == "quota.data_transfer_bytes"]
        assert limits == ([gib * GIB] if lowered else [])

    def test_protects_it(self) -> None:
        before = a_fleet(a_tenant("acme", protect=True), a_tenant("bob"))
        plan = planned(now(inc(overrides=granting(3))), base=before)
        assert done(plan) == [("acme-inc", "name", "myapp-acme-inc")]
        assert refused(plan) == [Rule.PROTECTED]

    def test_protects_it_at_its_own_base(self) -> None:
        before = a_fleet(a_tenant("acme", protect=True))
        owed = {"acme": Baseline(before)}
        assert refused(planned(now(inc(absent=True)), owed=owed)) == [Rule.PROTECTED]

    def test_knows_its_tier(self) -> None:
        before = a_fleet(a_tenant("acme", "pro"), a_tenant("bob"))
        history = History(before).under(now())
        assert history.tier("acme-inc") == "pro"
        live = a_view(a_pro_project("acme"), a_project("bob"))
        moves = [a.kind for a in make_plan(now(), live, history=history).actions]
        assert "transfer_project" in moves

    def test_is_unknown_where_its_file_was_broken(self) -> None:
        before = a_fleet(a_tenant("bob"), held_back=frozenset({"acme"}))
        assert History(before).under(now()).past("acme-inc") is None

    def test_is_that_of_a_tombstone_too(self) -> None:
        (action,) = planned(now(inc(absent=True))).actions
        assert isinstance(action, DeleteProject)
        assert (action.project_id, action.changes[0].origin) == ("p-acme", Origin.CONFIG)

    def test_is_its_own_where_the_base_has_both_names(self) -> None:
        base = a_fleet(a_tenant("acme", "pro"), a_tenant("acme-inc"), a_tenant("bob"))
        assert History(base).under(now()).tier("acme-inc") == "free"


def test_its_base_is_that_of_the_earlier_name() -> None:
    record = Applied("c2", {"acme": "c1"})
    assert record.of(*now().names("acme-inc")) == "c1"
    owed = {"acme": Baseline(a_fleet(a_tenant("acme", "pro")))}
    assert History(BEFORE, owed=owed).under(now()).tier("acme-inc") == "pro"


def test_a_rename_is_a_change_since_the_base() -> None:
    assert changed_since(now(), BEFORE.with_current_names(now())) == {"acme-inc"}


def test_a_file_that_names_nobody_leaves_the_history_as_it_is() -> None:
    history = History(BEFORE)
    assert history.under(BEFORE) is history
