"""What is declared of a field: its place, form and unit, and what a change of it does to the tenant."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.model.compute import NEVER_SUSPEND
from reconciler.model.fields.ranking import NO_ORDER
from reconciler.model.units import NEVER, UNLIMITED, format_bytes, format_cu, format_seconds

if TYPE_CHECKING:
    from reconciler.model.fields.ranking import Ranking
    from reconciler.model.values import Json


class Unit(Enum):
    """What a number counts. The value is the end of the name that carries it."""

    BYTES = "_bytes"
    SECONDS = "_seconds"
    CU = "_cu"
    NONE = ""

    def worded(self, amount: float) -> str:
        """The number with its unit: ``5GiB``, ``7d``, ``2 CU``."""
        match self:
            case Unit.BYTES:
                return format_bytes(int(amount))
            case Unit.SECONDS:
                return format_seconds(int(amount))
            case Unit.CU:
                return f"{format_cu(amount)} CU"
            case Unit.NONE:
                return str(amount)


class Form(Enum):
    """How a value is written in the files. ``files/sections.py`` has the reader of each."""

    SIZE_QUOTA = "a size, or unlimited"
    TIME_QUOTA = "a duration, or unlimited"
    DURATION = "a duration"
    SUSPEND_TIMEOUT = "a duration, or never"
    COMPUTE_UNITS = "a compute size"
    SWITCH = "true or false"
    ADDRESSES = "a list of addresses, networks and ranges"
    NAMES = "a list of names"
    WEEKDAYS = "a list of days, 1 (Monday) to 7"
    TIME_OF_DAY = "a time of day, HH:MM"
    AUDIT_LEVEL = "base, extended or full"
    TEXT = "text"
    NUMBER = "a whole number"
    PARAMETERS = "a mapping of Postgres parameters to values"
    MEMBERS = "a mapping"
    NAME = "a name"
    MOMENT = "a time with its zone, 2026-12-01T00:00:00Z"

    @property
    def unit(self) -> Unit:
        """What the number counts."""
        return _UNITS.get(self, Unit.NONE)


_UNITS: Final = {
    Form.SIZE_QUOTA: Unit.BYTES,
    Form.TIME_QUOTA: Unit.SECONDS,
    Form.DURATION: Unit.SECONDS,
    Form.SUSPEND_TIMEOUT: Unit.SECONDS,
    Form.COMPUTE_UNITS: Unit.CU,
}
_WORDS: Final = {
    (Form.SIZE_QUOTA, 0): UNLIMITED,
    (Form.TIME_QUOTA, 0): UNLIMITED,
    (Form.SUSPEND_TIMEOUT, NEVER_SUSPEND): NEVER,
}
"""Numbers that the files write as a word."""


class Effect(Enum):
    """What a change does to a tenant at work."""

    NONE = "nothing"
    RESTARTS = "restarts computes"
    DISCONNECTS = "may cut connections"
    SUSPENDS = "suspends computes once it is used up"
    STOPS_WRITES = "stops writes to a branch that is full"
    LOSES_HISTORY = "loses history"
    ENDS = "lets Neon delete it earlier"


class Patch(Enum):
    """What Neon does with the members of the same group that a request leaves out."""

    MERGES = "keeps them"
    UNKNOWN = "not documented: they are sent along"
    REPLACES = "removes them: the value is sent whole"
    NEVER = "set at creation only"


class Member(Struct, frozen=True, kw_only=True):
    """One member of a structured value: ``ips`` of ``settings.allowed_ips``."""

    key: str
    form: Form
    description: str
    required: bool = False


class Field(Struct, frozen=True, kw_only=True):
    """One settable member of a project; of a compute, too, where it has a place in one."""

    path: str
    """As the core names it; it ends in its unit: ``quota.data_transfer_bytes``."""
    form: Form
    description: str
    """One sentence, for the reference and the JSON Schema."""
    source: str
    """Where Neon documents it."""
    concern: str
    """The aspect of a project that ``--only`` and ``drift_policy`` name."""
    creation: tuple[str, ...] | None = None
    """The place in the body of a creation, below ``project``; the same in a patch and in answers, unless
    ``patch`` is NEVER. None if it is no member of a project."""
    branch: tuple[str, ...] | None = None
    """The place in a branch; the same when it is created, patched and read."""
    compute: tuple[str, ...] | None = None
    """The place in a compute. Then the project holds the default for computes created later."""
    snapshot: tuple[str, ...] | None = None
    """The place in the query of a creation of a snapshot."""
    patch: Patch = Patch.MERGES
    ranking: Ranking = NO_ORDER
    effect: Effect = Effect.NONE
    """Of each change."""
    effect_of_less: Effect = Effect.NONE
    """The effect of a reduction, besides ``effect``."""
    absent: Json = None
    """What Neon means where it states no value."""
    one_way: bool = False
    """Neon cannot turn it off again."""
    starts_operations: bool = True
    """Whether a change of the project starts operations (Neon: manage/operations)."""
    members: tuple[Member, ...] = ()

    @property
    def unit(self) -> Unit:
        """What a number counts."""
        return self.form.unit

    @property
    def label(self) -> str:
        """The name for people, who see the unit at the value: ``quota.data_transfer``. The files name it so."""
        return self.path.removesuffix("" if self.unit is Unit.CU else self.unit.value)

    @property
    def name(self) -> str:
        """The last part of the path: ``data_transfer_bytes``."""
        return self.path.rpartition(".")[2]

    @property
    def key(self) -> str:
        """The key in the files: ``data_transfer``."""
        return self.label.rpartition(".")[2]

    @property
    def group(self) -> str:
        """What it is a member of: ``quota``; empty for a field that stands alone."""
        return self.path.rpartition(".")[0]

    def worded(self, amount: float) -> str:
        """A number with its unit, or the word that the files have for it: ``5GiB``, ``unlimited``, ``never``."""
        return _WORDS.get((self.form, int(amount))) or self.unit.worded(amount)
