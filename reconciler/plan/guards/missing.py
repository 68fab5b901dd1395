"""Tenants that had a project which nobody finds: no new, empty one takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.action import CreateProject
from reconciler.plan.pasts import known_past
from reconciler.plan.plan import Refusal, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.live.project import DeletedProject
    from reconciler.plan.guards.fleet import Bench
    from reconciler.plan.plan import TenantPlan


def missing_projects(kept: Sequence[TenantPlan], bench: Bench) -> Iterator[Refusal]:
    """Creations of tenants with a past, unless a person names the number of all creations of the run.

    On a first run (``expect_empty``) the files are no sign of a past: nothing that they declare is live yet.
    """
    creating = [planned for planned in kept if any(isinstance(a, CreateProject) for a in planned.actions)]
    if len(creating) <= bench.permissions.counts.get("creates", 0):
        return
    alike: dict[tuple[str, str], list[TenantPlan]] = {}
    for planned in creating:
        first_run = bench.permissions.expect_empty
        past = known_past(planned.tenant, bench.live, bench.history, first_run=first_run)
        past = past or _ended_past(planned.tenant, bench)
        if past is not None:
            remedy = _remedy(planned.tenant, bench, len(creating))
            alike.setdefault((past, remedy), []).append(planned)
    for (past, remedy), tenants in alike.items():
        yield Refusal(
            Rule.MISSING_PROJECT,
            tuple(planned.tenant for planned in tenants),
            f"no live project is found, although {past}: a new one would be empty",
            remedy,
            tuple(action for planned in tenants for action in planned.actions),
        )


def _ended_past(tenant: str, bench: Bench) -> str | None:
    """Where no commit will tell when the tenant was new: that a project of its name was deleted lately."""
    deleted = _deleted(tenant, bench) if tenant in bench.history.ignored else None
    return f"project {deleted.project.id} of its name was deleted" if deleted else None


def _remedy(tenant: str, bench: Bench, creating: int) -> str:
    """What finds the project, and what says that a new one is meant."""
    deleted = _deleted(tenant, bench)
    found = "" if deleted is None else f"write recover: {deleted.project.id} in its file to bring it back; "
    return (
        f"{found}state project_id in its file if the project is live under another name, look with --depth deep, "
        "move it back if it is in an organization that the files do not name, "
        f"or permit exactly the creations of this run with --allow creates={creating}"
    )


def _deleted(tenant: str, bench: Bench) -> DeletedProject | None:
    """The newest deleted project of the tenant's name that can be recovered."""
    names = bench.desired.project_names(tenant)
    found = [deleted for deleted in bench.live.recoverable if deleted.project.name in names]
    return max(found, key=lambda deleted: (deleted.recoverable_until, deleted.project.id), default=None)
