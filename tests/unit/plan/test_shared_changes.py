"""Each change of a plan once, with all tenants that share it, whatever else these tenants get."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.desired.rotation import Rotation
from reconciler.desired.tenant import Boost, DevBranch, Overrides, Snapshot
from reconciler.desired.tier import SnapshotPolicy
from reconciler.live.project import LiveSnapshot
from reconciler.model.compute import Compute
from reconciler.model.problem import Location
from reconciler.model.values import replace
from reconciler.plan.authors import FileKey, authors_of, by_place, with_authors
from reconciler.plan.change import Origin, Risk
from reconciler.plan.history import History
from reconciler.plan.plan import Authored, Layer, Plan, Rule
from reconciler.plan.shared_changes import MOST_VALUES, shared_changes
from reconciler.plan.tenant_tier import tiers
from tests.harness.builders import (
    FREE_TIER,
    NOON,
    PRO_COMPUTE,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    make_plan,
)
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.shared_changes import SharedChange

RAISED = replace(PRO_TIER, compute=replace(PRO_COMPUTE, max_cu=9))
NAMES = ("ada", "bob", "cyd")


def planned(before: DesiredState, after: DesiredState, *projects: LiveProject) -> Plan:
    """The plan of a change of the files, with the tiers of its tenants."""
    history = History(before)
    plan = make_plan(after, a_view(*projects), history=history)
    return replace(plan, tiers=tiers(plan, after.at(NOON), history))


def of_a_raised_tier() -> Plan:
    """Tier pro gets larger computes."""
    tenants = [a_tenant(name, "pro") for name in NAMES]
    return planned(a_fleet(*tenants), a_fleet(*tenants, tiers=(FREE_TIER, RAISED)), *map(a_pro_project, NAMES))


def only(changes: list[SharedChange], **wanted: object) -> SharedChange:
    """The one change that has these members."""
    [found] = [one for one in changes if all(getattr(one, name) == value for name, value in wanted.items())]
    return found


def test_a_change_of_project_and_compute_is_one() -> None:
    [change] = shared_changes(of_a_raised_tier())
    assert (change.cause, change.tier, change.layer) == (Origin.CONFIG, "pro", Layer.TIER)
    assert (change.path, change.before, change.after) == ("compute.max_cu", PRO_COMPUTE.max_cu, 9)
    assert change.tenants == NAMES
    assert change.restarts


def test_another_tier_is_one_change() -> None:
    before = a_fleet(*(a_tenant(name) for name in NAMES))
    after = a_fleet(*(a_tenant(name, "pro") for name in NAMES))
    change = only(shared_changes(planned(before, after, *map(a_project, NAMES))), thing="tier")
    assert (change.before, change.after, change.tenants) == ("free", "pro", NAMES)


def test_a_new_tenant_is_one_change() -> None:
    after = a_fleet(*(a_tenant(name) for name in NAMES))
    [change] = shared_changes(planned(a_fleet(), after))
    assert (change.verb, change.thing, change.tier, change.tenants) == ("create", "project", "free", NAMES)


def test_an_override_and_a_boost_are_told_apart_from_the_tier() -> None:
    larger = Compute(max_cu=9)
    override = a_tenant("ada", "pro", overrides=Overrides(compute=larger))
    boost = a_tenant("bob", "pro", boosts=(Boost(NOON.replace(year=2031), compute=larger),))
    before = a_fleet(a_tenant("ada", "pro"), a_tenant("bob", "pro"))
    changes = shared_changes(planned(before, a_fleet(override, boost), *map(a_pro_project, NAMES[:2])))
    assert {one.layer: one.tenants for one in changes} == {Layer.OVERRIDE: ("ada",), Layer.BOOST: ("bob",)}


class TestWhatATierAsksForByItself:
    """``rotate`` goes by time: no commit to the tenant's file asks for a snapshot or a deletion of it."""

    def made(self) -> Plan:
        rotation = Rotation("auto-{date}", 86_400, 1)
        tier = replace(PRO_TIER, snapshots=SnapshotPolicy(rotate=rotation))
        before = a_fleet(a_tenant("ada", "pro"), tiers=(tier,))
        after = a_fleet(a_tenant("ada", "pro", snapshots=(Snapshot("v1"),)), tiers=(tier,))
        yesterday = NOON - timedelta(days=1)
        old = LiveSnapshot("s", f"auto-{yesterday:%Y-%m-%d}", "br-p-ada", yesterday)
        live = replace(a_pro_project("ada"), created_at=NOON - timedelta(days=9), snapshots=(old,))
        return planned(before, after, live)

    def test_stands_apart_from_what_files_declare(self) -> None:
        today, yesterday = (f"auto-{NOON - timedelta(days=back):%Y-%m-%d}" for back in (0, 1))
        asked = {(one.verb, one.names): one.layer for one in shared_changes(self.made())}
        assert asked[("create", ("v1",))] is Layer.FILE
        assert asked[("create", (today,))] is Layer.TIER
        assert asked[("delete", (yesterday,))] is Layer.TIER

    def test_has_no_author(self) -> None:
        searched: list[FileKey] = []

        def find(places: Collection[FileKey]) -> dict[FileKey, Authored]:
            searched.extend(places)
            return {
                at: Authored(Location("f"), at.tier, at.tenant, at.key, "c0", "Ada", "Add v1") for at in places
            }

        plan = with_authors(self.made(), find)
        of_the_tier = [one for one in shared_changes(plan) if one.layer is Layer.TIER]
        assert of_the_tier
        assert [list(authors_of(one, by_place(plan))) for one in of_the_tier] == [[]] * len(of_the_tier)
        assert set(searched) == {FileKey(None, "ada", "snapshots")}


def test_drift_stands_apart_from_what_is_requested() -> None:
    tenants = [a_tenant(name, "pro") for name in (*NAMES, "dot")]
    small = a_pro_project("dot", compute=replace(PRO_COMPUTE, max_cu=1))
    files = a_fleet(*tenants)
    [change] = shared_changes(planned(files, files, *map(a_pro_project, NAMES), small))
    assert (change.cause, change.tenants) == (Origin.DRIFT, ("dot",))


def test_what_is_refused_is_told_with_what_is_not() -> None:
    plan = build.plan(build.price_change("amber"), refusals=build.refusals())
    changes = shared_changes(plan)
    deleted = only(changes, verb="delete")
    assert (deleted.tenants, deleted.refused, deleted.rules) == (("keystone",), ("keystone",), (Rule.PROTECTED,))
    assert only(changes, cause=Origin.CONFIG, verb="change").refused == ()


def test_the_riskiest_comes_first_and_then_the_most_tenants() -> None:
    plan = build.plan(
        *map(build.price_change, ("amber", "birch")),
        build.tenant("ember", build.delete("ember", "p-1")),
        build.tenant("frost", build.patch("frost", "r", build.change("restore_window_seconds", 1, 2))),
    )
    changes = shared_changes(plan)
    assert [one.tenants for one in changes] == [("ember",), ("amber", "birch"), ("frost",)]
    assert changes[0].risk is Risk.DESTRUCTIVE


def test_many_pairs_of_values_of_a_field_are_counted() -> None:
    def resized(count: int) -> Plan:
        patches = (build.patch(f"t{n}", "r", build.change("compute.max_cu", 1, 2 + n)) for n in range(count))
        return build.plan(*(build.tenant(patch.tenant, patch) for patch in patches))

    assert len(shared_changes(resized(MOST_VALUES))) == MOST_VALUES
    [change] = shared_changes(resized(MOST_VALUES + 1))
    assert (change.values, change.before, change.after) == (MOST_VALUES + 1, None, None)
    assert len(change.tenants) == MOST_VALUES + 1


def test_branches_are_named_and_a_branch_is_not_the_project() -> None:
    plan = build.plan(
        build.tenant("ada", build.delete_branch("ada", "old")),
        build.tenant("bob", build.delete_branch("bob", "older"), build.patch_branch("bob")),
    )
    change = only(shared_changes(plan), verb="delete")
    assert (change.thing, change.names, change.tenants) == ("branch", ("old", "older"), ("ada", "bob"))
    assert {one.path for one in shared_changes(plan)} == {None, "name", "expires_at"}


def test_a_compute_of_another_branch_has_the_name_of_the_branch() -> None:
    tenant = a_tenant("ada", "pro", dev_branches=(DevBranch("dev", compute=Compute(1, 2, 300)),))
    branches = (a_branch("p-ada"), a_branch("p-ada", id="br-2", name="dev", default=False, parent_id="br-p-ada"))
    small = Compute(1, 1, 300)
    computes = (an_endpoint("p-ada", PRO_COMPUTE), an_endpoint("p-ada", small, id="ep-2", branch_id="br-2"))
    project = replace(a_pro_project("ada"), branches=branches, endpoints=computes)
    files = a_fleet(tenant)
    changes = shared_changes(planned(files, files, project))
    change = only(changes, path="compute.max_cu")
    assert (change.thing, change.names, change.layer) == ("branch", ("dev",), Layer.FILE)
