"""Every switch of the simulator with the values that it is tested with, by its type: a new one needs no entry.

for name, value in OTHERWISE: Behaviour(**{name: value})
"""

from __future__ import annotations

from dataclasses import Field, fields, replace
from enum import Enum
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from reconciler.simulator.behaviour import Behaviour, RateLimit

HINTS: Final = get_type_hints(Behaviour)
SECONDS: Final = (0.0, 8.0, 45.0)
"""Nothing, less than the settle time, and more than it."""
COUNTS: Final = (1, 3)
ORGANIZATIONS: Final = (("free",), ("free", "paid"))
SLOW: Final = RateLimit(per_minute=120, per_second_and_route=6)


def values(switch: Field[Any]) -> list[Any]:
    """What the switch can be, its default included. Raises TypeError for a type that is not known here.

    Where None says "never", a period of nothing is none.
    """
    hint = HINTS[switch.name]
    kinds = get_args(hint) if get_origin(hint) is not tuple and get_args(hint) else (hint,)
    found = dict.fromkeys((switch.default, *(value for kind in kinds for value in _of_kind(kind))))
    return [value for value in found if value != 0 or isinstance(value, bool) or NoneType not in kinds]


def _of_kind(kind: Any) -> tuple[Any, ...]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(kind)
    known = {
        bool: (False, True),
        int: COUNTS,
        float: SECONDS,
        NoneType: (None,),
        RateLimit: (SLOW,),
        tuple[str, ...]: ORGANIZATIONS,
    }
    if kind not in known:
        raise TypeError(f"no values are known for switches of type {kind}")
    return known[kind]


VALUES: Final = {switch.name: values(switch) for switch in fields(Behaviour)}
OTHERWISE: Final = [
    (switch.name, value)
    for switch in fields(Behaviour)
    for value in VALUES[switch.name]
    if value != switch.default
]
"""Each switch with each value beside its default."""

vectors = st.builds(Behaviour, **{name: st.sampled_from(all_of_it) for name, all_of_it in VALUES.items()})
"""All switches at random."""


def words(switch: Field[Any]) -> str:
    """What the switch can be, for a reader of docs/simulator.md."""
    hint = HINTS[switch.name]
    kinds = get_args(hint) if get_origin(hint) is not tuple and get_args(hint) else (hint,)
    return ", ".join(_words_of_kind(kind) for kind in kinds)


def _words_of_kind(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    known = {
        bool: "`true`, `false`",
        int: "a number",
        float: "seconds",
        NoneType: "`null`",
        RateLimit: "limits",
        tuple[str, ...]: "names",
    }
    return known[kind]


def otherwise(name: str, value: object) -> Behaviour:
    """The simulator as it is by default but for one switch."""
    changes: dict[str, Any] = {name: value}
    return replace(Behaviour(), **changes)
