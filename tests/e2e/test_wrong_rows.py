"""A registry row that names another customer's project: of another account, an old backup, or a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ExitCode
from tests.harness.registry_database import give_row_of
from tests.harness.repository import commit_all, git

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

pytestmark = pytest.mark.drawn(8)

COMMANDS = [
    ("converge", "acme"),
    ("plan", "--tenant", "acme"),
    ("apply", "--yes", "--tenant", "acme"),
    ("apply", "--yes"),
    ("connections", "acme", "--reveal"),
    ("restore", "acme", "--to", "1h", "--yes"),
    ("rotate", "acme", "--role", "neondb_owner", "--reveal", "--yes"),
]
EACH = pytest.mark.parametrize("command", COMMANDS, ids=" ".join)


@pytest.fixture
def base(shell: Shell) -> str:
    """The commit of two applied tenants, before acme is reduced; acme's row names bob's project."""
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    shell.write(".gitignore", "sim.*\njournal.jsonl\n")
    tiers = (shell.folder / "tiers.yaml").read_text(encoding="utf-8")
    shell.write("tiers.yaml", f"{tiers}registry: {{url: 'sqlite:///registry.db'}}\n")
    shell.tenant("acme")
    shell.tenant("bob")
    applied = commit_all(shell.folder)
    shell.applied()
    shell.tenant("acme", "tier: free\noverrides: {quota: {active_time: 1h}}")
    commit_all(shell.folder)
    give_row_of("bob", "acme", shell.folder / "sim.registry.db")
    return applied


def run(shell: Shell, command: tuple[str, ...], base: str) -> Ended:
    before = shell.stored.projects()
    ended = shell.simulated(*command, "--base", base)
    assert {name: row for name, row in shell.stored.projects().items() if name != "myapp-acme"} == {
        name: row for name, row in before.items() if name != "myapp-acme"
    }
    assert "postgresql://" not in ended.out
    return ended


@EACH
def test_is_a_conflict_where_the_other_one_is_declared(shell: Shell, base: str, command: tuple[str, ...]) -> None:
    ended = run(shell, command, base)
    assert ended.code in (ExitCode.REFUSED, ExitCode.ERROR), ended.out + ended.err
    assert "bob" in ended.out + ended.err


@EACH
def test_is_a_conflict_where_the_other_one_is_gone_from_the_files(
    shell: Shell, base: str, command: tuple[str, ...]
) -> None:
    (shell.folder / "tenants/bob.yaml").unlink()
    commit_all(shell.folder)
    ended = run(shell, command, base)
    assert ended.code in (ExitCode.REFUSED, ExitCode.ERROR), ended.out + ended.err
    told = " ".join((ended.out + ended.err).split())
    assert "the registry names project" in told
    assert "which seems to belong to tenant 'bob'" in told
    assert "delete the other by hand" not in told


def test_a_rebuild_corrects_the_row(shell: Shell, base: str) -> None:
    rebuild = ("registry", "rebuild", "--simulator", "sim.db", "--base", base)
    first = shell.run(*rebuild)
    assert "now belongs to tenant 'bob'" in first.out, first.err
    assert shell.run(*rebuild).code == 0
    assert shell.simulated("converge", "acme", "--base", base).code == 0
