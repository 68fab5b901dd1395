"""Projects that were found by their name alone: nothing of them is changed before something else confirms it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan import adoption
from reconciler.plan.action import AdoptProject, CreateProject, DeleteDuplicate
from reconciler.plan.guards.bench import Verdict
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from reconciler.plan.action import Action
    from reconciler.plan.guards.bench import Bench

MESSAGE: Final = (
    "the project was found by its name alone: what differs is only reported, until something else says that it is "
    "this tenant's"
)
BY_PIN: Final = "state its id as project_id in the tenant's file"


def held_until_confirmed(bench: Bench) -> tuple[tuple[Action, ...], Verdict | None]:
    """The actions of a tenant that wait for a confirmation of whose the project is, and why; else none.

    A tombstone's deletion is judged by who created the project, and a second project's by its own proof.
    """
    tenant, project = bench.desired.tenants.get(bench.planned.tenant), bench.planned.project
    if tenant is None or project is None or tenant.absent:
        return (), None
    waiting = tuple(
        action
        for action in bench.planned.actions
        if not isinstance(action, AdoptProject | CreateProject | DeleteDuplicate)
    )
    if not waiting or adoption.confirmed(bench.desired, bench.live, bench.history, tenant, project):
        return (), None
    marks = len(waiting) < len(bench.planned.actions) or bench.desired.registry is not None
    remedy = f"{BY_PIN}; or apply this plan, which leaves a mark, and run again" if marks else BY_PIN
    return waiting, Verdict(Rule.UNCONFIRMED, MESSAGE, remedy)
