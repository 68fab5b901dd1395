"""Roles and databases on a simulated Neon: the calls, lost answers, and what somebody else made meanwhile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.tenant import Accepted, DevBranch, Reduction
from reconciler.model.database import Database
from reconciler.plan.outcome import Result
from reconciler.simulator.faults import AnswerAfter, AnswerWith, DropAfter, DropBefore, Truncate
from tests.harness.builders import a_fleet, a_tenant, make_plan
from tests.harness.runs import COUNTED_AT_ONCE, World, now, virtually

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.simulator.faults import AnyEffect
    from tests.harness.runs import Applied

FIRST = Database("neondb", "neondb_owner")
APP = Database("app", "app")
WITHOUT = a_fleet(a_tenant())
WITH = a_fleet(
    a_tenant(
        roles=("app",),
        databases=(APP,),
        dev_branches=(DevBranch("dev", roles=("tester",), databases=(Database("app", "tester"),)),),
    )
)
FEWER = a_fleet(
    a_tenant(
        roles=(),
        databases=(),
        dev_branches=(DevBranch("dev", roles=("tester",), databases=(Database("app", "tester"),)),),
        accept=Accepted(deletion=(Reduction("databases.app", "absent"), Reduction("roles.app", "absent"))),
    )
)
ROLES, DATABASES = "/projects/*/branches/*/roles", "/projects/*/branches/*/databases"
CALLS = {
    "create_role": (WITH, "POST", ROLES),
    "create_database": (WITH, "POST", DATABASES),
    "patch_database": (WITH, "PATCH", f"{DATABASES}/*"),
    "delete_database": (FEWER, "DELETE", f"{DATABASES}/*"),
    "delete_role": (FEWER, "DELETE", f"{ROLES}/*"),
}
CARRIED_OUT: dict[str, AnyEffect] = {
    "dropped after": DropAfter(),
    "500 after": AnswerAfter(500),
    "cut short": Truncate(),
}
NOT_CARRIED_OUT: dict[str, AnyEffect] = {"dropped before": DropBefore(), "500 before": AnswerWith(500)}


async def contents(world: World) -> dict[str, tuple[tuple[str, ...], tuple[Database, ...]]]:
    """Roles and databases of acme's branches, by name."""
    async with world.client() as neon:
        (project,) = await neon.named("free", "myapp-acme")
        branches = await neon.branches("free", project.id)
        found = {
            branch.name: (
                await neon.roles("free", project.id, branch.id),
                await neon.databases("free", project.id, branch.id),
            )
            for branch in branches
        }
    world.forget()
    return found


WANTED = {
    "main": (("app", "neondb_owner"), (APP, FIRST)),
    "dev": (("app", "neondb_owner", "tester"), (Database("app", "tester"), FIRST)),
}
LEFT = {**WANTED, "main": (("neondb_owner",), (FIRST,))}


async def run(world: World, desired: DesiredState, base: DesiredState) -> Applied:
    """Plans what the files changed since the base, and carries it out."""
    plan = make_plan(desired, await world.observe(desired), now=now(), base=base)
    world.forget()
    return await world.apply(desired, plan=plan)


def test_a_new_project_has_everything_after_one_run_and_the_next_plan_is_empty(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path, COUNTED_AT_ONCE)
        applied = await run(world, WITH, a_fleet())
        assert applied.result("acme") is Result.APPLIED
        lines = [exchange.line.rpartition("/")[2] for exchange in world.writes()]
        assert lines.pop(1).startswith("ep-"), "the compute is resized first"
        assert lines == ["projects", "roles", "databases", "branches", "roles", "app"]
        assert await contents(world) == WANTED
        assert (await world.plan(WITH)).empty

    virtually(main())


def test_what_the_files_remove_is_deleted_where_it_is_accepted(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        await run(world, WITH, a_fleet())
        applied = await run(world, FEWER, WITH)
        assert applied.result("acme") is Result.APPLIED
        assert await contents(world) == LEFT

    virtually(main())


@pytest.mark.drawn(8)
@pytest.mark.parametrize("fault", [*CARRIED_OUT, *NOT_CARRIED_OUT])
@pytest.mark.parametrize("call", CALLS)
def test_a_lost_answer_is_looked_at_before_anything_is_sent_again(call: str, fault: str, tmp_path: Path) -> None:
    desired, method, path = CALLS[call]

    async def main() -> None:
        world = World.open(tmp_path)
        if desired is FEWER:
            await run(world, WITH, a_fleet())
        else:
            world.seed(WITHOUT)
        world.forget()
        world.simulator.faults.add({**CARRIED_OUT, **NOT_CARRIED_OUT}[fault], method, path, times=1)
        applied = await run(world, desired, WITH if desired is FEWER else WITHOUT)
        assert applied.result("acme") is Result.APPLIED
        sent = [exchange for exchange in world.writes() if exchange.line.startswith(method)]
        kind = path.split("/")[5]
        twice = len([one for one in sent if f"/{kind}" in one.line]) - len(_once(desired, method, kind))
        assert twice == (fault in NOT_CARRIED_OUT)
        assert await contents(world) == (LEFT if desired is FEWER else WANTED)

    virtually(main())


def _once(desired: DesiredState, method: str, kind: str) -> list[str]:
    """The calls of this kind in a run without faults."""
    calls = {
        ("POST", "roles"): ["app", "tester"],
        ("POST", "databases"): ["app"],
        ("PATCH", "databases"): ["app"],
        ("DELETE", "databases"): ["app"],
        ("DELETE", "roles"): ["app"],
    }
    assert desired in (WITH, FEWER)
    return calls[method, kind]


@pytest.mark.parametrize(("owner", "result"), [("app", Result.APPLIED), ("neondb_owner", Result.FAILED)])
def test_what_somebody_made_meanwhile_counts_if_it_is_what_was_asked_for(
    owner: str, result: Result, tmp_path: Path
) -> None:
    desired = a_fleet(a_tenant(roles=("app",), databases=(APP,)))

    async def main() -> None:
        world = World.open(tmp_path)
        world.seed(WITHOUT)
        plan = await world.plan(desired)
        async with world.client() as neon:
            (project,) = await neon.named("free", "myapp-acme")
            (branch,) = await neon.branches("free", project.id)
            await neon.wait("free", project.id, await neon.create_role("free", project.id, branch.id, "app"))
            by_hand = await neon.create_database("free", project.id, branch.id, Database("app", owner))
            await neon.wait("free", project.id, by_hand)
        applied = await world.apply(desired, plan=plan)
        assert applied.result("acme") is result
        if result is Result.FAILED:
            assert "already exists" in applied.message("acme")

    virtually(main())


def test_no_password_of_a_new_role_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        world = World.open(tmp_path)
        applied = await run(world, WITH, a_fleet())
        async with world.client() as neon:
            (project,) = await neon.named("free", "myapp-acme")
            connection = await neon.connection("free", project.id, "app", "app")
        password = connection.direct.reveal().partition("app:")[2].partition("@")[0]
        assert password.startswith("npg_")
        assert password not in json.dumps(applied.journal) + repr(applied.plan) + repr(applied.report)

    virtually(main())
