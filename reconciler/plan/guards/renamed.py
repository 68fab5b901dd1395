"""New tenants that look like others who are gone from the files: no empty project takes the place of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan.action import CreateProject
from reconciler.plan.identity import identify
from reconciler.plan.plan import Refusal, Rule
from reconciler.plan.renames import lookalikes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.plan.guards.fleet import Bench
    from reconciler.plan.plan import TenantPlan

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
