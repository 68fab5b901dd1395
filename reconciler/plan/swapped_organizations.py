"""Whether two organizations seem to be swapped: their ids or keys, not their tenants."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from reconciler.errors import WrongOrganizationError
from reconciler.plan.identity import identify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.state import LiveState
    from reconciler.plan.history import History
    from reconciler.plan.permissions import Permissions

MANY: Final = 5
"""If this many tenants, and more than half of an organization's, are elsewhere, a wrong id or key is likely."""
FEW: Final = 3
"""If this many are all, and two organizations have each other's tenants, it is likely too."""
COMPARE: Final = (
    "compare ids and keys in the environment with organizations in tiers.yaml; if a commit transferred "
    "these tenants, name its parent with --base; if a person did, permit exactly these transfers with --allow "
    "transfers="
)


def require_unswapped_organizations(
    desired: DesiredState, live: LiveState, history: History, permissions: Permissions
) -> None:
    """Raise WrongOrganizationError if most tenants of an organization are in another one without a commit.

    Tenants that the files, a document or a person moved do not count, unless a commit of tiers.yaml exchanges all
    tenants of two organizations. Without a base it is unknown who was moved: then two organizations whose tenants
    are elsewhere raise the error.
    """
    projects = identify(desired, live).projects
    outside = sum(
        desired.organization_of(desired.tenants[name]) != project.organization
        for name, project in projects.items()
    )
    few = FEW <= outside == len(projects) < MANY
    if outside < MANY and not few:
        return
    least = 1 if few else MANY
    found = dict(_in_other_organizations(desired, live, history, least))
    if few:
        found = _exchanged(found)
    if history.base is None and len(found) == 1:
        return
    found = found or _exchanged(dict(_in_other_organizations(desired, live, history, least, with_tiers=True)))
    total = sum(places.total() for places in found.values())
    for organization, places in found.items():
        if permissions.counts.get("transfers", 0) < total:
            raise WrongOrganizationError(
                f"{places.total()} tenants of organization {organization} are live in another organization, "
                f"most of them in {_most(places)}, and no commit transferred them individually: are ids or keys "
                "swapped?",
                hint=f"{COMPARE}{total}",
            )


def _exchanged(found: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    """Return pairs of organizations that have most of their tenants in each other."""
    places = {organization: _most(elsewhere) for organization, elsewhere in found.items()}
    return {
        organization: found[organization]
        for organization, where in places.items()
        if places.get(where) == organization
    }


def _most(places: Counter[str]) -> str:
    return places.most_common(1)[0][0]


def _in_other_organizations(
    desired: DesiredState, live: LiveState, history: History, least: int, *, with_tiers: bool = False
) -> Iterator[tuple[str, Counter[str]]]:
    """Yield organizations with most of their tenants, and at ``least`` so many, elsewhere, and where those are.

    ``with_tiers`` also counts tenants whose whole tier was moved.
    """
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, project in identify(desired, live).projects.items():
        tenant = desired.tenants[name]
        organization = desired.organization_of(tenant)
        if organization is None or tenant.absent or _moved(tenant, organization, history, with_tiers=with_tiers):
            continue
        found[organization][project.organization] += 1
    for organization, places in found.items():
        elsewhere = Counter({where: count for where, count in places.items() if where != organization})
        if elsewhere.total() >= least and 2 * elsewhere.total() > places.total():
            yield organization, elsewhere


def _moved(tenant: Tenant, organization: str, history: History, *, with_tiers: bool) -> bool:
    """Whether the tenant was moved there on purpose; ``with_tiers``: by more than its whole tier's move."""
    if tenant.name in history.named:
        return True
    known = (history.baseline(tenant.name), *history.tried.get(tenant.name, ()))
    earlier = ((one.base, one.base.tenants.get(tenant.name)) for one in known if one is not None)
    return any(
        before is not None
        and files.organization_of(before) != organization
        and not (with_tiers and before.tier == tenant.tier)
        for files, before in earlier
    )
