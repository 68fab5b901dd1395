"""What the schema cannot check of a suspension and of boosts: their parts against each other, and the tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.desired.settings import granted, override_compute
from reconciler.files import build
from reconciler.files.finding import Finding
from reconciler.files.limit_rules import compute_findings
from reconciler.model.compute import Compute
from reconciler.model.fields.table import of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.tier import Organization, Tier
    from reconciler.files.finding import Path
    from reconciler.files.tenant_schema import BoostDocument, TenantDocument
    from reconciler.model.quota import Quota

_STATE_IT: Final = "a value that ends needs one to return to: state it in the tier"


def suspension_findings(document: TenantDocument) -> Iterator[Finding]:
    """Yield a suspension without a reason, and a reason without a suspension."""
    suspended = document.state == "suspended"
    if suspended and document.reason is None:
        message = "state: suspended needs a reason"
        yield Finding(("state",), message, "add it, as in `reason: payment is overdue`", at_key=True)
    if document.reason is not None and not suspended:
        message = "reason has no effect without state: suspended"
        yield Finding(("reason",), message, "remove it, or add state: suspended", at_key=True)


def boost_misfits(document: TenantDocument, tier: Tier, organization: Organization) -> Iterator[Finding]:
    """Yield what the tier and its organization do not allow of a suspension and of boosts."""
    if document.state == "suspended" and tier.quota is None:
        message = f"tier {tier.name!r} does not manage quota, which suspends a tenant"
        yield Finding(("state",), message, "state the quota in the tier", at_key=True)
    if document.boosts:
        quota, compute = granted(build.tenant(document, tier.location), tier)
        for index, boost in enumerate(document.boosts):
            yield from _boost_findings(boost, quota, compute, ("boosts", index))
            if boost.compute is not None:
                own = build.compute(boost.compute)
                resolved = override_compute(compute, own) or Compute()
                yield from compute_findings(resolved, own, organization, ("boosts", index, "compute"))


def _boost_findings(
    document: BoostDocument, quota: Quota | None, compute: Compute | None, path: Path
) -> Iterator[Finding]:
    if document.quota is None and document.compute is None:
        yield Finding(path, "the boost raises nothing", "add quota or compute, or remove it")
    for group, written, base in (("quota", document.quota, quota), ("compute", document.compute, compute)):
        for field in of(group) if written is not None else ():
            value, before = getattr(written, field.key, None), getattr(base, field.name, None)
            if value is None:
                continue
            place = (*path, group, field.key)
            if before is None:
                yield Finding(place, f"the tier does not manage {field.path}", _STATE_IT, at_key=True)
            elif field.ranking.takes(before, value):
                message = (
                    f"{field.key} {field.worded(value)} is less than {field.worded(before)}: a boost only raises"
                )
                yield Finding(place, message, "remove it, or grant more")
