"""A scene: what is in a simulated account before anything runs, in a file that people read and write.

    free:                                   # organization
      myapp-acme:                           # project
        created: -90d                       # instead of -30d
        deleted: -2d                        # deleted since, and recoverable
        storage: 2GiB
        used: {active_time: 12h}            # in this billing period; what is left out is nothing
        restored: true                      # the default branch was replaced by a snapshot
        active: true                        # the compute of the default branch runs
        quota: {active_time: 100h}          # members that are left out are unlimited
        compute: {min_cu: 0.25, max_cu: 2, suspend_timeout: 5m}  # the defaults for later computes
        restore_window: 1d
        branches:                           # the default one comes first
          main: {ours: acme, compute: {...}, replicas: {reports: {...}}}
          preview: {ours: acme dev_branch preview, parent: main, created: -3d, expires_at: +2d}
        snapshots:
        - {name: v1, created: -3d}

``ours`` stands for the annotations that the fleet writes on what it creates. A time is relative to the present of
the scene, or absolute. Omitted values are Neon's defaults; a branch without ``compute`` has none, except for the
default branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec
import yaml
from msgspec import Struct

from reconciler.model.annotations import Purpose, branch_annotations, creation_annotations
from reconciler.model.compute import NEVER_SUSPEND
from reconciler.model.units import NEVER, format_bytes, format_seconds, parse_bytes, parse_seconds
from reconciler.simulator import shapes
from reconciler.simulator.clock import seconds_of
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.types import Compute, Quota

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")
Stated: TypeAlias = "dict[str, Any]"
"""What is written of one thing; every key is taken out as it is read."""

EARLIER_RUN: Final = "r0"
"""The run that the annotations name."""
DEFAULT_AGE: Final = "-30d"
QUOTA_MEMBERS: Final[Mapping[str, tuple[Callable[[str], int], Callable[[int], str]]]] = {
    "active_time_seconds": (parse_seconds, format_seconds),
    "compute_time_seconds": (parse_seconds, format_seconds),
    "written_data_bytes": (parse_bytes, format_bytes),
    "data_transfer_bytes": (parse_bytes, format_bytes),
    "logical_size_bytes": (parse_bytes, format_bytes),
}
"""The members of a quota, each with how its amount is read and written."""


def read_scene(text: str, *, fleet: str, now: float) -> Iterator[tuple[str, ProjectSeed]]:
    """The projects of a scene, each with the name of its organization.

    ``fleet`` is the one whose annotations ``ours`` stands for, ``now`` the present of the scene in seconds since
    1970. Raises ValueError for a key that means nothing.
    """
    organizations = yaml.load(text, Loader=yaml.BaseLoader) or {}  # noqa: S506 - text only: nothing is constructed
    scene = _Scene(fleet, now)
    for organization, projects in organizations.items():
        for name, stated in projects.items():
            yield organization, scene.project(name, dict(stated))


class _Scene(Struct, frozen=True):
    fleet: str
    now: float

    def project(self, name: str, stated: Stated) -> ProjectSeed:
        (default, main), *others = stated.pop("branches").items()
        main = dict(main or {})
        project = _all_of(
            stated,
            ProjectSeed,
            name=name,
            branch=default,
            annotations=self._annotations(main.pop("ours", None)),
            protected=main.pop("protected", "") == "true",
            endpoint_compute=_compute(main.pop("compute", None)),
            replicas={name: _compute(each) or Compute() for name, each in main.pop("replicas", {}).items()},
            branches=tuple(self._branch(other, dict(each or {})) for other, each in others),
            snapshots=tuple(self._snapshot(dict(each)) for each in stated.pop("snapshots", ())),
            created_at=self._moment(stated.pop("created", DEFAULT_AGE)),
            deleted_at=self._moment(stated.pop("deleted", None)),
            quota=_quota(stated.pop("quota", {})),
            compute=_compute(stated.pop("compute", None)),
            restore_window_seconds=parse_seconds(stated.pop("restore_window", "1d")),
            pg_version=int(stated.pop("pg_version", shapes.DEFAULT_PG_VERSION)),
            storage_bytes=parse_bytes(stated.pop("storage", "0")),
            usage=msgspec.to_builtins(_quota(stated.pop("used", {}))),
            restored=stated.pop("restored", "") == "true",
            active=stated.pop("active", "") == "true",
        )
        _check_empty(default, main)
        return project

    def _branch(self, name: str, stated: Stated) -> BranchSeed:
        compute = _compute(stated.pop("compute", None))
        return _all_of(
            stated,
            BranchSeed,
            name=name,
            annotations=self._annotations(stated.pop("ours", None)),
            protected=stated.pop("protected", "") == "true",
            parent=stated.pop("parent", None),
            expires_at=self._moment(stated.pop("expires_at", None)),
            created_at=self._moment(stated.pop("created", None)),
            schema_only=stated.pop("schema_only", "") == "true",
            with_compute=compute is not None,
            compute=compute,
        )

    def _snapshot(self, stated: Stated) -> SnapshotSeed:
        return _all_of(
            stated,
            SnapshotSeed,
            name=stated.pop("name"),
            created_at=self._moment(stated.pop("created", None)),
            expires_at=self._moment(stated.pop("expires_at", None)),
            manual=stated.pop("scheduled", "") != "true",
        )

    def _moment(self, text: str | None) -> float | None:
        if text is None:
            return None
        if text[0] in "+-":
            return self.now + (1 if text[0] == "+" else -1) * parse_seconds(text[1:])
        return seconds_of(text)

    def _annotations(self, ours: str | None) -> Mapping[str, str]:
        if ours is None:
            return {}
        tenant, *purpose = ours.split(" ", 2)
        if not purpose:
            return creation_annotations(fleet=self.fleet, tenant=tenant, run=EARLIER_RUN)
        return branch_annotations(
            fleet=self.fleet, tenant=tenant, run=EARLIER_RUN, branch=purpose[1], purpose=Purpose(purpose[0])
        )


def _all_of(stated: Stated, make: Callable[..., T], **members: Any) -> T:
    """The object with these members. Raises ValueError if ``stated`` contains further keys."""
    _check_empty(members["name"], stated)
    return make(**members)


def _check_empty(name: str, stated: Stated) -> None:
    """Raises ValueError for an unknown key, which may be a misspelt one."""
    if stated:
        raise ValueError(f"{name}: {', '.join(stated)} means nothing here")


def _quota(stated: Mapping[str, str]) -> Quota:
    read_by = {short_name(member): (member, parse) for member, (parse, _) in QUOTA_MEMBERS.items()}
    return Quota(**{read_by[key][0]: read_by[key][1](text) for key, text in stated.items()})


def short_name(member: str) -> str:
    """``active_time`` for ``active_time_seconds``, as tiers.yaml has it."""
    return member.rpartition("_")[0]


def _compute(stated: Mapping[str, str] | None) -> Compute | None:
    if stated is None:
        return None
    timeout = stated["suspend_timeout"]
    suspend = NEVER_SUSPEND if timeout == NEVER else parse_seconds(timeout)
    return Compute(float(stated["min_cu"]), float(stated["max_cu"]), suspend)
