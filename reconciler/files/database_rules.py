"""What the schema cannot check of declared roles and databases: duplicates, owners, and Neon's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.files.finding import Finding, did_you_mean
from reconciler.model.api_limits import DATABASES_PER_BRANCH, ROLES_PER_BRANCH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Tier
    from reconciler.files.finding import Path
    from reconciler.files.tenant_schema import DatabaseDocument, DevBranchDocument, TenantDocument
    from reconciler.files.tiers_schema import TierDocument

KEEP_ONE: Final = "keep one of them"


def duplicate_findings(
    roles: Sequence[str] | None, databases: Sequence[DatabaseDocument] | None, path: Path = ()
) -> Iterator[Finding]:
    """Yield names that stand twice in one list."""
    yield from _duplicates(roles or (), (*path, "roles"), "role")
    yield from _duplicates([entry.name for entry in databases or ()], (*path, "databases"), "database")


def _duplicates(names: Sequence[str], path: Path, what: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            place = (*path, index) if what == "role" else (*path, index, "name")
            yield Finding(place, f"duplicate {what} {name!r}", KEEP_ONE)
        seen.add(name)


def tier_findings(name: str, document: TierDocument, fleet: DesiredState) -> Iterator[Finding]:
    """Yield all problems of a tier's roles and databases."""
    path = ("tiers", name)
    yield from duplicate_findings(document.roles, document.databases, path)
    known = {fleet.defaults.role, *(document.roles or ())}
    yield from _owners(document.databases or (), path, known)
    yield from _limits(known, _names(document.databases, fleet.defaults.database), path)


def tenant_findings(document: TenantDocument) -> Iterator[Finding]:
    """Yield the problems of a tenant's lists by themselves."""
    yield from duplicate_findings(document.roles, document.databases)
    for index, branch in enumerate(document.dev_branches or ()):
        yield from duplicate_findings(branch.roles, branch.databases, ("dev_branches", index))


def tenant_misfits(document: TenantDocument, tier: Tier, fleet: DesiredState) -> Iterator[Finding]:
    """Yield what does not fit the tier and the defaults: owners that nothing declares, and too long lists."""
    first = document.role or fleet.defaults.role
    known = {first, *(tier.roles or ()), *(document.roles or ())}
    yield from _owners(document.databases or (), (), known)
    own = {entry.name for entry in document.databases or ()}
    for database in tier.databases or ():
        if database.name not in own and database.owner not in known:
            message = (
                f"database {database.name!r} of tier {tier.name!r} belongs to role {database.owner!r}, which "
            )
            hint = f"declare the role, or the database with another owner, such as {first!r}"
            yield Finding(("tenant",), f"{message}this tenant's project does not have", hint)
    declared = {database.name for database in tier.databases or ()} | own
    yield from _limits(known, declared | {document.database or fleet.defaults.database}, ())
    yield from _branch_misfits(document.dev_branches or (), known)


def _branch_misfits(branches: Sequence[DevBranchDocument], known: Collection[str]) -> Iterator[Finding]:
    for index, roles in _roles_of_branches(branches, known):
        yield from _owners(branches[index].databases or (), ("dev_branches", index), roles)
    for index, branch in enumerate(branches):
        yield from _limits(branch.roles or (), _names(branch.databases), ("dev_branches", index))


def _roles_of_branches(
    branches: Sequence[DevBranchDocument], known: Collection[str]
) -> Iterator[tuple[int, Collection[str]]]:
    """Yield each branch with its roles until the next one is yielded: it has those of its parent, and so on up to
    the default branch.

    Each branch is visited once, behind its parent. Branches in a circle, and behind one, are left out:
    ``tenant_rules`` reports the circle.
    """
    children: dict[str | None, list[int]] = {branch.name: [] for branch in branches} | {None: []}
    for index, branch in enumerate(branches):
        children[branch.parent if branch.parent in children else None].append(index)
    roles, pending = {*known}, [*_arrivals(children, None)]
    while pending:
        index, gained = pending.pop()
        if gained is not None:
            roles -= gained
            continue
        gained = {*(branches[index].roles or ())} - roles
        roles |= gained
        yield index, roles
        pending += ((index, gained), *_arrivals(children, branches[index].name))


def _arrivals(children: dict[str | None, list[int]], parent: str | None) -> Iterator[tuple[int, set[str] | None]]:
    """Take out the branches of a parent, to be visited: nothing is known yet of what they gain."""
    return ((index, None) for index in children.pop(parent, ()))


def _names(databases: Sequence[DatabaseDocument] | None, *others: str) -> set[str]:
    return {*others, *(entry.name for entry in databases or ())}


class _Limit(Struct, frozen=True):
    key: str
    count: int
    most: int


def _limits(roles: Collection[str], databases: Collection[str], path: Path) -> Iterator[Finding]:
    for limit in (
        _Limit("roles", len(roles), ROLES_PER_BRANCH),
        _Limit("databases", len(databases), DATABASES_PER_BRANCH),
    ):
        if limit.count > limit.most:
            message = f"{limit.count} {limit.key}: Neon allows {limit.most} on a branch"
            yield Finding((*path, limit.key), message, "the first one counts too", at_key=True)


def _owners(databases: Sequence[DatabaseDocument], path: Path, known: Collection[str]) -> Iterator[Finding]:
    for index, entry in enumerate(databases):
        if entry.owner not in known:
            hint = did_you_mean(entry.owner, known) or f"declare the role, or name another: {_some(known)}"
            message = f"role {entry.owner!r} is not declared"
            yield Finding((*path, "databases", index, "owner"), message, hint)


def _some(names: Collection[str]) -> str:
    return ", ".join(sorted(names)[:12])
