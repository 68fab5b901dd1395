"""How far back a project can be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.change import FieldChange, Risk
from reconciler.plan.concerns.concern import Concern, Fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject

PATH = "restore_window_seconds"


def wanted(settings: Settings) -> Fields:
    """The window, where the files manage it."""
    window = settings.restore_window_seconds
    return {} if window is None else {PATH: window}


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Another window. A shorter one loses history for good, and so may one that replaces an unknown one."""
    window, live = settings.restore_window_seconds, project.restore_window_seconds
    if window is not None and window != live:
        shorter = live is None or window < live
        yield FieldChange(PATH, live, window, Risk.DESTRUCTIVE if shorter else Risk.SAFE, lowering=shorter)


RESTORE_WINDOW = Concern("restore_window", wanted, changes)
