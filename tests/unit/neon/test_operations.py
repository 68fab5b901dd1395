"""Waiting for operations: it ends well, badly, or in time, whatever the API says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import NotFoundError, OperationFailedError
from reconciler.neon.operations import LIMIT_SECONDS, RECOVERY_SECONDS, Operation
from tests.harness.scripted_api import Asked, Reply, ScriptedApi, operation, using

if TYPE_CHECKING:
    from reconciler.neon.client import Neon

FIRST = "11111111-1111-4111-8111-111111111111"
SECOND = "22222222-2222-4222-8222-222222222222"


def started(*ids: str, status: str = "scheduling") -> list[Operation]:
    return [Operation(id_, "start_compute", status) for id_ in ids]


class Operations(ScriptedApi):
    """Operations whose status is a timetable: (from second, status), in order."""

    def __init__(self, *, listed: bool = True, **timetables: list[tuple[float, str]]) -> None:
        super().__init__(self.answer)
        self.listed = listed
        self.timetables = {"first": FIRST, "second": SECOND}
        self.statuses = {self.timetables[name]: table for name, table in timetables.items()}

    def answer(self, asked: Asked) -> Reply:
        current = {
            id_: operation(id_, next(status for since, status in reversed(table) if since <= asked.at))
            for id_, table in self.statuses.items()
        }
        if asked.path == "/projects/p1/operations":
            return Reply(body={"operations": list(current.values()) if self.listed else []})
        found = current.get(asked.path.rpartition("/")[2])
        return Reply(body={"operation": found}) if found else Reply(404, {"code": "", "message": "not found"})


def wait(api: ScriptedApi, operations: list[Operation]) -> float:
    """Seconds that the wait took."""

    async def work(neon: Neon) -> float:
        await neon.wait("free", "p1", operations)
        return asyncio.get_running_loop().time()

    return using(api, work)


def test_nothing_to_wait_for_costs_no_call() -> None:
    api = Operations()
    assert wait(api, []) < 0.01
    assert wait(api, started(FIRST, status="finished")) < 0.01
    assert api.asked == []


def test_a_quick_operation_is_noticed_quickly() -> None:
    api = Operations(first=[(0, "running"), (0.5, "finished")])
    assert wait(api, started(FIRST)) < 1
    assert {asked.path for asked in api.asked} == {f"/projects/p1/operations/{FIRST}"}


def test_a_long_operation_is_not_asked_about_all_the_time() -> None:
    api = Operations(first=[(0, "running"), (120, "finished")])
    assert wait(api, started(FIRST)) < 126
    assert len(api.asked) < 35


@pytest.mark.parametrize("status", ["finished", "skipped"])
def test_finished_and_skipped_are_good_ends(status: str) -> None:
    assert wait(Operations(first=[(0, status)]), started(FIRST)) < 1


@pytest.mark.parametrize("status", ["error", "cancelled"])
def test_error_and_cancelled_are_bad_ends_at_once(status: str) -> None:
    with pytest.raises(OperationFailedError, match=f"start_compute .* ended as '{status}'"):
        wait(Operations(first=[(0, status)]), started(FIRST))
    with pytest.raises(OperationFailedError):
        wait(Operations(), started(FIRST, status=status))


@pytest.mark.parametrize("key", ["napi_paid_secret", "napi_of_somebody_else", "postgres://u:password@host/db"])
def test_a_failure_that_repeats_a_key_or_password_is_told_without_it(key: str) -> None:
    failed = Operation(FIRST, "start_compute", "error", error=f"no answer from {key}")
    with pytest.raises(OperationFailedError, match=r"no answer from .*\*\*\*") as caught:
        wait(Operations(), [failed])
    assert key not in str(caught.value)
    assert "password" not in str(caught.value)


def test_a_failed_operation_may_recover() -> None:
    api = Operations(first=[(0, "running"), (1, "failed"), (10, "running"), (40, "failed"), (50, "finished")])
    assert 50 <= wait(api, started(FIRST)) < 56


def test_a_failed_operation_that_does_not_recover_has_failed() -> None:
    api = Operations(first=[(0, "failed")])
    with pytest.raises(OperationFailedError, match="ended as 'failed'"):
        wait(api, started(FIRST))
    assert RECOVERY_SECONDS < api.asked[-1].at < RECOVERY_SECONDS + 10


@pytest.mark.parametrize("status", ["scheduling", "running", "cancelling", "pondering", ""])
def test_no_status_keeps_a_run_waiting_for_ever(status: str) -> None:
    api = Operations(first=[(0, status)])
    with pytest.raises(OperationFailedError, match="did not end within 300 s"):
        wait(api, started(FIRST))
    assert api.asked[-1].at < LIMIT_SECONDS + 10


def test_several_operations_share_their_polls() -> None:
    api = Operations(first=[(0, "running"), (2, "finished")], second=[(0, "running"), (1, "finished")])
    assert wait(api, started(FIRST, SECOND)) < 4
    assert [asked.path for asked in api.asked][:2] == ["/projects/p1/operations"] * 2
    assert api.asked[-1].path == f"/projects/p1/operations/{FIRST}"


def test_an_operation_that_the_list_does_not_show_is_asked_for_alone() -> None:
    api = Operations(listed=False, first=[(0, "finished")], second=[(0, "finished")])
    wait(api, started(FIRST, SECOND))
    assert len(api.asked) == 3


def test_one_bad_end_ends_the_wait_for_all() -> None:
    api = Operations(first=[(0, "running")], second=[(0, "running"), (1, "error")])
    with pytest.raises(OperationFailedError):
        wait(api, started(FIRST, SECOND))
    assert api.asked[-1].at < 3


def test_a_project_that_is_gone_ends_the_wait() -> None:
    with pytest.raises(NotFoundError):
        wait(Operations(), started(FIRST))
