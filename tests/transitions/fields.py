"""What a field is: something that files can state, with its members of the official description and its values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tests.transitions.members import Member, settable
from tests.transitions.values import booleans, wrong

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.transitions.answers import Answers
    from tests.transitions.members import Schema
    from tests.transitions.values import Value

    Good: TypeAlias = Callable[[Schema, Random], list[Value]]
    Bad: TypeAlias = Callable[[Schema, Random], list[Any]]
    Told: TypeAlias = Callable[[Answers], Any]

HOW_MANY: Final = 12
"""Values of a field that one draw picks from."""
PROJECT: Final = "createProject updateProject"


class Kept(Enum):
    """What becomes of a value that is stated."""

    CHANGEABLE = "it can be changed"
    AT_CREATION = "it counts at creation only"
    ONE_WAY = "true stays true"


class Level(Enum):
    """Where the files state a field."""

    TIER = "in the tier"
    BOTH = "in the tier, and for one tenant in its place"
    TENANT = "for each tenant"


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One thing that files can state."""

    place: tuple[str, ...]
    """Below a tier and below ``overrides``; else below the tenant."""
    members: tuple[Member, ...]
    told: Told
    """What the API tells of it, in the words of ``Value.told``."""
    good: Callable[[Random], list[Value]]
    bad: Callable[[Random], list[Any]]
    """What is no value for it, as written."""
    beside: tuple[tuple[tuple[str, ...], Any], ...] = ()
    """What has to be stated with it, by its place."""
    kept: Kept = Kept.CHANGEABLE
    level: Level = Level.BOTH
    ends: bool = False
    """Whether a field that is not stated is asked to be ``absent``; else its value is left alone."""
    absent: Any = None
    unread: bool = False
    """Whether planning goes by what the files said, because it does not read the value: one that the files do not
    state is taken for the default."""
    doubtful: bool = False
    """Whether values that are good by themselves may be refused, for what is live beside them."""

    @property
    def group(self) -> str:
        """Fields of one group depend on each other: the tenant's own replace the tier's, or they share a range."""
        if "compute" in self.place:
            return "compute"
        if self.place[0] == "dev_branches" and self.place[-1] in ("protected", "expires_at"):
            return "a branch that is protected cannot expire"
        return ".".join(self.place[:2]) if self.place[0] == "settings" else self.name

    @property
    def name(self) -> str:
        return ".".join(self.place)


def field(place: str, operations: str, path: str, told: Told, good: Good, bad: Bad, **more: Any) -> Field:
    """A field at ``place`` whose members have one path in each of several operations."""
    members = tuple(Member(operation, path) for operation in operations.split())
    return field_of(place, members, told, good, bad, **more)


def field_of(place: str, members: tuple[Member, ...], told: Told, good: Good, bad: Bad, **more: Any) -> Field:
    """A field with these members. Values are made from the schema of the first one."""
    schema = settable()[members[0]]
    return Field(
        tuple(place.split(".")), members, told, lambda r: good(schema, r), lambda r: bad(schema, r), **more
    )


def yes_or_no(_: Schema, __: Random) -> list[Value]:
    """Both."""
    return booleans()


def neither(schema: Schema, _: Random) -> list[Any]:
    """What a reader of YAML 1.1, or of another format, would take for one of both."""
    return ["on", "no", "True ", 0, *wrong({**schema, "type": "boolean"})]


PINNED: Final[dict[str, Any]] = {"kept": Kept.AT_CREATION, "level": Level.TENANT}
