""" "In sync" is said only where everything declared is there, everybody can connect, and it was looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.simulator.seed import ProjectSeed
from tests.harness.account import API, run
from tests.harness.builders import DAY, FREE_COMPUTE, FREE_QUOTA, HOUR
from tests.harness.lived import lived
from tests.harness.simulated import simulated_compute, simulated_quota
from tests.harness.stored import Stored
from tests.harness.wire import InProcess

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

DEEP = ("--depth", "deep")


class Console:
    """Somebody at work in Neon's console on the project of tenant acme."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One call below the project, which has to succeed; ``{main}`` and ``{compute}`` stand for their ids."""

        async def call(http: httpx.AsyncClient, project: str) -> Any:
            branches = (await http.get(f"{project}/branches")).json()["branches"]
            ids = {branch["name"]: branch["id"] for branch in branches}
            computes = (await http.get(f"{project}/endpoints")).json()["endpoints"]
            own = [each["id"] for each in computes if each["branch_id"] == ids["main"]]
            where = path.format(**ids, compute=own[0] if own else "")
            answer = await http.request(method, f"{project}{where}", json=_filled(body, ids))
            assert answer.is_success, answer.text
            return answer.json()

        with self._shell.account() as account:
            project = f"/projects/{Stored.of(account).project('myapp-acme')['id']}"

            async def main() -> Any:
                key = {"Authorization": f"Bearer {account.personal_key}"}
                transport = InProcess(account.app)
                async with httpx.AsyncClient(transport=transport, base_url=API.host, headers=key) as http:
                    return await call(http, project)

            return run(main())


def _filled(body: Any, ids: dict[str, str]) -> Any:
    if isinstance(body, dict):
        return {key: _filled(member, ids) for key, member in body.items()}
    return [_filled(each, ids) for each in body] if isinstance(body, list) else ids.get(body, body)


@pytest.fixture
@lived
def created(shell: Shell) -> Shell:
    """Tenant acme was created, and nothing differs."""
    shell.tenant("acme", "tier: pro\ndev_branches: [preview]")
    shell.applied()
    assert_drift(shell, 0, "In sync: 1 tenant matches the files.")
    return shell


@pytest.fixture
def console(created: Shell) -> Console:
    return Console(created)


def assert_drift(shell: Shell, code: int, *words: str) -> Ended:
    """What drift says with `--depth deep`: asserts its code and words, and that a plan agrees with it."""
    drift = shell.simulated("drift", *DEEP)
    assert drift.code == code, drift.out + drift.err
    assert (shell.simulated("plan", *DEEP, "--detailed-exitcode").code == 0) == (code == 0)
    assert ("In sync" in drift.out) == (code == 0), drift.out
    told = " ".join(drift.out.split())
    for word in words:
        assert word in told, told
    return drift


def rows(shell: Shell) -> list[object]:
    """Every branch, snapshot and compute as it is stored."""
    tables = ("branches", "snapshots", "endpoints")
    found = [row for table in tables for row in shell.stored.rows(table, deleted=True)]
    return [(row["id"], row["body"]) for row in found]


def test_a_parent_that_does_not_exist_is_refused_as_long_as_it_is_declared(shell: Shell) -> None:
    shell.tenant("acme", "tier: pro\ndev_branches: [{name: staging, parent: production}]")
    applied = shell.simulated("apply", "--yes")
    assert applied.code == 5, applied.out + applied.err
    assert "branch 'staging' cannot be created: its parent branch 'production' does not exist" in applied.out
    assert_drift(shell, 2, "cannot-be-done", "its parent branch 'production' does not exist")
    second = shell.simulated("apply", "--yes")
    assert second.code == 5
    assert "In sync" not in second.out


def test_a_snapshot_of_a_moment_before_its_branch_is_refused_as_long_as_it_is_declared(shell: Shell) -> None:
    shell.tenant("acme", "tier: pro\nsnapshots: [{name: early, at: 2028-01-01T00:00:00Z}]")
    applied = shell.simulated("apply", "--yes")
    assert applied.code == 5, applied.out + applied.err
    assert_drift(
        shell, 2, "snapshot 'early' cannot be taken: 2028-01-01T00:00:00Z is before the creation of branch 'main'"
    )


class TestWhoCannotConnect:
    def test_the_default_compute_was_deleted(self, shell: Shell, console: Console) -> None:
        console.ask("DELETE", "/endpoints/{compute}")
        assert_drift(shell, 2, "cannot-connect", "the default branch 'main' has no read-write compute")

    def test_the_default_compute_was_disabled(self, shell: Shell, console: Console) -> None:
        console.ask("PATCH", "/endpoints/{compute}", {"endpoint": {"disabled": True}})
        assert_drift(shell, 2, "cannot-connect", "the compute of the default branch 'main' is disabled")
        assert shell.simulated("plan").code == 0, "no commit did that"
        assert shell.simulated("converge", "acme").code == 5, "who asks for this tenant is told"

    def test_a_quota_is_used_up(self, shell: Shell) -> None:
        shell.tenant("acme")
        assert shell.simulated("plan").code == 0
        with shell.account() as account:
            usage = {"active_time_seconds": 101 * HOUR}
            seed = ProjectSeed(
                "myapp-acme",
                quota=simulated_quota(FREE_QUOTA),
                compute=simulated_compute(FREE_COMPUTE),
                restore_window_seconds=DAY,
                usage=usage,
                annotations={
                    "managed-by": "neon-reconciler",
                    "fleet": "prod",
                    "tenant": "acme",
                    "run": "r0",
                },
            )
            account.add_project("free", seed)
        assert_drift(shell, 2, "quota.active_time is used up: 101h of 100h: Neon has suspended the project")
        assert "used quotas not read: 1 of 1" in " ".join(shell.simulated("plan").out.split())


class TestWhatNoFileSpeaksOf:
    def test_is_counted_where_it_was_seen(self, shell: Shell, console: Console) -> None:
        size = {"autoscaling_limit_min_cu": 16, "autoscaling_limit_max_cu": 16}
        console.ask("POST", "/endpoints", {"endpoint": {"branch_id": "main", "type": "read_only", **size}})
        by_hand = {"branch": {"name": "x"}, "endpoints": [{"type": "read_write", **size}]}
        console.ask("POST", "/branches", by_hand)
        tuned = {"endpoint": {"settings": {"pg_settings": {"max_connections": "5"}}}}
        console.ask("PATCH", "/endpoints/{compute}", tuned)
        console.ask("PATCH", "/branches/{main}", {"branch": {"protected": True}})
        assert_drift(
            shell,
            0,
            "Not compared: read replicas (1 seen), computes of other branches (2 seen), Postgres settings (1",
            "protected branches (1 seen); region and version, unless pinned.",
        )

    def test_is_drift_where_it_goes_beyond_what_the_organization_allows(
        self, shell: Shell, console: Console
    ) -> None:
        size = {"autoscaling_limit_min_cu": 8, "autoscaling_limit_max_cu": 8}
        console.ask("POST", "/endpoints", {"endpoint": {"branch_id": "main", "type": "read_only", **size}})
        tiers = (shell.folder / "tiers.yaml").read_text(encoding="utf-8")
        shell.write("tiers.yaml", tiers.replace("max_cu: 16", "max_cu: 4"))
        assert_drift(shell, 2, "beyond-limits", "has max_cu 8, but organization paid allows at most 4")
        assert shell.simulated("apply", "--yes").code == 0, "no commit did that"


def test_another_default_branch_is_drift_and_nothing_is_written_to_it(shell: Shell, console: Console) -> None:
    console.ask("POST", "/branches/{preview}/set_as_default")
    assert_drift(shell, 2, "'preview' is now the default branch of project", "it was 'main'")
    shell.tenant("acme", "tier: pro\ndev_branches: [preview, new]\nsnapshots: [v1]")
    text = (shell.folder / "tiers.yaml").read_text(encoding="utf-8")
    shell.write("tiers.yaml", text.replace("compute: {min_cu: 0.5, max_cu: 4", "compute: {min_cu: 0.5, max_cu: 8"))
    before = rows(shell)
    refused = shell.simulated("apply", "--yes")
    assert refused.code == 5, refused.out + refused.err
    assert rows(shell) == before
    console.ask("POST", "/branches/{main}/set_as_default")
    assert shell.simulated("apply", "--yes").code == 0
    assert rows(shell) != before


def test_projects_in_no_file_are_counted_whatever_they_are_called(shell: Shell, console: Console) -> None:
    with shell.account() as account:
        for number in range(58):
            account.add_project("free", ProjectSeed(f"legacy {number}"))
    assert_drift(shell, 0, "58 projects are in no file.")
    assert "58 projects are in no file." in shell.simulated("plan").out


def test_an_orphan_alone_differs_to_drift_and_to_a_plan(shell: Shell, console: Console) -> None:
    shell.tenant("bluebird")
    shell.applied()
    (shell.folder / "tenants" / "bluebird.yaml").unlink()
    drift = shell.simulated("drift")
    assert drift.code == 2
    assert "1 project is in no file." in drift.out
    assert shell.simulated("plan", "--detailed-exitcode").code == 2
