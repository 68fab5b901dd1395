"""Orphans: projects of the fleet that no file declares, and which of them ``--prune`` deletes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.model.annotations import FLEET
from reconciler.model.problem import Location
from reconciler.plan import lifecycle, ownership
from reconciler.plan.plan import Orphan, Refusal, Rule, TenantPlan
from reconciler.plan.renames import similar_removed_tenants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.history import History
    from reconciler.plan.identity import Identities

PRICE_LIST: Final = Location("tiers.yaml")
ABSENT: Final = "to delete the tenant, add its file with state: absent"
NEWEST: Final = f"run on the newest commit, in a clone with full history; or {ABSENT}"


def orphans(desired: DesiredState, identities: Identities) -> tuple[Orphan, ...]:
    """Return projects of no tenant that our naming or annotation claims, in listing order."""
    return tuple(
        Orphan(project, tenant, ownership.owned(project, desired.fleet))
        for project in identities.unmatched
        if (tenant := _claimed_tenant(desired, project)) and tenant not in desired.held_back
    )


def _claimed_tenant(desired: DesiredState, project: LiveProject) -> str | None:
    owner = ownership.owner(project)
    if owner is not None and owner.get(FLEET) != desired.fleet:
        return None
    return ownership.created_for(project, desired) or desired.tenant_by_project_name(project.name)


def prunings(
    desired: DesiredState,
    live: LiveState,
    history: History,
    identities: Identities,
    orphans: Iterable[Orphan],
    now: datetime,
) -> Iterator[TenantPlan | Refusal]:
    """Yield deletions of owned orphans, or refusals. If two projects name one tenant, neither is deleted."""
    listed = list(orphans)
    count = Counter(orphan.tenant for orphan in listed)
    renamed = _may_be_renamed(desired, history, identities)
    for orphan in listed:
        if not orphan.owned or count[orphan.tenant] > 1 or orphan.tenant in desired.tenants:
            continue
        action = _prune(history, orphan)
        if spared := _spared(desired, live, history, orphan, now) or renamed.get(orphan.tenant):
            message, remedy = spared
            yield Refusal(Rule.PRUNE, (orphan.tenant,), message, remedy, (action,))
        else:
            yield TenantPlan(orphan.tenant, orphan.project, (action,))


def _may_be_renamed(desired: DesiredState, history: History, identities: Identities) -> dict[str, tuple[str, str]]:
    """Return, by removed tenant that a declared one without a project looks like, why its project stays."""
    missing = [one for one in desired.tenants.values() if not one.absent and identities.nowhere(one)]
    alike = similar_removed_tenants(desired, history, missing, identities.unmatched)
    return {
        name: (
            f"tenant {new!r} is new, and looks like it under another name",
            f"add `previously: [{name}]` to {desired.tenants[new].location}; or {ABSENT}",
        )
        for new, names in alike.items()
        for name in names
    }


def _spared(
    desired: DesiredState, live: LiveState, history: History, orphan: Orphan, now: datetime
) -> tuple[str, str] | None:
    """Return why the tenant's file may only be missing here, and the remedy."""
    tenant, project = orphan.tenant, orphan.project
    if older := _may_be_older(history, tenant):
        return older, NEWEST
    if file := history.names_in_files.get(tenant):
        return f"file {file} names the tenant but declares nothing", f"repair or remove the file; {ABSENT}"
    if by_document(desired, live, history, [orphan]):
        return "the tenant signed up by a document, and no file ever declared it", ABSENT
    return _in_use(project, _age(desired, history), now - timedelta(seconds=_min_age_seconds(desired, history)))


def _in_use(project: LiveProject, age: str, youngest: datetime) -> tuple[str, str] | None:
    """Return why somebody may use the project.

    Neon tells its activity up to an hour late, and that of its computes at once.
    """
    later = f"run again when it is older than guards.prune.min_age, or {ABSENT}"
    if project.created_at > youngest:
        return f"the project is younger than {age}", later
    if project.endpoints is None:
        return "Neon did not return its computes, which show whether it is used", f"run again, or {ABSENT}"
    last = project.latest_activity
    if (last is not None and last > youngest) or any(compute.active for compute in project.endpoints):
        return f"the project was active within {age}", later
    return None


def _may_be_older(history: History, tenant: str) -> str | None:
    """Return why the tenant's file may be newer than these files."""
    if history.is_lost(tenant):
        return "the earlier files cannot be read here: the tenant's file may only be missing"
    if tenant in history.uncommitted:
        return "the last commit declares the tenant, and git is configured to ignore the edit that removed it"
    if history.is_older_than_the_base(tenant):
        return "the base declares the tenant, and these files are older"
    return None


def by_document(desired: DesiredState, live: LiveState, history: History, orphans: Iterable[Orphan]) -> list[str]:
    """Return the tenants whose connection string somebody received, or that the registry remembers, although no
    known file ever declared them.

    The project itself shows the first: it is true without a registry too, and with a new or an older one.
    """
    signed_up = (
        orphan.tenant
        for orphan in orphans
        if ownership.handed_out(orphan.project, desired.fleet)
        or orphan.tenant in live.registered
        or orphan.tenant in live.revisions
    )
    return [name for name in signed_up if history.known(name) is None and name not in history.removed]


def _min_age_seconds(desired: DesiredState, history: History) -> int:
    """Return ``guards.prune.min_age``; where the base is ahead with another one, the longer of the two."""
    ahead = history.ahead(desired, lambda files: files.policy.prune_min_age_seconds)
    return max((desired.policy.prune_min_age_seconds, *ahead))


def _age(desired: DesiredState, history: History) -> str:
    seconds = _min_age_seconds(desired, history)
    return f"{seconds // 86_400} d" if seconds % 86_400 == 0 else f"{seconds:,} s"


def _prune(history: History, orphan: Orphan) -> Action:
    """The source is where the base declared the tenant; else tiers.yaml."""
    known = history.known(orphan.tenant)
    source = PRICE_LIST if known is None else known.location
    return lifecycle.prune(orphan.tenant, orphan.project.id, source)
