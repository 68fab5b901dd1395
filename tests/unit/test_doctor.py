"""What doctor says of keys and organizations where an account answers otherwise than the simulator."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.cli.doctor import EXTRAS
from reconciler.desired.tier import OrganizationLimits
from reconciler.environment import Environment
from reconciler.fleet.doctor import Examination
from reconciler.model.diagnosis import Status
from reconciler.neon.key_checks import room_check
from tests.harness.account import API, world
from tests.harness.builders import a_fleet
from tests.harness.shell import ROOT
from tests.harness.wire import Act, Passing, Wire, answered, answering, where

if TYPE_CHECKING:
    from tests.harness.account import World


def examined(neon: World, act: Act = answered, **environ: str) -> dict[Status, list[str]]:
    """The messages, by verdict."""
    examination = Examination(a_fleet(), Environment({**neon.environ, **environ}))

    def now() -> datetime:
        return datetime.fromtimestamp(neon.simulator.clock.now(), UTC)

    neon.run(examination.run(API.host, via=Wire(neon.via, act), now=now))
    return {verdict: [one.message for one in examination.checks if one.verdict is verdict] for verdict in Status}


def saying(path: str, answer: object, status: int = 200) -> Act:
    """The answer to a path; the others are the simulator's."""

    def asked(passing: Passing) -> bool:
        return passing.path == path

    return where(asked, answering(lambda _: httpx.Response(status, json=answer)))


def test_calls_are_few_and_none_writes() -> None:
    with world(refusals_allowed=True) as neon:
        neon.simulator.seed_fleet("free", 3)
        examined(neon)
        assert neon.writes() == []
        counted = Counter(re.sub(r"/(org|[a-z]+-[a-z]+)-.*", "", call) for call in neon.calls())
    assert counted == {
        "GET /auth": 3,  # once for each key
        "GET /organizations": 2 + 2,  # and the members
        "GET /projects": 2
        + 1
        + 2
        + 1,  # one of each list, a project alone, both lists, and the end of one of them
        "GET /users/me": 1,
        "GET /users/me/organizations": 1,
    }


@pytest.mark.parametrize("role", ["member", "viewer"])
def test_a_person_who_is_no_admin_can_move_nothing_out(role: str) -> None:
    with world(refusals_allowed=True) as neon:
        me = "6f0f0f5c-0000-4000-8000-000000000001"
        members = {"members": [{"member": {"user_id": me, "role": role}, "user": {}}]}
        paid = neon.environ["NEON_PAID_ORG_ID"]
        acts = [saying("/users/me", {"id": me}), saying(f"/organizations/{paid}/members", members)]
        found = examined(neon, _both(*acts))
    [warning] = found[Status.WARN]
    assert f"{role} of paid. No project can be transferred out of free and paid" in warning
    assert found[Status.FAIL] == []


def _both(first: Act, second: Act) -> Act:
    async def act(passing: Passing) -> httpx.Response:
        return await (first if passing.path == "/users/me" else second)(passing)

    return act


def test_a_person_who_is_in_no_organization_fails() -> None:
    with world(refusals_allowed=True) as neon:
        found = examined(neon, saying("/users/me/organizations", {"organizations": []}))
    assert found[Status.FAIL] == [
        "$PERSONAL_API_KEY is the key of a person who is not in organization free and paid"
    ]


def test_a_key_that_may_not_read_its_organization_is_told() -> None:
    with world(refusals_allowed=True) as neon:
        path = f"/organizations/{neon.environ['NEON_FREE_ORG_ID']}"
        found = examined(neon, saying(path, {"message": "not found"}, status=404))
    assert found[Status.FAIL] == []
    [warning] = found[Status.WARN]
    assert warning == "$FREE_ORG_API_KEY may not read organization free itself: is it the key of one project?"


def test_an_address_that_is_not_that_of_the_api_is_the_cause_and_no_key_is() -> None:
    """Neon answers ``/auth`` for every key."""
    with world(refusals_allowed=True) as neon:
        found = examined(neon, saying("/auth", {"message": "not found"}, status=404))
    [failure] = found[Status.FAIL]
    assert failure.startswith("what answers at this address is not Neon's API: ")


def test_the_extras_are_those_of_the_package() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [*EXTRAS] == [*declared["optional-dependencies"]]


def test_an_error_of_the_api_is_told_and_the_other_keys_are_examined() -> None:
    with world(refusals_allowed=True) as neon:
        broken = saying(f"/organizations/{neon.environ['NEON_FREE_ORG_ID']}", {"message": "no"}, status=400)
        found = examined(neon, broken)
    [failure] = found[Status.FAIL]
    assert "could not read organization" in failure
    assert any(line.startswith("$PAID_ORG_API_KEY opens organization paid") for line in found[Status.OK])


@pytest.mark.parametrize(
    ("count", "verdict"), [(94, Status.OK), (95, Status.WARN), (99, Status.WARN), (100, Status.FAIL)]
)
def test_the_room_of_an_organization(count: int, verdict: Status) -> None:
    check = room_check("free", count, OrganizationLimits(projects=100))
    assert check.verdict is verdict
    assert (check.remedy is None) == (verdict is Status.OK)
    assert room_check("free", count, OrganizationLimits()).verdict is Status.OK
