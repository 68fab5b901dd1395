"""Waves on the command line: growing parts, and what ends a run between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.shell import Shell


def test_a_run_in_waves_reaches_every_tenant(shell: Shell) -> None:
    for number in range(12):
        shell.tenant(f"t{number:02}", "tier: free")
    ended = shell.applied("--waves", "1,50%,100%", "--allow", "creates=12")
    assert "In 3 waves: 1, 5 and 6 tenants." in ended.out
    assert "Applied: 12 tenants." in ended.out
    assert "In sync" in shell.simulated("plan").out


@pytest.mark.parametrize("waves", ["", "1,10%", "5,1,100%", "1,x,100%", "1,100%,200%"])
def test_waves_that_mean_nothing_are_usage_errors_with_an_example(shell: Shell, waves: str) -> None:
    shell.tenant("acme")
    ended = shell.simulated("apply", "--yes", "--waves", waves)
    assert ended.code == 3
    assert "for example --waves 1,1%,10%,100%" in ended.err
    assert not (shell.folder / "sim.db").exists()
