"""``reconciler usage``."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.cli import exit_codes
from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.flags import PermissionFlags
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.notifier import left_out, notifier
from reconciler.cli.telemetry import with_telemetry
from reconciler.errors import ExitCode, InvalidInputError, ReconcilerError, weightiest
from reconciler.model.units import parse_length
from reconciler.views.console import say_error, stderr_terminal
from reconciler.views.progress import watching
from reconciler.views.view import UsageView

if TYPE_CHECKING:
    from reconciler.cli.flags import AccountFlags, FilesFlags, NotifyFlags, OutputFlags, ScopeFlags
    from reconciler.cli.notices import Notifier
    from reconciler.cli.telemetry import Telemetry
    from reconciler.fleet import Fleet, Request
    from reconciler.model.notice import Findings
    from reconciler.usage.usage import Usage


SHORTEST_WATCH_SECONDS: Final = 60
PASSING: Final = frozenset({ExitCode.ERROR, ExitCode.INCOMPLETE_VIEW})
"""Errors after which a later reading may succeed."""


@with_telemetry("usage")
def run(
    files: FilesFlags,
    account: AccountFlags,
    scope: ScopeFlags,
    expect_empty: bool,
    above: int | None,
    watch: str | None,
    rounds: int | None,
    notices: NotifyFlags,
    telemetry: Telemetry,
    output: OutputFlags,
) -> ExitCode:
    """Reads the usage, once or again and again; CHANGES if a threshold is crossed in the last reading."""
    check_outputs(output, UsageView)
    seconds = _interval(watch, rounds)
    fleet_files = FleetFiles(files)
    fleet_files.require_tip()
    desired = fleet_files.desired()
    permission = PermissionFlags((), expect_empty, prune=False, strict=False)
    request = fleet_files.request(scope, permission, desired)
    telemetry.figures.fleet = desired.fleet

    async def look(fleet: Fleet) -> ExitCode:
        people = notifier(notices, account, fleet, desired, remembers=True)
        readings = _Readings(fleet, request, above, output, people, telemetry)
        return await (readings.one() if seconds is None else readings.several(seconds, rounds))

    share, observer = desired.api.batch_share, telemetry.observer
    return with_fleet(account, desired, look, files=fleet_files, base=scope.base, share=share, observer=observer)


class _Readings(Struct, frozen=True):
    """Readings of the usage, each printed, and sent as notices where requested."""

    fleet: Fleet
    request: Request
    above: int | None
    output: OutputFlags
    notifier: Notifier | None
    telemetry: Telemetry

    async def one(self) -> ExitCode:
        with watching(stderr_terminal()) as on_progress:
            found = await self.fleet.usage(self.request, above=self.above, on_progress=on_progress)
        self.telemetry.figures.usage = found
        publish(self.output, UsageView(found))
        code = exit_codes.of_usage(found)
        return (
            code if self.notifier is None else weightiest((code, await self.notifier.tell(self._findings(found))))
        )

    async def several(self, seconds: int, rounds: int | None) -> ExitCode:
        """Reads again after each interval. An error that may pass is printed, and the next reading tries again."""
        code = ExitCode.DONE
        for number in count(1):
            try:
                code = await self.one()
            except ReconcilerError as error:
                if error.exit_code not in PASSING:
                    raise
                say_error(error)
                code = error.exit_code
            if number == rounds:
                break
            self.telemetry.write(code)
            await asyncio.sleep(seconds)
        return code

    def _findings(self, found: Usage) -> Findings:
        from reconciler.usage.notices import findings  # noqa: PLC0415 - for notices only

        return findings(found, left_out(self.fleet.desired, self.request))


def _interval(watch: str | None, rounds: int | None) -> int | None:
    """The seconds between two readings; None for a single one. Raises InvalidInputError."""
    if watch is None:
        if rounds is not None:
            raise InvalidInputError("--rounds counts the readings of --watch", hint="for example --watch 15m")
        return None
    try:
        seconds = parse_length(watch)
    except ValueError as error:
        raise InvalidInputError(f"--watch: {error}") from None
    if seconds < SHORTEST_WATCH_SECONDS:
        raise InvalidInputError(
            f"--watch {watch} is too often: at least a minute", hint="15m: Neon updates its counters that often"
        )
    return seconds
