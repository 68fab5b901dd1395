"""The words and marks of actions and changes in a plan, and in a drift report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.plan.actions.branch import ResetBranch
from reconciler.plan.actions.compute import DeleteReplica, PatchEndpoint, SuspendCompute
from reconciler.plan.actions.contents import CreateRole, DeleteDatabase
from reconciler.plan.actions.project import CreateProject, DeleteDuplicate
from reconciler.plan.actions.restore import Restore
from reconciler.plan.actions.snapshot import DeleteSnapshot
from reconciler.plan.change import Origin, Risk
from reconciler.plan.summary import ChangeKind
from reconciler.views.actions import replacement, was_found, will_do
from reconciler.views.formatted_text import FormattedText, formatted
from reconciler.views.values import label

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange


class Perspective(Struct, frozen=True):
    """The words of a plan, or of a drift report. An empty word is left out."""

    headings: Mapping[ChangeKind, str]
    action: Callable[[Action, LiveProject | None], FormattedText]
    """The words for an action, from its project."""
    live: str
    """Precedes the live value."""
    between: str
    files: str
    """Precedes the value that the files ask for."""
    restarts: str
    """Marks an action that restarts a compute."""
    permanent: str
    """Marks an action that cannot be undone."""
    no_snapshot_until: str
    """Names the new snapshot if the old one is deleted first."""
    reduces: str
    """Marks a reduction; ``{}`` is the name of the field."""
    risks: Mapping[Risk, str]
    origins: Mapping[Origin, str]

    def action_mark(self, action: Action) -> str:
        """The mark of the whole action; may be empty."""
        stops = self.risks.get(action.risk, "") if isinstance(action, SuspendCompute | CreateRole) else ""
        labels = (self.restarts if _restarts(action) else "", stops, self._origin(action))
        return ", ".join(filter(None, labels))

    def loss(self, action: Action) -> str:
        """The mark of what cannot be undone: the deletion of a snapshot, a reset, a lost address; may be empty."""
        return self.permanent if isinstance(action, DeleteSnapshot | ResetBranch | DeleteReplica) else ""

    def gap(self, action: Action, following: Action | None) -> FormattedText:
        """A warning if a snapshot is deleted before its replacement is created; may be empty."""
        name = replacement(action, following)
        return (
            formatted(self.no_snapshot_until, name)
            if name is not None and self.no_snapshot_until
            else FormattedText()
        )

    def details(self, action: Action) -> tuple[str, ...]:
        """Why the action is safe, for one that needs proof; the effects of a restore."""
        if isinstance(action, Restore):
            return tuple(effect.message for effect in action.effects)
        if isinstance(action, ResetBranch):
            return (RESET_EFFECT,)
        if isinstance(action, DeleteDatabase):
            return (DELETION_EFFECT,)
        return action.proof if isinstance(action, DeleteDuplicate) else ()

    def _origin(self, action: Action) -> str:
        """Where an action comes from whose changes are neither shown nor named by itself."""
        if action.verb in ("change", "adopt") or isinstance(action, CreateProject | DeleteDuplicate):
            return ""
        return self.origins.get(action.changes[0].origin, "") if action.changes else ""

    def change_mark(self, change: FieldChange, action: Action) -> str:
        """What the change does to the tenant, and where it comes from; may be empty."""
        told_with_action = _restarts(action) and change.risk is Risk.DISRUPTIVE
        labels = (
            self.reduces.format(field_name(change.path)) if change.lowering else "",
            "" if told_with_action else self.risks.get(change.risk, ""),
            self.origins.get(change.origin, ""),
        )
        return ", ".join(filter(None, labels))


def field_name(path: str) -> str:
    """``data transfer``, ``max CU``, ``lifetime``: what a change of the field reduces."""
    name = label(path).rpartition(".")[2]
    return _REDUCED.get(name) or name.replace("_", " ").replace(" cu", " CU")


_REDUCED: Final = {
    "expires_at": "lifetime",
    "protected": "protection",
    "owner": "rights of the current owner",
}


def _restarts(action: Action) -> bool:
    """Neon: a change of its size restarts a running compute, and connections drop."""
    return isinstance(action, PatchEndpoint) and action.risk is Risk.DISRUPTIVE


RESET_EFFECT: Final = (
    "what was written to it is lost; its id and its computes stay, connections drop; its roles and databases are "
    "those of the parent"
)
DELETION_EFFECT: Final = "its data is lost, except in snapshots, in other branches, and within the restore window"

PLAN: Final = Perspective(
    headings={
        ChangeKind.CREATE: "Create",
        ChangeKind.RECOVER: "Recover",
        ChangeKind.ADOPT: "Adopt",
        ChangeKind.UPGRADE: "Upgrade",
        ChangeKind.DOWNGRADE: "Downgrade",
        ChangeKind.CHANGE: "Change",
        ChangeKind.RESTORE: "Restore",
        ChangeKind.DELETE: "Delete",
    },
    action=will_do,
    live="",
    between=" -> ",
    files="",
    restarts="restarts compute",
    permanent="permanent",
    no_snapshot_until="no snapshot exists until {} is created",
    reduces="reduces {}",
    risks={Risk.DISRUPTIVE: "disruptive", Risk.DESTRUCTIVE: "destructive"},
    origins={Origin.DRIFT: "drift", Origin.BASE_AHEAD: "base ahead"},
)

DRIFT: Final = Perspective(
    headings={
        ChangeKind.CREATE: "Missing",
        ChangeKind.RECOVER: "Deleted",
        ChangeKind.ADOPT: "Not adopted",
        ChangeKind.UPGRADE: "Below its tier",
        ChangeKind.DOWNGRADE: "Above its tier",
        ChangeKind.CHANGE: "Different",
        ChangeKind.RESTORE: "Not restored",
        ChangeKind.DELETE: "Still live",
    },
    action=was_found,
    live="live ",
    between="  ",
    files="files ",
    restarts="",
    permanent="",
    no_snapshot_until="",
    reduces="above files",
    risks={},
    origins={Origin.CONFIG: "not applied", Origin.BASE_AHEAD: "the base is ahead of these files"},
)
