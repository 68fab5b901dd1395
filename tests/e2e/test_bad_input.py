"""What somebody types wrongly at the commands on one tenant: refused with the remedy, and nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.stored import Stored

if TYPE_CHECKING:
    from tests.harness.shell import Shell

ROTATE: Final = ("rotate", "acme", "--role", "neondb_owner")
UNTIL: Final = ("--until", "7d", "--yes")
CASES: Final[dict[str, tuple[tuple[str, ...], int, str, str]]] = {
    # words, exit code, what is wrong, what helps
    "connections, no sink": (("connections", "acme"), 3, "not printed unless asked for", "--to-registry"),
    "connections, another tenant": (("connections", "amce", "--reveal"), 3, "declares tenant 'amce'", "'acme'?"),
    "connections, no such tenant": (("connections", "zz", "--reveal"), 3, "declares tenant 'zz'", "add its file"),
    "connections, branch": (
        ("connections", "acme", "--reveal", "--branch", "x"),
        1,
        "has no branch 'x'",
        "its newest branches: main, preview",
    ),
    "connections, role": (
        ("connections", "acme", "--reveal", "--role", "x"),
        1,
        "no such connection",
        "name an existing --branch",
    ),
    "connections, two and dotenv": (
        ("connections", "acme", "birch", "--dotenv", "x"),
        3,
        "for one tenant, not for 2",
        "use --connections-to",
    ),
    "connections, open file": (
        ("connections", "acme", "--connections-to", "open"),
        3,
        "others may read this file",
        "chmod 600 -- open",
    ),
    "connections, folder": (("connections", "acme", "--dotenv", "tenants"), 3, "is a directory", "--help"),
    "connections, program": (
        ("connections", "acme", "--to-command", "no-such"),
        3,
        "program 'no-such' does not exist",
        "check its path",
    ),
    "connections, no registry": (
        ("connections", "acme", "--from-registry", "--reveal"),
        3,
        "names no registry",
        "add `registry:",
    ),
    "rotate, no terminal": (
        (*ROTATE, "--reveal"),
        3,
        "needs confirmation, and stdin is not a terminal",
        "pass --yes",
    ),
    "rotate, no sink": ((*ROTATE, "--yes"), 3, "not printed unless asked for", "name a sink"),
    "rotate, no role": (("rotate", "acme", "--reveal"), 3, "Missing option '--role'", "or try: reconciler rotate"),
    "rotate, branch": (
        (*ROTATE, "--branch", "x", "--reveal", "--yes"),
        5,
        "the project has no branch 'x'",
        "name one of its branches",
    ),
    "restore, nothing": (("restore", "acme"), 3, "exactly one of --to, --snapshot", "--to 2h"),
    "restore, two": (("restore", "acme", "--to", "1h", "--snapshot", "v1"), 3, "exactly one of", "--to 2h"),
    "restore, no moment": (
        ("restore", "acme", "--to", "tomorrow"),
        3,
        "neither a moment nor a length of time",
        "2031-11-05T14:00:00Z",
    ),
    "restore, no unit": (
        ("restore", "acme", "--to", "2031", "--yes"),
        3,
        "--to '2031' is neither a moment nor a length of time",
        "2031-11-05T14:00:00Z",
    ),
    "restore, no zone": (
        ("restore", "acme", "--to", "2031-11-05T14:00:00"),
        3,
        "has no time zone",
        "2031-11-05T14:00:00Z",
    ),
    "restore, future": (
        ("restore", "acme", "--to", "2099-01-01T00:00:00Z", "--yes"),
        5,
        "lies in the future",
        "name an earlier moment",
    ),
    "restore, before the project": (
        ("restore", "acme", "--to", "900d", "--yes"),
        5,
        "is before the creation of the project",
        "`reconciler history acme` lists the moments",
    ),
    "restore, no snapshot": (
        ("restore", "acme", "--snapshot", "x", "--yes"),
        5,
        "there is no snapshot 'x'",
        "`reconciler history acme` lists",
    ),
    "restore, no preview": (
        ("restore", "acme", "--finalize", "--yes"),
        5,
        "no preview to finalize",
        "make one with --preview",
    ),
    "history, another tenant": (("history", "amce"), 3, "declares tenant 'amce'", "did you mean 'acme'?"),
    "reset, no branch": (
        ("branch", "reset", "acme", "x", "--yes"),
        5,
        "there is no branch 'x'",
        "its branches are: preview",
    ),
    "reset, default branch": (
        ("branch", "reset", "acme", "main", "--yes"),
        5,
        "it is the default branch, which has no parent",
        "`reconciler history acme` lists what `reconciler restore` returns to",
    ),
    "reset, no terminal": (("branch", "reset", "acme", "preview"), 3, "stdin is not a terminal", "pass --yes"),
    "suspend, no reason": (("suspend", "acme"), 3, "Missing option '--reason'", "or try: reconciler suspend"),
    "suspend, empty reason": (
        ("suspend", "acme", "--reason", ""),
        3,
        "the reason is empty",
        "nothing was written",
    ),
    "suspend, another tenant": (("suspend", "amce", "--reason", "x"), 3, "tenant 'amce'", "did you mean 'acme'?"),
    "suspend, no tenant": (
        ("suspend", "other", "--reason", "x"),
        3,
        "tenant 'other'",
        "`reconciler new` writes one",
    ),
    "suspend, stdin": (("suspend", "-", "--reason", "x"), 3, "reads none from stdin", "name the tenant"),
    "boost, stdin": (("boost", "-", "quota.active_time=900h", *UNTIL), 3, "reads none from stdin", "name the"),
    "hold, stdin": (("hold", "-", "--end"), 3, "reads none from stdin", "name the tenant"),
    "resume, not suspended": (
        ("resume", "acme", "--yes"),
        3,
        "tenant 'acme' is not suspended",
        "`reconciler usage --tenant acme`",
    ),
    "boost, nothing": (
        ("boost", "acme", *UNTIL),
        3,
        "Missing argument 'LIMIT=VALUE...'",
        "or try: reconciler boost",
    ),
    "boost, no section": (
        ("boost", "acme", "active_time=9h", *UNTIL),
        3,
        "'active_time=9h' raises nothing",
        "write quota.MEMBER=VALUE",
    ),
    "boost, misspelt": (
        ("boost", "acme", "quota.active_tme=9h", *UNTIL),
        3,
        "tenants/acme.yaml:5:14: unknown key 'active_tme' (did you mean 'active_time'?)",
        "nothing was written",
    ),
    "boost, less": (
        ("boost", "acme", "quota.active_time=1h", *UNTIL),
        3,
        "active_time 1h is less than 750h: a boost only raises",
        "nothing was written",
    ),
    "boost, above the organization": (
        ("boost", "acme", "compute.max_cu=99", *UNTIL),
        3,
        "max_cu 99: organization 'paid' allows at most 16",
        "nothing was written",
    ),
    "boost, in the past": (
        ("boost", "acme", "quota.active_time=900h", "--until", "2020-01-01T00:00:00Z", "--yes"),
        3,
        "has passed",
        "name an end in the future",
    ),
    "boost, no end": (
        ("boost", "acme", "quota.active_time=900h", "--until", "soon", "--yes"),
        3,
        "--until 'soon' is no end",
        "a duration such as 7d",
    ),
    "boost, no unit": (
        ("boost", "acme", "quota.active_time=900h", "--until", "20311105", "--yes"),
        3,
        "--until '20311105' has no time zone",
        "a duration such as 7d",
    ),
    "hold, no unit": (
        ("hold", "acme", "--until", "7", "--reason", "x", "--yes"),
        3,
        "--until '7' is no end",
        "a duration such as 7d",
    ),
    "hold, no reason": (("hold", "acme", "--until", "7d"), 3, "needs --until and --reason", "--end, to end one"),
    "hold, both": (
        ("hold", "acme", "--until", "7d", "--reason", "x", "--end"),
        3,
        "--end cannot be combined",
        "keep one of them",
    ),
    "usage, percent": (("usage", "--above", "200"), 3, "is not in the range", "or try: reconciler usage"),
    "usage, rounds": (("usage", "--rounds", "3"), 3, "--rounds counts the readings of --watch", "--watch 15m"),
    "usage, no unit": (("usage", "--watch", "900"), 3, "--watch: '900' has no unit", "one of s, m, min, h, d"),
    "apply, no unit": (
        ("apply", "--waves", "1,100%", "--bake", "70", "--yes"),
        3,
        "--bake 70 is no length of time",
        "for example 10m",
    ),
    "collect, no unit": (
        ("collect", "--to", "tenants/new.ndjson", "--min-age", "3600"),
        3,
        "--min-age: '3600' has no unit",
        "one of s, m, min, h, d",
    ),
    "usage, another tenant": (
        ("usage", "--tenant", "amce"),
        3,
        "declares a tenant 'amce'",
        "did you mean 'acme'?",
    ),
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Acme with a branch, and birch."""
    from tests.harness.shell import Shell  # noqa: PLC0415

    shell = Shell(tmp_path_factory.mktemp("fleet"))
    shell.tenant("acme", "tier: pro\ndev_branches: [preview]")
    shell.tenant("birch")
    shell.applied()
    (shell.folder / "open").touch(0o644)
    return shell


def state(shell: Shell) -> tuple[object, ...]:
    """Everything that a command could have changed."""
    stored = Stored.at(shell.folder / "sim.db")
    passwords = [row["password"] for row in stored.rows("roles")]
    branches = [row["body"]["name"] for row in stored.rows("branches")]
    return passwords, branches, (shell.folder / "tenants/acme.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_with_what_helps_and_nothing_is_written(case: str, fleet: Shell) -> None:
    words, code, message, remedy = CASES[case]
    before = state(fleet)
    ended = fleet.run(*words, "--simulator", "sim.db")
    told = " ".join((ended.out + ended.err).split())
    assert ended.code == code, told
    assert message in told
    assert remedy in told.partition(message)[2]
    assert "Traceback" not in told
    assert state(fleet) == before
