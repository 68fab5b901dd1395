"""The calls about branches, as they go out and as they are answered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from reconciler.errors import ApiError, ConflictError, IncompleteViewError, LockedError, UnknownOutcomeError
from reconciler.model.annotations import Purpose, branch_annotations
from reconciler.model.compute import Compute
from reconciler.neon.branch_calls import BRANCHES_PER_PAGE, CreatedBranch
from tests.harness.scripted_api import Reply, ScriptedApi, branch, endpoint, operation, replies, using

OURS = branch_annotations(fleet="prod", tenant="acme", run="r1", branch="dev", purpose=Purpose.DEV_BRANCH)
OPERATION = operation("11111111-1111-4111-8111-111111111111", "running")
MOMENT = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 7, 8, tzinfo=UTC)


def test_the_branches_of_a_project_take_one_call_although_neon_always_gives_a_next_page() -> None:
    body = {
        "branches": [branch("br-1")],
        "annotations": {"br-1": {"value": {"tenant": "acme"}}},
        "pagination": {"next": "abc", "sort_by": "created_at"},
    }
    api = ScriptedApi(replies(Reply(body=body)))
    (found,) = using(api, lambda neon: neon.branches("free", "p1"))
    assert found.annotations == {"tenant": "acme"}
    assert len(api.asked) == 1
    assert api.asked[0].query == {"limit": "10000", "sort_by": "created_at", "sort_order": "asc"}


def test_full_pages_without_end_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pages that name each other as the next."""
    monkeypatch.setattr("reconciler.neon.branch_calls.MOST_PAGES", 4)
    full = [branch(f"br-{n}", f"b{n}", default=n == 0) for n in range(BRANCHES_PER_PAGE)]
    pages = [
        Reply(body={"branches": full, "annotations": {}, "pagination": {"next": f"c{n % 2}"}}) for n in range(9)
    ]
    with pytest.raises(IncompleteViewError, match="did not end within"):
        using(ScriptedApi(replies(*pages)), lambda neon: neon.branches("free", "p1"))


def test_a_full_page_of_branches_is_followed_by_its_next() -> None:
    full = [branch(f"br-{n}", f"b{n}", default=n == 0) for n in range(BRANCHES_PER_PAGE)]
    first = Reply(body={"branches": full, "annotations": {}, "pagination": {"next": "abc"}})
    last = Reply(body={"branches": [branch("br-x", "x", default=False)], "annotations": {}})
    api = ScriptedApi(replies(first, last))
    assert len(using(api, lambda neon: neon.branches("free", "p1"))) == BRANCHES_PER_PAGE + 1
    assert api.asked[1].query["cursor"] == "abc"


def made(answer: Reply, **more: Any) -> tuple[CreatedBranch, ScriptedApi]:
    stated: dict[str, Any] = {
        "name": "dev",
        "parent_id": "br-1",
        "at": None,
        "expires_at": None,
        "schema_only": False,
        "with_compute": True,
        "compute": None,
        "annotations": OURS,
        **more,
    }
    api = ScriptedApi(replies(answer))
    return using(api, lambda neon: neon.create_branch("free", "p1", **stated)), api


def created(*endpoints: dict[str, Any]) -> Reply:
    """With the passwords that Neon sends along."""
    body = {
        "branch": branch("br-2", "dev", default=False, parent_id="br-1", expires_at="2026-07-08T00:00:00Z"),
        "endpoints": list(endpoints),
        "operations": [OPERATION],
        "roles": [{"name": "o", "password": "pw"}],
        "connection_uris": [{"connection_uri": "postgresql://o:pw@h/db", "connection_parameters": {}}],
    }
    return Reply(201, body)


def test_a_branch_is_created_with_its_compute_and_its_annotations_in_one_call() -> None:
    compute = Compute(0.25, 0.5, 300)
    found, api = made(
        created(endpoint("ep-2", "br-2")), at=MOMENT, expires_at=LATER, compute=compute, request_id="r-1"
    )
    (sent,) = api.asked
    assert (sent.method, sent.path, sent.headers["x-request-id"]) == ("POST", "/projects/p1/branches", "r-1")
    assert sent.body == {
        "branch": {
            "name": "dev",
            "parent_id": "br-1",
            "parent_timestamp": "2026-07-01T12:00:00Z",
            "expires_at": "2026-07-08T00:00:00Z",
        },
        "endpoints": [
            {
                "type": "read_write",
                "autoscaling_limit_min_cu": 0.25,
                "autoscaling_limit_max_cu": 0.5,
                "suspend_timeout_seconds": 300,
            }
        ],
        "annotation_value": OURS,
    }
    assert (found.branch.id, found.branch.parent_id, found.branch.expires_at) == ("br-2", "br-1", LATER)
    assert found.branch.annotations == OURS, "the answer does not hold them, but they are on it"
    assert (found.endpoint_id, [one.status for one in found.operations]) == ("ep-2", ["running"])
    assert "pw" not in repr(found)


def test_a_branch_without_a_compute_asks_for_none() -> None:
    found, api = made(created(), with_compute=False, compute=Compute(max_cu=1), schema_only=True)
    assert found.endpoint_id is None
    assert api.asked[0].body == {
        "branch": {"name": "dev", "parent_id": "br-1", "init_source": "schema-only"},
        "annotation_value": OURS,
    }


def test_the_compute_of_a_new_branch_is_the_writable_one() -> None:
    found, api = made(created(endpoint("ep-1", "br-2", type="read_only"), endpoint("ep-2", "br-2")))
    assert found.endpoint_id == "ep-2"
    assert api.asked[0].body["endpoints"] == [{"type": "read_write"}]


def test_a_name_that_is_taken_is_a_conflict() -> None:
    taken = Reply(409, {"code": "BRANCH_ALREADY_EXISTS", "message": "branch already exists"})
    with pytest.raises(ConflictError, match=r"could not create branch dev of project p1: .*already exists"):
        made(taken)


def test_a_full_project_is_told_with_what_to_do() -> None:
    full = Reply(422, {"code": "BRANCHES_LIMIT_EXCEEDED", "message": "branches limit exceeded"})
    with pytest.raises(ApiError, match="branches limit exceeded") as caught:
        made(full)
    assert caught.value.hint is not None
    assert "ask Neon to raise the limit" in caught.value.hint


def test_a_branch_gets_another_name_and_expiry() -> None:
    changed = branch("br-2", "dev", default=False, expires_at="2026-07-08T00:00:00Z")
    api = ScriptedApi(replies(Reply(body={"branch": changed, "operations": []})))
    patched = using(
        api, lambda neon: neon.update_branch("paid", "p1", "br-2", name="dev", expires_at=LATER, request_id="r-1")
    )
    (sent,) = api.asked
    assert (sent.method, sent.path, sent.headers["x-request-id"]) == (
        "PATCH",
        "/projects/p1/branches/br-2",
        "r-1",
    )
    assert sent.body == {"branch": {"name": "dev", "expires_at": "2026-07-08T00:00:00Z"}}
    assert sent.headers["authorization"] == "Bearer napi_paid_secret"
    assert (patched.branch.name, patched.branch.expires_at, patched.operations) == ("dev", LATER, ())


def deleted(*answers: Reply | Exception) -> tuple[list[str], ScriptedApi]:
    api = ScriptedApi(replies(*answers))
    operations = using(api, lambda neon: neon.delete_branch("free", "p1", "br-2"))
    return [one.id for one in operations], api


def test_a_deleted_branch_starts_operations() -> None:
    found, api = deleted(Reply(body={"branch": branch("br-2", "dev"), "operations": [OPERATION]}))
    assert found == [OPERATION["id"]]
    assert [(asked.method, asked.path, asked.body) for asked in api.asked] == [
        ("DELETE", "/projects/p1/branches/br-2", None)
    ]


@pytest.mark.parametrize("answer", [Reply(204, ""), Reply(404, "")])
def test_a_branch_that_is_gone_counts_as_deleted(answer: Reply) -> None:
    found, api = deleted(answer)
    assert (found, len(api.asked)) == ([], 1)


def test_a_branch_that_neon_will_not_delete_stays_with_its_reason() -> None:
    refusal = Reply(400, {"code": "", "message": "cannot delete branch that has children"})
    with pytest.raises(ApiError, match=r"could not delete branch br-2 of project p1: .*has children"):
        deleted(refusal)


def test_a_branch_whose_project_is_busy_is_deleted_once_it_is_free() -> None:
    found, api = deleted(Reply(423, {"code": "", "message": "busy"}), Reply(204, ""))
    assert (found, len(api.asked)) == ([], 2)
    with pytest.raises(LockedError):
        deleted(Reply(423, {"code": "", "message": "busy"}))


def test_a_lost_write_has_an_unknown_outcome_and_is_sent_once() -> None:
    with pytest.raises(UnknownOutcomeError):
        deleted(httpx.ReadError(""), Reply(204, ""))
    with pytest.raises(UnknownOutcomeError):
        made(Reply(502, ""))
