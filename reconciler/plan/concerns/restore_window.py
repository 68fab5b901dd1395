"""How far back a project can be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.concerns.concern import Concern, Fields, changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject
    from reconciler.plan.change import FieldChange

PATH = "restore_window_seconds"


def wanted(settings: Settings) -> Fields:
    """The window, where the files manage it."""
    window = settings.restore_window_seconds
    return {} if window is None else {PATH: window}


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """Another window. A shorter one loses history permanently, and so may one that replaces an unknown one."""
    window, live = settings.restore_window_seconds, project.restore_window_seconds
    if window is not None and window != live:
        yield changed(PATH, live, window)


RESTORE_WINDOW = Concern("restore_window", wanted, changes)
