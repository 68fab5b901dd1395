"""The project itself: its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.plan.concerns.concern import Concern, Fields, changed, differing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.live.project import LiveProject
    from reconciler.plan.change import FieldChange


def wanted(settings: Settings) -> Fields:
    """The name, unless the project was adopted under its own."""
    return {} if settings.project_name is None else {"name": settings.project_name}


def changes(settings: Settings, project: LiveProject) -> Iterator[FieldChange]:
    """A project that has another name. Nothing refers to a project by name, so that renaming is safe."""
    for path, before, after in differing(wanted(settings), {"name": project.name}):
        yield changed(path, before, after)


PROJECT = Concern("project", wanted, changes)
