"""``reconciler branch reset``: a development branch gets the current data of its parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.tenant_command import CommandInput, run_command
from reconciler.plan.resetting import ResetToParent

if TYPE_CHECKING:
    from reconciler.cli.flags import AccountFlags, CommandFlags, FilesFlags, OutputFlags
    from reconciler.errors import ExitCode


def run(
    tenant: str,
    branch: str,
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    command: CommandFlags,
    output: OutputFlags,
) -> ExitCode:
    """Shows what the reset does, asks, and does it."""
    given = CommandInput(tenant, files, account, base, command, output)
    return run_command(given, lambda name, _: ResetToParent(tenant=name, branch=branch))
