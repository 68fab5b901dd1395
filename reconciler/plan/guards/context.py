"""What a guard for one tenant reads, and the verdict that it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from reconciler.plan.declared_fields import in_another_tier
from reconciler.plan.history import History

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Rule, TenantPlan


class Verdict(Struct, frozen=True):
    """Why something is refused, and what allows it."""

    rule: Rule
    message: str
    remedy: str


Held: TypeAlias = "Mapping[Action, Mapping[FieldChange, Verdict]]"
"""Refused changes with their verdicts, by action. By action first: an action has as many changes as a file has
settings.
"""


def first_verdict(changes: Mapping[FieldChange, Verdict]) -> Verdict:
    """Return the verdict on the first refused change of an action."""
    return next(iter(changes.values()))


def with_held(held: Held, more: Iterable[tuple[Action, Iterable[FieldChange], Verdict]]) -> Held:
    """Return ``held`` with more refused changes; a later verdict on a change replaces an earlier one."""
    all_of_it = dict(held)
    for action, changes, verdict in more:
        all_of_it[action] = {**all_of_it.get(action, {}), **dict.fromkeys(changes, verdict)}
    return all_of_it


class TenantContext(Struct, frozen=True):
    """Everything that a guard for one tenant may read."""

    planned: TenantPlan
    desired: DesiredState
    live: LiveState
    permissions: Permissions
    history: History = History()
    only: tuple[str, ...] = ()
    """Names of the concerns that the run is limited to; empty means all."""
    now: datetime | None = None
    """None if the time is not known."""

    @property
    def changes_tier(self) -> bool:
        """Whether the files, or a document, change the tier: one change, however many fields it has."""
        tenant = self.desired.tenants.get(self.planned.tenant)
        if tenant is None or tenant.absent:
            return False
        before = self.history.tiers(tenant.name)
        return before != {tenant.tier} if before else tenant.name in self.history.documents

    @property
    def in_another_tier(self) -> bool:
        """Whether the project has all values of a tier that no file assigned to the tenant, but a document did."""
        tenant, project = self.desired.tenants.get(self.planned.tenant), self.planned.project
        if tenant is None or tenant.absent or project is None:
            return False
        return in_another_tier(self.desired, self.history.earlier(tenant.name), tenant, project)

    @property
    def protected(self) -> bool:
        """Whether the tenant's file says ``protect: true``."""
        tenant = self.desired.tenants.get(self.planned.tenant)
        return tenant is not None and tenant.protect

    @property
    def was_protected(self) -> bool:
        """Whether the files at the base protect this tenant, or the tenant that the project was created for."""
        project = self.planned.project
        return self.history.protects(self.owners, None if project is None else project.id)

    @property
    def owners(self) -> Iterator[str]:
        """This tenant, under all its names, and those whose project it may have been (``History.owners``)."""
        name = self.planned.tenant
        yield from self.desired.names(name) if name in self.desired.tenants else (name,)
        if self.planned.project is not None:
            yield from self.history.owners(self.planned.project, self.desired)

    @property
    def pinned(self) -> bool:
        """Whether the tenant's file declares ``project_id``."""
        tenant = self.desired.tenants.get(self.planned.tenant)
        return tenant is not None and tenant.project_id is not None
