"""Tombstones that ``converge`` carries out by name count among all deletions that the files ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_causes import commit, transfers
from tests.harness.lived import lived
from tests.harness.repository import git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from tests.harness.shell import Shell

MOST = 2
NAMES = [f"t{number}" for number in range(6)]


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Six tenants, of whom a run may delete two."""
    shell.write(".gitignore", "*\n!tenants\n!tenants/*\n!tiers.yaml\n!.gitignore\n")
    shell.write("tiers.yaml", f"{TIERS}guards: {{deletes: {{max: {MOST}, percent: 0}}}}\n")
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    for name in NAMES:
        shell.tenant(name, "tier: free")
    commit(shell)
    shell.applied("--base", "none")
    git(shell.folder, "tag", "applied")
    return shell


def end(shell: Shell, *names: str) -> None:
    """A commit with their tombstones, each for the project that lives."""
    for name in names:
        shell.tenant(name, "tier: free\nstate: absent")
    commit(shell)


def converge(shell: Shell, *arguments: str) -> int:
    return shell.simulated("converge", *arguments, "--base", "applied").code


def test_one_by_one_no_more_go_than_in_one_run(fleet: Shell) -> None:
    end(fleet, *NAMES[: MOST + 1])
    for name in NAMES[: MOST + 1]:
        ended = fleet.simulated("converge", name, "--base", "applied")
        assert ended.code == 5
        assert "3 deletes in organization free in the whole fleet, threshold 2 per run" in " ".join(
            ended.err.split()
        )
    assert converge(fleet, *NAMES[: MOST + 1]) == 5
    assert sorted(transfers(fleet)) == NAMES


def test_as_many_as_a_run_may_delete_go_by_name(fleet: Shell) -> None:
    end(fleet, *NAMES[:MOST])
    assert [converge(fleet, name) for name in NAMES[:MOST]] == [0, 0]
    assert sorted(transfers(fleet)) == NAMES[MOST:]


def test_a_person_may_count_them(fleet: Shell) -> None:
    end(fleet, *NAMES)
    assert converge(fleet, NAMES[0], "--allow", "deletes=1") == 0
    assert sorted(transfers(fleet)) == NAMES[1:]


def test_tombstones_of_others_stop_no_sign_up_and_no_change(fleet: Shell) -> None:
    end(fleet, *NAMES[:5])
    fleet.tenant("t5", "tier: free\noverrides: {quota: {data_transfer: 9GiB}}")
    fleet.tenant("new", "tier: free")
    commit(fleet)
    assert converge(fleet, "t5", "new") == 0
    assert transfers(fleet) == {**dict.fromkeys(NAMES[:5], 5), "t5": 9, "new": 5}
