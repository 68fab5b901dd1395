"""``reconciler drift``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.desired import FleetFiles
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.options import (
    FORMATS,
    PermissionFlags,
    account_options,
    fail_on_option,
    files_options,
    output_options,
    ref_option,
    scope_options,
)
from reconciler.views import json_documents, markdown, plain_text
from reconciler.views.console import stderr_console
from reconciler.views.progress import watching

if TYPE_CHECKING:
    from reconciler.cli.options import AccountFlags, FilesFlags, OutputFlags, ScopeFlags
    from reconciler.errors import ExitCode
    from reconciler.fleet import Fleet, Planned


@click.command("drift")
@files_options
@ref_option
@account_options
@scope_options
@click.option("--expect-empty", is_flag=True, help="No live project is no sign of a wrong key.")
@output_options(*FORMATS)
@fail_on_option
def command(
    files: FilesFlags,
    ref: str | None,
    account: AccountFlags,
    scope: ScopeFlags,
    expect_empty: bool,
    output: OutputFlags,
    fail_on: tuple[str, ...],
) -> ExitCode:
    """Tell where the live fleet differs from the files; exit with 2 where it does. Writes nothing."""
    check_outputs(output, FORMATS)
    fleet_files = FleetFiles(files)
    fleet_files.require_tip(ref)
    desired = fleet_files.desired()
    permission = PermissionFlags((), expect_empty, prune=False, strict=False)
    request = fleet_files.request(scope, permission, desired, ref=ref)

    async def look(fleet: Fleet) -> Planned:
        with watching(stderr_console()) as on_progress:
            return await fleet.drift(request, on_progress=on_progress)

    found = with_fleet(account, desired, look, files=fleet_files, base=scope.base, share=desired.api.batch_share)
    plan = found.plan
    publish(
        output,
        {
            "text": lambda: plain_text.drift(plan, full=output.full),
            "json": lambda: json_documents.drift(plan),
            "markdown": lambda: markdown.drift(plan),
        },
    )
    return exit_codes.of_drift(plan, fail_on)
