"""A harmless checkout with a fleet in a folder of it, its origin, and a canary that any execution would touch."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.harness.forks import Order
from tests.harness.repository import git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.harness.forks import Ended, Warm

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "plan": ("plan", "--out", "saved.json"),
    "plan --base": ("plan", "--base", "applied"),
    "drift": ("drift",),
    "apply --ref": ("apply", "--yes", "--ref", "main"),
    "apply": ("apply", "--yes"),
}
"""Every command that looks at git, by the name that an expectation has for it."""


@dataclass
class Stage:
    """``checkout`` is a clone of ``origin``; its second commit adds a tenant to the first, which is tagged."""

    folder: Path
    warm: Warm
    environ: dict[str, str] = field(default_factory=dict)
    base: str = ""
    """The id of HEAD's first parent."""
    head: str = ""

    def __post_init__(self) -> None:
        for path in (self.checkout, self.folder / "home"):
            path.mkdir()
        self.environ |= {
            **os.environ,
            "HOME": str(self.folder / "home"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CONFIG_HOME": str(self.folder / "home"),
        }
        git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", "origin")
        git(self.checkout, "init", "--quiet", "--initial-branch=main")
        git(self.checkout, "remote", "add", "origin", str(self.folder / "origin"))
        self.write("fleet/tiers.yaml", TIERS)
        self.commit({"fleet/tenants/acme.yaml": "tenant: acme\ntier: free\n"})
        git(self.checkout, "tag", "applied")
        self.commit({"fleet/tenants/zoe.yaml": "tenant: zoe\ntier: free\n"})

    @property
    def checkout(self) -> Path:
        """The top of the work tree."""
        return self.folder / "checkout"

    @property
    def fleet(self) -> Path:
        """The folder that holds tiers.yaml."""
        return self.checkout / "fleet"

    @property
    def dot_git(self) -> Path:
        """The repository."""
        return self.checkout / ".git"

    @property
    def canary(self) -> Path:
        """The file that a program of a stranger would make."""
        return self.folder / "canary"

    def git(self, *arguments: str) -> str:
        """Runs git in the checkout."""
        return git(self.checkout, *arguments)

    def write(self, path: str, text: str | bytes) -> Path:
        """A file of the checkout."""
        file = self.checkout / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def program(self, path: str = "fleet/run.sh") -> Path:
        """A program in the checkout that touches the canary, and would pass its input on as a filter does."""
        file = self.write(path, f'#!/bin/sh\necho "$0 $*" >> {self.canary}\nexec cat\n')
        file.chmod(0o755)
        return file

    def commit(self, files: Mapping[str, str] | None = None) -> None:
        """All that is in the checkout, and these files, as the newest commit of main, here and at the origin."""
        for path, text in (files or {}).items():
            self.write(path, text)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--message=x")
        self.moved()

    def moved(self) -> None:
        """Take HEAD as it is for the tip of main, and publish it."""
        self.base, self.head = self.head, self.git("rev-parse", "HEAD")
        self.git("push", "--quiet", "--force", "--set-upstream", "origin", "HEAD:refs/heads/main")

    def run(self, command: str) -> Ended:
        """One of COMMANDS, as a process of its own, with the simulator in it, which puts down what it starts."""
        name, *flags = COMMANDS[command]
        place = ("-C", "fleet", "--simulator", str(self.folder / "sim.db"))
        streams = self.folder / "streams"
        streams.mkdir(exist_ok=True)
        noted = self.folder / "started"
        return self.warm.run(Order((name, *place, *flags), self.checkout, self.environ, noted=noted), streams)

    def started(self) -> list[str]:
        """The programs that commands have started so far."""
        log = self.folder / "started"
        return log.read_text(encoding="utf-8").split() if log.exists() else []

    def compared_with(self) -> str | None:
        """The commit that the saved plan was compared with."""
        saved = json.loads((self.checkout / "saved.json").read_text(encoding="utf-8"))
        base: str | None = saved["base"]
        return base


@dataclass(frozen=True)
class Hostile:
    """A builder, and what every command makes of what it built."""

    build: Callable[[Stage], None]
    base: Callable[[Stage], str | None]
    """The commit that ``plan`` compares with; not asked for where it is refused."""
    refused: Mapping[str, str]
    """By command, what a refusal says; the other commands go ahead as if nothing were there."""


ALL: Final[dict[str, Hostile]] = {}
"""Every hostile repository, by what it tries."""


def hostile(
    tries: str,
    *,
    base: Callable[[Stage], str | None] = lambda stage: stage.base,
    refused: str | Mapping[str, str] | None = None,
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Adds a builder to ALL. A plain ``refused`` is what every command says."""
    by_command = dict.fromkeys(COMMANDS, refused) if isinstance(refused, str) else dict(refused or {})

    def added(build: Callable[[Stage], None]) -> Callable[[Stage], None]:
        ALL[tries] = Hostile(build, base, by_command)
        return build

    return added
