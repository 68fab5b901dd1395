"""What the guards keep from happening: that it would really have happened, and that it does not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.seed import ProjectSeed
from reconciler.simulator.virtual_time import VirtualLoop
from tests.e2e.test_lifecycle import prunes_the_young
from tests.harness.builders import DAY, PRO_QUOTA
from tests.harness.simulated import simulated_quota
from tests.harness.wire import InProcess

if TYPE_CHECKING:
    from reconciler.simulator.simulator import Simulator
    from tests.harness.shell import Shell

USED_HOURS = 312
EVERYTHING = "accept: {suspension: true, history_loss: true}"


class Scene:
    """A tenant of tier pro who has used 312 hours in this billing period, and whose file then says free."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.hours = 0
        shell.clock = self.now
        shell.tenant("acme", "tier: pro")
        shell.applied()
        with self.account() as simulator:
            project = self.ask(simulator, "GET", "/projects", org_id=simulator.organization_ids["paid"]).json()
            self.project_id = project["projects"][0]["id"]
            simulator.set_usage(self.project_id, active_time_seconds=USED_HOURS * 3600)

    def now(self) -> float:
        """An hour after the last time that somebody asked: operations are through by then."""
        self.hours += 1
        return DEMO_EPOCH_SECONDS + self.hours * 3600

    def account(self) -> Simulator:
        """Of which nobody has heard for an hour."""
        return self.shell.account(self.now())

    def starts(self) -> int:
        """What Neon answers when the tenant's compute is to start."""
        with self.account() as simulator:
            own = f"/projects/{self.project_id}/endpoints"
            (endpoint,) = self.ask(simulator, "GET", own).json()["endpoints"]
            return self.ask(simulator, "POST", f"{own}/{endpoint['id']}/start").status_code

    @staticmethod
    def ask(simulator: Simulator, method: str, path: str, **params: str) -> httpx.Response:
        async def go() -> httpx.Response:
            headers = {"Authorization": f"Bearer {simulator.personal_key}"}
            transport = InProcess(simulator.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1/api/v2", headers=headers
            ) as client:
                return await client.request(method, path, params=params)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(go())


@pytest.fixture
def scene(shell: Shell) -> Scene:
    """Before the downgrade the tenant is at work."""
    made = Scene(shell)
    assert made.starts() == 200
    return made


def test_a_downgrade_that_would_suspend_the_tenant_does_not_happen(scene: Scene) -> None:
    scene.shell.tenant("acme", "tier: free\naccept: {history_loss: true}")
    refused = scene.shell.simulated("apply", "--yes", "--allow", "lowering")
    assert refused.code == 5
    assert "downgrade-proof" in refused.out
    assert "312h are used in this billing period" in refused.out
    assert "accept: {history_loss: 7d -> 1d, suspension: 750h -> 100h}" in " ".join(refused.out.split())
    assert "acme  (tenants/acme.yaml:1)" in refused.out
    assert scene.starts() == 200


def test_where_the_file_accepts_it_the_tenant_really_is_suspended(scene: Scene) -> None:
    """The simulator meters and suspends by itself: this is what the guard keeps from happening."""
    scene.shell.tenant("acme", f"tier: free\n{EVERYTHING}")
    assert "downgraded  acme" in scene.shell.applied("--allow", "lowering").out
    assert scene.starts() == 422


def test_single_tenants_are_proven_too(scene: Scene) -> None:
    scene.shell.tenant("acme", "tier: free\naccept: {history_loss: true}")
    refused = scene.shell.simulated("converge", "acme", "--allow", "lowering")
    assert refused.code == 5
    assert "312h are used in this billing period" in " ".join(refused.err.split())
    assert scene.starts() == 200


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_strict_applies_nothing_where_anything_is_refused(scene: Scene, command: str) -> None:
    scene.shell.tenant("acme", "tier: free")
    scene.shell.tenant("newcomer")
    yes = ("--yes",) if command == "apply" else ()
    strict = scene.shell.simulated(command, "--strict", "--allow", "lowering", *yes)
    assert strict.code == 5
    assert "--strict applies all or nothing, and there is also 1 refusal" in strict.out
    assert "nothing to do: 2 refused" in strict.out
    free_to_go = scene.shell.simulated("apply", "--allow", "lowering", "--yes")
    assert free_to_go.code == 5
    assert "created     newcomer" in free_to_go.out


def test_strict_changes_nothing_where_nothing_is_refused(shell: Shell) -> None:
    shell.tenant("acme")
    assert "created     acme" in shell.applied("--strict").out


def test_an_empty_folder_of_tenants_deletes_nothing_not_even_with_prune(shell: Shell) -> None:
    for name in ("acme", "bluebird"):
        shell.tenant(name)
    shell.applied()
    for path in (shell.folder / "tenants").iterdir():
        path.unlink()
    assert "2 orphans" in shell.simulated("apply", "--yes").out
    prunes_the_young(shell)
    refused = shell.simulated("apply", "--yes", "--prune")
    assert refused.code == 5
    assert "shrunken-files" in refused.out
    assert "--prune would delete 2 projects, but the files declare only 0 tenants" in refused.out
    assert "--allow deletes=2" in " ".join(refused.out.split())


class TestAThief:
    """A tenant's file, or a document, that names the project of another tenant as its own."""

    @pytest.fixture
    def project_id(self, shell: Shell) -> str:
        """That of the tenant victim."""
        shell.tenant("victim", "tier: free\nprotect: true")
        shell.applied()
        intents = [line for line in shell.journal if line["line"] == "intent"]
        assert {name for intent in intents for name in intent["tenants"]} == {"victim"}
        (project_id,) = shell.stored.project_ids().values()
        return project_id

    def test_gets_nothing_by_a_file(self, shell: Shell, project_id: str) -> None:
        shell.tenant("thief", f"tier: free\nstate: absent\nproject_id: {project_id}")
        ended = shell.simulated("apply", "--yes", "--allow", "lowering", "--journal", "journal.jsonl")
        assert ended.code == 5, ended.out + ended.err
        assert f"the pinned project {project_id} (myapp-victim) belongs to tenant 'victim'" in ended.out

    def test_deletes_nothing_where_the_file_that_pins_the_project_is_broken(
        self, shell: Shell, project_id: str
    ) -> None:
        shell.tenant("bob", f"tier: free\nproject_id: {project_id}\nquota: [broken]")
        shell.tenant("victim", "tier: free\nstate: absent")
        ended = shell.simulated("apply", "--yes", "--allow", "lowering", "--on-invalid", "skip")
        assert "deleted" not in ended.out
        assert "is pinned in a broken file" in " ".join(ended.out.split())

    def test_keeps_no_other_pinned_tenant_from_its_converge_by_a_broken_file(self, shell: Shell) -> None:
        shell.simulated("plan")
        with shell.account() as simulator:
            pinned = simulator.add_project("free", ProjectSeed("adopted")).project_id
        shell.tenant("acme", f"tier: pro\nproject_id: {pinned}")
        shell.tenant("zoe", "tier: nonsense")
        ended = shell.simulated("converge", "acme", "--allow", "lowering")
        assert ended.code == 0, ended.out + ended.err
        assert "upgraded    acme" in ended.out

    @pytest.mark.parametrize("wanted", ["tier: pro", "tier: free, state: absent"])
    def test_gets_nothing_by_a_document_although_that_reads_few_files(
        self, shell: Shell, project_id: str, wanted: str
    ) -> None:
        document = f"{{tenant: thief, {wanted}, project_id: {project_id}}}"
        ended = shell.simulated("converge", "-", "--allow", "lowering", stdin=document.encode())
        assert ended.code == 5, ended.out + ended.err
        assert "belongs to tenant 'victim'" in ended.err
        assert "In sync" in shell.simulated("plan").out


def test_a_downgrade_that_an_integration_blocks_takes_nothing_although_only_lists_show_it(shell: Shell) -> None:
    """A pinned project is read by its id, which tells of no integration; what is lowered first would stay so."""
    shell.simulated("plan")
    with shell.account() as simulator:
        seed = ProjectSeed(
            "by hand", quota=simulated_quota(PRO_QUOTA), restore_window_seconds=7 * DAY, integrations=["github"]
        )
        pinned = simulator.add_project("paid", seed).project_id
    shell.tenant("acme", f"tier: free\nproject_id: {pinned}\n{EVERYTHING}")
    ended = shell.simulated("converge", "acme", "--allow", "lowering")
    assert ended.code == 5, ended.out
    assert "Neon cannot transfer a project with an integration: github" in " ".join(ended.err.split())
    assert "Nothing was applied." in ended.out


def test_what_differs_and_cannot_be_done_is_drift_all_the_same(shell: Shell) -> None:
    shell.tenant("acme", "tier: free\nsnapshots: [v1]")
    shell.applied()
    shell.tenant("acme", "tier: free\nsnapshots: [v2]")
    assert shell.simulated("plan").code == 5
    drift = shell.simulated("drift")
    assert "snapshot" in drift.out
    assert drift.code == 2
