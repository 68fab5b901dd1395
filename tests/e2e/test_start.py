"""The page of a new user: each of its commands in an empty folder, in this process and from a wheel."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.simulator.clock import DEMO_EPOCH_SECONDS
from reconciler.simulator.serve import serving
from tests.e2e.pages import START, Reader
from tests.harness.account import ORGANIZATIONS, a_simulator
from tests.harness.repository import git, needs_git
from tests.harness.shell import ROOT, PassingTime, Shell

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_git

CONTAINERFILE: Final = (ROOT / "Containerfile").read_text(encoding="utf-8")
SOURCES: Final = ("LICENSE", "README.md", "pyproject.toml", "requirements", "reconciler")
NETWORK: Final = re.compile(r"(PIP|SSL)_\w+|\w+_proxy", re.IGNORECASE)
"""Variables that say where a package index is."""
PEOPLE: Final = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Somebody"), ("EMAIL", "somebody@example.com"))
}


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder without any file, and somebody who commits."""
    folder, home = tmp_path / "fleet", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    for name, value in PEOPLE.items():
        monkeypatch.setenv(name, value)
    shell = Shell(folder)
    (folder / "tiers.yaml").unlink()
    (folder / "tenants").rmdir()
    return shell


def test_every_console_block_shows_what_happens_in_an_empty_folder(empty: Shell, tmp_path: Path) -> None:
    reader = Reader(empty, tmp_path / "home")
    now = [reader.retypes(block) for block in START.blocks("console")]
    if os.environ.get("PAGES") == "write":
        START.rewrite("console", now)
    for shown, told in zip(now, START.blocks("console"), strict=True):
        assert shown.splitlines() == told.splitlines()


def test_the_commands_for_a_real_account_work_on_the_served_simulator(empty: Shell) -> None:
    [init, *_] = [line for line in commands() if line.startswith("reconciler init")]
    assert empty.run(*shlex.split(init)[1:]).code == 0
    prices = (empty.folder / "tiers.yaml").read_text(encoding="utf-8")
    assert "settle: 10s" in prices
    empty.write("tiers.yaml", prices.replace("settle: 10s", "settle: 1s"))  # nobody waits for this account
    empty.tenant("acme")
    git(empty.folder, "init", "--quiet", "--initial-branch=main")
    git(empty.folder, "add", "--all")
    git(empty.folder, "commit", "--quiet", "--message", "Begin the fleet")
    passing = PassingTime(0.5, DEMO_EPOCH_SECONDS)
    with (
        a_simulator(*ORGANIZATIONS, path=empty.folder / "sim.db", clock_source=passing) as neon,
        serving(neon) as host,
    ):
        empty.clock = neon.clock.now
        exported = [
            line for block in START.blocks("sh") for line in block.splitlines() if line.startswith("export ")
        ]
        named = {word.partition("=")[0] for line in exported for word in shlex.split(line)[1:]}
        ids = {f"NEON_{name.upper()}_ORG_ID": id_ for name, id_ in neon.organization_ids.items()}
        keys = {f"{name.upper()}_ORG_API_KEY": key for name, key in neon.organization_keys.items()}
        empty.environ |= {**ids, **keys, "PERSONAL_API_KEY": neon.personal_key}
        assert named == empty.environ.keys()
        empty.environ["NEON_API_HOST"] = host
        for line in (line for block in START.blocks("sh") for line in block.splitlines()):
            if line.startswith("reconciler "):
                ended = empty.run(*shlex.split(line)[1:])
                assert ended.code == 0, f"{line}: {ended.err}{ended.out}"
    assert git(empty.folder, "tag") == "applied"


def commands() -> list[str]:
    """The commands of the page, in their order."""
    return [line[2:] for block in START.blocks("console") for line in block.splitlines() if line.startswith("$ ")]


def build(folder: Path) -> str:
    """What the Containerfile does to build and install, in this folder."""
    [script] = re.findall(r"^RUN (python -m venv .*?[^\\])$", CONTAINERFILE, re.MULTILINE | re.DOTALL)
    for place in ("/opt/reconciler", "/tmp/wheel"):  # noqa: S108 - in the image
        assert place in script
        script = script.replace(place, str(folder / place.rpartition("/")[2]))
    return re.sub(r"^python", "python3", script)


@pytest.mark.slow
@pytest.mark.exhaustive
def test_from_a_built_wheel_to_a_merged_change(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.mkdir()
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, program / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, program)
    for folder in ("home", "fleet"):
        (tmp_path / folder).mkdir()
    network = {name: value for name, value in os.environ.items() if NETWORK.fullmatch(name)}
    environ = {**network, **PEOPLE, "HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"], "PIP_QUIET": "3"}
    _bash(f"set -e; {build(tmp_path)}", program, environ)
    _bash(f"{tmp_path}/reconciler/bin/pip check", program, environ)  # the lock has all that the wheel asks for
    environ["PATH"] = f"{tmp_path}/reconciler/bin:{environ['PATH']}"
    said = _bash("set -eo pipefail\n" + "\n".join(commands()), tmp_path / "fleet", environ)
    assert said.splitlines()[-1] == "In sync: 1 tenant matches the files."
    where = _bash("python -c 'import reconciler; print(reconciler.__file__)'", tmp_path / "fleet", environ)
    assert where.startswith(str(tmp_path / "reconciler/lib"))


def _bash(script: str, folder: Path, environ: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_image_gets_what_the_build_needs_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert lines[0] == "*"
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(SOURCES)
    entry = re.search(r"^ENTRYPOINT \[(.+)\]$", CONTAINERFILE, re.MULTILINE)
    assert entry is not None
    assert shlex.split(entry[1]) == ["reconciler"]
