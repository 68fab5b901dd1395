"""What asks for a change: the history of the files, in real repositories, through the command line."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.simulator.seed import ProjectSeed
from tests.harness.builders import GIB
from tests.harness.lived import lived
from tests.harness.repository import git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Ended, Shell
    from tests.harness.stored import Row, Stored

pytestmark = pytest.mark.drawn(10)

FREE = "  free:\n    settings: {}\n    organization"
"""The tier ``free`` with settings."""
LIMIT = "data_transfer_bytes"


def commit(shell: Shell, message: str = "x") -> str:
    git(shell.folder, "add", "--all", "tiers.yaml", "tenants", ".gitignore")
    git(shell.folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(shell.folder, "rev-parse", "HEAD")


def grant(shell: Shell, tenant: str, gib: int, more: str = "") -> None:
    shell.tenant(tenant, f"tier: free\noverrides: {{quota: {{data_transfer: {gib}GiB}}}}\n{more}")


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Two tenants who have 8 GiB of transfer each, applied, the tag ``applied`` on their commit."""
    shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    for tenant in ("acme", "bluebird"):
        grant(shell, tenant, 8)
    commit(shell)
    shell.applied("--base", "none")
    git(shell.folder, "tag", "applied")
    return shell


def quota(project: Row) -> dict[str, int]:
    limits: dict[str, int] = project["body"]["settings"].get("quota", {})
    return limits


def set_limit(stored: Stored, tenant: str, gib: int) -> None:
    """The tenant's project has another limit of transfer."""
    path = f"settings.quota.{LIMIT}"
    stored.change("projects", stored.project(f"myapp-{tenant}")["id"], {path: gib * GIB})


def transfers(shell: Shell) -> dict[str, int]:
    """The limits of the live projects in GiB, by tenant."""
    return {name.removeprefix("myapp-"): quota(row)[LIMIT] // GIB for name, row in shell.stored.projects().items()}


def by_hand(shell: Shell, tenant: str, gib: int) -> None:
    """Support gives a tenant another limit in the console."""
    set_limit(shell.stored, tenant, gib)


def homes(shell: Shell) -> dict[str, str]:
    """The names of the organizations of the live projects, by tenant."""
    return {name.removeprefix("myapp-"): where for name, where in shell.stored.organizations().items()}


def move(shell: Shell, tenant: str, organization: str) -> None:
    """Support moves a project in the console."""
    shell.stored.move(f"myapp-{tenant}", organization)


def run(shell: Shell, command: str, *flags: str) -> Ended:
    extra = ("--yes", "--journal", "journal.jsonl") if command == "apply" else ()
    return shell.simulated(command, *extra, *flags)


class TestFilesThatAreOlderThanTheBase:
    @pytest.fixture
    def old(self, fleet: Shell) -> Shell:
        """A checkout of yesterday: since then acme got more, and a customer came back who had left."""
        fleet.tenant("cedar", "tier: free\nstate: absent")
        yesterday = commit(fleet)
        grant(fleet, "acme", 20)
        grant(fleet, "cedar", 8)
        commit(fleet)
        assert run(fleet, "apply", "--base", "applied").code == 0
        git(fleet.folder, "tag", "--force", "applied")
        git(fleet.folder, "checkout", "--quiet", yesterday)
        return fleet

    def test_files_older_than_the_base_ask_for_nothing(self, old: Shell) -> None:
        before = transfers(old)
        ended = run(old, "apply", "--base", "applied")
        assert ended.code == 0, ended.err
        assert transfers(old) == before == {"acme": 20, "bluebird": 8, "cedar": 8}
        assert "the base is ahead of these files" in ended.out

    def test_without_a_base_nothing_is_reduced_while_a_branch_is_ahead(self, old: Shell) -> None:
        before = transfers(old)
        ended = run(old, "apply")
        assert "branch main is ahead of these files" in ended.err
        assert ended.code == 5
        assert transfers(old) == before

    def test_the_branch_of_a_remote_is_told_by_its_own_name(self, old: Shell, tmp_path: Path) -> None:
        git(old.folder, "branch", "--quiet", "here")
        git(tmp_path, "clone", "--quiet", str(old.folder), "clone")
        git(tmp_path / "clone", "remote", "set-head", "origin", "main")
        git(tmp_path / "clone", "checkout", "--quiet", "--detach", "origin/here")
        old.folder = tmp_path / "clone"
        assert "branch origin/main is ahead of these files" in run(old, "plan").err

    def test_a_proposed_branch_holds_nothing_back_once_the_branch_of_these_files_is_named(
        self, fleet: Shell
    ) -> None:
        grant(fleet, "acme", 6)
        commit(fleet)
        git(fleet.folder, "checkout", "--quiet", "-b", "proposal")
        grant(fleet, "bluebird", 9)
        commit(fleet)
        git(fleet.folder, "checkout", "--quiet", "main")
        refused = run(fleet, "apply")
        assert refused.code == 5
        assert "if it is only proposed, name the branch of these files with --ref" in " ".join(refused.err.split())
        told = " ".join(refused.out.split())
        assert "name the last applied commit with --base, in a clone that has the whole history" in told
        assert "commit it" not in told
        assert run(fleet, "apply", "--ref", "main").code == 0
        assert transfers(fleet) == {"acme": 6, "bluebird": 8}

    def test_a_branch_that_was_cut_before_shows_no_change_of_another(self, fleet: Shell) -> None:
        git(fleet.folder, "branch", "feature")
        grant(fleet, "acme", 20)
        commit(fleet)
        assert run(fleet, "apply", "--base", "applied").code == 0
        git(fleet.folder, "tag", "--force", "applied")
        git(fleet.folder, "checkout", "--quiet", "feature")
        grant(fleet, "bluebird", 9)
        commit(fleet)
        plan = run(fleet, "plan", "--base", "applied", "--format", "json").document
        assert [tenant["tenant"] for tenant in plan["tenants"]] == ["bluebird"]
        assert [(r["rule"], r["tenants"]) for r in plan["refusals"]] == [("base-ahead", ["acme"])]
        assert run(fleet, "apply", "--base", "applied").code == 0
        assert transfers(fleet) == {"acme": 20, "bluebird": 9}


def test_a_commit_that_raises_a_limit_lowers_nobody_to_whom_more_was_given(fleet: Shell) -> None:
    by_hand(fleet, "acme", 100)
    fleet.write("tiers.yaml", TIERS.replace("5GiB", "6GiB"))
    for tenant in ("acme", "bluebird"):
        grant(fleet, tenant, 9)
    commit(fleet)
    assert run(fleet, "apply", "--base", "applied").code == 0
    assert transfers(fleet) == {"acme": 100, "bluebird": 9}


class TestWhatGitDoesNotHold:
    def test_ignored_lines_reduce_nothing(self, fleet: Shell) -> None:
        fleet.write("tiers.yaml", TIERS + "tenants: [{ndjson: fleet/*.ndjson}, {files: tenants/*.yaml}]\n")
        fleet.write("fleet/all.ndjson", '{"tenant": "zoe", "tier": "free"}\n')
        commit(fleet)
        assert run(fleet, "apply", "--base", "applied").code == 0
        by_hand(fleet, "zoe", 50)
        assert run(fleet, "apply", "--base", "HEAD").code == 0
        assert transfers(fleet)["zoe"] == 50
        fleet.write("fleet/all.ndjson", '{"tenant": "zoe", "tier": "free", "labels": {"a": "b"}}\n')
        run(fleet, "apply", "--base", "applied")
        assert transfers(fleet)["zoe"] == 50

    @pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
    def test_edits_that_git_was_told_to_overlook_take_nothing(self, fleet: Shell, flag: str) -> None:
        git(fleet.folder, "update-index", flag, "tenants/acme.yaml")
        grant(fleet, "acme", 2)
        grant(fleet, "bluebird", 3)
        run(fleet, "apply", "--base", "HEAD")
        assert transfers(fleet) == {"acme": 8, "bluebird": 3}

    def test_a_sparse_checkout_is_an_error_and_prunes_nobody(self, fleet: Shell) -> None:
        git(fleet.folder, "update-index", "--refresh")  # what was copied passes for changed until then
        git(fleet.folder, "sparse-checkout", "set", "--no-cone", "/tiers.yaml", "/tenants/acme.yaml")
        assert not (fleet.folder / "tenants/bluebird.yaml").exists()
        ended = run(fleet, "apply", "--prune", "--allow", "deletes=9")
        assert ended.code == 3
        assert "sparse checkout" in ended.err
        assert transfers(fleet) == {"acme": 8, "bluebird": 8}

    def test_a_file_that_was_removed_is_no_such_error(self, fleet: Shell) -> None:
        (fleet.folder / "tenants/bluebird.yaml").unlink()
        assert run(fleet, "plan").code == 0


def test_a_source_whose_files_are_not_there_prunes_nobody(fleet: Shell) -> None:
    prices = (fleet.folder / "tiers.yaml").read_text(encoding="utf-8")
    sources = 'tenants: [{files: "tenants/**/*.yaml"}, {files: "lines/*.ndjson"}]'
    fleet.write("tiers.yaml", f"{prices}\n{sources}\n")
    commit(fleet)
    ended = run(fleet, "apply", "--base", "applied", "--prune")
    assert ended.code == 3
    assert "no file matches 'lines/*.ndjson'" in ended.err


def test_where_the_past_is_not_known_nothing_is_taken(fleet: Shell) -> None:
    git(fleet.folder, "checkout", "--quiet", "--orphan", "other")
    grant(fleet, "acme", 2)
    commit(fleet)
    ended = run(fleet, "apply", "--base", "applied")
    assert "no merge base" in ended.err
    assert transfers(fleet) == {"acme": 8, "bluebird": 8}


def test_after_criss_cross_merges_nothing_is_reduced(fleet: Shell) -> None:
    """The base and HEAD parted in two commits: by one of them alone a lowering of main would be this branch's."""
    git(fleet.folder, "branch", "one")
    grant(fleet, "acme", 6)
    commit(fleet)
    git(fleet.folder, "checkout", "--quiet", "one")
    grant(fleet, "bluebird", 9)
    theirs = commit(fleet)
    git(fleet.folder, "merge", "--quiet", "--no-edit", "main")
    git(fleet.folder, "checkout", "--quiet", "main")
    git(fleet.folder, "merge", "--quiet", "--no-edit", theirs)
    grant(fleet, "acme", 7)
    commit(fleet)
    run(fleet, "apply", "--base", "applied")
    git(fleet.folder, "tag", "--force", "applied")
    git(fleet.folder, "checkout", "--quiet", "one")
    ended = run(fleet, "apply", "--base", "applied")
    assert "merge base in this clone, or several" in ended.err
    assert transfers(fleet) == {"acme": 7, "bluebird": 9}


def test_a_price_list_whose_edit_git_ignores_reduces_nothing(fleet: Shell) -> None:
    git(fleet.folder, "update-index", "--assume-unchanged", "tiers.yaml")
    prices = (fleet.folder / "tiers.yaml").read_text(encoding="utf-8")
    fleet.write("tiers.yaml", prices.replace("logical_size: 512MiB", "logical_size: 256MiB"))
    ended = run(fleet, "apply", "--base", "applied", "--allow", "disruptive=9")
    assert "ignore an edit of tiers.yaml" in ended.err
    assert "Nothing to do" in ended.out or ended.code == 5
    assert {quota(row)["logical_size_bytes"] for row in fleet.stored.rows("projects")} == {512 * 2**20}


def forget_the_past(shell: Shell) -> None:
    """The files become a clone with the newest commit alone, as CI makes them."""
    git(
        shell.folder,
        "clone",
        "--quiet",
        "--bare",
        "--depth",
        "1",
        f"file://{shell.folder}",
        str(shell.folder / "shallow"),
    )
    shutil.rmtree(shell.folder / ".git")
    (shell.folder / "shallow").rename(shell.folder / ".git")
    git(shell.folder, "config", "core.bare", "false")
    git(shell.folder, "reset", "--quiet")


@pytest.mark.parametrize(
    ("in_git", "flags", "repaired"),
    [(True, (), False), (True, ("--base", "none"), True), (False, (), True)],
    ids=["the first commit", "--base none", "outside git"],
)
def test_without_a_base_drift_is_repaired_only_where_none_can_be(
    fleet: Shell, in_git: bool, flags: tuple[str, ...], repaired: bool
) -> None:
    by_hand(fleet, "acme", 100)
    prices = (fleet.folder / "tiers.yaml").read_text(encoding="utf-8")
    fleet.write("tiers.yaml", f"{prices}\ndrift_policy: {{quota: repair}}\n")
    shutil.rmtree(fleet.folder / ".git")
    if in_git:
        git(fleet.folder, "init", "--quiet", "--initial-branch=main")
        commit(fleet)
    run(fleet, "apply", *flags)
    assert transfers(fleet)["acme"] == (8 if repaired else 100)


class TestACloneWithoutItsHistory:
    @pytest.fixture
    def shallow(self, fleet: Shell) -> Shell:
        commit(fleet)
        forget_the_past(fleet)
        return fleet

    def test_creates_no_project_for_a_tenant_that_is_not_found(self, shallow: Shell) -> None:
        shallow.stored.delete_project("myapp-acme", moment=1)
        ended = run(shallow, "apply")
        assert ended.code == 5
        assert "the clone is shallow" in ended.err
        assert "missing-project" in ended.out
        assert transfers(shallow) == {"bluebird": 8}

    def test_lowers_nothing_even_if_drift_is_repaired(self, shallow: Shell) -> None:
        by_hand(shallow, "acme", 100)
        prices = (shallow.folder / "tiers.yaml").read_text(encoding="utf-8")
        shallow.write("tiers.yaml", f"{prices}\ndrift_policy: {{quota: repair}}\n")
        commit(shallow)
        forget_the_past(shallow)
        run(shallow, "apply")
        assert transfers(shallow)["acme"] == 100

    def test_makes_all_of_them_where_nothing_lives_yet(self, shallow: Shell) -> None:
        for name in shallow.stored.projects():
            shallow.stored.delete_project(name, moment=1)
        assert run(shallow, "apply").code == 0
        assert transfers(shallow) == {"acme": 8, "bluebird": 8}


def test_what_waits_since_an_older_commit_is_not_asked_for_by_files_that_the_tag_has_left_behind(
    fleet: Shell,
) -> None:
    advancing = ("--base", "refs/tags/applied", "--advance", "applied", "--tenant", "bluebird")
    grant(fleet, "acme", 3)
    older = commit(fleet)
    run(fleet, "apply", *advancing)
    grant(fleet, "acme", 6)
    commit(fleet)
    run(fleet, "apply", *advancing)
    git(fleet.folder, "checkout", "--quiet", older)
    run(fleet, "apply", "--base", "refs/tags/applied")
    assert transfers(fleet)["acme"] == 8
    git(fleet.folder, "checkout", "--quiet", "main")
    run(fleet, "apply", "--base", "refs/tags/applied")
    assert transfers(fleet)["acme"] == 6


class TestOnlyWhatWasAskedForCounts:
    def test_a_stray_change_fails_no_run(self, fleet: Shell) -> None:
        """Else the step that moves the base never runs, and the next merge repeats what is done already."""
        by_hand(fleet, "bluebird", 100)
        grant(fleet, "acme", 4)
        commit(fleet)
        for command in ("plan", "apply"):
            assert run(fleet, command, "--base", "applied").code == 0
        assert transfers(fleet) == {"acme": 4, "bluebird": 100}
        assert run(fleet, "plan", "--base", "applied", "--detailed-exitcode").code == 2
        assert run(fleet, "drift", "--base", "applied").code == 2
        assert run(fleet, "plan", "--base", "applied", "--fail-on", "drift").code == 2

    def test_what_was_asked_for_and_is_refused_does(self, fleet: Shell) -> None:
        fleet.tenant("acme", "tier: free\nprotect: true\noverrides: {quota: {data_transfer: 4GiB}}")
        commit(fleet)
        assert run(fleet, "plan", "--base", "applied").code == 5

    def test_a_conflict_of_another_tenant_fails_a_run_only_where_that_is_named(self, fleet: Shell) -> None:
        with fleet.account() as simulator:
            twin = ProjectSeed("myapp-bluebird", annotations={})
            simulator.add_project("free", twin)
        grant(fleet, "acme", 9)
        commit(fleet)
        assert run(fleet, "apply", "--base", "applied").code == 0
        assert run(fleet, "plan", "--base", "applied", "--fail-on", "conflict").code == 5
        grant(fleet, "bluebird", 9)
        commit(fleet)
        assert run(fleet, "plan", "--base", "applied").code == 5


def test_what_was_made_otherwise_at_creation_is_refused_and_never_in_sync(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: free\ndev_branches: [preview]")
    commit(fleet)
    fleet.applied("--base", "applied")
    git(fleet.folder, "tag", "--force", "applied")
    fleet.tenant("acme", "tier: free\ndev_branches: [{name: preview, schema_only: true}]")
    commit(fleet)
    for form in ("text", "markdown", "json"):
        ended = fleet.simulated("plan", "--base", "applied", "--format", form, "--out", "saved.json")
        assert ended.code == 5
        assert "made-at-creation" in ended.out
        assert "In sync" not in ended.out
    assert "the file changes its schema_only" in " ".join(fleet.run("show", "saved.json").out.split())
    assert fleet.simulated("apply", "--yes", "--base", "applied").code == 5


@pytest.mark.parametrize("flags", [(), ("--base", "applied")], ids=["guessed", "named"])
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_commit_that_renames_the_fleet_is_refused_as_a_whole(
    fleet: Shell, command: str, flags: tuple[str, ...]
) -> None:
    """Else each tenant is in conflict with its own annotation, and the run ends with 0."""
    tiers = (fleet.folder / "tiers.yaml").read_text(encoding="utf-8")
    fleet.write("tiers.yaml", tiers.replace("fleet: prod", "fleet: production"))
    commit(fleet)
    ended = run(fleet, command, *flags)
    assert ended.code == 5, ended.out
    assert "write fleet: prod in tiers.yaml" in " ".join(ended.err.split())


class TestATombstone:
    @pytest.fixture
    def came_back(self, fleet: Shell) -> Shell:
        """Acme was deleted by a tombstone, and has signed up again since, before the base moved."""
        fleet.tenant("acme", "tier: free\nstate: absent")
        commit(fleet)
        assert run(fleet, "apply", "--base", "applied").code == 0
        assert transfers(fleet) == {"bluebird": 8}
        signed_up = fleet.simulated("converge", "-", stdin=b'{"tenant": "acme", "tier": "free"}')
        assert signed_up.code == 0, signed_up.err
        return fleet

    @pytest.mark.parametrize("flags", [(), ("--allow", "lowering"), ("--tenant", "acme")])
    def test_does_not_delete_the_project_of_a_tenant_that_signed_up_again(
        self, came_back: Shell, flags: tuple[str, ...]
    ) -> None:
        second = run(came_back, "apply", "--base", "applied", *flags)
        assert second.code == 5
        assert "later-life" in second.out
        assert transfers(came_back) == {"acme": 5, "bluebird": 8}

    def test_that_is_not_committed_deletes_no_second_project(self, fleet: Shell) -> None:
        fleet.tenant("acme", "tier: free\nstate: absent")
        assert run(fleet, "apply").code == 0
        assert transfers(fleet) == {"bluebird": 8}
        assert fleet.simulated("converge", "-", stdin=b'{"tenant": "acme", "tier": "free"}').code == 0
        second = run(fleet, "apply")
        assert second.code == 5
        assert "no commit shows for which of them" in " ".join(second.out.split())
        assert "acme" in transfers(fleet)

    def test_that_a_document_denied_until_it_was_removed_deletes_nothing(self, fleet: Shell) -> None:
        sources = 'tenants: [{files: "tenants/**/*.yaml"}, {ndjson: "tenants/*.ndjson"}]'
        fleet.write("tiers.yaml", (fleet.folder / "tiers.yaml").read_text(encoding="utf-8") + sources + "\n")
        fleet.write("tenants/all.ndjson", '{"tenant": "acme", "state": "absent"}\n')
        fleet.tenant("acme", "tier: free\nstate: present")
        commit(fleet)
        (fleet.folder / "tenants/acme.yaml").unlink()
        edited = run(fleet, "apply")
        commit(fleet)
        for ended in (edited, run(fleet, "apply"), run(fleet, "apply", "--base", "applied")):
            assert ended.code == 5, ended.out
            assert "a missing file deletes nothing" in " ".join(ended.out.split())
        project = fleet.stored.project_ids()["myapp-acme"]
        named = {"tenant": "acme", "state": "absent", "project_id": project}
        fleet.write("tenants/all.ndjson", json.dumps(named) + "\n")
        commit(fleet)
        assert run(fleet, "apply", "--base", "applied").code == 0
        assert "acme" not in transfers(fleet)

    def test_that_is_not_applied_yet_gives_its_project_to_no_sign_up(self, fleet: Shell) -> None:
        fleet.tenant("acme", "tier: free\nstate: absent")
        git(fleet.folder, "add", "--all", "tenants")
        by_the_account = f"{int(fleet.clock())} +0000"
        at = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), by_the_account)
        git(fleet.folder, "commit", "--quiet", "--message", "x", environ=at)
        signed_up = fleet.simulated(
            "converge", "-", "--connections-to", "strings", stdin=b'{"tenant": "acme", "tier": "free"}'
        )
        assert (signed_up.code, (fleet.folder / "strings").read_text()) == (5, "")
        assert "says state: absent: the next apply deletes project" in " ".join(signed_up.err.split())

    def test_does_not_delete_what_a_checkout_of_older_files_has_moved_up(self, fleet: Shell) -> None:
        fleet.tenant("acme", "tier: free\nstate: absent")
        commit(fleet)
        git(fleet.folder, "checkout", "--quiet", "applied")
        paid = fleet.simulated("converge", "-", stdin=b'{"tenant": "acme", "tier": "pro"}')
        assert paid.code == 0, paid.out
        git(fleet.folder, "checkout", "--quiet", "main")
        ended = run(fleet, "apply", "--base", "applied", "--allow", "lowering")
        assert (ended.code, "later-life" in ended.out) == (5, True)
        assert "acme" in transfers(fleet)

    def test_nor_by_converging_its_name(self, came_back: Shell) -> None:
        assert came_back.simulated("converge", "acme", "--base", "applied").code == 5
        assert "acme" in transfers(came_back)

    def test_ends_it_where_it_names_the_project(self, came_back: Shell) -> None:
        found = came_back.stored.project("myapp-acme")["id"]
        came_back.tenant("acme", f"tier: free\nstate: absent\nproject_id: {found}")
        commit(came_back)
        assert run(came_back, "apply", "--base", "applied").code == 0
        assert transfers(came_back) == {"bluebird": 8}

    def test_of_a_machine_whose_clock_is_ahead_deletes_nothing_before_its_date(self, fleet: Shell) -> None:
        """Otherwise the project of a tenant that signs up meanwhile would be the next one to go."""
        created = datetime.fromtimestamp(fleet.stored.project("myapp-acme")["created_at"], UTC)
        fleet.tenant("acme", "tier: free\nstate: absent")
        date = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), str(created + timedelta(days=180)))
        git(fleet.folder, "commit", "--quiet", "--all", "--message", "x", environ=date)
        refused = run(fleet, "apply", "--base", "applied")
        assert refused.code == 5
        assert "the tombstone is dated" in refused.out
        assert "acme" in transfers(fleet)

    def test_of_a_tier_that_is_retired_ends_the_project_wherever_it_is(self, fleet: Shell) -> None:
        fleet.tenant("cedar", "tier: pro")
        commit(fleet)
        assert run(fleet, "apply", "--base", "applied").code == 0
        git(fleet.folder, "tag", "--force", "applied")
        fleet.write("tiers.yaml", TIERS[: TIERS.index("  pro:\n")])
        fleet.tenant("cedar", "tier: pro\nstate: absent")
        commit(fleet)
        for selection in (("--tenant", "cedar"), ()):
            plan = run(fleet, "plan", "--base", "applied", *selection, "--format", "json").document
            assert [tenant["tenant"] for tenant in plan["tenants"]] == ["cedar"]
        assert run(fleet, "apply", "--base", "applied").code == 0
        assert transfers(fleet) == {"acme": 8, "bluebird": 8}
        assert run(fleet, "plan", "--base", "applied").code == 0
        assert fleet.run("validate").code == 0


class TestOrganizations:
    """Three of them, and other words for one."""

    BIG = TIERS.replace(
        "personal_api_key",
        """  big:
    id: ${NEON_BIG_ORG_ID}
    api_key: ${BIG_ORG_API_KEY}
    limits: {branches: 5000, snapshots: 100, compute: {min_cu: 0.25, max_cu: 56}, restore_window: 30d}
personal_api_key""",
        1,
    )

    def test_an_upgrade_does_not_move_down_whom_support_put_into_the_biggest(self, fleet: Shell) -> None:
        fleet.write("tiers.yaml", self.BIG)
        commit(fleet)
        assert run(fleet, "apply", "--base", "applied").code == 0
        git(fleet.folder, "tag", "--force", "applied")
        move(fleet, "acme", "big")
        for tenant in ("acme", "bluebird"):
            fleet.tenant(tenant, "tier: pro")
        commit(fleet)
        assert run(fleet, "apply", "--base", "applied").code == 5
        assert homes(fleet) == {"acme": "big", "bluebird": "paid"}
        fleet.tenant("acme", "tier: free\naccept: {history_loss: true}")
        git(fleet.folder, "tag", "--force", "applied")
        commit(fleet)
        assert run(fleet, "apply", "--base", "applied").code == 0
        assert homes(fleet)["acme"] == "free"

    def test_another_name_of_one_moves_nobody(self, fleet: Shell) -> None:
        by_hand(fleet, "acme", 100)
        move(fleet, "acme", "paid")
        renamed = TIERS.replace("  free:\n    id", "  sponsored:\n    id").replace(": free\n", ": sponsored\n")
        fleet.write("tiers.yaml", renamed)
        commit(fleet)
        ended = run(fleet, "apply", "--base", "applied", "--trust-files")
        assert ended.code == 0
        assert homes(fleet) == {"acme": "paid", "bluebird": "sponsored"}
        assert transfers(fleet) == {"acme": 100, "bluebird": 8}


def test_a_downgrade_takes_all_that_a_document_gave(fleet: Shell) -> None:
    """Nothing of the tier that only the document named is left beside the tier of the commit."""
    fleet.tenant("acme", "tier: pro")
    commit(fleet)
    assert run(fleet, "apply", "--base", "applied").code == 0
    git(fleet.folder, "tag", "--force", "applied")
    scale = TIERS[TIERS.index("  pro:") :].replace("pro:", "scale:").replace("50GiB", "500GiB")
    scale = scale.replace(
        "min_cu: 0.5, max_cu: 4, suspend_timeout: 5m", "min_cu: 1, max_cu: 8, suspend_timeout: 9m"
    )
    fleet.write("tiers.yaml", TIERS + scale)
    commit(fleet)
    document = b'{"tenant": "acme", "tier": "scale"}'
    assert fleet.simulated("converge", "-", "--journal", "journal.jsonl", stdin=document).code == 0
    assert transfers(fleet)["acme"] == 500
    fleet.tenant("acme", "tier: free\naccept: {history_loss: true}")
    commit(fleet)
    assert run(fleet, "apply", "--base", "applied").code == 0
    assert run(fleet, "plan", "--base", "HEAD", "--detailed-exitcode").code == 0


def test_a_base_with_settings_that_this_release_does_not_know_holds_nobody_back(fleet: Shell) -> None:
    """HEAD moves settings that an earlier release accepted under ``unchecked``, and lowers a limit."""
    tier = (fleet.folder / "tiers.yaml").read_text(encoding="utf-8")
    settings = "overrides: {{quota: {{data_transfer: {}GiB}}, settings: {}}}\n"
    fleet.write("tiers.yaml", tier.replace("  free:\n    organization", FREE.format("{bright: 1}")))
    fleet.tenant("acme", "tier: free\n" + settings.format(8, "{shiny: true}"))
    commit(fleet)
    git(fleet.folder, "tag", "--force", "applied")
    fleet.write("tiers.yaml", tier.replace("  free:\n    organization", FREE.format("{unchecked: {bright: 1}}")))
    fleet.tenant("acme", "tier: free\n" + settings.format(7, "{unchecked: {shiny: true}}"))
    commit(fleet)
    fleet.applied("--base", "applied", "--only", "quota")
    assert transfers(fleet) == {"acme": 7, "bluebird": 8}


def test_what_is_accepted_in_a_commit_after_the_one_that_asks_is_refused_with_the_base_to_name(
    fleet: Shell,
) -> None:
    """Not called drift: whoever committed the acceptance believes that the reduction is asked for."""
    fleet.tenant("acme", "tier: pro")
    commit(fleet)
    assert run(fleet, "apply").code == 0
    fleet.tenant("acme", "tier: free")
    commit(fleet)
    assert run(fleet, "apply").code == 5, "it would lose history"
    fleet.tenant("acme", "tier: free\naccept: {history_loss: pro -> free}")
    commit(fleet)
    ended = run(fleet, "apply")
    assert ended.code == 5, ended.out
    assert "name the last applied commit with --base" in " ".join(ended.out.split())
    assert homes(fleet)["acme"] == "paid"
    assert run(fleet, "apply", "--base", "HEAD~2").code == 0
    assert homes(fleet)["acme"] == "free"


class TestABoostInACommit:
    """Each command runs a day and an hour after the one before it."""

    def boosted(self, fleet: Shell) -> None:
        boost = "boosts: [{quota: {data_transfer: 100GiB}, until: 2028-03-07T00:00:00Z, reason: launch}]\n"
        grant(fleet, "acme", 8, boost)
        commit(fleet)
        fleet.applied()
        git(fleet.folder, "tag", "--force", "applied")
        assert transfers(fleet) == {"acme": 100, "bluebird": 8}

    def test_is_taken_back_by_the_first_run_after_its_end_and_by_no_earlier_one(self, fleet: Shell) -> None:
        self.boosted(fleet)
        found = []
        for _ in range(10):
            assert fleet.applied("--base", "applied").code == 0
            found.append(transfers(fleet)["acme"])
        assert found == sorted(found, reverse=True)
        assert set(found) == {100, 8}
        assert fleet.simulated("plan", "--base", "applied", "--detailed-exitcode").code == 0

    def test_is_selected_by_changes_once_it_has_ended_and_so_is_a_hold(self, fleet: Shell) -> None:
        self.boosted(fleet)
        grant(fleet, "bluebird", 8, "hold: {until: 2028-03-07T00:00:00Z, reason: a migration}\n")
        commit(fleet)
        git(fleet.folder, "tag", "--force", "applied")
        flags = ("--base", "applied", "--changed-since", "applied")
        fleet.clock = lambda: 1_835_956_800.0  # 2028-03-06
        assert "2 tenants left out by the selection" in fleet.simulated("plan", *flags).out
        fleet.clock = lambda: 1_900_000_000.0
        assert "left out" not in fleet.simulated("plan", *flags).out
        assert fleet.applied(*flags).code == 0
        assert transfers(fleet)["acme"] == 8

    def test_is_taken_back_where_the_commit_was_never_tagged(self, fleet: Shell) -> None:
        """The base is the parent of HEAD then, which has the boost as soon as another commit follows it."""
        self.boosted(fleet)
        commit(fleet, "another one")
        fleet.clock = lambda: 1_900_000_000.0
        assert fleet.applied().code == 0
        assert transfers(fleet)["acme"] == 8

    def test_is_taken_from_nobody_by_files_that_git_does_not_hold(self, fleet: Shell) -> None:
        self.boosted(fleet)
        (fleet.folder / ".git").rename(fleet.folder / ".no-git")
        fleet.clock = lambda: 1_900_000_000.0
        ended = fleet.simulated("apply", "--yes")
        assert "lowering-needs-a-cause" in ended.out
        assert transfers(fleet)["acme"] == 100
