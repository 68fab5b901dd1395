"""The connection string of a tenant, read again: only into the file that is named, and of its own project only."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from reconciler.simulator.seed import ProjectSeed

if TYPE_CHECKING:
    from tests.e2e.command_line import Ended, Shell

ZOE = b'{"tenant": "zoe", "tier": "free"}'


def strings(shell: Shell, name: str) -> dict[str, str]:
    """What a file holds, by tenant."""
    lines = map(json.loads, (shell.folder / name).read_text(encoding="utf-8").splitlines())
    return {line["tenant"]: line["connection_uri"] for line in lines}


def asked(shell: Shell, *words: str, stdin: bytes = b"") -> Ended:
    return shell.simulated("connection-string", *words, "--connections-to", "again", stdin=stdin)


@pytest.fixture
def fleet(shell: Shell) -> Shell:
    """Acme, by a file, and zoe, by a document."""
    shell.tenant("acme")
    assert shell.simulated("converge", "acme", "-", "--connections-to", "strings", stdin=ZOE).code == 0
    return shell


def test_it_is_what_the_sign_up_has_handed_out(fleet: Shell) -> None:
    ended = asked(fleet, "acme", "-", stdin=ZOE)
    assert (ended.code, ended.out, ended.err) == (0, "", "appended 2 connection strings to again\n")
    assert strings(fleet, "again") == strings(fleet, "strings")
    assert stat.S_IMODE((fleet.folder / "again").stat().st_mode) == 0o600


def test_a_pooled_one_leads_through_the_pooler(fleet: Shell) -> None:
    assert asked(fleet, "acme", "--pooled").code == 0
    assert "-pooler." in strings(fleet, "again")["acme"]
    assert "-pooler." not in strings(fleet, "strings")["acme"]


def test_it_changes_nothing_even_where_something_differs(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: pro")
    assert asked(fleet, "acme").code == 0
    assert "1 to upgrade" in fleet.simulated("plan").out


def test_nothing_is_handed_out_where_one_of_them_has_no_project(fleet: Shell) -> None:
    fleet.tenant("bob")
    ended = asked(fleet, "acme", "bob")
    assert ended.code == 1
    assert "tenant bob has no project" in ended.err
    assert strings(fleet, "again") == {}


def test_nor_of_a_project_that_only_its_name_finds(fleet: Shell) -> None:
    fleet.tenant("bob")
    with fleet.account() as account:
        account.add_project("free", ProjectSeed("myapp-bob"))
    ended = asked(fleet, "bob")
    assert ended.code == 1
    assert "was found by its name alone" in ended.err
    assert strings(fleet, "again") == {}
