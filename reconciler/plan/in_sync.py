"""The tenants about which there is nothing to read and nothing to plan: nearly all of a fleet, at little cost.

A quick yes. A no says nothing: what is in any way out of the ordinary is left to the full comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.plan.history import History
    from reconciler.plan.identity import Identities

SETTLED: Final = "settled"


def as_declared(settings: Settings, project: LiveProject) -> bool:
    """Return whether a project as listed has every declared value, and nothing below it is declared.

    Then it has no value that an organization may forbid and no file states.
    """
    return (
        project.name == settings.project_name and _has_the_values(settings, project) and _nothing_below(settings)
    )


def _has_the_values(settings: Settings, project: LiveProject) -> bool:
    return (
        project.organization == settings.organization
        and project.restore_window_seconds == settings.restore_window_seconds
        and (project.quota is settings.quota or project.quota == settings.quota)
        and (project.compute is settings.compute or project.compute == settings.compute)
        and _only_listed(project)
    )


def _only_listed(project: LiveProject) -> bool:
    return (
        project.branches is None
        and project.endpoints is None
        and project.snapshots is None
        and project.consumption is None
    )


def _nothing_below(settings: Settings) -> bool:
    """Return whether the files declare no other settings, nothing of branches, computes and snapshots, and nothing
    that ends."""
    cleanup = settings.cleanup
    return (
        not settings.settings
        and settings.dev_branches is None
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


def settled(desired: DesiredState, history: History, identities: Identities) -> Mapping[str, LiveProject]:
    """Return the projects, by tenant, of which nothing is to be read, planned, refused or noted.

    Their tenants are plain, have been found by name, and declare what they did before. What was said of a project
    is remembered until more is read of it: then it is another object.
    """
    known = desired.remembered.get(SETTLED)
    if known is None or known[0] is not history:
        known = (history, (None, {}))
    seen, before = cast("tuple[Identities | None, dict[str, LiveProject]]", known[1])
    if seen is not identities:
        before = _Settled(desired, history).among(identities, before)
        desired.remembered[SETTLED] = (history, (identities, before))
    return before


class _Settled:
    """Which of many projects are settled."""

    def __init__(self, desired: DesiredState, history: History) -> None:
        self._desired = desired
        self._history = history
        self._alone: dict[tuple[str, int], Settings | None] = {}
        """Common settings that declare nothing below a project, by tier and by the id of overrides, which stay."""
        self._compared: dict[tuple[object, ...], bool] = {}
        """Whether projects have the values of common settings, by what decides: the ids are of objects that stay
        while they are compared, and that equal projects and tenants share.
        """

    def among(self, identities: Identities, known: Mapping[str, LiveProject]) -> dict[str, LiveProject]:
        """Return those that are; ``known`` were found to be so before."""
        tenants, plain, before = self._desired.tenants, self._desired.plain, known.get
        differing = self._history.may_differ(self._desired)
        may_differ = tenants if differing is None else differing
        creating = self._history.creating
        return {
            name: project
            for name, project in identities.projects.items()
            if before(name) is project
            or (
                name in plain
                and _only_listed(project)
                and self._is_as_declared(tenants[name], project)
                and name not in creating
                and (name not in may_differ or self._is_unchanged(tenants[name]))
            )
        }

    def _is_as_declared(self, tenant: Tenant, project: LiveProject) -> bool:
        """Return whether a project has every declared value, compared once for all with the same."""
        common = self._common(tenant)
        if common is None:
            return False
        values = (project.organization, project.restore_window_seconds, id(project.quota), id(project.compute))
        key = (id(common), *values)
        found = self._compared.get(key)
        if found is None:
            found = self._compared[key] = _has_the_values(common, project)
        return found and project.name == self._desired.project_name(tenant)

    def _common(self, tenant: Tenant) -> Settings | None:
        """Return the settings that a tenant has in common with others, if they declare nothing below a project."""
        key = (tenant.tier, id(tenant.overrides))
        if key not in self._alone:
            common = None if tenant.overrides.compute is not None else self._desired.common_settings(tenant)
            self._alone[key] = common if common is not None and _nothing_below(common) else None
        return self._alone[key]

    def _is_unchanged(self, tenant: Tenant) -> bool:
        history, name = self._history, tenant.name
        return history.same(self._desired, tenant) or (history.past(name) is None and not history.earlier(name))
