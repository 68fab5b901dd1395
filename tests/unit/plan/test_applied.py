"""The base of every tenant: who is done, who is owed, and what two runs that overlap leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.desired.selection import Selection
from reconciler.desired.tenant import DevBranch, Overrides, Snapshot
from reconciler.model.values import replace
from reconciler.plan.actions.snapshot import CreateSnapshot
from reconciler.plan.applied import (
    AHEAD,
    NOTHING_LEFT,
    Applied,
    FinishedRun,
    advanced,
    merged,
    tenant_states,
    to_record_as_tried,
    waiting,
)
from reconciler.plan.baseline import Baseline
from reconciler.plan.change import Origin
from reconciler.plan.concerns.concern import existence
from reconciler.plan.history import History
from reconciler.plan.outcome import ActionOutcome, Report, Result, TenantOutcome
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_QUOTA,
    GIB,
    HERE,
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
    make_plan,
)

NOW = datetime(2028, 1, 1, tzinfo=UTC)
OLD, BASE, HEAD, LATER, SIDE = "0ld", "1base", "2head", "3later", "side"
LINE = (OLD, BASE, HEAD, LATER)
AT_BASE = Applied(BASE)


def precedes(older: str, newer: str) -> bool:
    """In the history ``OLD - BASE - HEAD - LATER``; SIDE left it after OLD."""
    if SIDE in (newer, older):
        return older == OLD
    return LINE.index(older) < LINE.index(newer)


def granting(name: str, gib: int) -> Any:
    return a_tenant(name, overrides=Overrides(quota={"data_transfer_bytes": gib * GIB}))


def fleet(acme: int = 8, bluebird: int = 8) -> Any:
    return a_fleet(granting("acme", acme), granting("bluebird", bluebird))


def live(*names: str, gib: int = 8) -> Any:
    quota = replace(FREE_QUOTA, data_transfer_bytes=gib * GIB)
    return a_view(*(a_project(name, quota=quota) for name in names))


def ended(result: Result = Result.APPLIED, **parts: Any) -> FinishedRun:
    """A run after which every action has the result."""
    desired, history = parts.get("desired", fleet()), parts.get("history", History(fleet()))
    seen = parts.get("live", live("acme", "bluebird"))
    permissions = parts.get("permissions", Permissions())
    plan = guarded_plan(desired, seen, permissions, history=history)
    outcomes = tuple(
        TenantOutcome(each.tenant, result, tuple(ActionOutcome(one, result) for one in each.actions), None)
        for each in plan.tenants
    )
    selection = parts.get("selection", Selection())
    complete = parts.get("complete", True)
    report = Report("run", NOW, NOW, outcomes, 1)
    return FinishedRun(
        desired=desired, history=history, plan=plan, report=report, selection=selection, complete=complete
    )


def owed(run: FinishedRun, before: Applied | None = AT_BASE, head: str = HEAD) -> dict[str, str | None]:
    applied = advanced(before, head, run, precedes)
    assert applied.commit == head
    return dict(applied.owed)


def test_a_tenant_whose_change_went_through_is_done() -> None:
    assert owed(ended(desired=fleet(acme=6))) == {}


@pytest.mark.parametrize("result", [Result.FAILED, Result.SKIPPED])
def test_one_that_failed_or_was_not_reached_keeps_its_base(result: Result) -> None:
    assert owed(ended(result, desired=fleet(acme=6))) == {"acme": BASE}


def test_one_that_is_refused_keeps_its_base() -> None:
    protected = replace(granting("acme", 6), protect=True)
    run = ended(desired=a_fleet(protected, granting("bluebird", 8)))
    assert run.plan.refusals
    assert owed(run) == {"acme": BASE}


def test_drift_that_is_refused_is_no_debt() -> None:
    run = ended(live=live("acme", "bluebird", gib=100))
    assert run.plan.refusals
    assert owed(run) == {}


def test_what_fails_without_having_been_asked_for_is_no_debt() -> None:
    assert owed(ended(Result.FAILED, live=live("acme", "bluebird", gib=2))) == {}


def test_a_conflict_of_a_changed_tenant_is_a_debt() -> None:
    twins = a_view(a_project("acme"), a_project("acme", id="another-1"), *live("bluebird").projects)
    run = ended(desired=fleet(acme=6, bluebird=6), live=twins)
    assert run.plan.conflicts
    assert owed(run) == {"acme": BASE}


def test_who_was_left_out_keeps_the_base_where_something_is_asked_for() -> None:
    run = ended(desired=fleet(acme=6), selection=Selection(tenants=("bluebird",)))
    assert owed(run) == {"acme": BASE}
    assert owed(ended(selection=Selection(tenants=("bluebird",)))) == {}


def test_a_run_about_some_concerns_finishes_nobody_who_is_asked_something() -> None:
    assert owed(ended(desired=fleet(acme=6), complete=False)) == {"acme": BASE}


def test_an_owed_tenant_keeps_its_own_older_base_until_it_is_done() -> None:
    history = History(fleet(acme=6), owed={"acme": Baseline(fleet(acme=8))})
    before = Applied(BASE, {"acme": OLD})
    assert owed(ended(Result.FAILED, desired=fleet(acme=6), history=history), before) == {"acme": OLD}
    assert owed(ended(desired=fleet(acme=6), history=history), before) == {}


def test_what_its_own_base_asked_for_is_still_asked_for() -> None:
    history = History(fleet(acme=6), owed={"acme": Baseline(fleet(acme=8))})
    run = ended(desired=fleet(acme=6), history=history)
    assert [tenant.tenant for tenant in run.plan.tenants] == ["acme"]
    drift = ended(desired=fleet(acme=6), history=History(fleet(acme=6)))
    assert not drift.plan.tenants


def test_without_a_readable_base_nothing_is_reduced() -> None:
    run = ended(desired=fleet(acme=6), history=History(fleet(acme=8), owed={"acme": None}))
    assert not run.plan.tenants
    assert owed(run, Applied(BASE, {"acme": OLD})) == {"acme": OLD}


def test_a_new_tenant_that_failed_is_new_to_the_next_run_too() -> None:
    run = ended(
        Result.FAILED, desired=fleet(), history=History(a_fleet(granting("bluebird", 8))), live=live("bluebird")
    )
    assert owed(run) == {"acme": BASE}
    assert owed(replace(run, history=History()), None) == {"acme": None}


def test_files_that_are_older_than_the_base_move_nothing() -> None:
    history = History(fleet(acme=9), fork=fleet(acme=8))
    applied = advanced(Applied(HEAD), BASE, ended(history=history), precedes)
    assert applied == Applied(HEAD)


def test_a_branch_beside_the_base_leaves_the_tenants_whose_base_is_ahead() -> None:
    history = History(fleet(acme=9), fork=fleet())
    assert owed(ended(history=history), Applied(HEAD), SIDE) == {"acme": HEAD}


@pytest.mark.parametrize(
    ("history", "reason", "done"),
    [
        (History(fleet(acme=9), fork=fleet()), AHEAD, False),
        (History(fleet(), owed={"acme": Baseline(fleet(acme=9), fork=fleet())}), AHEAD, False),
        (History(fleet()), NOTHING_LEFT, True),
        (History(fleet(acme=9)), NOTHING_LEFT, True),
    ],
    ids=["ahead", "own base ahead", "same", "applied"],
)
def test_one_that_waits_with_nothing_to_do_is_told_what_the_next_run_does(
    history: History, reason: str, *, done: bool
) -> None:
    """A base on a branch that was replaced by force stays ahead, whatever runs."""
    run = ended(history=replace(history, since={"acme": HEAD}))
    assert run.plan.empty
    (waits,) = waiting(run.plan, run.desired, run.history, run.selection)
    assert (waits.tenants, waits.reason) == (("acme",), reason)
    assert dict(tenant_states(run))["acme"] is done


class TestATenantThatIsGoneFromTheFiles:
    def gone(self, **parts: Any) -> FinishedRun:
        return ended(desired=a_fleet(granting("bluebird", 8)), **parts)

    def test_keeps_its_base_while_its_project_is_there(self) -> None:
        assert owed(self.gone()) == {"acme": BASE}

    def test_is_forgotten_once_it_has_none(self) -> None:
        assert owed(self.gone(live=live("bluebird"))) == {}

    @pytest.mark.parametrize("name", ["zed", "bluebird"])
    def test_is_kept_with_its_protection_while_another_one_is_in_conflict_about_its_project(
        self, name: str
    ) -> None:
        """Somebody gave the project the name of a tenant that is new, or has a project already."""
        base = a_fleet(replace(granting("acme", 8), protect=True), granting("bluebird", 8))
        seen = a_view(a_project("acme", name=f"myapp-{name}"), *live("bluebird").projects)
        now = a_fleet(*(granting(one, 8) for one in {"bluebird", name}))
        run = ended(desired=now, history=History(base), live=seen)
        assert run.plan.conflicts
        assert not run.plan.orphans
        assert owed(run)["acme"] == BASE

    def test_is_kept_where_its_project_has_the_annotation_of_its_earlier_name(self) -> None:
        base = a_fleet(replace(granting("zed", 8), previously=("acme",)), granting("bluebird", 8))
        seen = a_view(a_project("acme", name="myapp-zed"), *live("bluebird").projects)
        assert owed(self.gone(history=History(base), live=seen)) == {"zed": BASE}

    def test_is_kept_where_nobody_looked(self) -> None:
        assert owed(self.gone(live=live("bluebird"), selection=Selection(tenants=("b*",)))) == {"acme": BASE}


class TestAProtectionAtTheBase:
    BEFORE = a_fleet(replace(granting("acme", 8), protect=True), granting("bluebird", 8))

    def test_ends_by_a_run_that_is_about_the_tenant_and_finds_no_conflict(self) -> None:
        history = History(self.BEFORE)
        assert owed(ended(history=history, selection=Selection(tenants=("bluebird",)))) == {"acme": BASE}
        twins = a_view(a_project("acme"), a_project("acme", id="another-1"), *live("bluebird").projects)
        assert owed(ended(history=history, live=twins)) == {"acme": BASE}
        assert owed(ended(history=history)) == {}

    @pytest.mark.parametrize(
        "own", [a_tenant("acme", absent=True), granting("acme", 8)], ids=["tombstone", "plain"]
    )
    def test_stays_while_its_project_is_refused_to_another_tenant(self, own: Any) -> None:
        """Somebody gave the project the name of that one, so that only the base knows whose it was."""
        pinning = replace(granting("zed", 4), project_id="p-acme")
        seen = a_view(a_project("acme", name="myapp-zed"), *live("bluebird").projects)
        for history in (History(self.BEFORE), History(self.BEFORE, owed={"zed": Baseline(a_fleet(pinning))})):
            now = a_fleet(own, replace(pinning, absent=True), granting("bluebird", 8))
            run = ended(desired=now, history=history, live=seen)
            assert Rule.PROTECTED in {refusal.rule for refusal in run.plan.refusals}
            assert owed(run)["acme"] == BASE

    def test_of_a_tenant_that_is_gone_stays_while_it_refuses_something_to_the_one_before(self) -> None:
        """Another tenant had pinned the project, and protected it."""
        pinning = replace(granting("zed", 8), project_id="p-acme", protect=True)
        history = History(a_fleet(granting("acme", 8), pinning, granting("bluebird", 8)))
        run = ended(desired=fleet(acme=6), history=history)
        assert [refusal.rule for refusal in run.plan.refusals] == [Rule.PROTECTED]
        assert owed(run) == {"acme": BASE, "zed": BASE}

    def test_stays_while_a_tombstone_does_not_find_the_project(self) -> None:
        """Somebody gave it another name: it is an orphan, which the tombstone does not delete."""
        seen = a_view(a_project("acme", name="another"), *live("bluebird").projects)
        now = a_fleet(a_tenant("acme", absent=True), granting("bluebird", 8))
        assert owed(ended(desired=now, history=History(self.BEFORE), live=seen)) == {"acme": BASE}

    def test_of_a_renamed_tenant_stays_under_both_names(self) -> None:
        """The next commit may leave the earlier name out, or a tried one may declare both."""
        now = a_fleet(replace(granting("zed", 4), previously=("acme",)), granting("bluebird", 8))
        run, before = (
            ended(desired=now, history=History(self.BEFORE).under(now)),
            Applied(BASE, tried={"acme": (OLD,)}),
        )
        after = advanced(before, HEAD, run, precedes)
        assert after.owed == {"acme": BASE, "zed": BASE}
        assert after.tried == {"acme": (OLD,), "zed": (OLD, HEAD)}

    def test_of_an_earlier_name_counts_in_files_that_declare_both_names(self) -> None:
        """They keep both names, so that only the earlier one shows what was protected."""
        now = a_fleet(replace(granting("zed", 4), previously=("acme",)))
        both = Baseline(a_fleet(replace(granting("acme", 8), protect=True), granting("zed", 8)))
        for tried in ({"acme": (both,)}, {"acme": (both,), "zed": (both,)}):
            history = History(a_fleet(granting("bluebird", 8)), tried=tried)
            assert history.under(now).protects(["zed", "acme"], None)

    def test_stays_where_the_tenant_gets_the_name_of_one_that_waits_as_an_earlier_one(self) -> None:
        """The tenant does not wait: the base of all is its own."""
        protected = a_fleet(replace(granting("zed", 8), protect=True), granting("bluebird", 8))
        now = a_fleet(replace(granting("zed", 4), previously=("acme",)), granting("bluebird", 8))
        history = History(protected, owed={"acme": Baseline(fleet())}).under(now)
        run = ended(desired=now, history=history, live=live("zed", "bluebird"))
        assert Rule.PROTECTED in {refusal.rule for refusal in run.plan.refusals}
        assert owed(run, Applied(BASE, {"acme": OLD})) == {"acme": OLD, "zed": BASE}

    @pytest.mark.parametrize("earlier", [8, 4], ids=["none", "the same without protection"])
    def test_that_is_new_is_recorded_with_a_commit_that_is_refused(self, earlier: int) -> None:
        """A later commit that leaves it out and reduces would take back what the first one refused."""
        now = a_fleet(replace(granting("acme", 4), protect=True), granting("bluebird", 8))
        tried = {"acme": (Baseline(a_fleet(granting("acme", earlier))),)}
        before = Applied(BASE, tried={"acme": (OLD,)})
        run = ended(
            desired=now, history=History(a_fleet(granting("acme", 8), granting("bluebird", 8)), tried=tried)
        )
        assert Rule.PROTECTED in {refusal.rule for refusal in run.plan.refusals}
        assert advanced(before, HEAD, run, precedes).tried == {"acme": (OLD, HEAD)}

    def test_of_an_earlier_name_counts_beside_the_base_of_a_tenant_that_had_the_later_one(self) -> None:
        now = a_fleet(replace(granting("zed", 4), previously=("acme",)))
        earlier, later = Baseline(self.BEFORE), Baseline(a_fleet(granting("zed", 4)))
        for several in (
            {"owed": {"acme": earlier, "zed": later}},
            {"tried": {"acme": (earlier,), "zed": (later,)}},
        ):
            history: Any = History(a_fleet(granting("acme", 8)), **several)
            assert history.under(now).protects(["zed"], None)


@pytest.mark.parametrize(
    ("ours", "theirs", "both"),
    [
        (Applied(BASE), Applied(HEAD), Applied(HEAD)),
        (Applied(HEAD), Applied(BASE), Applied(HEAD)),
        (Applied(SIDE), Applied(HEAD), Applied(HEAD)),
        (Applied(BASE), Applied(HEAD, {"acme": OLD}), Applied(HEAD, {"acme": BASE})),
        (Applied(BASE, {"acme": OLD}), Applied(HEAD, {"acme": OLD}), Applied(HEAD, {"acme": OLD})),
        (Applied(BASE, {"acme": OLD}), Applied(HEAD), Applied(HEAD)),
        (Applied(HEAD, {"acme": None}), Applied(BASE), Applied(HEAD, {"acme": BASE})),
        (Applied(HEAD, {"acme": None}), Applied(BASE, {"acme": None}), Applied(HEAD, {"acme": None})),
        (Applied(SIDE), Applied(HEAD, {"acme": BASE}), Applied(HEAD, {"acme": BASE})),
    ],
)
def test_of_two_records_each_tenant_gets_the_newer_base(ours: Applied, theirs: Applied, both: Applied) -> None:
    assert merged(ours, theirs, precedes) == both


class TestWhatWasTried:
    def test_is_remembered_where_it_failed_and_forgotten_once_it_is_done(self) -> None:
        failed = advanced(AT_BASE, HEAD, ended(Result.FAILED, desired=fleet(acme=6)), precedes)
        assert failed.tried == {"acme": (HEAD,)}
        history = History(fleet(), owed={"acme": Baseline(fleet())}, tried={"acme": (Baseline(fleet(acme=6)),)})
        second = advanced(failed, LATER, ended(Result.FAILED, desired=fleet(acme=7), history=history), precedes)
        assert second.tried == {"acme": (HEAD, LATER)}
        assert advanced(failed, LATER, ended(desired=fleet(acme=7), history=history), precedes) == Applied(LATER)

    def test_is_nothing_where_nothing_was_written(self) -> None:
        skipped = advanced(AT_BASE, HEAD, ended(Result.SKIPPED, desired=fleet(acme=6)), precedes)
        assert (skipped.owed, skipped.tried) == ({"acme": BASE}, {})

    def test_keeps_who_was_left_out_waiting_although_its_files_are_those_of_its_base(self) -> None:
        history = History(fleet(), tried={"acme": (Baseline(fleet(acme=6)),)})
        before = Applied(BASE, tried={"acme": (HEAD,)})
        run = ended(history=history, selection=Selection(tenants=("bluebird",)))
        assert advanced(before, LATER, run, precedes) == Applied(LATER, {"acme": BASE}, {"acme": (HEAD,)})

    def test_makes_nobody_known_so_that_an_earlier_customer_s_project_stays_a_conflict(self) -> None:
        history = History(a_fleet(granting("bluebird", 8)), tried={"acme": (Baseline(fleet()),)})
        assert history.new("acme")
        assert not history.knew("acme")

    def test_is_recorded_once_however_often_it_is_tried(self) -> None:
        history = History(fleet(), owed={"acme": Baseline(fleet())}, tried={"acme": (Baseline(fleet(acme=6)),)})
        before = Applied(BASE, tried={"acme": (HEAD,)})
        second = advanced(before, LATER, ended(Result.FAILED, desired=fleet(acme=6), history=history), precedes)
        assert second.tried == {"acme": (HEAD,)}

    def test_causes_what_takes_it_back_and_nothing_else(self) -> None:
        history = History(fleet(acme=8), tried={"acme": (Baseline(fleet(acme=20)),)})
        assert [
            each.tenant for each in ended(history=history, live=live("acme", "bluebird", gib=20)).plan.tenants
        ] == ["acme"]

    def test_is_recorded_before_anything_is_written_for_whom_the_files_ask_something(self) -> None:
        desired, history, seen = fleet(acme=6), History(fleet()), live("acme", "bluebird", gib=5)
        plan = guarded_plan(desired, seen, history=history)
        assert [each.tenant for each in plan.tenants] == ["acme", "bluebird"]  # the latter drifted
        assert to_record_as_tried(desired, history, plan) == ["acme"]
        assert AT_BASE.trying(["acme"], HEAD).trying(["acme"], HEAD).tried == {"acme": (HEAD,)}

    def test_of_a_tenant_whom_the_base_does_not_know_counts_wherever_it_was_looked_at(self) -> None:
        history = History(a_fleet(granting("bluebird", 8)))
        run = ended(
            desired=a_fleet(replace(granting("acme", 6), protect=True), granting("bluebird", 8)), history=history
        )
        assert run.plan.refusals
        assert advanced(AT_BASE, HEAD, run, precedes).tried == {"acme": (HEAD,)}

    @pytest.mark.parametrize(
        ("ours", "theirs", "both"),
        [
            ({"acme": (HEAD,)}, {"acme": (LATER,)}, {"acme": (LATER, HEAD)}),
            ({}, {"acme": (HEAD,)}, {"acme": (HEAD,)}),
            ({"acme": (OLD, BASE)}, {}, {}),
        ],
    )
    def test_of_two_records_both_attempts_count_but_for_those_that_the_base_holds(
        self,
        ours: dict[str, tuple[str, ...]],
        theirs: dict[str, tuple[str, ...]],
        both: dict[str, tuple[str, ...]],
    ) -> None:
        merged_ = merged(Applied(BASE, tried=ours), Applied(BASE, tried=theirs), precedes)
        assert merged_ == Applied(BASE, tried=both)


class TestAProjectThatIsCreatedAnew:
    """The tenant had a project at its base, which has disappeared; ``--allow creates`` permits another one."""

    def after(self, result: Result, **parts: Any) -> dict[str, str]:
        run = ended(result, live=live("bluebird"), permissions=Permissions(counts={"creates": 1}), **parts)
        return dict(advanced(AT_BASE, HEAD, run, precedes).creating)

    @pytest.mark.parametrize("result", [Result.FAILED, Result.SKIPPED])
    def test_stays_recorded_with_its_run_until_it_is_finished(self, result: Result) -> None:
        assert self.after(result) == {"acme": "run"}
        assert self.after(Result.APPLIED) == {}

    def test_is_nothing_to_record_of_a_new_tenant(self) -> None:
        assert self.after(Result.FAILED, history=History(a_fleet(granting("bluebird", 8)))) == {}

    def test_is_recorded_before_anything_is_written(self) -> None:
        assert AT_BASE.trying([], HEAD, {"acme": "run"}).creating == {"acme": "run"}

    @pytest.mark.parametrize(
        ("parts", "left"),
        [
            ({}, {}),
            ({"selection": Selection(tenants=("bluebird",))}, {"acme": "0a3c"}),
            ({"complete": False}, {"acme": "0a3c"}),
        ],
    )
    def test_of_an_earlier_run_is_done_once_a_run_leaves_nothing_to_do(
        self, parts: dict[str, Any], left: dict[str, str]
    ) -> None:
        before = Applied(BASE, creating={"acme": "0a3c"})
        assert advanced(before, HEAD, ended(**parts), precedes).creating == left
        assert before.about({"bluebird"}).creating == {}

    def test_of_either_run_is_kept_where_two_overlap(self) -> None:
        ours, theirs = Applied(BASE, creating={"acme": "0a3c"}), Applied(BASE, creating={"bluebird": "4f21"})
        assert merged(ours, theirs, precedes).creating == {"acme": "0a3c", "bluebird": "4f21"}


class TestAMomentThatNeonRejected:
    """A raised restore window does not reach back: the run that finds out records it."""

    MOMENT = NOON - timedelta(hours=3)
    KEY = "snapshots.v1.at 2030-05-04T09:00:00Z"

    def fleet(self, *snapshots: Snapshot) -> Any:
        return a_fleet(replace(granting("acme", 8), snapshots=snapshots), granting("bluebird", 8))

    def rejected(self, desired: Any, before: Applied = AT_BASE, request_id: str | None = "r-1") -> dict[str, Any]:
        create = CreateSnapshot(
            tenant="acme",
            reason="declared",
            source=HERE,
            changes=(existence("snapshots.v1", Origin.CONFIG, before=False),),
            snapshot="v1",
            branch="main",
            at=self.MOMENT,
        )
        skipped = ActionOutcome(create, Result.SKIPPED, "Neon holds no data", request_id=request_id)
        run = ended(desired=desired)
        outcomes = (TenantOutcome("acme", Result.SKIPPED, (skipped,), None),)
        run = replace(run, report=replace(run.report, outcomes=outcomes))
        return dict(advanced(before, HEAD, run, precedes).rejected)

    def test_is_recorded_as_long_as_the_files_declare_it(self) -> None:
        asking = self.fleet(Snapshot("v1", at=self.MOMENT))
        assert self.rejected(asking) == {"acme": (self.KEY,)}
        assert self.rejected(asking, request_id=None) == {}, "it was not sent"
        before = Applied(BASE, rejected={"acme": (self.KEY,)})
        assert self.rejected(asking, before, None) == {"acme": (self.KEY,)}
        assert self.rejected(self.fleet(Snapshot("v1")), before) == {}
        assert merged(before, AT_BASE, precedes) == before == before.about({"acme"})

    @pytest.mark.parametrize("rejected", [{}, {"acme": (KEY, "dev_branches.old.at 2030-05-04T09:00:00Z")}])
    def test_is_refused_by_the_plan_from_then_on(self, rejected: dict[str, tuple[str, ...]]) -> None:
        old = DevBranch("old", at=self.MOMENT)
        desired = a_fleet(a_tenant(snapshots=(Snapshot("v1", at=self.MOMENT),), dev_branches=(old,)))
        history = History(a_fleet(a_tenant()), rejected=rejected)
        plan = make_plan(desired, a_view(a_project(branches=(a_branch(),), snapshots=())), history=history)
        assert plan.empty is bool(rejected)
        assert len(plan.refusals) == 2 * bool(rejected)
        assert all("it rejected the moment in an earlier run" in refusal.message for refusal in plan.refusals)
