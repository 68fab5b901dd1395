"""needs: what has to be read before a plan can be made, and no more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.desired.tenant import DevBranch, Overrides, Snapshot
from reconciler.desired.tier import SnapshotMethod, SnapshotPolicy
from reconciler.live.project import LiveProject, Needs
from reconciler.live.registered import Registered
from reconciler.model.annotations import creation_annotations
from reconciler.model.compute import Compute
from reconciler.model.moments import month_of
from reconciler.model.quota import Consumption, Quota
from reconciler.model.values import replace
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from tests.harness.builders import (
    FREE_QUOTA,
    FREE_TIER,
    NOON,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    make_plan,
)

if TYPE_CHECKING:
    from datetime import datetime

MANY = [f"t{i:03}" for i in range(Reach().small_fleet + 1)]
LISTED = [a_project(name, details=False) for name in MANY]


def test_a_small_fleet_is_read_whole() -> None:
    found = PlanRequirements().details(a_fleet(a_tenant()), a_view(a_project(details=False)))
    assert found == Needs(branches=("p-acme",), endpoints=("p-acme",))


def test_what_was_read_is_not_read_again() -> None:
    assert not PlanRequirements().details(a_fleet(a_tenant()), a_view(a_project()))


def test_a_large_fleet_in_sync_needs_nothing_beyond_the_list() -> None:
    assert not PlanRequirements().details(a_fleet(*map(a_tenant, MANY)), a_view(*LISTED))


def test_a_large_fleet_is_read_where_a_file_sizes_its_compute_or_a_size_or_place_differs() -> None:
    tenants = {name: a_tenant(name) for name in MANY}
    tenants["t001"] = a_tenant("t001", overrides=Overrides(compute=Compute(max_cu=1)))
    tenants["t003"] = a_tenant("t003", tier="pro")
    listed = [replace(p, compute=Compute(1, 1, 300)) if p.id == "p-t002" else p for p in LISTED]
    found = PlanRequirements().details(a_fleet(*tenants.values()), a_view(*listed))
    assert found == Needs(branches=("p-t001", "p-t002", "p-t003"), endpoints=("p-t001", "p-t002", "p-t003"))


def test_of_a_tenant_that_is_half_done_everything_is_read_for_a_list_does_not_show_what_is_left() -> None:
    fleet, live = a_fleet(*map(a_tenant, MANY)), a_view(*LISTED)
    assert PlanRequirements(half_done={"t007"}).details(fleet, live).endpoints == ("p-t007",)
    assert not PlanRequirements(half_done={"t007"}, depth=Depth.LIST).details(fleet, live)


def test_depth_deep_reads_all_and_list_only_what_a_change_depends_on() -> None:
    fleet, live = a_fleet(*map(a_tenant, MANY)), a_view(*LISTED)
    assert len(PlanRequirements(depth=Depth.DEEP).details(fleet, live).endpoints) == len(MANY)
    idle = a_view(*(replace(project, consumption=Consumption()) for project in LISTED))
    assert len(PlanRequirements(depth=Depth.DEEP).details(fleet, live).projects) == len(MANY), (
        "whether a quota is used up"
    )
    assert not PlanRequirements(depth=Depth.DEEP).details(fleet, idle).projects
    moving = a_fleet(a_tenant(tier="pro"))
    assert PlanRequirements(depth=Depth.LIST).details(moving, a_view(a_project(details=False))).endpoints == (
        "p-acme",
    )


def test_a_value_that_the_list_leaves_out_is_asked_for_before_anything_else() -> None:
    found = PlanRequirements().details(a_fleet(a_tenant()), a_view(a_project(details=False, quota=None)))
    assert found == Needs(projects=("p-acme",))
    bare = replace(FREE_TIER, quota=None, compute=None)
    unmanaged = a_fleet(a_tenant(), tiers=(bare,)), a_view(a_project(details=False, quota=None))
    assert not PlanRequirements(depth=Depth.LIST).details(*unmanaged)
    assert PlanRequirements().details(*unmanaged) == Needs(branches=("p-acme",), endpoints=("p-acme",)), (
        "whether anybody can connect"
    )


def test_the_defaults_of_a_project_are_asked_for_where_a_declared_branch_is_sized_by_half() -> None:
    bare, live = replace(FREE_TIER, quota=None, compute=None), a_view(a_project(details=False, compute=None))
    for sizes, asked in ((Compute(max_cu=1), ("p-acme",)), (Compute(1, 1), ()), (Compute(), ())):
        fleet = a_fleet(a_tenant(dev_branches=(DevBranch("dev", compute=sizes),)), tiers=(bare,))
        assert PlanRequirements(reach=Reach(small_fleet=0)).details(fleet, live).projects == asked


def test_before_a_move_everything_is_read_that_the_destination_may_forbid() -> None:
    bare = replace(FREE_TIER, quota=None, compute=None, restore_window_seconds=None)
    fleet = a_fleet(a_tenant(), tiers=(bare,))
    moving = a_project(details=False, organization="paid")
    assert PlanRequirements().details(fleet, a_view(replace(moving, compute=None))) == Needs(projects=("p-acme",))
    assert PlanRequirements(depth=Depth.LIST).details(fleet, a_view(moving)).endpoints == ("p-acme",)
    assert not PlanRequirements(depth=Depth.LIST).details(fleet, a_view(replace(moving, organization="free")))


def test_after_a_move_to_fewer_snapshots_they_are_read_until_the_commit_is_applied() -> None:
    """A run that died in between may have left some of them. A list shows that its project still differs."""
    bare = replace(FREE_TIER, quota=None, compute=None)
    fleet, few = a_fleet(a_tenant(), tiers=(bare, PRO_TIER)), Reach(small_fleet=0)
    moved = History(base=a_fleet(a_tenant(tier="pro"), tiers=(bare, PRO_TIER)))
    live, differing = a_project(details=False), a_project(details=False, restore_window_seconds=7)
    both = Needs(branches=("p-acme",), snapshots=("p-acme",))
    assert PlanRequirements(history=moved, reach=few).details(fleet, a_view(live)) == both
    assert PlanRequirements(history=moved, depth=Depth.LIST).details(fleet, a_view(differing)) == both
    assert not PlanRequirements(history=moved, depth=Depth.LIST).details(fleet, a_view(live))
    assert not PlanRequirements(history=History(base=fleet), reach=few).details(fleet, a_view(live))
    assert not PlanRequirements(reach=few).details(fleet, a_view(live))


def test_of_a_tenant_that_keeps_snapshots_as_branches_only_branches_are_read_after_a_move() -> None:
    bare = replace(FREE_TIER, quota=None, compute=None, snapshots=SnapshotPolicy(method=SnapshotMethod.BRANCH))
    fleet, few = a_fleet(a_tenant(), tiers=(bare, PRO_TIER)), Reach(small_fleet=0)
    moved = History(base=a_fleet(a_tenant(tier="pro"), tiers=(bare, PRO_TIER)))
    found = PlanRequirements(history=moved, reach=few).details(fleet, a_view(a_project(details=False)))
    assert found == Needs(branches=("p-acme",))


def test_a_doomed_project_is_asked_whose_it_is() -> None:
    found = PlanRequirements(depth=Depth.LIST).details(
        a_fleet(a_tenant(absent=True)), a_view(a_project(details=False))
    )
    assert found == Needs(branches=("p-acme",))


def test_before_a_create_every_unmatched_project_is_asked_whose_it_is() -> None:
    stranger = a_project("x", name="no name of ours", details=False)
    found = PlanRequirements(depth=Depth.LIST, selection=Selection(tenants=("acme",))).details(
        a_fleet(a_tenant()), a_view(stranger)
    )
    assert found == Needs(branches=("p-x",))
    assert not PlanRequirements().details(a_fleet(), a_view(stranger))


def test_an_orphan_is_asked_whose_it_is_when_the_whole_fleet_is_looked_at() -> None:
    orphan = a_view(a_project("left", details=False))
    assert PlanRequirements().details(a_fleet(), orphan) == Needs(branches=("p-left",))
    assert not PlanRequirements(depth=Depth.LIST).details(a_fleet(), orphan)
    assert not PlanRequirements(selection=Selection(tiers=("free",))).details(a_fleet(), orphan)


def test_depth_deep_asks_every_project_of_no_tenant_whose_it_is_whatever_it_is_called() -> None:
    renamed = a_view(a_project("left", name="renamed by hand", details=False))
    assert PlanRequirements(depth=Depth.DEEP).details(a_fleet(), renamed) == Needs(branches=("p-left",))
    assert not PlanRequirements(depth=Depth.DEEP, selection=Selection(tiers=("free",))).details(a_fleet(), renamed)


def test_pruning_asks_every_project_of_no_tenant_whose_it_is() -> None:
    renamed = a_view(a_project("left", name="renamed by hand", details=False))
    assert not PlanRequirements().details(a_fleet(), renamed)
    assert PlanRequirements(prune=True).details(a_fleet(), renamed) == Needs(branches=("p-left",))


def test_projects_asked_about_singly_say_nothing_of_others() -> None:
    stranger = a_project("x", name="no name of ours", details=False)
    assert not PlanRequirements().details(a_fleet(a_tenant()), a_view(stranger, listed=False))


def test_very_many_strangers_are_only_asked_when_all_depth_is_wanted_and_the_plan_says_so() -> None:
    strangers = [a_project(f"x{i}", name=f"legacy {i}", details=False) for i in range(Reach().unowned_reads + 1)]
    fleet, live = a_fleet(a_tenant()), a_view(*strangers)
    assert not PlanRequirements().details(fleet, live)
    assert len(PlanRequirements(depth=Depth.DEEP).details(fleet, live).branches) == Reach().unowned_reads + 1
    (note,) = make_plan(fleet, live).notes
    assert "201 live projects match no tenant" in note.message


def test_before_a_downgrade_the_snapshots_are_counted() -> None:
    found = PlanRequirements(depth=Depth.LIST).details(a_fleet(a_tenant()), a_view(a_pro_project(details=False)))
    assert found.snapshots == ("p-acme",)
    assert (
        not PlanRequirements(depth=Depth.LIST)
        .details(a_fleet(a_tenant(tier="pro")), a_view(a_project()))
        .snapshots
    )


def test_before_a_quota_is_lowered_it_is_asked_how_much_of_it_is_used() -> None:
    fleet = a_fleet(*map(a_tenant, MANY))

    def asked(quota: Quota) -> tuple[str, ...]:
        live = [replace(p, quota=quota) if p.id == "p-t005" else p for p in LISTED]
        return PlanRequirements(depth=Depth.LIST).details(fleet, a_view(*live)).projects

    assert asked(replace(FREE_QUOTA, data_transfer_bytes=0)) == ("p-t005",)
    assert asked(replace(FREE_QUOTA, data_transfer_bytes=1)) == ()
    lowered = a_project(quota=Quota(), consumption=None)
    assert PlanRequirements().details(a_fleet(a_tenant()), a_view(lowered)).projects == ("p-acme",)
    assert not PlanRequirements().details(a_fleet(a_tenant()), a_view(replace(lowered, consumption=Consumption())))
    assert not PlanRequirements().details(a_fleet(a_tenant(absent=True)), a_view(lowered)).projects


def test_branches_and_snapshots_are_read_where_they_are_declared() -> None:
    tenants = {name: a_tenant(name) for name in MANY}
    tenants["t001"] = a_tenant("t001", dev_branches=())
    tenants["t002"] = a_tenant("t002", dev_branches=(DevBranch("dev", compute=Compute(max_cu=1)),))
    tenants["t003"] = a_tenant("t003", snapshots=(Snapshot("v1"),))
    tenants["t004"] = a_tenant("t004", snapshots=())
    fleet, live = a_fleet(*tenants.values()), a_view(*LISTED)
    assert PlanRequirements().details(fleet, live) == Needs(
        branches=("p-t001", "p-t002", "p-t003"), endpoints=("p-t002",), snapshots=("p-t003",)
    )
    assert not PlanRequirements(depth=Depth.LIST).details(fleet, live)


def test_snapshots_kept_as_branches_need_no_call_of_their_own() -> None:
    by_branch = replace(FREE_TIER, snapshots=SnapshotPolicy(method=SnapshotMethod.BRANCH))
    fleet = a_fleet(a_tenant(snapshots=(Snapshot("v1"),)), tiers=(by_branch,))
    assert PlanRequirements().details(fleet, a_view(a_project(details=False))).snapshots == ()


def test_before_anything_is_written_it_is_asked_whose_the_project_is() -> None:
    drifted = [replace(p, restore_window_seconds=60) if p.id == "p-t005" else p for p in LISTED]
    found = PlanRequirements().details(a_fleet(*map(a_tenant, MANY)), a_view(*drifted))
    assert found == Needs(branches=("p-t005",))


def test_what_is_read_is_told_with_the_first_reason_for_it() -> None:
    tenants = {name: a_tenant(name) for name in MANY}
    tenants["t001"] = a_tenant("t001", dev_branches=())
    tenants["t002"] = a_tenant("t002", tier="pro", dev_branches=())
    tenants["t003"] = a_tenant("t003", absent=True)
    tenants["t004"] = a_tenant("t004", dev_branches=())
    found = PlanRequirements().details(a_fleet(*tenants.values()), a_view(*LISTED))
    assert found.reasons == (
        "branches of 2 projects declaring branches, snapshots or databases",
        "branches of 1 project moving to another organization",
        "branches of 1 project to be deleted",
        "computes of 1 project with sizes to compare",
    )


class TestAQuotaThatDiffers:
    """Of a tenant of a large fleet, with everything else in sync."""

    GROWN = replace(FREE_QUOTA, data_transfer_bytes=1)
    SHRUNK = replace(FREE_QUOTA, data_transfer_bytes=0)
    SMALLER_BRANCHES = replace(FREE_QUOTA, logical_size_bytes=0)

    @staticmethod
    def read(
        live: Quota, *, handled: bool = False, row: str | None = None, pin: bool = False, **listed_as: Any
    ) -> Needs:
        tenants = {name: a_tenant(name) for name in MANY}
        if pin:
            tenants["t005"] = a_tenant("t005", project_id="p-t005")
        fleet = a_fleet(*tenants.values())
        shown: dict[str, Any] = {"consumption": Consumption(), **listed_as}
        listed = [replace(p, quota=live, **shown) if p.id == "p-t005" else p for p in LISTED]
        rows = {} if row is None else {"t005": Registered(row, "free", "r1", NOON)}
        history = History(base=fleet) if handled else History()
        live_state = replace(a_view(*listed), registered=rows)
        return PlanRequirements(history=history, now=NOON).details(fleet, live_state)

    def test_is_no_reason_to_read_where_it_grows_and_a_run_has_handled_the_tenant(self) -> None:
        assert not self.read(self.GROWN, handled=True)

    def test_is_no_reason_to_read_where_it_grows_and_a_row_or_a_pin_confirms_the_project(self) -> None:
        assert not self.read(self.GROWN, row="p-t005")
        assert not self.read(self.GROWN, pin=True)

    def test_is_a_reason_where_only_the_name_says_whose_the_project_is(self) -> None:
        assert self.read(self.GROWN) == Needs(branches=("p-t005",))

    def test_is_no_reason_where_it_shrinks_either_unless_only_the_name_says_whose_the_project_is(self) -> None:
        assert not self.read(self.SHRUNK, handled=True)
        assert not self.read(self.SHRUNK, pin=True)
        assert not self.read(self.SHRUNK, row="p-t005")
        assert self.read(self.SHRUNK) == Needs(branches=("p-t005",))

    def test_is_a_reason_where_the_sizes_of_branches_decide(self) -> None:
        assert self.read(self.SMALLER_BRANCHES, row="p-t005") == Needs(branches=("p-t005",))
        for stored in (None, 0, FREE_QUOTA.logical_size_bytes):
            listed = self.read(self.SMALLER_BRANCHES, row="p-t005", storage_bytes=stored)
            assert listed == Needs(branches=("p-t005",)), "Neon: 0 means not measured yet"

    def test_is_no_reason_where_the_list_shows_that_all_data_fits(self) -> None:
        fits = FREE_QUOTA.logical_size_bytes - 1
        assert not self.read(self.SMALLER_BRANCHES, handled=True, storage_bytes=fits)

    def test_takes_the_counters_of_what_may_be_used_up(self) -> None:
        def read(quota: Quota, active: int | None, last: datetime | None = None) -> Needs:
            listed: dict[str, Any] = {"consumption": None, "listed_active_seconds": active, "last_active_at": last}
            return self.read(quota, handled=True, **listed)

        month = month_of(NOON)
        counted = Needs(projects=("p-t005",))
        assert read(self.SHRUNK, None) == counted
        assert read(self.SHRUNK, 1) == counted, "no list shows the transfer of a project that has run"
        assert read(self.SHRUNK, 1, month) == counted
        assert not read(self.SHRUNK, 0), "nothing has run: nothing is used"
        assert not read(self.SHRUNK, 1, month - timedelta(hours=2)), "nothing has run in this period"
        less_active = replace(FREE_QUOTA, active_time_seconds=0)
        assert not read(less_active, FREE_QUOTA.active_time_seconds - 1)
        assert read(less_active, FREE_QUOTA.active_time_seconds) == counted


def test_projects_named_like_ours_are_asked_before_a_pruning_however_many_strangers_there_are() -> None:
    strangers = [a_project(f"x{i}", name=f"legacy {i}", details=False) for i in range(Reach().unowned_reads + 1)]
    live = a_view(*strangers, a_project("left", details=False))
    assert PlanRequirements(prune=True).details(a_fleet(), live) == Needs(branches=("p-left",))


def test_pins_of_a_whole_new_fleet_are_not_read_but_the_owner_of_what_changes_is() -> None:
    most = Reach().unowned_reads
    tenants = [a_tenant(f"t{i:03d}", project_id=f"p-{i:03d}") for i in range(most + 1)]
    projects = [a_project(id=f"p-{i:03d}", name=f"theirs {i}", details=False) for i in range(most + 1)]
    new = frozenset(tenant.name for tenant in tenants)

    def read(count: int, *seen: LiveProject) -> tuple[str, ...]:
        fleet = a_fleet(*tenants[:count])
        return PlanRequirements(new=new & fleet.tenants.keys()).details(fleet, a_view(*seen)).branches

    assert read(most, *projects[:most]) == tuple(project.id for project in projects[:most])
    assert read(most + 1, *projects) == ()
    changed = replace(projects[7], restore_window_seconds=0)
    assert read(most + 1, *projects[:7], changed, *projects[8:]) == ("p-007",)


def test_the_computes_of_a_new_project_are_read_where_a_run_may_have_died_before_it_sized_them() -> None:
    fleet = a_fleet(*map(a_tenant, MANY))
    made = creation_annotations(fleet="prod", tenant="t007", run="0123abcd")
    ours = replace(a_project("t007"), branches=(a_branch("p-t007", annotations=made),), endpoints=None)
    theirs = replace(ours, branches=(a_branch("p-t007", annotations={}),))
    seen = [a_view(*LISTED[:7], project, *LISTED[8:]) for project in (ours, theirs)]
    found = [PlanRequirements(new={"t007"}).details(fleet, live).endpoints for live in seen]
    assert found == [("p-t007",), ()]
    assert not PlanRequirements().details(fleet, seen[0]).endpoints
    assert not PlanRequirements(new={"t007"}, depth=Depth.LIST).details(fleet, seen[0]).endpoints


def test_the_computes_of_what_a_pruning_may_delete_are_read() -> None:
    """They show at once who uses it; the project shows it up to an hour later."""
    live = a_view(a_project("left", endpoints=None), a_project("other", branches=(), endpoints=None))
    assert PlanRequirements(prune=True).details(a_fleet(), live).endpoints == ("p-left",)
    assert not PlanRequirements().details(a_fleet(), live).endpoints
