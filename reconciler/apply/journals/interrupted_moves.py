"""Which moves a run did not finish: its transfer may have removed a quota, and nobody looked at it since.

Before a transfer, the journal names the projects that have a quota. Afterwards it says of each that the quota is
still there, or that a patch has sent it. Where it says neither, the run died in between, or could not reach Neon.
A project without any quota that has just arrived has lost it by that transfer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from reconciler.apply.journals.audit import journal_lines
from reconciler.model.moments import utc
from reconciler.plan.concerns.quota import PATHS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

COUNTS_FOR: Final = timedelta(days=1)
"""Other machines have journals too: after that time, somebody may have removed the quota by hand."""


def interrupted_moves(project_ids: Collection[str], journals: Sequence[Path], now: datetime) -> dict[str, str]:
    """Return to which organization runs moved these projects in the last day, where none has seen the quota since.

    ``journals`` are files and folders. A line that no run writes is left out, and so is
    a journal that ends before that day.
    """
    if not project_ids:
        return {}
    lines = journal_lines(journals, now - COUNTS_FOR)
    events = sorted(_events(lines), key=lambda event: event[0])
    last = {project: (at, organization) for at, project, organization in events if project in project_ids}
    return {
        project: organization
        for project, (at, organization) in last.items()
        if organization is not None and abs(now - at) <= COUNTS_FOR
    }


def _events(lines: Iterator[Mapping[str, Any]]) -> Iterator[tuple[datetime, str, str | None]]:
    """When which project was about to be moved to which organization, or (None) had a quota."""
    patches: dict[str, tuple[str, ...]] = {}
    for line in lines:
        try:
            at = utc(datetime.fromisoformat(line["at"]))
            match line:
                case {"line": "intent", "kind": "transfer_project", "quotas_at_risk": ids, "object": moved}:
                    yield from ((at, str(project), str(moved["destination"])) for project in ids)
                case {"line": "intent", "kind": "patch_project"} if _sends_quota(line):
                    patches[str(line["request_id"])] = tuple(map(str, line["project_ids"]))
                case {"line": "outcome", "result": "applied"}:
                    yield from ((at, project, None) for project in patches.pop(str(line["request_id"]), ()))
                case {"line": "quota", "project_id": project}:
                    yield at, str(project), None
        except (KeyError, TypeError, ValueError):
            continue


def _sends_quota(line: Mapping[str, Any]) -> bool:
    return any(change["path"] in PATHS for change in line["changes"])
