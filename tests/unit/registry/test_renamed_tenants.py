"""The rows of a tenant that gets another name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from reconciler.environment import Environment
from reconciler.fleet import Request
from reconciler.live.registered import Placement, Registered
from reconciler.plan.history import History
from reconciler.plan.outcome import Result
from reconciler.registry.connect import open_registry
from tests.harness.builders import NOON, a_fleet, a_tenant
from tests.harness.runs import virtually
from tests.unit.registry.platforms import ACME, Platform, why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.registry.store import Registry

RENAMED = a_fleet(a_tenant("acme-inc", previously=("acme",)))
PLACED = Placement("acme", "cool-river-1", "free")


@pytest.fixture
def registry(address: str) -> Iterator[Registry]:
    found = open_registry(address, Environment({}), fleet=f"fleet-{uuid4().hex[:8]}")
    found.prepare()
    yield found
    found.close()


def test_a_row_moves_to_the_present_name_as_it_is(registry: Registry) -> None:
    registry.place(PLACED, "run1", NOON)
    (row,) = registry.rows().values()
    registry.rename("acme", "acme-inc", row)
    assert registry.rows() == {"acme-inc": row}


def test_names_in_two_cases_are_two_rows(registry: Registry) -> None:
    registry.place(PLACED, "run1", NOON)
    registry.rename("acme", "Acme", registry.rows()["acme"])
    assert list(registry.rows(["acme", "Acme"])) == ["Acme"]


def test_a_row_that_has_changed_since_it_was_seen_stays(registry: Registry) -> None:
    registry.place(PLACED, "run1", NOON)
    registry.rename("acme", "acme-inc", Registered(None, None, "run0", NOON))
    assert list(registry.rows()) == ["acme"]


def test_a_second_row_of_the_same_project_goes_and_one_of_another_stays(registry: Registry) -> None:
    registry.place(PLACED, "run1", NOON)
    registry.place(Placement("acme-inc", "cool-river-1", "free"), "run2", NOON)
    registry.place(Placement("bluebird", "still-moon-2", "free"), "run1", NOON)
    rows = registry.rows()
    registry.rename("acme", "acme-inc", rows["acme"])
    registry.rename("bluebird", "acme-inc", rows["bluebird"])
    assert {name: row.project_id for name, row in registry.rows().items()} == {
        "acme-inc": "cool-river-1",
        "bluebird": "still-moon-2",
    }


def test_an_apply_renames_project_and_row(platform: Platform) -> None:
    async def main() -> None:
        (created,) = (await platform.apply()).outcomes
        report = await platform.apply(RENAMED, "run2", Request(history=History(ACME)))
        assert why(report)[0] is Result.APPLIED
        assert platform.rows() == {"acme-inc": (created.project_id, "free")}
        async with platform.fleet(RENAMED) as fleet:
            assert (await fleet.plan()).plan.empty

    virtually(main())


def test_the_few_tenant_door_finds_the_project_by_the_row_of_the_earlier_name(platform: Platform) -> None:
    async def main() -> None:
        (created,) = (await platform.apply()).outcomes
        async with platform.fleet(RENAMED) as fleet:
            (outcome,) = (await fleet.converge("acme-inc")).report.outcomes
        assert (outcome.project_id, outcome.result) == (created.project_id, Result.APPLIED)
        assert platform.rows() == {"acme-inc": (created.project_id, "free")}

    virtually(main())


def test_a_claim_of_the_earlier_name_is_in_the_way_of_a_second_project(platform: Platform) -> None:
    async def main() -> None:
        platform.registry.prepare()
        platform.registry.claim("acme", "other", NOON)
        assert why(await platform.apply(RENAMED))[0] is not Result.APPLIED
        assert list(platform.rows()) == ["acme-inc"]

    virtually(main())


def test_a_rebuild_moves_the_row_too(platform: Platform) -> None:
    async def main() -> None:
        (created,) = (await platform.apply()).outcomes
        async with platform.fleet(RENAMED) as fleet:
            await fleet.rebuild_registry()
        assert platform.rows() == {"acme-inc": (created.project_id, "free")}

    virtually(main())


def test_a_revision_of_the_earlier_name_is_not_undercut(platform: Platform) -> None:
    async def main() -> None:
        await platform.apply(a_fleet(a_tenant("acme", revision=7)))
        older = a_fleet(a_tenant("acme-inc", previously=("acme",), revision=6))
        async with platform.fleet(older) as fleet:
            (refusal,) = (await fleet.plan()).plan.refusals
        assert refusal.rule.value == "stale-revision"

    virtually(main())
