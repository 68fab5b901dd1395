"""Tenants of files that git does not hold: made once, and then nothing is taken, moved or made again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_causes import by_hand, commit, run, transfers
from tests.harness.lived import lived
from tests.harness.repository import git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

pytestmark = pytest.mark.drawn(10)

SOURCES = "tenants: [{ndjson: fleet/*.ndjson}, {files: tenants/*.yaml}]\n"
LINES = "fleet/all.ndjson"


def lines(shell: Shell, **gib: int) -> None:
    """One line for each tenant of tier pro, with its limit of transfer."""
    written = (
        json.dumps({"tenant": name, "tier": "pro", "overrides": {"quota": {"data_transfer": f"{limit}GiB"}}})
        for name, limit in gib.items()
    )
    shell.write(LINES, "".join(f"{line}\n" for line in written))


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Zoe is a line that git ignores, acme one with a document on top of it that git holds."""
    shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    shell.write("tiers.yaml", TIERS + SOURCES)
    shell.tenant("acme", "labels: {team: eu}")
    lines(shell, acme=50, zoe=50)
    commit(shell)
    shell.applied("--base", "none")
    git(shell.folder, "tag", "applied")
    return shell


def move_by_hand(shell: Shell) -> None:
    """Somebody moves zoe's project to the free organization."""
    shell.stored.move("myapp-zoe", "free")


def organizations(shell: Shell) -> dict[str, str]:
    return {name.removeprefix("myapp-"): where for name, where in shell.stored.organizations().items()}


def refusals(ended: Ended) -> list[tuple[str, list[str]]]:
    return [(refusal["rule"], refusal["tenants"]) for refusal in ended.document["refusals"]]


@pytest.mark.parametrize("policy", ["", "drift_policy: {quota: repair}\n"], ids=["", "where drift is repaired"])
@pytest.mark.parametrize("selection", [(), ("--tenant", "acme", "--tenant", "zoe")], ids=["all", "few"])
def test_a_line_that_git_ignores_lowers_no_tenant_even_under_a_document(
    fleet: Shell, policy: str, selection: tuple[str, ...]
) -> None:
    fleet.write("tiers.yaml", TIERS + SOURCES + policy)
    commit(fleet)
    lines(fleet, acme=20, zoe=20)
    ended = run(fleet, "apply", "--base", "applied", *selection)
    assert ended.code == 0, ended.err
    assert transfers(fleet) == {"acme": 50, "zoe": 50}
    assert "no known commit asks for it" in " ".join(ended.out.split())


def test_nor_by_its_name(fleet: Shell) -> None:
    lines(fleet, acme=20, zoe=20)
    fleet.simulated("converge", "acme", "zoe", "--base", "applied")
    assert transfers(fleet) == {"acme": 50, "zoe": 50}


def test_what_it_raises_is_given(fleet: Shell) -> None:
    lines(fleet, acme=60, zoe=60)
    assert run(fleet, "apply", "--base", "applied").code == 0
    assert transfers(fleet) == {"acme": 60, "zoe": 60}


class TestAProjectThatSomebodyMoved:
    @pytest.mark.parametrize("policy", ["", "drift_policy: {organization: repair}\n"], ids=["", "repaired"])
    def test_is_not_moved_back(self, fleet: Shell, policy: str) -> None:
        fleet.write("tiers.yaml", TIERS + SOURCES + policy)
        commit(fleet)
        move_by_hand(fleet)
        before = organizations(fleet)
        ended = run(fleet, "plan", "--base", "applied", "--format", "json")
        assert ended.code == 0, ended.err
        assert refusals(ended) == [("move-needs-a-cause", ["zoe"])]
        assert run(fleet, "apply", "--base", "applied").code == 0
        assert organizations(fleet) == before

    def test_is_moved_where_a_person_counts_it(self, fleet: Shell) -> None:
        move_by_hand(fleet)
        fleet.applied("--base", "applied", "--allow", "transfers=1")
        assert organizations(fleet)["zoe"] == "paid"


class TestAProjectThatIsGone:
    @pytest.fixture
    def gone(self, fleet: Shell) -> Shell:
        fleet.stored.delete_project("myapp-zoe")
        return fleet

    @pytest.mark.parametrize(
        "command", [("apply", "--yes"), ("apply", "--yes", "--tenant", "zoe"), ("converge", "zoe")]
    )
    def test_is_not_replaced_by_an_empty_one(self, gone: Shell, command: tuple[str, ...]) -> None:
        gone.simulated(*command, "--base", "applied")
        assert list(transfers(gone)) == ["acme"]

    def test_is_replaced_where_a_person_counts_it(self, gone: Shell) -> None:
        gone.applied("--base", "applied", "--allow", "creates=1")
        assert sorted(transfers(gone)) == ["acme", "zoe"]


@pytest.mark.parametrize("command", [("apply", "--yes"), ("converge", "zoe")])
def test_a_project_that_somebody_renamed_is_found(fleet: Shell, command: tuple[str, ...]) -> None:
    fleet.stored.rename_project(fleet.stored.project_ids()["myapp-zoe"], "a shop")
    ended = fleet.simulated(*command, "--base", "applied")
    assert ended.code == 0, ended.err
    assert sorted(transfers(fleet)) == ["acme", "zoe"]


def test_a_tenant_that_is_new_is_made_from_a_line_that_git_ignores(fleet: Shell) -> None:
    lines(fleet, acme=50, zoe=50, new=50)
    assert run(fleet, "apply", "--base", "applied").code == 0
    assert sorted(transfers(fleet)) == ["acme", "new", "zoe"]
    lines(fleet, acme=50, zoe=50, new=50, newer=50)
    assert fleet.simulated("converge", "newer", "--base", "applied").code == 0
    assert sorted(transfers(fleet)) == ["acme", "new", "newer", "zoe"]


def test_support_s_gift_stays(fleet: Shell) -> None:
    by_hand(fleet, "zoe", 100)
    assert run(fleet, "apply", "--base", "applied").code == 0
    assert transfers(fleet)["zoe"] == 100


def test_a_price_list_that_no_commit_has_any_more_reduces_nothing(fleet: Shell) -> None:
    git(fleet.folder, "rm", "--quiet", "--cached", "tiers.yaml")
    git(fleet.folder, "commit", "--quiet", "--message", "x")
    fleet.write("tiers.yaml", TIERS.replace("logical_size: 10GiB", "logical_size: 1GiB") + SOURCES)
    ended = run(fleet, "apply", "--base", "applied")
    assert "git does not hold tiers.yaml" in ended.err
    assert "1GiB reduces" in " ".join(ended.out.split())


def test_a_tenant_that_an_overlooked_edit_took_out_is_not_pruned(fleet: Shell) -> None:
    both = "tenant: one\ntier: free\n---\ntenant: two\ntier: free\n---\ntenant: three\ntier: free\n"
    fleet.write("tenants/both.yaml", both)
    commit(fleet)
    fleet.applied("--base", "applied")
    git(fleet.folder, "tag", "--force", "applied")
    git(fleet.folder, "update-index", "--assume-unchanged", "tenants/both.yaml")
    fleet.write("tenants/both.yaml", both.rpartition("---")[0])
    with fleet.account() as simulator:
        simulator.clock.advance(20 * 86_400)
    run(fleet, "apply", "--base", "applied", "--prune")
    assert "three" in transfers(fleet)
    git(fleet.folder, "update-index", "--no-assume-unchanged", "tenants/both.yaml")
    commit(fleet)
    run(fleet, "apply", "--base", "applied", "--prune")
    assert "three" not in transfers(fleet)
