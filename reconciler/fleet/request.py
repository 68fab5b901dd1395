"""What a caller asks of a fleet, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.plan.concerns import NAMES
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from reconciler.apply.run import Planned
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.model.values import Json
    from reconciler.plan.outcome import Report
    from reconciler.plan.tombstones import Tombstones
    from reconciler.secret import Secret

TenantJson: TypeAlias = "Mapping[str, Json]"
"""A document: a tenant file as JSON, such as ``{"tenant": "acme", "tier": "pro"}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a run is about and what it may do. The default is the whole fleet, without extra permissions."""

    selection: Selection = Selection()
    depth: Depth = Depth.DECLARED
    reach: Reach = Reach()
    only: tuple[str, ...] = NAMES
    """Names of concerns."""
    base: DesiredState | None = None
    """The files at an earlier commit. What the files changed since then is intended; all else is drift."""
    history: History | None = None
    """More detail than ``base``, which it replaces."""
    permissions: Permissions = Permissions()
    strict: bool = False
    """Apply nothing if anything is refused."""
    tombstones: Callable[[Collection[str]], Tombstones] | None = None
    """Returns since when the files declare these tenants absent. Called for absent tenants with a project."""
    removed: Callable[[Collection[str]], frozenset[str]] | None = None
    """Returns which tenants an earlier commit declared. Called before an orphan is kept for its tenant's sake."""
    gone: tuple[Tenant, ...] = ()
    """Tenants that the files no longer declare, compared with the commit of the selection."""
    journals: tuple[Path, ...] = ()
    """Files and folders with journals of earlier runs, in addition to the user's log folder."""
    dead_runs: frozenset[str] = frozenset()
    """Runs that a person declares dead, before they reported what they had created."""
    mention_deleted: bool = True
    """Whether the plan of a new tenant mentions an older, recoverable project: one call for each organization."""

    @property
    def past(self) -> History:
        """What the files said before."""
        return self.history or History(self.base)


@dataclass(frozen=True, slots=True)
class Converged:
    """The result of ``converge``."""

    planned: Planned
    report: Report
    connections: Mapping[str, Secret]
    """The connection string of every tenant that was created. One whose string could not be read has failed."""
