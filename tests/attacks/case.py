"""A case: a folder that says what an attacker brings, and what has to come of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec
import yaml

T = TypeVar("T")

ATTACKS: Final = Path(__file__).parent
FAMILIES: Final = {
    "reads": ("validate",),
    "plans": ("plan", "plan-without-base", "drift"),
    "converges": ("converge", "converge-document"),
    "applies": ("apply", "apply-of-main"),
}
"""Commands that an expectation can name together."""
CALLING: Final = ("plans", "converges", "applies")
"""The families that need keys: ``calls`` in an expectation."""


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """``environment.yaml``: what surrounds the commands, where it is not the usual."""

    fleet: Literal["root", "folder"] = "root"
    """Whether the fleet is the repository, or its folder ``fleet`` (commands then run with ``-C fleet``)."""
    merged: bool = False
    """Whether the pull request was merged: its commit is the tip of main, here and at the remote."""
    variables: dict[str, str | None] = {}
    """Set for every command, over the usual ones; null takes one away."""
    process: Literal["forked", "real"] = "forked"
    """Whether each command is a process from its very start, which costs half a second."""
    working_directory: Literal["there", "deleted"] = "there"
    stdin: str | None = None
    """The file that every command has for its standard input; nothing by default."""
    document: str = '{"tenant": "bluebird", "tier": "free"}'
    """What `converge-document` reads, where ``stdin`` names no file."""
    live: list[tuple[str, str, dict[str, Any]]] = []
    """Calls that somebody made in the console before: method, path and body."""
    more: dict[str, list[str]] = {}
    """Further commands of this case, by a name; they run before those that write."""
    edit: str | None = None
    """A shell script that runs before these."""
    absent: list[str] = []
    """Files of the repository that no command makes."""
    variants: dict[str, list[str]] = {}
    """Words between double braces, and what each stands for in turn: one pull request for each."""
    trap: str | None = None
    """A shell command that walks into the trap, as a proof that the trap is live."""
    stranger_may_hear: bool = False
    """Whether the operator's own environment leads to the stranger's host. No key goes there in any case."""


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a command ends."""

    codes: list[int]
    """Any of these exit codes."""
    says: list[str] = []
    """Words that its output holds, each of them, in whatever case."""
    never: list[str] = []
    """Words that its output does not hold."""


NOT_MAIN: Final = Expectation(codes=[1, 3, 4, 5])
"""Of `apply --ref main` for a pull request that is not merged, whatever else is wrong with it."""


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """``expected.yaml``: by command, family, ``calls`` or ``every``; the nearest counts."""

    commands: dict[str, Expectation]
    writes: list[str] = []
    """The tenants whose projects this pull request may change or make; no other project changes."""


class Case(msgspec.Struct, frozen=True):
    """One folder."""

    name: str
    environment: Environment
    expected: Expected

    @property
    def folder(self) -> Path:
        """Where it is."""
        return ATTACKS / self.name

    @property
    def variants(self) -> list[dict[str, str]]:
        """The words of each of its pull requests."""
        if not self.environment.variants:
            return [{}]
        (word, values), *others = self.environment.variants.items()
        assert not others, "one word varies in a case"
        return [{word: value} for value in values]

    def expectation(self, command: str) -> Expectation | None:
        """What has to come of a command; None where the case says nothing of it."""
        if command == "apply-of-main" and not self.environment.merged and command not in self.expected.commands:
            return NOT_MAIN
        family = next((name for name, members in FAMILIES.items() if command in members), None)
        names = [command, family, "calls" if family in CALLING else None, "every" if family else None]
        found = (self.expected.commands.get(name) for name in names if name)
        return next((expectation for expectation in found if expectation is not None), None)


def names() -> list[str]:
    """Every case, in order."""
    return sorted(path.name for path in ATTACKS.iterdir() if path.name[:3].isdecimal())


def read(name: str) -> Case:
    """The case in the folder of that name. Raises msgspec.ValidationError for a word that nobody reads."""
    folder = ATTACKS / name
    around = folder / "environment.yaml"
    environment = _yaml(around, Environment) if around.exists() else Environment()
    return Case(name, environment, _yaml(folder / "expected.yaml", Expected))


def _yaml(path: Path, shape: type[T]) -> T:
    return msgspec.convert(yaml.load(path.read_bytes(), yaml.CSafeLoader), shape)
