"""``--metrics FILE``: the last run of a command as OpenMetrics text, for the node exporter or a push gateway.

Every metric is a gauge: it speaks of one run, and the next run replaces the file.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule
from reconciler.plan.summary import by_kind, differing
from reconciler.views.prometheus import Sample, gauge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.plan.action import Action
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan, TenantPlan
    from reconciler.usage.usage import Usage
    from reconciler.views.figures import CallFigures, RunFigures

END: Final = "# EOF\n"
"""OpenMetrics: the last line, so that half a file is not taken for a whole one."""


def render(figures: RunFigures, exit_code: int, started_at: datetime, ended_at: datetime) -> Iterator[str]:
    """All gauges of the run."""
    yield from _run(figures, exit_code, started_at, ended_at)
    yield from _calls(figures.calls)
    if figures.plan is not None:
        yield from _plan(figures.plan)
    if figures.drift is not None:
        yield from _drift(figures.drift)
    if figures.report is not None:
        yield from _report(figures.report, figures.stale)
    if figures.usage is not None:
        yield from _usage(figures.usage)
    yield END


def _run(figures: RunFigures, exit_code: int, started_at: datetime, ended_at: datetime) -> Iterator[str]:
    about = {"command": figures.command, "fleet": figures.fleet or "", "run": figures.run or ""}
    yield from gauge("reconciler_run", "The last run of the command.", [Sample(about, 1)])
    yield from _one("reconciler_run_exit_code", "Exit code of the run.", exit_code)
    yield from _one(
        "reconciler_run_seconds", "Duration of the run.", max(0.0, (ended_at - started_at).total_seconds())
    )
    yield from _one("reconciler_run_timestamp_seconds", "When the run ended.", ended_at.timestamp())
    if (made_at := figures.plan_made_at) is not None:
        age = max(0.0, (ended_at - made_at).total_seconds())
        yield from _one("reconciler_plan_age_seconds", "Age of the saved plan, or recorded live state.", age)


def _calls(calls: CallFigures) -> Iterator[str]:
    by_route = sorted(calls.count.items())
    yield from gauge(
        "reconciler_calls",
        "API calls by route and status; an empty status is no response.",
        (Sample({"method": m, "route": route, "status": status}, n) for (m, route, status), n in by_route),
    )
    yield from _one("reconciler_call_seconds", "Time of all calls together.", calls.seconds)
    yield from _one(
        "reconciler_rate_limit_wait_seconds", "Time that calls waited for the rate limit.", calls.waited_seconds
    )
    yield from _counts("reconciler_pauses", "Calls that Neon put off, by status.", "status", calls.pauses)
    yield from _one("reconciler_pause_seconds", "Time until such calls were sent again.", calls.pause_seconds)


def _plan(plan: Plan) -> Iterator[str]:
    yield from _kinds("reconciler_plan_tenants", "Tenants with actions, by kind of change.", plan.tenants)
    yield from _actions("reconciler_plan_actions", "Planned actions.", plan.actions)
    rules = Counter({rule.value: 0 for rule in Rule})
    for refusal in plan.refusals:
        rules[refusal.rule.value] += len(refusal.tenants) or 1
    refused = {rule: number for rule, number in rules.items() if number}
    yield from _counts("reconciler_plan_refused_tenants", "Tenants that a guard holds back.", "rule", refused)
    yield from _one("reconciler_plan_conflicts", "Tenants that wait for a decision.", len(plan.conflicts))
    yield from _one("reconciler_plan_orphans", "Live projects that no file declares.", len(plan.orphans))
    yield from _one("reconciler_plan_unread_projects", "Projects that Neon did not return.", plan.coverage.unknown)


def _drift(plan: Plan) -> Iterator[str]:
    tenants = differing(plan)
    yield from _kinds("reconciler_drift_tenants", "Tenants that differ, by kind of change.", tenants)
    actions = (action for tenant in tenants for action in tenant.actions)
    yield from _actions("reconciler_drift_actions", "Actions that would repair the drift.", actions)
    yield from _one("reconciler_drift_orphans", "Live projects that no file declares.", len(plan.orphans))


def _report(report: Report, stale: int) -> Iterator[str]:
    results = {result.value: report.count(result) for result in Result} | {"stale": stale}
    yield from _counts("reconciler_apply_tenants", "Tenants by result.", "result", results)
    found = Counter((one.action.kind, one.result.value) for tenant in report.outcomes for one in tenant.actions)
    yield from gauge(
        "reconciler_apply_actions",
        "Actions by kind and result.",
        (Sample({"action": kind, "result": result}, number) for (kind, result), number in sorted(found.items())),
    )
    stopped = int(report.stopped is not None)
    yield from _one("reconciler_apply_stopped", "1 if the run was stopped early.", stopped)


def _usage(usage: Usage) -> Iterator[str]:
    tenants = usage.tenants
    yield from _one("reconciler_usage_tenants", "Tenants whose usage was read.", usage.looked_at)
    over = Counter(str(tenant.threshold) for tenant in tenants if tenant.threshold is not None)
    yield from _counts(
        "reconciler_usage_tenants_above",
        "Tenants above a threshold (percent).",
        "threshold",
        over,
    )
    suspended = sum(tenant.suspended for tenant in tenants)
    yield from _one("reconciler_usage_tenants_suspended", "Tenants that a quota has suspended.", suspended)
    writes_fail = sum(tenant.writes_fail for tenant in tenants)
    yield from _one("reconciler_usage_tenants_full", "Tenants whose writes fail.", writes_fail)
    idle = sum(tenant.idle for tenant in tenants)
    yield from _one("reconciler_usage_tenants_idle", "Tenants that have not run for long.", idle)


def _kinds(name: str, meaning: str, tenants: Sequence[TenantPlan]) -> Iterator[str]:
    found = {kind.value: len(members) for kind, members in by_kind(tenants).items()}
    return _counts(name, meaning, "kind", found)


def _actions(name: str, meaning: str, actions: Iterable[Action]) -> Iterator[str]:
    found = Counter((action.kind, action.risk.value) for action in actions)
    samples = (Sample({"action": kind, "risk": risk}, number) for (kind, risk), number in sorted(found.items()))
    return gauge(name, meaning, samples)


def _counts(name: str, meaning: str, label: str, found: Mapping[str, int]) -> Iterator[str]:
    return gauge(name, meaning, (Sample({label: value}, number) for value, number in found.items()))


def _one(name: str, meaning: str, value: float) -> Iterator[str]:
    return gauge(name, meaning, [Sample({}, value)])
