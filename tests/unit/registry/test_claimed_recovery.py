"""A deleted project is brought back under a claim, so that a sign-up at the same moment makes no second one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from reconciler.apply.registry_writes import claims
from reconciler.apply.registry_writes.claims import LAPSES_AFTER
from reconciler.errors import RegistryError
from reconciler.fleet import Fleet, RunOptions
from reconciler.live.registered import Placement
from reconciler.plan.outcome import Result
from reconciler.simulator.faults import AnswerWith, DropAfter
from tests.harness.builders import a_fleet, a_tenant
from tests.harness.runs import now, virtually
from tests.harness.wire import Passing, where
from tests.unit.registry.platforms import ACME, LOWERING, Platform, why

if TYPE_CHECKING:
    import pytest

    from reconciler.desired.state import DesiredState

GONE = a_fleet(a_tenant("acme", absent=True))
RECOVER = ("POST", "*/recover")


async def deleted(platform: Platform) -> tuple[str, DesiredState]:
    """The id of the tenant's deleted project, and files that ask for it."""
    project_id = (await platform.apply()).outcomes[0].project_id
    assert project_id is not None
    await asyncio.sleep(60)
    await platform.apply(GONE, "run0", LOWERING)
    platform.world.forget()
    return project_id, a_fleet(a_tenant("acme", recover=project_id))


def test_of_a_recovery_and_a_sign_up_at_once_one_goes_ahead(platform: Platform) -> None:
    async def main() -> None:
        _, back = await deleted(platform)
        async with platform.world.client() as here, platform.world.client() as there:
            recovering = Fleet(back, here, now=now, registry=platform.registry)
            signing_up = Fleet(ACME, there, now=now, registry=platform.registry)
            plans = await recovering.plan(), await signing_up.plan()
            folder = platform.world.folder
            reports = await asyncio.gather(
                recovering.apply(plans[0], RunOptions(id="back", journal=folder / "back.jsonl")),
                signing_up.apply(plans[1], RunOptions(id="new", journal=folder / "new.jsonl")),
            )
        assert sorted(why(report)[0].value for report in reports) == ["applied", "skipped"]
        (project,) = (await platform.world.live(ACME)).values()
        assert platform.rows() == {"acme": (project.id, "free")}

    virtually(main())


def test_a_tenant_that_is_claimed_gets_nothing_back(platform: Platform) -> None:
    async def main() -> None:
        _, back = await deleted(platform)
        platform.registry.claim("acme", "other", now())
        result, message = why(await platform.apply(back, "run2"))
        assert result is Result.SKIPPED
        assert message.startswith("claimed by run other since ")
        assert platform.world.writes() == []
        await asyncio.sleep(LAPSES_AFTER.total_seconds())
        assert why(await platform.apply(back, "run3"))[0] is Result.APPLIED

    virtually(main())


def test_a_recovery_that_is_refused_gives_its_claim_back(platform: Platform) -> None:
    async def main() -> None:
        project_id, back = await deleted(platform)
        platform.world.simulator.faults.add(AnswerWith(400), *RECOVER)
        assert why(await platform.apply(back, "run2"))[0] is Result.FAILED
        assert platform.rows() == {}
        assert why(await platform.apply(back, "run3"))[0] is Result.APPLIED
        assert platform.rows() == {"acme": (project_id, "free")}

    virtually(main())


def test_a_row_that_still_names_the_deleted_project_is_no_obstacle(platform: Platform) -> None:
    """Somebody has deleted it in the console."""

    async def main() -> None:
        project_id, back = await deleted(platform)
        platform.registry.place(Placement("acme", project_id, "free"), "run0", now())
        assert why(await platform.apply(back, "run2"))[0] is Result.APPLIED
        assert platform.registry.rows()["acme"].claimed_by == "run2"
        assert platform.rows() == {"acme": (project_id, "free")}

    virtually(main())


def test_a_row_that_names_another_project_is_an_obstacle_until_a_rebuild(platform: Platform) -> None:
    async def main() -> None:
        project_id, back = await deleted(platform)
        platform.registry.place(Placement("acme", "long-gone-1", "free"), "run0", now())
        result, message = why(await platform.apply(back, "run2"))
        assert (result, message) == (
            Result.SKIPPED,
            "the registry has another project for the tenant: long-gone-1",
        )
        async with platform.fleet(back) as fleet:
            await fleet.rebuild_registry()
        assert why(await platform.apply(back, "run3"))[0] is Result.APPLIED
        assert platform.rows() == {"acme": (project_id, "free")}

    virtually(main())


def test_a_recovery_whose_answer_was_lost_is_found_and_recorded(platform: Platform) -> None:
    async def main() -> None:
        project_id, back = await deleted(platform)
        platform.world.simulator.faults.add(DropAfter(), *RECOVER)
        assert why(await platform.apply(back, "run2"))[0] is Result.APPLIED
        assert platform.rows() == {"acme": (project_id, "free")}
        assert len(platform.world.writes()) == 1

    virtually(main())


def test_no_recovery_is_sent_once_its_claim_is_too_old(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "SENT_WITHIN_SECONDS", 5.0)

    async def main() -> None:
        _, back = await deleted(platform)
        platform.world.simulator.faults.add(AnswerWith(503, retry_after="30"), *RECOVER)
        result, message = why(await platform.apply(back, "run2"))
        assert result is Result.FAILED
        assert "no answer within 5 s of the claim" in message
        await asyncio.sleep(60)
        assert [exchange.status for exchange in platform.world.writes()] == [503]
        assert platform.rows() == {"acme": (None, None)}

    virtually(main())


def test_a_project_that_is_back_and_could_not_be_recorded_keeps_its_claim(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RegistryError("the registry cannot be used: server closed the connection")

    async def main() -> None:
        project_id, back = await deleted(platform)
        with monkeypatch.context() as patched:
            patched.setattr(platform.registry, "place", broken)
            result, message = why(await platform.apply(back, "run2"))
        assert result is Result.APPLIED
        assert message.startswith("the registry was not updated: the registry cannot be used")
        assert platform.rows() == {"acme": (None, None)}
        assert (await platform.apply(back, "run3")).outcomes == ()
        assert platform.rows() == {"acme": (project_id, "free")}

    virtually(main())


def test_the_claim_of_a_lost_recovery_is_kept_whatever_becomes_of_its_repeat(platform: Platform) -> None:
    """The first call may still be carried out, when somebody else has claimed the tenant."""
    posts = 0

    async def lost(_passing: Passing) -> httpx.Response:
        nonlocal posts
        posts += 1
        raise httpx.ReadError("lost") if posts == 1 else httpx.ConnectError("no way there")

    recovering = where(lambda passing: passing.path.endswith("/recover"), lost)

    async def main() -> None:
        _, back = await deleted(platform)
        async with platform.world.client(recovering) as neon:
            fleet = Fleet(back, neon, now=now, registry=platform.registry)
            report = await fleet.apply(
                await fleet.plan(), RunOptions(id="rec", journal=platform.world.folder / "rec")
            )
        assert posts > 1
        assert why(report)[0] is Result.FAILED
        assert platform.rows() == {"acme": (None, None)}

    virtually(main())
