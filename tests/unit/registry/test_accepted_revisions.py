"""The registry remembers the newest document of each tenant, and no run carries out an older one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.cli import exit_codes
from reconciler.desired.selection import Depth
from reconciler.desired.tenant import DevBranch
from reconciler.errors import ExitCode, RegistryError
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule
from reconciler.simulator.faults import AnswerWith
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import journal_lines, now, virtually
from tests.unit.registry.platforms import LOWERING, Platform, why

if TYPE_CHECKING:
    from reconciler.fleet import Converged

FREE = {"tenant": "zoe", "tier": "free"}
PRO = {"tenant": "zoe", "tier": "pro"}
NOBODY = a_fleet()


async def given(
    platform: Platform, tenant: dict[str, Any], revision: int, request: Request = LOWERING
) -> Converged:
    """What becomes of a document, which comes from outside the files."""
    async with platform.fleet(NOBODY) as fleet:
        run = RunOptions(journal=platform.world.folder / "j.jsonl")
        return await fleet.converge({**tenant, "revision": revision}, request=request, run=run)


def stale(converged: Converged) -> bool:
    return [refusal.rule for refusal in converged.planned.plan.refusals] == [Rule.STALE_REVISION]


def test_a_document_that_needed_nothing_is_remembered_too(platform: Platform) -> None:
    async def main() -> None:
        await given(platform, FREE, 6)
        assert (await given(platform, FREE, 8)).report.outcomes == ()
        assert stale(await given(platform, PRO, 7))
        assert platform.registry.revisions() == {"zoe": 8}

    virtually(main())


def test_a_document_of_which_nobody_looked_at_the_details_is_not_taken_for_in_sync(platform: Platform) -> None:
    async def main() -> None:
        await platform.apply(a_fleet(a_tenant("zoe", revision=1, dev_branches=())))
        await asyncio.sleep(60)
        wanted = a_fleet(a_tenant("zoe", revision=2, dev_branches=(DevBranch("dev"),)))
        assert (await platform.apply(wanted, "run2", Request(depth=Depth.LIST))).outcomes == ()
        assert platform.registry.revisions() == {"zoe": 1}

    virtually(main())


def test_a_plan_alone_remembers_nothing(platform: Platform) -> None:
    async def main() -> None:
        async with platform.fleet(a_fleet(a_tenant("zoe", revision=6, absent=True))) as fleet:
            await fleet.plan()
        assert platform.registry.revisions() == {}

    virtually(main())


def test_a_document_that_is_refused_is_not_remembered(platform: Platform) -> None:
    async def main() -> None:
        await given(platform, PRO, 6)
        refused = await given(platform, FREE, 8, Request())
        assert [refusal.rule for refusal in refused.planned.plan.refusals] == [Rule.LOWERING_NEEDS_A_CAUSE]
        assert platform.registry.revisions() == {"zoe": 6}

    virtually(main())


def test_a_tenant_that_was_deleted_does_not_come_back_by_an_older_document(platform: Platform) -> None:
    async def main() -> None:
        await given(platform, FREE, 7)
        await given(platform, {**FREE, "state": "absent"}, 9)
        assert platform.rows() == {}
        assert stale(await given(platform, FREE, 8))
        assert why((await given(platform, FREE, 10)).report)[0] is Result.APPLIED

    virtually(main())


def test_of_what_the_caller_and_the_registry_remember_the_higher_counts(platform: Platform) -> None:
    async def main() -> None:
        await given(platform, FREE, 9)
        for told, revision in ((7, 8), (12, 11)):
            async with platform.world.client() as neon:
                fleet = Fleet(NOBODY, neon, now=now, registry=platform.registry, applied={"zoe": told})
                journal = platform.world.folder / "j.jsonl"
                assert stale(await fleet.converge({**PRO, "revision": revision}, run=RunOptions(journal=journal)))

    virtually(main())


def test_a_document_that_was_carried_out_in_part_is_remembered(platform: Platform) -> None:
    async def main() -> None:
        await given(platform, FREE, 6)
        await asyncio.sleep(60)
        platform.world.simulator.faults.add(AnswerWith(400), "PATCH", "*")
        (outcome,) = (await given(platform, PRO, 8)).report.outcomes
        assert [one.result for one in outcome.actions][:2] == [Result.APPLIED, Result.FAILED]
        assert platform.registry.revisions() == {"zoe": 8}
        assert stale(await given(platform, FREE, 7))

    virtually(main())


@pytest.mark.parametrize(
    ("seen", "older"),
    [
        pytest.param(None, a_tenant("zoe", revision=8), id="a creation"),
        pytest.param(FREE, a_tenant("zoe", "pro", revision=8), id="a transfer"),
        pytest.param(FREE, a_tenant("zoe", revision=8, absent=True), id="a deletion"),
    ],
)
def test_a_document_that_was_overtaken_since_its_plan_was_made_writes_nothing(
    platform: Platform, seen: dict[str, Any] | None, older: Any
) -> None:
    async def main() -> None:
        if seen is not None:
            await given(platform, seen, 7)
        async with platform.fleet(a_fleet(older)) as fleet:
            planned = await fleet.plan(LOWERING)
            assert len(planned.plan.tenants) == 1
            platform.registry.prepare()
            platform.registry.accept({"zoe": 9}, "run9", now())
            platform.world.forget()
            report = await fleet.apply(
                planned, RunOptions(id="run8", journal=platform.world.folder / "run8.jsonl")
            )
        result, message = why(report)
        assert result is Result.SKIPPED
        assert message == ("revision 9 of the tenant was accepted since the plan was made; this is revision 8")
        assert platform.world.writes() == []
        assert platform.registry.revisions() == {"zoe": 9}

    virtually(main())


def test_nothing_is_written_of_which_the_registry_cannot_be_told(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an older document would not be known for one. The run itself is not stopped by it."""

    def broken(revisions: dict[str, int], *_: object) -> dict[str, int]:
        if revisions:
            raise RegistryError("the registry cannot be used: server closed the connection")
        return {}

    async def main() -> None:
        monkeypatch.setattr(platform.registry, "accept", broken)
        journal = platform.world.folder / "j.jsonl"
        async with platform.fleet(a_fleet(a_tenant("acme"), a_tenant("zoe", revision=7))) as fleet:
            planned = await fleet.plan()
            report = await fleet.apply(planned, RunOptions(journal=journal))
        acme, zoe = report.outcomes
        assert (acme.result, zoe.result) == (Result.APPLIED, Result.FAILED)
        assert zoe.actions[0].message == "the registry cannot be used: server closed the connection"
        assert (report.stopped, journal_lines(journal)[-1]["stopped"]) == (None, None)
        assert exit_codes.of_apply(planned.plan, report, ()) is ExitCode.PARTLY_APPLIED
        assert len(await platform.world.live(NOBODY)) == 1

    virtually(main())
