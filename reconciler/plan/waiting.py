"""Tenants that wait since an earlier commit, and what keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.plan import wanted
from reconciler.plan.plan import Waiting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.selection import Selection
    from reconciler.desired.state import DesiredState
    from reconciler.plan.history import History
    from reconciler.plan.plan import Plan

BROKEN: Final = "the file is broken"
LOST: Final = "that commit cannot be read here, so that nothing is taken: fetch the whole history"
LEFT_OUT: Final = "left out of this run"
CONFLICT: Final = "a conflict that a person has to settle"
GOES_ON: Final = "apply goes on with it"
NOTHING_LEFT: Final = "nothing is left to do: the next apply --advance moves the base on"


def waiting(plan: Plan, desired: DesiredState, history: History, selection: Selection) -> tuple[Waiting, ...]:
    """Those whom a guarded plan finds waiting, those of one commit and reason together.

    Who is in the files no more waits for nothing: it is an orphan.
    """
    alike: dict[tuple[str | None, str, bool], list[str]] = {}
    held = _held(plan)
    for name, commit in sorted(history.since.items()):
        if name in desired.tenants or name in desired.held_back:
            reason = _reason(name, commit, held, desired, history, selection)
            alike.setdefault((commit, reason, _changed(name, desired, history)), []).append(name)
    return tuple(
        Waiting(commit, reason, tuple(names), changed) for (commit, reason, changed), names in alike.items()
    )


def _held(plan: Plan) -> dict[str, str]:
    """What is said of each tenant of whom something is planned, or stands in the way; the weightiest counts."""
    reported = {n: f"reported: {one.rule.value}" for one in plan.refusals for n in one.tenants}
    refused = {n: f"refused: {one.rule.value}" for one in plan.refusals if one.asked_for for n in one.tenants}
    return {
        **{planned.tenant: GOES_ON for planned in plan.tenants},
        **reported,
        **{conflict.tenant: CONFLICT for conflict in plan.conflicts},
        **refused,
    }


def _reason(
    name: str,
    commit: str | None,
    held: Mapping[str, str],
    desired: DesiredState,
    history: History,
    selection: Selection,
) -> str:
    if name in desired.held_back:
        return BROKEN
    if commit is not None and history.before(name) is None:
        return LOST
    if not selection.includes(desired.tenants[name]):
        return LEFT_OUT
    return held.get(name, NOTHING_LEFT)


def _changed(name: str, desired: DesiredState, history: History) -> bool:
    """Whether the files at hand say something else of it than those that all others are compared with.

    Where they lack what the base has got since, they are compared with the commit in which both parted.
    """
    files, tenant = history.fork or history.base, desired.tenants.get(name)
    if files is None or tenant is None:
        return False
    before = files.tenants.get(name)
    alike = before is not None and before.accept == tenant.accept and before.protect == tenant.protect
    return not alike or wanted.said(files, name) != wanted.fields(desired, tenant)
