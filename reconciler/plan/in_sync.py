"""The tenants about which there is nothing to read and nothing to plan: nearly all of a fleet, at little cost.

A quick yes. A no says nothing: what is in any way out of the ordinary is left to the full comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.plan.history import History


def as_declared(settings: Settings, project: LiveProject) -> bool:
    """Return whether a project as listed has every declared value, and nothing below it is declared.

    Then it has no value that an organization may forbid and no file states.
    """
    return (
        project.organization == settings.organization
        and project.name == settings.project_name
        and project.restore_window_seconds == settings.restore_window_seconds
        and (project.quota is settings.quota or project.quota == settings.quota)
        and (project.compute is settings.compute or project.compute == settings.compute)
        and not settings.settings
        and _only_listed(project)
        and _nothing_below(settings)
    )


def _only_listed(project: LiveProject) -> bool:
    return (
        project.branches is None
        and project.endpoints is None
        and project.snapshots is None
        and project.consumption is None
    )


def _nothing_below(settings: Settings) -> bool:
    """Return whether the files declare nothing of branches, computes and snapshots, and nothing that ends."""
    cleanup = settings.cleanup
    return (
        settings.dev_branches is None
        and settings.snapshots is None
        and settings.snapshot_policy.rotate is None
        and settings.replicas is None
        and settings.roles is None
        and settings.databases is None
        and settings.protected is None
        and cleanup.old_branches_seconds is None
        and cleanup.dev_branches.idle_seconds is None
        and not settings.boosts
        and not settings.suspended
    )


def nothing_to_read(desired: DesiredState, history: History, tenant: Tenant, project: LiveProject) -> bool:
    """Return whether a plan of the declared details needs no more of the project than the list shows."""
    return (
        as_declared(desired.settings(tenant), project)
        and tenant.overrides.compute is None
        and tenant.name not in history.creating
        and (history.same(desired, tenant) or history.past(tenant.name) is None)
    )
