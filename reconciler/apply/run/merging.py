"""Finds out whether Neon's patches merge settings with their values or replace them.

``settings`` and ``default_endpoint_settings`` are two questions. A value that is there after a patch that did not
mention it answers one, unless Neon may itself have set it: every project has a maintenance window (Neon:
manage/updates), and a setting that cannot be turned off stays on. Such a value is at risk in no other project of
the region: whether Neon keeps it or sets it again, it is there. Two projects of a region are taken to have the
same window where nobody has chosen one, which Neon does not document.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from reconciler.model.fields.field import Form
from reconciler.model.fields.table import BY_PATH
from reconciler.model.values import JsonText
from reconciler.plan.concerns.compute import PARAMETERS
from reconciler.plan.live_values import project_fields

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Mapping

    from reconciler.live.project import LiveProject
    from reconciler.model.values import Value

QUOTA: Final = "quota."
IN_SETTINGS: Final = ("settings.", QUOTA)
IN_COMPUTE: Final = ("compute.",)
GROUPS: Final = (IN_SETTINGS, IN_COMPUTE)
"""The beginnings of the paths that a patch merges or replaces together."""
MAINTENANCE: Final = "settings.maintenance_window"
NO_VALUES: Final = (None, 0, JsonText.of({}), JsonText.of([]), JsonText.of(None))
LONGEST_WAIT_SECONDS: Final = 10.0
"""Maximum time that a patch waits for the result of another one, whose project may be busy."""


class Merging(Struct):
    """What a run knows so far."""

    _merges: dict[tuple[str, ...], bool] = field(default_factory=dict)
    """Whether Neon keeps what a patch does not mention, by group. A group is missing until the run knows."""
    _defaults: set[tuple[str, str, Value]] = field(default_factory=set)
    """Values that Neon may itself have set: region, path, value."""
    _finding_out: asyncio.Lock = field(default_factory=asyncio.Lock)

    def at_risk(self, project: LiveProject, sent: Collection[str]) -> dict[str, Value]:
        """The values of a project, by path, that a patch of these paths may remove as far as the run knows."""
        return {
            path: value
            for path, value in unmentioned(project, sent).items()
            if not self._merges.get(_group(path)) and (project.region, path, value) not in self._defaults
        }

    def removes(self, paths: Iterable[str]) -> bool:
        """Whether the run knows that Neon removes all these paths if a patch does not mention them."""
        return all(self._merges.get(_group(path)) is False for path in paths)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Lets one patch find out, and the others wait for it, but not longer than ``LONGEST_WAIT_SECONDS``."""
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                await self._finding_out.acquire()
        except TimeoutError:
            yield
            return
        try:
            yield
        finally:
            self._finding_out.release()

    def learn(self, kept: Mapping[str, Value], sent: Collection[str], after: LiveProject) -> None:
        """Learns from a project after a patch. ``kept``: its values before that the patch did not mention."""
        for group in GROUPS:
            if group not in self._merges:
                ours = {path: value for path, value in kept.items() if _group(path) == group}
                self._learn(group, ours, sent, after)

    def _learn(
        self, group: tuple[str, ...], kept: Mapping[str, Value], sent: Collection[str], after: LiveProject
    ) -> None:
        now = stated(after)
        if any(is_lost(path, value, after) for path, value in kept.items()):
            self._merges[group] = False
        elif any(_is_evidence(path, sent) for path in kept if path in now):
            self._merges[group] = True
        self._defaults |= {
            (after.region, path, now.get(path, value))
            for path, value in kept.items()
            if _may_be_set_by_neon(path) or not _shows(after, path)
        }


def unmentioned(project: LiveProject, sent: Collection[str]) -> dict[str, Value]:
    """The values of a project that a patch of these paths may remove, by path, without those that mean none."""
    groups = [group for group in GROUPS if any(path.startswith(group) for path in sent)]
    return {
        path: value
        for path, value in stated(project).items()
        if path not in sent and any(map(path.startswith, groups))
    }


def is_lost(path: str, value: Value, after: LiveProject) -> bool:
    """Whether the project no longer has the value. False if the answer does not show it."""
    return _shows(after, path) and stated(after).get(path) != value


def stated(project: LiveProject) -> dict[str, Value]:
    """The values of a project that somebody may have chosen, by path."""
    kept = (*IN_SETTINGS, PARAMETERS)
    found = {path: value for path, value in project_fields(project).items() if path.startswith(kept)}
    return {path: value for path, value in found.items() if _is_whole(path, value) and not _is_unset(path, value)}


def _is_whole(path: str, value: Value) -> bool:
    """Whether the value has the form of its field. Another one is damage of an answer, and is not sent to Neon."""
    known = BY_PATH.get(path)
    if known is None or not isinstance(value, JsonText):
        return True
    if known.members or known.form is Form.PARAMETERS:
        return isinstance(value.value, dict)
    return known.form is not Form.SWITCH or isinstance(value.value, bool)


def _is_unset(path: str, value: Value) -> bool:
    known = BY_PATH.get(path)
    return value in NO_VALUES or (known is not None and value == JsonText.of(known.absent))


def _shows(project: LiveProject, path: str) -> bool:
    return (project.compute if path == PARAMETERS else project.settings) is not None


def _group(path: str) -> tuple[str, ...]:
    return next(group for group in GROUPS if path.startswith(group))


def _is_evidence(path: str, sent: Collection[str]) -> bool:
    """Whether the value would be gone if Neon replaced the group. A quota sent in part may merge by itself."""
    in_part = path.startswith(QUOTA) and any(other.startswith(QUOTA) for other in sent)
    return not _may_be_set_by_neon(path) and not in_part


def _may_be_set_by_neon(path: str) -> bool:
    known = BY_PATH.get(path)
    return path == MAINTENANCE or (known is not None and known.one_way)
