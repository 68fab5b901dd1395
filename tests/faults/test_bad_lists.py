"""Lists that leave out most of an organization: nobody gets a second project because of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
import pytest

from reconciler.errors import IncompleteViewError
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.plan.outcome import Result
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from reconciler.simulator.seed import ProjectSeed
from tests.harness.account import API, World, world
from tests.harness.builders import DAY, FREE_COMPUTE, FREE_QUOTA, a_branch, a_fleet, a_tenant
from tests.harness.simulated import simulated_compute, simulated_quota
from tests.harness.wire import Act, Passing, Wire, answering, where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Planned
    from reconciler.plan.outcome import Report

NAMES: Final = [f"t{number:03}" for number in range(430)]
FLEET: Final = a_fleet(*map(a_tenant, NAMES))
EMPTY: Final[dict[str, object]] = {"projects": [], "applications": {}, "integrations": {}}
ANY_NUMBER: Final = Permissions(counts={"creates": 30})


def bad_page(times: float) -> Act:
    """The second page of a list answers with no projects: the first ``times`` times, or always."""
    left = times

    def bad(passing: Passing) -> bool:
        nonlocal left
        asked = passing.request.url.params
        listed = passing.call == "GET /projects" and "cursor" in asked and "search" not in asked
        left -= listed
        return listed and left >= 0

    return where(bad, answering(lambda _request: httpx.Response(200, json=EMPTY)))


@pytest.fixture(scope="module")
def account() -> Iterator[World]:
    with world() as neon:
        for name in NAMES:
            seed = ProjectSeed(
                f"myapp-{name}",
                quota=simulated_quota(FREE_QUOTA),
                compute=simulated_compute(FREE_COMPUTE),
                restore_window_seconds=DAY,
                annotations=a_branch(f"p-{name}").annotations,
            )
            neon.simulator.add_project("free", seed)
        yield neon


def applied(
    neon: World, folder: Path, times: float, *, base: DesiredState | None, permissions: Permissions
) -> tuple[Planned, Report]:
    async def main() -> tuple[Planned, Report]:
        via = Wire(neon.via, bad_page(times))
        async with Fleet.connect(FLEET, environ=neon.environ, host=API.host, via=via) as fleet:
            planned = await fleet.plan(Request(base=base, permissions=permissions))
            return planned, await fleet.apply(planned, RunOptions(id="r1", journal=folder / "journal.jsonl"))

    return neon.run(main())


def test_a_page_that_is_empty_once_is_an_incomplete_view(account: World, tmp_path: Path) -> None:
    with pytest.raises(IncompleteViewError, match="the API returned an empty page before the end of the list"):
        applied(account, tmp_path, 1, base=None, permissions=ANY_NUMBER)


def test_where_it_stays_empty_those_who_had_a_project_are_missing_it(account: World, tmp_path: Path) -> None:
    planned, report = applied(account, tmp_path, float("inf"), base=FLEET, permissions=Permissions())
    (refusal,) = planned.plan.refusals
    assert (refusal.rule, len(refusal.tenants)) == (Rule.MISSING_PROJECT, 30)
    assert report.outcomes == ()
    assert account.writes() == []


@pytest.mark.parametrize("base", [None, FLEET], ids=["no base", "permitted by number"])
def test_where_creations_go_ahead_each_is_looked_for_by_name(
    account: World, tmp_path: Path, base: DesiredState | None
) -> None:
    _, report = applied(account, tmp_path, float("inf"), base=base, permissions=ANY_NUMBER)
    assert [outcome.result for outcome in report.outcomes] == [Result.SKIPPED] * 30
    assert account.writes() == []


def test_an_organization_of_exactly_one_page_is_asked_once_more(tmp_path: Path) -> None:
    with world() as neon:
        for number in range(400):
            neon.simulator.add_project("free", ProjectSeed(f"shop {number}"))
        listing = neon.using(lambda client: client.projects("free"))
        assert len(listing.projects) == 400
        assert len(neon.calls()) == 3
