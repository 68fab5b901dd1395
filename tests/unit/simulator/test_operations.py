from __future__ import annotations

from reconciler.simulator.faults import FailOperations, StickOperations
from tests.unit.simulator.account import Account, account


def started(neon: Account) -> tuple[str, str]:
    """A project that is being made: its path, and that of its first operation."""
    made = neon.ask("POST", "/projects", {"project": {"name": "acme"}}).json()
    path = f"/projects/{made['project']['id']}"
    return path, f"{path}/operations/{made['operations'][0]['id']}"


def status(neon: Account, operation: str) -> str:
    answer: str = neon.get(operation)["operation"]["status"]
    return answer


def test_an_operation_is_scheduled_runs_and_finishes_within_a_second() -> None:
    with account() as neon:
        _, operation = started(neon)
        seen = []
        for _ in range(20):
            seen.append(status(neon, operation))
            neon.wait(0.05)
        assert list(dict.fromkeys(seen)) == ["scheduling", "running", "finished"]
        finished = neon.get(operation)["operation"]
        assert 300 <= finished["total_duration_ms"] <= 800


def test_a_failed_operation_says_so_and_frees_the_project() -> None:
    with account() as neon:
        neon.simulator.faults.add(FailOperations(), "POST", "/projects")
        path, operation = started(neon)
        neon.wait(1)
        assert status(neon, operation) == "failed"
        assert neon.get(operation)["operation"]["failures_count"] == 1
        neon.done("PATCH", path, {"project": {"name": "b"}})


def test_a_stuck_operation_runs_and_locks_the_project_for_ever() -> None:
    with account() as neon:
        neon.simulator.faults.add(StickOperations(), "POST", "/projects")
        path, operation = started(neon)
        neon.wait(86_400)
        assert status(neon, operation) == "running"
        assert neon.refused("PATCH", path, {"project": {"name": "b"}})[0] == 423


def test_operations_are_listed_newest_first_and_paged() -> None:
    with account() as neon:
        path, _ = started(neon)
        neon.wait(1)
        neon.done("PATCH", path, {"project": {"history_retention_seconds": 60}})
        first = neon.get(f"{path}/operations?limit=2")
        assert [o["action"] for o in first["operations"]] == ["apply_storage_config", "start_compute"]
        second = neon.get(f"{path}/operations?limit=2&cursor={first['pagination']['cursor']}")
        assert [o["action"] for o in second["operations"]] == ["create_timeline"]
        last = neon.get(f"{path}/operations?limit=2&cursor={second['pagination']['cursor']}")
        assert last == {"operations": []}


def test_an_operation_of_another_project_is_not_found() -> None:
    with account() as neon:
        _, operation = started(neon)
        other = neon.create("other")["project"]["id"]
        operation_id = operation.rpartition("/")[2]
        assert neon.refused("GET", f"/projects/{other}/operations/{operation_id}")[0] == 404
