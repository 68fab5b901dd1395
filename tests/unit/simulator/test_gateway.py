from __future__ import annotations

import gc
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.simulator.answer import FAULT_HEADER
from reconciler.simulator.app import Router
from reconciler.simulator.behaviour import Behaviour, RateLimit
from reconciler.simulator.faults import (
    AnswerAfter,
    AnswerWith,
    CommitLater,
    Delay,
    DropAfter,
    DropBefore,
    Truncate,
    html,
)
from reconciler.simulator.gateway import Gateway
from reconciler.simulator.seed import ProjectSeed
from tests.unit.simulator.account import Account, account

if TYPE_CHECKING:
    from reconciler.simulator.answer import Answer
    from reconciler.simulator.faults import AnyEffect
    from reconciler.simulator.request import Request
    from reconciler.simulator.world import World

NEW = {"project": {"name": "acme"}}


def test_the_request_id_of_the_caller_comes_back() -> None:
    with account() as neon:
        response = neon.ask("GET", "/projects/quiet-lake-1", request_id="ours")
        assert response.json()["request_id"] == "ours"
        assert response.headers["X-Neon-Ret-Request-Id"] == "ours"
        assert neon.ask("GET", "/projects").headers["X-Neon-Ret-Request-Id"]


def test_the_log_holds_every_exchange_and_no_key() -> None:
    with account() as neon:
        neon.ask("POST", "/projects", NEW, request_id="first")
        neon.ask("GET", "/projects?limit=5", key="napi_nobody")
        first, second = neon.simulator.requests
        assert (first.line, first.status, first.body, first.request_id) == ("POST /projects", 201, NEW, "first")
        assert (first.key_kind, first.org_id) == ("organization", neon.free)
        assert (second.query, second.status, second.key_kind) == ({"limit": "5"}, 401, None)
        assert "napi_nobody" not in repr(neon.simulator.requests)
        assert neon.simulator.organization_keys["free"] not in repr(neon.simulator.requests)


def test_a_log_forgets_the_oldest_beyond_the_most_that_it_keeps() -> None:
    with account(most_exchanges=2) as neon:
        for limit in (1, 2, 3):
            neon.ask("GET", f"/projects?limit={limit}")
        assert [exchange.query for exchange in neon.simulator.requests] == [{"limit": "2"}, {"limit": "3"}]


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"project":' * 10_000, b"\xff"])
def test_a_body_that_nobody_can_read_is_refused(body: bytes) -> None:
    with account(refusals_allowed=True) as neon:
        key = {"Authorization": f"Bearer {neon.simulator.personal_key}", "Content-Type": "application/json"}
        sent = neon.http.request("POST", "/projects", content=body, headers=key)
        assert neon.runner.run(sent).status_code == 400
        assert neon.simulator.requests[0].body is None


def test_an_account_makes_700_requests_a_minute() -> None:
    with account(behaviour=Behaviour(rate_limit=RateLimit(per_minute=700, per_second_and_route=10_000))) as neon:
        statuses = [neon.ask("GET", "/regions").status_code for _ in range(701)]
        assert statuses == [200] * 700 + [429]
        neon.wait(60)
        assert neon.ask("GET", "/regions").status_code == 200


def test_a_route_takes_40_requests_a_second() -> None:
    with account() as neon:
        ids = [neon.simulator.add_project("free", ProjectSeed(str(n))).project_id for n in range(41)]
        statuses = [neon.ask("GET", f"/projects/{project_id}").status_code for project_id in ids]
        assert statuses == [200] * 40 + [429]
        assert neon.ask("GET", "/projects").status_code == 200
        neon.wait(1)
        assert neon.ask("GET", f"/projects/{ids[0]}").status_code == 200


@pytest.mark.parametrize(("shared", "status"), [(True, 429), (False, 200)])
def test_the_keys_of_an_account_may_share_one_limit(*, shared: bool, status: int) -> None:
    with account(behaviour=Behaviour(rate_limit=RateLimit(per_minute=1), shared_rate_limit=shared)) as neon:
        neon.get("/regions")
        paid = neon.simulator.organization_keys["paid"]
        assert neon.ask("GET", "/regions", key=paid).status_code == status


def test_the_rate_limit_can_be_off() -> None:
    with account(behaviour=Behaviour(rate_limit=None)) as neon:
        assert {neon.ask("GET", "/regions").status_code for _ in range(60)} == {200}


def test_an_answer_can_be_scripted_for_the_nth_call() -> None:
    with account() as neon:
        fault = neon.simulator.faults.add(AnswerWith(503, retry_after="3"), "GET", "/reg*", first=2, times=2)
        assert [neon.ask("GET", "/regions").status_code for _ in range(4)] == [200, 503, 503, 200]
        assert neon.simulator.faults.struck(fault) == 2
        neon.simulator.faults.add(AnswerWith(503, retry_after="3"))
        assert neon.ask("GET", "/regions").headers["Retry-After"] == "3"


def test_a_fault_strikes_only_the_calls_that_it_is_about() -> None:
    with account() as neon:
        neon.simulator.faults.add(AnswerWith(500), "POST", body_contains="acme", times=None)
        neon.simulator.faults.add(AnswerWith(502), "GET", organization=neon.paid, times=None)
        assert neon.ask("POST", "/projects", NEW).status_code == 500
        assert neon.ask("POST", "/projects", {"project": {"name": "other"}}).status_code == 201
        assert neon.ask("GET", "/regions").status_code == 200
        paid = neon.simulator.organization_keys["paid"]
        assert neon.ask("GET", "/regions", key=paid).status_code == 502
        neon.simulator.faults.clear()
        assert neon.ask("GET", "/regions", key=paid).status_code == 200


@pytest.mark.parametrize(("effect", "made"), [(DropBefore(), []), (DropAfter(), ["acme"])])
def test_a_connection_breaks_before_or_after_the_work(effect: DropBefore | DropAfter, made: list[str]) -> None:
    with account() as neon:
        neon.simulator.faults.add(effect, "POST", "/projects")
        with pytest.raises(httpx.ReadError):
            neon.ask("POST", "/projects", NEW)
        assert neon.simulator.requests[-1].status is None
        assert neon.names() == made


def test_a_call_may_be_carried_out_after_its_connection_broke() -> None:
    with account() as neon:
        neon.simulator.faults.add(CommitLater(5), "POST", "/projects")
        with pytest.raises(httpx.ReadError):
            neon.ask("POST", "/projects", NEW)
        assert neon.names() == []
        neon.simulator.faults.add(Delay(10), "GET", "/regions")
        neon.get("/regions")
        assert neon.names() == ["acme"]


def drop(neon: Account, *effects: AnyEffect, path: str = "/projects", body: object = NEW) -> None:
    for effect in effects:
        neon.simulator.faults.add(effect, "POST", path)
    with pytest.raises(httpx.ReadError):
        neon.ask("POST", path, body)


def test_of_two_calls_that_are_carried_out_later_the_first_fault_counts() -> None:
    with account() as neon:
        drop(neon, CommitLater(5), CommitLater(500))
        neon.wait(6)
        assert neon.names() == ["acme"]


def test_a_fault_in_place_of_the_work_counts_more_than_one_that_postpones_it() -> None:
    for effects in ((CommitLater(5), AnswerWith(500)), (AnswerWith(500), CommitLater(5))):
        with account() as neon:
            for effect in effects:
                neon.simulator.faults.add(effect, "POST", "/projects")
            assert neon.ask("POST", "/projects", NEW).status_code == 500
            neon.wait(6)
            assert neon.names() == []


def test_the_rate_limit_counts_a_call_when_it_arrives_and_not_when_it_is_carried_out() -> None:
    with account(behaviour=Behaviour(rate_limit=RateLimit(per_minute=2, per_second_and_route=10))) as neon:
        drop(neon, CommitLater(90))
        neon.wait(80)
        assert [neon.ask("GET", "/regions").status_code for _ in range(2)] == [200, 200]
        neon.wait(70)
        assert neon.names() == ["acme"]


def test_a_call_beyond_the_rate_limit_is_refused_and_not_carried_out_later() -> None:
    with account(behaviour=Behaviour(rate_limit=RateLimit(per_minute=1))) as neon:
        neon.get("/regions")
        neon.simulator.faults.add(CommitLater(5), "POST", "/projects")
        assert neon.ask("POST", "/projects", NEW).status_code == 429
        neon.wait(90)
        assert neon.names() == []


def test_what_is_refused_when_it_is_carried_out_later_is_no_error_of_the_simulator() -> None:
    with account() as neon:
        errors: list[dict[str, object]] = []
        neon.runner.get_loop().set_exception_handler(lambda _, context: errors.append(context))
        drop(neon, CommitLater(5), path="/projects/quiet-lake-1/branches", body={})
        neon.wait(6)
        gc.collect()
        assert errors == []


def test_no_other_thread_writes_while_a_request_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    with account() as neon:
        reset = threading.Thread(target=neon.simulator.reset)
        waits: list[bool] = []
        answer = Router.answer

        def answer_during_a_reset(router: Router, world: World, request: Request) -> Answer:
            reset.start()
            reset.join(0.2)
            waits.append(reset.is_alive())
            return answer(router, world, request)

        monkeypatch.setattr(Router, "answer", answer_during_a_reset)
        neon.get("/projects")
        reset.join()
        assert waits == [True]


def test_an_error_may_hide_that_the_work_was_done() -> None:
    with account() as neon:
        neon.simulator.faults.add(AnswerAfter(500), "POST", "/projects")
        assert neon.ask("POST", "/projects", NEW).status_code == 500
        assert neon.names() == ["acme"]


def test_an_answer_can_be_late() -> None:
    with account() as neon:
        neon.simulator.faults.add(Delay(90), "GET")
        before = neon.simulator.clock.now()
        neon.get("/regions")
        assert neon.simulator.clock.now() - before >= 90


def test_an_answer_can_be_cut_short_or_be_a_page_of_html() -> None:
    with account() as neon:
        neon.simulator.faults.add(Truncate(5), "GET")
        neon.simulator.faults.add(html(502), "GET", first=2)
        cut, page = neon.ask("GET", "/regions"), neon.ask("GET", "/regions")
        assert len(cut.content) == 5
        assert page.status_code == 502
        assert page.text.startswith("<html>")
        assert FAULT_HEADER in cut.headers
        assert FAULT_HEADER in page.headers


def admin(neon: Account, method: str, path: str, body: object = None) -> httpx.Response:
    return neon.runner.run(neon.http.request(method, f"http://neon.test/_simulator{path}", json=body))


def test_time_can_be_skipped_from_outside() -> None:
    with account() as neon:
        before = admin(neon, "GET", "/clock").json()["seconds"]
        after = admin(neon, "POST", "/clock", {"seconds": 3600}).json()["seconds"]
        assert after - before == pytest.approx(3600, abs=1)


def test_faults_are_set_and_the_log_is_read_from_outside() -> None:
    with account() as neon:
        fault = {"effect": {"type": "AnswerWith", "status": 503}, "method": "GET", "path": "/regions"}
        admin(neon, "POST", "/faults", fault)
        assert neon.ask("GET", "/regions").status_code == 503
        assert admin(neon, "DELETE", "/faults").json() == {"struck": 0, "faults": []}
        (entry,) = admin(neon, "GET", "/requests").json()["requests"]
        assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/regions", 503)


def test_a_hand_in_the_console_makes_a_branch_and_uses_a_project() -> None:
    with account() as neon:
        project_id = neon.simulator.add_project("free", ProjectSeed("acme")).project_id
        made = admin(neon, "POST", f"/projects/{project_id}/branches", {"name": "by-hand"}).json()
        assert neon.get(f"/projects/{project_id}/branches/{made['id']}")["branch"]["name"] == "by-hand"
        admin(neon, "POST", f"/projects/{project_id}/usage", {"active_time_seconds": 99})
        assert neon.get("/projects")["projects"][0]["active_time"] == 99
        neon.wait(neon.simulator.world.behaviour.counters_lag_seconds)
        assert neon.get(f"/projects/{project_id}")["project"]["active_time_seconds"] == 99


def test_what_the_simulators_own_pages_cannot_read_is_refused() -> None:
    with account() as neon:
        assert admin(neon, "POST", "/clock", {"seconds": -1}).status_code == 400
        assert admin(neon, "POST", "/faults", {"effect": {"type": "Nothing"}}).status_code == 400
        assert admin(neon, "POST", "/projects/quiet-lake-1/usage", {}).status_code == 404


def test_the_way_of_a_request_is_a_list() -> None:
    with account() as neon:
        gateway = neon.simulator.app
        assert isinstance(gateway, Gateway)
        steps = [step.__name__.strip("_") for step in gateway.steps]
        assert steps == [
            *("travel", "log", "hold_to_the_contract", "sign", "interfere", "render_refusals"),
            *("limit_rate", "postpone", "route"),
        ]
