"""What a caller asks of a fleet, and what it gets back."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.plan.concerns import NAMES
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from reconciler.apply.run.planned import Planned
    from reconciler.desired.policies import DeclaredPolicy
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import Details
    from reconciler.model.values import Json
    from reconciler.neon.connection import Connection
    from reconciler.plan.authors import FindAuthors
    from reconciler.plan.outcome import Report
    from reconciler.plan.resets import BranchKey, RaisedNumbers
    from reconciler.plan.tombstones import Tombstones

TenantJson: TypeAlias = "Mapping[str, Json]"
"""A document: a tenant file as JSON, such as ``{"tenant": "acme", "tier": "pro"}``."""


class Request(Struct, frozen=True, kw_only=True):
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
    raised: Callable[[Collection[BranchKey]], RaisedNumbers] | None = None
    """Returns when the files raised the numbers of these branches. Called for branches whose number grew."""
    authors: FindAuthors | None = None
    """Returns who wrote keys of the files since the base. Called for changes that the files ask for."""
    removed: Callable[[Collection[str]], frozenset[str]] | None = None
    """Returns which tenants an earlier commit declared. Called before an orphan is kept for its tenant's sake."""
    gone: tuple[Tenant, ...] = ()
    """Tenants that the files no longer declare, compared with the commit of the selection."""
    journals: tuple[Path, ...] = ()
    """Files and folders with journals of earlier runs, in addition to the user's log folder."""
    dead_runs: frozenset[str] = frozenset()
    """Runs that a person declares dead, before they reported what they had created."""
    may_list: bool = True
    """Whether changed tenants may be found by the lists, where these take fewer calls: the files declare all."""
    all_details: bool = False
    """Whether everything below the projects is read, whatever the files declare: for a command on one tenant."""
    also_read: Mapping[str, Details] = {}
    """What is read of these tenants besides what the files need: for a rollback."""
    policies: tuple[DeclaredPolicy, ...] | None = None
    """The policies that judge the plan instead of those of the files: on a pull request those of its base."""
    approvals: tuple[str, ...] = ()
    """The people who approved the run, as policies know it: from a source that the files cannot change."""
    commit: str | None = None
    """The commit of the files, as policies know it."""
    mention_deleted: bool = True
    """Whether the plan of a new tenant mentions an older, recoverable project: one call for each organization."""

    @property
    def past(self) -> History:
        """The files at earlier commits."""
        return self.history or History(self.base)


class Converged(Struct, frozen=True):
    """The result of ``converge``."""

    planned: Planned
    report: Report
    connections: Mapping[str, Connection]
    """How to connect to every project that was created. A tenant whose string could not be read has failed."""


class Rotated(Struct, frozen=True):
    """The result of ``rotate``."""

    planned: Planned
    report: Report
    connection: Connection | None
    """How to connect with the new password. None if the password was not reset."""


class Commanded(Struct, frozen=True):
    """The result of a command on one tenant."""

    planned: Planned
    report: Report | None
    """None if there was nothing to do, or a guard refused it: the plan says which."""
