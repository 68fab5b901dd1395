"""Sizes, durations and shares: what people write ("512MiB", "7d", "4.4%") against exact numbers; and estimates."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

UNLIMITED: Final = "unlimited"
NEVER: Final = "never"

BYTE_UNITS: Final = {
    "B": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
SECOND_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}

MAX_AMOUNT: Final = 2**63 - 1
"""Neon: quota members are 64-bit integers."""
LONGEST_SHOWN: Final = 60
"""Characters of what was written that a message repeats."""

_AMOUNT = re.compile(r"(?P<number>[0-9]{1,19}(?:\.[0-9]{1,9})?) ?(?P<unit>[A-Za-z]*)")


class Estimate(int):
    """A number that is only about right: how many projects a list has, before it is read."""

    __slots__ = ()


def parse_bytes(text: str) -> int:
    """Bytes of ``512MiB``, ``5GB`` or plain ``1024``. Raises ValueError, worded for the user."""
    return _parse(text, BYTE_UNITS, example="512MiB, 5GB or plain bytes")


def parse_seconds(text: str) -> int:
    """Seconds of ``100h``, ``7d``, ``5m`` or plain ``300``. Raises ValueError, worded for the user."""
    return _parse(text, SECOND_UNITS, example="100h, 7d, 5m or plain seconds")


def parse_length(text: str) -> int:
    """Seconds of a length of time on a command line: ``2h``, ``7d``. Raises ValueError, worded for the user.

    A number without a unit is none, unlike in files: ``2031`` may be meant as a year, and ``20`` as minutes.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is not None and not match["unit"]:
        raise ValueError(f"{_shown(text)} has no unit: one of {', '.join(SECOND_UNITS)}")
    return _parse(text, SECOND_UNITS, example="100h, 7d or 5m")


def share(percent: float, total: int) -> Fraction:
    """So many percent of ``total``, exactly: 4.4 is what was written, not the binary number nearest to it."""
    return Fraction(str(percent)) * total / 100


def _parse(text: str, units: dict[str, int], *, example: str) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"expected {example}, not {_shown(text)}")
    unit = match["unit"]
    if unit and unit not in units:
        meant = next((known for known in units if known.lower() == unit.lower()), None)
        known = f"did you mean {meant}?" if meant else f"one of {', '.join(units)}"
        raise ValueError(f"unknown unit {_shown(unit)}: {known}")
    amount = Fraction(match["number"]) * units.get(unit, 1)
    if amount.denominator != 1:
        raise ValueError(
            f"{_shown(text)} is not a whole number of {'bytes' if units is BYTE_UNITS else 'seconds'}"
        )
    if amount > MAX_AMOUNT:
        raise ValueError(f"{_shown(text)} is too large: at most {MAX_AMOUNT}")
    return int(amount)


def format_bytes(amount: int) -> str:
    """The shortest exact way to write it: ``512MiB``, ``5GB``, ``1000001B``."""
    return _format(amount, ("TiB", "GiB", "MiB", "KiB", "TB", "GB", "MB", "kB", "B"), BYTE_UNITS)


def _shown(text: str) -> str:
    """In quotes, and not too long for a line."""
    return repr(text) if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]!r}..."


def format_seconds(amount: int) -> str:
    """The shortest exact way to write it.: ``7d``, ``100h``, ``90s``."""
    return _format(amount, ("d", "h", "m", "s"), SECOND_UNITS)


def _format(amount: int, order: tuple[str, ...], units: dict[str, int]) -> str:
    if amount == 0:
        return "0" + order[-1]
    exact = (f"{amount // units[unit]}{unit}" for unit in order if amount % units[unit] == 0)
    return min(exact, key=len)


def roughly_bytes(amount: int) -> str:
    """What was measured, in a unit that fits: ``1.5GiB``."""
    return _roughly(amount, ("TiB", "GiB", "MiB", "KiB", "B"), BYTE_UNITS)


def roughly_seconds(amount: int) -> str:
    """What was measured, in a unit that fits: ``101.3h``."""
    return _roughly(amount, ("h", "m", "s"), SECOND_UNITS)


def _roughly(amount: int, order: tuple[str, ...], units: dict[str, int]) -> str:
    """Rounded down to a tenth, so that it never says more than there is."""
    unit = next((unit for unit in order if amount >= units[unit]), order[-1])
    whole, tenth = divmod(amount * 10 // units[unit], 10)
    return f"{whole}.{tenth}{unit}" if tenth else f"{whole}{unit}"


def format_cu(size: float) -> str:
    """A compute size as Neon writes it: ``0.25``, ``2``."""
    return f"{size:g}"
