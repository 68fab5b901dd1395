"""Where the files state a field of a tenant: the line of its key in tiers.yaml, the document, or the JSON line."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.files.authors import keys_of
from reconciler.files.entry import Entry, Text, entries_of, is_row
from reconciler.files.events import parse
from reconciler.files.json_lines import read_lines
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.tree import MAX_FILE_BYTES, MAX_LINES_FILE_BYTES
from reconciler.plan.explained import StatedIn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.files.finding import Path
    from reconciler.files.tree import Tree
    from reconciler.model.problem import Location

_OF_LISTS = ("snapshots", "dev_branches", "roles", "databases")


class KeyPlaces:
    """The places of one tenant's values."""

    def __init__(self, tree: Tree, desired: DesiredState, tenant: Tenant) -> None:
        """``desired`` is that at the time that decides which boosts are in force."""
        self._tree = tree
        self._tenant = tenant
        self._moment = desired.moment

    def locate(self, layer: StatedIn, path: str) -> Location | None:
        """Return the location of the key; of its nearest parent, if the layer states it as a part of that."""
        keys = tuple(keys_of(path))
        match layer:
            case StatedIn.TIER:
                return next(filter(None, map(self._in_tiers, self._of_tier(path, keys))), None)
            case StatedIn.NAMING:
                return self._in_tiers(("tiers", self._tenant.tier, "naming")) or self._in_tiers(
                    ("naming", "project")
                )
            case StatedIn.DEFAULTS:
                return self._in_tiers(("defaults", *keys))
            case StatedIn.OVERRIDE:
                return self._in_own(("overrides", *_of_replica(keys)))
            case StatedIn.BOOST:
                return next(filter(None, (self._in_own(place) for place in self._of_boosts(keys))), None)
            case StatedIn.FILE:
                return self._in_own(self._of_thing(path, keys)) or self._in_own(("state",))

    def _of_tier(self, path: str, keys: Path) -> Iterator[Path]:
        """Yield where the tier may state a field; a development branch's compute falls back to the project's."""
        tier: Path = ("tiers", self._tenant.tier)
        if keys[0] == "dev_branches" and ".compute." in path:
            yield from ((*tier, "dev_branches", "compute", keys[-1]), (*tier, "compute", keys[-1]))
        yield (*tier, *_of_replica(keys))

    def _in_tiers(self, path: Path) -> Location | None:
        entry = self._tiers
        return entry.place(path) if entry is not None and entry.holds(path) else None

    def _in_own(self, path: Path) -> Location | None:
        for entry in self._own:
            for length in range(len(path), 0, -1):
                if entry.holds(path[:length]) and (length == len(path) or path[0] != "overrides" or length > 2):
                    return entry.place(path[:length])
        return None

    def _of_boosts(self, keys: Path) -> Iterator[Path]:
        """Yield the places of the key in each boost that is in force."""
        for index, boost in enumerate(self._tenant.boosts):
            if boost.in_force(self._moment):
                yield ("boosts", index, *keys)

    def _of_thing(self, path: str, keys: Path) -> Path:
        """Return the path with the place of a thing in its list instead of its name, which may have dots."""
        root, _, rest = path.partition(".")
        for entry in self._own if root in _OF_LISTS and rest else ():
            written = entry.value.get(root) if isinstance(entry.value, dict) else None
            for index, item in enumerate(written if isinstance(written, list) else ()):
                name = str(item.get("name") if isinstance(item, dict) else item)
                if rest == name or rest.startswith(f"{name}."):
                    return (root, index, *keys_of(rest.removeprefix(name).removeprefix(".")))
        return keys

    @cached_property
    def _tiers(self) -> Entry | None:
        data = self._tree.read(PRICE_LIST)
        name = self._tree.name(PRICE_LIST)
        found = entries_of(parse(data, name), Text(name, data))
        return found[0] if found else None

    @cached_property
    def _own(self) -> tuple[Entry, ...]:
        """The tenant's document, and the JSON line below it."""
        found = (self._entry(path) for path in self._tenant.files if not is_row(path))
        return tuple(entry for entry in found if entry is not None)

    def _entry(self, path: str) -> Entry | None:
        name = self._tree.name(path)
        if path.endswith(".yaml"):
            data = self._tree.read(path, MAX_FILE_BYTES)
            entries: Iterator[object] = iter(entries_of(parse(data, name), Text(name, data, path=path)))
        else:
            data = self._tree.read(path, MAX_LINES_FILE_BYTES)
            entries = (entry for _, entry in read_lines(data, name, path))
        own = (entry for entry in entries if isinstance(entry, Entry))
        return next((entry for entry in own if entry.tenant == self._tenant.name), None)


def _of_replica(keys: Path) -> Path:
    """Return the keys in the files: a read replica's sizes are beside its name, without `compute`."""
    return (*keys[:3], *keys[4:]) if keys[:2] == ("compute", "replicas") and "compute" in keys[3:4] else keys
