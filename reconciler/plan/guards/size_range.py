"""Sizes of computes that are good by themselves, and that Neon does not take together.

The files may state one end of a range alone. The other one is then the live value, or Neon's default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.compute import DEFAULT_COMPUTE
from reconciler.plan.actions.compute import PatchEndpoint
from reconciler.plan.actions.project import CreateProject, PatchProject
from reconciler.plan.concerns import compute
from reconciler.plan.guards.context import TenantContext, Verdict
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange


def unfit_creation(action: Action, context: TenantContext) -> Verdict | None:  # noqa: ARG001 (as all rules about a tenant)
    """A project that Neon would not create, because the stated end does not fit its default for the other one."""
    if not isinstance(action, CreateProject):
        return None
    stated = {change.path: change.after for change in action.changes if change.path in compute.SIZE}
    return _unfit({**compute.amounts(DEFAULT_COMPUTE), **stated}) if stated else None


def unfit_patch(action: Action, held: Collection[FieldChange]) -> Verdict | None:
    """A change of sizes that does not fit what stays as it is."""
    if not isinstance(action, PatchProject | PatchEndpoint):
        return None
    sent = {change.path: change.after for change in action.changes if change not in held}
    if compute.SIZE.isdisjoint(sent):
        return None
    kept = {change.path: change.before for change in held}
    return _unfit({**dict(action.companions), **kept, **sent})


def _unfit(values: Mapping[str, Value]) -> Verdict | None:
    smallest, largest = values.get(compute.MIN), values.get(compute.MAX)
    if not isinstance(smallest, int | float) or not isinstance(largest, int | float):
        return None
    if compute.is_a_range(smallest, largest):
        return None
    return Verdict(
        Rule.CANNOT_BE_DONE,
        compute.no_range(smallest, largest),
        "state min_cu and max_cu together in the files",
    )
