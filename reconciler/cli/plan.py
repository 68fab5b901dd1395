"""``reconciler plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli import exit_codes
from reconciler.cli.account import call_limit, with_fleet
from reconciler.cli.documents import check_folder, check_outputs, publish, write
from reconciler.cli.flag_values import names_tenants, with_earlier_runs
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.read_ahead import reading_ahead
from reconciler.cli.runtime import runtime
from reconciler.cli.telemetry import with_telemetry
from reconciler.cli.trust import with_policies
from reconciler.errors import InvalidInputError
from reconciler.model.values import replace
from reconciler.views.console import stderr_terminal
from reconciler.views.formats import JSON, render
from reconciler.views.progress import watching
from reconciler.views.view import PlanView

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from reconciler.cli.flags import (
        AccountFlags,
        EarlierRunsFlags,
        FilesFlags,
        OutputFlags,
        PermissionFlags,
        ScopeFlags,
    )
    from reconciler.cli.read_ahead import ReadAhead
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
    fleet_files = FleetFiles(files, few=names_tenants(scope))
    fleet_files.require_tip()
    limit = call_limit(max_calls)
    reading = reading_ahead(
        account, fleet_files, scope, observer=telemetry.observer, limit=limit, calls=live is None
    )
    with reading as ahead:
        view = _view(
            ahead, fleet_files, account, scope, permission, earlier, cost, live, max_age, limit, telemetry
        )
    if out is not None:
        write(out, render(replace(view, past_cost=None), JSON), "--out")
    publish(output, view)
    return exit_codes.of_plan(view.plan, output.fail_on, detailed=detailed_exitcode)


def _view(
    ahead: ReadAhead,
    fleet_files: FleetFiles,
    account: AccountFlags,
    scope: ScopeFlags,
    permission: PermissionFlags,
    earlier: EarlierRunsFlags,
    cost: bool,
    live: Path | None,
    max_age: str,
    limit: CallLimit | None,
    telemetry: Telemetry,
) -> PlanView:
    desired = fleet_files.desired(ahead.start)
    if cost and desired.prices is None:
        from reconciler.desired.prices import EXAMPLE  # noqa: PLC0415 - for this error only

        raise InvalidInputError("--cost: tiers.yaml has no prices", hint=EXAMPLE)
    request = with_earlier_runs(earlier, fleet_files.request(scope, permission, desired))
    request = with_policies(request, fleet_files, desired, scope.base)
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
            limit=limit,
            ahead=ahead,
        )
        plan, at = planned.plan, planned.at
    else:
        _check_no_call(account, cost=cost)
        at = runtime().now
        plan = _recorded(desired, request, live, max_age, at)
    figures.plan, figures.plan_made_at = plan, plan.observed_at
    return PlanView(plan, fleet_files.made(scope.base, at), past_cost=past_cost)


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
    ahead: ReadAhead,
) -> tuple[Planned, PastCost | None]:
    """The plan; with ``cost``, also what last month's use costs before and after it."""

    async def look(fleet: Fleet) -> tuple[Planned, PastCost | None]:
        with watching(stderr_terminal()) as on_progress:
            planned = await fleet.plan(request, on_progress=on_progress)
            return planned, await fleet.past_cost(planned, on_progress=on_progress) if cost else None

    return with_fleet(
        account,
        desired,
        look,
        files=files,
        base=base,
        share=desired.api.batch_share,
        observer=observer,
        limit=limit,
        ahead=ahead,
    )


def _recorded(desired: DesiredState, request: Request, live: Path, max_age: str, now: datetime) -> Plan:
    from reconciler.cli import observe  # noqa: PLC0415 - slow to import, and most plans read the account
    from reconciler.fleet.recorded import plan_recorded  # noqa: PLC0415

    return plan_recorded(desired, observe.read(live, max_age, now), request, now)


def _check_no_call(account: AccountFlags, *, cost: bool) -> None:
    if account.simulator is not None or account.api_host is not None:
        raise InvalidInputError("--live makes no call: it cannot be combined with --simulator or --api-host")
    if cost:
        raise InvalidInputError("--live makes no call: --cost reads what tenants used last month")
