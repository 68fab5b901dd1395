"""An adopter's first days: projects that people made by hand, and an empty folder that becomes a fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.simulator.seed import ProjectSeed
from tests.e2e.test_causes import commit, run
from tests.harness.builders import DAY, FREE_COMPUTE, FREE_QUOTA, GIB, PRO_COMPUTE, PRO_QUOTA
from tests.harness.lived import lived
from tests.harness.repository import git
from tests.harness.simulated import simulated_compute, simulated_quota

if TYPE_CHECKING:
    from tests.harness.shell import Shell

pytestmark = pytest.mark.drawn(10)

PAID = ProjectSeed(
    "myapp-zed",
    quota=simulated_quota(PRO_QUOTA),
    compute=simulated_compute(PRO_COMPUTE),
    restore_window_seconds=7 * DAY,
    storage_bytes=900 * GIB,
)
FREE = ProjectSeed(
    "myapp-acme",
    quota=simulated_quota(FREE_QUOTA),
    compute=simulated_compute(FREE_COMPUTE),
    restore_window_seconds=DAY,
)


@pytest.fixture
@lived
def hand_made(shell: Shell) -> Shell:
    """A project of 900 GiB in the paid organization and a small one in the free one; nobody annotated either."""
    shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    commit(shell)
    git(shell.folder, "tag", "applied")
    assert run(shell, "plan").code == 0
    with shell.account() as account:
        account.add_project("paid", PAID)
        account.add_project("free", FREE)
    shell.tenant("zed", "tier: free")
    shell.tenant("acme", "tier: free")
    commit(shell)
    return shell


def rows(shell: Shell) -> list[tuple[object, ...]]:
    """Every project with its organization and settings, and every compute."""
    told = ("name", "settings", "default_endpoint_settings", "history_retention_seconds")
    projects = shell.stored.rows("projects", deleted=True)
    computes = shell.stored.rows("endpoints", deleted=True)
    return [
        *((row["id"], row["org_id"], *(row["body"][member] for member in told)) for row in projects),
        *((row["id"], row["body"]) for row in computes),
    ]


def count_marks(shell: Shell) -> int:
    return len(shell.stored.rows("branches", deleted=True, name="neon-reconciler-adoption"))


BASES = pytest.mark.parametrize(
    "base", [("--base", "applied"), ("--base", "none"), ()], ids=["a base", "no base", "a base that nobody named"]
)


@BASES
@pytest.mark.parametrize("permissions", [(), ("--allow", "lowering", "--allow", "transfers=9")], ids=["", "all"])
def test_the_first_apply_marks_and_takes_nothing(
    hand_made: Shell, base: tuple[str, ...], permissions: tuple[str, ...]
) -> None:
    planned = run(hand_made, "plan", *base, *permissions)
    assert planned.code == 0
    assert "adopt project myapp-zed" in planned.out
    assert "project_id" in planned.out
    before = rows(hand_made)
    applied = run(hand_made, "apply", *base, *permissions)
    assert applied.code == 0, applied.out + applied.err
    assert "adopted" in applied.out
    assert rows(hand_made) == before
    assert count_marks(hand_made) == 2


@BASES
def test_the_runs_after_it_report_what_differs(hand_made: Shell, base: tuple[str, ...]) -> None:
    run(hand_made, "apply", *base)
    before = rows(hand_made)
    for _ in range(2):
        second_run = run(hand_made, "apply", *base)
        assert second_run.code == 0, second_run.out + second_run.err
        assert rows(hand_made) == before
    assert count_marks(hand_made) == 2


def test_a_commit_after_the_base_moved_asks_for_something(hand_made: Shell) -> None:
    assert run(hand_made, "apply", "--base", "applied", "--advance", "applied").code == 0
    hand_made.tenant("acme", "tier: pro")
    commit(hand_made)
    upgraded = run(hand_made, "apply", "--base", "applied", "--advance", "applied")
    assert upgraded.code == 0, upgraded.out + upgraded.err
    assert "upgraded" in upgraded.out


def test_a_pin_that_a_person_merges_confirms_it_at_once(hand_made: Shell) -> None:
    own = hand_made.stored.project_ids()["myapp-acme"]
    hand_made.tenant("acme", f"tier: free\nproject_id: {own}\noverrides: {{quota: {{data_transfer: 6GiB}}}}")
    commit(hand_made)
    applied = run(hand_made, "apply", "--base", "applied", "--tenant", "acme")
    assert applied.code == 0, applied.out + applied.err
    assert "changed" in applied.out
    assert count_marks(hand_made) == 0


def test_drift_and_plan_count_what_is_only_not_marked(hand_made: Shell) -> None:
    found = run(hand_made, "drift", "--tenant", "acme")
    assert found.code == 2, found.out + found.err
    assert "found by name only" in " ".join(found.out.split())
    assert run(hand_made, "plan", "--tenant", "acme", "--detailed-exitcode").code == 2
    assert run(hand_made, "apply", "--tenant", "acme").code == 0
    assert run(hand_made, "drift", "--tenant", "acme").code == 0
    assert run(hand_made, "plan", "--tenant", "acme", "--detailed-exitcode").code == 0


def test_an_upgrade_by_name_says_that_it_is_not_confirmed_and_goes_through_once_it_is(hand_made: Shell) -> None:
    hand_made.tenant("acme", "tier: pro")
    first = hand_made.simulated("converge", "acme")
    assert first.code == 5
    assert "unconfirmed" in first.out + first.err
    second = hand_made.simulated("converge", "acme")
    assert second.code == 0, second.out + second.err
    assert "upgraded" in second.out


@pytest.mark.parametrize("declared", [True, False], ids=["its file is committed", "in no file"])
def test_an_upgrade_by_a_document(hand_made: Shell, declared: bool) -> None:
    if not declared:
        (hand_made.folder / "tenants" / "acme.yaml").unlink()
        commit(hand_made)
    ends = [hand_made.simulated("converge", "-", stdin=b'{"tenant": "acme", "tier": "pro"}') for _ in range(2)]
    assert [ended.code for ended in ends] == ([0, 0] if declared else [5, 0])
    assert count_marks(hand_made) == (0 if declared else 1)


class TestARegistry:
    @pytest.fixture
    def registered(self, hand_made: Shell) -> Shell:
        tiers = (hand_made.folder / "tiers.yaml").read_text(encoding="utf-8")
        hand_made.write("tiers.yaml", f"{tiers}registry: {{url: sqlite:///registry.db}}\n")
        commit(hand_made)
        return hand_made

    def test_its_row_is_the_mark(self, registered: Shell) -> None:
        before = rows(registered)
        first = run(registered, "apply", "--base", "none")
        assert first.code == 0, first.out + first.err
        assert "records it in the registry" in " ".join(first.out.split())
        assert rows(registered) == before
        assert count_marks(registered) == 0
        second = run(registered, "plan", "--base", "none")
        assert "unconfirmed" not in second.out
        assert "lowering-needs-a-cause" in second.out

    def test_a_row_that_was_recorded_for_a_name_asks_for_nothing(self, registered: Shell) -> None:
        before = rows(registered)
        told = [run(registered, "apply", "--base", "applied") for _ in range(3)]
        assert [applied.code for applied in told] == [0, 0, 0], told[-1].out
        assert "Reported (1)" in told[-1].out
        assert rows(registered) == before

    def test_it_keeps_no_row_of_a_project_that_is_in_doubt(self, registered: Shell) -> None:
        """An earlier customer's: a run beside the conflict does not settle it."""
        tenant = "nina"
        registered.applied("--base", "none", "--tenant", "acme")
        note = {"managed-by": "neon-reconciler", "fleet": "prod", "tenant": tenant, "run": "r0"}
        with registered.account() as account:
            at = account.clock.now() - 100 * DAY
            account.add_project("free", ProjectSeed(f"myapp-{tenant}", annotations=note, created_at=at))
        registered.tenant(tenant, "tier: free")
        commit(registered)
        for command in ("apply", "apply", "plan"):
            told = run(registered, command, "--base", "applied")
            assert "earlier customer" in " ".join(told.out.split())
