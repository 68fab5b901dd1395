"""One document against the schema and the rules of its fleet: a tenant, or what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.files import build
from reconciler.files.limit_rules import bare_quota_findings, region_findings
from reconciler.files.tenant_rules import tenant_findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.files.entry import Entry
    from reconciler.files.finding import Finding


def checked(entry: Entry, fleet: DesiredState | None, *, past: bool) -> tuple[Tenant | None, Sequence[Finding]]:
    """Return the tenant, if the schema accepts the document, and the findings.

    If ``fleet`` is None, because tiers.yaml is broken, only the schema is checked. ``past`` as in ``Reading``.
    """
    if not entry.complete:
        return None, ()
    document = entry.past_document() if past else entry.document()
    if isinstance(document, tuple):
        return None, document
    findings = [] if fleet is None else [*tenant_findings(document, fleet, past=past)]
    if document.overrides is not None and not past:
        findings += bare_quota_findings(entry.value, ("overrides", "quota"))
    findings += () if past else region_findings(document.region, ("region",))
    return build.tenant(document, entry.location, entry.files), findings
