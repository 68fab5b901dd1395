"""``reconciler plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli import exit_codes
from reconciler.cli.account import call_limit, with_fleet
from reconciler.cli.documents import check_folder, check_outputs, publish, write
from reconciler.cli.flag_values import with_earlier_runs
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.runtime import runtime
from reconciler.cli.telemetry import with_telemetry
from reconciler.cli.trust import judged
from reconciler.errors import InvalidInputError
from reconciler.views.console import stderr_console
from reconciler.views.formats import JSON, render
from reconciler.views.progress import watching
from reconciler.views.view import PlanView

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from reconciler.cli.options import (
        AccountFlags,
        EarlierRunsFlags,
        FilesFlags,
        OutputFlags,
        PermissionFlags,
        ScopeFlags,
    )
    from reconciler.cli.telemetry import Telemetry
    from reconciler.desired.state import DesiredState
    from reconciler.errors import ExitCode
    from reconciler.fleet import Fleet, Planned, Request
    from reconciler.neon.call import CallLimit, CallObserver
    from reconciler.plan.plan import Plan
    from reconciler.plan.plan_cost import PastCost


@with_telemetry("plan")
def run(
    files: FilesFlags,
    account: AccountFlags,
    scope: ScopeFlags,
    permission: PermissionFlags,
    earlier: EarlierRunsFlags,
    output: OutputFlags,
    out: Path | None,
    cost: bool,
    detailed_exitcode: bool,
    live: Path | None,
    max_age: str,
    max_calls: int | None,
    telemetry: Telemetry,
) -> ExitCode:
    """Plans, shows the plan, and saves it if asked to. With ``live``, calls no API."""
    check_outputs(output, PlanView)
    if out is not None:
        check_folder(out, "--out")
    fleet_files = FleetFiles(files)
    fleet_files.require_tip()
    desired = fleet_files.desired()
    if cost and desired.prices is None:
        from reconciler.desired.prices import EXAMPLE  # noqa: PLC0415 - for this error only

        raise InvalidInputError("--cost: tiers.yaml has no prices", hint=EXAMPLE)
    request = with_earlier_runs(earlier, fleet_files.request(scope, permission, desired))
    request = judged(request, fleet_files, desired, scope.base)
    past_cost, figures = None, telemetry.figures
    figures.fleet = desired.fleet
    if live is None:
        planned, past_cost = _planned(
            account,
            desired,
            fleet_files,
            request,
            scope.base,
            cost=cost,
            observer=telemetry.observer,
            limit=call_limit(max_calls),
        )
        plan, at = planned.plan, planned.at
    else:
        _check_no_call(account, cost=cost)
        at = runtime().now
        plan = _recorded(desired, request, live, max_age, at)
    figures.plan, figures.plan_made_at = plan, plan.observed_at
    view = PlanView(plan, fleet_files.made(scope.base, at))
    if out is not None:
        write(out, render(view, JSON), "--out")
    publish(output, view._replace(past_cost=past_cost))
    return exit_codes.of_plan(plan, output.fail_on, detailed=detailed_exitcode)


def _planned(
    account: AccountFlags,
    desired: DesiredState,
    files: FleetFiles,
    request: Request,
    base: str | None,
    *,
    cost: bool,
    observer: CallObserver | None,
    limit: CallLimit | None,
) -> tuple[Planned, PastCost | None]:
    """The plan; with ``cost``, also what last month's use costs before and after it."""

    async def look(fleet: Fleet) -> tuple[Planned, PastCost | None]:
        with watching(stderr_console()) as on_progress:
            planned = await fleet.plan(request, on_progress=on_progress)
            return planned, await fleet.past_cost(planned, on_progress=on_progress) if cost else None

    share = desired.api.batch_share
    return with_fleet(account, desired, look, files=files, base=base, share=share, observer=observer, limit=limit)


def _recorded(desired: DesiredState, request: Request, live: Path, max_age: str, now: datetime) -> Plan:
    from reconciler.cli import observe  # noqa: PLC0415 - slow to import, and most plans read the account
    from reconciler.fleet.recorded import plan_recorded  # noqa: PLC0415

    return plan_recorded(desired, observe.read(live, max_age, now), request, now)


def _check_no_call(account: AccountFlags, *, cost: bool) -> None:
    if account.simulator is not None or account.api_host is not None:
        raise InvalidInputError("--live makes no call: it goes with neither --simulator nor --api-host")
    if cost:
        raise InvalidInputError("--live makes no call: --cost reads what tenants used last month")
