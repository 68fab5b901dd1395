"""The canonical form of a document: the order of its keys and the units of its values, as the schema has them."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin

from msgspec import Struct
from pydantic import BaseModel

from reconciler.files import numbers
from reconciler.files.finding import RejectedError
from reconciler.files.scalars import Scalar
from reconciler.files.tenant_schema import TenantDocument
from reconciler.files.tiers_schema import PricesDocument, TiersDocument
from reconciler.model.compute import NEVER_SUSPEND
from reconciler.model.moments import rfc3339
from reconciler.model.units import NEVER, UNLIMITED, format_bytes, format_cu, format_seconds, parse_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _quota(form: Callable[[int], str]) -> Callable[[Any], str]:
    return lambda amount: form(amount) if amount else UNLIMITED


def _suspension(seconds: int) -> str:
    return NEVER if seconds == NEVER_SUSPEND else format_seconds(seconds)


_WRITTEN: Final[Mapping[object, Callable[[Any], str]]] = {
    numbers.read_bytes_quota: _quota(format_bytes),
    numbers.read_time_quota: _quota(format_seconds),
    parse_seconds: format_seconds,
    numbers.read_suspend_timeout: _suspension,
    numbers.read_cu: format_cu,
    numbers.read_moment: rfc3339,
}
"""How the value of a reader is written. Values of other readers stay as they are."""


_FIRST: Final[Mapping[type[BaseModel], tuple[str, ...]]] = {PricesDocument: ("as_of", "currency")}
"""Keys that come before those that the schema has from another section."""


class Shape(Struct, frozen=True):
    """The form of one place of a document."""

    keys: tuple[str, ...] = ()
    """The keys of a mapping in canonical order; empty where they are names that the author chose."""
    members: Mapping[str, Shape] | None = None
    below: Shape | None = None
    """The shape of each item of a list, and of each value of a mapping with free keys."""
    free: bool = False
    """Whether it is a mapping with free keys."""
    read: Callable[[str], object] | None = None

    def at(self, key: str) -> Shape:
        """Return the shape of a member, or of each item."""
        found = (self.members or {}).get(key) or self.below
        return ANY if found is None else found

    def rank(self, key: str) -> int:
        """Return the place of a key; unknown keys are last."""
        return self.keys.index(key) if key in self.keys else len(self.keys)

    def scalar(self, text: str) -> str:
        """Return the canonical text of a scalar; the same text if it is not valid, or has no other form."""
        form = _WRITTEN.get(self.read)
        if form is None or self.read is None:
            return text
        try:
            value = self.read(text)
            written = form(value)
            return written if self.read(written) == value else text
        except (RejectedError, ValueError):
            return text


ANY: Final = Shape()
"""A value that the schema does not describe."""


@cache
def tenant_shape() -> Shape:
    """Return the shape of a tenant's document."""
    return _of_model(TenantDocument)


@cache
def tiers_shape() -> Shape:
    """Return the shape of tiers.yaml."""
    return _of_model(TiersDocument)


def canonical_json(value: object, shape: Shape) -> object:
    """Return a value of JSON with its keys in canonical order and its text in canonical units."""
    if isinstance(value, dict):
        keys = sorted(value, key=shape.rank) if shape.keys else list(value)
        return {key: canonical_json(value[key], shape.at(key)) for key in keys}
    if isinstance(value, list):
        return [canonical_json(item, shape.at("")) for item in value]
    if isinstance(value, str):
        return shape.scalar(value)
    number = isinstance(value, int) and not isinstance(value, bool) and shape.read is not numbers.read_cu
    return _amount(value, shape) if number else value


def _amount(value: object, shape: Shape) -> object:
    """Return a size or a duration with its unit; any other number as it is."""
    written = shape.scalar(str(value))
    return value if written == str(value) else written


def json_line(value: object) -> str:
    """Return a tenant's document as one canonical line of JSON, without a line break."""
    return json.dumps(canonical_json(value, tenant_shape()), ensure_ascii=False)


@cache
def _of_model(model: type[BaseModel]) -> Shape:
    members = {
        name: _of_type(field.annotation, tuple(field.metadata)) for name, field in model.model_fields.items()
    }
    keys = sorted(members, key=lambda name: name not in _FIRST.get(model, ()))
    return Shape(tuple(keys), members)


def _of_type(annotation: Any, metadata: tuple[object, ...] = ()) -> Shape:
    """Return the shape of an annotation: that of the first of its alternatives that has one."""
    scalar = next((note for note in metadata if isinstance(note, Scalar)), None)
    if scalar is not None:
        return Shape(read=scalar.read)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _of_model(annotation)
    return _of_form(get_origin(annotation), get_args(annotation))


def _of_form(origin: Any, arguments: tuple[Any, ...]) -> Shape:
    """Return the shape of an annotation with arguments."""
    if origin is Annotated:
        return _of_type(arguments[0], arguments[1:])
    if origin in {Union, types.UnionType}:
        return next((shape for shape in map(_of_type, arguments) if shape != ANY), ANY)
    if origin in {list, tuple} and arguments:
        return Shape(below=_of_type(arguments[0]))
    if origin in {dict, Mapping} and arguments:
        return Shape(below=_of_type(arguments[1]), free=True)
    return ANY


def paths(shape: Shape, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every key of a document, without those below keys that the author chose."""
    for key in shape.keys:
        yield (*before, key)
        yield from paths(shape.at(key), (*before, key))
