"""``reconciler observe``, and reading the observation that it records."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from reconciler.cli.account import with_fleet
from reconciler.cli.documents import check_folder, write_bytes
from reconciler.cli.flags import PermissionFlags, ScopeFlags
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.read_ahead import reading_ahead
from reconciler.documents import observation
from reconciler.errors import InvalidInputError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError
from reconciler.model.units import parse_length, roughly_seconds
from reconciler.neon.transport import CLOCKS_APART
from reconciler.views.console import say, stderr_terminal
from reconciler.views.progress import watching

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from reconciler.cli.flags import AccountFlags, FilesFlags
    from reconciler.cli.read_ahead import ReadAhead
    from reconciler.fleet import Fleet
    from reconciler.live.observation import Observation

MAX_BYTES: Final = 2**28
"""The largest file that is read."""


def run(files: FilesFlags, account: AccountFlags, depth: str, base: str | None, out: Path) -> None:
    """Reads the account, and writes what was read to a file."""
    check_folder(out, "--out")
    fleet_files = FleetFiles(files)
    fleet_files.require_tip()
    scope = ScopeFlags((), (), (), (), None, None, base, depth)
    with reading_ahead(account, fleet_files, scope) as ahead:
        found = _observation(ahead, fleet_files, account, scope)
    write_bytes(out, observation.written(found), "--out")
    say(f"{out}: {len(found.live.projects):,} projects of fleet {found.fleet}")


def _observation(
    ahead: ReadAhead, fleet_files: FleetFiles, account: AccountFlags, scope: ScopeFlags
) -> Observation:
    desired = fleet_files.desired(ahead.start)
    nothing = PermissionFlags((), expect_empty=False, prune=False, strict=False)
    request = fleet_files.request(scope, nothing, desired)

    async def look(fleet: Fleet) -> Observation:
        with watching(stderr_terminal()) as on_progress:
            return await fleet.observe(request, on_progress=on_progress)

    share = desired.api.batch_share
    return with_fleet(account, desired, look, files=fleet_files, base=scope.base, share=share, ahead=ahead)


def read(path: Path, max_age: str, now: datetime) -> Observation:
    """The observation in a file. Raises InvalidInputError if it is none, too old, or of the future."""
    try:
        data = regular_files.read(path, MAX_BYTES)
    except OSError as error:
        raise InvalidInputError(f"--live {path}: {error.strerror}", hint=observation.AGAIN) from error
    except UnreadableError as error:
        raise InvalidInputError(f"--live {path}: {error}", hint=observation.AGAIN) from error
    found = observation.parsed(data, f"--live {path}")
    age = now - found.at
    if age < -CLOCKS_APART:
        raise InvalidInputError(f"--live {path} was recorded in the future: {found.at:%Y-%m-%dT%H:%M:%SZ}")
    if age > timedelta(seconds=_seconds(max_age)):
        message = roughly_seconds(round(age.total_seconds()))
        raise InvalidInputError(
            f"--live {path} is {message} old, and --max-age is {max_age}", hint=observation.AGAIN
        )
    say(f"{path} is {roughly_seconds(max(0, round(age.total_seconds())))} old")
    return found


def _seconds(text: str) -> int:
    try:
        return parse_length(text)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(f"--max-age {text}: {error}", hint="name a duration such as 1h") from error
