"""A tenant's second project: deleted where everything is proven, left to a person where one thing is not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.desired.policy import DriftPolicy, Policy
from reconciler.desired.selection import Depth
from reconciler.live.project import LiveSnapshot
from reconciler.live.registered import Registered
from reconciler.live.state import RunState, RunStatus
from reconciler.model.annotations import creation_annotations
from reconciler.model.compute import NEVER_SUSPEND, Compute
from reconciler.model.quota import Consumption
from reconciler.model.values import replace
from reconciler.plan.actions.project import DeleteDuplicate
from reconciler.plan.approval import approve
from reconciler.plan.change import Risk
from reconciler.plan.guards import guard
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_COMPUTE,
    GIB,
    HOUR,
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

CREATED_AT: Final = NOON - timedelta(hours=2)
DEAD: Final = RunStatus(RunState.DEAD, "no process holds the lock on its journal log/r2.jsonl", frozenset())
SAID: Final = RunStatus(RunState.DEAD, "declared with --run-is-dead")
FLEET: Final = a_fleet(a_tenant("acme"))


def noted(run: str, tenant: str = "acme", **more: Any) -> dict[str, str]:
    return creation_annotations(fleet="prod", tenant=tenant, run=run, **more)


def of_run(run: str, id_: str, **fields: Any) -> LiveProject:
    """An idle, empty project of acme's that the run made; what happened to it is in the fields."""
    branch = a_branch(id_, annotations=fields.pop("annotations", noted(run)), created_at=CREATED_AT)
    defaults: dict[str, Any] = {
        "id": id_,
        "created_at": CREATED_AT,
        "branches": (branch,),
        "endpoints": (an_endpoint(id_, active=False),),
        "last_active_at": CREATED_AT + timedelta(seconds=300),
        "storage_bytes": 31_457_280,
        "consumption": Consumption(300, 75, 1_000_000, 0),
    }
    return a_project(**{**defaults, **fields})


FIRST: Final = of_run("r1", "p-1", created_at=CREATED_AT - timedelta(seconds=2))
SECOND: Final = of_run("r2", "p-2")
MARKED: Final = replace(SECOND, name="myapp-acme-duplicate-r2")


def seen(*projects: LiveProject, run_statuses: dict[str, RunStatus] | None = None, **fields: Any) -> LiveState:
    known = {"r1": DEAD, "r2": DEAD, "r3": DEAD} if run_statuses is None else run_statuses
    return a_view(*projects, run_statuses=known, **fields)


def deletions(plan: Plan) -> list[DeleteDuplicate]:
    return [action for action in plan.actions if isinstance(action, DeleteDuplicate)]


def test_the_younger_of_a_pair_is_deleted_with_everything_that_proves_it_empty() -> None:
    plan = make_plan(FLEET, seen(FIRST, SECOND))
    (action,) = plan.actions
    assert isinstance(action, DeleteDuplicate)
    assert (action.project_id, action.first_id, action.run) == ("p-2", "p-1", "r2")
    assert (action.risk, action.lowering) == (Risk.DESTRUCTIVE, False)
    assert plan.conflicts == ()
    assert plan.tenants[0].project == FIRST
    first, dead, empty = action.proof
    assert first.startswith("project p-1, created 2030-05-04 09:59:58 UTC, was first: p-2 was created 2030-05-04")
    assert first.endswith("10:00:00 UTC by run r2")
    assert dead == "run r2 is dead: no process holds the lock on its journal log/r2.jsonl"
    assert empty == (
        "p-2 holds nothing: active until 2030-05-04 10:05:00 UTC, as after any creation, 976.5KiB written, "
        "nothing sent, 30MiB stored, one branch, no snapshot; no connection string was returned: the journal "
        "of its run contains none"
    )


BRANCH: Final = a_branch("p-2", annotations=noted("r2"))
UNPROVEN: Final[dict[str, tuple[LiveProject, str]]] = {
    "a branch": (replace(SECOND, branches=(BRANCH, a_branch("p-2", id="b", default=False))), "2 branches"),
    "a protected branch": (replace(SECOND, branches=(replace(BRANCH, protected=True),)), "protected"),
    "a large branch": (replace(SECOND, branches=(replace(BRANCH, logical_size_bytes=GIB),)), "larger than 64MiB"),
    "snapshots not read": (replace(SECOND, snapshots=None), "its snapshots were not read"),
    "a snapshot": (replace(SECOND, snapshots=(LiveSnapshot("s", "s", None, CREATED_AT),)), "1 snapshot"),
    "computes not read": (replace(SECOND, endpoints=None), "its computes were not read"),
    "a second compute": (
        replace(SECOND, endpoints=(*(SECOND.endpoints or ()), an_endpoint("p-2", kind="read_only", active=False))),
        "2 computes",
    ),
    "a compute that runs": (replace(SECOND, endpoints=(an_endpoint("p-2"),)), "a compute is running"),
    "a compute that never suspends": (
        replace(SECOND, endpoints=(an_endpoint("p-2", Compute(0.25, 2, NEVER_SUSPEND), active=False),)),
        "never suspends",
    ),
    "a compute that stays on for a day": (
        replace(SECOND, endpoints=(an_endpoint("p-2", Compute(0.25, 2, 24 * HOUR), active=False),)),
        "stays on for 24h",
    ),
    "activity": (replace(SECOND, last_active_at=CREATED_AT + timedelta(seconds=361)), "it was active at"),
    "activity of its compute, which its counters do not include yet": (
        replace(
            SECOND,
            endpoints=(
                replace(an_endpoint("p-2", active=False), last_active_at=CREATED_AT + timedelta(seconds=361)),
            ),
        ),
        "it was active at",
    ),
    "active time": (replace(SECOND, consumption=Consumption(361, 75, 0, 0)), "active time counter is 361 s"),
    "compute time": (replace(SECOND, consumption=Consumption(300, 721, 0, 0)), "compute time counter is 721 s"),
    "writes": (replace(SECOND, consumption=Consumption(300, 75, 2**24 + 1, 0)), "written data counter is"),
    "one byte sent": (replace(SECOND, consumption=Consumption(300, 75, 0, 1)), "data transfer counter is 1 bytes"),
    "a counter not stated": (
        replace(SECOND, consumption=Consumption(300, 75, 0, None)),
        "data transfer counter is unknown",
    ),
    "counters not read": (replace(SECOND, consumption=None), "its counters were not read"),
    "size not stated": (replace(SECOND, storage_bytes=None), "its size is unknown"),
    "data": (replace(SECOND, storage_bytes=GIB), "it stores more than 64MiB"),
    "an integration": (replace(SECOND, integrations=("github",)), "it has an integration: github"),
    "another organization": (replace(SECOND, organization="paid"), "in different organizations"),
}


@pytest.mark.parametrize("what", UNPROVEN)
def test_what_may_be_used_is_left_to_a_person_and_the_reason_is_named(what: str) -> None:
    second, words = UNPROVEN[what]
    plan = make_plan(FLEET, seen(FIRST, second))
    (conflict,) = plan.conflicts
    assert words in conflict.message
    assert conflict.remedy == "add the id of the right one as project_id, then rename or delete the other by hand"
    assert plan.empty


def test_a_project_whose_counters_may_lag_is_left_until_they_tell() -> None:
    moment = CREATED_AT + timedelta(hours=1, seconds=359)
    (conflict,) = make_plan(FLEET, seen(FIRST, SECOND), now=moment).conflicts
    assert conflict.remedy.startswith("run again after 2030-05-04 11:06:00 UTC; or ")
    assert len(deletions(make_plan(FLEET, seen(FIRST, SECOND), now=moment + timedelta(seconds=1)))) == 1


def test_a_young_project_that_runs_as_after_any_creation_is_only_too_young() -> None:
    young = replace(SECOND, endpoints=(an_endpoint("p-2"),))
    (conflict,) = make_plan(FLEET, seen(FIRST, young), now=CREATED_AT + timedelta(minutes=1)).conflicts
    assert "a compute is running" not in conflict.message
    assert "run again after" in conflict.remedy


class TestTheRun:
    """Which is to be known as dead, and to have told nobody."""

    def conflict(self, fate: RunStatus | None, second: LiveProject = SECOND, **fields: Any) -> tuple[str, str]:
        plan = make_plan(FLEET, seen(FIRST, second, run_statuses={} if fate is None else {"r2": fate}, **fields))
        assert plan.empty
        (conflict,) = plan.conflicts
        return conflict.message, conflict.remedy

    def test_that_nobody_knows_of_is_named_with_the_command_that_settles_it(self) -> None:
        message, remedy = self.conflict(None)
        assert "it is unknown whether run r2, which created p-2, is dead" in message
        assert remedy.startswith("run `reconciler apply --run-is-dead r2` if you know that r2 died; or add")

    def test_that_is_too_young_as_well_is_named_with_the_moment(self) -> None:
        live = seen(FIRST, SECOND, run_statuses={})
        (conflict,) = make_plan(FLEET, live, now=CREATED_AT + timedelta(minutes=1)).conflicts
        assert conflict.remedy.startswith(
            "run `reconciler apply --run-is-dead r2` after 2030-05-04 11:06:00 UTC, if"
        )

    def test_that_a_person_calls_dead_is_believed(self) -> None:
        (action,) = deletions(make_plan(FLEET, seen(FIRST, SECOND, run_statuses={"r2": SAID})))
        assert action.death == "declared with --run-is-dead"
        assert action.emptiness.endswith("no connection string was returned: its run returns none")

    def test_that_is_at_work_is_waited_for(self) -> None:
        message, remedy = self.conflict(
            RunStatus(RunState.RUNNING, "a process holds the lock on its journal", frozenset())
        )
        assert "run r2, which created p-2, is still running: a process holds the lock on its journal" in message
        assert remedy.startswith("run again after run r2 has ended")

    @pytest.mark.parametrize("life", RunState)
    def test_that_called_the_project_the_tenants_may_have_told_somebody(self, life: RunState) -> None:
        message, remedy = self.conflict(RunStatus(life, "", frozenset({"p-2"})))
        assert "run r2 reported p-2 as the tenant's project, so it may be in use" in message
        assert remedy.startswith("add the id of the right one")

    def test_that_hands_out_strings_is_believed_by_its_own_journal_alone(self) -> None:
        second = of_run("r2", "p-2", annotations=noted("r2", returns_strings=True))
        message, remedy = self.conflict(SAID, second)
        assert "run r2 may have returned the connection string of p-2" in message
        assert remedy.startswith("add the id of the right one")
        assert deletions(make_plan(FLEET, seen(FIRST, second)))

    def test_that_made_the_first_project_is_no_matter(self) -> None:
        assert deletions(make_plan(FLEET, seen(FIRST, SECOND, run_statuses={"r2": DEAD})))


class TestWhatStands:
    """Beside the pair, and speaks against a deletion."""

    def test_a_used_younger_project_beside_an_empty_first_one_is_a_conflict(self) -> None:
        used = replace(SECOND, storage_bytes=GIB)
        plan = make_plan(FLEET, seen(FIRST, used))
        assert (plan.empty, len(plan.conflicts)) == (True, 1)

    @pytest.mark.parametrize("place", ["p-2", "p-9"])
    def test_a_row_that_does_not_name_the_first(self, place: str) -> None:
        row = {"acme": Registered(place, "free", "r2", CREATED_AT)}
        plan = make_plan(FLEET, seen(FIRST, SECOND, registered=row))
        assert (plan.empty, len(plan.conflicts)) == (True, 1)

    def test_a_row_that_names_the_first_speaks_for_it(self) -> None:
        row = {"acme": Registered("p-1", "free", "r1", CREATED_AT)}
        assert deletions(make_plan(FLEET, seen(FIRST, SECOND, registered=row)))

    def test_a_pin_on_either_leaves_the_other_alone(self) -> None:
        for pinned in ("p-1", "p-2"):
            plan = make_plan(a_fleet(a_tenant("acme", project_id=pinned)), seen(FIRST, SECOND))
            assert (plan.empty, plan.conflicts) == (True, ())

    def test_another_tenants_pin_on_the_younger(self) -> None:
        fleet = a_fleet(a_tenant("acme"), a_tenant("zed", project_id="p-2"))
        assert deletions(make_plan(fleet, seen(FIRST, SECOND))) == []

    def test_a_pin_in_a_broken_file(self) -> None:
        fleet = replace(FLEET, pins_held_back=frozenset({"p-2"}))
        (conflict,) = make_plan(fleet, seen(FIRST, SECOND)).conflicts
        assert "p-2 is pinned by project_id" in conflict.message

    @pytest.mark.parametrize("foreign", [FIRST, SECOND])
    def test_a_project_that_is_not_ours(self, foreign: LiveProject) -> None:
        theirs = replace(foreign, branches=(a_branch(foreign.id, annotations={}),))
        plan = make_plan(FLEET, seen(*(theirs if p is foreign else p for p in (FIRST, SECOND))))
        (conflict,) = plan.conflicts
        assert conflict.message.startswith("2 live projects may be this tenant's: p-1 (myapp-acme in free), p-2")
        assert plan.empty

    def test_a_run_whose_name_is_no_id_is_put_into_no_command(self) -> None:
        hostile = of_run("r2; rm -rf ~", "p-2")
        (conflict,) = make_plan(FLEET, seen(FIRST, hostile)).conflicts
        assert "rm" not in conflict.remedy

    def test_a_project_that_somebody_renamed_is_left(self) -> None:
        renamed = replace(SECOND, name="myapp-acme-old")
        plan = make_plan(FLEET, seen(FIRST, renamed))
        assert (plan.empty, [orphan.project.id for orphan in plan.orphans]) == (True, ["p-2"])


class TestThree:
    """Projects of one tenant."""

    THIRD: Final = of_run("r3", "p-3", created_at=CREATED_AT + timedelta(seconds=1))

    def test_both_that_came_later_are_deleted(self) -> None:
        plan = make_plan(FLEET, seen(self.THIRD, FIRST, SECOND))
        assert [action.project_id for action in deletions(plan)] == ["p-2", "p-3"]

    def test_nothing_is_deleted_where_one_of_them_is_not_proven(self) -> None:
        plan = make_plan(FLEET, seen(self.THIRD, FIRST, SECOND, run_statuses={"r3": DEAD}))
        assert plan.empty
        assert "--run-is-dead r2" in plan.conflicts[0].remedy

    def test_the_command_names_every_run(self) -> None:
        (conflict,) = make_plan(FLEET, seen(self.THIRD, FIRST, SECOND, run_statuses={})).conflicts
        assert "--run-is-dead r2 --run-is-dead r3" in conflict.remedy

    def test_projects_of_one_second_are_told_apart_by_id(self) -> None:
        alike = [of_run(run, id_) for run, id_ in (("r2", "p-b"), ("r1", "p-a"))]
        assert [action.project_id for action in deletions(make_plan(FLEET, seen(*alike)))] == ["p-b"]


class TestAMarkedDuplicate:
    """Which its run had renamed, and had no time to delete."""

    def test_is_deleted_although_its_tenant_has_its_project(self) -> None:
        plan = make_plan(FLEET, seen(FIRST, MARKED))
        assert [action.project_id for action in deletions(plan)] == ["p-2"]
        assert plan.orphans == ()

    def test_goes_after_what_its_tenant_needs(self) -> None:
        slow = replace(FIRST, quota=replace(FIRST.quota, active_time_seconds=1)) if FIRST.quota else FIRST
        plan = make_plan(FLEET, seen(slow, MARKED))
        assert [action.kind for action in plan.actions] == ["patch_project", "delete_duplicate"]

    def test_that_is_not_proven_stays_an_orphan_and_is_told_with_the_command(self) -> None:
        plan = make_plan(FLEET, seen(FIRST, MARKED, run_statuses={}))
        assert (plan.empty, plan.conflicts) == (True, ())
        assert [orphan.project.id for orphan in plan.orphans] == ["p-2"]
        assert any("`reconciler apply --run-is-dead r2`" in note.message for note in plan.notes)

    def test_of_another_run_was_renamed_by_somebody(self) -> None:
        assert make_plan(FLEET, seen(FIRST, replace(SECOND, name="myapp-acme-duplicate-r7"))).empty

    def test_that_is_older_than_the_tenants_project_is_left(self) -> None:
        assert make_plan(FLEET, seen(replace(FIRST, created_at=NOON), MARKED)).empty


def guarded(live: LiveState, permissions: Permissions = Permissions(), **fields: Any) -> Plan:
    fleet = a_fleet(a_tenant("acme", **fields.pop("tenant", {})), **fields)
    return guarded_plan(fleet, live, permissions)


class TestGuards:
    """Which hold for it as for any deletion."""

    def test_let_it_through_without_a_commit(self) -> None:
        assert len(deletions(guarded(seen(FIRST, SECOND)))) == 1

    def test_a_protected_tenant_loses_nothing(self) -> None:
        plan = guarded(seen(FIRST, SECOND), tenant={"protect": True})
        assert ([refusal.rule for refusal in plan.refusals], plan.empty) == ([Rule.PROTECTED], True)

    def test_a_policy_that_only_reports_projects(self) -> None:
        plan = guarded(seen(FIRST, SECOND), policy=Policy(drift={"project": DriftPolicy.REPORT}))
        assert ([refusal.rule for refusal in plan.refusals], plan.empty) == ([Rule.DRIFT_POLICY], True)

    def test_each_project_counts_as_a_deletion(self) -> None:
        names = [f"t{number}" for number in range(6)]
        projects = [
            of_run(
                run, f"p-{name}-{run}", name=f"myapp-{name}", annotations=noted(run, name), created_at=created_at
            )
            for name in names
            for run, created_at in (
                ("r1", CREATED_AT),
                ("r2", NOON - timedelta(hours=1.5)),
                ("r3", NOON - timedelta(hours=1.4)),
            )
        ]
        projects = [replace(p, last_active_at=None, consumption=Consumption(0, 0, 0, 0)) for p in projects]
        fleet, live = a_fleet(*map(a_tenant, names)), seen(*projects)
        plan = make_plan(fleet, live)
        refused = guard(plan, fleet, live, Permissions(counts={"deletes": 11}))
        assert [refusal.rule for refusal in refused.refusals] == [Rule.THRESHOLD]
        assert refused.refusals[0].tenants == tuple(names)
        assert "--allow deletes=12" in refused.refusals[0].remedy
        assert len(deletions(guard(plan, fleet, live, Permissions(counts={"deletes": 12})))) == 12


def test_only_some_concerns_leave_a_pair_alone() -> None:
    plan = make_plan(FLEET, seen(FIRST, SECOND), only=("quota",))
    assert (plan.empty, len(plan.conflicts)) == (True, 1)


def test_a_saved_plan_permits_the_same_deletion_whatever_proves_it_now() -> None:
    saved = make_plan(FLEET, seen(FIRST, SECOND))
    fresh = make_plan(FLEET, seen(FIRST, SECOND, run_statuses={"r2": SAID}))
    assert approve(fresh, saved).stale == ()


def test_a_saved_plan_permits_no_other_deletion() -> None:
    saved = make_plan(FLEET, seen(FIRST, SECOND))
    other = replace(SECOND, id="p-3")
    assert len(approve(make_plan(FLEET, seen(FIRST, other)), saved).stale) == 1
    assert len(approve(saved, make_plan(FLEET, seen(FIRST))).stale) == 1


class TestNeeds:
    """What is read before anything of it is proven."""

    BARE: Final[dict[str, Any]] = {"branches": None, "endpoints": None, "snapshots": None, "consumption": None}

    def test_branches_first_for_they_say_whose_it_is(self) -> None:
        needed = PlanRequirements().details(
            FLEET, a_view(replace(FIRST, **self.BARE), replace(SECOND, **self.BARE))
        )
        assert (needed.branches, needed.snapshots, needed.projects) == (("p-1", "p-2"), (), ())

    def test_then_everything_that_the_younger_may_hold(self) -> None:
        bare: dict[str, Any] = {**self.BARE, "branches": SECOND.branches}
        needed = PlanRequirements().details(FLEET, a_view(FIRST, replace(SECOND, **bare)))
        assert (needed.endpoints, needed.snapshots, needed.projects) == (("p-2",), ("p-2",), ("p-2",))

    def test_nothing_where_only_lists_are_wanted(self) -> None:
        live = a_view(replace(FIRST, **self.BARE), replace(SECOND, **self.BARE))
        assert not PlanRequirements(depth=Depth.LIST).details(FLEET, live)
        (conflict,) = make_plan(FLEET, live).conflicts
        assert "2 live projects may be this tenant's" in conflict.message

    def test_nothing_of_projects_that_others_made(self) -> None:
        foreign = replace(SECOND, branches=(a_branch("p-2", annotations={}),), snapshots=None, endpoints=None)
        assert not PlanRequirements().details(FLEET, a_view(FIRST, foreign))


def test_the_compute_of_the_free_tier_is_the_one_that_these_numbers_are_about() -> None:
    assert Compute(0.25, 2, 300) == FREE_COMPUTE
