"""The live value of any field path that the files stated, as far as it was read."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import Purpose
from reconciler.model.values import JsonText
from reconciler.plan.concerns import (
    branches,
    compute,
    databases,
    protection,
    quota,
    replicas,
    restore_window,
    snapshots,
)
from reconciler.plan.concerns.free_form import FREE_FORM
from reconciler.plan.ownership import declared_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.live.project import LiveBranch, LiveEndpoint, LiveProject
    from reconciler.model.compute import Compute
    from reconciler.model.values import Json, Value
    from reconciler.plan.concerns.concern import Fields, Stated


PRESENT: Final = ("present", JsonText.of("present"))
"""The values of the path of a branch or snapshot itself."""
ENTRY_LISTS: Final = (branches.NAME, snapshots.NAME)


class Nothing:
    """Nothing is there."""


NOTHING: Final = Nothing()


def path_prefixes(path: str) -> Iterator[str]:
    """``a``, ``a.b``, ``a.b.c``: a key may hold dots."""
    parts = path.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


class LiveValues:
    """The live values of one project; of a structured value, the members that the files stated."""

    def __init__(self, project: LiveProject, fleet: str, stated: Stated) -> None:
        self._project = project
        self._fleet = fleet
        self._stated = stated

    def value(self, path: str) -> Value | Nothing:
        """The value; None if it was not read."""
        root, _, rest = path.partition(".")
        if path in self._contents or root in (databases.ROLES, databases.DATABASES):
            return self._content(path, root)
        if root in ENTRY_LISTS:
            return self._entry(root, rest)
        if root == FREE_FORM.name:
            return self._setting(rest)
        if path.startswith(f"{replicas.PATH}."):
            return self._replica(path)
        if path.startswith(compute.PARAMETERS):
            return self._parameters(self._project.compute, path, path)
        return self._fields.get(path)

    def _parameters(self, of: Compute | None, path: str, member: str) -> Value | Nothing:
        """The parameters that the files stated at a path, or one of them; ``member`` is the path in a compute."""
        if of is None:
            return None
        live = {} if of.pg_settings is None else of.pg_settings.value
        stated, name = self._stated.get(path), member.removeprefix(compute.PARAMETERS).removeprefix(".")
        known = live if isinstance(live, dict) else {}
        if name:
            return str(known[name]) if name in known else NOTHING
        named = stated.value if isinstance(stated, JsonText) else {}
        kept = {one: known[one] for one in named if one in known} if isinstance(named, dict) else {}
        return JsonText.of(kept) if kept else NOTHING

    @cached_property
    def _fields(self) -> Fields:
        return project_fields(self._project)

    def _content(self, path: str, root: str) -> Value | Nothing:
        """A role, a database, or a list of them; of the default branch, None where they were not read."""
        read = self._project.roles if root == databases.ROLES else self._project.databases
        default = self._project.default_branch
        unread = default is None or default.id not in read
        return self._contents.get(path, None if unread else NOTHING)

    @cached_property
    def _contents(self) -> Fields:
        """The roles and databases of branches; of a whole list, those that the files stated."""
        default = self._project.default_branch
        found: dict[str, Value] = {} if default is None else dict(self._listed(default, ""))
        for name, branch in self._branches.items():
            found |= self._listed(branch, f"{branches.NAME}.{name}.")
        return found

    def _listed(self, branch: LiveBranch, above: str) -> Iterator[tuple[str, Value]]:
        owned = self._project.databases.get(branch.id, ())
        lists = {
            f"{above}{databases.ROLES}": self._project.roles.get(branch.id, ()),
            f"{above}{databases.DATABASES}": [one.name for one in owned],
        }
        for path, names in lists.items():
            there = [name for name in names if f"{path}.{name}" in self._stated]
            yield from ((f"{path}.{name}", "present") for name in there)
            if there:
                yield path, JsonText.of(list(there))

    def _setting(self, rest: str) -> Value | Nothing:
        if self._project.settings is None:
            return None
        key = next((key for key in path_prefixes(rest) if f"settings.{key}" in self._stated), rest)
        stated = self._stated.get(f"settings.{key}")
        live, shape = self._project.settings.get(key), stated.value if isinstance(stated, JsonText) else None
        way = rest[len(key) + 1 :]
        while way and isinstance(live, dict) and isinstance(shape, dict):
            member = next((one for one in path_prefixes(way) if one in shape), way)
            live, shape, way = live.get(member), shape.get(member), way[len(member) + 1 :]
        return NOTHING if live is None else JsonText.of(_as_stated(live, shape))

    def _replica(self, path: str) -> Value | Nothing:
        """Whether a read replica is there, or a size of one."""
        if self._project.endpoints is None or self._project.branches is None:
            return None
        itself = self._stated.get(path) in PRESENT
        thing, _, member = path.rpartition(".compute.")
        endpoint = replicas.live(self._project, (path if itself else thing).removeprefix(f"{replicas.PATH}."))
        if endpoint is None:
            return NOTHING
        return replicas.PRESENT if itself else self._of_compute(endpoint, path, member)

    def _of_compute(self, endpoint: LiveEndpoint, path: str, member: str) -> Value | Nothing:
        if f"compute.{member}".startswith(compute.PARAMETERS):
            return self._parameters(endpoint.compute, path, f"compute.{member}")
        return compute.members(endpoint.compute).get(f"compute.{member}")

    def _entry(self, root: str, rest: str) -> Value | Nothing:
        """Of branches or snapshots: which are there, whether one is, or a size of one's compute."""
        path = f"{root}.{rest}"
        if not rest:
            there = [name for name in self._declared(root) if self._seen(root, name) is not False]
            return JsonText.of(list(there)) if there else NOTHING
        if self._stated.get(path) in PRESENT:
            seen = self._seen(root, rest)
            return None if seen is None else "present" if seen else NOTHING
        if rest.endswith(f".{protection.PATH}"):
            branch = self._branches.get(rest.removesuffix(f".{protection.PATH}"))
            return NOTHING if branch is None else branch.protected
        name, _, member = rest.rpartition(".compute.")
        owner = self._branches.get(name)
        endpoint = None if owner is None else self._project.writers.get(owner.id)
        return NOTHING if endpoint is None else self._of_compute(endpoint, path, member)

    def _declared(self, root: str) -> list[str]:
        paths = (path for path, value in self._stated.items() if value in PRESENT)
        return [path.removeprefix(f"{root}.") for path in paths if path.startswith(f"{root}.")]

    def _seen(self, root: str, name: str) -> bool | None:
        """Whether a branch or snapshot is there; None if that was not read."""
        if name in (self._branches if root == branches.NAME else self._snapshots):
            return True
        read = [self._project.branches, *([] if root == branches.NAME else [self._project.snapshots])]
        return None if any(one is None for one in read) else False

    @cached_property
    def _branches(self) -> Mapping[str, LiveBranch]:
        """The branches, by the names that they have and by those under which they were made."""
        live = self._project.branches or ()
        made = ((declared_name(branch, self._fleet, Purpose.DEV_BRANCH), branch) for branch in live)
        return {**{name: branch for name, branch in made if name}, **{branch.name: branch for branch in live}}

    @cached_property
    def _snapshots(self) -> frozenset[str]:
        return frozenset(snapshots.names(self._project))


def _as_stated(live: Json, stated: Json) -> Json:
    """Without the members that the files did not state."""
    if not isinstance(live, dict) or not isinstance(stated, dict):
        return live
    return {key: _as_stated(live[key], value) for key, value in stated.items() if key in live} or live


def project_fields(project: LiveProject) -> dict[str, Value]:
    """Return every field that the API returned for a project, by path; absent ones are left out."""
    settings = {f"settings.{key}": JsonText.of(value) for key, value in (project.settings or {}).items()}
    window = project.restore_window_seconds
    return {
        "name": project.name,
        "region": project.region,
        "pg_version": project.pg_version,
        **quota.members(project.quota),
        **compute.members(project.compute),
        **({} if window is None else {restore_window.PATH: window}),
        **protection.members(project.default_branch),
        **settings,
    }
