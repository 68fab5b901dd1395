"""What an adoption writes: documents with their comments, tiers, pins; and a tiers.yaml where there is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from reconciler.adopt.grant import sections
from reconciler.desired.naming import PLACEHOLDER
from reconciler.errors import InvalidInputError
from reconciler.files.adopted import NewTenant, Pin
from reconciler.files.load import OnInvalid, load_tree
from reconciler.files.overlay import Overlay
from reconciler.files.price_list import PRICE_LIST
from reconciler.files.reading import Reading
from reconciler.files.tiers_edit import NewOrganization, NewTier, PriceListEdit, new_price_list
from reconciler.files.tree import WorkTree
from reconciler.model.fields.table import BY_PATH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.adopt.adoption import Adopted, Adoption
    from reconciler.adopt.inferred_tiers import InferredTier
    from reconciler.cli.fleet_files import FleetFiles
    from reconciler.desired.state import DesiredState

ORGANIZATIONS: Final = ("free", "paid")
"""Of Neon's agent plan: what a tiers.yaml is written for if no flag says otherwise."""


def starting_files(
    files: FleetFiles, root: Path, organizations: Sequence[str], fleet: str, patterns: Sequence[str]
) -> tuple[dict[str, bytes], DesiredState]:
    """Return the desired state to start from; and, where the folder has no tiers.yaml, the one to write.

    There, new projects are named as the first of the ``patterns`` says, if that is a name.
    Raises InvalidInputError if the files cannot be used, or for organizations beside a tiers.yaml.
    """
    if not (root / PRICE_LIST).exists():
        return new_price_list_of(root, organizations, fleet, next(filter(_is_name, patterns[:1]), None))
    if organizations:
        raise InvalidInputError(f"--organization is for a folder without {PRICE_LIST}", hint="leave it out")
    return {}, files.desired()


def _is_name(pattern: str) -> bool:
    """Whether a pattern names one project: it has no other placeholder, and is no regular expression."""
    return not pattern.startswith("/") and pattern.count("{") == pattern.count(PLACEHOLDER) == 1


def new_price_list_of(
    root: Path, organizations: Sequence[str], fleet: str, naming: str | None = None
) -> tuple[dict[str, bytes], DesiredState]:
    """Return a tiers.yaml for the organizations, by default those of the agent plan, and what it declares."""
    text = new_price_list(
        fleet,
        naming or f"{fleet}-{PLACEHOLDER}",
        [_organization(name) for name in organizations or ORGANIZATIONS],
        "${PERSONAL_API_KEY}",
        PriceListEdit(),
    )
    loaded = load_tree(Overlay(WorkTree(root), {PRICE_LIST: text}), OnInvalid.FAIL, Reading())
    if loaded.desired is None:
        raise InvalidInputError(f"no {PRICE_LIST} can be made: {loaded.problems[0].message}")
    return {PRICE_LIST: text}, loaded.desired


def _organization(name: str) -> NewOrganization:
    """Its variables are named as those of the agent plan: ``NEON_FREE_ORG_ID``, ``FREE_ORG_API_KEY``."""
    upper = name.upper().replace("-", "_")
    return NewOrganization(name, f"${{NEON_{upper}_ORG_ID}}", f"${{{upper}_ORG_API_KEY}}")


def new_tenants(adopted: Adoption) -> list[NewTenant]:
    """Return the documents, with what a reader of a YAML file wants to know."""
    return [
        NewTenant(
            one.tenant,
            one.document,
            (f"Adopted from project {json.dumps(one.project.name)}.",),
            _granted(one),
        )
        for one in adopted.tenants
    ]


def _granted(one: Adopted) -> str:
    """What the tier had of the overridden values. It stays true when the tenant's tier or the tier is another."""
    if not one.granted:
        return ""
    granted = (f"{BY_PATH[path].key} {BY_PATH[path].worded(value)}" for path, value in one.granted.items())
    return f"when adopted, tier {one.tier} had {', '.join(granted)}"


def new_tiers(adopted: Adoption) -> list[NewTier]:
    """Return the inferred tiers, each with how many projects it was made from."""
    return [_tier(tier) for tier in adopted.tiers]


def _tier(tier: InferredTier) -> NewTier:
    alike = (
        f"{tier.alike:,} projects have exactly these values" if tier.alike > 1 else "one project has these values"
    )
    return NewTier(tier.name, tier.grant.organization, sections(tier.grant.stated), alike)


def pins_of(adopted: Adoption) -> list[Pin]:
    """Return the ids that files which exist get."""
    return [Pin(one.tenant, one.project.id) for one in adopted.pinned]
