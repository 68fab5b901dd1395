"""CSV: a row for each quota of the usage, each charge of the cost, each changed field of an audit."""

from __future__ import annotations

import csv
import re
from io import StringIO
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from reconciler.model.moments import rfc3339
from reconciler.views.view import AuditView, CostView, UsageView

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from reconciler.model.record import Audit, RecordedWrite
    from reconciler.usage.cost import Cost
    from reconciler.usage.usage import QuotaUsage, TenantUsage, Usage

COLUMNS: Final = (
    *("tenant", "tier", "organization", "project_id", "quota", "used", "limit", "percent", "threshold"),
    *("reached_on", "suspended", "suspended_by_file", "idle", "last_active_at"),
)


COST_COLUMNS: Final = (
    *("month", "tenant", "tier", "organization", "project_id"),
    *("charge", "quantity", "unit", "cost", "currency"),
)


AUDIT_COLUMNS: Final = (
    *("at", "actor", "commit", "run", "request_id", "tenant", "organization", "project_id", "action"),
    *("field", "before", "after", "reason", "result", "message"),
)

_CALCULATED: Final = ("=", "+", "-", "@", "\t", "\r")
_AMOUNT: Final = re.compile(r"-?\d+(\.\d+)?")


def render(view: UsageView | CostView | AuditView, *, full: bool = False) -> Iterator[str]:  # noqa: ARG001 - CSV shortens no list
    """The header and the rows. An empty cell: not known, or none."""
    if isinstance(view, AuditView):
        return _audit(view.audit)
    return _usage(view.usage) if isinstance(view, UsageView) else _cost(view.cost)


def _usage(usage: Usage) -> Iterator[str]:
    """The name of a quota has its unit."""
    yield row(COLUMNS)
    for tenant in usage.tenants:
        for quota in tenant.quotas:
            yield row(_cells(tenant, quota))


def _cost(cost: Cost) -> Iterator[str]:
    """The rows of tenants, then those that make each organization whole: its other projects, what is included."""
    yield row(COST_COLUMNS)
    for tenant in cost.tenants:
        about = (cost.month, tenant.tenant, tenant.tier, tenant.organization, tenant.project_id)
        for part in tenant.charges:
            yield row((*about, part.charge, f"{part.quantity:f}", part.unit, _money(part.cost), cost.currency))
    for one in cost.organizations:
        for name, amount in (("other_projects", one.other_projects), ("included_transfer", -one.included)):
            if amount:
                about = (cost.month, "", "", one.organization, "")
                yield row((*about, name, "", "", _money(amount), cost.currency))


def _audit(audit: Audit) -> Iterator[str]:
    """The name of a field has its unit."""
    yield row(AUDIT_COLUMNS)
    for write in audit.writes:
        for tenant, project in zip_longest(write.tenants, write.project_ids, fillvalue=""):
            about = (rfc3339(write.at), write.actor, write.commit, write.run, write.request_id, tenant)
            for path, before, after in _fields(write):
                cells = (path, before, after, write.reason, write.result, write.message)
                yield row((*about, write.organization, project, write.kind, *cells))


def _fields(write: RecordedWrite) -> Iterator[tuple[object, ...]]:
    for change in write.changes:
        yield change.path, *(getattr(one, "text", one) for one in (change.before, change.after))
    if not write.changes:
        yield "", "", ""


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:f}"


def _cells(tenant: TenantUsage, quota: QuotaUsage) -> Sequence[object]:
    last = "" if tenant.last_active_at is None else rfc3339(tenant.last_active_at)
    of_tenant = (tenant.tenant, tenant.tier, tenant.organization, tenant.project_id)
    of_quota = (quota.quota.removeprefix("quota."), quota.used, quota.limit, quota.percent, quota.threshold)
    by_file = _flag(tenant.suspended_by_file is not None)
    flags = (_flag(tenant.suspended), by_file, _flag(tenant.idle), last)
    return (*of_tenant, *of_quota, quota.reached_on, *flags)


def _flag(stated: bool) -> str:
    return "true" if stated else "false"


def row(cells: Sequence[object]) -> str:
    """One line. A text that a spreadsheet would calculate is marked as text."""
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow([_no_formula(cell) for cell in cells])
    return text.getvalue()


def _no_formula(cell: object) -> object:
    """A text that a spreadsheet would calculate, with a sign before it that says that it is one (OWASP)."""
    calculated = isinstance(cell, str) and cell.startswith(_CALCULATED) and _AMOUNT.fullmatch(cell) is None
    return f"'{cell}" if calculated else cell
