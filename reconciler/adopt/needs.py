"""What has to be read for an adoption: the lists, and below projects as little as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.adopt.adoption import in_no_file
from reconciler.adopt.patterns import matches
from reconciler.adopt.project_contents import BRANCHES, SNAPSHOTS
from reconciler.desired.selection import Depth, Reach
from reconciler.live.project import Needs
from reconciler.plan.ownership import created_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.adopt.owners import KnownNames
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState


class AdoptRequirements(Struct, frozen=True):
    """What an adoption has to know of live state."""

    names: KnownNames
    select: Sequence[str] = ()
    depth: Depth = Depth.DECLARED
    """``DEEP`` reads the owner and the computes of every project, ``LIST`` of none."""
    reach: Reach = field(default_factory=Reach)

    @property
    def max_unowned_reads(self) -> int | None:
        """How many projects that nothing names have their annotations read; None for all of them."""
        if self.depth is Depth.DECLARED:
            return self.reach.unowned_reads
        return None if self.depth is Depth.DEEP else 0

    def details(self, desired: DesiredState, live: LiveState) -> Needs:
        """What was not observed yet: values that no list states, and annotations of projects that nothing names.

        Computes are read where the fleet is small: the plan that follows reads them in any case.
        """
        projects, _ = in_no_file(desired, live, self.select)
        unnamed = [one for one in projects if not self._is_named(one)]
        named = [one for one in projects if self._is_named(one)]
        few = self.depth is Depth.DECLARED and len(named) + len(desired.tenants) <= self.reach.small_fleet
        small = few or self.depth is Depth.DEEP
        most = self.max_unowned_reads
        strangers = unnamed if most is None or len(unnamed) <= most else []
        sized = named if small else []
        return Needs(
            projects=ids(one for one in named if unstated(one)),
            branches=ids(one for one in (*strangers, *sized) if one.branches is None),
            endpoints=ids(one for one in sized if one.endpoints is None),
        )

    def deleted(self, desired: DesiredState, live: LiveState, *, mention: bool = True) -> bool:  # noqa: ARG002
        """Deleted projects are nobody's to adopt."""
        return False

    def not_found(self, desired: DesiredState, live: LiveState, tenants: Iterable[str]) -> list[str]:  # noqa: ARG002
        """Nobody is searched for."""
        return []

    def tenant_of(self, desired: DesiredState, project: LiveProject) -> str | None:
        """The tenant that the annotation of a project names."""
        return created_for(project, desired)

    def _is_named(self, project: LiveProject) -> bool:
        names = self.names
        if any(project.id in source for source in (names.answers, names.imported, names.otherwise)):
            return True
        return any(True for _ in matches(self.names.patterns, project.name, project.organization))


class ContentsRequirements(Struct, frozen=True):
    """What has to be read of some projects, so that their branches or snapshots can be written into files."""

    projects: frozenset[str]
    """Their ids."""
    below: frozenset[str]
    max_unowned_reads: int | None = 0

    def details(self, desired: DesiredState, live: LiveState) -> Needs:  # noqa: ARG002
        """What was not observed yet."""
        asked = [one for one in live.projects if one.id in self.projects]
        named = [one for one in asked if self.below & {BRANCHES, SNAPSHOTS} and one.branches is None]
        return Needs(
            branches=ids(named),
            endpoints=ids(one for one in asked if BRANCHES in self.below and one.endpoints is None),
            snapshots=ids(one for one in asked if SNAPSHOTS in self.below and one.snapshots is None),
        )

    def deleted(self, desired: DesiredState, live: LiveState, *, mention: bool = True) -> bool:  # noqa: ARG002
        """Deleted projects are nobody's to adopt."""
        return False

    def not_found(self, desired: DesiredState, live: LiveState, tenants: Iterable[str]) -> list[str]:  # noqa: ARG002
        """Nobody is searched for."""
        return []

    def tenant_of(self, desired: DesiredState, project: LiveProject) -> str | None:
        """The tenant that the annotation of a project names."""
        return created_for(project, desired)


def unstated(project: LiveProject) -> bool:
    """Return whether a list left out a value that a tier states."""
    values = (project.quota, project.compute, project.restore_window_seconds)
    return None in values and project.consumption is None


def ids(projects: Iterable[LiveProject]) -> tuple[str, ...]:
    """Return the ids of projects, each once."""
    return tuple(dict.fromkeys(project.id for project in projects))
