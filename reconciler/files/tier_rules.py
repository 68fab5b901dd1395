"""What the schema of tiers.yaml cannot check: one part of the file against another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.desired.rotation import DATE, DAY_SECONDS, SHORTEST_SECONDS, TIME
from reconciler.desired.settings import override_compute, replicas_of
from reconciler.desired.tier import KeptStrings
from reconciler.files import database_rules
from reconciler.files.finding import Finding, RejectedError, did_you_mean_or_known
from reconciler.files.limit_rules import (
    compute_findings,
    replica_findings,
    restore_window_findings,
    unchecked_findings,
)
from reconciler.files.patterns import hindrance
from reconciler.files.readers import refuse_long_names
from reconciler.files.tiers_schema import ThresholdDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Organization, Tier
    from reconciler.files.finding import Path
    from reconciler.files.tiers_schema import RegistryDocument, SourceDocument, TiersDocument


def tiers_findings(document: TiersDocument, fleet: DesiredState, *, past: bool = False) -> Iterator[Finding]:
    """Yield all problems across the keys of tiers.yaml. ``past`` as in ``Reading``."""
    yield from _naming_findings(document)
    yield from _shared_organizations(document)
    for name, written in document.tiers.items():
        yield from _tier_findings(fleet.tiers[name], fleet)
        yield from database_rules.tier_findings(name, written, fleet)
        if not past:
            yield from unchecked_findings(written.settings, ("tiers", name))
    yield from _registry_findings(document.registry)
    for index, source in enumerate(document.tenants):
        yield from _source_findings(source, index)
    if message := hindrance(document.policies):
        yield Finding(("policies",), message, "use a relative path with /")
    yield from _price_findings(document)
    for name, threshold in document.guards:
        if isinstance(threshold, ThresholdDocument) and threshold.max is None and threshold.percent is None:
            yield Finding(("guards", name), "has neither max nor percent", "for example {max: 5, percent: 1}")


def _registry_findings(registry: RegistryDocument | None) -> Iterator[Finding]:
    """Yield a problem unless connection strings have a key, and a key has connection strings."""
    if registry is None or (registry.connection_strings is KeptStrings.ENCRYPTED) is (registry.key is not None):
        return
    if registry.key is None:
        yield Finding(
            ("registry", "connection_strings"),
            "encrypted connection strings need a key",
            "add `key: ${REGISTRY_KEY}` to registry, and the key to the environment",
        )
    else:
        yield Finding(
            ("registry", "key"),
            "the key encrypts nothing: the registry keeps no connection strings",
            "add `connection_strings: encrypted`, or remove the key",
        )


def _naming_findings(document: TiersDocument) -> Iterator[Finding]:
    """Yield duplicate patterns, and patterns whose names would be too long for Neon."""
    own = {name: tier.naming for name, tier in document.tiers.items() if tier.naming is not None}
    current = {document.naming.project: "the current pattern"}
    known = {**{pattern: f"the pattern of tier {name!r}" for name, pattern in own.items()}, **current}
    yield from _long_names(("naming", "project"), document.naming.project, document.tiers, document)
    for name, pattern in own.items():
        yield from _long_names(("tiers", name, "naming"), pattern, (name,), document)
    for index, pattern in enumerate(document.naming.previous):
        path = ("naming", "previous", index)
        if pattern in known:
            yield Finding(path, f"the pattern is already {known[pattern]}", "remove it here")
        known.setdefault(pattern, "listed before")
        yield from _long_names(path, pattern, document.tiers, document)


def _long_names(path: Path, pattern: str, tiers: Iterable[str], document: TiersDocument) -> Iterator[Finding]:
    try:
        refuse_long_names(pattern, tiers, document.organizations)
    except RejectedError as error:
        yield Finding(path, str(error), error.hint)


def _shared_organizations(document: TiersDocument) -> Iterator[Finding]:
    """Two names for one organization would treat each other's projects as foreign."""
    first: dict[object, str] = {}
    for name, organization in document.organizations.items():
        if organization.id in first:
            message = f"organization {name!r} has the same id as {first[organization.id]!r}"
            yield Finding(("organizations", name, "id"), message)
        first.setdefault(organization.id, name)


def _tier_findings(tier: Tier, fleet: DesiredState) -> Iterator[Finding]:
    path = ("tiers", tier.name)
    organization = fleet.organizations.get(tier.organization)
    if organization is None:
        hint = did_you_mean_or_known(tier.organization, fleet.organizations)
        yield Finding((*path, "organization"), f"organization {tier.organization!r} does not exist", hint)
        return
    if tier.compute is not None:
        yield from compute_findings(tier.compute, tier.compute, organization, (*path, "compute"))
    resolved = replicas_of(tier, None, tier.compute)
    yield from replica_findings(resolved, tier.replicas, organization, (*path, "compute", "replicas"))
    yield from restore_window_findings(tier.restore_window_seconds, organization, path)
    yield from _dev_branch_findings(tier, organization)
    yield from _rotation_findings(tier, organization)


def _dev_branch_findings(tier: Tier, organization: Organization) -> Iterator[Finding]:
    path = ("tiers", tier.name, "dev_branches")
    policy, limit = tier.dev_branches, organization.limits.branches
    if policy.max is not None and limit is not None and policy.max > limit - 1:
        message = f"max {policy.max}: organization {organization.name!r} allows {limit} branches per project"
        yield Finding((*path, "max"), message, f"at most {limit - 1} besides the default branch")
    compute = override_compute(tier.compute, policy.compute)
    if compute is not None and policy.compute is not None:
        yield from compute_findings(compute, policy.compute, organization, (*path, "compute"))


def _rotation_findings(tier: Tier, organization: Organization) -> Iterator[Finding]:
    path, rotation = ("tiers", tier.name, "snapshots", "rotate"), tier.snapshots.rotate
    if rotation is None:
        return
    if rotation.every_seconds < SHORTEST_SECONDS or rotation.every_seconds % SHORTEST_SECONDS:
        yield Finding((*path, "every"), "every must be whole hours", "as in 6h, 1d or 7d")
    if rotation.every_seconds % DAY_SECONDS and TIME not in rotation.name:
        message = "two slots of one day would have the same name"
        yield Finding((*path, "name"), message, f'add {TIME}, as in "auto-{DATE}-{TIME}"')
    limit = organization.limits.snapshots
    if limit is not None and rotation.keep > limit:
        allowed = f"{limit} snapshot{'' if limit == 1 else 's'}"
        message = f"keep {rotation.keep}: organization {organization.name!r} allows {allowed} per project"
        yield Finding((*path, "keep"), message)


def _price_findings(document: TiersDocument) -> Iterator[Finding]:
    """Yield prices of organizations that do not exist, and those of a sponsored one, which pays nothing."""
    for name, own in document.prices.organizations.items() if document.prices else ():
        path = ("prices", "organizations", name)
        if name not in document.organizations:
            hint = did_you_mean_or_known(name, document.organizations)
            yield Finding(path, f"organization {name!r} does not exist", hint, at_key=True)
        for key in sorted(own.model_fields_set - {"sponsored"}) if own.sponsored else ():
            message = f"organization {name!r} is sponsored: it pays no price"
            yield Finding((*path, key), message, "remove the price, or sponsored", at_key=True)


def _source_findings(source: SourceDocument, index: int) -> Iterator[Finding]:
    path = ("tenants", index)
    patterns = {"files": source.files, "ndjson": source.ndjson}
    stated = {key: pattern for key, pattern in patterns.items() if pattern is not None}
    if len(stated) + (source.sql is not None) != 1:
        yield Finding(path, "a source needs one of files, ndjson and sql", 'as in {files: "tenants/**/*.yaml"}')
    for key, pattern in stated.items():
        if message := hindrance(pattern):
            yield Finding((*path, key), message, "use a relative path with /")
