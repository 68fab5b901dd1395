"""Whether tenants are still as their plans saw them, where that look lies further back than a moment.

A run over a fleet may last an hour, and a patch sends values that it does not change (Neon: merge undocumented).
Without another look a price change would put back what a tenant has just paid for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Final

from reconciler.apply.address import Address
from reconciler.apply.readback import branch_fields, endpoint_fields
from reconciler.errors import NotFoundError, ReconcilerError
from reconciler.live.project import Quota
from reconciler.neon.client import PROJECTS_PER_PAGE
from reconciler.neon.parallel import each
from reconciler.plan import rests_on
from reconciler.plan.action import DeleteProject
from reconciler.plan.concerns import quota
from reconciler.plan.observed import project_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.apply.session import Session
    from reconciler.live.project import LiveProject
    from reconciler.plan.change import Value
    from reconciler.plan.plan import TenantPlan

AGAIN: Final = "run again: it is planned afresh"


async def holding(session: Session, tenants: Sequence[TenantPlan]) -> list[TenantPlan]:
    """The tenants whose plans still hold; the others are skipped, or fail where they cannot be seen.

    A fresh plan takes no call. Up to 400 tenants that move together are looked at when their unit begins, not
    each at its turn: their steps follow within minutes. There one listing of where they are may take fewer
    calls; it only clears a tenant, since a list may leave values out, so that whoever differs in it is read.
    Once the run is to end no further read begins: who is not looked at by then was not tried.
    """
    if session.stop.requested or session.fresh:
        return list(tenants)
    listed = await _listed(session, tenants)

    async def holds(tenant: TenantPlan) -> bool:
        if session.stop.requested:
            return False
        return not rests_on.looks(tenant) or await _holds(session, tenant, listed)

    held = await each(tenants, holds)
    return [tenant for tenant, still in zip(tenants, held, strict=True) if still]


async def _listed(session: Session, tenants: Sequence[TenantPlan]) -> dict[str, LiveProject]:
    """The projects of the tenants' organization by id, where a list takes fewer calls than reading each."""
    places = {tenant.project.organization for tenant in tenants if tenant.project is not None}
    if len(places) != 1:
        return {}
    (organization,) = places
    count = session.organizations.get(organization)
    if count is None or ceil(count / PROJECTS_PER_PAGE) + 1 >= len(tenants):
        return {}
    try:
        listing = await session.neon.projects(organization)
    except ReconcilerError:  # reading each will tell whether it is worse than that
        return {}
    return {project.id: project for project in listing.projects}


async def _holds(session: Session, tenant: TenantPlan, listed: Mapping[str, LiveProject]) -> bool:
    look = _Look(session, tenant, Address.planned(tenant))
    first = tenant.actions[0]
    changed: list[str] = []
    try:
        for part in (partial(look.project, listed.get(look.address.project_id)), look.computes, look.branches):
            if session.stop.requested:
                return False
            changed.extend(await part())
    except NotFoundError:
        if isinstance(first, DeleteProject):
            return True  # the deletion itself tells that it was gone
        place = f"project {look.address.project_id} in organization {look.address.organization}"
        session.tally.skipped(first, f"{place} is gone since the plan was made", AGAIN)
        return False
    except ReconcilerError as error:
        session.tally.failed(first, error)
        return False
    if changed:
        session.tally.skipped(first, f"changed since the plan was made: {', '.join(changed)}", AGAIN)
    return not changed


@dataclass(frozen=True, slots=True)
class _Look:
    """At one tenant's live project. Raises whatever the client raises for a read."""

    session: Session
    tenant: TenantPlan
    address: Address

    async def project(self, listed: LiveProject | None) -> list[str]:
        """What of the project is not as the plan saw it, as far as the plan rests on it."""
        seen = self.tenant.project
        if seen is None:
            return []
        sent = rests_on.project_values(self.tenant)
        if listed and sent.keys() <= project_fields(listed).keys() and not self._differing(seen, listed, sent):
            return []
        project = await self.session.neon.project(self.address.organization, self.address.project_id)
        return self._differing(seen, project, sent)

    async def computes(self) -> list[str]:
        """What of the computes that the plan patches is not as it saw them."""
        sent = rests_on.compute_values(self.tenant)
        if self.tenant.project is None or not sent:
            return []
        live = await self.session.neon.endpoints(self.address.organization, self.address.project_id)
        seen = {endpoint.id: endpoint_fields(endpoint) for endpoint in self.tenant.project.endpoints or ()}
        now = {endpoint.id: endpoint_fields(endpoint) for endpoint in live}
        by_id = {self.address.endpoint(name): (name, values) for name, values in sent.items()}
        return list(_parts(seen, now, by_id, "the compute of "))

    async def branches(self) -> list[str]:
        """What of the branches that the plan patches is not as it saw them."""
        sent = rests_on.branch_values(self.tenant)
        if self.tenant.project is None or not sent:
            return []
        live = await self.session.neon.branches(self.address.organization, self.address.project_id)
        seen = {branch.id: branch_fields(branch) for branch in self.tenant.project.branches or ()}
        now = {branch.id: branch_fields(branch) for branch in live}
        by_id = {self.address.branch(name): (name, values) for name, values in sent.items()}
        return list(_parts(seen, now, by_id))

    def _differing(self, seen: LiveProject, project: LiveProject, sent: Mapping[str, list[Value]]) -> list[str]:
        moved = ["organization"] if project.organization != seen.organization else []
        deletes = any(isinstance(action, DeleteProject) for action in self.tenant.actions)
        renamed = ["name"] if deletes and project.name != seen.name else []
        return [*moved, *renamed, *_changed(_fields(seen), _fields(project), sent)]


def _fields(project: LiveProject) -> dict[str, Value]:
    """What a single read says of the project, by path; a quota that it does not state is unlimited (Neon).

    A list may leave out a quota that there is.
    """
    return {**quota.members(Quota()), **project_fields(project)}


def _parts(
    seen: Mapping[str, Mapping[str, Value]],
    live: Mapping[str, Mapping[str, Value]],
    sent: Mapping[str, tuple[str, Mapping[str, list[Value]]]],
    what: str = "",
) -> Iterator[str]:
    """The same of branches or their computes, by their ids; ``sent`` has the branch's name beside the values."""
    for id_, (name, values) in sent.items():
        if id_ not in live:
            yield f"{what}branch {name}"
        else:
            yield from (f"{path} of branch {name}" for path in _changed(seen[id_], live[id_], values))


def _changed(
    seen: Mapping[str, Value], live: Mapping[str, Value], sent: Mapping[str, list[Value]]
) -> Iterator[str]:
    """Paths with a value that is neither the one seen nor one that is sent. What is not stated tells nothing."""
    for path, values in sent.items():
        if path in seen and path in live and live[path] not in (seen[path], *values):
            yield path
