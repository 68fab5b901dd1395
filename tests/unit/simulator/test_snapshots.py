from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, timestamp
from reconciler.simulator.restore_points import position
from reconciler.simulator.seed import BranchSeed, ProjectSeed
from tests.unit.simulator.account import EASY, account

if TYPE_CHECKING:
    from tests.unit.simulator.account import Account

DAY_SECONDS = 86_400


class Project:
    """A project of ``free`` that is ten days old: one manual snapshot, a restore window of a day."""

    def __init__(self, neon: Account, *, org: str = "free", **members: Any) -> None:
        members.setdefault("created_at", DEMO_EPOCH_SECONDS - 10 * DAY_SECONDS)
        self.seeded = neon.simulator.add_project(org, ProjectSeed("acme", **members))
        self.path = f"/projects/{self.seeded.project_id}"
        self.snapshots = f"{self.path}/snapshots"

    def take(self, branch_id: str | None = None, **query: str) -> str:
        """The path that takes a snapshot, of the default branch unless told otherwise."""
        return f"{self.path}/branches/{branch_id or self.seeded.branch_id}/snapshot?{urlencode(query)}"

    def names(self, neon: Account) -> list[str]:
        return [snapshot["name"] for snapshot in neon.get(self.snapshots)["snapshots"]]


def in_days(days: float) -> str:
    return timestamp(DEMO_EPOCH_SECONDS + days * DAY_SECONDS)


def test_a_snapshot_is_taken_and_listed_and_its_size_is_known_later() -> None:
    with account() as neon:
        project = Project(neon, storage_bytes=123)
        made = neon.done("POST", project.take(name="before-launch"))
        assert [operation["action"] for operation in made["operations"]] == ["create_timeline"]
        assert made["snapshot"]["name"] == "before-launch"
        assert made["snapshot"]["manual"]
        assert made["snapshot"]["source_branch_id"] == project.seeded.branch_id
        assert neon.get(project.snapshots) == {"snapshots": [made["snapshot"]]}
        neon.wait(60)
        assert neon.get(project.snapshots) == {"snapshots": [{**made["snapshot"], "full_size": 123}]}


def test_a_snapshot_without_a_name_is_called_by_its_branch_and_moment() -> None:
    with account() as neon:
        made = neon.done("POST", Project(neon).take())["snapshot"]
        assert made["name"] == f"main at {made['created_at']}"


def test_a_snapshot_can_be_of_a_moment_in_the_restore_window() -> None:
    with account() as neon:
        made = neon.done("POST", Project(neon).take(timestamp=in_days(-0.5)))["snapshot"]
        assert made["timestamp"] == in_days(-0.5)
        assert made["created_at"] == in_days(0)
        assert made["lsn"] == position(DEMO_EPOCH_SECONDS - DAY_SECONDS / 2)


def test_a_position_in_the_log_stands_for_a_moment() -> None:
    with account() as neon:
        lsn = position(DEMO_EPOCH_SECONDS - DAY_SECONDS / 2)
        assert neon.done("POST", Project(neon).take(lsn=lsn))["snapshot"]["timestamp"] == in_days(-0.5)


@pytest.mark.parametrize(
    "query",
    [
        {"timestamp": in_days(-1.5)},
        {"timestamp": in_days(0.5)},
        {"timestamp": "yesterday"},
        {"timestamp": "2026-11-23T08:00:00"},
        {"lsn": position(DEMO_EPOCH_SECONDS - 2 * DAY_SECONDS)},
        {"lsn": "here"},
        {"lsn": position(DEMO_EPOCH_SECONDS), "timestamp": in_days(0)},
        {"expires_at": in_days(-1)},
        {"expires_at": "soon"},
    ],
)
def test_a_bad_moment_is_refused_and_nothing_is_taken(query: dict[str, str]) -> None:
    with account() as neon:
        project = Project(neon)
        assert neon.refused("POST", project.take(**query))[0] == 400
        assert project.names(neon) == []


def test_no_snapshot_is_older_than_its_branch() -> None:
    with account() as neon:
        project = Project(neon, created_at=DEMO_EPOCH_SECONDS - 3600)
        status, message = neon.refused("POST", project.take(timestamp=in_days(-0.5)))
        assert status == 400
        assert "outside the restore window" in message


def test_parameters_are_in_the_query_and_never_in_a_body() -> None:
    with account(refusals_allowed=True) as neon:
        project = Project(neon)
        assert neon.refused("POST", project.take(), {"snapshot": {"name": "a"}})[0] == 400
        assert neon.refused("POST", project.take(nmae="a"))[0] == 400
        assert project.names(neon) == []


def test_only_root_branches_have_snapshots() -> None:
    with account() as neon:
        project = Project(neon, branches=(BranchSeed("dev"),))
        assert neon.refused("POST", project.take(project.seeded.branch_ids[0]))[0] == 422
        assert neon.refused("POST", project.take("br-nowhere-1"))[0] == 404


def test_one_manual_snapshot_more_than_the_plan_holds_is_refused() -> None:
    with account(behaviour=replace(EASY, snapshot_limit_code=True, deletion_count_lag_seconds=0.0)) as neon:
        project = Project(neon)
        first = neon.done("POST", project.take(name="first"))["snapshot"]
        response = neon.ask("POST", project.take(name="second"))
        assert response.status_code == 422
        assert response.json()["code"] == "SNAPSHOTS_LIMIT_EXCEEDED"
        neon.done("DELETE", f"{project.snapshots}/{first['id']}")
        neon.done("POST", project.take(name="second"))
        assert project.names(neon) == ["second"]


def test_a_deleted_snapshot_is_gone_for_good() -> None:
    with account() as neon:
        project = Project(neon)
        path = f"{project.snapshots}/{neon.done('POST', project.take())['snapshot']['id']}"
        response = neon.ask("DELETE", path)
        assert response.status_code == 202
        assert [operation["action"] for operation in response.json()["operations"]] == ["delete_timeline"]
        neon.wait(1)
        assert project.names(neon) == []
        assert neon.refused("DELETE", path)[0] == 404
        assert neon.refused("PATCH", path, {"snapshot": {"name": "back"}})[0] == 404


def test_a_snapshot_whose_expiry_has_passed_is_gone_and_makes_room() -> None:
    with account() as neon:
        project = Project(neon)
        made = neon.done("POST", project.take(name="short", expires_at=in_days(2)))["snapshot"]
        assert made["expires_at"] == in_days(2)
        assert project.names(neon) == ["short"]
        neon.wait(2 * DAY_SECONDS)
        assert project.names(neon) == []
        neon.done("POST", project.take(name="next"))


def test_a_snapshot_can_be_renamed_and_names_are_not_unique() -> None:
    with account() as neon:
        project = Project(neon)
        made = neon.done("POST", project.take(name="a"))["snapshot"]
        path = f"{project.snapshots}/{made['id']}"
        assert neon.done("PATCH", path, {"snapshot": {"name": "b"}}) == {"snapshot": {**made, "name": "b"}}
        assert neon.done("PATCH", path, {"snapshot": {}}) == {"snapshot": {**made, "name": "b"}}
        assert project.names(neon) == ["b"]


def test_snapshots_wait_for_running_operations() -> None:
    with account() as neon:
        project = Project(neon)
        made = neon.ask("POST", project.take()).json()["snapshot"]
        assert neon.refused("POST", project.take())[0] == 423
        assert neon.refused("DELETE", f"{project.snapshots}/{made['id']}")[0] == 423
        assert len(project.names(neon)) == 1


def test_a_snapshot_of_another_project_is_not_found() -> None:
    with account() as neon:
        one, other = Project(neon), Project(neon)
        made = neon.done("POST", one.take())["snapshot"]
        assert neon.refused("DELETE", f"{other.snapshots}/{made['id']}")[0] == 404


class TestAWindowThatIsRaised:
    """Neon removes what a restore window has left behind: a longer one does not bring it back."""

    def raised(self, neon: Account, *, reaches_back: bool = False) -> Project:
        """From a day to seven, half a day ago."""
        neon.simulator.world.switches.change({"raised_window_reaches_back": reaches_back})
        project = Project(neon, org="paid", restore_window_seconds=DAY_SECONDS)
        body = {"project": {"history_retention_seconds": 7 * DAY_SECONDS}}
        neon.done("PATCH", project.path, body, key=neon.simulator.organization_keys["paid"])
        neon.wait(DAY_SECONDS / 2)
        return project

    @pytest.mark.parametrize(
        ("days", "reaches_back", "status"), [(-0.9, False, 200), (-1.1, False, 400), (-1.1, True, 200)]
    )
    def test_holds_what_the_shorter_one_held(self, days: float, reaches_back: bool, status: int) -> None:
        with account(refusals_allowed=True) as neon:
            project = self.raised(neon, reaches_back=reaches_back)
            key = neon.simulator.organization_keys["paid"]
            assert neon.ask("POST", project.take(timestamp=in_days(days)), key=key).status_code == status
            branch = {"branch": {"parent_id": project.seeded.branch_id, "parent_timestamp": in_days(days)}}
            neon.wait(5)
            made = neon.ask("POST", f"{project.path}/branches", branch, key=key).status_code
            assert made == (201 if status == 200 else status)

    def test_that_was_lowered_in_between_holds_what_the_lower_one_held(self) -> None:
        with account(refusals_allowed=True) as neon:
            project, key = self.raised(neon), neon.simulator.organization_keys["paid"]
            for seconds in (3600, 7 * DAY_SECONDS):
                neon.done("PATCH", project.path, {"project": {"history_retention_seconds": seconds}}, key=key)
                neon.wait(5)
            assert neon.ask("POST", project.take(timestamp=in_days(0.1)), key=key).status_code == 400
            assert neon.ask("POST", project.take(timestamp=in_days(0.47)), key=key).status_code == 200


@pytest.mark.parametrize("lag_seconds", [0, 30])
def test_a_deleted_snapshot_or_branch_may_be_counted_for_a_while(lag_seconds: int) -> None:
    with account(refusals_allowed=True) as neon:
        neon.simulator.world.switches.change({"deletion_count_lag_seconds": lag_seconds})
        project = Project(neon, branches=(BranchSeed("a"), BranchSeed("b")))
        first = neon.done("POST", project.take(name="first"))["snapshot"]
        neon.wait(5)
        neon.done("DELETE", f"{project.snapshots}/{first['id']}")
        neon.wait(5)
        neon.done("DELETE", f"{project.path}/branches/{project.seeded.branch_ids[0]}")
        neon.wait(5)
        late = lag_seconds > 0
        assert neon.ask("POST", project.take(name="second")).status_code == (422 if late else 200)
        neon.wait(5)
        branch = neon.ask("POST", f"{project.path}/branches", {"branch": {"name": "c"}}).status_code
        assert branch == (422 if late else 201)
        neon.wait(lag_seconds)
        if late:
            assert neon.ask("POST", project.take(name="second")).status_code == 200
            neon.wait(5)
            assert neon.ask("POST", f"{project.path}/branches", {"branch": {"name": "c"}}).status_code == 201
