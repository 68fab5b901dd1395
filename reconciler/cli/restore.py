"""``reconciler restore``: undo and redo for one tenant."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from reconciler.cli.tenant_command import CommandInput, run_command
from reconciler.errors import InvalidInputError
from reconciler.model.units import parse_length
from reconciler.plan.ending_previews import DiscardPreview, FinalizePreview
from reconciler.plan.requested_restores import requested_restore

if TYPE_CHECKING:
    from reconciler.cli.flags import AccountFlags, CommandFlags, FilesFlags, OutputFlags
    from reconciler.errors import ExitCode
    from reconciler.plan.commanded import Asked

ONE_OF: Final = "--to, --snapshot, --finalize or --discard"


def run(
    tenant: str,
    files: FilesFlags,
    account: AccountFlags,
    base: str | None,
    to: str | None,
    snapshot: str | None,
    preview: bool,
    finalize: bool,
    discard: bool,
    again: bool,
    command: CommandFlags,
    output: OutputFlags,
) -> ExitCode:
    """Shows what the restore does, asks, and does it."""
    asked = _asked(to, snapshot, preview=preview, finalize=finalize, discard=discard, again=again)
    return run_command(CommandInput(tenant, files, account, base, command, output), asked)


def _asked(
    to: str | None,
    snapshot: str | None,
    *,
    preview: bool,
    finalize: bool,
    discard: bool,
    again: bool,
) -> Asked:
    """Raises InvalidInputError unless the flags ask for one thing."""
    if (to is not None) + (snapshot is not None) + finalize + discard != 1:
        raise InvalidInputError(f"restore needs exactly one of {ONE_OF}", hint="--to 2h, for example")
    if (finalize or discard) and (preview or again):
        raise InvalidInputError("--preview and --again go with --to or --snapshot")
    if finalize:
        return FinalizePreview
    if discard:
        return DiscardPreview
    back = None if to is None else _moment(to)
    return requested_restore(to=back, snapshot=snapshot, preview=preview, again=again)


def _moment(text: str) -> datetime | timedelta:
    """``2031-11-05T14:00:00Z`` or ``2h``. Raises InvalidInputError."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return timedelta(seconds=parse_length(text))
    except (ValueError, OverflowError) as error:
        message = "neither a moment nor a length of time"
        raise InvalidInputError(
            f"--to {text!r} is {message}", hint="--to 2031-11-05T14:00:00Z, or --to 2h for two hours ago"
        ) from error
