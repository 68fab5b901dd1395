"""Puts the actions of a tenant in order (``plan/stage.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.plan.action import Action


def ordered(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Sort by stage; within a stage in planned order (sorting is stable). Snapshots are replaced one by one."""
    by_stage = sorted(actions, key=lambda action: action.stage)
    leaving = [action for action in by_stage if action.stage is Stage.REPLACE_SNAPSHOT]
    coming = [action for action in by_stage if action.stage is Stage.CREATE_SNAPSHOT]
    before = [action for action in by_stage if action.stage < Stage.REPLACE_SNAPSHOT]
    after = [action for action in by_stage if action.stage > Stage.CREATE_SNAPSHOT]
    return (*before, *_one_by_one(leaving, coming), *after)


def _one_by_one(leaving: Sequence[Action], coming: Sequence[Action]) -> Iterator[Action]:
    """Yield new snapshots that fit, then each other one right after the snapshot that it replaces.

    A project above its limit loses several snapshots for the first new one.
    """
    free, more = len(coming) - len(leaving), len(leaving) - len(coming)
    yield from coming[: max(0, free)]
    yield from leaving[: max(0, more)]
    for old, new in zip(leaving[max(0, more) :], coming[max(0, free) :], strict=True):
        yield from (old, new)
