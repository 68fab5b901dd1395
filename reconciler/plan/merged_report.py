"""The reports of several runs on parts of one fleet -> one report. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import InvalidInputError, weightiest
from reconciler.plan.outcome import Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.plan.outcome import Harm, TenantOutcome


def merged(reports: Sequence[Report]) -> Report:
    """Return one report with every tenant of these, in name order.

    ``run`` lists the runs, ``calls`` is their sum, and the time is from the first start to the last end. Of
    several harmful waves it has the one that harms most tenants; ``stopped`` names each. Raises InvalidInputError
    if a tenant is in two reports.
    """
    outcomes: dict[str, TenantOutcome] = {}
    runs: dict[str, str] = {}
    for report in reports:
        for outcome in report.outcomes:
            if outcome.tenant in outcomes:
                where = f"run {runs[outcome.tenant]} and of run {report.run}"
                raise InvalidInputError(
                    f"tenant {outcome.tenant} is in the report of {where}",
                    hint="merge the reports of the shards of one apply: each tenant is in one of them",
                )
            outcomes[outcome.tenant], runs[outcome.tenant] = outcome, report.run
    codes = [report.stopped_by for report in reports if report.stopped_by is not None]
    return Report(
        run=", ".join(report.run for report in reports),
        started_at=min(report.started_at for report in reports),
        finished_at=max(report.finished_at for report in reports),
        outcomes=tuple(outcomes[name] for name in sorted(outcomes)),
        calls=sum(report.calls for report in reports),
        stopped="; ".join(_stopped(reports)) or None,
        stopped_by=weightiest(codes) if codes else None,
        api_host=next((report.api_host for report in reports if report.api_host is not None), None),
        harm=_worst(reports),
    )


def missing_shards(reports: Sequence[Report]) -> list[str]:
    """Return the shards of which there is no report: ``3/8``.

    Raises InvalidInputError if the reports do not fit together.
    """
    found = {report.shard for report in reports} - {None}
    if not found and len(reports) == 1:
        return []
    counts = {shard.partition("/")[2] for shard in found if shard is not None}
    if len(counts) != 1 or len(found) != len(reports):
        runs = ", ".join(f"run {report.run} ({report.shard or 'the whole fleet'})" for report in reports)
        raise InvalidInputError(
            f"the reports are not those of the shards of one apply: {runs}",
            hint="name the report of each shard once, all of the same number of shards",
        )
    (count,) = counts
    return [name for name in (f"{index}/{count}" for index in range(1, int(count) + 1)) if name not in found]


def _stopped(reports: Sequence[Report]) -> Iterator[str]:
    return (f"run {report.run}: {report.stopped}" for report in reports if report.stopped is not None)


def _worst(reports: Sequence[Report]) -> Harm | None:
    harms = [report.harm for report in reports if report.harm is not None]
    return max(harms, key=lambda harm: len(harm.tenants), default=None)
