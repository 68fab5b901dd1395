"""What a registry changes in plan, apply, converge and rebuild: real client and simulator, on virtual time."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.apply.registry_writes import claims
from reconciler.apply.registry_writes.claims import LAPSES_AFTER
from reconciler.desired.tenant import DevBranch, Overrides
from reconciler.environment import Environment
from reconciler.errors import RegistryError
from reconciler.fleet import Fleet, RunOptions, registry_rows
from reconciler.fleet.applying import apply_plan
from reconciler.live.registered import Placement, RowState
from reconciler.model.values import replace
from reconciler.neon.observe import observe
from reconciler.plan.history import History
from reconciler.plan.outcome import Result
from reconciler.registry.connect import open_registry
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.faults import AnswerWith, CommitLater, DropAfter, DropBefore
from reconciler.simulator.seed import ProjectSeed
from reconciler.views import plain_text
from reconciler.views.console import as_text
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.registry_database import in_memory
from tests.harness.runs import now, virtually
from tests.harness.stored import Stored
from tests.harness.wire import also_before, first, writes
from tests.unit.registry.platforms import ACME, CREATE, LOWERING, Platform, why

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from reconciler.live.state import LiveState
    from reconciler.plan.outcome import Report


def test_a_sign_up_takes_no_settle_time_and_its_row_names_the_project(sized: Platform) -> None:
    async def main() -> None:
        async with sized.fleet() as fleet:
            before = now()
            converged = await fleet.converge("acme", run=RunOptions(journal=sized.world.folder / "j.jsonl"))
            assert (now() - before).total_seconds() < 1
        (outcome,) = converged.report.outcomes
        assert set(converged.connections) == {"acme"}
        assert sized.rows() == {"acme": (outcome.project_id, "free")}
        calls = [one for one in sized.world.simulator.requests if "/operations" not in one.path]
        assert len(calls) <= 3

    virtually(main())


def test_a_claimed_tenant_is_skipped_and_the_run_and_time_are_named(platform: Platform) -> None:
    async def main() -> None:
        platform.registry.prepare()
        platform.registry.claim("acme", "other", now())
        result, message = why(await platform.apply())
        assert result is Result.SKIPPED
        assert message == f"claimed by run other since {now():%Y-%m-%d %H:%M:%S} UTC"
        assert platform.world.writes() == []

    virtually(main())


def test_a_claim_that_led_to_nothing_is_taken_over_once_it_has_lapsed(platform: Platform) -> None:
    async def main() -> None:
        platform.registry.prepare()
        platform.registry.claim("acme", "dead", now())
        await asyncio.sleep(LAPSES_AFTER.total_seconds())
        assert why(await platform.apply())[0] is Result.APPLIED

    virtually(main())


def test_a_lapsed_claim_is_not_taken_over_where_its_project_has_appeared(tmp_path: Path) -> None:
    """The project shows between the plan and the look, as one that a list showed too late."""
    platform = Platform(tmp_path, Behaviour(rate_limit=None))

    async def main() -> None:
        platform.registry.prepare()
        platform.registry.claim("acme", "dead", now())
        await asyncio.sleep(LAPSES_AFTER.total_seconds())
        async with platform.fleet() as fleet:
            planned = await fleet.plan()
            note = {"managed-by": "neon-reconciler", "fleet": "prod", "tenant": "acme", "run": "dead"}
            platform.world.simulator.add_project("free", ProjectSeed("myapp-acme", annotations=note))
            options = RunOptions(id="run1", journal=tmp_path / "j")
            report = await apply_plan(fleet._context, planned, options, just_observed=True)
        result, message = why(report)
        assert result is Result.SKIPPED
        assert "of run dead has appeared since the plan was made" in message
        assert platform.world.writes() == []
        await platform.apply()
        assert platform.rows()["acme"][1] == "free"

    virtually(main())


def test_a_create_that_was_refused_gives_its_claim_back(platform: Platform) -> None:
    async def main() -> None:
        platform.world.simulator.faults.add(AnswerWith(400), *CREATE)
        assert why(await platform.apply())[0] is Result.FAILED
        assert platform.rows() == {}

    virtually(main())


def test_a_create_whose_answer_was_lost_is_found_and_recorded(platform: Platform) -> None:
    async def main() -> None:
        platform.world.simulator.faults.add(DropAfter(), *CREATE)
        report = await platform.apply()
        assert why(report)[0] is Result.APPLIED
        assert platform.rows() == {"acme": (report.outcomes[0].project_id, "free")}

    virtually(main())


def test_a_create_that_is_carried_out_after_its_run_holds_everybody_else_back(platform: Platform) -> None:
    async def main() -> None:
        platform.world.simulator.faults.add(CommitLater(300), *CREATE)
        assert why(await platform.apply())[0] is Result.FAILED
        assert why(await platform.apply(run="run2"))[0] is Result.SKIPPED
        await asyncio.sleep(300)
        assert why(await platform.apply(run="run3"))[0] is Result.APPLIED
        assert [write.method for write in platform.world.writes()] == ["POST", "PATCH"], (
            "only its compute is resized"
        )
        (project,) = (await platform.world.live(ACME)).values()
        assert platform.rows() == {"acme": (project.id, "free")}

    virtually(main())


def slow() -> datetime:
    """The clock of a machine that is 20 minutes behind: longer than a claim holds."""
    return now() - timedelta(minutes=20)


def fast() -> datetime:
    """The clock of a machine that is 20 minutes ahead."""
    return now() + timedelta(minutes=20)


@pytest.mark.parametrize("clock", [slow, fast])
def test_a_claim_holds_whatever_the_clock_of_the_machine_says(
    platform: Platform, clock: Callable[[], datetime]
) -> None:
    async def sign_up(run: str) -> Report:
        async with platform.fleet(clock=clock) as fleet:
            journal = platform.world.folder / f"{run}.jsonl"
            return (await fleet.converge("acme", run=RunOptions(id=run, journal=journal))).report

    async def main() -> None:
        platform.world.simulator.faults.add(CommitLater(60), *CREATE)
        assert why(await sign_up("run1"))[0] is Result.FAILED
        result, message = why(await sign_up("run2"))
        assert result is Result.SKIPPED
        assert message.startswith("claimed by run run1 since 2026-11-23 09:00")
        await asyncio.sleep(60)
        assert len(await platform.world.live(ACME)) == 1

    virtually(main())


def test_a_rebuild_on_a_machine_with_a_fast_clock_leaves_a_fresh_claim(platform: Platform) -> None:
    async def main() -> None:
        platform.registry.prepare()
        platform.registry.claim("acme", "run1", now())
        async with platform.fleet(clock=fast) as fleet:
            rebuilt = await fleet.rebuild_registry()
        assert [change.tenant for change in rebuilt.registration.waiting] == ["acme"]
        assert list(platform.rows()) == ["acme"]

    virtually(main())


def test_a_post_that_is_carried_out_within_the_bounds_is_never_doubled(platform: Platform) -> None:
    """Ten minutes after its claim, although the clock of every run in between is five minutes ahead."""

    def ahead() -> datetime:
        return now() + timedelta(minutes=5)

    async def look_again(run: str) -> None:
        async with platform.fleet(clock=ahead) as fleet:
            await fleet.apply(
                await fleet.plan(), RunOptions(id=run, journal=platform.world.folder / f"{run}.jsonl")
            )

    async def main() -> None:
        platform.world.simulator.faults.add(CommitLater(590), *CREATE)
        await platform.apply()
        for number in range(20):
            await asyncio.sleep(30)
            await look_again(f"later{number}")
        assert [write.method for write in platform.world.writes()] == ["POST", "PATCH"], (
            "only its compute is resized"
        )
        assert len(await platform.world.live(ACME)) == 1

    virtually(main())


def test_a_claim_whose_post_never_arrived_is_kept_until_it_lapses(platform: Platform) -> None:
    async def main() -> None:
        platform.world.simulator.faults.add(DropBefore(), *CREATE)
        await platform.apply()
        assert platform.rows() == {"acme": (None, None)}
        await asyncio.sleep(LAPSES_AFTER.total_seconds())
        assert why(await platform.apply(run="run2"))[0] is Result.APPLIED

    virtually(main())


def test_a_tenant_is_being_set_up_from_its_claim_until_its_operations_have_ended(platform: Platform) -> None:
    async def main() -> None:
        platform.world.simulator.faults.add(DropBefore(), *CREATE)
        await platform.apply()
        assert platform.registry.rows()["acme"].record.state is RowState.SETTING_UP
        await asyncio.sleep(LAPSES_AFTER.total_seconds())
        await platform.apply(run="run2")
        assert platform.registry.rows()["acme"].record.state is RowState.READY

    virtually(main())


def test_no_post_is_sent_once_its_claim_is_too_old(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claims.SENT_WITHIN_SECONDS == 120  # what docs/reliability.md promises
    monkeypatch.setattr(claims, "SENT_WITHIN_SECONDS", 5.0)

    async def main() -> None:
        platform.world.simulator.faults.add(AnswerWith(503, retry_after="30"), *CREATE)
        result, message = why(await platform.apply())
        assert result is Result.FAILED
        assert "no answer within 5 s of the claim" in message
        await asyncio.sleep(60)
        assert [exchange.status for exchange in platform.world.writes()] == [503]
        assert platform.rows() == {"acme": (None, None)}

    virtually(main())


def test_a_transfer_and_a_deletion_reach_the_row(platform: Platform) -> None:
    async def main() -> None:
        first = await platform.apply()
        await platform.apply(a_fleet(a_tenant("acme", "pro")), "run2")
        assert platform.rows() == {"acme": (first.outcomes[0].project_id, "paid")}
        await platform.apply(a_fleet(a_tenant("acme", "pro", absent=True)), "run3", LOWERING)
        assert platform.rows() == {}

    virtually(main())


def test_a_report_tells_what_the_registry_could_not_be_told(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RegistryError("the registry cannot be used: server closed the connection")

    async def main() -> None:
        await platform.apply(a_fleet(a_tenant("acme"), a_tenant("birch")))
        monkeypatch.setattr(platform.registry, "place", broken)
        monkeypatch.setattr(platform.registry, "forget", broken)
        changed = a_fleet(a_tenant("acme", "pro"), a_tenant("birch", absent=True))
        report = await platform.apply(changed, "run2", LOWERING)
        assert report.count(Result.APPLIED) == 2
        text = as_text(plain_text.report(report, journal=None), 200)
        assert "Applied with warnings (2)" in text
        assert text.count("the registry was not updated: the registry cannot be used: server closed") == 2
        assert "`reconciler registry rebuild` removes the row" in text

    virtually(main())


def test_a_row_finds_a_project_that_was_renamed_and_that_no_list_shows_yet(tmp_path: Path) -> None:
    platform = Platform(tmp_path, Behaviour(rate_limit=None, list_lag_seconds=60))

    async def main() -> None:
        first = await platform.apply()
        async with platform.fleet() as fleet:
            whole = await fleet.plan()
            few = await fleet.converge("acme", run=RunOptions(journal=tmp_path / "j"))
        assert whole.plan.empty
        assert few.planned.plan.empty
        assert few.planned.live.projects[0].id == first.outcomes[0].project_id

    virtually(main())


@pytest.mark.parametrize("few", [False, True], ids=["fleet", "one tenant"])
def test_a_row_whose_project_is_gone_is_a_conflict_and_never_a_create(platform: Platform, few: bool) -> None:
    async def main() -> None:
        platform.registry.prepare()
        platform.registry.place(Placement("acme", "long-gone-1", "free"), "run0", now())
        async with platform.fleet() as fleet:
            if few:
                plan = (
                    await fleet.converge("acme", run=RunOptions(journal=platform.world.folder / "j"))
                ).planned.plan
            else:
                plan = (await fleet.plan()).plan
        assert plan.empty
        (conflict,) = plan.conflicts
        assert "the registry names project long-gone-1, which exists in no organization" in conflict.message
        assert "reconciler registry rebuild" in conflict.remedy

    virtually(main())


def test_a_namesake_of_the_registered_project_is_a_conflict(platform: Platform) -> None:
    async def main() -> None:
        await platform.apply()
        platform.world.simulator.add_project("paid", ProjectSeed("myapp-acme"))
        async with platform.fleet() as fleet:
            planned = await fleet.plan()
        assert "2 live projects may be this tenant's" in planned.plan.conflicts[0].message

    virtually(main())


def test_a_registry_that_was_lost_is_filled_by_the_next_apply_and_doubles_nothing(platform: Platform) -> None:
    async def main() -> None:
        fleet = a_fleet(*(a_tenant(f"t{n}") for n in range(5)))
        await platform.apply(fleet)
        before = platform.rows()
        platform.registry = in_memory()
        platform.world.forget()
        assert (await platform.apply(fleet, "run2")).outcomes == ()
        assert platform.rows() == before
        assert platform.world.writes() == []

    virtually(main())


def test_a_row_that_cannot_be_written_is_a_failure_and_written_by_the_next_run(platform: Platform) -> None:
    """The table vanishes while the POST is on its way."""
    file = platform.world.folder / "registry.db"
    platform.registry = open_registry(f"sqlite:///{file}", Environment({}), fleet="prod")

    def vanish() -> None:
        with closing(sqlite3.connect(file)) as database:
            database.execute("DROP TABLE neon_reconciler_tenants")

    async def main() -> None:
        async with platform.world.client(first(writes, also_before(vanish))) as neon:
            fleet = Fleet(ACME, neon, now=now, registry=platform.registry)
            report = await fleet.apply(await fleet.plan(), RunOptions(journal=platform.world.folder / "j"))
        result, message = why(report)
        (project,) = (await platform.world.live(ACME)).values()
        assert result is Result.FAILED
        assert f"project {project.id} was created, but not written to the registry" in message
        (outcome,) = (await platform.apply(run="run2")).outcomes
        assert [action.action.kind for action in outcome.actions] == ["patch_endpoint"], (
            "its compute has another size"
        )
        assert outcome.result is Result.APPLIED
        assert platform.rows() == {"acme": (project.id, "free")}

    virtually(main())


def test_a_project_that_was_handed_over_leaves_no_row_of_whom_it_was_and_the_name_is_free(
    platform: Platform,
) -> None:
    """Another tenant pins it, and somebody has given it that one's name in the console."""

    async def main() -> None:
        project_id = (await platform.apply()).outcomes[0].project_id
        assert project_id is not None
        bob = a_tenant("bob", project_id=project_id)
        await platform.apply(a_fleet(bob), "run2")
        async with platform.world.client() as neon:
            await neon.update_project("free", project_id, {"name": "myapp-bob"})
        await asyncio.sleep(60)
        both = a_fleet(bob, a_tenant("acme"))
        async with platform.fleet(both) as fleet:
            rebuilt = await fleet.rebuild_registry()
        assert [change.message for change in rebuilt.registration.changes] == [
            f"removed: project {project_id} now belongs to tenant 'bob'"
        ]
        await platform.apply(both, "run3")
        rows = platform.rows()
        assert rows["bob"] == (project_id, "free")
        assert rows["acme"][0] not in (None, project_id)

    virtually(main())


def test_a_rebuild_fills_corrects_and_clears_and_says_so(platform: Platform) -> None:
    async def main() -> Any:
        fleet = a_fleet(a_tenant("acme"), a_tenant("birch"), a_tenant("cedar"), a_tenant("fir"))
        await platform.apply(fleet)
        rows, registry = platform.rows(), platform.registry
        for tenant in ("acme", "birch", "fir"):
            platform.lose(tenant)
        for tenant in ("birch", "nobody"):
            registry.place(Placement(tenant, f"long-gone-{tenant}", "free"), "run7", now())
        registry.claim("dead", "run8", now())
        await asyncio.sleep(LAPSES_AFTER.total_seconds() + 1)
        registry.claim("alive", "run9", now())
        undeclared = replace(fleet, tenants={n: t for n, t in fleet.tenants.items() if n != "fir"})
        async with platform.fleet(undeclared) as connected:
            rebuilt = await connected.rebuild_registry()
            second = await connected.rebuild_registry()
        assert {n: row for n, row in platform.rows().items() if n != "alive"} == rows
        told = {change.tenant: change.message.partition(":")[0] for change in rebuilt.registration.changes}
        assert told == {
            "acme": "added",
            "birch": "corrected",
            "dead": "removed",
            "fir": "added",
            "nobody": "removed",
        }
        assert [change.tenant for change in rebuilt.registration.waiting] == ["alive"]
        assert (rebuilt.rows, second.registration.changes) == (5, ())

    virtually(main())


@pytest.mark.parametrize(
    ("history", "row"),
    [
        (History(), False),
        (History(ACME, guessed=True), False),
        (History(a_fleet(a_tenant("bob"))), False),
        (History(ACME), True),
    ],
    ids=["nothing known", "a base that nobody named", "new to the base", "at a base that somebody named"],
)
def test_a_rebuild_records_what_only_a_name_finds_where_the_base_confirms_it(
    platform: Platform, history: History, row: bool
) -> None:
    """A row says later whose the project is, and what is taken from it."""

    async def main() -> None:
        platform.world.simulator.add_project("free", ProjectSeed("myapp-acme"))
        async with platform.fleet() as fleet:
            rebuilt = await fleet.rebuild_registry(history)
        assert list(platform.rows()) == ["acme"] * row
        waiting = [change.message for change in rebuilt.registration.waiting]
        assert ["found by name only" in message for message in waiting] == [True] * (not row)

    virtually(main())


def test_a_rebuild_records_no_earlier_customers_project(platform: Platform) -> None:
    async def main() -> None:
        note = {"managed-by": "neon-reconciler", "fleet": "prod", "tenant": "acme", "run": "r0"}
        made = platform.world.simulator.clock.now() - 100 * 86_400
        platform.world.simulator.add_project("free", ProjectSeed("myapp-acme", annotations=note, created_at=made))
        async with platform.fleet() as fleet:
            rebuilt = await fleet.rebuild_registry(History(a_fleet(a_tenant("bob"))))
            assert platform.rows() == {}
            assert "earlier customer" in rebuilt.registration.conflicts[0].message
            await fleet.rebuild_registry()
            assert list(platform.rows()) == ["acme"]

    virtually(main())


def while_it_looks(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Lets something happen between a rebuild's first look at live and its writing of rows."""

    async def look(*args: Any, **parts: Any) -> LiveState:
        monkeypatch.setattr(registry_rows, "observe", observe)
        live = await observe(*args, **parts)
        await meanwhile()
        return live

    monkeypatch.setattr(registry_rows, "observe", look)


def test_a_rebuild_leaves_a_claim_that_was_taken_over_while_it_looked(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take_over() -> None:
        platform.world.simulator.faults.add(CommitLater(200), *CREATE)
        assert why(await platform.apply(run="run2"))[0] is Result.FAILED

    async def main() -> None:
        platform.registry.prepare()
        platform.registry.claim("acme", "dead", now())
        await asyncio.sleep(LAPSES_AFTER.total_seconds() + 1)
        while_it_looks(monkeypatch, take_over)
        async with platform.fleet() as fleet:
            rebuilt = await fleet.rebuild_registry()
        assert rebuilt.registration.changes == ()
        (left,) = rebuilt.registration.waiting
        assert (left.tenant, left.message) == ("acme", "changed during the rebuild")
        assert why(await platform.apply(run="run3"))[0] is Result.SKIPPED
        await asyncio.sleep(300)
        assert len(await platform.world.live(ACME)) == 1

    virtually(main())


def test_a_rebuild_leaves_a_claim_that_lapses_while_it_looks(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it led to may have appeared once that organization was listed."""

    async def main() -> None:
        platform.registry.prepare()
        platform.registry.claim("acme", "run1", now())
        while_it_looks(monkeypatch, lambda: asyncio.sleep(LAPSES_AFTER.total_seconds() + 60))
        async with platform.fleet() as fleet:
            rebuilt = await fleet.rebuild_registry()
        assert [change.tenant for change in rebuilt.registration.waiting] == ["acme"]
        assert platform.rows() == {"acme": (None, None)}

    virtually(main())


def test_a_rebuild_leaves_the_row_of_a_tenant_that_was_created_again_while_it_looked(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def create_again() -> None:
        await platform.apply(a_fleet(a_tenant("acme", absent=True)), "run2", LOWERING)
        assert why(await platform.apply(run="run3"))[0] is Result.APPLIED

    async def main() -> None:
        await platform.apply()
        platform.lose("acme")
        while_it_looks(monkeypatch, create_again)
        async with platform.fleet() as fleet:
            rebuilt = await fleet.rebuild_registry()
        assert [change.tenant for change in rebuilt.registration.waiting] == ["acme"]
        (project,) = (await platform.world.live(ACME)).values()
        assert platform.rows() == {"acme": (project.id, "free")}
        assert (await platform.apply(run="run4")).outcomes == ()

    virtually(main())


class TestAProjectThatNeonHasSuspended:
    """Its counters have reached a quota of the month; no file says so."""

    @staticmethod
    def state(platform: Platform) -> RowState | None:
        return platform.registry.rows()["acme"].record.state

    @staticmethod
    async def use(platform: Platform, seconds: int) -> None:
        """Sets the counter, and waits until Neon tells it."""
        simulator = platform.world.simulator
        simulator.set_usage(Stored.of(simulator).project_ids()["myapp-acme"], active_time_seconds=seconds)
        await asyncio.sleep(simulator.world.behaviour.counters_lag_seconds)

    def test_is_suspended_in_its_row_until_its_counters_start_again(self, platform: Platform) -> None:
        async def main() -> None:
            await platform.apply()
            await self.use(platform, 1_000 * 3600)
            await platform.apply(run="run2")
            assert self.state(platform) is RowState.READY, "no list shows it"
            async with platform.fleet() as fleet:
                await fleet.rebuild_registry()
                assert self.state(platform) is RowState.SUSPENDED
            await platform.apply(run="run3")
            assert self.state(platform) is RowState.SUSPENDED, "nor that it has ended"
            await self.use(platform, 0)
            async with platform.fleet() as fleet:
                journal = platform.world.folder / "run4.jsonl"
                await fleet.converge("acme", run=RunOptions(id="run4", journal=journal))
            assert self.state(platform) is RowState.READY

        virtually(main())

    def test_stays_suspended_through_a_change_of_something_else_and_not_through_a_raise(
        self, platform: Platform
    ) -> None:
        branch = replace(ACME, tenants={"acme": a_tenant("acme", dev_branches=(DevBranch("preview"),))})
        more = Overrides(quota={"active_time_seconds": 0})
        raised = replace(ACME, tenants={"acme": a_tenant("acme", overrides=more)})

        async def main() -> None:
            await platform.apply()
            await self.use(platform, 1_000 * 3600)
            async with platform.fleet() as fleet:
                await fleet.rebuild_registry()
            await platform.apply(branch, "run2")
            assert self.state(platform) is RowState.SUSPENDED
            await platform.apply(raised, "run3")
            assert self.state(platform) is RowState.READY

        virtually(main())
