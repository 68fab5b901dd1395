"""Values for a member, from its type, enum and range in the official description: good ones, and others.

How a value is written in a file and what the API tells of it stand side by side: ``Value("7d", 604800)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from tests.transitions.members import Schema

MAX_INT64: Final = 2**63 - 1
SECONDS: Final = {"d": 86_400, "h": 3600, "min": 60, "m": 60, "s": 1, "": 1}
BYTES: Final = {
    "TiB": 2**40,
    "GiB": 2**30,
    "MiB": 2**20,
    "KiB": 2**10,
    "TB": 10**12,
    "GB": 10**9,
    "MB": 10**6,
    "kB": 1000,
    "KB": 1000,
    "B": 1,
    "": 1,
}
SIZES_CU: Final = (0.25, 0.5, *range(1, 17), *range(18, 57, 2))
"""Neon: manage/computes. The description says 0.25 or more."""
WRONG_TYPES: Final[tuple[Any, ...]] = (
    None,
    "",
    "sometimes",
    "-",
    "yes",
    "1.2.3",
    1,
    -1,
    2.5,
    True,
    [1],
    ["a"],
    {"a": 1},
    [],
    {},
)
"""As YAML has them; each is wrong where a member's type does not admit it."""


@dataclass(frozen=True, slots=True)
class Value:
    """``written`` as YAML has it, ``told`` as the API tells it."""

    written: Any
    told: Any = None


def numbers(schema: Schema, random: Random, count: int, *, least: int | None = None) -> list[int]:
    """The bounds of the range, their neighbours inside of it, and numbers of every size between them."""
    low = schema.get("minimum", 0) if least is None else least
    high = schema.get("maximum", MAX_INT64)
    found = [low, high, low + 1, high - 1]
    while len(found) < count:
        found.append(min(high, low + random.getrandbits(random.randrange(1, (high - low).bit_length()))))
    return found


def spelled(amount: int, units: dict[str, int], random: Random) -> str:
    """The amount with a unit that divides it."""
    unit = random.choice([name for name, size in units.items() if amount % size == 0])
    return f"{amount // units[unit]}{unit}"


def amounts(schema: Schema, units: dict[str, int], random: Random, count: int, *, least: int) -> list[Value]:
    """Numbers as people write them."""
    found = numbers(schema, random, count, least=least)
    return [Value(spelled(amount, units, random), amount) for amount in found]


def not_amounts(schema: Schema, random: Random) -> list[Any]:
    """What is no amount in the range: beyond its ends, no whole number, in units of something else."""
    high = schema.get("maximum", MAX_INT64)
    beyond = [high + 1, high * 10 + random.randrange(10), f"{high + 1}", -1, -random.getrandbits(40) - 2]
    return [*beyond, "1.5", "7 weeks", "5XB", "12 12", "1e3", *wrong({"type": "amount"})]


def booleans() -> list[Value]:
    """Both."""
    return [Value(True, True), Value(False, False)]


def one_of(schema: Schema) -> list[Value]:
    """Each of the enum."""
    return [Value(word, word) for word in schema["enum"]]


def wrong(schema: Schema) -> list[Any]:
    """Whatever is not of the type."""
    return [value for value in WRONG_TYPES if not _is_of(value, schema)]


def _is_of(value: Any, schema: Schema) -> bool:
    match schema["type"]:
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list) and all(_is_of(item, schema["items"]) for item in value)
        case "object":
            return isinstance(value, dict) and not value
        case "string":
            return isinstance(value, str) and value in schema.get("enum", (value,))
        case "integer" | "number" | "amount":
            return isinstance(value, int | float) and value > 0 and not isinstance(value, bool)
    raise AssertionError(schema)


def subsets(items: Sequence[Any], random: Random, count: int, *, least: int = 0) -> list[Value]:
    """Lists of some of the items, in any order; to the API they are sets."""
    picked = [random.sample(items, random.randint(least, min(len(items), 6))) for _ in range(count)]
    return [Value(list(one), sorted(one)) for one in picked]
