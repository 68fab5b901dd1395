"""What a run has cost a tenant in snapshots: one deleted to make room for another that was then not taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.plan.action import DeleteBranch, DeleteSnapshot
from reconciler.plan.order import Stage, stage
from reconciler.plan.outcome import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.plan.action import Action
    from reconciler.plan.outcome import ActionOutcome


def with_losses(outcomes: Sequence[ActionOutcome]) -> tuple[ActionOutcome, ...]:
    """A tenant's outcomes, in order; where a snapshot was not taken, they say which ones made room for it."""
    gone = [_name(o.action) for o in outcomes if o.result is Result.APPLIED and _made_room(o.action)]
    if not gone:
        return tuple(outcomes)
    return tuple(replace(o, message=f"{o.message}; {_lost(gone)}") if _not_taken(o) else o for o in outcomes)


def _made_room(action: Action) -> bool:
    return stage(action) is Stage.REPLACE_SNAPSHOT


def _not_taken(outcome: ActionOutcome) -> bool:
    return stage(outcome.action) is Stage.CREATE_SNAPSHOT and outcome.result is not Result.APPLIED


def _name(action: Action) -> str:
    match action:
        case DeleteSnapshot():
            return action.snapshot
        case DeleteBranch():
            return action.branch
        case _:
            raise TypeError(f"{action.kind} makes no room for a snapshot")


def _lost(names: Sequence[str]) -> str:
    listed = " and ".join(repr(name) for name in names)
    return f"the tenant is without snapshot {listed} now: deleted to make room"
