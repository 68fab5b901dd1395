"""The simulator's own pages, for clients that are not Python."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.simulator.seed import ProjectSeed
from tests.harness.wire import InProcess
from tests.unit.simulator.account import Account, account

if TYPE_CHECKING:
    from collections.abc import Iterator

NOBODY = "/_simulator/projects/quiet-lake-1"


@dataclass(frozen=True)
class Pages:
    """The pages of an account."""

    neon: Account
    http: httpx.AsyncClient

    def ask(self, method: str, page: str, body: Any = None) -> httpx.Response:
        return self.neon.runner.run(self.http.request(method, page, json=body))

    def done(self, method: str, page: str, body: Any = None) -> Any:
        response = self.ask(method, page, body)
        assert response.status_code == 200, response.text
        return response.json()


@contextmanager
def pages() -> Iterator[Pages]:
    with account() as neon:
        http = httpx.AsyncClient(transport=InProcess(neon.simulator.app), base_url="http://neon.test")
        yield Pages(neon, http)
        neon.runner.run(http.aclose())


def test_the_index_tells_of_every_page() -> None:
    with pages() as admin:
        listed = admin.done("GET", "/_simulator/")["pages"]
        assert {page["path"] for page in listed} >= {"/_simulator/clock", "/_simulator/faults"}
        assert all(page["about"].startswith(tuple(page["methods"])) for page in listed)


@pytest.mark.parametrize(
    ("skip", "then"),
    [
        ({"seconds": 5}, "2026-11-23T09:00:05Z"),
        ({"hours": 1, "days": 2}, "2026-11-25T10:00:00Z"),
        ({"billing_periods": 1}, "2026-12-01T00:00:00Z"),
        ({"billing_periods": 2}, "2027-01-01T00:00:00Z"),
        ({}, "2026-11-23T09:00:00Z"),
    ],
)
def test_the_clock_skips_an_hour_a_day_or_a_billing_period(skip: dict[str, float], then: str) -> None:
    with pages() as admin:
        assert admin.done("GET", "/_simulator/clock")["now"] == "2026-11-23T09:00:00Z"
        assert admin.done("POST", "/_simulator/clock", skip)["now"] == then


def test_the_log_can_be_read_and_forgotten() -> None:
    with pages() as admin:
        admin.neon.create()
        (entry,) = admin.done("GET", "/_simulator/requests")["requests"]
        assert (entry["method"], entry["path"], entry["status"], entry["key"]) == (
            *("POST", "/projects", 201),
            "organization",
        )
        assert admin.done("DELETE", "/_simulator/requests") == {"requests": []}


def test_faults_are_set_seen_to_strike_and_taken_away() -> None:
    with pages() as admin:
        locked = {"effect": {"type": "AnswerWith", "status": 423}, "method": "PATCH", "first": 3}
        admin.done("POST", "/_simulator/faults", locked)
        path = f"/projects/{admin.neon.simulator.add_project('free', ProjectSeed('acme')).project_id}"
        patch = {"project": {"name": "b"}}
        statuses = [admin.neon.ask("PATCH", path, patch).status_code for _ in range(4)]
        assert statuses == [200, 200, 423, 200]
        shown = admin.done("GET", "/_simulator/faults")
        assert shown["struck"] == 1
        assert shown["faults"][0]["fault"]["first"] == 3
        assert admin.done("DELETE", "/_simulator/faults") == {"struck": 0, "faults": []}


def test_switches_are_shown_and_changed_while_it_runs() -> None:
    with pages() as admin:
        assert admin.done("GET", "/_simulator/behaviour")["list_lag_seconds"] == 0
        assert admin.done("PATCH", "/_simulator/behaviour", {"list_lag_seconds": 3})["list_lag_seconds"] == 3
        admin.neon.create()
        assert admin.neon.names() == []
        admin.neon.wait(3)
        assert admin.neon.names() == ["acme"]
        assert "no switch 'lag'" in admin.ask("PATCH", "/_simulator/behaviour", {"lag": 3}).json()["message"]


def test_an_account_can_be_made_as_it_was_opened() -> None:
    with pages() as admin:
        admin.neon.create()
        admin.done("PATCH", "/_simulator/behaviour", {"list_lag_seconds": 3})
        admin.done("POST", "/_simulator/faults", {"effect": {"type": "AnswerWith", "status": 423}})
        assert admin.done("POST", "/_simulator/reset") == {}
        assert admin.done("GET", "/_simulator/requests") == {"requests": []}
        assert admin.done("GET", "/_simulator/faults") == {"struck": 0, "faults": []}
        assert admin.done("GET", "/_simulator/behaviour")["list_lag_seconds"] == 0
        assert admin.neon.names() == []
        admin.neon.create("acme")
        assert admin.neon.names() == ["acme"]


def test_users_can_be_let_in_and_sent_home() -> None:
    with pages() as admin:
        project_id = admin.neon.simulator.add_project("free", ProjectSeed("acme", created_at=0.0)).project_id
        page = f"/_simulator/projects/{project_id}/workload"
        admin.done("PUT", page, {"active_share": 0.5, "transferred_bytes_per_hour": 7})
        admin.done("POST", "/_simulator/clock", {"hours": 2})
        admin.done("PUT", page, {})
        admin.done("POST", "/_simulator/clock", {"hours": 2})
        project = admin.neon.get(f"/projects/{project_id}")["project"]
        assert (project["active_time_seconds"], project["data_transfer_bytes"]) == (3600, 14)
        assert admin.done("POST", f"/_simulator/projects/{project_id}/usage", {"written_data_bytes": 9}) == {}
        admin.done("POST", "/_simulator/clock", {"hours": 1})
        assert admin.neon.get(f"/projects/{project_id}")["project"]["written_data_bytes"] == 9


@pytest.mark.parametrize(
    ("method", "page", "body"),
    [
        ("POST", "/_simulator/clock", {"seconds": -1}),
        ("POST", "/_simulator/clock", {"weeks": 1}),
        ("POST", "/_simulator/faults", {"effect": {"type": "Explode"}}),
        ("POST", f"{NOBODY}/usage", {"active_time_seconds": 1}),
        ("PUT", f"{NOBODY}/workload", {}),
        ("POST", f"{NOBODY}/branches", {"name": "b"}),
        ("POST", f"{NOBODY}/snapshots", {"name": "s"}),
        ("POST", f"{NOBODY}/snapshots", {"name": "s", "expires_at": "tomorrow"}),
        ("POST", f"{NOBODY}/restore", None),
    ],
)
def test_what_makes_no_sense_is_refused(method: str, page: str, body: Any) -> None:
    with pages() as admin:
        assert admin.ask(method, page, body).status_code in {400, 404}


@pytest.mark.parametrize("counters", [{"foo": 3}, {"active_time_seconds": -1}, {"written_data_bytes": "many"}])
def test_counters_that_no_project_can_have_are_refused(counters: Any) -> None:
    with pages() as admin:
        project_id = admin.neon.simulator.add_project("free", ProjectSeed("acme")).project_id
        assert admin.ask("POST", f"/_simulator/projects/{project_id}/usage", counters).status_code == 400
