"""Tenants' documents as text that is written for the first time: a YAML file for each, or a line of JSON.

Every text in them comes from an account that strangers name things in: it is quoted unless it is plain, and what
is not printable is written as an escape.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from reconciler.files.plain_values import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.values import Json

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*", re.ASCII)
_AMOUNT: Final = re.compile(r"[0-9]{1,19}[A-Za-z]{1,3}", re.ASCII)
"""A size or a duration: ``5GiB``."""
_EXPONENT: Final = re.compile(r"[0-9]+[eE].*")

NUMBER: Final = re.compile(
    r"[-+]?(0[xob][0-9a-f_]+|[0-9][0-9_]*(:[0-9]+)*(\.[0-9_]*)?(e[-+]?[0-9]+)?|\.(inf|nan))",
    re.ASCII | re.IGNORECASE,
)
"""What YAML readers of any version may take for a number."""

_DEVICES: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9])(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, whatever follows a dot: git cannot check out such a file there."""


def is_file_name(tenant: str) -> bool:
    """Return whether every system can have a file with the tenant's name."""
    return _DEVICES.fullmatch(tenant) is None


def yaml_document(document: Mapping[str, Json], comments: Sequence[str] = (), beside: str = "") -> str:
    """Return a YAML file with the document.

    ``comments`` are lines above it, ``beside`` a comment at the end of the line ``overrides:``. All are made
    printable.
    """
    lines = [f"# {_comment(comment)}" for comment in comments]
    for key, value in document.items():
        lines += _entry(key, value, f"  # {_comment(beside)}" if beside and key == "overrides" else "")
    return "\n".join(lines) + "\n"


def json_line(document: Mapping[str, Json]) -> str:
    """Return the document on one line of ASCII."""
    return json.dumps(document, ensure_ascii=True)


def yaml_value(value: Json) -> str:
    """Return a value on one line, as YAML of any version reads it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{yaml_value(key)}: {yaml_value(member)}" for key, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(yaml_value, value)) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _entry(key: str, value: Json, beside: str) -> Iterator[str]:
    if isinstance(value, dict) and key == "overrides":
        yield f"{key}:{beside}"
        yield from (f"  {name}: {yaml_value(member)}" for name, member in value.items())
    elif isinstance(value, list) and value:
        yield f"{key}:"
        yield from (f"  - {yaml_value(item)}" for item in value)
    else:
        yield f"{key}: {yaml_value(value)}"


def _text(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text.lower() not in WORDS and not text.endswith("-")
    amount = _AMOUNT.fullmatch(text) and not _EXPONENT.fullmatch(text)
    return text if plain or amount else _quoted(text)


def _quoted(text: str) -> str:
    return '"' + "".join(map(_sign, text)) + '"'


def _sign(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isascii() and sign.isprintable():
        return sign
    code = ord(sign)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _comment(text: str) -> str:
    """ASCII alone, so that no letter in it looks like another and none ends the line."""
    return "".join(sign if sign.isascii() and sign.isprintable() else _sign(sign) for sign in text)
