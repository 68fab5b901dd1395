"""Examines an account: network, keys, organizations. Reads only, and shows no key."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from reconciler.errors import ReconcilerError, UnreachableError
from reconciler.fleet.context import clock_off, utc_now
from reconciler.model.diagnosis import Area, Status, fail, failed_by, ok, warn
from reconciler.model.values import replace
from reconciler.neon.credentials import Access, organization_access, personal_key, unset_variables
from reconciler.neon.key_checks import (
    SWAPPED,
    KnownOrganizations,
    organization_key_checks,
    personal_key_checks,
    room_check,
)
from reconciler.neon.network_checks import network_checks
from reconciler.neon.pace import Pace
from reconciler.neon.project_lists import ProjectLists
from reconciler.neon.transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from datetime import datetime

    import httpx

    from reconciler.desired.state import DesiredState
    from reconciler.environment import Environment
    from reconciler.live.project import LiveProject
    from reconciler.model.diagnosis import Check
    from reconciler.neon.call import CallObserver
    from reconciler.neon.credentials import Key, OrganizationAccess

FEWEST_SWAPPED: Final = 5
"""Projects in another organization than their tenants, from which ids or keys are taken to be swapped."""


class Examination:
    """The examination of one account; ``checks`` are what it has found so far."""

    def __init__(self, desired: DesiredState, environ: Environment) -> None:
        self._desired = desired
        self.checks: list[Check] = []
        self._accesses = self._read_accesses(environ)
        self._personal = self._read_personal(environ)

    async def run(
        self,
        host: str,
        *,
        via: httpx.AsyncBaseTransport | None = None,
        now: Callable[[], datetime] = utc_now,
        observer: CallObserver | None = None,
    ) -> None:
        """Calls the API at a host that may get the keys. ``via`` replaces the network, for a simulator."""
        if via is None:
            self.checks += network_checks(host)
            if any(check.area is Area.NETWORK and check.verdict is Status.FAIL for check in self.checks):
                return
        keys = [access.key for access in self._accesses.values()] + ([self._personal] if self._personal else [])
        if not keys:
            return
        secrets = tuple(key.secret for key in keys)
        pace = Pace.of(self._desired.api)
        async with Transport(host, pace=pace, via=via, secrets=secrets, observer=observer) as transport:
            try:
                await self._examine(transport)
            except UnreachableError as error:
                self.checks.append(failed_by(Area.NETWORK, error))
                return
            if transport.clock.now() is not None:
                self.checks.append(_clock(transport, now()))

    def _read_accesses(self, environ: Environment) -> dict[str, OrganizationAccess]:
        found: dict[str, OrganizationAccess] = {}
        for name, organization in self._desired.organizations.items():
            unset = unset_variables(organization, environ)
            for variable, what in unset.items():
                message = f"${variable} is not set: the {what} of organization {name}"
                self.checks.append(fail(Area.KEYS, message, f"export {variable}=...", denied=True))
            if unset:
                continue
            try:
                access = organization_access(organization, environ)
            except ReconcilerError as error:
                self.checks.append(replace(failed_by(Area.KEYS, error), denied=True))
                continue
            if twin := next((other.name for other in found.values() if other.id == access.id), None):
                message = f"organizations {twin} and {name} have the same id, {access.id}: {SWAPPED}"
                self.checks.append(fail(Area.KEYS, message, "compare the ids with the console", denied=True))
            found[name] = access
        return found

    def _read_personal(self, environ: Environment) -> Key | None:
        reference = self._desired.personal_api_key
        try:
            key = personal_key(self._desired, environ)
        except ReconcilerError as error:
            self.checks.append(replace(failed_by(Area.KEYS, error), denied=True))
            return None
        if key is None and len(self._desired.organizations) > 1:
            named = f"${reference.name} is not set" if reference else "tiers.yaml names no personal_api_key"
            remedy = f"export {reference.name}=..." if reference else "personal_api_key: ${PERSONAL_API_KEY}"
            self.checks.append(
                warn(Area.KEYS, f"{named}: no project can be transferred between organizations", remedy)
            )
        return key

    async def _examine(self, transport: Transport) -> None:
        known = KnownOrganizations({name: access.id for name, access in self._accesses.items()})
        opened: list[OrganizationAccess] = []
        for access in self._accesses.values():
            before = len(self.checks)
            await self._collect(organization_key_checks(transport, access, known))
            if all(check.verdict is not Status.FAIL for check in self.checks[before:]):
                opened.append(access)
        if self._personal is not None:
            await self._collect(personal_key_checks(transport, self._personal, known))
        projects = {access.name: await self._projects(transport, access) for access in opened}
        self.checks += _misplaced(self._desired, projects)

    async def _collect(self, checks: AsyncIterator[Check]) -> None:
        """Adds the checks; an error that is no answer about the key ends them, and is one itself."""
        try:
            async for check in checks:
                self.checks.append(check)
        except UnreachableError:
            raise
        except ReconcilerError as error:
            self.checks.append(failed_by(Area.KEYS, error))

    async def _projects(self, transport: Transport, access: OrganizationAccess) -> tuple[LiveProject, ...]:
        """The projects of an organization, by as many calls as a plan takes."""
        try:
            listing = await ProjectLists(transport, Access({access.name: access})).projects(access.name)
        except UnreachableError:
            raise
        except ReconcilerError as error:
            self.checks.append(failed_by(Area.ORGANIZATIONS, error))
            return ()
        count = len(listing.projects) + len(listing.unavailable)
        self.checks.append(room_check(access.name, count, self._desired.organizations[access.name].limits))
        if listing.unavailable:
            message = f"{access.name}: Neon did not return {len(listing.unavailable):,} projects in time"
            self.checks.append(
                warn(Area.ORGANIZATIONS, message, "plans read each of them individually; run doctor again later")
            )
        return listing.projects


def _misplaced(desired: DesiredState, projects: Mapping[str, tuple[LiveProject, ...]]) -> Iterator[Check]:
    """A failure if most projects of an organization are those of tenants of another one."""
    homes = {
        desired.naming.project_name(tenant.name, tier=tier.name, organization=tier.organization): tier.organization
        for tenant in desired.tenants.values()
        if not tenant.absent and (tier := desired.tiers.get(tenant.tier))
    }
    for name, found in projects.items():
        ours = Counter(homes[project.name] for project in found if project.name in homes)
        other, count = next(iter(ours.most_common(1)), (name, 0))
        if other != name and count >= FEWEST_SWAPPED and count > ours[name]:
            message = f"{name} contains {count:,} projects of tenants that belong to {other}: {SWAPPED}"
            yield fail(Area.ORGANIZATIONS, message, "compare ids and keys with the console", denied=True)


def _clock(transport: Transport, machine: datetime) -> Check:
    text = clock_off(transport.clock.off_by(machine))
    if text is None:
        return ok(Area.NETWORK, "this machine's clock is within a minute of Neon's")
    return warn(Area.NETWORK, text, "set the clock, for example with NTP")
