"""Applying a plan to a simulated Neon: which calls go out, in which order, and what the report says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.apply.stop import StopSignal
from reconciler.desired.naming import Naming
from reconciler.desired.tenant import Overrides
from reconciler.errors import ExitCode
from reconciler.fleet import Fleet, RunOptions
from reconciler.model.compute import Compute
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.simulator.behaviour import Behaviour, Patch
from reconciler.simulator.faults import AnswerWith, DropAfter, FailOperations, Truncate
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import MOVED_AT_ONCE, SIZED_AT_ONCE, UNHURRIED, World, now, virtually
from tests.harness.wire import Passing, also_before, where, writes

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant

FREE_ACME = a_fleet(a_tenant("acme"))
PRO_ACME = a_fleet(a_tenant("acme", "pro"))


def routes(world: World) -> list[str]:
    """The calls that wrote, with ids left out."""
    known = {"projects", "organizations", "endpoints", "transfer"}
    return [
        f"{exchange.method} /{'/'.join(part if part in known else '*' for part in exchange.path[1:].split('/'))}"
        for exchange in world.writes()
    ]


def tenants(count: int, tier: str = "free", **fields: object) -> list[Tenant]:
    return [a_tenant(f"t{number:03}", tier, **fields) for number in range(count)]


def roomier(tenant: Tenant) -> Tenant:
    """The tenant with another quota."""
    return replace(tenant, overrides=Overrides(quota={"data_transfer_bytes": 7}))


def a_world_in(folder: Path, state: DesiredState, behaviour: Behaviour = UNHURRIED) -> World:
    """An account that is in this state."""
    world = World.open(folder, behaviour)
    world.seed(state)
    return world


def test_a_new_tenant_takes_one_call_between_two_looks(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, SIZED_AT_ONCE)
        applied = await world.apply(FREE_ACME)
        assert applied.results() == {"acme": Result.APPLIED}
        lines = [exchange.line for exchange in world.simulator.requests]
        looks, (annotations,) = lines[:-1], lines[-1:]
        assert looks == ["GET /projects"] * 6 + ["POST /projects"] + ["GET /projects"] * 2
        assert annotations.startswith("GET /projects/")
        assert annotations.endswith("/branches")
        assert (await world.plan(FREE_ACME)).empty

    virtually(main())


def test_the_looks_around_a_create_can_be_left_out_where_nobody_else_creates(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, SIZED_AT_ONCE)
        applied = await world.apply(FREE_ACME, just_observed=True, single_writer=True)
        lines = [exchange.line for exchange in world.simulator.requests]
        assert lines == ["GET /projects"] * 4 + ["POST /projects"]
        assert (applied.report.finished_at - applied.report.started_at).total_seconds() < 1
        assert set(applied.connections) == {"acme"}

    virtually(main())


def test_an_upgrade_transfers_then_raises_the_compute_then_its_project(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, FREE_ACME, MOVED_AT_ONCE)
        await world.apply(PRO_ACME)
        assert routes(world) == [
            "POST /organizations/*/projects/transfer",
            "PATCH /projects/*/endpoints/*",
            "PATCH /projects/*",
        ]
        assert (await world.plan(PRO_ACME)).empty

    virtually(main())


def test_a_downgrade_transfers_then_lowers_what_the_destination_forbids(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, PRO_ACME, MOVED_AT_ONCE)
        await world.apply(FREE_ACME)
        assert routes(world) == [
            "POST /organizations/*/projects/transfer",
            "PATCH /projects/*/endpoints/*",
            "PATCH /projects/*",
            "PATCH /projects/*",
        ]
        assert (await world.plan(FREE_ACME)).empty

    virtually(main())


def test_no_write_meets_operations_that_an_earlier_one_has_started(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, PRO_ACME, MOVED_AT_ONCE)
        await world.apply(FREE_ACME)
        assert {exchange.status for exchange in world.writes()} == {200}

    virtually(main())


def test_operations_are_waited_for_before_the_next_write_and_only_then(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, FREE_ACME)
        await world.apply(a_fleet(roomier(a_tenant("acme"))))
        polls = [exchange.path for exchange in world.simulator.requests if "/operations" in exchange.path]
        assert polls == []
        await world.apply(PRO_ACME)
        assert [exchange for exchange in world.simulator.requests if "/operations" in exchange.path]

    virtually(main())


def test_four_hundred_tenants_that_move_share_one_transfer_call(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, a_fleet(*tenants(400)), MOVED_AT_ONCE)
        plan = await world.plan(a_fleet(*tenants(400, "pro")), only=["organization"])
        applied = await world.apply(PRO_ACME, plan=plan)
        assert applied.report.count(Result.APPLIED) == 400
        assert routes(world) == ["POST /organizations/*/projects/transfer"]
        assert {p.organization for p in (await world.live(PRO_ACME)).values()} == {"paid"}

    virtually(main())


@pytest.mark.parametrize("patch", Patch)
def test_unchanged_siblings_travel_along_whatever_a_patch_does_to_members_it_leaves_out(
    tmp_path: Path, patch: Patch
) -> None:
    async def main() -> None:
        world = World.open(tmp_path, Behaviour(rate_limit=None, quota_patch=patch, compute_patch=patch))
        world.seed(FREE_ACME)
        smaller = replace(roomier(a_tenant("acme")), overrides=Overrides(compute=Compute(max_cu=1)))
        for state in (a_fleet(roomier(a_tenant("acme"))), a_fleet(smaller)):
            await world.apply(state)
            assert await world.converged(state) == {"myapp-acme"}

    virtually(main())


def test_a_tombstone_takes_one_call_and_says_until_when_it_can_be_taken_back(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, FREE_ACME)
        applied = await world.apply(a_fleet(a_tenant("acme", absent=True)))
        assert routes(world) == ["DELETE /projects/*"]
        (outcome,) = applied.report.outcomes
        assert outcome.recoverable_until is not None
        assert (outcome.recoverable_until - applied.report.finished_at).days >= 6
        assert await world.live(FREE_ACME) == {}

    virtually(main())


def test_a_failing_tenant_stops_alone_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, a_fleet(*tenants(4)))
        broken = (await world.live(FREE_ACME))["myapp-t001"].id
        world.simulator.faults.add(AnswerWith(400, "not like this"), "PATCH", f"/projects/{broken}")
        applied = await world.apply(a_fleet(*tenants(4, "pro")))
        assert [outcome.result for outcome in applied.report.outcomes] == [
            Result.APPLIED,
            Result.FAILED,
            Result.APPLIED,
            Result.APPLIED,
        ]
        moved, resized, patched = applied.report.outcomes[1].actions
        assert (moved.result, resized.result, patched.result) == (Result.APPLIED, Result.APPLIED, Result.FAILED)
        assert "not like this" in patched.message
        assert patched.request_id in {exchange.request_id for exchange in world.writes()}

    virtually(main())


def test_a_failed_operation_fails_the_action_that_started_it(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, FREE_ACME, MOVED_AT_ONCE)
        world.simulator.faults.add(FailOperations(), "PATCH", "/projects/*")
        applied = await world.apply(PRO_ACME)
        results = [action.result for action in applied.report.outcomes[0].actions]
        assert results == [Result.APPLIED, Result.FAILED, Result.SKIPPED]
        assert "ended as 'failed'" in applied.message("acme")

    virtually(main())


def test_a_value_that_did_not_take_is_a_failure_that_names_it(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, FREE_ACME)
        project = (await world.live(FREE_ACME))["myapp-acme"]
        async with world.client() as neon:
            unchanged = await neon.project("free", project.id)
        body = {
            "project": {
                "id": unchanged.id,
                "name": unchanged.name,
                "region_id": unchanged.region,
                "pg_version": unchanged.pg_version,
                "created_at": "2026-11-23T09:00:00Z",
                "settings": {"quota": {"data_transfer_bytes": 5}},
            },
            "operations": [],
        }
        world.simulator.faults.add(AnswerWith(200, text=json.dumps(body)), "PATCH")
        applied = await world.apply(a_fleet(roomier(a_tenant("acme"))))
        assert applied.results() == {"acme": Result.FAILED}
        assert "quota.data_transfer_bytes is 5, requested 7" in applied.message("acme")

    virtually(main())


def test_a_project_that_has_appeared_since_the_plan_is_not_created_again(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        both = a_fleet(a_tenant("acme"), a_tenant("bravo"))
        plan = await world.plan(both)
        await world.apply(FREE_ACME)
        applied = await world.apply(both, plan=plan)
        assert applied.results() == {"acme": Result.SKIPPED, "bravo": Result.APPLIED}
        assert "has appeared in free since the plan was made" in applied.message("acme")
        assert len(await world.live(FREE_ACME)) == 2
        assert routes(world) == ["POST /projects", "PATCH /projects/*/endpoints/*"] * 2

    virtually(main())


def test_one_that_has_appeared_under_an_older_name_of_the_tenant_is_found_too(tmp_path: Path) -> None:
    """The naming pattern has changed since the other run began."""

    async def main() -> None:
        world = World.open(tmp_path)
        renamed = replace(FREE_ACME, naming=Naming("app-{tenant}", ("old-{tenant}", "myapp-{tenant}")))
        plan = await world.plan(renamed)
        await world.apply(FREE_ACME)
        applied = await world.apply(renamed, plan=plan)
        assert applied.results() == {"acme": Result.SKIPPED}
        assert "project myapp-acme" in applied.message("acme")
        assert len(await world.live(FREE_ACME)) == 1

    virtually(main())


def test_a_connection_string_leaves_through_the_callback_alone(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        applied = await world.apply(FREE_ACME)
        password = applied.connections["acme"].direct.reveal().partition("@")[0].rpartition(":")[2]
        assert password
        assert password not in json.dumps(applied.journal)
        assert password not in repr(applied.report)

    virtually(main())


@pytest.mark.parametrize("effect", [DropAfter(), Truncate()], ids=["lost", "cut short"])
def test_a_connection_string_that_no_answer_brought_is_read_and_handed_out(
    tmp_path: Path, effect: DropAfter | Truncate
) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.simulator.faults.add(effect, "POST", "/projects")
        applied = await world.apply(FREE_ACME)
        assert applied.results() == {"acme": Result.APPLIED}
        project = (await world.live(FREE_ACME))["myapp-acme"]
        async with world.client() as neon:
            connection = await neon.connection("free", project.id, "neondb", "neondb_owner")
        assert applied.connections == {"acme": connection}

    virtually(main())


def test_a_sign_up_whose_connection_string_cannot_be_read_is_not_reported_as_done(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.simulator.faults.add(DropAfter(), "POST", "/projects")
        world.simulator.faults.add(AnswerWith(500), "GET", "*/connection_uri", times=None)
        applied = await world.apply(FREE_ACME)
        assert applied.connections == {}
        assert applied.results() == {"acme": Result.FAILED}
        project = (await world.live(FREE_ACME))["myapp-acme"]
        words = f"project {project.id} was created, but its connection string could not be read"
        assert words in applied.message("acme")

    virtually(main())


def test_no_connection_string_is_read_where_nobody_asks_for_one(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        world.simulator.faults.add(DropAfter(), "POST", "/projects")
        async with world.client() as neon:
            fleet = Fleet(FREE_ACME, neon, now=now)
            report = await fleet.apply(await fleet.plan(), RunOptions(journal=tmp_path / "j"))
        assert report.count(Result.APPLIED) == 1
        assert [one for one in world.simulator.requests if one.path.endswith("/connection_uri")] == []

    virtually(main())


def test_each_write_has_an_intent_and_an_outcome_line_with_its_request_id(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, FREE_ACME, MOVED_AT_ONCE)
        applied = await world.apply(a_fleet(a_tenant("acme", "pro"), a_tenant("new")))
        intents = [line["request_id"] for line in applied.journal if line["line"] == "intent"]
        outcomes = [line["request_id"] for line in applied.journal if line["line"] == "outcome"]
        sent = [exchange.request_id for exchange in world.writes()]
        assert sorted(intents) == sorted(outcomes) == sorted(sent)
        assert applied.journal[-1]["line"] == "end"

    virtually(main())


def test_a_stopped_run_finishes_the_call_in_flight_and_starts_no_other(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, FREE_ACME, MOVED_AT_ONCE)
        stop = StopSignal()

        def transfers(passing: Passing) -> bool:
            return passing.path.endswith("/transfer")

        stops = where(transfers, also_before(lambda: stop.request("interrupted by SIGTERM")))
        applied = await world.apply(PRO_ACME, act=stops, stop=stop)
        assert len(world.writes()) == 1
        (outcome,) = applied.report.outcomes
        assert [action.result for action in outcome.actions] == [Result.APPLIED, Result.SKIPPED, Result.SKIPPED]
        assert outcome.actions[1].message == "the run was stopped: interrupted by SIGTERM"
        assert (applied.report.stopped, applied.report.stopped_by) == (
            "interrupted by SIGTERM",
            ExitCode.INTERRUPTED,
        )
        await world.apply(PRO_ACME)
        assert (await world.plan(PRO_ACME)).empty

    virtually(main())


def test_a_stopped_run_says_of_a_project_that_it_created_that_its_compute_is_not_resized(tmp_path: Path) -> None:
    async def main() -> None:
        world, stop = World.open(tmp_path), StopSignal()
        stops = where(writes, also_before(lambda: stop.request("interrupted by SIGTERM")))
        applied = await world.apply(FREE_ACME, act=stops, stop=stop)
        assert routes(world) == ["POST /projects"]
        (project,) = (await world.live(FREE_ACME)).values()
        assert applied.results() == {"acme": Result.FAILED}
        words = f"project {project.id} was created, but its compute does not have the requested size"
        assert applied.message("acme").startswith(words)
        assert applied.report.outcomes[0].project_id == project.id
        assert (await world.apply(FREE_ACME)).results() == {"acme": Result.APPLIED}
        assert (await world.plan(FREE_ACME)).empty

    virtually(main())


def test_a_stopped_run_still_checks_what_it_created_for_rivals(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, SIZED_AT_ONCE)
        stop = StopSignal()

        stops = where(writes, also_before(lambda: stop.request("interrupted by SIGTERM")))
        applied = await world.apply(a_fleet(*tenants(60)), act=stops, stop=stop)
        created = applied.report.count(Result.APPLIED)
        assert 1 <= created <= 20, "those that wait for their turn at the rate limit are not sent any more"
        assert applied.report.count(Result.SKIPPED) == 60 - created
        assert len(await world.live(FREE_ACME)) == len(world.writes()) == created

    virtually(main())


def test_too_many_failures_stop_the_run_and_the_rest_is_skipped_with_the_reason(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, a_fleet(*tenants(60)))
        world.simulator.faults.add(AnswerWith(400, "no"), "PATCH", times=None)
        applied = await world.apply(a_fleet(*map(roomier, tenants(60))))
        assert applied.report.count(Result.APPLIED) == 0
        assert 20 <= applied.report.count(Result.FAILED) <= 52
        assert applied.report.count(Result.SKIPPED) == 60 - applied.report.count(Result.FAILED)
        assert applied.report.stopped == "20 of 20 tenants failed"
        assert applied.report.stopped_by is ExitCode.ERROR
        assert "the run was stopped: 20 of 20 tenants failed" in applied.message("t059")

    virtually(main())


def test_an_api_that_is_down_stops_the_run_after_five_tenants(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, a_fleet(*tenants(60)))
        world.simulator.faults.add(AnswerWith(503, "down"), "PATCH", times=None)
        applied = await world.apply(a_fleet(*map(roomier, tenants(60))))
        assert "tenants in a row failed" in (applied.report.stopped or "")
        assert applied.report.count(Result.SKIPPED) >= 60 - 32 - 5

    virtually(main())


def test_a_key_that_is_not_known_any_more_stops_the_run_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, a_fleet(*tenants(60)))
        world.simulator.faults.add(AnswerWith(401, "unknown key"), "PATCH", times=None)
        applied = await world.apply(a_fleet(*map(roomier, tenants(60))))
        assert applied.report.stopped_by is ExitCode.DENIED
        assert len(world.writes()) <= 32

    virtually(main())


def test_a_second_apply_of_the_same_plan_does_no_harm(tmp_path: Path) -> None:
    async def main() -> None:
        state = a_fleet(a_tenant("acme", "pro"), a_tenant("gone", absent=True), a_tenant("new"))
        world = a_world_in(tmp_path, a_fleet(a_tenant("acme"), a_tenant("gone")))
        plan = await world.plan(state)
        await world.apply(state, plan=plan)
        second = await world.apply(state, plan=plan)
        assert second.results() == {"acme": Result.APPLIED, "gone": Result.APPLIED, "new": Result.SKIPPED}
        assert (await world.plan(state)).empty

    virtually(main())


def test_the_report_counts_every_call(tmp_path: Path) -> None:
    async def main() -> None:
        world = a_world_in(tmp_path, FREE_ACME)
        plan = await world.plan(PRO_ACME)
        world.forget()
        applied = await world.apply(PRO_ACME, plan=plan)
        assert applied.report.calls == len(world.simulator.requests)

    virtually(main())
