"""Whatever the environment holds, a command does its work or says in a sentence what is wrong with it.

Every variable that the installed sources name is set to every bad value: a new one, of a new release of a library,
is walked without anybody's doing. What C libraries and git read stands in ``UNSEEN``.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

from tests import profiles
from tests.e2e.test_keys import KEYS
from tests.harness.shell import ROOT, TIERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

T = TypeVar("T")
pytestmark = [pytest.mark.slow, pytest.mark.drawn(3)]

BAD: Final = ("", " ", "garbage", "::::", "-1", "9" * 30, "\udcff", "a b\n", "${UNSET}", "\x1b[31m", "%(x)s")
SOURCES: Final = frozenset(
    {"COLUMNS", "FORCE_COLOR", "HOME", "NO_COLOR", "PATH", "RECONCILER_TRACEBACK", "SSL_CERT_FILE", "TERM"}
    | {
        "PYTHONASYNCIODEBUG",
        "REQUEST_METHOD",
        "SSL_CERT_DIR",
        "SSLKEYLOGFILE",
        "TTY_COMPATIBLE",
        "XDG_CONFIG_HOME",
    }
)
"""Variables that the scan has to find; else it is the scan that is broken."""
UNSEEN: Final = (
    *(
        "CLICOLOR",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "LC_CTYPE",
        "LOCALDOMAIN",
        "LOGNAME",
        "NETRC",
        "RES_OPTIONS",
        "TMPDIR",
    ),
    *("TZ", "USER", "PAGER", "OPENSSL_MODULES", "XDG_CACHE_HOME", "XDG_DATA_HOME", "PGHOST", "PGSSLMODE"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CEILING_DIRECTORIES", "GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL"),
    *("GIT_DIR", "GIT_EXEC_PATH", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_SSH", "GIT_TRACE_SETUP"),
    *("GIT_WORK_TREE", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CI"),
)
PROXIES: Final = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
OWN: Final = ("RECONCILER_API_HOSTS", "RECONCILER_ENV", "RECONCILER_REPOSITORY")
OWN_WALK: Final = (*PROXIES, *CERTIFICATES, *OWN, "HOME", "PATH", "XDG_STATE_HOME", "RECONCILER_TRACEBACK")
"""Not set with the others: what they do to a command is looked at by itself."""
CODES: Final = range(10)
COMMANDS: Final = (["validate"], ["plan"], ["drift"], ["apply", "--yes"])


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed fleet of one tenant, which the simulated account in it has."""
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    (folder / "tenants").mkdir()
    (folder / "tenants" / "acme.yaml").write_text("tenant: acme\ntier: free\n", encoding="utf-8")
    identity = ("-c", "user.name=x", "-c", "user.email=x@neon.test")
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "fleet"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True, capture_output=True)
    return folder


def usual(folder: Path) -> dict[str, str]:
    """An environment in which everything works, away from this machine's own."""
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / ".state"), "NO_PROXY": ""}
    return {"PATH": os.environ["PATH"], **home, **KEYS}


def case(folder: Path, command: Sequence[str], *more: str, **environ: str) -> dict[str, Any]:
    """One command in the usual environment but for what is named."""
    return {"environ": {**usual(folder), **environ}, "args": [*command, "-C", str(folder), *more]}


def rehearsed(folder: Path, command: Sequence[str], **environ: str) -> dict[str, Any]:
    """The same against the simulated account."""
    simulator = () if command == ["validate"] else ("--simulator", str(folder / "sim.db"))
    return case(folder, command, *simulator, **environ)


def run_all(folder: Path, cases: list[dict[str, Any]]) -> dict[str, Any]:
    """How the cases ended, after an ordinary one; and the variables that there are."""
    first = rehearsed(folder, ["apply", "--yes"])
    ended = subprocess.run(
        [sys.executable, "-m", "tests.e2e.many_commands"],
        input=json.dumps([first, *cases]),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    told: dict[str, Any] = json.loads(ended.stdout)
    assert told["ended"].pop(0)["code"] == 0
    for one, its in zip(cases, told["ended"], strict=True):
        assert its["code"] in CODES, (one, its)
        assert "defect" not in its["err"], (one, its)
        assert "Traceback" not in its["err"], (one, its)
        assert its["code"] in {0, 2} or "error: " in its["err"], (one, its)
    return told


def some(cases: list[T], count: int) -> list[T]:
    """So many of them in `make test`, all in `.ci/run`."""
    return profiles.drawn("environments", cases, profiles.size(count, len(cases), len(cases)))


def test_what_is_of_no_concern_to_a_command_changes_nothing(fleet: Path) -> None:
    ordinary = {name: value for name, value in usual(fleet).items() if name in {*OWN_WALK, *KEYS}}
    cases = [
        {"everything": value, "environ": {**dict.fromkeys(UNSEEN, value), **ordinary}, "args": one["args"]}
        for value in BAD
        for command in COMMANDS
        for one in [rehearsed(fleet, command)]
    ]
    cases = some(cases, 12)
    unset = dict.fromkeys((*PROXIES, *CERTIFICATES, *OWN, "RECONCILER_TRACEBACK"), "")
    for each in cases:
        each["environ"] |= unset
    told = run_all(fleet, cases)
    assert set(told["variables"]) >= SOURCES
    assert [its["code"] for its in told["ended"]] == [0] * len(cases)


def test_our_own_variables_are_refused_in_a_sentence(fleet: Path) -> None:
    cases = [
        rehearsed(fleet, command, **{name: value})
        for name in OWN
        for value in BAD
        for command in (["plan"], ["validate"])
    ]
    codes = {its["code"] for its in run_all(fleet, cases)["ended"]}
    assert codes == {0, 3}


@contextmanager
def no_tls() -> Iterator[str]:
    """The address of a port of this machine that answers in clear, whatever it is told."""
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.0 403 Forbidden\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}/api/v2"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def test_a_proxy_that_is_none_and_certificates_that_are_none_are_named_by_their_variable(fleet: Path) -> None:
    (fleet / "empty.pem").touch()
    paths = ("/nowhere/x.pem", str(fleet), str(fleet / "empty.pem"), "/dev/zero")
    addresses = ("ftp://x", "socks4://x", "http://", "http://x:99999", "http://s3cret:pw@x y", "http://xn--/")
    with no_tls() as host:
        named = [(name, value) for name in PROXIES for value in (*BAD, *addresses)]
        named += [(name, value) for name in CERTIFICATES for value in (*BAD, *paths)]
        named = some(named, 24)
        cases = [case(fleet, ["plan"], "--api-host", host, **{name: value}) for name, value in named]
        told = run_all(fleet, cases)
    for (name, value), its in zip(named, told["ended"], strict=True):
        assert its["code"] in {1, 3}, (name, value, its)
        if its["code"] == 3:
            assert f"${name} cannot be used" in its["err"], (name, value, its)
            assert "hint: " in its["err"]
        if len(value) > len("https://"):
            assert value not in its["err"], (name, value, its)
    used = {(name, value) for (name, value), its in zip(named, told["ended"], strict=True) if its["code"] == 1}
    assert {value for _, value in used} <= {"", "garbage", "9" * 30}  # unset, or the name of a host


def test_a_home_that_is_none_is_told_where_a_journal_is_needed(fleet: Path) -> None:
    (fleet / "file").touch()
    values = ("", "relative", str(fleet / "file" / "below"), str(fleet / "\udcff"), "/dev/null")
    cases = [
        rehearsed(fleet, command, **{"XDG_STATE_HOME": "", "HOME": str(fleet), name: value})
        for name in ("HOME", "XDG_STATE_HOME")
        for value in values
        for command in COMMANDS
    ]
    cases = some(cases, 16)
    for one, its in zip(cases, run_all(fleet, cases)["ended"], strict=True):
        assert its["code"] == 0 or "apply" in one["args"], (one, its)
        assert its["code"] == 0 or "the journal" in its["err"], (one, its)


def test_keys_ids_and_hosts_of_wrong_form_end_at_once(fleet: Path) -> None:
    names = ("FREE_ORG_API_KEY", "NEON_FREE_ORG_ID", "NEON_API_HOST", "PATH")
    named = [
        (name, value, command)
        for name in names
        for value in BAD
        if (name, value) != ("NEON_API_HOST", "")
        for command in (["plan"], ["drift"], ["apply", "--yes"])
    ]
    named = some(named, 40)
    with no_tls() as host:
        cases = [case(fleet, command, **{"NEON_API_HOST": host, name: value}) for name, value, command in named]
        told = run_all(fleet, cases)
    for (name, value, _), its in zip(named, told["ended"], strict=True):
        assert its["code"] in {1, 3, 4}, (name, value, its)
        unset = (name, value) == ("NEON_API_HOST", " ")  # then the host is Neon's
        assert its["code"] == 1 or unset or f"${name}" in its["err"], (name, value, its)
        assert len(value) < len("garbage") or value not in its["err"], (name, value, its)
        assert its["out"] == "", (name, value, its)


ODD_STARTS: Final = (
    {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1", "PYTHONTRACEMALLOC": "1", "PYTHONASYNCIODEBUG": "1"},
    {"PYTHONOPTIMIZE": "2", "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1", "OPENSSL_CONF": "/nowhere"},
)
"""What Python reads when it starts. Of a value that it cannot use itself, it says so, and never comes to us."""


@pytest.mark.drawn(1)
@pytest.mark.parametrize("odd", ODD_STARTS, ids=[next(iter(odd)) for odd in ODD_STARTS])
def test_an_odd_start_of_python_changes_nothing(fleet: Path, odd: dict[str, str]) -> None:
    tenant = fleet / "tenants" / "für alle" / "mueller.yaml"
    tenant.parent.mkdir(exist_ok=True)
    tenant.write_text('tenant: mueller\ntier: free\nlabels: {owner: "Müller ✓"}\n', encoding="utf-8")
    try:
        for args in (["validate"], ["plan", "--format", "json", "--base", "none"]):
            one = rehearsed(fleet, args)
            ended = subprocess.run(
                [sys.executable, "-m", "reconciler", *one["args"], *args[1:]],
                env={**one["environ"], **odd},
                capture_output=True,
                check=False,
                timeout=60,
            )
            assert ended.returncode == 0, ended.stderr
            assert b"Traceback" not in ended.stderr
            if len(args) > 1:
                assert json.loads(ended.stdout.decode()), ended.stdout
    finally:
        tenant.unlink()
