"""How to connect to a tenant's project, read again: only into what is named, and of its own project only."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from reconciler.simulator.seed import ProjectSeed
from tests.harness.lived import lived

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

ZOE = b'{"tenant": "zoe", "tier": "free"}'
SHOW_STDIN = f'{sys.executable} -c \'import sys; open("given", "w").write(sys.stdin.read())\''
SHOW_ENVIRONMENT = (
    sys.executable,
    "-c",
    "import json, os; json.dump(dict(os.environ), open('environment', 'w')); raise SystemExit(7)",
)


def lines(shell: Shell, name: str) -> dict[str, dict[str, Any]]:
    """What a file holds, by tenant."""
    found = map(json.loads, (shell.folder / name).read_text(encoding="utf-8").splitlines())
    return {line["tenant"]: line for line in found}


def asked(shell: Shell, *words: str, stdin: bytes = b"") -> Ended:
    return shell.simulated("connections", *words, "--connections-to", "again", stdin=stdin)


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Acme, by a file, and zoe, by a document."""
    shell.tenant("acme")
    assert shell.simulated("converge", "acme", "-", "--connections-to", "strings", stdin=ZOE).code == 0
    return shell


def test_a_line_is_what_the_sign_up_handed_out(fleet: Shell) -> None:
    ended = asked(fleet, "acme", "-", stdin=ZOE)
    assert (ended.code, ended.out, ended.err) == (0, "", "appended 2 connection strings to again\n")
    assert lines(fleet, "again") == lines(fleet, "strings")
    assert stat.S_IMODE((fleet.folder / "again").stat().st_mode) == 0o600


def test_a_line_says_where_it_leads_and_has_the_pooled_and_the_direct_string(fleet: Shell) -> None:
    line = lines(fleet, "strings")["acme"]
    pooled, direct = urlsplit(line.pop("pooled")), urlsplit(line.pop("direct"))
    assert (pooled.hostname, direct.hostname) == (line.pop("pooled_host"), line.pop("host"))
    assert str(pooled.hostname) == str(direct.hostname).replace(".", "-pooler.", 1)
    assert (pooled.password, pooled.path, pooled.query) == (direct.password, direct.path, direct.query)
    assert line.pop("project_id")
    assert line == {
        "tenant": "acme",
        "organization": "free",
        "branch": None,
        "database": "neondb",
        "role": "neondb_owner",
    }


def test_a_program_is_told_that_its_first_connection_starts_the_compute(fleet: Shell) -> None:
    ended = fleet.simulated("connections", "acme", "--", sys.executable, "-c", "pass")
    assert ended.code == 0
    (compute,) = (row["id"] for row in fleet.stored.rows("endpoints") if row["id"] in ended.err)
    assert f"compute {compute} is suspended: the first connection starts it (suspend_timeout 5m)" in ended.err


class TestStdout:
    def test_no_string_is_printed_unless_it_is_asked_for(self, fleet: Shell) -> None:
        ended = fleet.simulated("connections", "acme")
        assert (ended.code, ended.out) == (3, "")
        assert "--reveal" in ended.err

    def test_a_revealed_string_is_pooled(self, fleet: Shell) -> None:
        ended = fleet.simulated("connections", "acme", "--reveal")
        assert (ended.code, ended.out) == (0, lines(fleet, "strings")["acme"]["pooled"] + "\n")

    def test_or_direct(self, fleet: Shell) -> None:
        ended = fleet.simulated("connections", "acme", "--reveal", "--direct")
        assert ended.out == lines(fleet, "strings")["acme"]["direct"] + "\n"

    def test_or_json_lines(self, fleet: Shell) -> None:
        ended = fleet.simulated("connections", "acme", "-", "--reveal", "--format", "json", stdin=ZOE)
        assert [json.loads(line) for line in ended.out.splitlines()] == [*lines(fleet, "strings").values()]


class TestDotenv:
    def test_two_variables_are_set_and_the_other_lines_stay(self, fleet: Shell) -> None:
        path = fleet.folder / ".env"
        path.write_text("# mine\nexport DATABASE_URL=old\nPORT=8000", encoding="utf-8")
        path.chmod(0o600)
        assert fleet.simulated("connections", "acme", "--dotenv", ".env").code == 0
        line = lines(fleet, "strings")["acme"]
        assert path.read_text(encoding="utf-8").splitlines() == [
            "# mine",
            f"DATABASE_URL='{line['pooled']}'",
            "PORT=8000",
            f"DATABASE_URL_UNPOOLED='{line['direct']}'",
        ]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [each.name for each in fleet.folder.glob(".env*")] == [".env"]

    def test_a_file_that_others_can_read_is_refused(self, fleet: Shell) -> None:
        (fleet.folder / ".env").touch(mode=0o644)
        ended = fleet.simulated("connections", "acme", "--dotenv", ".env")
        assert ended.code == 3
        assert "chmod 600" in ended.err

    def test_it_is_for_one_tenant(self, fleet: Shell) -> None:
        ended = fleet.simulated("connections", "acme", "-", "--dotenv", ".env", stdin=ZOE)
        assert ended.code == 3
        assert "--dotenv is for one tenant, not for 2" in ended.err


class TestACommandThatReads:
    def test_it_gets_the_lines_as_its_stdin(self, fleet: Shell) -> None:
        ended = fleet.simulated("connections", "acme", "-", "--to-command", SHOW_STDIN, stdin=ZOE)
        assert (ended.code, ended.out) == (0, "")
        assert lines(fleet, "given") == lines(fleet, "strings")

    def test_its_failure_is_an_error(self, fleet: Shell) -> None:
        ended = fleet.simulated("connections", "acme", "--to-command", "false")
        assert ended.code == 1
        assert "--to-command: false ended with 1" in ended.err

    @pytest.mark.parametrize("command", ["no-such-program -x", "'", ""])
    def test_what_is_no_program_is_refused_before_a_call(self, fleet: Shell, command: str) -> None:
        ended = fleet.simulated("connections", "acme", "--to-command", command)
        assert ended.code == 3
        assert "--to-command" in ended.err

    def test_a_sign_up_can_give_its_string_to_one(self, fleet: Shell) -> None:
        fleet.tenant("bob")
        assert fleet.simulated("converge", "bob", "--to-command", SHOW_STDIN).code == 0
        assert [*lines(fleet, "given")] == ["bob"]


class TestAProgramWithTheConnectionInItsEnvironment:
    def test_it_can_connect_without_arguments_and_has_no_key(self, fleet: Shell) -> None:
        ended = fleet.simulated("connections", "acme", "--", *SHOW_ENVIRONMENT)
        assert ended.code == 7, "the exit code is the program's"
        found = json.loads((fleet.folder / "environment").read_text(encoding="utf-8"))
        line = lines(fleet, "strings")["acme"]
        assert (found["DATABASE_URL"], found["DATABASE_URL_UNPOOLED"]) == (line["pooled"], line["direct"])
        assert (found["PGHOST"], found["PGUSER"], found["PGDATABASE"]) == (
            line["pooled_host"],
            line["role"],
            line["database"],
        )
        assert (found["PGPASSWORD"], found["PGPORT"]) == (urlsplit(line["pooled"]).password, "5432")
        assert (found["PGSSLMODE"], found["PGCHANNELBINDING"]) == ("require", "require")
        assert not [name for name in found if "API_KEY" in name]

    def test_it_is_for_one_tenant(self, fleet: Shell) -> None:
        ended = fleet.simulated("connections", "acme", "-", "--", "true", stdin=ZOE)
        assert ended.code == 3
        assert "-- COMMAND is for one tenant" in ended.err

    @pytest.mark.parametrize("words", [("--",), ("--", "no-such-program")])
    def test_a_program_that_is_missing_is_refused(self, fleet: Shell, words: tuple[str, ...]) -> None:
        assert fleet.simulated("connections", "acme", *words).code == 3


class TestOtherConnections:
    def test_of_a_development_branch(self, fleet: Shell) -> None:
        fleet.tenant("acme", "tier: free\ndev_branches: [preview]")
        fleet.applied()
        assert asked(fleet, "acme", "--branch", "preview").code == 0
        line = lines(fleet, "again")["acme"]
        assert line["branch"] == "preview"
        assert line["host"] != lines(fleet, "strings")["acme"]["host"]

    @pytest.mark.parametrize(
        ("flag", "message"),
        [
            ("--branch", "has no branch 'none'"),
            ("--database", "has no database 'none'"),
            ("--role", "has no role 'none'"),
        ],
    )
    def test_what_does_not_exist_is_named(self, fleet: Shell, flag: str, message: str) -> None:
        ended = asked(fleet, "acme", flag, "none")
        assert ended.code == 1
        assert message in " ".join(ended.err.split())
        assert lines(fleet, "again") == {}


def test_it_changes_nothing_even_where_something_differs(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: pro")
    assert asked(fleet, "acme").code == 0
    assert "1 to upgrade" in fleet.simulated("plan").out


def test_nothing_is_handed_out_where_one_of_them_has_no_project(fleet: Shell) -> None:
    fleet.tenant("bob")
    ended = asked(fleet, "acme", "bob")
    assert ended.code == 1
    assert "tenant bob has no project" in ended.err
    assert lines(fleet, "again") == {}


def test_no_string_of_a_project_found_by_name_only(fleet: Shell) -> None:
    fleet.tenant("bob")
    with fleet.account() as account:
        account.add_project("free", ProjectSeed("myapp-bob"))
    ended = asked(fleet, "bob")
    assert ended.code == 1
    assert "was found by its name only" in ended.err
    assert lines(fleet, "again") == {}
