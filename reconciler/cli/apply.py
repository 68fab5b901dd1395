"""``reconciler apply``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from reconciler.apply.run.planned import log_folder
from reconciler.apply.waves.waves import read_waves
from reconciler.apply.waves.waves import waves as split
from reconciler.cli import dump_flags, exit_codes
from reconciler.cli.account import call_limit, with_fleet
from reconciler.cli.command_help import TENANT_FILES, tenant_flags
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.events import options_of_run, with_events
from reconciler.cli.flag_values import names_tenants, read_bake, with_earlier_runs
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.notifier import left_out, notifier
from reconciler.cli.read_ahead import reading_ahead
from reconciler.cli.runtime import runtime
from reconciler.cli.show import read_saved_plan
from reconciler.cli.signals import stop_on_signals
from reconciler.cli.telemetry import with_telemetry
from reconciler.cli.trust import with_policies
from reconciler.desired.selection import Depth
from reconciler.errors import ExitCode, InvalidInputError, NotAdvancedError, SupersededError, weightiest
from reconciler.files.advance import base_to_advance
from reconciler.files.freshness import SHORT
from reconciler.model.values import replace
from reconciler.plan.applied import FinishedRun, created_again, to_record_as_tried
from reconciler.plan.concerns import NAMES
from reconciler.plan.plan import Rule
from reconciler.views.console import ERROR, say, show, show_aside, stderr_terminal, stdout_console
from reconciler.views.formats import TEXT, text_of
from reconciler.views.progress import watching
from reconciler.views.safe_text import printable
from reconciler.views.view import PlanView, ReportView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.apply.run.wave_options import EarlierWaves
    from reconciler.cli.events import EventLines
    from reconciler.cli.flags import (
        AccountFlags,
        EarlierRunsFlags,
        FilesFlags,
        NotifyFlags,
        OutputFlags,
        PermissionFlags,
        RunFlags,
        ScopeFlags,
    )
    from reconciler.cli.notices import Notifier
    from reconciler.cli.read_ahead import ReadAhead
    from reconciler.cli.telemetry import Telemetry
    from reconciler.desired.state import DesiredState
    from reconciler.files.advance import Base, MovedBase
    from reconciler.fleet import Fleet, Planned, Request, RunOptions
    from reconciler.neon.call import CallLimit
    from reconciler.plan.approval import SavedPlan
    from reconciler.plan.outcome import Report
    from reconciler.plan.permissions import Permissions
    from reconciler.plan.plan import Plan
    from reconciler.views.terminal import Page, Piece

REDUCTIONS_TOO: Final = "Also apply reductions that no commit asks for?"
NAMED: Final = 5
"""Tenants with an older base that are printed by name."""


@with_telemetry("apply")
@with_events
def run(
    saved_plan: Path | None,
    files: FilesFlags,
    account: AccountFlags,
    scope: ScopeFlags,
    permission: PermissionFlags,
    earlier: EarlierRunsFlags,
    running: RunFlags,
    max_calls: int | None,
    events: EventLines,
    telemetry: Telemetry,
    notices: NotifyFlags,
    output: OutputFlags,
) -> ExitCode:
    """Plans, asks, and applies.

    DONE if the run moves the base and its branch has moved on: the run of the newer commit does everything.
    """
    check_outputs(output, ReportView)
    saved = None if saved_plan is None else _read(saved_plan)
    fleet_files = FleetFiles(files, few=names_tenants(scope))
    limit = call_limit(max_calls)
    flags = _Flags(files, account, scope, permission, earlier, running, notices, output)
    reading = reading_ahead(account, fleet_files, scope, observer=telemetry.observer, limit=limit)
    try:
        fleet_files.require_tip()
        with reading as ahead:
            return _run(flags, saved, fleet_files, ahead, limit, events, telemetry)
    except SupersededError as error:
        if running.advance is None:
            raise
        message = f"{error}: nothing was done here, and the run of that commit does it"
        say(message)
        events.fail(message, None, ExitCode.DONE)
        return ExitCode.DONE


def _read(path: Path) -> SavedPlan:
    """Raises InvalidInputError; if the word is a tenant rather than a plan, with the flag for it."""
    try:
        return read_saved_plan(path)
    except InvalidInputError as error:
        if path.suffix in TENANT_FILES or not (path.suffix or path.exists()):
            hint = f"did you mean {tenant_flags([str(path)])}?"
            raise InvalidInputError(str(error), hint=hint) from error
        raise


class _Flags(NamedTuple):
    """The flags of one apply, by what they are about."""

    files: FilesFlags
    account: AccountFlags
    scope: ScopeFlags
    permission: PermissionFlags
    earlier: EarlierRunsFlags
    running: RunFlags
    notices: NotifyFlags
    output: OutputFlags


def _run(
    flags: _Flags,
    saved: SavedPlan | None,
    files: FleetFiles,
    ahead: ReadAhead,
    limit: CallLimit | None,
    events: EventLines,
    telemetry: Telemetry,
) -> ExitCode:
    desired = files.desired(ahead.start)
    telemetry.figures.fleet = desired.fleet
    telemetry.figures.plan_made_at = None if saved is None else saved.made.at
    attempt = _attempt(flags, saved, files, desired, limit, events, telemetry)

    async def carry_out(fleet: Fleet) -> tuple[Planned, Report, list[ExitCode]]:
        people = notifier(flags.notices, flags.account, fleet, desired, remembers=False)
        return await attempt.carry_out(fleet, people)

    planned, report, codes = with_fleet(
        flags.account,
        desired,
        carry_out,
        files=files,
        base=flags.scope.base,
        share=desired.api.batch_share,
        observer=telemetry.observer,
        limit=limit,
        ahead=ahead,
    )
    telemetry.applied(planned, report)
    _publish(flags.output, planned, report, attempt.run, aside=events.on_stdout)
    code = weightiest(codes)
    events.end(report, planned.stale, code)
    return code


def _attempt(
    flags: _Flags,
    saved: SavedPlan | None,
    files: FleetFiles,
    desired: DesiredState,
    limit: CallLimit | None,
    events: EventLines,
    telemetry: Telemetry,
) -> _Attempt:
    running, output, base = flags.running, flags.output, flags.scope.base
    moving = _base_to_move(flags, desired.fleet)
    request = with_policies(files.request(flags.scope, flags.permission, desired), files, desired, base)
    return _Attempt(
        files=files,
        desired=desired,
        saved=saved,
        request=with_earlier_runs(flags.earlier, request, running.journal),
        run=_run_of(running, files, events, telemetry, (*flags.earlier.journals, log_folder()), desired.fleet),
        rolls_back=running.rollback_on_harm,
        output=output,
        aside=events.on_stdout or output.format != TEXT,
        yes=running.yes,
        moving=moving,
        limit=limit,
    )


def _base_to_move(flags: _Flags, fleet: str) -> Base | None:
    """The base that ``--advance`` names, as it stands now; None without the flag."""
    if flags.running.advance is None:
        return None
    pushed = flags.files.ref if _pushes(flags.account) else None
    return base_to_advance(flags.files.directory, flags.running.advance, fleet, base=flags.scope.base, ref=pushed)


async def _tell(people: Notifier, planned: Planned, report: Report, request: Request) -> ExitCode:
    """Tells people before the report is printed: a report that cannot be written keeps no failure from them."""
    from reconciler.views.notices import of_apply  # noqa: PLC0415 - for notices only

    unseen = left_out(planned.plan_inputs.desired, request)
    return await people.tell(of_apply(planned.plan, report, planned.stale, unseen))


def _run_of(
    running: RunFlags,
    files: FleetFiles,
    events: EventLines,
    telemetry: Telemetry,
    journals: Sequence[Path],
    fleet: str,
) -> RunOptions:
    waves = read_waves(running.waves) if running.waves is not None else ()
    bake = read_bake(running)
    options = options_of_run(files, running.journal, events, telemetry)
    dumps = dump_flags.opened(running.dump_to, running.dump_to_command)
    return replace(
        options,
        waves=waves,
        bake=bake,
        earlier=None if bake is None else _earlier(running, journals, fleet, options.commit),
        dumps=dumps,
        newer=files.newer_commits(),
    )


def _earlier(running: RunFlags, journals: Sequence[Path], fleet: str, commit: str | None) -> EarlierWaves | None:
    from reconciler.apply.waves.earlier_waves import earlier_waves  # noqa: PLC0415 - for waves only

    own = (running.journal,) if running.journal is not None and running.journal.exists() else ()
    return earlier_waves((*journals, *own), fleet, commit)


@dataclass(slots=True)
class _Attempt:
    """One apply: its inputs, and the base that it moves."""

    files: FleetFiles
    desired: DesiredState
    saved: SavedPlan | None
    request: Request
    run: RunOptions
    output: OutputFlags
    aside: bool
    """Whether the plan goes to stderr, because stdout is for what other programs read."""
    yes: bool
    moving: Base | None
    """The base that moves afterwards, with a record of what is tried from the first write on."""
    rolls_back: bool
    """Whether a harmful wave is rolled back."""
    limit: CallLimit | None = None
    """What ``--max-calls`` permits."""

    async def carry_out(self, fleet: Fleet, people: Notifier | None) -> tuple[Planned, Report, list[ExitCode]]:
        """Plans, applies, moves the base and notifies people; returns the exit code of all of these."""
        planned, report = await self.plan_and_apply(fleet)
        moved = self.advance(planned, report)
        fail_on = self.output.fail_on
        codes = [exit_codes.of_apply(planned.plan, report, fail_on, stale=planned.stale, recorded=moved)]
        codes += await self.after_harm(fleet, report)
        if people is not None:
            codes.append(await _tell(people, planned, report, self.request))
        return planned, report, codes

    async def plan_and_apply(self, fleet: Fleet) -> tuple[Planned, Report]:
        """Raises click.Abort if a person declines the plan."""
        with watching(stderr_terminal()) as on_progress:
            differing = await fleet.drift(self.request, on_progress=on_progress)
        planned = self._planned(fleet, differing)
        if not planned.plan.empty:
            self._limit(planned.plan)
            self._announce(planned.plan)
            _confirm(asking=self._asks_person, yes=self.yes)
        self.files.require_tip()
        if self.moving and not planned.plan.empty:
            self.moving = self._trying(self.moving, planned)
        with stop_on_signals(self.run.stop), watching(stderr_terminal()) as on_progress:
            return planned, await fleet.apply(planned, self.run, on_progress=on_progress)

    def _limit(self, plan: Plan) -> None:
        """Raises CallLimitError if the plan takes more calls than are permitted. From now on, the last permitted
        call ends the run instead.
        """
        if self.limit is None:
            return
        limit, stop = self.limit, self.run.stop
        limit.require(plan.budget.calls, "carry out this plan")
        reached = f"--max-calls {limit.most:,} is reached"
        limit.on_reached = lambda: stop.request(reached, ExitCode.PARTLY_APPLIED)

    def _trying(self, base: Base, planned: Planned) -> Base:
        """The base with a record of the tenants that the run is about to change, in case the run dies."""
        past, plan = self.request.past, planned.plan
        tried = to_record_as_tried(self.desired, past, plan)
        return base.trying(tried, int(planned.at.timestamp()), created_again(past, plan, self.run.id))

    def advance(self, planned: Planned, report: Report) -> bool:
        """Moves the base if the run was asked to. False if that failed. After harm, it stays where it is."""
        if self.moving is not None and report.harm is not None:
            say(f"base: {printable(self.moving.ref)} stays where it is, because the run did harm")
            return True
        return self.moving is None or _advance(self.moving, self.desired, self.request, planned, report)

    async def after_harm(self, fleet: Fleet, report: Report) -> list[ExitCode]:
        """Rolls the harmful wave back, if there is one and the run was asked to."""
        if report.harm is None or not self.rolls_back:
            return []
        from reconciler.cli.after_harm import roll_back  # noqa: PLC0415 - after harm only

        return await roll_back(fleet, report.harm, self.request, self.run, aside=self.aside)

    @property
    def _asks_person(self) -> bool:
        return runtime().interactive and not self.yes

    def _planned(self, fleet: Fleet, differing: Planned) -> Planned:
        """The plan that was shown last: with reductions if a person wants them too."""
        planned = self._shown(fleet, differing, self.request.permissions)
        if self._asks_person and _reductions_are_refused(planned.plan) and click.confirm(REDUCTIONS_TOO, err=True):
            planned = self._shown(fleet, differing, replace(self.request.permissions, lowering=True))
        return planned

    def _shown(self, fleet: Fleet, differing: Planned, permissions: Permissions) -> Planned:
        planned = fleet.permit(differing, replace(self.request, permissions=permissions))
        if self.saved is not None:
            planned = fleet.approved(planned, self.saved.plan, strict=self.request.strict)
        view = PlanView(planned.plan, stale=planned.stale)
        self._show(text_of(view, full=self.output.full))
        return planned

    def _announce(self, plan: Plan) -> None:
        from reconciler.views.sentences import bake_summary, waves_summary  # noqa: PLC0415 - rich is no small import
        from reconciler.views.terminal import blank_line, paragraph  # noqa: PLC0415

        if self.run.waves:
            done = 0 if self.run.earlier is None else len(self.run.earlier.done)
            sizes = [len(wave) for wave in split(plan.tenants, self.run.waves, done)]
            self._show(paragraph(waves_summary(sizes, done)))
        if self.run.bake is not None:
            self._show(paragraph(bake_summary(self.run.bake.seconds)))
        dump_flags.announce(self.run.dumps, plan)
        self._show(blank_line())

    def _show(self, shown: Page | Piece) -> None:
        if self.aside:
            show_aside(shown)
        else:
            show(shown, stdout_console())


def _pushes(account: AccountFlags) -> bool:
    """Whether the base moves at the remote too: what was done to the embedded Neon is no news to others."""
    return account.simulator is None


def _reductions_are_refused(plan: Plan) -> bool:
    return any(refusal.rule is Rule.LOWERING_NEEDS_A_CAUSE for refusal in plan.refusals)


def _confirm(*, asking: bool, yes: bool) -> None:
    if asking:
        click.confirm("Apply this plan?", abort=True, err=True)
    elif not yes:
        raise InvalidInputError(
            "the plan needs confirmation, and stdin is not a terminal", hint="pass --yes to apply it"
        )


def _publish(output: OutputFlags, planned: Planned, report: Report, run: RunOptions, *, aside: bool) -> None:
    """The report; in text, an empty plan has said everything."""
    if planned.plan.empty and output.format == TEXT and not output.output:
        return
    publish(output, ReportView(report, str(run.journal_path), planned.stale, planned.plan.tier_of), aside=aside)


def _advance(base: Base, desired: DesiredState, request: Request, planned: Planned, report: Report) -> bool:
    """Moves the base of every tenant that is done, and prints it. False if the tag could not be written."""
    ended = FinishedRun(
        desired=desired,
        history=request.past,
        plan=planned.plan,
        report=report,
        selection=request.selection,
        complete=set(request.only) == set(NAMES) and request.depth is not Depth.LIST,
        stale=[stale.tenant for stale in planned.stale],
    )
    try:
        moved = base.advance(ended, int(report.finished_at.timestamp()))
    except NotAdvancedError as error:
        hint = f"{error.hint}; the next run includes the tenants of this run again"
        say(str(error), level=ERROR, hint=hint)
        return False
    say(_text(base, moved))
    return True


def _text(base: Base, moved: MovedBase) -> str:
    where = f"here and at {printable(moved.remote)}" if moved.remote else "in this clone only"
    names = [printable(name) for name in moved.applied.owed]
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    owed = f"; older for {', '.join(names[:NAMED])}{more}" if names else ""
    return f"base: {printable(base.ref)} is at {moved.applied.commit[:SHORT]}{owed} ({where})"
