"""The switches of a simulated account: kept in its file, and heeded by every process that has opened it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.simulator.behaviour import Behaviour
from reconciler.simulator.store import Store, encoded

if TYPE_CHECKING:
    from collections.abc import Mapping


class Switches:
    """How this Neon behaves where the real one's behaviour is not documented, and how to change that."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._text: str | None = None
        self._behaviour = Behaviour()

    @property
    def behaviour(self) -> Behaviour:
        """How it behaves at present."""
        text = self._store.value("SELECT behaviour FROM state")
        if text != self._text:
            self._text = text
            self._behaviour = msgspec.json.decode(text, type=Behaviour)
        return self._behaviour

    def set(self, behaviour: Behaviour) -> None:
        """Behave like that from now on."""
        self._store.behave(encoded(behaviour))

    def change(self, changes: Mapping[str, Any]) -> Behaviour:
        """Change some switches by name, as JSON has their values. Raises ValueError for what is none."""
        unknown = changes.keys() - {each.name for each in fields(Behaviour)}
        if unknown:
            raise ValueError(f"there is no switch {min(unknown)!r}")
        try:
            changed = msgspec.convert({**as_json(self.behaviour), **changes}, Behaviour)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None
        self.set(changed)
        return changed


def as_json(behaviour: Behaviour) -> dict[str, Any]:
    """Every switch by its name, as JSON has it."""
    shown: dict[str, Any] = msgspec.to_builtins(behaviour)
    return shown
