"""Sizes of computes that Neon rejects although each of them is valid.

The files may state one end of a range alone, or none. The other one is then the live value, the project's default,
or Neon's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.compute import DEFAULT_COMPUTE
from reconciler.plan.actions.branch import CreateBranch
from reconciler.plan.actions.compute import CreateReplica, PatchEndpoint
from reconciler.plan.actions.project import CreateProject, PatchProject
from reconciler.plan.concerns import compute
from reconciler.plan.concerns.organization import bound_text, forbids
from reconciler.plan.guards.context import TenantContext, Verdict, first_verdict
from reconciler.plan.plan import Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.guards.context import Held
    from reconciler.plan.plan import TenantPlan


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


def outside_limits(held: Held, context: TenantContext) -> Iterator[tuple[Action, Verdict]]:
    """New computes with a size that the organization does not allow.

    The project's defaults count as they are after its patch, which comes first, without the refused changes. What
    is declared may be too large where the transfer to the tier's organization is refused: the same verdict then.
    """
    planned = context.planned
    if planned.project is None:
        return
    move = planned.transfer
    stays = held.get(move) if move else None
    organization = move.destination if move and not stays else planned.project.organization
    limits, defaults = context.desired.organizations[organization].limits, _defaults(planned, held)
    for action in planned.actions:
        if isinstance(action, CreateReplica) or (isinstance(action, CreateBranch) and action.with_compute):
            declared = compute.members(action.compute)
            sizes = {**defaults, **declared}
            for path in sorted(compute.SIZE):
                if forbids(limits, path, sizes.get(path)):
                    origin = "as declared" if path in declared else "the project's default"
                    size, allowed = f"{sizes[path]:g} CU, {origin}", f"{bound_text(limits, path)} CU"
                    yield (
                        action,
                        first_verdict(stays) if stays else _not_allowed(path, size, organization, allowed),
                    )
                    break


def _defaults(planned: TenantPlan, held: Held) -> dict[str, Value]:
    """The project's sizes for new computes once its patch has run."""
    patches = (action for action in planned.actions if isinstance(action, PatchProject))
    changes = (change for patch in patches for change in patch.changes if change not in held.get(patch, {}))
    sizes = compute.members(planned.project.compute if planned.project else None)
    sizes |= {change.path: change.after for change in changes}
    return sizes


def _not_allowed(path: str, size: str, organization: str, allowed: str) -> Verdict:
    return Verdict(
        Rule.ORGANIZATION_LIMIT,
        f"{path} would be {size}, but organization {organization} allows {allowed}",
        f"declare {path} of the tenant in the files, within the limit",
    )


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
