from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.seed import ProjectSeed
from reconciler.simulator.types import Compute
from tests.unit.simulator.account import account

if TYPE_CHECKING:
    from tests.unit.simulator.account import Account


def compute_of(neon: Account, **members: Any) -> str:
    """The path of the compute of a project."""
    seeded = neon.simulator.add_project("free", ProjectSeed("acme", **members))
    return f"/projects/{seeded.project_id}/endpoints/{seeded.endpoint_id}"


def state(neon: Account, path: str) -> str:
    answer: str = neon.get(path)["endpoint"]["current_state"]
    return answer


def test_a_compute_starts_runs_and_suspends_by_itself() -> None:
    with account() as neon:
        made = neon.ask("POST", "/projects", {"project": {}}).json()
        path = f"/projects/{made['project']['id']}/endpoints/{made['endpoints'][0]['id']}"
        assert state(neon, path) == "init"
        neon.wait(1)
        assert state(neon, path) == "active"
        neon.wait(300)
        assert state(neon, path) == "idle"


def test_a_compute_that_never_suspends_stays_active() -> None:
    with account() as neon:
        path = compute_of(neon, compute=Compute(suspend_timeout_seconds=-1))
        neon.wait(90 * 86_400)
        assert state(neon, path) == "active"


def test_a_patch_changes_the_size_wakes_the_compute_and_takes_an_operation() -> None:
    with account() as neon:
        path = compute_of(neon)
        neon.wait(3600)
        assert state(neon, path) == "idle"
        answer = neon.done("PATCH", path, {"endpoint": {"autoscaling_limit_max_cu": 2}})
        assert [operation["action"] for operation in answer["operations"]] == ["apply_config"]
        assert state(neon, path) == "active"
        compute = neon.get(path)["endpoint"]
        assert compute["autoscaling_limit_min_cu"] == 0.25
        assert compute["autoscaling_limit_max_cu"] == 2


def test_a_patch_that_changes_nothing_takes_no_operation() -> None:
    with account() as neon:
        path = compute_of(neon, endpoint_compute=Compute(0.5, 2, 600))
        assert neon.done("PATCH", path, {"endpoint": {"autoscaling_limit_max_cu": 2}})["operations"] == []


def test_a_size_beyond_the_plan_is_refused() -> None:
    with account() as neon:
        path = compute_of(neon)
        assert neon.refused("PATCH", path, {"endpoint": {"autoscaling_limit_max_cu": 4}})[0] == 400


def test_a_branch_has_one_compute_that_writes_and_many_that_read() -> None:
    with account() as neon:
        seeded = neon.simulator.add_project("free", ProjectSeed("acme"))
        path = f"/projects/{seeded.project_id}/endpoints"

        def compute(kind: str) -> dict[str, object]:
            return {"endpoint": {"branch_id": seeded.branch_id, "type": kind}}

        assert neon.refused("POST", path, compute("read_write"))[0] == 409
        neon.done("POST", path, compute("read_only"))
        neon.done("POST", path, compute("read_only"))
        assert len(neon.get(path)["endpoints"]) == 3
        assert (
            len(neon.get(f"/projects/{seeded.project_id}/branches/{seeded.branch_id}/endpoints")["endpoints"]) == 3
        )


def test_a_new_compute_takes_the_defaults_of_its_project() -> None:
    with account() as neon:
        seeded = neon.simulator.add_project("free", ProjectSeed("acme", compute=Compute(0.5, 1, 600)))
        body = {"endpoint": {"branch_id": seeded.branch_id, "type": "read_only", "autoscaling_limit_max_cu": 2}}
        made = neon.done("POST", f"/projects/{seeded.project_id}/endpoints", body)["endpoint"]
        assert made["autoscaling_limit_min_cu"] == 0.5
        assert made["autoscaling_limit_max_cu"] == 2
        assert made["suspend_timeout_seconds"] == 600


def test_a_compute_is_suspended_started_and_restarted_on_demand() -> None:
    with account() as neon:
        path = compute_of(neon)
        neon.done("POST", f"{path}/suspend")
        assert state(neon, path) == "idle"
        neon.done("POST", f"{path}/start")
        assert state(neon, path) == "active"
        assert len(neon.done("POST", f"{path}/restart")["operations"]) == 2


def test_a_disabled_compute_does_not_start() -> None:
    with account() as neon:
        path = compute_of(neon, active=True)
        neon.done("PATCH", path, {"endpoint": {"disabled": True}})
        assert state(neon, path) == "idle"
        assert neon.refused("POST", f"{path}/start")[0] == 422


def test_a_compute_is_deleted_and_deleting_it_again_is_204() -> None:
    with account() as neon:
        path = compute_of(neon)
        neon.done("DELETE", path)
        assert neon.ask("DELETE", path).status_code == 204
        assert neon.refused("GET", path)[0] == 404


def new_reader(neon: Account, **members: Any) -> Any:
    """What answers the creation of a compute for reading, beside the one that a project has."""
    path = compute_of(neon)
    branch_id = neon.get(path)["endpoint"]["branch_id"]
    body = {"endpoint": {"branch_id": branch_id, "type": "read_only", **members}}
    return neon.done("POST", path.rpartition("/")[0], body)


def test_a_new_compute_is_all_that_was_said_about_it() -> None:
    with account() as neon:
        said = {"name": "reports", "pooler_enabled": True, "passwordless_access": False}
        made = new_reader(neon, settings={"pg_settings": {"work_mem": "8MB"}}, **said)
        assert [operation["action"] for operation in made["operations"]] == ["start_compute"]
        stored = neon.get(f"/projects/{made['endpoint']['project_id']}/endpoints/{made['endpoint']['id']}")
        assert {**stored["endpoint"], **said} == stored["endpoint"]
        assert stored["endpoint"]["settings"] == {"pg_settings": {"work_mem": "8MB"}}


def test_a_compute_that_is_made_disabled_does_not_start() -> None:
    with account() as neon:
        made = new_reader(neon, disabled=True)
        assert made["operations"] == []
        assert made["endpoint"]["current_state"] == "idle"
        path = f"/projects/{made['endpoint']['project_id']}/endpoints/{made['endpoint']['id']}"
        assert state(neon, path) == "idle"
        assert neon.refused("POST", f"{path}/start") == (422, "endpoint is disabled")
