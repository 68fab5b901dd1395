"""``reconciler collect``: lines for tenants that signed up, so that git holds them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.adopt.collecting import LeftOutReason, Recorded, SignUpHistory, Uncollected, collect, requirements
from reconciler.apply.journals.audit import journal_lines
from reconciler.apply.run.planned import log_folder
from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.fleet_files import NO_BASE, FleetFiles
from reconciler.errors import ExitCode, InvalidInputError
from reconciler.files.collected import lines_file, one_run_at_a_time, with_documents
from reconciler.files.earlier_commits import removed
from reconciler.files.edits import has_rows
from reconciler.model.moments import utc
from reconciler.model.units import format_seconds, parse_length
from reconciler.model.values import replace
from reconciler.views import file_changes
from reconciler.views.console import show, stderr_terminal, stdout_console
from reconciler.views.formats import TEXT
from reconciler.views.progress import watching
from reconciler.views.view import CollectedView

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reconciler.adopt.collecting import Collected
    from reconciler.cli.flags import AccountFlags, FilesFlags, OutputFlags
    from reconciler.files.collected import CollectedFile
    from reconciler.fleet import Fleet


def run(
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    to: str | None,
    journals: tuple[Path, ...],
    min_age: str,
    dry_run: bool,
    output: OutputFlags,
) -> ExitCode:
    """Writes a line for each sign-up that no file holds. Raises InvalidInputError if no source reads the file."""
    check_outputs(output, CollectedView)
    age = _age(min_age)
    if has_rows(files.directory):
        raise InvalidInputError(
            "tiers.yaml reads tenants from a database: a project in no file may belong to a row that was deleted",
            hint="collect is for fleets whose sign-ups no database declares (docs/sign-ups.md)",
        )
    fleet_files = FleetFiles(files)
    fleet_files.require_tip()
    desired = fleet_files.desired()
    path = lines_file(files.directory, to)
    recorded = _recorded(journal_lines((log_folder(), *journals)), desired.fleet)
    before = None if base == NO_BASE else fleet_files.base(base)

    async def look(fleet: Fleet) -> Collected:
        with watching(stderr_terminal()) as on_progress:
            live = await fleet.observe_projects(requirements(), on_progress=on_progress)
        now = fleet.time()
        past = SignUpHistory(recorded, frozenset(before.tenants if before is not None else ()), frozenset())
        found = collect(fleet.desired, live, past, now, age)
        names = {one.adopted.tenant for one in found.sign_ups}
        past = replace(past, removed=removed(files.directory, names))
        return collect(fleet.desired, live, past, now, age) if past.removed else found

    share = desired.api.batch_share
    found = with_fleet(account, desired, look, files=fleet_files, base=base, share=share)
    written = _written(files.directory, path, found, dry_run=dry_run)
    if dry_run and written.added and output.format == TEXT:
        existing = (written.file.before or b"").decode()
        show(file_changes.render(path, existing, written.file.after.decode()), stdout_console())
    publish(output, _view(path, found, written, age, dry_run=dry_run))
    return ExitCode.DONE


def _view(path: str, found: Collected, written: CollectedFile, age: timedelta, *, dry_run: bool) -> CollectedView:
    sign_ups = {one.adopted.tenant: one for one in found.sign_ups}
    invalid = (
        Uncollected(name, sign_ups[name].adopted.project.id, LeftOutReason.INVALID, message)
        for name, message in written.invalid.items()
    )
    added = [sign_ups[name] for name in written.added]
    least = format_seconds(int(age.total_seconds()))
    return CollectedView(path, added, (*found.left_out, *invalid), least, dry_run=dry_run)


def _age(text: str) -> timedelta:
    try:
        return timedelta(seconds=parse_length(text))
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(f"--min-age: {error}") from error


def _recorded(lines: Iterable[dict[str, Any]], fleet: str) -> dict[str, Recorded]:
    """By project id, the tenant for which a run of this fleet created and kept the project."""
    begun: dict[str, datetime] = {}
    found: dict[str, Recorded] = {}
    for line in lines:
        at = _moment(line.get("at"))
        match line:
            case {"line": "run", "run": str(run), "fleet": named} if named == fleet and at is not None:
                begun[run] = at
            case {"line": "kept", "run": str(run), "tenant": str(tenant), "project_id": str(project)}:
                if run in begun and at is not None:
                    found[project] = Recorded(tenant, begun[run], at)
    return found


def _moment(text: object) -> datetime | None:
    """A moment as journals have it; None for anything else."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return None if moment.tzinfo is None else utc(moment)


def _written(directory: Path, path: str, found: Collected, *, dry_run: bool) -> CollectedFile:
    documents = {one.adopted.tenant: one.adopted.document for one in found.sign_ups}
    if dry_run or not documents:
        written = with_documents(directory, path, documents)
    else:
        with one_run_at_a_time(directory, path):
            written = with_documents(directory, path, documents)
            if written.added:
                written.file.write()
    return written
