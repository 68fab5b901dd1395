"""A run asks now and then whether the branch of its files has moved on, and leaves out what newer files change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.apply.run.newer_commits import (
    ASK_AFTER_SECONDS,
    ATTEMPTS,
    PAUSE_SECONDS,
    NewerCommits,
)
from reconciler.apply.stop import StopSignal
from reconciler.apply.units.units import CreateCohort, SingleTenant, without
from reconciler.desired.policy import Policy
from reconciler.errors import ExitCode, StaleFilesError
from reconciler.model.values import replace
from reconciler.plan.newer_commit import NewerCommit, changed_tenants
from reconciler.plan.plan import TenantPlan
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import virtually

if TYPE_CHECKING:
    from collections.abc import Callable

MOVED = NewerCommit("main", "1" * 40, frozenset({"acme"}))


def asking(answer: Callable[[], NewerCommit | None]) -> tuple[NewerCommits, StopSignal]:
    stop = StopSignal()
    return NewerCommits(answer, asyncio.get_running_loop().time(), stop), stop


def test_it_asks_once_a_minute_however_many_units_start() -> None:
    asked = []

    def answer() -> NewerCommit:
        asked.append(asyncio.get_running_loop().time())
        return MOVED

    async def main() -> None:
        newer, _ = asking(answer)
        assert await newer.newest() is None
        await asyncio.sleep(ASK_AFTER_SECONDS)
        assert await asyncio.gather(*(newer.newest() for _ in range(5))) == [MOVED] * 5
        assert len(asked) == 1
        await asyncio.sleep(ASK_AFTER_SECONDS)
        await newer.newest()
        assert len(asked) == 2

    virtually(main())


def test_a_remote_that_does_not_answer_at_first_ends_no_run() -> None:
    left = [StaleFilesError("no answer")] * (ATTEMPTS - 1)

    def answer() -> NewerCommit:
        if left:
            raise left.pop()
        return MOVED

    async def main() -> None:
        newer, stop = asking(answer)
        await asyncio.sleep(ASK_AFTER_SECONDS)
        assert await newer.newest() is MOVED
        assert not stop.requested

    virtually(main())


def test_one_that_never_answers_ends_it() -> None:
    def answer() -> NewerCommit:
        raise StaleFilesError("no answer")

    async def main() -> None:
        newer, stop = asking(answer)
        await asyncio.sleep(ASK_AFTER_SECONDS)
        began = asyncio.get_running_loop().time()
        assert await newer.newest() is None
        assert stop.exit_code is ExitCode.PARTLY_APPLIED
        assert asyncio.get_running_loop().time() - began < ATTEMPTS * PAUSE_SECONDS

    virtually(main())


def test_a_run_that_is_to_end_does_not_wait_for_the_next_attempt() -> None:
    def answer() -> NewerCommit:
        raise StaleFilesError("no answer")

    async def main() -> None:
        newer, stop = asking(answer)
        await asyncio.sleep(ASK_AFTER_SECONDS)
        asked = asyncio.ensure_future(newer.newest())
        await asyncio.sleep(PAUSE_SECONDS / 2)
        stop.signal("SIGTERM")
        began = asyncio.get_running_loop().time()
        assert await asked is None
        assert asyncio.get_running_loop().time() - began <= 1
        assert stop.exit_code is ExitCode.INTERRUPTED

    virtually(main())


def test_a_unit_goes_on_without_the_tenants_that_are_left_out() -> None:
    one, two = (TenantPlan(name, None, ()) for name in ("acme", "bluebird"))
    assert without(CreateCohort((one, two)), {"acme"}) == CreateCohort((two,))
    assert without(SingleTenant(one), {"acme"}) is None
    assert without(SingleTenant(two), {"acme"}) == SingleTenant(two)


def test_what_two_versions_declare_alike_is_changed_by_neither() -> None:
    here = a_fleet(a_tenant("acme"), a_tenant("bluebird"), a_tenant("cedar"))
    assert changed_tenants(here, here) == frozenset()
    there = a_fleet(a_tenant("acme", "pro"), a_tenant("bluebird"), a_tenant("dawn"))
    assert changed_tenants(here, there) == frozenset({"acme", "cedar", "dawn"})
    assert changed_tenants(here, replace(here, held_back=frozenset({"bluebird"}))) == frozenset({"bluebird"})


def test_files_that_cannot_be_used_and_other_rules_may_change_every_tenant() -> None:
    here = a_fleet(a_tenant("acme"))
    assert changed_tenants(here, None) is None
    assert changed_tenants(here, replace(here, policy=Policy(prune_min_age_seconds=1))) is None
    assert NewerCommit("main", "1" * 40, None).changes("acme")
