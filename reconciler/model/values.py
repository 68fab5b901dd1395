"""Values of fields, as files state them and the API returns them."""

from __future__ import annotations

import json
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from msgspec import NODEFAULT, Struct, structs

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import replace as replace  # noqa: PLC0414 - of this one mypy checks the members it is given

    Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
else:
    replace = structs.replace
    Json = Any
    """msgspec reads no recursive type."""


class JsonText(Struct, frozen=True):
    """A structured value as canonical JSON (sorted keys), so that a change can be compared and hashed."""

    text: str

    @classmethod
    def of(cls, value: Json) -> JsonText:
        """The canonical text of a value."""
        return cls(json.dumps(value, sort_keys=True, separators=(",", ":")))

    @property
    def value(self) -> Json:
        """The value again."""
        loaded: Json = json.loads(self.text)
        return loaded


Value: TypeAlias = str | int | float | bool | JsonText | None


@cache
def defaults(of: type[Struct]) -> dict[str, object]:
    """Return the default of each member by name: NODEFAULT for one without, a Factory for a collection."""
    without = len(of.__struct_fields__) - len(of.__struct_defaults__)
    return dict(zip(of.__struct_fields__, (*(NODEFAULT,) * without, *of.__struct_defaults__), strict=True))


class PartlyCompared(Struct, frozen=True):
    """A value of which some members do not count in a comparison, as the place of a tenant in its file."""

    not_compared: ClassVar[frozenset[str]] = frozenset()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        members = _compared(type(self))
        return members(self) == members(other)

    def __hash__(self) -> int:
        return hash(_compared(type(self))(self))


@cache
def _compared(of: type[PartlyCompared]) -> Callable[[object], object]:
    return attrgetter(*(name for name in of.__struct_fields__ if name not in of.not_compared))
