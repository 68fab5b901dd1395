"""``reconciler converge``: a few tenants, within seconds."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.cli import dump_flags, exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.events import options_of_run, with_events
from reconciler.cli.flag_values import permissions, with_earlier_runs
from reconciler.cli.flags import PermissionFlags
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.signals import stop_on_signals
from reconciler.cli.sinks import open_sinks
from reconciler.cli.telemetry import with_telemetry
from reconciler.cli.trust import with_policies
from reconciler.desired.selection import Reach
from reconciler.errors import InvalidInputError
from reconciler.files.inputs import MAX_GIVEN
from reconciler.files.load import OnInvalid
from reconciler.fleet import Request, parse
from reconciler.model.values import replace
from reconciler.plan.change import Risk
from reconciler.plan.history import History
from reconciler.views.console import show_aside
from reconciler.views.formats import text_of
from reconciler.views.view import PlanView, ReportView

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from reconciler.cli.events import EventLines
    from reconciler.cli.flags import AccountFlags, EarlierRunsFlags, FilesFlags, OutputFlags, SinkFlags
    from reconciler.cli.telemetry import Telemetry
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.errors import ExitCode
    from reconciler.fleet import Converged, Fleet, RunOptions

COUNTING = ("stale", "refused", "incomplete")
"""An invalid file of one of these tenants ends the run earlier; files of other tenants are not relevant."""
STDIN = "-"
STDIN_NAME = "<stdin>"
NAME_ONE = "name the tenant"
ADD_ITS_FILE = "add its file: `reconciler new` writes one"


@with_telemetry("converge")
@with_events
def run(
    tenants: tuple[str, ...],
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    earlier: EarlierRunsFlags,
    allow: tuple[str, ...],
    single_writer: bool,
    dump_to: Path | None,
    dump_to_command: str | None,
    sinks: SinkFlags,
    journal: Path | None,
    events: EventLines,
    telemetry: Telemetry,
    output: OutputFlags,
) -> ExitCode:
    """Changes a few tenants to match the files, and gives the connections of new projects to the sinks."""
    check_outputs(output, ReportView)
    permitted = permissions(PermissionFlags(allow, expect_empty=False, prune=False, strict=False))
    few = few_tenants(files, tenants, base)
    request = with_earlier_runs(earlier, replace(few.request, permissions=permitted), journal)
    dumps = dump_flags.opened(dump_to, dump_to_command)
    options = replace(
        options_of_run(few.files, journal, events, telemetry), single_writer=single_writer, dumps=dumps
    )
    opened = open_sinks(sinks, few.names)

    async def converge(fleet: Fleet) -> Converged:
        with stop_on_signals(options.stop):
            return await fleet.converge(*few.names, request=request, run=options)

    converged = with_fleet(account, few.desired, converge, files=few.files, base=base, observer=telemetry.observer)
    telemetry.applied(converged.planned, converged.report)
    try:
        for sink in opened:
            sink.write(converged.connections)
    finally:
        _publish(output, converged, options, aside=events.on_stdout)
    counting = [what for what in output.fail_on or COUNTING if what != "invalid"]
    code = exit_codes.of_apply(converged.planned.plan, converged.report, counting, named=True)
    events.end(converged.report, (), code)
    return code


class NamedTenants(Struct, frozen=True):
    """The tenants that a command names, from the files and stdin."""

    names: list[str]
    files: FleetFiles
    desired: DesiredState
    request: Request
    """Contains their earlier files."""


def few_tenants(
    files: FilesFlags, tenants: tuple[str, ...], base: str | None, *, documents: bool = True
) -> NamedTenants:
    """Reads them; ``-`` among the tenants stands for those on stdin, unless the command takes no ``documents``.

    Raises InvalidInputError for too many, and for what is not valid.
    """
    if STDIN in tenants and not documents:
        raise InvalidInputError("the command edits the file of a tenant, and reads none from stdin", hint=NAME_ONE)
    text = _standard_input() if STDIN in tenants else None
    from_documents = {} if text is None else _documented(files, text)
    names = _few([*(name for name in tenants if name != STDIN), *from_documents])
    earlier_names = {name for called in from_documents.values() for name in called}
    fleet_files, declared, desired = _read(files, names, text, also=earlier_names)
    _require_declared(files, desired, names, documents=documents)
    past = [n for n in names if n not in from_documents or desired.tenants[n].previously]
    if any(_concerns_others(desired.tenants[name]) for name in names):
        before = fleet_files.history(base, declared, ref=files.ref)
    else:
        before = _history(fleet_files, files, declared, desired, past, base) if past else History()
    committed = fleet_files.committed(declared, from_documents)
    history = replace(
        before,
        files=declared,
        documents=frozenset(from_documents),
        committed=committed,
        guessed=before.guessed or (base is None and bool(committed)),
    )
    request = Request(
        history=history,
        tombstones=partial(fleet_files.tombstones, declared),
        raised=partial(fleet_files.raised, declared),
    )
    return NamedTenants(names, fleet_files, desired, with_policies(request, fleet_files, declared, base))


def _require_declared(files: FilesFlags, desired: DesiredState, names: list[str], *, documents: bool) -> None:
    """Raises InvalidInputError for a tenant that neither a file nor a document declares."""
    unknown = next((name for name in names if name not in desired.tenants), None)
    if unknown is None:
        return
    from reconciler.files.finding import did_you_mean_one_of  # noqa: PLC0415
    from reconciler.files.names_in_files import names_to_suggest  # noqa: PLC0415 - for a wrong name only

    add = "add its file, or pass its document ('-' reads documents from stdin)"
    hint = did_you_mean_one_of(unknown, names_to_suggest(files.directory)) or (add if documents else ADD_ITS_FILE)
    raise InvalidInputError(f"no file declares tenant {unknown!r}", hint=hint)


def _publish(output: OutputFlags, converged: Converged, run: RunOptions, *, aside: bool) -> None:
    """Prints the report, and before it the plan if it needs an explanation."""
    plan, report = converged.planned.plan, converged.report
    destructive = any(action.risk is Risk.DESTRUCTIVE for action in plan.actions)
    if plan.refusals or plan.conflicts or plan.empty or destructive:
        show_aside(text_of(PlanView(plan), full=output.full))
    publish(output, ReportView(report, str(run.journal_path), tier_of=plan.tier_of), aside=aside)


def _read(
    files: FilesFlags, names: list[str], text: str | None, *, also: Collection[str]
) -> tuple[FleetFiles, DesiredState, DesiredState]:
    """The files of these tenants, declared, and desired with the documents on stdin. Reads ``also`` too.

    Reads all tenants if one of these concerns others. An invalid file of another tenant does not end the run; its
    project is only not available to these tenants.
    """
    files = replace(files, on_invalid=OnInvalid.SKIP.value)
    about = frozenset((*names, *also))
    fleet_files = FleetFiles(files, only=about)
    fleet_files.require_tip()
    declared, desired = _load_named(fleet_files, names, text)
    named = [desired.tenants[name] for name in names if name in desired.tenants]
    if not any(map(_concerns_others, named)):
        return fleet_files, declared, desired
    fleet_files = FleetFiles(files, about=about)
    return fleet_files, *_load_named(fleet_files, names, text)


def _concerns_others(tenant: Tenant) -> bool:
    """Whether it names its project, which may belong to another tenant or have belonged to one that the earlier
    files protect; or is to be deleted, because deletions are counted for the whole fleet.
    """
    return tenant.absent or tenant.project_id is not None


def _history(
    fleet_files: FleetFiles,
    files: FilesFlags,
    declared: DesiredState,
    desired: DesiredState,
    names: Iterable[str],
    base: str | None,
) -> History:
    """The earlier files of these tenants only, under all their names."""
    ever = frozenset(called for name in names for called in desired.names(name))
    return fleet_files.narrowed(ever).history(
        base, declared.selecting(ever & declared.tenants.keys()), ref=files.ref
    )


def _standard_input() -> str:
    """Reads at most one byte more than is permitted, which is enough to refuse it."""
    return sys.stdin.buffer.read(MAX_GIVEN + 1).decode(errors="surrogateescape")


def _load_named(fleet_files: FleetFiles, names: list[str], text: str | None) -> tuple[DesiredState, DesiredState]:
    """Raises InvalidInputError if the file of one of these tenants cannot be used."""
    declared = fleet_files.desired()
    desired = declared if text is None else parse(declared, text, STDIN_NAME)[0]
    if broken := [name for name in names if name in desired.held_back]:
        raise InvalidInputError(
            f"the file of tenant {broken[0]!r} cannot be used", hint="run `reconciler validate`"
        )
    return declared, desired


def _documented(files: FilesFlags, text: str) -> dict[str, tuple[str, ...]]:
    """The current name of each tenant on stdin, with all its names: these files have to be read.

    Reads only the price list.
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
