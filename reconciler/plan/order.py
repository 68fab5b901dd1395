"""The order of a tenant's actions, drawn as one table.

    stage             new   upgrade  downgrade  change  tombstone
    CREATE_PROJECT     1
    LOWER                                1
    TRANSFER                   1         2
    PATCH_PROJECT              2         3        1
    PATCH_ENDPOINT             3         4        2
    DELETE_PROJECT                                          1

Deleting surplus snapshots and branches comes before LOWER, creating branches and then snapshots
after PATCH_ENDPOINT, once the files' branches and snapshots are planned.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, assert_never

from reconciler.plan.action import CreateProject, DeleteProject, PatchEndpoint, PatchProject, TransferProject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.plan.action import Action


class Stage(IntEnum):
    """When an action runs within its tenant."""

    CREATE_PROJECT = 1
    LOWER = 2
    TRANSFER = 3
    PATCH_PROJECT = 4
    PATCH_ENDPOINT = 5
    DELETE_PROJECT = 6


def stage(action: Action) -> Stage:
    """The stage of an action."""
    match action:
        case CreateProject():
            return Stage.CREATE_PROJECT
        case TransferProject():
            return Stage.TRANSFER
        case PatchProject():
            return Stage.LOWER if action.before_transfer else Stage.PATCH_PROJECT
        case PatchEndpoint():
            return Stage.LOWER if action.before_transfer else Stage.PATCH_ENDPOINT
        case DeleteProject():
            return Stage.DELETE_PROJECT
        case _:
            assert_never(action)


def ordered(actions: Iterable[Action]) -> tuple[Action, ...]:
    """By stage; within a stage as they were planned (sorting is stable)."""
    return tuple(sorted(actions, key=stage))
