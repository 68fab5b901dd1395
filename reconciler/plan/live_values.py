"""The live value of any field path that the files stated, as far as it was read."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import Purpose
from reconciler.model.values import JsonText
from reconciler.plan import observed
from reconciler.plan.concerns import branches, compute, snapshots
from reconciler.plan.concerns.free_form import FREE_FORM
from reconciler.plan.ownership import declared_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.live.project import LiveProject
    from reconciler.model.values import Json, Value
    from reconciler.plan.concerns.concern import Fields, Stated

PRESENT: Final = ("present", JsonText.of("present"))
"""The values of the path of a branch or snapshot itself."""
COPIES: Final = (branches.NAME, snapshots.NAME)


class Nothing:
    """Nothing is there."""


NOTHING: Final = Nothing()


def beginnings(path: str) -> Iterator[str]:
    """``a``, ``a.b``, ``a.b.c``: a key may hold dots."""
    parts = path.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


class LiveValues:
    """Of one project, beside what the files stated of it: a structured value is shown as far as they did."""

    def __init__(self, project: LiveProject, fleet: str, stated: Stated) -> None:
        self._project = project
        self._fleet = fleet
        self._stated = stated

    def value(self, path: str) -> Value | Nothing:
        """The value; None where it was not read."""
        root, _, rest = path.partition(".")
        if root in COPIES:
            return self._copy(root, rest)
        if root == FREE_FORM.name:
            return self._setting(rest)
        return self._fields.get(path)

    @cached_property
    def _fields(self) -> Fields:
        return observed.project_fields(self._project)

    def _setting(self, rest: str) -> Value | Nothing:
        if self._project.settings is None:
            return None
        key = next((key for key in beginnings(rest) if f"settings.{key}" in self._stated), rest)
        said = self._stated.get(f"settings.{key}")
        live, shape = self._project.settings.get(key), said.value if isinstance(said, JsonText) else None
        way = rest[len(key) + 1 :]
        while way and isinstance(live, dict) and isinstance(shape, dict):
            member = next((one for one in beginnings(way) if one in shape), way)
            live, shape, way = live.get(member), shape.get(member), way[len(member) + 1 :]
        return NOTHING if live is None else JsonText.of(_as_stated(live, shape))

    def _copy(self, root: str, rest: str) -> Value | Nothing:
        """Of branches or snapshots: which are there, whether one is, or a size of one's compute."""
        path = f"{root}.{rest}"
        if not rest:
            there = [name for name in self._declared(root) if self._seen(root, name) is not False]
            return JsonText.of(list(there)) if there else NOTHING
        if self._stated.get(path) in PRESENT:
            seen = self._seen(root, rest)
            return None if seen is None else "present" if seen else NOTHING
        name, _, member = rest.rpartition(".compute.")
        endpoint = self._project.writers.get(self._branches.get(name, ""))
        return NOTHING if endpoint is None else compute.members(endpoint.compute).get(f"compute.{member}")

    def _declared(self, root: str) -> list[str]:
        paths = (path for path, value in self._stated.items() if value in PRESENT)
        return [path.removeprefix(f"{root}.") for path in paths if path.startswith(f"{root}.")]

    def _seen(self, root: str, name: str) -> bool | None:
        """Whether a branch or snapshot is there; None where that was not read."""
        if name in (self._branches if root == branches.NAME else self._snapshots):
            return True
        read = [self._project.branches, *([] if root == branches.NAME else [self._project.snapshots])]
        return None if any(one is None for one in read) else False

    @cached_property
    def _branches(self) -> Mapping[str, str]:
        """Their ids, by the names that they have and by those under which they were made."""
        live = self._project.branches or ()
        made = ((declared_name(branch, self._fleet, Purpose.DEV_BRANCH), branch.id) for branch in live)
        return {**{name: id_ for name, id_ in made if name}, **{branch.name: branch.id for branch in live}}

    @cached_property
    def _snapshots(self) -> frozenset[str]:
        return frozenset(snapshots.names(self._project))


def _as_stated(live: Json, stated: Json) -> Json:
    """Without the members that the files did not state."""
    if not isinstance(live, dict) or not isinstance(stated, dict):
        return live
    return {key: _as_stated(live[key], value) for key, value in stated.items() if key in live} or live
