"""What git gets to know when it asks a remote, and what it is never asked."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import InvalidInputError, StaleFilesError
from reconciler.files import remote
from reconciler.files.freshness import require_tip
from reconciler.files.remote import tip, upstream_of_ref
from reconciler.files.repository import found
from tests.harness.repository import git, needs_git
from tests.unit.files.test_freshness import cloned, commit
from tests.unit.files.test_git import ACME, repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git

NOTING = """#!{python}
import json, os, sys
with open({log!r}, "w") as log:
    json.dump({{"argv": sys.argv, "environ": dict(os.environ), "folder": os.getcwd(), "there": os.listdir()}}, log)
print({commit!r} + "\\trefs/heads/main")
"""


class Noted:
    """A checkout, and a git that notes what it is told and says that the branch is at HEAD."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = repository(folder / "r", {"tenants/acme.yaml": ACME})
        git(self.root, "remote", "add", "origin", "https://git.example/x")
        self.log = folder / "log"
        program = folder / "bin/git"
        program.parent.mkdir()
        head = git(self.root, "rev-parse", "HEAD")
        program.write_text(NOTING.format(python=sys.executable, log=str(self.log), commit=head))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        self.git = shutil.which("git", path=os.pathsep.join(os.environ["PATH"].split(os.pathsep)[1:])) or "git"

    def config(self, name: str, value: str) -> None:
        subprocess.run([self.git, "-C", str(self.root), "config", "--add", name, value], check=True)

    def asked(self) -> dict[str, Any]:
        assert tip(found(self.root), "origin", "refs/heads/main")
        noted: dict[str, Any] = json.loads(self.log.read_text())
        return noted

    def settings(self) -> list[tuple[str, str]]:
        environ = self.asked()["environ"]
        numbers = range(int(environ["GIT_CONFIG_COUNT"]))
        return [(environ[f"GIT_CONFIG_KEY_{n}"], environ[f"GIT_CONFIG_VALUE_{n}"]) for n in numbers]


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Noted:
    monkeypatch.delenv("GIT_CONFIG_COUNT", raising=False)
    return Noted(tmp_path, monkeypatch)


def test_git_runs_in_an_empty_folder_with_every_override(noted: Noted) -> None:
    asked = noted.asked()
    assert asked["there"] == []
    assert asked["environ"]["GIT_CEILING_DIRECTORIES"] == os.path.dirname(asked["folder"])  # noqa: PTH120
    assert not os.path.exists(asked["folder"])  # noqa: PTH110
    for name, value in remote.OVERRIDES.items():
        assert f"{name}={value}" in asked["argv"]
    assert remote.ENVIRONMENT.items() <= asked["environ"].items()
    assert "git.example" not in " ".join(asked["argv"])


def test_of_the_environment_git_gets_what_it_needs_and_no_key(
    noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"GIT_SSH_COMMAND": "ssh -4", "SSH_AUTH_SOCK": "/s", "https_proxy": "http://p", "XDG_CONFIG_HOME": "/c"}
    dropped = [
        "FREE_ORG_API_KEY",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_EXEC_PATH",
        "GIT_CONFIG_PARAMETERS",
        "GIT_TOKEN",
    ]
    dropped += ["GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND", "GIT_TRACE", "GIT_TEMPLATE_DIR", "LD_PRELOAD_OF_MINE"]
    for name, value in {**kept, **dict.fromkeys(dropped, "/x")}.items():
        monkeypatch.setenv(name, value)
    environ = noted.asked()["environ"]
    assert kept.items() <= environ.items()
    assert not set(dropped) & environ.keys()


def test_a_header_goes_to_the_very_host_that_it_is_for(noted: Noted) -> None:
    for url in (
        "https://git.example/",
        "https://git.example:443/x",
        "https://other.example/",
        "https://git.example.evil/",
    ):
        noted.config(f"http.{url}.extraheader", f"AUTHORIZATION: basic of-{url}")
    noted.config("http.http://git.example/.extraheader", "plain")
    noted.config("http.https://git.example:8443/.extraheader", "port")
    noted.config("http.extraheader", "everybody")
    noted.config("http.https://git.example/.proxy", "http://evil")
    headers = [setting for setting in noted.settings() if not setting[0].startswith("remote.")]
    assert headers == [
        (f"http.{url}.extraHeader", f"AUTHORIZATION: basic of-{url}")
        for url in ("https://git.example/", "https://git.example:443/x")
    ]
    assert "of-https" not in " ".join(noted.asked()["argv"])


def test_a_password_in_the_address_is_in_no_arguments_of_any_process(noted: Noted) -> None:
    git_config = "https://some%40body:pass%2Fword@git.example:8443/x"
    noted.config("remote.origin.url", git_config)
    subprocess.run(
        [noted.git, "-C", str(noted.root), "config", "--replace-all", "remote.origin.url", git_config], check=True
    )
    (address, header) = noted.settings()
    assert address[1] == "https://git.example:8443/x"
    assert header[0] == "http.https://git.example:8443/.extraHeader"
    assert header[1] == "Authorization: Basic " + base64.b64encode(b"some@body:pass/word").decode()


def test_settings_from_outside_stay_before_ours(noted: Noted, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COUNT": "1", "KEY_0": "http.sslCAInfo", "VALUE_0": "/ca"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert noted.settings()[0] == ("http.sslCAInfo", "/ca")
    assert noted.settings()[1][1] == "https://git.example/x"


@pytest.mark.drawn(6)
@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c x",
        "fd::3",
        "EXT::x",
        "::x",
        "git://h/x",
        "http://h/x",
        "ftp://h/x",
        "x-y+z://h/x",
        "-u",
        "a\nb",
        ".",
        "fleet",
        "../r/x",
        "file://{root}/x",
        "{root}",
        "https://h:port/x",
    ],
)
def test_an_address_that_would_take_another_program_or_the_checkout_is_not_asked(noted: Noted, url: str) -> None:
    command = [noted.git, "-C", str(noted.root), "config", "remote.origin.url", url.format(root=noted.root)]
    subprocess.run(command, check=True)
    with pytest.raises(InvalidInputError, match="cannot be asked for its branch"):
        tip(found(noted.root), "origin", "refs/heads/main")
    assert not noted.log.exists()


@pytest.mark.parametrize(
    "url",
    [
        "https://h/x",
        "ssh://u@h:22/x",
        "git+ssh://h/x",
        "u@h:x/y.git",
        "h:x",
        "file:///x",
        "/x",
        "../x",
        "HTTPS://h/",
    ],
)
def test_usual_addresses_are_asked(noted: Noted, url: str) -> None:
    subprocess.run([noted.git, "-C", str(noted.root), "config", "remote.origin.url", url], check=True)
    whole = str(noted.root / url) if url == "../x" else url
    assert noted.settings()[0][1] == whole


def test_no_git_within_the_checkout_or_a_relative_folder_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, clone = cloned(tmp_path)
    (clone / "bin").mkdir()
    (clone / "bin/git").write_text("#!/bin/sh\n")
    (clone / "bin/git").chmod(0o755)
    (tmp_path / "way").symlink_to(clone / "bin")
    monkeypatch.chdir(clone / "bin")
    monkeypatch.setenv("PATH", os.pathsep.join([str(clone / "bin"), str(tmp_path / "way"), ".", "", "bin"]))
    with pytest.raises(StaleFilesError, match="git is not on the PATH"):
        require_tip(clone, "main")


def test_a_branch_that_ends_in_the_name_is_not_taken_for_it(tmp_path: Path) -> None:
    origin, clone = cloned(tmp_path)
    forged = git(origin, "rev-parse", "HEAD")
    commit(origin, f"{ACME}# more\n")
    git(origin, "update-ref", "refs/heads/a/refs/heads/main", forged)
    with pytest.raises(StaleFilesError, match="but main is at"):
        require_tip(clone, "main")


def test_an_ssh_command_from_outside_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin, clone = cloned(tmp_path)
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/args\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c "$1"\n'
    )
    ssh.chmod(0o755)
    git(clone, "config", "remote.origin.url", f"ssh://somebody@git.example{origin}")
    git(clone, "config", "core.sshCommand", "false")
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    require_tip(clone, "main")
    assert "somebody@git.example" in (tmp_path / "args").read_text()


def test_a_remote_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, clone = cloned(tmp_path)
    git(clone, "config", "remote.origin.url", "ssh://git.example/x")
    monkeypatch.setenv("GIT_SSH_COMMAND", "sleep 1000 #")
    monkeypatch.setattr(remote, "TIMEOUT_SECONDS", 0.5)
    with pytest.raises(StaleFilesError, match="did not return the commit of main"):
        require_tip(clone, "main")


def test_a_branch_follows_what_its_configuration_says_and_a_remotes_branch_the_longest_name(
    tmp_path: Path,
) -> None:
    root = repository(tmp_path / "r", {"tenants/acme.yaml": ACME})
    for name in ("team", "team/eu"):
        git(root, "remote", "add", name, "https://git.example/x")
    git(root, "config", "branch.a.b.remote", "team")
    git(root, "config", "branch.a.b.merge", "refs/heads/Trunk")
    git(root, "config", "branch.here.remote", ".")
    git(root, "config", "branch.here.merge", "refs/heads/main")
    opened = found(root)
    assert upstream_of_ref(opened, "refs/heads/a.b") == ("team", "refs/heads/Trunk")
    assert upstream_of_ref(opened, "refs/heads/here") is None
    assert upstream_of_ref(opened, "refs/heads/main") is None
    assert upstream_of_ref(opened, "refs/tags/team/x") is None
    assert upstream_of_ref(opened, "refs/remotes/team/eu/x") == ("team/eu", "refs/heads/x")
