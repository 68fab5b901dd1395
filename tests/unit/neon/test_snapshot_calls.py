"""The calls about snapshots, as they go out and as they are answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.errors import ApiError, UnexpectedAnswerError, UnknownOutcomeError
from tests.harness.scripted_api import Reply, ScriptedApi, operation, replies, snapshot, using

if TYPE_CHECKING:
    from reconciler.neon.branch_calls import CreatedSnapshot


OPERATION = operation("11111111-1111-4111-8111-111111111111", "running")
MOMENT = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 7, 8, tzinfo=UTC)


def listed(*snapshots: dict[str, Any]) -> list[str]:
    api = ScriptedApi(replies(Reply(body={"snapshots": list(snapshots)})))
    found = using(api, lambda neon: neon.snapshots("paid", "p1"))
    (sent,) = api.asked
    assert (sent.method, sent.path, sent.query) == ("GET", "/projects/p1/snapshots", {})
    assert sent.headers["authorization"] == "Bearer napi_paid_secret"
    return [one.id for one in found]


def test_the_snapshots_of_a_project_come_in_one_call_oldest_first() -> None:
    assert listed() == []
    newest = snapshot("snap-a", "v1", created_at="2026-03-01T00:00:00Z")
    assert listed(newest, snapshot("snap-c", "v1"), snapshot("snap-b", "v1")) == ["snap-b", "snap-c", "snap-a"]


def test_a_list_of_snapshots_of_another_shape_is_not_taken_for_an_empty_one() -> None:
    api = ScriptedApi(replies(Reply(body={})))
    with pytest.raises(UnexpectedAnswerError, match="could not read the snapshots of project p1"):
        using(api, lambda neon: neon.snapshots("paid", "p1"))


def taken(*answers: Reply | Exception, **more: Any) -> tuple[CreatedSnapshot, ScriptedApi]:
    api = ScriptedApi(replies(*answers))
    stated: dict[str, Any] = {"name": "v1.0 & more", "at": None, "expires_at": None, **more}
    return using(api, lambda neon: neon.create_snapshot("free", "p1", "br-1", **stated)), api


DONE = Reply(body={"snapshot": snapshot("snap-1", "v1.0 & more"), "operations": [OPERATION]})


def test_a_snapshot_is_taken_by_query_and_without_a_body() -> None:
    found, api = taken(DONE, at=MOMENT, expires_at=LATER, request_id="r-1")
    (sent,) = api.asked
    assert (sent.method, sent.path) == ("POST", "/projects/p1/branches/br-1/snapshot")
    assert (sent.body, sent.headers["x-request-id"]) == (None, "r-1")
    assert sent.query == {
        "name": "v1.0 & more",
        "timestamp": "2026-07-01T12:00:00Z",
        "expires_at": "2026-07-08T00:00:00Z",
    }
    assert (found.snapshot.id, found.snapshot.name) == ("snap-1", "v1.0 & more")
    assert [one.status for one in found.operations] == ["running"]


def test_a_snapshot_of_now_that_is_kept_for_ever_says_only_its_name() -> None:
    _, api = taken(DONE)
    assert api.asked[0].query == {"name": "v1.0 & more"}


def test_a_snapshot_beyond_the_limit_is_told_with_what_to_do() -> None:
    full = Reply(422, {"code": "SNAPSHOTS_LIMIT_EXCEEDED", "message": "snapshots limit exceeded"})
    with pytest.raises(ApiError, match=r"could not create snapshot v1\.0 & more of project p1: .*limit") as caught:
        taken(full)
    assert caught.value.hint is not None
    assert "ask Neon to raise the limit" in caught.value.hint


def test_a_snapshot_whose_answer_is_lost_is_not_taken_twice() -> None:
    with pytest.raises(UnknownOutcomeError):
        taken(httpx.ReadTimeout(""), DONE)


def test_a_snapshot_that_a_busy_project_refuses_is_taken_once_it_is_free() -> None:
    _, api = taken(Reply(423, {"code": "", "message": "busy"}), DONE)
    assert len(api.asked) == 2


def deleted(*answers: Reply | Exception) -> list[str]:
    api = ScriptedApi(replies(*answers))
    operations = using(api, lambda neon: neon.delete_snapshot("free", "p1", "snap-1"))
    assert [(asked.method, asked.path, asked.body) for asked in api.asked] == [
        ("DELETE", "/projects/p1/snapshots/snap-1", None)
    ]
    return [one.id for one in operations]


def test_a_deleted_snapshot_starts_operations() -> None:
    assert deleted(Reply(202, {"operations": [OPERATION]})) == [OPERATION["id"]]


@pytest.mark.parametrize("answer", [Reply(204, ""), Reply(404, {"code": "", "message": "snapshot not found"})])
def test_a_snapshot_that_is_gone_counts_as_deleted(answer: Reply) -> None:
    assert deleted(answer) == []


def test_a_lost_deletion_has_an_unknown_outcome() -> None:
    with pytest.raises(UnknownOutcomeError):
        deleted(httpx.ReadError(""), Reply(202, {"operations": []}))
