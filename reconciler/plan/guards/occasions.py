"""Leaves out snapshots that are taken before a change if a guard refuses that change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.values import replace
from reconciler.plan.actions.branch import CreateBranch, DeleteBranch
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import DeleteProject, PatchProject, TransferProject
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.concerns.snapshot_occasions import NONE_TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.plan import Note, Refusal, TenantPlan


def without_needless(planned: TenantPlan, refusals: Iterable[Refusal]) -> tuple[TenantPlan, list[Refusal]]:
    """Return a tenant's plan and refusals without the snapshots before refused changes."""
    kept = planned.actions if _reduced(planned) else tuple(a for a in planned.actions if not is_before(a))
    remaining = [replace(one, actions=_others(one.actions)) for one in refusals if _says_something(one)]
    return replace(planned, actions=kept), remaining


def notes_of_reduced(notes: Iterable[Note], kept: Sequence[TenantPlan]) -> tuple[Note, ...]:
    """Return the notes without those on snapshots before changes that are refused."""
    reduced = {planned.tenant for planned in kept if _reduced(planned)}
    return tuple(note for note in notes if note.tenant in reduced or not note.message.startswith(NONE_TAKEN))


def _reduced(planned: TenantPlan) -> bool:
    kinds = TransferProject | PatchProject | PatchEndpoint | DeleteProject
    return any(isinstance(action, kinds) and action.lowering for action in planned.actions)


def _says_something(refusal: Refusal) -> bool:
    return not refusal.actions or bool(_others(refusal.actions))


def _others(actions: Iterable[Action]) -> tuple[Action, ...]:
    return tuple(action for action in actions if not is_before(action))


def is_before(action: Action) -> bool:
    """Return whether the action belongs to a snapshot that is taken before another change."""
    kinds = CreateSnapshot | CreateBranch | DeleteSnapshot | DeleteBranch
    return isinstance(action, kinds) and action.occasion is not None
