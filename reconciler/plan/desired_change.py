"""What a change of the files asks for: the plan for a fleet with all that the earlier files declare. No API."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import structs

from reconciler.desired.selection import Selection
from reconciler.model.values import replace
from reconciler.plan import renames
from reconciler.plan.as_declared import as_declared, is_invented
from reconciler.plan.baseline import Baseline
from reconciler.plan.counting import with_overview
from reconciler.plan.history import History
from reconciler.plan.plan import Note
from reconciler.plan.planner import make_plan
from reconciler.plan.resets import asked
from reconciler.plan.tenant_tier import tiers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.plan import Plan, TenantPlan

_Asked: TypeAlias = "tuple[type[Action], str, tuple[tuple[str, Value, Value], ...]]"


def desired_change(before: DesiredState, after: DesiredState, now: datetime) -> Plan:
    """Return the plan from the earlier files to the later ones, before any guard.

    What the earlier files ask for by themselves, such as the snapshot of a rotation's slot, is left out. ``now``
    decides what has expired or ended. Tenants whose files were broken before are not compared.
    """
    live = as_declared(before, now)
    compared = _without_broken(after, before)
    history = History(before).under(compared.at(now))
    history = replace(history, gone=renames.no_longer_declared(history, compared))
    raised = dict.fromkeys(asked(compared, history, compared.tenants.values()), now)
    planned = make_plan(compared, live, now=now, history=history, raised=raised)
    anyway = make_plan(before, live, now=now, history=History(before))
    known = _messages(anyway)
    notes = (note for note in planned.notes if (note.tenant, note.message) not in known)
    changed = replace(
        planned,
        tenants=tuple(_changed(planned.tenants, {_asked(action) for action in anyway.actions})),
        refusals=tuple(one for one in planned.refusals if (one.tenants, one.message) not in known),
        conflicts=tuple(one for one in planned.conflicts if (one.tenant, one.message) not in known),
        orphans=(),
        notes=(*notes, *_renamed(compared, history), *_gone(history), *_broken(after, before)),
    )
    changed = replace(changed, tiers=tiers(changed, compared.at(now), history))
    return with_overview(changed, compared, Selection(), {})


def _messages(plan: Plan) -> Collection[tuple[object, str]]:
    """What a plan says beside its actions: about whom, and the message."""
    notes = ((one.tenant, one.message) for one in plan.notes)
    conflicts = ((one.tenant, one.message) for one in plan.conflicts)
    return {*notes, *conflicts, *((one.tenants, one.message) for one in plan.refusals)}


def _changed(tenants: Iterable[TenantPlan], anyway: Collection[_Asked]) -> Iterator[TenantPlan]:
    """Yield the tenants with the actions that the earlier files do not ask for as well."""
    for planned in tenants:
        actions = tuple(_nameless(action) for action in planned.actions if _asked(action) not in anyway)
        if actions:
            project = planned.project and replace(planned.project, id=_real(planned.project.id))
            yield replace(planned, actions=actions, project=project)


def _nameless(action: Action) -> Action:
    """The action without the ids that only ``as_declared`` has given."""
    ids = {name: _real(value) for name, value in structs.asdict(action).items() if name.endswith("_id") and value}
    return structs.replace(action, **ids)


def _real(given: str) -> str:
    return "" if is_invented(given) else given


def _asked(action: Action) -> _Asked:
    """What an action does, wherever it is declared."""
    return type(action), action.tenant, tuple((one.path, one.before, one.after) for one in action.changes)


def _broken_before(after: DesiredState, before: DesiredState) -> frozenset[str]:
    return before.held_back | before.unread_of(after)


def _without_broken(after: DesiredState, before: DesiredState) -> DesiredState:
    unknown = _broken_before(after, before)
    known = {name: tenant for name, tenant in after.tenants.items() if unknown.isdisjoint(after.names(name))}
    return replace(after, tenants=known, held_back=after.held_back | (after.tenants.keys() - known.keys()))


def _broken(after: DesiredState, before: DesiredState) -> Iterator[Note]:
    for name in sorted(after.held_back):
        yield Note(name, "not compared: its file is invalid")
    unknown = _broken_before(after, before)
    for name, tenant in after.tenants.items():
        if not unknown.isdisjoint(after.names(name)):
            yield Note.about(tenant, "not compared: the earlier file cannot be used")


def _gone(history: History) -> Iterator[Note]:
    """Yield a note on each tenant that the later files no longer declare."""
    declared = {} if history.base is None else renames.declared_before(history.gone, Baseline(history.base))
    for tenant in declared.values():
        yield Note.about(
            tenant, "no file declares the tenant any more: its project stays; to delete it, add state: absent"
        )


def _renamed(after: DesiredState, history: History) -> Iterator[Note]:
    """Yield a note on each new tenant that looks like one that is no longer declared."""
    alike = renames.similar_removed_tenants(after, history, after.tenants.values(), None)
    for name, former in alike.items():
        names = ", ".join(sorted(former))
        remedy = f"if it was renamed, add previously: [{former[0]}]"
        yield Note.about(after.tenants[name], f"looks like {names}, which no file declares any more: {remedy}")
