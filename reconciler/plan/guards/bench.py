"""What a guard that looks at one tenant sees, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Rule, TenantPlan


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why something is held back, and what would allow it."""

    rule: Rule
    message: str
    remedy: str


Held: TypeAlias = "Mapping[Action, Mapping[FieldChange, Verdict]]"
"""What is held back, and why. By action first: an action has as many changes as a file has settings."""


def first(changes: Mapping[FieldChange, Verdict]) -> Verdict:
    """The verdict on the first change of an action of which something is held back."""
    return next(iter(changes.values()))


def with_held(held: Held, more: Iterable[tuple[Action, Iterable[FieldChange], Verdict]]) -> Held:
    """The same with more of it; a later verdict on a change replaces an earlier one."""
    all_of_it = dict(held)
    for action, changes, verdict in more:
        all_of_it[action] = {**all_of_it.get(action, {}), **dict.fromkeys(changes, verdict)}
    return all_of_it


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that a rule about one tenant may look at."""

    planned: TenantPlan
    desired: DesiredState
    live: LiveState
    permissions: Permissions

    @property
    def protected(self) -> bool:
        """Whether the tenant's file says ``protect: true``."""
        tenant = self.desired.tenants.get(self.planned.tenant)
        return tenant is not None and tenant.protect

    @property
    def pinned(self) -> bool:
        """Whether the tenant's file names the project by id."""
        tenant = self.desired.tenants.get(self.planned.tenant)
        return tenant is not None and tenant.project_id is not None
