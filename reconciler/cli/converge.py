"""``reconciler converge``: a few tenants, within seconds."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.connections import ConnectionsFile
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.flag_values import permissions, with_earlier_runs
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.options import PermissionFlags
from reconciler.cli.signals import stop_on_signals
from reconciler.desired.selection import Reach
from reconciler.errors import InvalidInputError
from reconciler.files.inputs import MAX_GIVEN
from reconciler.files.load import OnInvalid
from reconciler.fleet import Request, RunOptions, parse
from reconciler.plan.change import Risk
from reconciler.plan.history import History
from reconciler.views.console import show, stderr_console
from reconciler.views.formats import text_of
from reconciler.views.view import PlanView, ReportView

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from reconciler.cli.options import AccountFlags, EarlierRunsFlags, FilesFlags, OutputFlags
    from reconciler.desired.state import DesiredState
    from reconciler.errors import ExitCode
    from reconciler.fleet import Converged, Fleet

COUNTING = ("stale", "refused", "incomplete")
"""Invalid files of these tenants have ended the run before; those of others do not matter here."""
STDIN = "-"
STDIN_NAME = "<stdin>"


def run(
    tenants: tuple[str, ...],
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    earlier: EarlierRunsFlags,
    allow: tuple[str, ...],
    single_writer: bool,
    connections_to: Path | None,
    journal: Path | None,
    output: OutputFlags,
) -> ExitCode:
    """Changes a few tenants to match the files, and writes the connection strings of new projects."""
    check_outputs(output, ReportView)
    permitted = permissions(PermissionFlags(allow, expect_empty=False, prune=False, strict=False))
    few = few_tenants(files, tenants, base)
    request = with_earlier_runs(earlier, replace(few.request, permissions=permitted), journal)
    started = RunOptions(journal=journal, commit=few.files.commit(), single_writer=single_writer)
    sink = ConnectionsFile(connections_to) if connections_to else None

    async def converge(fleet: Fleet) -> Converged:
        with stop_on_signals(started.stop):
            return await fleet.converge(*few.names, request=request, run=started)

    converged = with_fleet(account, few.desired, converge, files=few.files, base=base)
    try:
        if sink is not None:
            sink.write(converged.connections)
    finally:
        _publish(output, converged, started)
    counting = [what for what in output.fail_on or COUNTING if what != "invalid"]
    return exit_codes.of_apply(converged.planned.plan, converged.report, counting, named=True)


@dataclass(frozen=True, slots=True)
class FewTenants:
    """What the files, and stdin, say of the tenants that a command names."""

    names: list[str]
    files: FleetFiles
    desired: DesiredState
    request: Request
    """What the files said of them before."""


def few_tenants(files: FilesFlags, tenants: tuple[str, ...], base: str | None) -> FewTenants:
    """Reads them; ``-`` among the tenants stands for those on stdin.

    Raises InvalidInputError for too many, and for what is not valid.
    """
    text = _standard_input() if STDIN in tenants else None
    documented = {} if text is None else _documented(files, text)
    names = _few([*(name for name in tenants if name != STDIN), *documented])
    earlier_names = {name for called in documented.values() for name in called}
    fleet_files, declared, desired = _read(files, names, text, also=earlier_names)
    before = _history(fleet_files, files, declared, frozenset(names).difference(documented), base)
    committed = fleet_files.committed(declared, documented)
    history = replace(
        before,
        files=declared,
        documents=frozenset(documented),
        committed=committed,
        guessed=before.guessed or (base is None and bool(committed)),
    )
    told = partial(fleet_files.tombstones, declared)
    return FewTenants(names, fleet_files, desired, Request(history=history, tombstones=told))


def _publish(output: OutputFlags, converged: Converged, run: RunOptions) -> None:
    """The report, and before it the plan if a person has to see why."""
    plan, report = converged.planned.plan, converged.report
    destructive = any(action.risk is Risk.DESTRUCTIVE for action in plan.actions)
    if plan.refusals or plan.conflicts or plan.empty or destructive:
        show(text_of(PlanView(plan), full=output.full), stderr_console())
    publish(output, ReportView(report, str(run.journal_path)))


def _read(
    files: FilesFlags, names: list[str], text: str | None, *, also: Collection[str]
) -> tuple[FleetFiles, DesiredState, DesiredState]:
    """What the files say of these tenants, and what stdin makes of it. ``also`` are names that are read too.

    All are read where one of them names its project, which may be another's, and where one is to be deleted: the
    deletions of the whole fleet count. Those others are no matter of this run: what is wrong with their files only
    keeps their projects out of reach.
    """
    files = files._replace(on_invalid=OnInvalid.SKIP.value)
    about = frozenset((*names, *also))
    fleet_files = FleetFiles(files, only=about)
    fleet_files.require_tip(files.ref)
    declared, desired = _said(fleet_files, names, text)
    named = [desired.tenants[name] for name in names if name in desired.tenants]
    if not any(tenant.project_id or tenant.absent for tenant in named):
        return fleet_files, declared, desired
    fleet_files = FleetFiles(files, about=about)
    return fleet_files, *_said(fleet_files, names, text)


def _history(
    fleet_files: FleetFiles,
    files: FilesFlags,
    declared: DesiredState,
    names: frozenset[str],
    base: str | None,
) -> History:
    """What the files said of the tenants that are named: of the whole fleet where one of them is to be deleted."""
    if not names:
        return History()
    if any(declared.tenants[name].absent for name in names if name in declared.tenants):
        return fleet_files.history(base, declared, ref=files.ref)
    ever = frozenset(called for name in names for called in declared.names(name))
    return FleetFiles(files, only=ever).history(
        base, declared.selecting(ever & declared.tenants.keys()), ref=files.ref
    )


def _standard_input() -> str:
    """No more of it than is enough to refuse it for its length."""
    return sys.stdin.buffer.read(MAX_GIVEN + 1).decode(errors="surrogateescape")


def _said(fleet_files: FleetFiles, names: list[str], text: str | None) -> tuple[DesiredState, DesiredState]:
    """Raises InvalidInputError where the file of one of these tenants cannot be used."""
    declared = fleet_files.desired()
    desired = declared if text is None else parse(declared, text, STDIN_NAME)[0]
    if broken := [name for name in names if name in desired.held_back]:
        raise InvalidInputError(
            f"the file of tenant {broken[0]!r} cannot be used", hint="run `reconciler validate`"
        )
    return declared, desired


def _documented(files: FilesFlags, text: str) -> dict[str, tuple[str, ...]]:
    """The names of the tenants on stdin, each with all that it had: they tell which files are to be read.

    Needs the price list alone.
    """
    desired, names = parse(FleetFiles(files, only=frozenset()).desired(), text, STDIN_NAME)
    return {name: desired.names(name) for name in names}


def _few(names: list[str]) -> list[str]:
    few = Reach().few_tenants
    if len(names) > few:
        raise InvalidInputError(
            f"converge takes {few} tenants at most, not {len(names)}", hint="use apply with --tenant"
        )
    return names
