from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.simulator.answer import FAULT_HEADER
from tests.contract import installed as official
from tests.contract.breaking import changed, places
from tests.harness.judge import Counts, Judge, JudgedTransport, session_judge
from tests.harness.wire import Nowhere, Wire, answering, failing

BASE = "http://neon.test/api/v2"
NOON = "2026-11-23T12:00:00Z"
OPERATION_ID = "d8ac46eb-a757-42b1-9907-f78322ee394e"

PROJECT: dict[str, Any] = {
    "id": "quiet-lake-12345678",
    "platform_id": "aws",
    "region_id": "aws-us-east-2",
    "name": "myapp-acme",
    "provisioner": "k8s-neonvm",
    "pg_version": 17,
    "proxy_host": "us-east-2.aws.neon.tech",
    "cpu_used_sec": 0,
    "branch_logical_size_limit": 512,
    "branch_logical_size_limit_bytes": 536870912,
    "store_passwords": True,
    "creation_source": "console",
    "created_at": NOON,
    "updated_at": NOON,
    "owner_id": "org-free-12345678",
    "org_id": "org-free-12345678",
    "active_time": 0,
    "history_retention_seconds": 86400,
    "settings": {"quota": {"active_time_seconds": 360000}, "allowed_ips": {"ips": []}},
    "default_endpoint_settings": {"autoscaling_limit_min_cu": 0.25, "suspend_timeout_seconds": 300},
    "effective_project_permission": None,
}
OPERATION = {
    "id": OPERATION_ID,
    "project_id": PROJECT["id"],
    "action": "apply_config",
    "status": "running",
    "failures_count": 0,
    "created_at": NOON,
    "updated_at": NOON,
    "total_duration_ms": 0,
}
LIMITS = [{"name": "projects_count", "expected": "1", "actual": "2"}]
ERROR = {"code": "", "message": "no", "request_id": OPERATION_ID}
LISTING = {"projects": [PROJECT], "pagination": {"cursor": "c"}, "applications": {}, "integrations": {}}
WANTED = {
    "name": "myapp-acme",
    "settings": {"quota": {"active_time_seconds": 0}},
    "branch": {"annotations": {"a": "b"}},
}
TRANSFER = {"destination_org_id": "org-paid-12345678", "project_ids": [PROJECT["id"]]}


@dataclass(frozen=True)
class Sample:
    """An exchange, written down; ``broken`` copies of it are what the judge has to notice."""

    method: str
    path: str
    body: Any = None
    status: int = 200
    answer: Any = None
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})

    def findings(self, *, refusals_allowed: bool = False) -> str:
        judge = Judge(official.required(), refusals_allowed=refusals_allowed, counts=Counts())
        asyncio.run(self.send(judge))
        return "\n".join(str(violation.finding) for violation in judge.violations)

    async def send(self, judge: Judge) -> httpx.Response:
        content = b"" if self.answer is None else json.dumps(self.answer).encode()
        answer = answering(lambda _: httpx.Response(self.status, headers=self.headers, content=content))
        inner = Wire(Nowhere(), answer)
        async with httpx.AsyncClient(transport=JudgedTransport(inner, judge), base_url=BASE) as client:
            return await client.request(self.method, self.path, json=self.body)


LIST = Sample("GET", "/projects?limit=400&org_id=org-free-12345678&recoverable=false", answer=LISTING)
READ = Sample("GET", f"/projects/{PROJECT['id']}/operations/{OPERATION_ID}", answer={"operation": OPERATION})
MOVE = Sample("POST", "/organizations/org-free-12345678/projects/transfer", TRANSFER, answer={})
DENIED = replace(MOVE, status=406, answer={"limits": LIMITS})
LOCKED = replace(MOVE, status=423, answer=ERROR)
REMOVED = Sample("DELETE", f"/projects/{PROJECT['id']}/branches/br-a-1", status=204, headers={})
CREATE_REFUSED = Sample("POST", "/projects", {"project": WANTED}, 422, ERROR)
LAWFUL = (LIST, READ, MOVE, DENIED, LOCKED, REMOVED, CREATE_REFUSED)


@pytest.mark.parametrize("sample", LAWFUL, ids=lambda sample: f"{sample.method} {sample.status}")
def test_a_lawful_exchange_has_no_violations(sample: Sample) -> None:
    assert not sample.findings()


@given(data=st.data())
def test_an_unknown_key_in_any_object_of_an_answer_is_caught(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from([LIST, READ, MOVE, DENIED, LOCKED]))
    path = data.draw(st.sampled_from(list(places(sample.answer, dict))))
    broken = replace(sample, answer=changed(sample.answer, path, lambda found: found | {"surprise": 1}))
    assert "response body" in broken.findings()


@given(data=st.data())
def test_an_unknown_key_in_any_object_of_a_request_is_caught(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from([MOVE, CREATE_REFUSED]))
    path = data.draw(st.sampled_from(list(places(sample.body, dict))))
    broken = replace(sample, body=changed(sample.body, path, lambda found: found | {"surprise": 1}))
    assert "request body" in broken.findings()


@given(data=st.data())
def test_a_value_of_the_wrong_type_anywhere_is_caught(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from([LIST, READ, LOCKED, DENIED]))
    path = data.draw(st.sampled_from([*places(sample.answer, str), *places(sample.answer, int)]))
    broken = replace(sample, answer=changed(sample.answer, path, lambda _: {"no": "object here"}))
    assert f"response body /{'/'.join(str(step) for step in path)}" in broken.findings()


@pytest.mark.parametrize(
    ("sample", "path", "value", "finding"),
    [
        (LIST, ("projects", 0, "id"), "UPPER", "does not match"),
        (LIST, ("projects", 0, "created_at"), "yesterday", 'not a "date-time"'),
        (LIST, ("pagination", "cursor"), "", "shorter than 1 character"),
        (READ, ("operation", "id"), "7", 'not a "uuid"'),
        (READ, ("operation", "status"), "dreaming", "is not one of"),
        (READ, ("operation", "failures_count"), 0.5, 'not of type "integer"'),
        (LIST, ("projects", 0, "pg_version"), 13, "less than the minimum"),
    ],
)
def test_a_value_that_its_rule_forbids_is_caught(sample: Sample, path: Any, value: Any, finding: str) -> None:
    broken = replace(sample, answer=changed(sample.answer, path, lambda _: value))
    assert finding in broken.findings()


@pytest.mark.parametrize(
    ("sample", "path"),
    [
        *((LIST, (key,)) for key in ("projects", "applications", "integrations")),
        *((LIST, ("projects", 0, key)) for key in ("id", "name", "active_time", "created_at", "pg_version")),
        *((READ, ("operation", key)) for key in ("id", "status", "failures_count")),
        *((LOCKED, (key,)) for key in ("code", "message")),
        (DENIED, ("limits", 0, "actual")),
    ],
)
def test_a_missing_key_of_an_answer_is_caught(sample: Sample, path: tuple[Any, ...]) -> None:
    *parent, key = path
    broken = changed(sample.answer, tuple(parent), lambda found: {k: v for k, v in found.items() if k != key})
    assert f'"{key}" is a required property' in replace(sample, answer=broken).findings()


@pytest.mark.parametrize(
    ("query", "finding"),
    [
        ("surprise=1", "query surprise: is not a parameter"),
        ("limit=many", 'query limit: "many" is not of type "integer"'),
        ("limit=401", "query limit: 401 is greater than the maximum of 400"),
        ("limit=1&limit=2", "query limit: is given 2 times"),
        ("recoverable=yes", 'query recoverable: "yes" is not of type "boolean"'),
    ],
)
def test_a_query_that_is_not_declared_is_caught(query: str, finding: str) -> None:
    assert finding in replace(LIST, path=f"/projects?{query}").findings()


def test_a_missing_query_parameter_is_caught() -> None:
    sample = Sample(
        "GET", f"/projects/{PROJECT['id']}/connection_uri?role_name=a", answer={"uri": "postgresql://a"}
    )
    assert sample.findings() == "query database_name: is required"


def test_a_value_in_the_path_is_judged_too() -> None:
    assert "path operation_id" in replace(READ, path="/projects/quiet-lake-12345678/operations/7").findings()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/projects/quiet-lake-12345678/transfer"),
        ("PUT", "/projects"),
        ("GET", "/no/such/thing"),
        ("GET", "http://neon.test/projects"),
    ],
)
def test_a_route_that_is_not_declared_is_caught(method: str, path: str) -> None:
    assert (
        Sample(method, path, status=404, answer=ERROR).findings()
        == "request: no operation has this method and path"
    )


def test_a_body_where_none_is_declared_is_caught() -> None:
    assert "request body: is sent where none is declared" in replace(LIST, body={}).findings()
    assert "response body: is sent where none is declared" in replace(REMOVED, answer={}).findings()


def test_a_body_that_is_left_out_is_caught() -> None:
    assert replace(MOVE, body=None).findings() == "request body: is required"
    assert "response body" in replace(MOVE, answer=None).findings()


def test_a_body_of_another_media_type_is_caught() -> None:
    assert "not as 'application/json'" in replace(LOCKED, headers={"content-type": "text/html"}).findings()


@pytest.mark.parametrize("status", [201, 202, 204, 302])
def test_a_success_that_is_not_declared_is_caught(status: int) -> None:
    assert replace(LIST, status=status).findings() == f"status {status}: is not declared (declared: 200; errors)"


@pytest.mark.parametrize("status", [400, 401, 423, 429, 503])
def test_any_error_carries_the_general_body(status: int) -> None:
    assert not replace(LIST, status=status, answer=ERROR).findings()
    assert "response body" in replace(LIST, status=status).findings()


def test_a_scripted_fault_is_exempt_but_its_request_is_not() -> None:
    headers = {"content-type": "text/html", FAULT_HEADER: "html"}
    fault = replace(LIST, status=502, answer="<html>", headers=headers)
    assert not fault.findings()
    assert "query surprise" in replace(fault, path="/projects?surprise=1").findings()


def test_a_bad_request_may_be_refused_where_that_is_the_point_but_never_accepted() -> None:
    bad = replace(MOVE, body={"surprise": 1})
    assert not replace(bad, status=400, answer=ERROR).findings(refusals_allowed=True)
    assert "request body" in bad.findings(refusals_allowed=True)
    assert "response body" in replace(bad, status=400, answer={}).findings(refusals_allowed=True)


def test_the_pages_of_the_simulator_itself_are_not_judged() -> None:
    assert not Sample("POST", "http://neon.test/_simulator/clock", {"seconds": 1}, answer={"now": 1}).findings()


def test_a_request_whose_answer_is_lost_is_judged_all_the_same() -> None:
    async def send() -> None:
        dropped = Wire(Nowhere(), failing(httpx.ReadError("dropped"), carried_out=False))
        async with httpx.AsyncClient(transport=JudgedTransport(dropped, judge)) as client:
            await client.get(f"{BASE}/projects?surprise=1")

    judge = Judge(official.required(), counts=Counts())
    with pytest.raises(httpx.ReadError, match="dropped"):
        asyncio.run(send())
    assert [str(exchange) for exchange in judge.exchanges] == ["GET /api/v2/projects (listProjects) -> no answer"]
    with pytest.raises(AssertionError, match="query surprise"):
        judge.verify()


def test_at_most_ten_violations_are_listed() -> None:
    judge = Judge(official.required(), counts=Counts())
    for _ in range(12):
        asyncio.run(replace(MOVE, body=None).send(judge))
    with pytest.raises(AssertionError) as caught:
        judge.verify()
    heading, *listed = str(caught.value).splitlines()
    assert heading == "12 violations of the official description:"
    assert len(listed) == 10


def test_an_exchange_passes_unchanged() -> None:
    judge = Judge(official.installed(), counts=Counts())
    response = asyncio.run(LIST.send(judge))
    assert response.json() == LISTING
    assert response.elapsed.total_seconds() >= 0


def test_without_the_description_exchanges_are_only_counted() -> None:
    counts = Counts()
    judge = Judge(None, counts=counts)
    asyncio.run(replace(MOVE, body=None).send(judge))
    judge.verify()
    assert (counts.exchanges, counts.unjudged) == (0, 1)


def test_an_absent_description_fails_on_ci_and_skips_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(official, "installed", lambda: None)
    monkeypatch.setenv("CI", "true")
    for use in (official.required, session_judge):
        with pytest.raises(pytest.fail.Exception, match="npm ci"):
            use()
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="npm ci"):
        official.required()
    session_judge()


def test_every_schema_of_the_description_compiles() -> None:
    compiled = 0
    for operation in official.required().operations:
        for content in (operation.body, operation.error, *operation.answers.values()):
            if content is not None and content.checker is not None:
                list(content.checker.findings({}, "body"))
                compiled += 1
    assert compiled > len(official.required().operations)
