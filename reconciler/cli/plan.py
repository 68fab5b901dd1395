"""``reconciler plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.desired import FleetFiles
from reconciler.cli.documents import check_folder, check_outputs, publish, write
from reconciler.cli.options import (
    FORMATS,
    account_options,
    earlier_runs_options,
    fail_on_option,
    files_options,
    output_options,
    permission_options,
    ref_option,
    scope_options,
)
from reconciler.views import json_documents, markdown, plain_text
from reconciler.views.console import stderr_console
from reconciler.views.progress import watching

if TYPE_CHECKING:
    from reconciler.cli.options import (
        AccountFlags,
        EarlierRunsFlags,
        FilesFlags,
        OutputFlags,
        PermissionFlags,
        ScopeFlags,
    )
    from reconciler.errors import ExitCode
    from reconciler.fleet import Fleet, Planned


@click.command("plan")
@files_options
@ref_option
@account_options
@scope_options
@permission_options
@earlier_runs_options
@output_options(*FORMATS)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the plan to FILE: `apply FILE` then does nothing that it does not hold.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 where there is something to do.")
@fail_on_option
def command(
    files: FilesFlags,
    ref: str | None,
    account: AccountFlags,
    scope: ScopeFlags,
    permission: PermissionFlags,
    earlier: EarlierRunsFlags,
    output: OutputFlags,
    out: Path | None,
    detailed_exitcode: bool,
    fail_on: tuple[str, ...],
) -> ExitCode:
    """Show what apply would do, and what it would refuse. Writes nothing."""
    check_outputs(output, FORMATS)
    if out is not None:
        check_folder(out, "--out")
    fleet_files = FleetFiles(files)
    fleet_files.require_tip(ref)
    desired = fleet_files.desired()
    request = earlier.known_to(fleet_files.request(scope, permission, desired, ref=ref))

    async def look(fleet: Fleet) -> Planned:
        with watching(stderr_console()) as on_progress:
            return await fleet.plan(request, on_progress=on_progress)

    planned = with_fleet(account, desired, look, files=fleet_files, base=scope.base, share=desired.api.batch_share)
    about = fleet_files.made(scope.base, planned.at)
    if out is not None:
        write(out, json_documents.plan(planned.plan, about), "--out")
    publish(
        output,
        {
            "text": lambda: plain_text.plan(planned.plan, full=output.full),
            "json": lambda: json_documents.plan(planned.plan, about),
            "markdown": lambda: markdown.plan(planned.plan),
        },
    )
    return exit_codes.of_plan(planned.plan, fail_on, detailed=detailed_exitcode)
