"""The two ways to speak of a difference: a plan says what will be done, a drift report what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from reconciler.plan.action import (
    Action,
    CreateBranch,
    CreateProject,
    CreateSnapshot,
    DeleteBranch,
    DeleteDuplicate,
    DeleteProject,
    DeleteSnapshot,
    PatchBranch,
    PatchEndpoint,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.change import Origin, Risk
from reconciler.views import copies
from reconciler.views.grouping import Kind
from reconciler.views.printable import printable
from reconciler.views.wording import project_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.live.project import LiveProject
    from reconciler.plan.change import FieldChange


@dataclass(frozen=True, slots=True)
class Voice:
    """The words of one kind of view. A mark without a word is left out."""

    headings: Mapping[Kind, str]
    action: Callable[[Action, LiveProject | None], str]
    """What an action is called, given what was seen of its project."""
    live: str
    """Precedes the live value."""
    between: str
    files: str
    """Precedes the value that the files ask for."""
    restarts: str
    """Marks an action that restarts a compute."""
    for_good: str
    """Marks an action that nothing can undo."""
    uncovered: str
    """What is said, with the name of the new snapshot, where one is deleted before another one is taken."""
    lowering: str
    risks: Mapping[Risk, str]
    origins: Mapping[Origin, str]

    def action_mark(self, action: Action) -> str:
        """What is to be said of the action as a whole; may be empty."""
        marks = (self.restarts if _restarts(action) else "", self._origin(action))
        return ", ".join(filter(None, marks))

    def loss(self, action: Action) -> str:
        """What is lost with it for good (Neon: a deleted snapshot cannot be recovered); may be empty."""
        return self.for_good if isinstance(action, DeleteSnapshot) else ""

    def gap(self, action: Action, following: Action | None) -> str:
        """What is to be said of the moment between a snapshot that gives way and the next one; may be empty."""
        name = copies.successor(action, following)
        return "" if name is None else self.uncovered.format(name)

    def proof(self, action: Action) -> tuple[str, ...]:
        """What the action rests on, where it needs a proof."""
        return tuple(map(printable, action.proof)) if isinstance(action, DeleteDuplicate) else ()

    def _origin(self, action: Action) -> str:
        """Of an action that is itself the change, so that no field beside it can say where it comes from."""
        match action:
            case CreateProject() | PatchProject() | PatchEndpoint() | PatchBranch() | DeleteDuplicate():
                return ""
            case RecoverProject() | TransferProject() | DeleteProject():
                pass
            case CreateBranch() | DeleteBranch():
                pass
            case CreateSnapshot() | DeleteSnapshot():
                pass
            case _:
                assert_never(action)
        return self.origins.get(action.changes[0].origin, "") if action.changes else ""

    def change_mark(self, change: FieldChange, action: Action) -> str:
        """What the change does to the tenant and why it is there; may be empty."""
        told_with_action = _restarts(action) and change.risk is Risk.DISRUPTIVE
        marks = (
            self.lowering if change.lowering else "",
            "" if told_with_action else self.risks.get(change.risk, ""),
            self.origins.get(change.origin, ""),
        )
        return ", ".join(filter(None, marks))


def _restarts(action: Action) -> bool:
    """Neon: a change of its size restarts a running compute, and connections drop."""
    return isinstance(action, PatchEndpoint) and action.risk is Risk.DISRUPTIVE


def deed(action: Action, project: LiveProject | None = None) -> str:  # noqa: C901, PLR0911 - one case for each action
    """What carrying it out does: ``transfer from free to paid``."""
    match action:
        case CreateProject():
            return f"create project in {printable(action.organization)}"
        case RecoverProject():
            return f"recover {_deleted(action, project)}"
        case TransferProject():
            return f"transfer from {printable(action.origin)} to {printable(action.destination)}"
        case PatchProject():
            return "patch project"
        case PatchEndpoint():
            return f"patch compute of branch {printable(action.branch)}"
        case CreateBranch() | CreateSnapshot():
            return f"create {copies.called(action)} {copies.origin(action)}"
        case PatchBranch():
            return f"patch branch {printable(action.branch)}"
        case DeleteBranch() | DeleteSnapshot():
            return f"delete {copies.doomed(action, project)}"
        case DeleteDuplicate():
            return f"delete {_second(action)}"
        case DeleteProject():
            return f"delete {_doomed(action, project)}"
        case _:
            assert_never(action)


def finding(action: Action, project: LiveProject | None = None) -> str:  # noqa: C901, PLR0911 - as above
    """What the live side looks like, seen from the files: ``live in free, the files say paid``."""
    match action:
        case CreateProject():
            return f"no live project, the files want one in {printable(action.organization)}"
        case RecoverProject():
            return f"{_deleted(action, project)}, deleted, the files want it back"
        case TransferProject():
            return f"live in {printable(action.origin)}, the files say {printable(action.destination)}"
        case PatchProject():
            return "project"
        case PatchEndpoint():
            return f"compute of branch {printable(action.branch)}"
        case CreateBranch() | CreateSnapshot():
            return f"no live {copies.called(action)}, the files want one {copies.origin(action)}"
        case PatchBranch():
            return f"branch {printable(action.branch)}"
        case DeleteBranch() | DeleteSnapshot():
            return f"{copies.doomed(action, project)}, not declared"
        case DeleteDuplicate():
            return f"{_second(action)}, left by a run that died"
        case DeleteProject():
            return f"{_doomed(action, project)}, the files say absent"
        case _:
            assert_never(action)


def _second(action: DeleteDuplicate) -> str:
    where = f"{printable(action.project_id)} in {printable(action.organization)}"
    return f"second project {printable(action.name)} ({where})"


def _deleted(action: RecoverProject, project: LiveProject | None) -> str:
    return f"{_doomed(action, project)}, recoverable until {action.recoverable_until:%Y-%m-%d %H:%M} UTC"


def _doomed(action: DeleteProject | RecoverProject, project: LiveProject | None) -> str:
    if project is None:
        return f"project {printable(action.project_id)}"
    return f"project {printable(project.name)} ({project_facts(project)})"


PLAN: Final = Voice(
    headings={
        Kind.CREATE: "Create",
        Kind.RECOVER: "Recover",
        Kind.UPGRADE: "Upgrade",
        Kind.DOWNGRADE: "Downgrade",
        Kind.CHANGE: "Change",
        Kind.DELETE: "Delete",
    },
    action=deed,
    live="",
    between=" -> ",
    files="",
    restarts="restarts compute",
    for_good="nothing brings it back",
    uncovered="a moment without cover: until {} is taken, nothing stands in its place",
    lowering="lowering",
    risks={Risk.DISRUPTIVE: "disruptive", Risk.DESTRUCTIVE: "destructive"},
    origins={Origin.DRIFT: "drift"},
)

DRIFT: Final = Voice(
    headings={
        Kind.CREATE: "Missing",
        Kind.RECOVER: "Deleted",
        Kind.UPGRADE: "Below its tier",
        Kind.DOWNGRADE: "Above its tier",
        Kind.CHANGE: "Different",
        Kind.DELETE: "Still live",
    },
    action=finding,
    live="live ",
    between="  ",
    files="files ",
    restarts="",
    for_good="",
    uncovered="",
    lowering="above files",
    risks={},
    origins={Origin.CONFIG: "not applied"},
)
