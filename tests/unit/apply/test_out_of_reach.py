"""A project that somebody moves while a run works on it is a fault of its tenant; a key without rights is not."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from reconciler.desired.tenant import Overrides
from reconciler.model.values import replace
from reconciler.plan.outcome import Result
from reconciler.simulator.behaviour import ForeignProject
from tests.harness.builders import GIB, a_fleet, a_tenant
from tests.harness.runs import UNHURRIED, World, virtually
from tests.harness.stored import Stored
from tests.harness.wire import also_before, where

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.runs import Applied
    from tests.harness.wire import Act, Passing

BEFORE = a_fleet(a_tenant("amber", "pro"), a_tenant("birch", "pro"), a_tenant("cedar", "pro"))
LARGER = Overrides({"data_transfer_bytes": 60 * GIB})
AFTER = a_fleet(*(replace(tenant, overrides=LARGER) for tenant in BEFORE.tenants.values()))
OUTSIDE: Final = "org-of-somebody-else"
EITHER_STATUS = pytest.mark.parametrize("status", [403, 404])


class Account:
    """Three tenants, and what becomes of birch's project right before a run patches it."""

    def __init__(self, folder: Path, status: int = 403) -> None:
        """``status``: what a key gets for a project to which it has no access."""
        self.world = World.open(
            folder, dataclasses.replace(UNHURRIED, foreign_project=ForeignProject(str(status)))
        )
        self.world.seed(BEFORE)
        self.stored = Stored.of(self.world.simulator)
        self.birch = self.stored.project_ids()["myapp-birch"]

    def applied(self, act: Act) -> Applied:
        return virtually(self.world.apply(AFTER, act=act))

    def patches_birch(self, passing: Passing) -> bool:
        return passing.call == f"PATCH /projects/{self.birch}"

    def moved_to(self, organization: str) -> Act:
        """Somebody moves the project."""

        def moves() -> None:
            self.stored.change("projects", self.birch, {"org_id": organization}, org_id=organization)

        return where(self.patches_birch, also_before(moves))


def refused(passing: Passing) -> httpx.Response:
    return httpx.Response(403, json={"code": "", "message": "no"}, request=passing.request)


def of_birch(applied: Applied) -> str:
    """Why the tenant failed, alone, and not because of a key."""
    assert applied.results() == {"amber": Result.APPLIED, "birch": Result.FAILED, "cedar": Result.APPLIED}
    assert (applied.report.denied, applied.report.stopped) == (False, None)
    (birch,) = (outcome for outcome in applied.report.outcomes if outcome.tenant == "birch")
    assert birch.actions[0].request_id
    assert birch.actions[0].hint == "run again: the next run makes a new plan"
    return birch.actions[0].message


@EITHER_STATUS
def test_a_project_in_another_organization_of_the_fleet_is_a_fault_of_its_tenant(
    tmp_path: Path, status: int
) -> None:
    account = Account(tmp_path, status)
    told = of_birch(account.applied(account.moved_to(account.world.simulator.organization_ids["free"])))
    assert f"project {account.birch} is no longer in organization paid: it is in free now (could not" in told


@EITHER_STATUS
def test_a_project_that_no_key_finds_any_more_is_a_fault_of_its_tenant(tmp_path: Path, status: int) -> None:
    account = Account(tmp_path, status)
    told = of_birch(account.applied(account.moved_to(OUTSIDE)))
    assert "is no longer in organization paid: no key of the fleet has access to it (could not" in told


def test_a_key_without_the_right_to_write_is_denied(tmp_path: Path) -> None:
    account = Account(tmp_path)

    async def read_only(passing: Passing) -> httpx.Response:
        return await passing.answer() if passing.request.method == "GET" else refused(passing)

    applied = account.applied(read_only)
    assert set(applied.results().values()) == {Result.FAILED}
    assert applied.report.denied


def test_a_key_that_has_lost_its_access_is_denied(tmp_path: Path) -> None:
    account = Account(tmp_path)
    key, lost = f"Bearer {account.world.simulator.organization_keys['paid']}", False

    async def losing(passing: Passing) -> httpx.Response:
        nonlocal lost
        lost = lost or account.patches_birch(passing)
        of_key = passing.request.headers["Authorization"] == key
        return refused(passing) if lost and of_key else await passing.answer()

    assert account.applied(losing).report.denied


def test_a_project_that_the_run_has_moved_is_told_as_one_that_is_not_seen_yet(tmp_path: Path) -> None:
    world = World.open(tmp_path, dataclasses.replace(UNHURRIED, transfer_lag_seconds=7_200))
    world.seed(a_fleet(a_tenant("birch", "free")))
    applied = virtually(world.apply(a_fleet(a_tenant("birch", "pro", overrides=LARGER))))
    (birch,) = applied.report.outcomes
    told = "\n".join(f"{action.message} ({action.hint})" for action in birch.actions)
    assert (birch.result, applied.report.denied) == (Result.FAILED, False)
    assert "the run has transferred it to organization paid, whose key does not see it yet" in told
    assert "no longer in" not in told
