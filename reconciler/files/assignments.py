"""``quota.data_transfer=80GiB`` -> the key of a tenant's document, and its value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.errors import InvalidInputError
from reconciler.files.canonical import ANY, paths, tenant_shape
from reconciler.files.editing import Changes
from reconciler.files.events import parse
from reconciler.files.finding import RejectedError, did_you_mean_one_of
from reconciler.files.readers import read_free_form, read_text
from reconciler.model.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.files.canonical import Shape
    from reconciler.files.editing import Key
    from reconciler.model.values import Json

OVERRIDES: Final = "overrides"
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?")
_BEGINNINGS: Final = ("[", "{", '"', "'")
"""Of a value that is read as YAML: a list, a mapping, or text in quotes."""
_EXAMPLE: Final = "as in quota.data_transfer=80GiB, tier=pro or labels.team=eu"


def changes_of(assigned: Iterable[str], unset: Iterable[str] = ()) -> Changes:
    """Return the changes that these words ask for: ``KEY=VALUE``, ``LIST+=ITEM``, and keys to remove.

    A key is that of a tenant's file; the keys below ``overrides`` may be written without it. Raises
    InvalidInputError for a word that is no assignment, and for an unknown key.
    """
    values: dict[Key, Json | None] = {}
    added: dict[Key, Json] = {}
    for word in assigned:
        key, equals, text = word.partition("=")
        if not equals or not key.rstrip("+"):
            raise InvalidInputError(f"{shown(word)} is no assignment", hint=_EXAMPLE)
        path, shape = located(key.removesuffix("+"))
        _once(path, values, added)
        if key.endswith("+"):
            added[path] = _added(key, text, shape)
        else:
            values[path] = value_of(key, text, shape)
            if values[path] is None:
                raise InvalidInputError(f"{shown(key)}: null is no value", hint="--unset KEY removes a key")
    for key in unset:
        path, _ = located(key)
        _once(path, values, added)
        values[path] = None
    return Changes(values, added)


def _once(path: tuple[str, ...], *seen: Mapping[Key, object]) -> None:
    if any(path in one for one in seen):
        raise InvalidInputError(f"{'.'.join(path)} is given twice", hint="keep one of the two")


def _added(key: str, text: str, shape: Shape) -> Json:
    if shape.below is None or shape.free:
        raise InvalidInputError(f"{shown(key.removesuffix('+'))} is no list", hint="write KEY=VALUE")
    return value_of(key, text, shape.below)


def located(key: str) -> tuple[tuple[str, ...], Shape]:
    """Return the path of a key in a tenant's document, and its shape. Raises InvalidInputError."""
    words = tuple(key.split("."))
    for path in (words, (OVERRIDES, *words)):
        if (found := _walked(path)) is not None:
            return found
    known = [".".join(path).removeprefix(f"{OVERRIDES}.") for path in paths(tenant_shape())]
    hint = did_you_mean_one_of(key, known) or "docs/files.md lists the keys"
    raise InvalidInputError(f"a tenant's file has no key {shown(key)}", hint=hint)


def _walked(words: tuple[str, ...]) -> tuple[tuple[str, ...], Shape] | None:
    """Return the path with the shape at its end; a key that the author chose may have dots."""
    shape, path = tenant_shape(), list(words)
    for depth, word in enumerate(words):
        if shape.free and shape.below is not None and shape.below.read is not None:
            return (*path[:depth], ".".join(path[depth:])), shape.below
        if not word or not (shape.free or word in shape.keys):
            return None
        shape = shape.at(word)
    return words, shape


def value_of(key: str, text: str, shape: Shape) -> Json:
    """Return a value as the document has it: text in its canonical unit; a list or a mapping from YAML.

    Where a key takes any text, no text becomes a number. A value that the schema does not describe is as in files:
    a plain scalar has its type by YAML's core schema, with decimal numbers; a quoted one is text.
    """
    if shape.read is not None or not text.startswith(_BEGINNINGS if shape == ANY else ("[", "{")):
        return _plain(text, shape)
    parsed = parse(text.encode(errors="surrogateescape"), key)
    if parsed.problems or len(parsed.documents) != 1:
        sentence = parsed.problems[0].message if parsed.problems else "expected one value"
        raise InvalidInputError(f"{shown(key)}: {sentence}", hint="quote the list or the mapping for your shell")
    return _plain(parsed.documents[0].value, shape)


def _plain(value: object, shape: Shape) -> Json:
    if shape == ANY:
        return _free_form(value)
    if isinstance(value, dict):
        return {str(key): _plain(member, shape.at(str(key))) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(item, shape.at("")) for item in value]
    if value is None or shape.read is read_text:
        return None if value is None else str(value)
    return _scalar(shape.scalar(str(value)))


def _free_form(value: object) -> Json:
    try:
        return read_free_form(value)
    except RejectedError as error:
        raise InvalidInputError(str(error), hint=error.hint) from error


def _scalar(text: str) -> Json:
    """Return the text, or what JSON writes without quotes; YAML writes both in the same way."""
    if text in {"true", "false"}:
        return text == "true"
    if _NUMBER.fullmatch(text):
        number = float(text) if "." in text else int(text)
        return number if str(number) == text else text
    return text
