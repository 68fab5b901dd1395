"""The calls about consumption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.live.consumption import Metered
from reconciler.model.moments import rfc3339
from reconciler.neon import wire
from reconciler.neon.account import Account
from reconciler.neon.call import CONSUMPTION, Call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.live.consumption import Span

_EXTRA_BRANCHES: Final = "extra_branches_month"
"""Neon: all child branches, with those that are included."""
_METRICS: Final = {
    "compute_unit_seconds": "compute_unit_seconds",
    "root_branch_bytes_month": "root_branch_byte_hours",
    "child_branch_bytes_month": "child_branch_byte_hours",
    "instant_restore_bytes_month": "restore_byte_hours",
    "public_network_transfer_bytes": "public_transfer_bytes",
    "private_network_transfer_bytes": "private_transfer_bytes",
    _EXTRA_BRANCHES: "child_branch_hours",
    "snapshot_storage_bytes_month": "snapshot_byte_hours",
}
"""The member of ``Metered`` for each metric of Neon."""


class ConsumptionCalls(Account):
    """Read the consumption history of projects."""

    async def consumption(
        self, organization: str, project_ids: Sequence[str], span: Span, *, free_child_branches: int = 0
    ) -> dict[str, Metered]:
        """What up to 100 projects consumed in a span, in one call. Neon: it does not wake computes.

        ``free_child_branches`` of each project are no extra ones.

        Raises PermissionDeniedError if the plan of the organization has no consumption history.
        """
        call = Call(
            "GET",
            f"{CONSUMPTION}v2/projects",
            f"read the consumption of {len(project_ids)} projects of organization {organization}",
            query={
                "org_id": self._organization(organization).id,
                "project_ids": ",".join(project_ids),
                "from": rfc3339(span.start),
                "to": rfc3339(span.end),
                "granularity": span.granularity,
                "metrics": ",".join(_METRICS),
                "limit": len(project_ids),
            },
        )
        page = await self._send(organization, call, wire.ConsumptionPage)
        free_hours = free_child_branches * span.frame_hours
        return {project.project_id: _metered(project, free_hours) for project in page.projects}


def _metered(project: wire.ProjectConsumption, free_hours: int) -> Metered:
    """The sum over billing periods and frames. Neon leaves out metrics that are 0.

    Neon: what is included of branches counts in each frame by itself (introduction/usage-calculations).
    """
    totals: dict[str, int] = {}
    for period in project.periods:
        for frame in period.consumption:
            for metric in frame.metrics:
                if member := _METRICS.get(metric.metric_name):
                    totals[member] = totals.get(member, 0) + metric.value
                if metric.metric_name == _EXTRA_BRANCHES:
                    beyond = max(0, metric.value - free_hours)
                    totals["extra_branch_hours"] = totals.get("extra_branch_hours", 0) + beyond
    return Metered(**totals)
