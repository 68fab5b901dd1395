"""What the schema of a tenant cannot check: its parts against each other, its tier and its organization."""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING

from reconciler.desired.settings import override_compute, replicas_of
from reconciler.desired.tier import SnapshotMethod, WhenCrowded
from reconciler.files import build, database_rules
from reconciler.files.boost_rules import boost_misfits, suspension_findings
from reconciler.files.finding import Finding, did_you_mean_or_known
from reconciler.files.limit_rules import (
    compute_findings,
    replica_findings,
    restore_window_findings,
    unchecked_findings,
)
from reconciler.model.compute import Compute
from reconciler.model.values import replace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Organization, Tier
    from reconciler.files.tenant_schema import (
        CopyDocument,
        DevBranchDocument,
        OverridesDocument,
        TenantDocument,
    )


def tenant_findings(document: TenantDocument, fleet: DesiredState, *, past: bool = False) -> Iterator[Finding]:
    """Yield all problems of a tenant of this fleet. A tombstone needs no settings. ``past`` as in ``Reading``.

    A conflict with tiers.yaml is stale: a commit to that file may have caused it for thousands of tenants.
    """
    yield from _recovery_findings(document)
    yield from _previous_name_findings(document)
    if document.state == "absent":
        return
    yield from suspension_findings(document)
    yield from _copy_findings(document.snapshots or (), "snapshots", "snapshot")
    yield from _branch_findings(document.dev_branches or ())
    yield from database_rules.tenant_findings(document)
    if document.overrides is not None and not past:
        yield from unchecked_findings(document.overrides.settings, ("overrides",))
    yield from (replace(finding, stale=True) for finding in _misfits(document, fleet))


def _misfits(document: TenantDocument, fleet: DesiredState) -> Iterator[Finding]:
    """Yield what tiers.yaml does not allow, or no longer allows."""
    tier = fleet.tiers.get(document.tier)
    if tier is None:
        hint = did_you_mean_or_known(document.tier, fleet.tiers)
        yield Finding(("tier",), f"tier {document.tier!r} does not exist", hint)
        return
    default_branch = document.branch or fleet.defaults.branch
    yield from _name_findings(document.dev_branches or (), default_branch)
    yield from database_rules.tenant_misfits(document, tier, fleet)
    if tier.snapshots.method is SnapshotMethod.BRANCH:
        yield from _namesake_findings(document, default_branch)
    organization = fleet.organizations.get(tier.organization)
    if organization is None:
        return
    if document.overrides is not None:
        yield from _override_findings(document.overrides, tier, organization)
    yield from boost_misfits(document, tier, organization)
    yield from _snapshot_limit_findings(document.snapshots or (), organization)
    yield from _branch_limit_findings(document.dev_branches or (), tier, organization)


def _recovery_findings(document: TenantDocument) -> Iterator[Finding]:
    if document.recover is None:
        return
    if document.state == "absent":
        message = "recover has no effect with state: absent"
        yield Finding(("recover",), message, "remove one of the two", at_key=True)
    if document.project_id not in (None, document.recover):
        message = f"recover is {document.recover!r}, but project_id is {document.project_id!r}"
        yield Finding(("recover",), message, "a tenant has one project: use the same id, or only one of the two")


def _previous_name_findings(document: TenantDocument) -> Iterator[Finding]:
    seen = {document.tenant: "is the tenant's current name"}
    for index, name in enumerate(document.previously):
        if name in seen:
            yield Finding(("previously", index), f"{name!r} {seen[name]}", "remove it here")
        seen[name] = "is a duplicate"


def _override_findings(written: OverridesDocument, tier: Tier, organization: Organization) -> Iterator[Finding]:
    path = ("overrides",)
    if written.quota is not None and tier.quota is None:
        message = f"tier {tier.name!r} does not manage quota, so there is nothing to override"
        yield Finding((*path, "quota"), message, at_key=True)
    if written.compute is not None:
        own = build.compute(written.compute)
        resolved = override_compute(tier.compute, own) or Compute()
        yield from compute_findings(resolved, own, organization, (*path, "compute"))
        theirs = build.replicas(written.compute)
        replicas = replicas_of(tier, theirs, resolved)
        yield from replica_findings(replicas, theirs, organization, (*path, "compute", "replicas"))
    yield from restore_window_findings(written.restore_window, organization, path)


def _snapshot_limit_findings(entries: Sequence[CopyDocument], organization: Organization) -> Iterator[Finding]:
    limit, lasting = organization.limits.snapshots, _lasting(entries)
    if limit is not None and lasting > limit:
        message = f"{lasting} snapshots: organization {organization.name!r} allows {limit} per project"
        yield Finding(("snapshots",), message, at_key=True)


def _namesake_findings(document: TenantDocument, default_branch: str) -> Iterator[Finding]:
    """Snapshots kept as branches need names that no other branch has."""
    branches = {entry.name for entry in document.dev_branches or ()}
    for index, entry in enumerate(document.snapshots or ()):
        if entry.name == default_branch:
            whose = "the default branch"
        elif entry.name in branches:
            whose = "a development branch"
        else:
            continue
        message = f"{entry.name!r} is the name of {whose}"
        hint = f"tier {document.tier!r} keeps snapshots as branches, and branch names are unique in a project"
        yield Finding(("snapshots", index, "name"), message, hint)


def _name_findings(entries: Sequence[DevBranchDocument], default_branch: str) -> Iterator[Finding]:
    for index, entry in enumerate(entries):
        if entry.name == default_branch:
            yield Finding(("dev_branches", index, "name"), f"{entry.name!r} is the name of the default branch")


def _branch_findings(entries: Sequence[DevBranchDocument]) -> Iterator[Finding]:
    yield from _copy_findings(entries, "dev_branches", "branch")
    circles = _in_circles({entry.name: entry.parent for entry in entries})
    for index, entry in enumerate(entries):
        if entry.name in circles:
            yield Finding(("dev_branches", index, "parent"), f"branch {entry.name!r} would be its own ancestor")
        if entry.protected and entry.expires_at is not None:
            message = f"branch {entry.name!r} is protected and expires"
            yield Finding(("dev_branches", index, "protected"), message, "Neon protects no branch that expires")


def _branch_limit_findings(
    entries: Sequence[DevBranchDocument], tier: Tier, organization: Organization
) -> Iterator[Finding]:
    lasting, most = _lasting(entries), tier.dev_branches.max
    limit = organization.limits.branches
    if most is not None and lasting > most:
        message = f"{lasting} development branches: tier {tier.name!r} grants {most}"
        yield Finding(("dev_branches",), message, at_key=True)
    elif limit is not None and (lasting := lasting - _giving_way(entries, tier)) > limit - 1:
        message = f"{lasting} development branches: organization {organization.name!r} allows {limit} branches"
        yield Finding(("dev_branches",), message, f"at most {limit - 1} besides the default branch", at_key=True)
    for index, entry in enumerate(entries):
        if entry.compute is not None:
            tier_compute = override_compute(tier.compute, tier.dev_branches.compute)
            own = build.compute(entry.compute)
            resolved = override_compute(tier_compute, own) or Compute()
            yield from compute_findings(resolved, own, organization, ("dev_branches", index, "compute"))


def _copy_findings(entries: Sequence[CopyDocument], key: str, what: str) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        if entry.name in seen:
            yield Finding((key, index, "name"), f"duplicate {what} {entry.name!r}", "keep one of them")
        seen.add(entry.name)
        if entry.at is not None and entry.expires_at is not None and entry.expires_at <= entry.at:
            yield Finding((key, index, "expires_at"), f"{what} {entry.name!r} has an expires_at before its at")


def _giving_way(entries: Sequence[DevBranchDocument], tier: Tier) -> int:
    """Count the lasting ones that may make room for others: how many of them exist depends on who uses them."""
    crowded = tier.cleanup.dev_branches.at_limit is WhenCrowded.OLDEST_IDLE
    return sum(entry.disposable and entry.expires_at is None for entry in entries) if crowded else 0


def _lasting(entries: Sequence[CopyDocument]) -> int:
    """Count those that never expire: how many of the others exist at one time depends on the clock."""
    return sum(entry.expires_at is None for entry in entries)


def _in_circles(parents: Mapping[str, str | None]) -> set[str]:
    """Return the names that are their own ancestors. Each name is visited once."""
    passed: set[str] = set()
    found: set[str] = set()
    for start in parents:
        way: dict[str, None] = {}
        name = start
        while name in parents and name not in passed:
            passed.add(name)
            way[name] = None
            name = parents[name] or ""
        if name in way:
            found.update(dropwhile(name.__ne__, way))
    return found
