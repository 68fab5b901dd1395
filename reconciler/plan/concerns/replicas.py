"""Read replicas of the default branch: create declared ones, delete those that a commit no longer declares.

A compute carries no annotation, so nothing shows who created it: a read replica is known by its name. One that no
file declares, and none declared before, is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.actions.compute import CreateReplica, DeleteReplica
from reconciler.plan.concerns import compute
from reconciler.plan.concerns.concern import cannot_be_done, existence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveBranch, LiveEndpoint, LiveProject
    from reconciler.model.compute import Compute
    from reconciler.model.values import Value
    from reconciler.plan.comparison import Comparison, Finding
    from reconciler.plan.concerns.concern import Fields
    from reconciler.plan.tenant_history import TenantHistory

PATH: Final = "compute.replicas"
PRESENT: Final = "present"
UNPROTECT: Final = "remove the branch's protection first: Neon deletes no compute of a protected branch"
NAME_IT: Final = "name the read replica in the console, or delete it"
FEWER: Final = "delete unused read replicas, or declare fewer"
OTHER_SIZES: Final = "state min_cu and max_cu of the read replica together"


def path(name: str) -> str:
    """Return the field path of a read replica."""
    return f"{PATH}.{name}"


def wanted(settings: Settings) -> Fields:
    """Return the declared read replicas by field path, each with its compute."""
    found: dict[str, Value] = {}
    for name, sizes in (settings.replicas or {}).items():
        found[path(name)] = PRESENT
        found.update({f"{path(name)}.{member}": value for member, value in compute.members(sizes).items()})
    return found


def live(project: LiveProject, name: str) -> LiveEndpoint | None:
    """Return the read replica of the default branch with this name; of several, the first one created."""
    branch = project.default_branch
    return None if branch is None else project.compute_of(branch.id, name)


def sized(settings: Settings, project: LiveProject) -> Iterator[tuple[str, Compute, LiveEndpoint]]:
    """Yield the live read replicas that the files size: name, declared compute, live compute."""
    for name, wanted_compute in (settings.replicas or {}).items():
        if endpoint := live(project, name):
            yield name, wanted_compute, endpoint


def looked_for(settings: Settings, project: LiveProject) -> bool:
    """Return whether a read replica may have to be created, changed or deleted."""
    if settings.replicas is None or project.endpoints is None:
        return False
    return bool(settings.replicas) or any(not endpoint.writes for endpoint in project.endpoints)


def findings(comparison: Comparison) -> Iterator[Finding]:
    """Yield deletions and creations, and refusals of what Neon would reject."""
    settings, branch = comparison.settings, comparison.project.default_branch
    if settings.replicas is None or branch is None or comparison.project.endpoints is None:
        return
    if compute.COMPUTE.name not in comparison.only:
        return
    deleted = 0
    for deletion in _deletions(comparison, branch):
        if branch.protected:
            message = f"read replica {deletion.replica!r} is no longer declared but cannot be deleted"
            yield cannot_be_done(deletion, f"{message}: branch {branch.name!r} is protected in Neon", UNPROTECT)
        else:
            deleted += 1
            yield deletion
    if not settings.suspended:  # a new compute starts at once (Neon)
        yield from _creations(comparison, branch, deleted)


def no_longer_declared(settings: Settings, past: TenantHistory) -> Iterator[str]:
    """Yield the names of read replicas that earlier files declared and the current ones do not."""
    before = (one for stated in past.bases for one, value in stated.items() if value == PRESENT)
    names = (one.removeprefix(f"{PATH}.") for one in dict.fromkeys(before) if one.startswith(f"{PATH}."))
    return (name for name in names if name not in (settings.replicas or {}))


def _deletions(comparison: Comparison, branch: LiveBranch) -> Iterator[DeleteReplica]:
    for name in no_longer_declared(comparison.settings, comparison.past) if comparison.past else ():
        endpoint = live(comparison.project, name)
        if endpoint is not None:
            yield DeleteReplica(
                tenant=comparison.tenant.name,
                reason="no longer declared",
                source=comparison.tenant.location,
                changes=(existence(path(name), comparison.origin(path(name), reduces=True), before=True),),
                branch=branch.name,
                replica=name,
                endpoint_id=endpoint.id,
            )


def _creations(comparison: Comparison, branch: LiveBranch, deleted: int) -> Iterator[Finding]:
    there = [endpoint for endpoint in comparison.project.endpoints or () if not endpoint.writes]
    nameless = next((one.id for one in there if one.branch_id == branch.id and not one.name), None)
    count, most = len(there) - deleted, comparison.limits.replicas
    for name, wanted_compute in (comparison.settings.replicas or {}).items():
        if live(comparison.project, name) is not None:
            continue
        create = _create(comparison, branch, name, wanted_compute)
        message = f"read replica {name!r} cannot be created"
        if nameless is not None:
            yield cannot_be_done(create, f"{message}: read replica {nameless} has no name, and may be it", NAME_IT)
        elif unfit := compute.unfit(wanted_compute, comparison.project):
            yield cannot_be_done(create, f"{message}: {unfit}", OTHER_SIZES)
        elif most is not None and count >= most:
            allowed = f"organization {comparison.organization} allows {most} read replicas per project"
            yield cannot_be_done(create, f"{message}: {allowed}; it would be number {count + 1}", FEWER)
        else:
            count += 1
            yield create


def _create(comparison: Comparison, branch: LiveBranch, name: str, wanted_compute: Compute) -> CreateReplica:
    return CreateReplica(
        tenant=comparison.tenant.name,
        reason="declared",
        source=comparison.tenant.location,
        changes=(existence(path(name), comparison.origin(path(name)), before=False),),
        branch=branch.name,
        replica=name,
        compute=wanted_compute,
    )
