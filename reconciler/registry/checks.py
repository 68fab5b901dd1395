"""What ``reconciler doctor`` says about the registry: whether it answers, its tables, and who holds a lease."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from reconciler.errors import ReconcilerError
from reconciler.live.registered import ALL_PARTS
from reconciler.model.diagnosis import Area, fail, failed_by, ok, warn
from reconciler.registry.connect import open_registry
from reconciler.registry.reasons import ONLY_READS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.environment import Environment
    from reconciler.model.diagnosis import Check
    from reconciler.registry.store import Registry


def registry_checks(desired: DesiredState, environ: Environment) -> Iterator[Check]:
    """The checks of the registry that the files name. Writes nothing; blocks until the database answers."""
    if desired.registry is None:
        yield ok(Area.REGISTRY, "tiers.yaml names no registry")
        return
    try:
        opened = open_registry(desired.registry, environ, fleet=desired.fleet, key=desired.registry_key)
        with closing(opened) as registry:
            yield from _of(registry)
            if desired.registry_key is not None:
                registry.require_key()
    except ReconcilerError as error:
        yield failed_by(Area.REGISTRY, error)


def _of(registry: Registry) -> Iterator[Check]:
    version, newest = registry.version(), registry.newest
    if registry.only_reads():
        yield fail(Area.REGISTRY, "the registry's database lets this role only read", ONLY_READS)
    if version is None:
        yield ok(Area.REGISTRY, "the registry answers; it has no tables yet: the first apply creates them")
        return
    if version > newest:
        message = f"the tables are of version {version}; this program knows {newest}"
        yield fail(Area.REGISTRY, message, "upgrade reconciler")
        return
    if version < newest:
        message = f"the tables are of version {version}: the next apply upgrades them to {newest}"
        yield warn(Area.REGISTRY, message, "from then on, do not use them with an older version")
    yield ok(Area.REGISTRY, f"the registry answers, with {len(registry.rows()):,} rows of this fleet")
    for lease in registry.leases() if version == newest else ():
        part = "the fleet" if lease.part == ALL_PARTS else f"part {lease.part}"
        message = f"run {lease.run} holds a lease on {part}, renewed at {lease.renewed_at:%Y-%m-%d %H:%M:%S} UTC"
        yield warn(Area.REGISTRY, message, "wait for that run; the lease of a dead run expires by itself")
