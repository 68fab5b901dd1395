"""Whether a command notifies people of what it found, and what it did not look at. Imports the rest late."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.cli.flags import AccountFlags, NotifyFlags
    from reconciler.cli.notices import Notifier
    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Fleet, Request


def notifier(
    flags: NotifyFlags, account: AccountFlags, fleet: Fleet, files: DesiredState, *, remembers: bool
) -> Notifier | None:
    """The notifier that the flags ask for; None if they ask for none. The rest as ``open_notifier``."""
    if not (flags.wanted or flags.notify_state):
        return None
    from reconciler.cli.notices import open_notifier  # noqa: PLC0415 - for notices only

    return open_notifier(flags, account, fleet, files, remembers=remembers)


def left_out(desired: DesiredState, request: Request) -> list[str]:
    """The tenants that the selection leaves out: their notices are not over."""
    return [name for name, tenant in desired.tenants.items() if not request.selection.includes(tenant)]
