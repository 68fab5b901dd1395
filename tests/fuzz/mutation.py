"""Changes that keep to a text's grammar, as those of single bytes rarely do: a place of JSON, a line of YAML."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from tests.contract.breaking import VALUES, Path, places, spoilt_at, value_at
from tests.fuzz.answers import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d")
VALUES_IN_ORDER: Final = tuple(value for name, value in sorted(VALUES.items()) if name != "100,000 letters")
WORDS: Final = tuple(
    word.encode()
    for word in (
        "", "~", "[]", "{}", "[[[[[[[[", "{a: {a: {a: {a: ", "- - - - - -", "&a", "*a", "!x y", "|", ">-", "? x",
        "0", "-1", "01", "1e999", "-0.0", ".inf", ".nan", "9" * 400, "5GiB", "1d", f"{'9' * 20}GiB", "0x10",
        "true", "no", "unlimited", "absent", "x", "acme", "pro", "a" * 300, "../../x", "${X}", "{tenant}", SECRET,
        "2031-01-01T00:00:00Z", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", "2031-01-01", "24:00:00",
        '"\\ud800"', '"\\e[2J"', "\u202e", "\x85", "\u2028", "\ufeff", "'", '"', "#", "---", "%YAML 1.2", "\t",
    )
)  # fmt: skip
NUMBERS: Final = (b"0", b"-1", b"00", b"99", b"9999", b"9" * 20, b"9" * 400, b"1e999", b"0.1")
MOMENTS: Final = tuple(word.decode() for word in WORDS if _MOMENT.match(word.decode()))
TEXTS: Final = tuple(word.decode() for word in WORDS)
AMOUNTS: Final = (0, -1, 0.5, -0.0, 1e308, 2**31, 2**53 + 1, 2**63, 2**64, 10**20, True)
ALIKE: Final = 0.5
"""How many values of JSON make way for one of the same kind: most readers look at a value's kind first."""
_DIGITS: Final = re.compile(rb"[0-9]+")


def changed(text: bytes, random: Random) -> bytes:
    """The text with one change: of a place where it is JSON, else of a line."""
    try:
        document = json.loads(text)
        paths = [path for path in places(document, object) if path]
        if paths:
            return _at_a_place(document, paths, random)
    except (ValueError, RecursionError):
        pass
    lines = text.split(b"\n")
    random.choice(_OF_LINES)(lines, random.randrange(len(lines)), random)
    return b"\n".join(lines)


def _at_a_place(document: object, paths: Sequence[Path], random: Random) -> bytes:
    path = random.choice(paths)
    alike = _alike(value_at(document, path)) if random.random() < ALIKE else ()
    value = random.choice(alike or VALUES_IN_ORDER)
    return json.dumps(spoilt_at(document, path, value)).encode()


def _alike(value: object) -> Sequence[object]:
    """What a value of the same kind may be at its worst."""
    if isinstance(value, str):
        return MOMENTS if _MOMENT.match(value) else TEXTS
    return AMOUNTS if isinstance(value, int | float) else ()


def _new_value(lines: list[bytes], at: int, random: Random) -> None:
    key, colon, _ = lines[at].partition(b":")
    lines[at] = key + colon + b" " + random.choice(WORDS)


def _new_key(lines: list[bytes], at: int, random: Random) -> None:
    key, colon, value = lines[at].partition(b":")
    indent = key[: len(key) - len(key.lstrip())]
    lines[at] = indent + random.choice(WORDS) + colon + value


def _new_number(lines: list[bytes], at: int, random: Random) -> None:
    runs = [*_DIGITS.finditer(lines[at])]
    if runs:
        run = random.choice(runs)
        lines[at] = lines[at][: run.start()] + random.choice(NUMBERS) + lines[at][run.end() :]


def _moved(lines: list[bytes], at: int, random: Random) -> None:
    lines.insert(random.randrange(len(lines)), lines.pop(at))


def _twice(lines: list[bytes], at: int, random: Random) -> None:
    lines.insert(random.randrange(len(lines)), lines[at])


def _indented(lines: list[bytes], at: int, random: Random) -> None:
    lines[at] = b" " * random.randrange(8) + lines[at].lstrip()


def _inserted(lines: list[bytes], at: int, random: Random) -> None:
    lines.insert(at, random.choice(WORDS))


def _left_out(lines: list[bytes], at: int, _: Random) -> None:
    del lines[at]


_OF_LINES: Final[tuple[Callable[[list[bytes], int, Random], None], ...]] = (
    _new_value, _new_value, _new_key, _new_number, _moved, _twice, _indented, _inserted, _left_out,
)  # fmt: skip
