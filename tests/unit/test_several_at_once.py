"""Several calls of one process at once, as a web service makes them: what ends one of them ends no other."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, TypeVar

import pytest

from reconciler.apply.stop import StopSignal
from reconciler.desired.tenant import DevBranch
from reconciler.errors import ExitCode, NoOwnProjectError
from reconciler.fleet import Fleet, RunOptions, process
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.faults import AnswerWith, Delay
from reconciler.simulator.seed import ProjectSeed
from tests.harness.account import API, World, world
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Converged, TenantJson

T = TypeVar("T")
SIGN_UP: TenantJson = {"tenant": "zoe", "tier": "free"}
CHECKOUT: TenantJson = {"tenant": "zoe", "tier": "pro"}
NEW = ("ada", "bob", "cyd")
FLEET = a_fleet(
    a_tenant("acme", "pro"), *(a_tenant(name, dev_branches=(DevBranch("dev", "main"),)) for name in NEW)
)
TRANSFER = ("POST", "/organizations/*/projects/transfer")


class Service:
    """A platform's web service: one process, one account."""

    def __init__(self, neon: World, folder: Path, desired: DesiredState = FLEET) -> None:
        self.neon = neon
        self.folder = folder
        self.desired = desired
        self.runs = 0

    def serve(self, use: Callable[[Fleet], Awaitable[T]]) -> T:
        """What comes of using one connection."""

        async def main() -> T:
            async with self.connected() as fleet:
                return await use(fleet)

        return self.neon.run(main())

    def connected(self) -> AbstractAsyncContextManager[Fleet]:
        """A connection."""
        return Fleet.connect(self.desired, environ=self.neon.environ, host=API.host, via=self.neon.via)

    def run(self, *, single_writer: bool = True, stop: StopSignal | None = None) -> RunOptions:
        """A run with a journal of its own."""
        self.runs += 1
        name = f"r{self.runs}"
        journal = self.folder / f"{name}.jsonl"
        return RunOptions(id=name, journal=journal, single_writer=single_writer, stop=stop or StopSignal())

    def journal(self, run: RunOptions) -> list[str]:
        """The kinds of what a run meant to write."""
        lines = map(json.loads, run.journal_path.read_text(encoding="utf-8").splitlines())
        return [line["kind"] for line in lines if line["line"] == "intent"]

    def posts(self) -> int:
        """How many projects somebody has asked for."""
        return self.neon.calls().count("POST /projects")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with world() as neon:
        yield Service(neon, tmp_path)


@pytest.fixture
def sized(tmp_path: Path) -> Iterator[Service]:
    """On an account whose new computes have the requested size: no call resizes them."""
    with world(behaviour=Behaviour(first_compute_takes_defaults=True)) as neon:
        yield Service(neon, tmp_path)


@pytest.fixture
def lagging(tmp_path: Path) -> Iterator[Service]:
    """On an account whose searches show a new project after eight seconds."""
    with world(behaviour=Behaviour(list_lag_seconds=8.0)) as neon:
        yield Service(neon, tmp_path)


def results(converged: Converged) -> list[Result]:
    return [outcome.result for outcome in converged.report.outcomes]


def of_acme(service: Service, **more: object) -> None:
    """A free project of tenant acme, who is to be pro."""
    note = {"managed-by": "neon-reconciler", "fleet": "prod", "tenant": "acme", "run": "r0"}
    service.neon.simulator.add_project("free", ProjectSeed("myapp-acme", annotations=note, **more))  # type: ignore[arg-type]


class TestARunOfItsOwn:
    def test_an_upgrade_whose_key_is_refused_stops_no_sign_up(self, service: Service) -> None:
        """The upgrade begins last and ends first, while every sign-up waits to make its branch."""
        of_acme(service)
        service.neon.simulator.faults.add(AnswerWith(401), *TRANSFER)

        async def together(fleet: Fleet) -> list[Converged]:
            sign_ups = [fleet.converge(name, run=service.run(single_writer=False)) for name in NEW]
            return list(await asyncio.gather(*sign_ups, fleet.converge("acme", run=service.run())))

        *signed_up, upgraded = service.serve(together)
        assert results(upgraded) == [Result.FAILED]
        assert upgraded.report.stopped_by is ExitCode.DENIED
        for converged in signed_up:
            assert results(converged) == [Result.APPLIED]
            assert converged.report.stopped is None

    def test_its_stop_holds_whoever_began_after_it(self, sized: Service) -> None:
        stop = StopSignal()

        async def together(fleet: Fleet) -> list[Converged]:
            ended = asyncio.create_task(fleet.converge("ada", run=sized.run(single_writer=False, stop=stop)))
            await asyncio.sleep(1)
            other = asyncio.create_task(fleet.converge("bob", run=sized.run(single_writer=False)))
            await asyncio.sleep(1)
            stop.signal("SIGTERM")
            return [await ended, await other]

        ended, other = sized.serve(together)
        assert sized.journal(RunOptions(journal=sized.folder / "r1.jsonl")) == ["create_project"]
        assert ended.report.stopped_by is ExitCode.INTERRUPTED
        assert results(other) == [Result.APPLIED]
        assert sized.journal(RunOptions(journal=sized.folder / "r2.jsonl")) == [
            "create_project",
            "create_branch",
        ]

    def test_one_that_failed_ends_no_later_call_that_is_made_with_the_same_settings(
        self, service: Service
    ) -> None:
        run = service.run()
        of_acme(service)
        service.neon.simulator.faults.add(AnswerWith(401), *TRANSFER)

        async def one_by_one(fleet: Fleet) -> list[Converged]:
            return [await fleet.converge(name, run=run) for name in ("acme", "ada")]

        upgraded, signed_up = service.serve(one_by_one)
        assert (results(upgraded), results(signed_up)) == ([Result.FAILED], [Result.APPLIED])

    def test_its_report_counts_its_own_calls(self, sized: Service) -> None:
        alone = sized.serve(lambda fleet: fleet.converge("ada", run=sized.run()))

        async def together(fleet: Fleet) -> list[Converged]:
            return list(await asyncio.gather(*(fleet.converge(name, run=sized.run()) for name in ("bob", "cyd"))))

        for converged in sized.serve(together):
            assert converged.report.calls == alone.report.calls > 0


class TestCallsAboutOneTenant:
    def test_three_equal_sign_ups_make_one_project_and_get_its_string(self, service: Service) -> None:
        async def together(fleet: Fleet) -> list[Converged]:
            return list(await asyncio.gather(*(fleet.converge(SIGN_UP, run=service.run()) for _ in range(3))))

        strings = {converged.connections["zoe"].pooled.reveal() for converged in service.serve(together)}
        assert (service.posts(), len(strings)) == (1, 1)

    def test_and_so_do_three_that_each_connect_for_themselves(self, lagging: Service) -> None:
        async def sign_up(seconds: float) -> None:
            await asyncio.sleep(seconds)
            async with lagging.connected() as fleet:
                lagging.desired = replace(lagging.desired, defaults=replace(lagging.desired.defaults))
                await fleet.converge(SIGN_UP, run=lagging.run())

        async def main() -> None:
            await asyncio.gather(sign_up(0), sign_up(0.001), sign_up(3))

        lagging.neon.run(main())
        assert lagging.posts() == 1

    def test_other_documents_come_after_each_other(self, lagging: Service) -> None:
        """The checkout finds what the sign-up has made, although no search shows it yet."""

        async def together(fleet: Fleet) -> list[Converged]:
            calls = (fleet.converge(given, run=lagging.run()) for given in (SIGN_UP, CHECKOUT))
            return list(await asyncio.gather(*calls))

        signed_up, paid = lagging.serve(together)
        assert lagging.posts() == 1
        assert results(signed_up) == results(paid) == [Result.APPLIED]
        (outcome,) = paid.report.outcomes
        project_id = outcome.project_id
        assert project_id is not None
        assert lagging.neon.using(lambda neon: neon.project("paid", project_id)).organization == "paid"

    def test_the_last_one_wins_also_where_it_asks_for_what_the_first_asked_for(self, service: Service) -> None:
        """Up, down and up again: the third is no repetition of the first."""
        of_acme(service)

        async def together(fleet: Fleet) -> list[Converged]:
            given: list[TenantJson] = [
                {"tenant": "acme", "tier": "pro", "labels": {"nth": nth}} for nth in ("1", "2", "1")
            ]
            return list(await asyncio.gather(*(fleet.converge(one, run=service.run()) for one in given)))

        runs = [converged.report.run for converged in service.serve(together)]
        assert sorted(runs) == ["r1", "r2", "r3"]

    def test_where_the_first_was_stopped_the_second_runs_for_itself(self, service: Service) -> None:
        stop = StopSignal()
        service.neon.simulator.faults.add(Delay(5.0), "GET", "/projects")

        async def together(fleet: Fleet) -> list[Converged]:
            first = asyncio.create_task(fleet.converge(SIGN_UP, run=service.run(stop=stop)))
            second = asyncio.create_task(fleet.converge(SIGN_UP, run=service.run()))
            await asyncio.sleep(1)
            stop.signal("SIGTERM")
            return [await first, await second]

        first, second = service.serve(together)
        assert results(first) == [Result.SKIPPED]
        assert results(second) == [Result.APPLIED]
        assert "zoe" in second.connections

    def test_a_third_joins_the_second_although_another_fleet_was_served_in_between(self, service: Service) -> None:
        """The end of the first call leaves nothing to remember: what is idle goes when another fleet is served."""
        stop = StopSignal()
        service.neon.simulator.faults.add(Delay(5.0), "GET", "/projects")

        async def stopped(fleet: Fleet) -> None:
            await fleet.converge(SIGN_UP, run=service.run(single_writer=False, stop=stop))
            async with service.neon.neon() as neon:
                await Fleet(replace(FLEET, fleet="staging"), neon).converge("ada", run=service.run())

        async def together(fleet: Fleet) -> list[Converged]:
            first = asyncio.create_task(stopped(fleet))
            second = asyncio.create_task(fleet.converge(SIGN_UP, run=service.run(single_writer=False)))
            await asyncio.sleep(1)
            stop.signal("SIGTERM")
            await asyncio.sleep(6)
            third = await fleet.converge(SIGN_UP, run=service.run(single_writer=False))
            await first
            return [await second, third]

        second, third = service.serve(together)
        assert results(second) == [Result.APPLIED]
        assert third is second

    def test_where_the_first_is_cancelled_the_second_gets_the_result(self, service: Service) -> None:
        async def together(fleet: Fleet) -> Converged:
            first = asyncio.create_task(fleet.converge(SIGN_UP, run=service.run(single_writer=False)))
            second = asyncio.create_task(fleet.converge(SIGN_UP, run=service.run(single_writer=False)))
            await asyncio.sleep(2)
            first.cancel()
            converged = await second
            assert first.cancelled()
            return converged

        converged = service.serve(together)
        assert converged.report.stopped is None
        assert (service.posts(), list(converged.connections)) == (1, ["zoe"])

    def test_a_project_that_is_deleted_right_after_its_sign_up_is_no_conflict(self, service: Service) -> None:
        async def twice(fleet: Fleet) -> Converged:
            (outcome,) = (await fleet.converge(SIGN_UP, run=service.run())).report.outcomes
            assert outcome.project_id is not None
            async with service.neon.neon() as neon:
                await neon.delete_project("free", outcome.project_id)
            return await fleet.converge(SIGN_UP, run=service.run())

        assert service.serve(twice).planned.plan.conflicts == ()
        assert service.posts() == 2

    def test_nothing_is_kept_of_accounts_that_nobody_calls_any_more(self, service: Service) -> None:
        async def main() -> int:
            for _ in range(5):
                async with service.neon.neon(via=Wire(service.neon.via)) as neon:
                    await Fleet(FLEET, neon).converge("ada", run=service.run())
                await asyncio.sleep(60)
            return len(process._OF_LOOPS[asyncio.get_running_loop()])

        assert service.neon.run(main()) == 1


class TestTheConnectionStringLater:
    def test_it_is_the_one_that_the_sign_up_got(self, lagging: Service) -> None:
        async def twice(fleet: Fleet) -> tuple[str, str]:
            converged = await fleet.converge(SIGN_UP, run=lagging.run())
            later = await fleet.connection_string(SIGN_UP)
            return converged.connections["zoe"].pooled.reveal(), later.reveal()

        first, later = lagging.serve(twice)
        assert first == later

    def test_it_waits_for_a_sign_up_that_is_under_way(self, service: Service) -> None:
        async def together(fleet: Fleet) -> tuple[Converged, str]:
            signing_up = asyncio.create_task(fleet.converge(SIGN_UP, run=service.run(single_writer=False)))
            await asyncio.sleep(0)
            later = await fleet.connection_string(SIGN_UP)
            assert signing_up.done()
            return await signing_up, later.reveal()

        converged, later = service.serve(together)
        assert converged.connections["zoe"].pooled.reveal() == later

    def test_nobody_gets_one_of_a_project_that_only_its_name_finds(self, service: Service) -> None:
        service.neon.simulator.add_project("free", ProjectSeed("myapp-ada"))
        with pytest.raises(NoOwnProjectError, match="found by its name only"):
            service.serve(lambda fleet: fleet.connection_string("ada"))

    def test_no_string_if_two_projects_could_be_the_tenants(self, service: Service) -> None:
        for organization in ("free", "paid"):
            service.neon.simulator.add_project(organization, ProjectSeed("myapp-ada"))
        with pytest.raises(NoOwnProjectError, match="2 live projects may be this tenant's"):
            service.serve(lambda fleet: fleet.connection_string("ada"))

    def test_nor_where_there_is_no_project(self, service: Service) -> None:
        with pytest.raises(NoOwnProjectError, match="tenant ada has no project"):
            service.serve(lambda fleet: fleet.connection_string("ada"))
        assert service.neon.writes() == []
