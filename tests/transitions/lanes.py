"""A lane: what one tenant's files say, one time after the other. Each step to the next is a transition."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from tests.transitions.fields import Level
from tests.transitions.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from tests.transitions.fields import Field

Document = dict[str, Any]

ACCEPTED: Final[Document] = dict.fromkeys(("suspension", "full_branches", "history_loss"), "2031-12-31")
"""Any reduction, until the end of that day."""
QUOTA_OF_TIER: Final[dict[tuple[str, ...], Value]] = {
    ("quota", "active_time"): Value("100h", 360_000),
    ("quota", "compute_time"): Value("unlimited", 0),
    ("quota", "written_data"): Value("unlimited", 0),
    ("quota", "data_transfer"): Value("5GiB", 5 * 2**30),
    ("quota", "logical_size"): Value("512MiB", 512 * 2**20),
}
"""A tier that manages the quota names all of it."""
FIRST_HOME: Final = Value("paid", "paid")
ALWAYS: Final[dict[tuple[str, ...], Value]] = {**QUOTA_OF_TIER, ("organization",): FIRST_HOME}
"""What a tier cannot cease to state."""


@dataclass(frozen=True, slots=True)
class Stated:
    """One field in the files: the tier's value and the tenant's own; None where it does not stand there."""

    tier: Value | None = None
    own: Value | None = None
    bad: bool = False
    """Whether the tenant's own is no value for the field."""

    @property
    def value(self) -> Value | None:
        """The one that counts."""
        return self.tier if self.own is None else self.own


@dataclass(frozen=True, slots=True)
class Files:
    """What the files say of a tenant."""

    stated: Mapping[Field, Stated]

    @property
    def bad(self) -> bool:
        """Whether something of it cannot be."""
        return any(one.bad for one in self.stated.values())

    def tier(self) -> Document:
        """The tenant's tier, which nobody else has."""
        found: Document = {"organization": FIRST_HOME.written}
        if any(field.place[0] == "quota" for field in self.stated):
            found["quota"] = {place[-1]: value.written for place, value in QUOTA_OF_TIER.items()}
        for field, stated in self.stated.items():
            if stated.tier is not None:
                _put(found, field, stated.tier.written)
        return found

    def tenant(self, name: str) -> Document:
        """The tenant's document."""
        found: Document = {"tenant": name, "tier": f"tier-{name}", "accept": dict(ACCEPTED)}
        copies: Document = {"dev_branches": {"dev": {"name": "dev"}}, "snapshots": {"v1": {"name": "v1"}}}
        for field, stated in self.stated.items():
            if stated.own is not None:
                inner = found if field.level is Level.TENANT else found.setdefault("overrides", {})
                _put(copies if field.place[0] in copies else inner, field, stated.own.written)
        return {**found, **{key: list(entries.values()) for key, entries in copies.items()}}


def _put(document: Document, field: Field, written: Any) -> None:
    for place, value in ((field.place, written), *field.beside):
        inner = document
        for step in place[:-1]:
            inner = inner.setdefault(step, {})
        inner[place[-1]] = deepcopy(value)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Values of a field that one lane uses, and what is none."""

    good: tuple[Value, ...]
    bad: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """The states of one tenant's files, in order."""

    tenant: str
    states: tuple[Files, ...]


class Kind(Enum):
    """What a transition does to a field."""

    SET = "set"
    CHANGE = "change"
    UNSET = "unset"
    SPOILT = "good to bad"
    MENDED = "bad to good"
    SAME = "same"


def kind(before: Stated, after: Stated) -> Kind:
    """What happens to a field between two states: to the tenant's own value, else to the tier's."""
    if before.bad != after.bad:
        return Kind.SPOILT if after.bad else Kind.MENDED
    was, now = (before.own, after.own) if before.own != after.own else (before.tier, after.tier)
    if was == now:
        return Kind.SAME
    return Kind.SET if was is None else Kind.UNSET if now is None else Kind.CHANGE


def a_lane(tenant: str, chosen: Sequence[Field], steps: int, random: Random) -> Lane:
    """A lane in which these fields come, change, go and are spoilt; one of them at least in each step."""
    drawn = {field: Drawn(tuple(field.good(random)), tuple(field.bad(random))) for field in chosen}
    state = {field: _first(field, drawn[field], random) for field in chosen}
    states = [Files(dict(state))]
    for _ in range(steps):
        moved = random.sample(chosen, random.randint(1, len(chosen)))
        spoilt = [field for field in chosen if state[field].bad]
        for field in {*moved, *spoilt}:
            state[field] = _next(state[field], field, drawn[field], random)
        states.append(Files(dict(state)))
    return Lane(tenant, tuple(states))


def _first(field: Field, drawn: Drawn, random: Random) -> Stated:
    stated = Stated(tier=ALWAYS.get(field.place))
    if field.unread:
        return _own(stated, drawn, random)
    return stated if random.random() < 0.3 else _next(stated, field, drawn, random)


def _next(now: Stated, field: Field, drawn: Drawn, random: Random) -> Stated:
    """Another state of the field. What is bad is mended: by another value, or by what was there before."""
    if field.level is Level.TIER:
        return replace(now, tier=random.choice([value for value in drawn.good if value != now.tier]))
    if field.unread and now.own is None:
        return now
    ways = [_own(now, drawn, random)]
    if now.bad:
        return ways[0] if random.random() < 0.8 else replace(now, own=None, bad=False)
    if drawn.bad:
        ways.append(replace(now, own=Value(random.choice(drawn.bad)), bad=True))
    if now.own is not None:
        ways += [ways[0], replace(now, own=None)]
    if field.level is Level.BOTH:
        ways.append(replace(now, tier=random.choice(drawn.good)))
        if now.tier is not None and field.place not in ALWAYS:
            ways.append(replace(now, tier=None))
    return random.choice(ways)


def _own(now: Stated, drawn: Drawn, random: Random) -> Stated:
    others = [value for value in drawn.good if value != now.own]
    return replace(now, own=random.choice(others), bad=False)
