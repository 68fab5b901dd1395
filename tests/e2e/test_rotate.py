"""A new password of a role: said before, asked for, handed to a sink, and never twice."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.harness.lived import lived
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    shell.tenant("acme", "tier: pro\ndev_branches: [preview]")
    assert shell.simulated("converge", "acme", "--connections-to", "before").code == 0
    return shell


def rotate(shell: Shell, *words: str, role: str = "neondb_owner") -> Ended:
    return shell.simulated("rotate", "acme", "--role", role, *words)


def line(shell: Shell, name: str) -> dict[str, Any]:
    """The only line of a file."""
    (text,) = (shell.folder / name).read_text(encoding="utf-8").splitlines()
    found: dict[str, Any] = json.loads(text)
    return found


def passwords(shell: Shell) -> set[str]:
    """All that the account has."""
    return {row["password"] for row in Stored.at(shell.folder / "sim.db").rows("roles")}


def test_it_says_what_stops_working_before_it_asks(fleet: Shell) -> None:
    before = passwords(fleet)
    ended = rotate(fleet, "--dry-run")
    assert ended.code == 0
    assert "reset password of role neondb_owner on branch main" in ended.out
    told = " ".join(ended.out.split())
    assert (
        "the current password of neondb_owner stops working on branch main: clients that use it are refused"
        in told
    )
    assert passwords(fleet) == before
    asked = rotate(fleet, "--connections-to", "after")
    assert asked.code == 3
    assert "pass --yes" in asked.err
    assert passwords(fleet) == before


def test_the_new_password_goes_to_the_sink_and_nowhere_else(fleet: Shell) -> None:
    ended = rotate(fleet, "--connections-to", "after", "--yes", "--journal", "journal.jsonl", "--format", "json")
    assert ended.code == 0, ended.err
    before, after = line(fleet, "before"), line(fleet, "after")
    new = urlsplit(after["pooled"]).password
    assert new != urlsplit(before["pooled"]).password
    assert new in passwords(fleet)
    assert {**after, "pooled": 0, "direct": 0} == {**before, "pooled": 0, "direct": 0, "branch": "main"}
    journal = (fleet.folder / "journal.jsonl").read_text(encoding="utf-8")
    assert '"kind":"reset_password"' in journal.replace(" ", "")
    for secret in passwords(fleet):
        assert secret not in ended.out + ended.err + journal
    assert fleet.simulated("connections", "acme", "--reveal").out.strip() == after["pooled"]


def test_it_concerns_one_branch(fleet: Shell) -> None:
    assert rotate(fleet, "--branch", "preview", "--connections-to", "after", "--yes").code == 0
    assert line(fleet, "after")["branch"] == "preview"
    assert fleet.simulated("connections", "acme", "--reveal").out.strip() == line(fleet, "before")["pooled"]


def test_a_revealed_string_has_stdout_for_itself(fleet: Shell) -> None:
    ended = rotate(fleet, "--reveal", "--yes")
    assert ended.code == 0
    assert ended.out.strip().startswith("postgresql://neondb_owner:")
    assert ended.out.count("\n") == 1
    assert "Applied: 1 tenant" in ended.err


def test_a_revealed_string_is_a_line_of_json_where_that_is_asked_for(fleet: Shell) -> None:
    ended = rotate(fleet, "--reveal", "--yes", "--format", "json")
    revealed = json.loads(ended.out)
    assert (revealed["tenant"], revealed["role"]) == ("acme", "neondb_owner")
    assert urlsplit(revealed["pooled"]).password in passwords(fleet)
    assert "Applied: 1 tenant" in ended.err


def test_a_program_gets_it_in_its_environment(fleet: Shell) -> None:
    code = "import os; open('environment', 'w').write(os.environ['PGPASSWORD']); raise SystemExit(7)"
    assert rotate(fleet, "--yes", "--", sys.executable, "-c", code).code == 7
    assert (fleet.folder / "environment").read_text() in passwords(fleet)


class TestRefused:
    def test_without_a_sink_nothing_is_reset(self, fleet: Shell) -> None:
        before = passwords(fleet)
        ended = rotate(fleet, "--yes")
        assert ended.code == 3
        assert "--connections-to" in ended.err
        assert passwords(fleet) == before

    @pytest.mark.parametrize(
        ("words", "role", "code", "message"),
        [
            ((), "none", 1, "branch 'main' has no role 'none'; it has neondb_owner"),
            (("--database", "none"), "neondb_owner", 1, "branch 'main' has no database 'none'; it has neondb"),
            (("--branch", "none"), "neondb_owner", 5, "has no branch 'none'"),
        ],
    )
    def test_what_does_not_exist_is_found_before_anything_is_asked(
        self, fleet: Shell, words: tuple[str, ...], role: str, code: int, message: str
    ) -> None:
        before = passwords(fleet)
        ended = rotate(fleet, *words, "--reveal", "--yes", role=role)
        assert ended.code == code
        assert message in " ".join((ended.out + ended.err).split())
        assert passwords(fleet) == before


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EPIPE])
def test_a_password_that_could_not_be_printed_is_not_lost(
    fleet: Shell, error: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_document: str) -> None:
        raise OSError(error, os.strerror(error))

    before = passwords(fleet)
    with monkeypatch.context() as patch:
        patch.setattr("reconciler.cli.sinks.print_document", full)
        ended = rotate(fleet, "--reveal", "--yes")
    assert passwords(fleet) != before
    assert ended.code == 1
    assert f"--reveal: {os.strerror(error)}" in ended.err
    assert "nothing is lost: `reconciler connections` reads the strings again" in ended.err
    assert fleet.simulated("connections", "acme", "--reveal").code == 0
