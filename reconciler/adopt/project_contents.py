"""What a project has beside what a tier grants: settings, branches and snapshots, as keys of a tenant's file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.adopt.grant import COMPUTE, written
from reconciler.model.fields.table import BY_PATH, of
from reconciler.model.moments import rfc3339
from reconciler.model.values import replace
from reconciler.plan.kept_branches import is_kept
from reconciler.plan.ownership import is_mark

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.adopt.adoption import Adopted, Adoption
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Tier
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.model.compute import Compute
    from reconciler.model.values import Json

BRANCHES: Final = "branches"
SNAPSHOTS: Final = "snapshots"
SETTINGS: Final = "settings"
WITH: Final = (BRANCHES, SNAPSHOTS, SETTINGS)
LEFT_BY_RESTORES: Final = "branches that restores left"
SAME_NAMES: Final = "snapshots whose name another snapshot of the project has"
SCHEDULED: Final = "snapshots of backup schedules"
REPLICAS: Final = "read replicas"
OTHER_DEFAULT: Final = "projects whose compute has another size than the default for new ones"
CHOSEN_BY_NEON: Final = frozenset({"maintenance_window"})
"""Settings that Neon gives each project by itself: they say nothing of what anybody wanted."""
UNKNOWN_SETTINGS: Final = "settings that files cannot state"


class ProjectContents(Struct, frozen=True):
    """Keys of one tenant's document, and how much of each kind they cannot express."""

    keys: Mapping[str, Json]
    rest: Counter[str]


def with_contents(
    adoption: Adoption, desired: DesiredState, wanted: Collection[str]
) -> tuple[Adoption, Counter[str]]:
    """Return the adoption with settings, branches and snapshots as far as ``wanted``, and what stays unexpressed.

    Settings that a declared tier states otherwise are always included: they are overrides.
    """
    rest: Counter[str] = Counter()
    tenants: list[Adopted] = []
    for one in adoption.tenants:
        found = project_contents(one.project, desired.tiers.get(one.tier), wanted)
        rest.update(found.rest)
        tenants.append(replace(one, extra=found.keys) if found.keys else one)
    return replace(adoption, tenants=tuple(tenants)), rest


def project_contents(project: LiveProject, tier: Tier | None, wanted: Collection[str]) -> ProjectContents:
    """Return what one project has below its tier. ``tier`` is None if it is inferred."""
    keys: dict[str, Json] = {}
    rest: Counter[str] = Counter()
    if settings := _settings(project, tier, everything=SETTINGS in wanted):
        keys["settings"] = settings
    if SETTINGS in wanted:
        known = {field.name for field in of("settings")}
        rest[UNKNOWN_SETTINGS] += sum(name not in known for name in project.settings or ())
    writer = project.read_write(project.default_branch)
    rest[OTHER_DEFAULT] += writer is not None and _sizes(writer.compute) != _sizes(project.compute)
    if SNAPSHOTS in wanted and (snapshots := list(_snapshots(project, rest))):
        keys["snapshots"] = snapshots
    if BRANCHES in wanted:
        if branches := list(_branches(project, tier)):
            keys["dev_branches"] = branches
        rest[LEFT_BY_RESTORES] += sum(map(is_kept, project.branches or ()))
        rest[REPLICAS] += sum(not endpoint.writes for endpoint in project.endpoints or ())
    return ProjectContents(keys, +rest)


def _settings(project: LiveProject, tier: Tier | None, *, everything: bool) -> dict[str, Json]:
    """Settings that differ from the tier's, and if ``everything`` those that are not as Neon makes them."""
    stated = {} if tier is None else tier.settings
    found: dict[str, Json] = {}
    for field in of("settings"):
        live = (project.settings or {}).get(field.name)
        value = field.absent if live is None else live
        own = everything and value != field.absent and field.name not in CHOSEN_BY_NEON
        differs = value != stated[field.name] if field.name in stated else own
        if differs and value is not None:
            found[field.name] = value
    return found


def _branches(project: LiveProject, tier: Tier | None) -> Iterator[Json]:
    """Every branch beside the default one, parents first, as they were created."""
    names = project.branch_names
    default = project.default_branch
    for branch in sorted(project.branches or (), key=lambda one: (one.created_at, one.name)):
        if branch.default or is_mark(branch) or is_kept(branch):
            continue
        entry: dict[str, Json] = {"name": branch.name}
        if branch.parent_id is not None and default is not None and branch.parent_id != default.id:
            entry["parent"] = names.get(branch.parent_id, default.name)
        if size := _size(project, branch, tier):
            entry["compute"] = size
        if branch.protected:
            entry["protected"] = True
        if branch.expires_at is not None:
            entry["expires_at"] = rfc3339(branch.expires_at)
        yield branch.name if len(entry) == 1 else entry


def _size(project: LiveProject, branch: LiveBranch, tier: Tier | None) -> dict[str, Json]:
    """What a branch's compute has otherwise than the tier states for development branches."""
    granted: Compute | None = None if tier is None else tier.dev_branches.compute
    endpoint = project.read_write(branch)
    if granted is None or endpoint is None:
        return {}
    members = [BY_PATH[path].name for path in COMPUTE]
    live = {name: getattr(endpoint.compute, name) for name in members}
    if all(getattr(granted, name) in (None, live[name]) for name in members):
        return {}
    return {
        BY_PATH[path].key: written(path, live[BY_PATH[path].name])
        for path in COMPUTE
        if live[BY_PATH[path].name] is not None
    }


def _sizes(compute: Compute | None) -> tuple[float | None, ...]:
    return tuple(getattr(compute, BY_PATH[path].name, None) for path in COMPUTE)


def _snapshots(project: LiveProject, rest: Counter[str]) -> Iterator[Json]:
    """The snapshots that people took, each name once: of several, a file can mean one only."""
    counts = Counter(one.name for one in project.snapshots or ())
    for snapshot in sorted(project.snapshots or (), key=lambda one: (one.created_at, one.name, one.id)):
        if not snapshot.manual:
            rest[SCHEDULED] += 1
        elif counts[snapshot.name] > 1:
            rest[SAME_NAMES] += 1
        elif snapshot.expires_at is None:
            yield snapshot.name
        else:
            yield {"name": snapshot.name, "expires_at": rfc3339(snapshot.expires_at)}
