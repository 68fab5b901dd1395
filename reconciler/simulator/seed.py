"""Projects made by hand: rows written directly, as if somebody had clicked in the console long ago.

Nothing made here runs operations, counts against a rate limit or appears in the log of requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.simulator import (
    branches,
    endpoints,
    ids,
    projects,
    restores,
    roles_and_databases,
    schedules,
    shapes,
    snapshots,
)
from reconciler.simulator.metering import meters
from reconciler.simulator.metering.usage import MEMBERS, NEVER, Amounts, Piece, Workload, month_of
from reconciler.simulator.projects import MERGING, ProjectLife, ProjectRequest, merged_settings
from reconciler.simulator.types import Quota

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Reading, Transaction
    from reconciler.simulator.types import Compute
    from reconciler.simulator.world import World

DAY_SECONDS: Final = 86_400.0
OLDEST_DAYS: Final = 700
FREE_QUOTA: Final = Quota(
    active_time_seconds=360_000, data_transfer_bytes=5_368_709_120, logical_size_bytes=536_870_912
)
"""What Neon's guide gives a tenant who does not pay."""
BUSY: Final = 20
"""One tenant of so many is at work; a database for each user of a platform idles most of the time."""
WORKLOAD: Final = Workload(
    0.1, 0.25, written_bytes_per_hour=1e6, transferred_bytes_per_hour=4e6, growth_bytes_per_hour=1e5
)


@dataclass(frozen=True, slots=True)
class BranchSeed:
    """A branch beside the default one, with a compute unless it is to have none."""

    name: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False
    expires_at: float | None = None
    compute: Compute | None = None
    with_compute: bool = True
    parent: str | None = None
    """The name of the branch that it was made of; None is the default one."""
    schema_only: bool = False
    """Whether it holds the schema alone, which makes it a root branch."""
    created_at: float | None = None
    """Seconds since 1970; None is when the project was made, or now."""


@dataclass(frozen=True, slots=True)
class SnapshotSeed:
    """A snapshot of the default branch."""

    name: str
    created_at: float | None = None
    """Seconds since 1970; None is now."""
    expires_at: float | None = None
    manual: bool = True
    """False for one that a schedule made."""


@dataclass(frozen=True, slots=True)
class ProjectSeed:
    """A project. What is None is as Neon makes it by default."""

    name: str
    quota: Quota | None = None
    compute: Compute | None = None
    """Defaults for later computes."""
    endpoint_compute: Compute | None = None
    """The compute of the default branch; None follows the defaults."""
    active: bool = False
    """Whether that compute runs."""
    replicas: Mapping[str, Compute] = field(default_factory=dict)
    """Read-only computes of the default branch, by their names."""
    restore_window_seconds: int = shapes.DEFAULT_RESTORE_WINDOW_SECONDS
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Free-form, as the API words it; without ``quota``."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False
    """Whether the default branch is, which keeps the project from being deleted."""
    branches: Sequence[BranchSeed] = ()
    """In an order in which no branch comes before its parent."""
    snapshots: Sequence[SnapshotSeed] = ()
    restored: bool = False
    """Whether the default branch was then replaced by the latest of the snapshots, or by one that is gone."""
    region: str = shapes.DEFAULT_REGION
    pg_version: int = shapes.DEFAULT_PG_VERSION
    branch: str = "main"
    database: str = "neondb"
    role: str = "neondb_owner"
    created_at: float | None = None
    """Seconds since 1970; None is now."""
    deleted_at: float | None = None
    """Seconds since 1970; None is not at all."""
    last_active_at: float | None = None
    storage_bytes: int = 0
    usage: Mapping[str, int] = field(default_factory=dict)
    """Counters of this period, by the names of a quota's members."""
    integrations: Sequence[str] = ()
    """Such as ``github`` and ``vercel``, which block a transfer."""
    workload: Workload | None = None
    """What its users do from now on; None if it is not used."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """The ids of a project that was made by hand."""

    project_id: str
    branch_id: str
    endpoint_id: str
    branch_ids: tuple[str, ...] = ()
    """Those of its other branches, in their order."""
    snapshot_ids: tuple[str, ...] = ()
    old_branch_id: str | None = None
    """The branch that was the default one before the project was restored."""


def add_projects(world: World, org_id: str, seeds: Iterable[ProjectSeed]) -> tuple[Seeded, ...]:
    """Make projects, all in one transaction. No limit of the organization is checked."""
    with world.writing() as transaction:
        return tuple(_add(world, transaction, org_id, seed) for seed in seeds)


def fleet(name: str, numbers: Iterable[int], now: float) -> Iterator[ProjectSeed]:
    """A believable fleet of free tenants, the same each time. ``name`` may hold ``{number}``."""
    random = Random(0)  # noqa: S311
    for number in numbers:
        age = random.uniform(1, OLDEST_DAYS) * DAY_SECONDS
        yield ProjectSeed(
            name.format(number=number),
            quota=FREE_QUOTA,
            branches=(BranchSeed("development"),) if number % 10 == 0 else (),
            created_at=now - age,
            last_active_at=now - age * random.random(),
            storage_bytes=random.randrange(30_000_000, 500_000_000),
            usage={"active_time_seconds": random.randrange(200_000)},
            workload=WORKLOAD if number % BUSY == 0 else None,
        )


def _add(world: World, transaction: Transaction, org_id: str, seed: ProjectSeed) -> Seeded:
    with transaction.dated(seed.created_at):
        created = projects.store_project(transaction, _seeded_project(world, org_id, seed))
        project, endpoint_id = created.project, created.endpoint["id"]
        _set_compute(world, transaction, created, seed)
        _add_replicas(world, transaction, created, seed)
        _consume(world, transaction, created, seed)
        others = tuple(_add_branch(world, transaction, project, each) for each in seed.branches)
    taken = tuple(_add_snapshot(world, transaction, project["id"], each) for each in seed.snapshots)
    if seed.deleted_at is not None:
        transaction.update("projects", project["id"], deleted_at=seed.deleted_at)
    seeded = Seeded(project["id"], created.branch["id"], endpoint_id, others, taken)
    if not seed.restored:
        return seeded
    restored = _restore(world, transaction, project["id"])
    return replace(seeded, branch_id=restored, old_branch_id=created.branch["id"])


def _seeded_project(world: World, org_id: str, seed: ProjectSeed) -> ProjectRequest:
    quota = {} if seed.quota is None else {"quota": msgspec.to_builtins(seed.quota)}
    return ProjectRequest(
        org_id=org_id,
        name=seed.name,
        region_id=seed.region,
        pg_version=seed.pg_version,
        compute=_seeded_compute(world, seed.compute, shapes.DEFAULT_COMPUTE),
        settings=merged_settings({}, {**seed.settings, **quota}, MERGING),
        restore_window_seconds=seed.restore_window_seconds,
        branch=seed.branch,
        database=seed.database,
        role=seed.role,
        annotations=seed.annotations,
        life=ProjectLife(
            protected=seed.protected,
            storage_bytes=seed.storage_bytes,
            last_active_at=seed.last_active_at,
            usage=seed.usage,
            integrations=seed.integrations,
        ),
    )


def _seeded_compute(world: World, compute: Compute | None, defaults: Mapping[str, Any]) -> Document:
    if compute is None:
        return dict(defaults)
    stated = {
        "autoscaling_limit_min_cu": compute.min_cu,
        "autoscaling_limit_max_cu": compute.max_cu,
        "suspend_timeout_seconds": compute.suspend_timeout_seconds,
    }
    stated = {member: value for member, value in stated.items() if value is not None}
    return endpoints.compute_of(stated, defaults, world.behaviour)


def _add_replicas(
    world: World, transaction: Transaction, created: projects.CreatedProject, seed: ProjectSeed
) -> None:
    for name, compute in seed.replicas.items():
        endpoints.store_endpoint(
            transaction,
            project=created.project,
            branch_id=created.branch["id"],
            kind="read_only",
            compute=_seeded_compute(world, compute, created.project["default_endpoint_settings"]),
            stated={"name": name} if name else {},
        )


def _set_compute(
    world: World, transaction: Transaction, created: projects.CreatedProject, seed: ProjectSeed
) -> None:
    if seed.endpoint_compute is None and not seed.active:
        return
    row = endpoints.find_endpoint(world.store, created.project["id"], created.endpoint["id"])
    assert row is not None  # noqa: S101
    compute = _seeded_compute(world, seed.endpoint_compute, created.project["default_endpoint_settings"])
    endpoints.change_endpoint(
        transaction, row, compute, active_until=NEVER if seed.active else row["active_until"]
    )


def _consume(world: World, transaction: Transaction, created: projects.CreatedProject, seed: ProjectSeed) -> None:
    """Spread what was used in this month evenly over it, for the consumption history.

    It is known to Neon: it was used before the time by which counters are late.
    """
    if seed.workload is not None:
        meters.employ(transaction, created.project["id"], seed.workload)
    if not seed.usage:
        return
    start = max(transaction.now, month_of(transaction.present)[0])
    known_until = max(start, transaction.present - world.behaviour.counters_lag_seconds)
    used = Amounts(**{member: seed.usage.get(member, 0) for member in MEMBERS})
    piece = Piece(created.branch["id"], start, known_until, used)
    meters.record_consumption(transaction, created.project["id"], [piece])


def add_branch(world: World, project_id: str, seed: BranchSeed) -> str:
    """Make a branch; the answer is its id."""
    store = world.store
    with world.writing() as transaction:
        project = msgspec.json.decode(store.value("SELECT body FROM projects WHERE id = ?", project_id))
        return _add_branch(world, transaction, project, seed)


def _add_branch(world: World, transaction: Transaction, project: Document, seed: BranchSeed) -> str:
    store = world.store
    source = _named(store, project["id"], seed.parent, transaction.now)
    with transaction.dated(seed.created_at):
        branch = branches.store_branch(
            transaction,
            project_id=project["id"],
            name=seed.name,
            default=False,
            protected=seed.protected,
            annotations=seed.annotations,
            storage_bytes=0 if seed.schema_only else branches.size_bytes(source),
            origin=_seeded_origin(source, seed),
            expires_at=seed.expires_at,
        )
    roles_and_databases.inherit(transaction, source["id"], branch["id"])
    transaction.data.copy(transaction, source["id"], branch["id"], schema_only=seed.schema_only)
    if seed.with_compute:
        compute = _seeded_compute(world, seed.compute, project["default_endpoint_settings"])
        with transaction.dated(seed.created_at):
            endpoints.store_endpoint(
                transaction, project=project, branch_id=branch["id"], kind="read_write", compute=compute
            )
    branch_id: str = branch["id"]
    return branch_id


def _named(store: Reading, project_id: str, name: str | None, now: float) -> sqlite3.Row:
    if name is None:
        return branches.default_branch(store, project_id)
    return next(row for row in branches.branches(store, project_id, now) if row["name"] == name)


def _seeded_origin(source: sqlite3.Row, seed: BranchSeed) -> Document:
    if seed.schema_only:
        return {"init_source": "schema-only"}
    return {"parent_id": source["id"], "init_source": "parent-data"}


def add_snapshot(world: World, project_id: str, seed: SnapshotSeed) -> str:
    """Take a snapshot of the project's default branch, whatever the limit; the answer is its id."""
    with world.writing() as transaction:
        return _add_snapshot(world, transaction, project_id, seed)


def _add_snapshot(world: World, transaction: Transaction, project_id: str, seed: SnapshotSeed) -> str:
    branch = branches.default_branch(world.store, project_id)
    with transaction.dated(seed.created_at):
        made = snapshots.store_snapshot(
            transaction,
            branch,
            name=seed.name,
            expires_at=seed.expires_at,
            manual=seed.manual,
        )
    snapshot_id: str = made["id"]
    return snapshot_id


def restore(world: World, project_id: str) -> str:
    """Replace the default branch by the latest snapshot, or one that is gone; the answer is the new branch's id.

    The old branch stays as ``<name> (old)``, with its annotations and its snapshots; the computes move.
    """
    with world.writing() as transaction:
        return _restore(world, transaction, project_id)


def _restore(world: World, transaction: Transaction, project_id: str) -> str:
    store, keeps = world.store, world.behaviour.restore_keeps_annotations
    schedules.catch_up(transaction, project_id)
    replaced = branches.default_branch(store, project_id)
    rows = snapshots.snapshots(store, project_id, transaction.now)
    source = (
        restores.Source.of(rows[0])
        if rows
        else restores.Source(ids.snapshot_id(transaction.number()), branches.size_bytes(replaced))
    )
    restored = restores.make(transaction, replaced, source, name=None)
    taken = {row["name"] for row in branches.branches(store, project_id, transaction.now)}
    old_name = restores.replaced_name(replaced["name"], taken)
    restores.replace(transaction, restored, replaced, old_name=old_name, keeps_annotations=keeps)
    restored_id: str = restored["id"]
    return restored_id


def set_usage(world: World, project_id: str, **counters: int) -> None:
    """Set counters of the present period, such as ``active_time_seconds=360_000``."""
    with world.writing() as transaction:
        meters.assign(transaction, project_id, counters)


def set_workload(world: World, project_id: str, workload: Workload) -> None:
    """Let users work with a project from now on, in place of those before; ``Workload()`` is nobody."""
    with world.writing() as transaction:
        meters.update(transaction, project_id)
        meters.employ(transaction, project_id, workload)
