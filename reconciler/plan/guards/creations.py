"""Creations that may be mistakes: the tenant had a project that is not found, or it may be a renamed tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.action import CreateProject
from reconciler.plan.identity import identify
from reconciler.plan.plan import Refusal, Rule
from reconciler.plan.renames import lookalikes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.live.project import DeletedProject
    from reconciler.live.state import LiveState
    from reconciler.plan.guards.fleet import Bench
    from reconciler.plan.history import History
    from reconciler.plan.plan import TenantPlan


def known_past(tenant: str, live: LiveState, history: History, *, first_run: bool = False) -> str | None:
    """What says that the tenant had a project, in words; None where nothing does: then it is new.

    ``first_run`` says that what the files declared is no sign of it; nor is it where nobody has named the base and
    nothing at all is live. A registry's row that names a project finds it, or is a conflict. A revision that the
    registry remembers without a row is that of a tombstone, or of a creation that failed.
    """
    unused = first_run or ((history.guessed or history.lost) and _nothing_lives(live))
    if history.knew(tenant) and not unused:
        declared_now = tenant in history.committed
        return "the commit at hand declares the tenant" if declared_now else "the base declares the tenant"
    if tenant in live.applied:
        return f"revision {live.applied[tenant]} of the tenant was applied"
    if history.lost and not unused and tenant not in history.documents:
        return "the tenant may have had one (what the files said before is not known here)"
    return None


def _nothing_lives(live: LiveState) -> bool:
    if live.listed:
        return not any(live.listed.values())
    search = live.annotation_search
    return search is not None and not search.listed and not live.projects and not live.unknown


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


_MOST_NAMED: Final = 3


def looks_renamed(kept: Sequence[TenantPlan], bench: Bench) -> Iterator[Refusal]:
    """Creations that may be renames, unless a person names the number of all creations of the run."""
    creating = [planned for planned in kept if any(isinstance(a, CreateProject) for a in planned.actions)]
    if len(creating) <= bench.permissions.counts.get("creates", 0) or not bench.history.gone:
        return
    unmatched = identify(bench.desired, bench.live).unmatched if bench.live.listed else None
    tenants = [bench.desired.tenants[planned.tenant] for planned in creating]
    found = lookalikes(bench.desired, bench.history, tenants, unmatched)
    for planned in creating:
        if alike := found.get(planned.tenant):
            yield _refusal(planned, alike, bench, len(creating))


def _refusal(planned: TenantPlan, alike: Sequence[str], bench: Bench, creating: int) -> Refusal:
    named = " or ".join(repr(name) for name in alike[:_MOST_NAMED])
    more = f" or one of {len(alike) - _MOST_NAMED} more" if len(alike) > _MOST_NAMED else ""
    return Refusal(
        Rule.LOOKS_RENAMED,
        (planned.tenant,),
        f"looks like a rename of {named}{more}, who left the files since the base: a new project would be empty",
        f"add `previously: [{alike[0]}]` to {bench.desired.tenants[planned.tenant].location}; if this is another "
        f"customer, permit exactly the creations of this run with --allow creates={creating}",
        planned.actions,
    )
