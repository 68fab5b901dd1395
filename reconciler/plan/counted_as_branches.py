"""Tenants whose last branch or snapshot Neon may refuse, because it may count snapshots as branches.

Neon's guide counts snapshots as branches, its price list has two limits, and no page says that they are apart. A
refusal would keep from tenants what Neon may well accept, so the plan says it, and apply tries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.actions.branch import CreateBranch, DeleteBranch
from reconciler.plan.actions.project import CreateProject
from reconciler.plan.actions.restore import RestoreBranch, RestoreSnapshot
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot, PreviewSnapshot
from reconciler.plan.concerns.organization import branches_allowed
from reconciler.plan.concerns.times import expired
from reconciler.plan.plan import Note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan, TenantPlan


_MAKING: Final = (CreateBranch, RestoreBranch, RestoreSnapshot, PreviewSnapshot)
"""Actions that make a branch: a restore leaves one with the earlier state, or puts a new one in its place."""


class _Places(Struct, frozen=True):
    """How many branches and snapshots a project has."""

    branches: int
    snapshots: int

    def exceed(self, limit: int | None) -> bool:
        """Whether only both together are more than an organization allows of branches."""
        return limit is not None and self.branches <= limit < self.branches + self.snapshots

    @property
    def text(self) -> str:
        """``9 branches and 2 snapshots``."""
        branches = "1 branch" if self.branches == 1 else f"{self.branches} branches"
        return f"{branches} and {'1 snapshot' if self.snapshots == 1 else f'{self.snapshots} snapshots'}"


def notes_on_places(
    plan: Plan, desired: DesiredState, live: LiveState, now: datetime, fewer: str = "declare fewer"
) -> Iterator[Note]:
    """A note for each tenant whose new branches and snapshots exceed the limit of branches together.

    None where a project of that organization has more of both: so Neon does not count them together there.
    ``fewer`` says how a person gets fewer.
    """
    apart = set(_counted_apart(desired, live, now))
    for planned in plan.tenants:
        organization = _destination(planned)
        if organization is None or organization in apart:
            continue
        limits, places = desired.limits(organization), _places_after(planned, now)
        tenant = desired.tenants.get(planned.tenant)
        if tenant is not None and places.exceed(limits.branches):
            message = (
                f"{places.text}: {branches_allowed(organization, limits)}, and Neon does not document whether "
                f"snapshots count; if they do, it refuses the last of them: {fewer} to be sure"
            )
            yield Note.about(tenant, message)


def _counted_apart(desired: DesiredState, live: LiveState, now: datetime) -> Iterator[str]:
    """The organizations of which a project shows that snapshots take no place of a branch."""
    for project in live.projects:
        limits = desired.limits(project.organization)
        if project.snapshots and _places(project, now).exceed(limits.branches):
            yield project.organization


def _destination(planned: TenantPlan) -> str | None:
    """Where branches or snapshots come, or come to; None if none do."""
    if planned.transfer is not None:
        return planned.transfer.destination
    created = next((action for action in planned.actions if isinstance(action, CreateProject)), None)
    if not any(isinstance(action, (*_MAKING, CreateSnapshot)) for action in planned.actions):
        return None
    if created is not None:
        return created.organization
    return None if planned.project is None else planned.project.organization


def _places(project: LiveProject, now: datetime) -> _Places:
    branches = [branch for branch in project.branches or () if not expired(branch.expires_at, now)]
    snapshots = [one for one in project.snapshots or () if one.manual and not expired(one.expires_at, now)]
    return _Places(len(branches), len(snapshots))


def _places_after(planned: TenantPlan, now: datetime) -> _Places:
    """With what the plan creates and deletes. A new project has its default branch."""
    before = _Places(1, 0) if planned.project is None else _places(planned.project, now)
    made, gone = _count(planned, *_MAKING), _count(planned, DeleteBranch)
    taken, dropped = _count(planned, CreateSnapshot), _count(planned, DeleteSnapshot)
    return _Places(before.branches + made - gone, before.snapshots + taken - dropped)


def _count(planned: TenantPlan, *kinds: type[object]) -> int:
    return sum(isinstance(action, kinds) for action in planned.actions)
