"""Commands run in a folder below the fleet's use the fleet, and say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.runtime import Runtime
from reconciler.environment import Environment
from tests.harness.repository import git
from tests.harness.shell import run_in

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell


def below(shell: Shell, *args: str) -> Ended:
    (shell.folder / "tenants/eu").mkdir(exist_ok=True)
    return run_in(shell.folder / "tenants/eu", args, Runtime(environ=Environment({}), clock=shell.clock))


def test_a_command_in_a_folder_below_uses_the_fleet_and_says_so(shell: Shell) -> None:
    shell.tenant("acme")
    git(shell.folder, "init")
    ended = below(shell, "plan", "--simulator", "sim.db")
    assert ended.code == 0
    assert ended.err.startswith(f"using ../../tiers.yaml, in the folder {shell.folder}\n")
    assert "(../../tenants/acme.yaml:1)" in ended.out


def test_a_folder_that_is_named_is_not_searched_from(shell: Shell) -> None:
    shell.tenant("acme")
    ended = below(shell, "validate", "-C", ".")
    assert ended.code == 3
    assert "tiers.yaml:1:1: the file does not exist" in ended.out
    assert ended.err == ""


def test_the_price_list_of_the_current_folder_comes_first(shell: Shell) -> None:
    shell.tenant("acme")
    shell.write("tenants/eu/tiers.yaml", "version: 2\n")
    ended = below(shell, "validate")
    assert ended.code == 3
    assert ended.out.startswith("tiers.yaml:1:")
