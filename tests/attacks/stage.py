"""The stage of an attack: the fleet in a repository with a remote, and the pull request laid over it."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from tests.attacks import marked
from tests.attacks.case import ATTACKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.attacks.case import Case

_WORD: Final = re.compile(r"\{\{(U\+)?([\w-]+(?::\w+)?)\}\}")
_DOT: Final = "dot-"
"""How the name of a file begins that is hidden in the pull request: here it would be obeyed."""
_QUIET: Final = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgsign=false")
_WHO: Final = {
    f"GIT_{who}_{what}": f"{who.lower()}@fleet.example"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
_PATHS: Final = {"CANARY": "canary", "TRAP": "outside/trap", "OUTSIDE": "outside", "OUT": "out"}
_BARE: Final = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
_REMOTE: Final = """\
[remote "origin"]
\turl = {remote}
\tfetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
\tremote = origin
\tmerge = refs/heads/main
"""
TRAP: Final = """\
#!/bin/sh
# Whatever runs this has run the attacker's code.
echo "$0 $*" >> '{{CANARY}}'
"""
_APPLIED: Final[dict[str | None, Path]] = {}
"""The repositories of the fleet, by the folder in which it is."""
PRECIOUS: Final = "what stands here is somebody else's, and stays\n"


@dataclass(frozen=True, slots=True)
class Stage:
    """The folders of one attack, all below ``root``."""

    root: Path
    case: Case
    words: Mapping[str, str]
    """What stands for the words between double braces in files, scripts and settings."""
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def repository(self) -> Path:
        """The clone that the commands work in."""
        return self.root / "repository"

    @property
    def fleet(self) -> Path:
        """The folder of tiers.yaml."""
        return self.repository / "fleet" if self.case.environment.fleet == "folder" else self.repository

    @property
    def outside(self) -> Path:
        """What belongs to somebody else on the same machine."""
        return self.root / "outside"

    @property
    def out(self) -> Path:
        """Where the operator keeps outputs of commands, out of the repository."""
        return self.root / "out"

    @property
    def canary(self) -> Path:
        """Made by whatever code of the attacker runs."""
        return self.root / "canary"

    def filled_in(self, text: str) -> str:
        """The text with every word between double braces replaced; ``{{U+2028}}`` is that character."""
        return filled_in(text, self.words)

    def git(self, *arguments: str) -> str:
        """A command of git in the repository, which runs nothing that the case has planted."""
        return self._run("git", *_QUIET, *arguments).strip()

    def shell(self, script: str) -> str:
        """A shell script in the repository, with what it needs as variables."""
        return self._run("sh", "-euc", script)

    def spring(self, script: str, environ: Mapping[str, str]) -> None:
        """The script as somebody careless would run it, whatever becomes of it."""
        around = {**environ, "FLEET": str(self.fleet)}
        subprocess.run(["sh", "-c", script], cwd=self.repository, env=around, capture_output=True, check=False)

    def _run(self, *command: str) -> str:
        ended = subprocess.run(
            command, cwd=self.repository, env=self._around_scripts(), capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, (command, ended.stderr)
        return ended.stdout

    def _around_scripts(self) -> dict[str, str]:
        folders = {
            "FLEET": self.fleet,
            "OUTSIDE": self.outside,
            "CASE": self.case.folder,
            "REMOTE": self.root / "remote.git",
        }
        named = {name.replace("-", "_"): value for name, value in self.words.items() if ":" not in name}
        shown = {name: str(folder) for name, folder in folders.items()}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root / "home"),
            "GIT_CONFIG_NOSYSTEM": "1",
            **_WHO,
            **named,
            **shown,
        }


def filled_in(text: str, words: Mapping[str, str]) -> str:
    """The text with every word between double braces replaced; ``{{U+2028}}`` is that character."""
    return _WORD.sub(lambda found: chr(int(found[2], 16)) if found[1] else words[found[2]], text)


def build(root: Path, case: Case, words: Mapping[str, str], variant: Mapping[str, str]) -> Stage:
    """The stage with everything in its place: first what was there before, then the pull request."""
    paths = {name: root / path for name, path in _PATHS.items()}
    known = {**{name: str(path) for name, path in paths.items()}, **words}
    chosen = {name: filled_in(text, known) for name, text in variant.items()}
    stage = Stage(root, case, {**known, **chosen})
    for folder in ("repository", "home", "outside", "out", "tmp"):
        (root / folder).mkdir()
    _furnish(stage)
    _before(stage)
    _pull_request(stage)
    stage.canary.unlink(missing_ok=True)
    return stage


def _furnish(stage: Stage) -> None:
    """What belongs to others: the trap that hostile settings point to, and files that a link could lead to."""
    trap = stage.outside / "trap"
    trap.write_text(stage.filled_in(TRAP), encoding="utf-8")
    trap.chmod(0o755)
    (stage.outside / "precious.txt").write_text(PRECIOUS, encoding="utf-8")
    secret = f"aws_secret_access_key: {marked.OTHERS['AWS_SECRET_ACCESS_KEY']}\n"
    (stage.outside / "credentials.yaml").write_text(secret, encoding="utf-8")


def _before(stage: Stage) -> None:
    """The fleet as it was applied, which is the same for each case that adds nothing to it."""
    alike = None if (stage.case.folder / "base").exists() else stage.case.environment.fleet
    if alike in _APPLIED:
        shutil.copytree(_APPLIED[alike], stage.root, dirs_exist_ok=True)
    else:
        _commits(stage)
    if alike is not None and alike not in _APPLIED:
        _keep(stage, alike)
    with (stage.repository / ".git/config").open("a", encoding="utf-8") as config:
        config.write(_REMOTE.format(remote=stage.root / "remote.git"))


def _commits(stage: Stage) -> None:
    """Two commits on main, the tag ``applied``, the remote, and the branch of the change."""
    stage.git("init", "--quiet", "--initial-branch=main")
    stage.fleet.mkdir(exist_ok=True)
    shutil.copy(ATTACKS / "fleet/tiers.yaml", stage.fleet)
    _commit(stage, "Add the price list")
    shutil.copytree(ATTACKS / "fleet/tenants", stage.fleet / "tenants")
    lay(stage, stage.case.folder / "base", stage.fleet)
    _commit(stage, "Add the tenants")
    stage.git("tag", "applied")
    shutil.copytree(stage.repository / ".git", stage.root / "remote.git")
    (stage.root / "remote.git/config").write_text(_BARE, encoding="utf-8")
    stage.git("update-ref", "refs/remotes/origin/main", "main")
    stage.git("checkout", "--quiet", "-b", "change")


def _keep(stage: Stage, alike: str) -> None:
    """Both repositories, until this process ends."""
    kept = TemporaryDirectory(prefix="reconciler-")
    atexit.register(kept.cleanup)
    _APPLIED[alike] = Path(kept.name)
    for folder in (stage.repository, stage.root / "remote.git"):
        shutil.copytree(folder, _APPLIED[alike] / folder.name)


def _pull_request(stage: Stage) -> None:
    """One commit on a branch of its own; and whatever the case's two scripts do before and after it."""
    lay(stage, stage.case.folder / "pull-request", stage.fleet)
    _script(stage, "prepare.sh")
    _commit(stage, "Change my tenant")
    if stage.case.environment.merged:
        stage.git("checkout", "--quiet", "main")
        stage.git("merge", "--quiet", "--ff-only", "change")
        stage.git("push", "--quiet", "origin", "main")
    _script(stage, "after-commit.sh")


def _commit(stage: Stage, message: str) -> None:
    stage.git("add", "--all")
    stage.git("commit", "--quiet", "--allow-empty", "--message", message)


def _script(stage: Stage, name: str) -> None:
    script = stage.case.folder / name
    if script.exists():
        stage.shell(script.read_text(encoding="utf-8"))


def lay(stage: Stage, source: Path, target: Path) -> None:
    """The files of a folder over another one, with every word filled in."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            parts = [_unhidden(part) for part in path.relative_to(source).parts]
            goal = target.joinpath(*parts)
            goal.parent.mkdir(parents=True, exist_ok=True)
            goal.write_text(stage.filled_in(path.read_text(encoding="utf-8")), encoding="utf-8", newline="")


def _unhidden(part: str) -> str:
    return f".{part.removeprefix(_DOT)}" if part.startswith(_DOT) else part
