"""``--prune``: the deletion of projects that no file declares, and which of them are spared."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.model.problem import Location
from reconciler.plan import lifecycle
from reconciler.plan.plan import Refusal, Rule, TenantPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.history import History
    from reconciler.plan.plan import Orphan

PRICE_LIST: Final = Location("tiers.yaml")
ABSENT: Final = "if the tenant is to be deleted, add its file with state: absent"
NEWEST: Final = f"run on the newest commit, in a clone that has its history; or {ABSENT}"


def prunings(
    desired: DesiredState, live: LiveState, history: History, orphans: Iterable[Orphan], now: datetime
) -> Iterator[TenantPlan | Refusal]:
    """Deletions of owned orphans, or why one is spared. Two that speak of one tenant are left to a person."""
    listed = list(orphans)
    count = Counter(orphan.tenant for orphan in listed)
    for orphan in listed:
        if not orphan.owned or count[orphan.tenant] > 1 or orphan.tenant in desired.tenants:
            continue
        action = _prune(history, orphan)
        if spared := _spared(desired, live, history, orphan, now):
            message, remedy = spared
            yield Refusal(Rule.PRUNE, (orphan.tenant,), message, remedy, (action,))
        else:
            yield TenantPlan(orphan.tenant, orphan.project, (action,))


def _spared(
    desired: DesiredState, live: LiveState, history: History, orphan: Orphan, now: datetime
) -> tuple[str, str] | None:
    """Why the tenant may be one whose file is only missing here, and what to do."""
    tenant, project = orphan.tenant, orphan.project
    if older := _may_be_older(history, tenant):
        return older, NEWEST
    if file := history.mentioned.get(tenant):
        return f"file {file} speaks of the tenant and declares nobody", f"repair or remove it; {ABSENT}"
    if tenant in by_document(live, history, [tenant]):
        return "the tenant signed up by a document, and no file has declared it", ABSENT
    youngest = now - timedelta(seconds=desired.policy.prune_min_age_seconds)
    later = f"run again when it is older than guards.prune.min_age, or {ABSENT}"
    if project.created_at > youngest:
        return f"the project is younger than {_age(desired)}", later
    if project.last_active_at is not None and project.last_active_at > youngest:
        return f"the project was active within {_age(desired)}", later
    return None


def _may_be_older(history: History, tenant: str) -> str | None:
    """Why the tenant's file may be one that these files do not have yet."""
    if history.lost:
        return "what the files said before is not known here: its file may only be missing"
    if tenant in history.unheld:
        return "the last commit declares the tenant, and git was told to overlook the edit that took it out"
    if history.is_older_than_the_base(tenant):
        return "the base declares the tenant, and these files are older"
    return None


def by_document(live: LiveState, history: History, tenants: Iterable[str]) -> list[str]:
    """Of these tenants, those that something remembers although no file that is known has ever declared them."""
    remembered = (name for name in tenants if name in live.registered or name in live.revisions)
    return [name for name in remembered if history.known(name) is None and name not in history.removed]


def _age(desired: DesiredState) -> str:
    seconds = desired.policy.prune_min_age_seconds
    return f"{seconds // 86_400} d" if seconds % 86_400 == 0 else f"{seconds:,} s"


def _prune(history: History, orphan: Orphan) -> Action:
    """Its source is where the tenant stood at the base; else the price list, which declares nobody."""
    known = history.known(orphan.tenant)
    source = PRICE_LIST if known is None else known.location
    return lifecycle.prune(orphan.tenant, orphan.project.id, source)
