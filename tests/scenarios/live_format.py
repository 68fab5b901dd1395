"""The form of live.yaml and end.yaml: what is in the simulated account, for people to read.

    free:                                   # organization
      myapp-acme:                           # project
        created: -90d                       # live.yaml only, like deleted, storage, used and restored; else -30d
        used: {active_time: 12h}            # in this billing period; what is left out is nothing
        quota: {active_time: 100h}          # members that are left out are unlimited
        compute: {min_cu: 0.25, max_cu: 2, suspend_timeout: 5m}  # the defaults for later computes
        restore_window: 1d
        branches:                           # the default one comes first
          main: {ours: acme, compute: {...}}
          preview: {ours: acme dev_branch preview, parent: main, expires_at: +2d}
        snapshots:
        - {name: v1, created: -3d}
    deleted, recoverable for 7 days: [...]  # end.yaml only

``ours`` stands for the annotations that fleet prod puts on what it creates. A moment is relative to
``NOW``, or written out. What is left out is as Neon makes it; a branch without ``compute`` has none, but
for the default one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import msgspec
import yaml

from reconciler.model.annotations import (
    BRANCH,
    FLEET,
    MANAGED_BY,
    PRODUCT,
    PURPOSE,
    TENANT,
    Purpose,
    branch_annotations,
    creation_annotations,
)
from reconciler.model.compute import DEFAULT_SUSPEND_TIMEOUT_SECONDS, NEVER_SUSPEND, Compute
from reconciler.model.quota import Quota
from reconciler.model.units import NEVER, format_bytes, format_seconds, parse_bytes, parse_seconds
from reconciler.simulator import documents
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, seconds_of
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")

Document: TypeAlias = "dict[str, Any]"

NOW: Final = DEMO_EPOCH_SECONDS
"""When every scenario happens: 2026-11-23T09:00:00Z."""
FLEET_NAME: Final = "prod"
EARLIER_RUN: Final = "r0"
DEFAULT_AGE: Final = "-30d"
MEMBERS: Final[Mapping[str, tuple[Callable[[str], int], Callable[[int], str]]]] = {
    "active_time_seconds": (parse_seconds, format_seconds),
    "compute_time_seconds": (parse_seconds, format_seconds),
    "written_data_bytes": (parse_bytes, format_bytes),
    "data_transfer_bytes": (parse_bytes, format_bytes),
    "logical_size_bytes": (parse_bytes, format_bytes),
}
"""The members of a quota, each with how its amount is read and written."""


def read(text: str) -> Iterator[tuple[str, ProjectSeed]]:
    """The projects of a live.yaml, each with the name of its organization."""
    organizations = yaml.load(text, Loader=yaml.BaseLoader) or {}  # noqa: S506 - text only: nothing is constructed
    for organization, projects in organizations.items():
        for name, written in projects.items():
            yield organization, _project(name, dict(written))


def _project(name: str, written: Document) -> ProjectSeed:
    (default, main), *others = written.pop("branches").items()
    main = dict(main or {})
    project = _all_of(
        written,
        ProjectSeed,
        name=name,
        branch=default,
        annotations=_annotations(main.pop("ours", None)),
        protected=main.pop("protected", "") == "true",
        endpoint_compute=_compute(main.pop("compute", None)),
        branches=tuple(_branch(other, dict(each or {})) for other, each in others),
        snapshots=tuple(_snapshot(dict(each)) for each in written.pop("snapshots", ())),
        created_at=_moment(written.pop("created", DEFAULT_AGE)),
        deleted_at=_moment(written.pop("deleted", None)),
        quota=_quota(written.pop("quota", {})),
        compute=_compute(written.pop("compute", None)),
        restore_window_seconds=parse_seconds(written.pop("restore_window", "1d")),
        pg_version=int(written.pop("pg_version", documents.DEFAULT_PG_VERSION)),
        storage_bytes=parse_bytes(written.pop("storage", "0")),
        usage=msgspec.to_builtins(_quota(written.pop("used", {}))),
        restored=written.pop("restored", "") == "true",
    )
    _check_empty(default, main)
    return project


def _branch(name: str, written: Document) -> BranchSeed:
    compute = _compute(written.pop("compute", None))
    return _all_of(
        written,
        BranchSeed,
        name=name,
        annotations=_annotations(written.pop("ours", None)),
        protected=written.pop("protected", "") == "true",
        parent=written.pop("parent", None),
        expires_at=_moment(written.pop("expires_at", None)),
        with_compute=compute is not None,
        compute=compute,
    )


def _snapshot(written: Document) -> SnapshotSeed:
    return _all_of(
        written,
        SnapshotSeed,
        name=written.pop("name"),
        created_at=_moment(written.pop("created", None)),
        expires_at=_moment(written.pop("expires_at", None)),
        manual=written.pop("scheduled", "") != "true",
    )


def _all_of(written: Document, make: Callable[..., T], **members: Any) -> T:
    """What the members make; by then all keys must have been taken out of ``written``."""
    _check_empty(members["name"], written)
    return make(**members)


def _check_empty(name: str, written: Document) -> None:
    """Raises ValueError for a key that means nothing: a scenario must not rest on a misspelt one."""
    if written:
        raise ValueError(f"{name}: {', '.join(written)} means nothing here")


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    if text[0] in "+-":
        return NOW + (1 if text[0] == "+" else -1) * parse_seconds(text[1:])
    return seconds_of(text)


def _quota(written: Mapping[str, str]) -> Quota:
    read_by = {_short(member): (member, parse) for member, (parse, _) in MEMBERS.items()}
    return Quota(**{read_by[key][0]: read_by[key][1](text) for key, text in written.items()})


def _short(member: str) -> str:
    return member.rpartition("_")[0]


def _compute(written: Mapping[str, str] | None) -> Compute | None:
    if written is None:
        return None
    timeout = written["suspend_timeout"]
    suspend = NEVER_SUSPEND if timeout == NEVER else parse_seconds(timeout)
    return Compute(float(written["min_cu"]), float(written["max_cu"]), suspend)


def _annotations(ours: str | None) -> Mapping[str, str]:
    if ours is None:
        return {}
    tenant, *purpose = ours.split(" ", 2)
    if not purpose:
        return creation_annotations(fleet=FLEET_NAME, tenant=tenant, run=EARLIER_RUN)
    return branch_annotations(
        fleet=FLEET_NAME, tenant=tenant, run=EARLIER_RUN, branch=purpose[1], purpose=Purpose(purpose[0])
    )


def write(organizations: Mapping[str, Document | list[str]]) -> str:
    """The text of an end.yaml."""
    found = {name: projects for name, projects in organizations.items() if projects}
    if not found:
        return "{}\n"
    return yaml.safe_dump(found, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)


def project_document(project: Document, branches: Sequence[Document], snapshots: Sequence[Document]) -> Document:
    """A project as the API answers it, with the documents of its branches and snapshots."""
    version = project["pg_version"]
    return _stated(
        pg_version=None if version == documents.DEFAULT_PG_VERSION else version,
        quota=_written_quota(project["settings"].get("quota", {})),
        compute=compute_document(project["default_endpoint_settings"]),
        restore_window=format_seconds(project["history_retention_seconds"]),
        branches={name: each for branch in branches for name, each in branch.items()},
        snapshots=list(snapshots),
    )


def branch_document(
    branch: Document, names: Mapping[str, str], annotations: Mapping[str, str], compute: Document | None
) -> Document:
    """A branch under its name; ``names`` are those of all branches by id."""
    return {
        branch["name"]: _stated(
            ours=_ours(annotations),
            parent=names.get(branch.get("parent_id", "")),
            at=_other_than(branch["created_at"], branch.get("parent_timestamp")),
            schema_only=branch.get("init_source") == "schema-only",
            protected=branch["protected"],
            expires_at=branch.get("expires_at"),
            compute=None if compute is None else compute_document(compute),
        )
    }


def snapshot_document(snapshot: Document) -> Document:
    """A snapshot."""
    return _stated(
        name=snapshot["name"],
        at=_other_than(snapshot["created_at"], snapshot["timestamp"]),
        expires_at=snapshot.get("expires_at"),
        scheduled=not snapshot["manual"],
    )


def _other_than(created_at: str, moment: str | None) -> str | None:
    """The moment whose data a copy holds, where that is not the one of its creation."""
    return None if moment == created_at else moment


def compute_document(compute: Document) -> Document:
    """Sizes and suspension, in the words of a tenant file. Neon: a timeout of 0 is the default."""
    timeout = compute["suspend_timeout_seconds"] or DEFAULT_SUSPEND_TIMEOUT_SECONDS
    return {
        "min_cu": _number(compute["autoscaling_limit_min_cu"]),
        "max_cu": _number(compute["autoscaling_limit_max_cu"]),
        "suspend_timeout": NEVER if timeout == NEVER_SUSPEND else format_seconds(timeout),
    }


def _number(size: float) -> float:
    return int(size) if size == int(size) else size


def _written_quota(quota: Document) -> Document:
    return {_short(member): form(quota[member]) for member, (_, form) in MEMBERS.items() if quota.get(member)}


def _ours(annotations: Mapping[str, str]) -> str | None:
    if not annotations:
        return None
    if annotations[MANAGED_BY] != PRODUCT or annotations[FLEET] != FLEET_NAME:
        raise ValueError(f"annotations that no scenario has: {annotations}")
    words = (annotations[TENANT], annotations.get(PURPOSE), annotations.get(BRANCH))
    return " ".join(word for word in words if word is not None)


def _stated(**members: Any) -> Document:
    """Those that say anything."""
    return {key: value for key, value in members.items() if value not in (None, False, {}, [])}
