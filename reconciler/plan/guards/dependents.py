"""Actions that have to wait because another action of the same tenant is refused."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch, PatchBranch, ResetBranch
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.contents import (
    CreateDatabase,
    CreateRole,
    DeleteDatabase,
    DeleteRole,
    OnContents,
    PatchDatabase,
)
from reconciler.plan.actions.project import PatchProject, TransferProject
from reconciler.plan.actions.snapshot import DeleteSnapshot
from reconciler.plan.change import Origin
from reconciler.plan.concerns.times import ends_an_expiry
from reconciler.plan.guards.context import Held, TenantContext, Verdict, first_verdict, with_held
from reconciler.plan.guards.room import no_room_below
from reconciler.plan.guards.size_range import outside_limits
from reconciler.plan.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.plan.action import Action
    from reconciler.plan.guards.context import Held, TenantContext, Verdict


def with_dependents(held: Held, context: TenantContext) -> Held:
    """Return the refused changes and the actions that depend on them, with the same verdict."""
    for rule in (_snapshots, _parents, outside_limits, _branches, _contents):
        held = with_held(held, ((action, action.changes, verdict) for action, verdict in rule(held, context)))
    return held


def _snapshots(held: Held, context: TenantContext) -> Iterator[tuple[Action, Verdict]]:
    """A snapshot waits if the one that it replaces may not be deleted."""
    makes_room = (
        first_verdict(changes)
        for action, changes in held.items()
        if action.stage in (Stage.MAKE_ROOM, Stage.REPLACE_SNAPSHOT)
    )
    if verdict := next(makes_room, None):
        yield from ((a, verdict) for a in context.planned.actions if a.stage is Stage.CREATE_SNAPSHOT)


def _parents(held: Held, context: TenantContext) -> Iterator[tuple[Action, Verdict]]:
    """Neon deletes no branch that has children. Children come first in a plan."""
    parents = {branch.id: branch.parent_id for branch in context.planned.branches}
    staying = {a.branch_id: first_verdict(changes) for a, changes in held.items() if isinstance(a, DeleteBranch)}
    children: dict[str | None, str] = {}
    for branch_id in staying:
        children.setdefault(parents.get(branch_id), branch_id)
    for action in context.planned.actions:
        if isinstance(action, DeleteBranch) and (child := children.get(action.branch_id)) is not None:
            staying[action.branch_id] = staying[child]
            children.setdefault(parents.get(action.branch_id), action.branch_id)
            yield action, staying[child]


def _branches(held: Held, context: TenantContext) -> Iterator[tuple[Action, Verdict]]:
    """A branch waits for its parent, and for room if others may not be deleted."""
    verdicts = {action: first_verdict(changes) for action, changes in held.items()}
    crowded = next((verdict for action, verdict in verdicts.items() if isinstance(action, DeleteBranch)), None)
    missing = dict(_unfit_parents(held))
    room = _room(verdicts, context)
    for action in context.planned.actions:
        if not isinstance(action, CreateBranch):
            continue
        verdict = verdicts.get(action) or missing.get(action.parent) or (crowded if room <= 0 else None)
        if verdict is None:
            room -= 1
        else:
            missing[action.branch] = verdict
            yield action, verdict


def _contents(held: Held, context: TenantContext) -> Iterator[tuple[Action, Verdict]]:
    """Roles and databases wait for their new branch, databases for their owner, and owners for their databases."""
    verdicts = {action: first_verdict(changes) for action, changes in held.items()}
    branches = {action.branch: why for action, why in verdicts.items() if isinstance(action, CreateBranch)}
    branches |= {action.branch: why for action, why in verdicts.items() if isinstance(action, ResetBranch)}
    roles = {(a.branch, a.role): why for a, why in verdicts.items() if isinstance(a, CreateRole)}
    owners = {(a.branch, a.owner): why for a, why in verdicts.items() if isinstance(a, DeleteDatabase)}
    patched = ((a, why) for a, why in verdicts.items() if isinstance(a, PatchDatabase))
    owners |= {(action.branch, str(action.changes[0].before)): why for action, why in patched}
    for action in context.planned.actions:
        verdict = None
        if isinstance(action, OnContents) and action.of_new_branch:
            verdict = branches.get(action.branch)
        if isinstance(action, CreateDatabase | PatchDatabase):
            verdict = verdict or roles.get((action.branch, action.owner))
        if isinstance(action, DeleteRole):
            verdict = verdict or owners.get((action.branch, action.role))
        if verdict is not None:
            yield action, verdict


def _unfit_parents(held: Held) -> Iterator[tuple[str, Verdict]]:
    """Live branches that keep another name or an expiry: Neon allows no children of such a branch."""
    for action, changes in held.items():
        if isinstance(action, PatchBranch):
            name = action.rename_to or action.branch
            for change, verdict in changes.items():
                if change.path.endswith(".name") or ends_an_expiry(change):
                    yield name, verdict


def _room(held: Mapping[Action, Verdict], context: TenantContext) -> float:
    """Return how many branches can be created; refused deletions do not make room."""
    project, move = context.planned.project, context.planned.transfer
    if project is None:
        return inf
    organization = move.destination if move else project.organization
    limit = context.desired.organizations[organization].limits.branches
    if limit is None:
        return inf
    gone = sum(isinstance(action, DeleteBranch) and action not in held for action in context.planned.actions)
    return limit - len(project.branches or ()) + gone


def blocking_verdict(held: Held, context: TenantContext) -> Verdict | None:
    """Return the verdict on an action that all other actions depend on; the transfer comes first."""
    deletes = any(isinstance(action, DeleteBranch | DeleteSnapshot) for action in held)
    crowded = deletes and _fits_only_without(held, context)
    found = [
        (action, first_verdict(changes))
        for action, changes in held.items()
        if _blocks_all_others(action, crowded=crowded)
    ]
    found.sort(key=lambda one: not isinstance(one[0], TransferProject))
    return found[0][1] if found else None


def _blocks_all_others(action: Action, *, crowded: bool) -> bool:
    """Return whether all other actions depend on this one; ``crowded`` says that they depend on the deletions."""
    if isinstance(action, PatchProject | PatchEndpoint):
        return action.before_transfer
    return action.of_whole_project or (crowded and isinstance(action, DeleteBranch | DeleteSnapshot))


def _fits_only_without(held: Held, context: TenantContext) -> bool:
    """Return whether the project does not fit into its destination without the refused deletions."""
    actions = tuple(action for action in context.planned.actions if action not in held)
    meanwhile = replace(context, planned=replace(context.planned, actions=actions))
    return any(no_room_below(action, meanwhile) for action in context.planned.actions)


def with_complete_tier(held: Held, context: TenantContext) -> Held:
    """A tier change is applied or refused as a whole.

    What somebody granted on top of a tier stays and does not block the change. If the project has a whole other
    tier, every origin counts.
    """
    if not context.changes_tier:
        return held
    origins = set(Origin) if context.in_another_tier else {Origin.CONFIG, Origin.UNKNOWN}
    parts = {
        action: [change for change in action.changes if change.origin in origins]
        for action in context.planned.actions
    }
    waiting = (held.get(action, {}).get(change) for action, changes in parts.items() for change in changes)
    verdict = next(filter(None, waiting), None)
    if verdict is None:
        return held
    return with_held(held, ((action, changes, verdict) for action, changes in parts.items() if changes))
