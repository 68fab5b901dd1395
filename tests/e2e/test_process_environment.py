"""Keys are in the environment of no process that runs, but of the one that started it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.test_keys import Listener
from tests.harness.processes import RECONCILER, Place, until

if TYPE_CHECKING:
    import socket

SECRETS: Final = {
    "NEON_FREE_ORG_ID": "org-marked-free",
    "NEON_PAID_ORG_ID": "org-marked-paid",
    "FREE_ORG_API_KEY": "marked-free-key",
    "PAID_ORG_API_KEY": "marked-paid-key",
    "PERSONAL_API_KEY": "marked-personal-key",
    "REGISTRY_URL": "postgresql://marked:marked@127.0.0.1/marked",
    "RECONCILER_ENV": "ACME_FREE_NAME",
    "ACME_FREE_NAME": "marked-by-another-name",
    "AWS_SECRET_ACCESS_KEY": "marked-aws",
    "GITHUB_TOKEN": "marked-github",
    "DATABASE_URL": "postgresql://marked@127.0.0.1/",
    "PGPASSWORD": "marked-postgres",
    "HTTPS_PROXY": "http://marked:marked@127.0.0.1:1",
}
GIT: Final = """#!/bin/sh
{ echo own; env; echo parent; tr '\\0' '\\n' < /proc/$PPID/environ; } >> "{log}" 2>&1
exec "{git}" "$@"
"""
WHAT_IS_LEFT: Final = """
import os
from reconciler.cli.process import take
environ = take().environ
print(environ.find("PERSONAL_API_KEY").reveal(), os.environ.get("PERSONAL_API_KEY"), os.getenv("PGPASSWORD"))
os.system("env")
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")


class Holding(Listener):
    """Answers nothing, and keeps each connection until the other end closes it."""

    def _hear(self, connection: socket.socket) -> None:
        with connection:
            while text := connection.recv(65_536):
                self.heard += text


@linux
def test_while_a_run_waits_its_environment_holds_no_key(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.declare(1)
    with Holding().listening() as server:
        place.environ |= {**SECRETS, "NEON_API_HOST": f"http://127.0.0.1:{server.port}/api/v2"}
        with place.running_from_nothing("plan") as run:
            until(lambda: b"marked-" in server.heard)
            shown = environment_of(run.pid)
    assert b"PATH=" in shown or os.geteuid() != 0
    assert b"marked" not in shown


def environment_of(pid: int) -> bytes:
    """What another process sees; nothing, unless it is root's."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:
        assert os.geteuid() != 0
        return b""


@linux
def test_what_a_run_starts_sees_no_key_in_its_own_environment_nor_in_its_parent_s(tmp_path: Path) -> None:
    """git, on whose path another ``git`` stands first, asks a remote where a branch is."""
    git = shutil.which("git")
    assert git is not None
    folder, log = tmp_path / "fleet", tmp_path / "seen.log"
    folder.mkdir()
    place = Place(folder)
    place.declare(1)
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for command in (
        ("init", "-q", "-b", "main"),
        ("add", "tiers.yaml", "fleet.ndjson"),
        (*who, "commit", "-q", "-m", "All"),
        ("clone", "-q", "--bare", ".", "../remote.git"),
        ("remote", "add", "origin", "../remote.git"),
        ("fetch", "-q", "origin"),
        ("branch", "-q", "--set-upstream-to=origin/main"),
    ):
        subprocess.run([git, "-C", str(folder), *command], check=True)
    wrapper = tmp_path / "bin/git"
    wrapper.parent.mkdir()
    wrapper.write_text(GIT.replace("{log}", str(log)).replace("{git}", git), encoding="utf-8")
    wrapper.chmod(0o755)
    place.environ |= {**SECRETS, "PATH": f"{wrapper.parent}{os.pathsep}{place.environ['PATH']}"}
    place.run_from_nothing("plan", "--ref", "main", "--api-host", "http://127.0.0.1:9/api/v2")
    seen = log.read_text(encoding="utf-8")
    assert "own\n" in seen
    assert "PATH=" in seen
    assert "marked" not in seen


def test_the_run_itself_has_the_values_and_libraries_what_they_look_up(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.environ |= SECRETS
    ended = subprocess.run(
        [RECONCILER[0], "-c", WHAT_IS_LEFT], env=place.environ, capture_output=True, text=True, check=True
    )
    first, *rest = ended.stdout.splitlines()
    assert first == "marked-personal-key None marked-postgres"
    assert {line.partition("=")[0] for line in rest if "marked" in line} == {"PGPASSWORD", "HTTPS_PROXY"}
