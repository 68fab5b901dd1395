"""Creations that may be mistakes: the tenant had a project that is not found, or it may be a renamed tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.naming import identity
from reconciler.plan.actions.project import CreateProject
from reconciler.plan.history import known_past
from reconciler.plan.identity import identify
from reconciler.plan.plan import Refusal, Rule
from reconciler.plan.renames import similar_removed_tenants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.live.project import DeletedProject
    from reconciler.plan.guards.counted import FleetContext
    from reconciler.plan.plan import TenantPlan


def _unpermitted_creations(kept: Sequence[TenantPlan], context: FleetContext) -> list[TenantPlan]:
    """Return the new tenants, if ``--allow creates`` does not permit all creations of the run."""
    creating = [planned for planned in kept if planned.includes(CreateProject)]
    return creating if len(creating) > context.permissions.counts.get("creates", 0) else []


def missing_projects(kept: Sequence[TenantPlan], context: FleetContext) -> Iterator[Refusal]:
    """Refuse creations of tenants with a past, unless ``--allow creates`` permits all creations of the run.

    On a first run (``expect_empty``) the files do not count as a past: nothing that they declare is live yet.
    """
    creating = _unpermitted_creations(kept, context)
    alike: dict[tuple[str, str], list[TenantPlan]] = {}
    for planned in creating:
        first_run = context.permissions.expect_empty
        past = known_past(planned.tenant, context.live, context.history, first_run=first_run)
        past = past or _ended_past(planned.tenant, context)
        if past is not None:
            remedy = _remedy(planned.tenant, context, len(creating))
            alike.setdefault((past, remedy), []).append(planned)
    for (past, remedy), tenants in alike.items():
        yield Refusal(
            Rule.MISSING_PROJECT,
            tuple(planned.tenant for planned in tenants),
            f"no live project is found, but {past}: a new project would be empty",
            remedy,
            tuple(action for planned in tenants for action in planned.actions),
        )


def _ended_past(tenant: str, context: FleetContext) -> str | None:
    """Where no commit shows when the tenant was new: a recently deleted project has its name."""
    deleted = _deleted(tenant, context) if tenant in context.history.ignored else None
    return f"project {deleted.project.id} with its name was deleted" if deleted else None


def _remedy(tenant: str, context: FleetContext, creating: int) -> str:
    deleted = _deleted(tenant, context)
    found = "" if deleted is None else f"add recover: {deleted.project.id} to its file to recover it; "
    return (
        f"{found}add project_id to its file if the project is live under another name, search with --depth "
        "deep, transfer it back if it is in an organization that tiers.yaml does not name, or permit exactly "
        f"the creations of this run with --allow creates={creating}"
    )


def _deleted(tenant: str, context: FleetContext) -> DeletedProject | None:
    """Return the newest recoverable deleted project with the tenant's project name."""
    names = context.desired.project_names(tenant)
    found = [deleted for deleted in context.live.recoverable if deleted.project.name in names]
    return max(found, key=lambda deleted: (deleted.recoverable_until, deleted.project.id), default=None)


_MOST_NAMED: Final = 3


def spelled_otherwise(kept: Sequence[TenantPlan], context: FleetContext) -> Iterator[Refusal]:
    """Refuse creations for tenants whose names differ from those of orphans in case only."""
    orphans = {identity(orphan.tenant): orphan for orphan in context.plan.orphans if orphan.owned}
    creating = _unpermitted_creations(kept, context) if orphans else []
    for planned in creating:
        if orphan := orphans.get(identity(planned.tenant)):
            yield Refusal(
                Rule.LOOKS_RENAMED,
                (planned.tenant,),
                f"project {orphan.project.id} is that of {orphan.tenant!r}, which differs in case only: a new "
                "project would be empty",
                _as_rename(planned, orphan.tenant, context, len(creating)),
                planned.actions,
            )


def looks_renamed(kept: Sequence[TenantPlan], context: FleetContext) -> Iterator[Refusal]:
    """Refuse creations that may be renames, unless ``--allow creates`` permits all creations of the run."""
    creating = _unpermitted_creations(kept, context) if context.history.gone else []
    if not creating:
        return
    unmatched = identify(context.desired, context.live).unmatched if context.live.listed else None
    tenants = [context.desired.tenants[planned.tenant] for planned in creating]
    found = similar_removed_tenants(context.desired, context.history, tenants, unmatched)
    for planned in creating:
        if alike := found.get(planned.tenant):
            yield _refusal(planned, alike, context, len(creating))


def _refusal(planned: TenantPlan, alike: Sequence[str], context: FleetContext, creating: int) -> Refusal:
    named = " or ".join(repr(name) for name in alike[:_MOST_NAMED])
    more = f" or one of {len(alike) - _MOST_NAMED} more" if len(alike) > _MOST_NAMED else ""
    return Refusal(
        Rule.LOOKS_RENAMED,
        (planned.tenant,),
        f"looks like a rename of {named}{more}, removed from the files since the base: a new project would "
        "be empty",
        _as_rename(planned, alike[0], context, creating),
        planned.actions,
    )


def _as_rename(planned: TenantPlan, earlier: str, context: FleetContext, creating: int) -> str:
    return (
        f"add `previously: [{earlier}]` to {context.desired.tenants[planned.tenant].location}; if this is "
        f"another customer, permit exactly the creations of this run with --allow creates={creating}"
    )
