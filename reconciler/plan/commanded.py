"""A plan that a command asks for: the actions of one tenant, from a request instead of the files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from msgspec import Struct

from reconciler.model.values import replace
from reconciler.plan.budget import estimate
from reconciler.plan.identity import identify
from reconciler.plan.plan import Note, Refusal, TenantPlan, ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.desired.tier import OrganizationLimits
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.comparison import Finding
    from reconciler.plan.plan import Plan


class Subject(Struct, frozen=True):
    """The tenant that a command is about, with its project and everything below it as observed."""

    desired: DesiredState
    tenant: Tenant
    project: LiveProject
    now: datetime
    """Decides only what has expired and what lies in a restore window. A command contains its own times."""

    @property
    def settings(self) -> Settings:
        """What the files declare for the tenant."""
        return self.desired.settings(self.tenant)

    @property
    def limits(self) -> OrganizationLimits:
        """The limits of the organization that the project is in."""
        return self.desired.limits(self.project.organization)


class Command(Protocol):
    """What a person asks for one tenant: a frozen value, equal to another one that asks for the same."""

    @property
    def name(self) -> str:
        """The command as a person types it: ``restore``."""

    @property
    def tenant(self) -> str:
        """The name of the tenant."""

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield the actions, in any order, and refusals and notes. The same subject gives the same findings.

        The changes of the actions have ``Origin.COMMAND``.
        """


Asked: TypeAlias = "Callable[[str, datetime], Command]"
"""Makes the command of a tenant at a time."""


def commanded(plan: Plan, command: Command, desired: DesiredState, live: LiveState, now: datetime) -> Plan:
    """Return the plan of a command. ``plan`` is the plan of the files for the tenant: its conflicts stay.

    A tenant in conflict, and one without a project, has no actions.
    """
    tenant, project = desired.tenants[command.tenant], identify(desired, live).projects.get(command.tenant)
    in_conflict = any(conflict.tenant == command.tenant for conflict in plan.conflicts)
    found: tuple[Finding, ...] = ()
    if project is not None and not in_conflict:
        found = tuple(command.findings(Subject(desired, tenant, project, now)))
    actions = ordered(one for one in found if not isinstance(one, Refusal | Note))
    plans = (TenantPlan(command.tenant, project, actions),) if actions else ()
    return replace(
        plan,
        tenants=plans,
        refusals=tuple(one for one in found if isinstance(one, Refusal)),
        notes=tuple(one for one in found if isinstance(one, Note)),
        orphans=(),
        unmanaged=(),
        file_changes=(),
        budget=estimate(plans, desired, live),
        command=command.name,
    )
