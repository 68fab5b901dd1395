"""The price list of a scenario: the shared one, overlaid with what the scenario's own file states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

MAPPING = "tag:yaml.org,2002:map"
REMOVED = "null"
"""The value that takes a key of the shared list out."""


class _AsWritten(yaml.dumper.BaseDumper):
    """Scalars as they were written: nothing is quoted for looking like a number."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Written out each time: the format has no aliases."""
        return True


_AsWritten.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text))
_AsWritten.add_representer(dict, lambda dumper, members: dumper.represent_mapping(MAPPING, members))
_AsWritten.add_representer(list, lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items))


def overlaid(shared: Path, own: Path | None) -> str:
    """The text of a tiers.yaml: the shared file as it is where the scenario has no file of its own."""
    text = shared.read_text(encoding="utf-8")
    stated = None if own is None else _read(own.read_text(encoding="utf-8"))
    if not stated:
        return text
    return yaml.dump(_merged(_read(text), stated), Dumper=_AsWritten, sort_keys=False)


def _read(text: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - text only
    return found


def _merged(below: Any, above: Any) -> Any:
    """Mappings are merged key by key; everything else is replaced."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    both = {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}
    return {key: value for key, value in both.items() if value != REMOVED}
