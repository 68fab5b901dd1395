"""Values of fields, as files state them and the API tells them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class JsonText:
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
