"""The two ways to speak of a difference: a plan says what will be done, a drift report what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from reconciler.plan.action import (
    Action,
    AdoptProject,
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
from reconciler.views.phrase import Phrase, phrase
from reconciler.views.wording import project_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.live.project import LiveProject
    from reconciler.plan.change import FieldChange


@dataclass(frozen=True, slots=True)
class Voice:
    """The words of one kind of view. A mark without a word is left out."""

    headings: Mapping[Kind, str]
    action: Callable[[Action, LiveProject | None], Phrase]
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

    def gap(self, action: Action, following: Action | None) -> Phrase:
        """What is to be said of the moment between a snapshot that gives way and the next one; may be empty."""
        name = copies.successor(action, following)
        return phrase(self.uncovered, name) if name is not None and self.uncovered else Phrase()

    def proof(self, action: Action) -> tuple[str, ...]:
        """What the action rests on, where it needs a proof."""
        return action.proof if isinstance(action, DeleteDuplicate) else ()

    def _origin(self, action: Action) -> str:
        """Of an action that is itself the change, so that no field beside it can say where it comes from."""
        match action:
            case CreateProject() | PatchProject() | PatchEndpoint() | PatchBranch() | DeleteDuplicate():
                return ""
            case AdoptProject():
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


def deed(  # noqa: C901, PLR0911 - one case for each action
    action: Action, project: LiveProject | None = None
) -> Phrase:
    """What carrying it out does: ``transfer from free to paid``."""
    match action:
        case CreateProject():
            return phrase("create project in {}", action.organization)
        case RecoverProject():
            return phrase("recover {}", _deleted(action, project))
        case AdoptProject():
            return phrase("adopt {}", _named(action, project))
        case TransferProject():
            return phrase("transfer from {} to {}", action.origin, action.destination)
        case PatchProject():
            return phrase("patch project")
        case PatchEndpoint():
            return phrase("patch compute of branch {}", action.branch)
        case CreateBranch() | CreateSnapshot():
            return phrase("create {} {}", copies.called(action), copies.origin(action))
        case PatchBranch():
            return phrase("patch branch {}", action.branch)
        case DeleteBranch() | DeleteSnapshot():
            return phrase("delete {}", copies.doomed(action, project))
        case DeleteDuplicate():
            return phrase("delete {}", _second(action))
        case DeleteProject():
            return phrase("delete {}", _named(action, project))
        case _:
            assert_never(action)


def finding(  # noqa: C901, PLR0911 - one case for each action
    action: Action, project: LiveProject | None = None
) -> Phrase:
    """What the live side looks like, seen from the files: ``live in free, the files say paid``."""
    match action:
        case CreateProject():
            return phrase("no live project, the files want one in {}", action.organization)
        case RecoverProject():
            return phrase("{}, deleted, the files want it back", _deleted(action, project))
        case AdoptProject():
            return phrase("{}, found by its name alone", _named(action, project))
        case TransferProject():
            return phrase("live in {}, the files say {}", action.origin, action.destination)
        case PatchProject():
            return phrase("project")
        case PatchEndpoint():
            return phrase("compute of branch {}", action.branch)
        case CreateBranch() | CreateSnapshot():
            return phrase("no live {}, the files want one {}", copies.called(action), copies.origin(action))
        case PatchBranch():
            return phrase("branch {}", action.branch)
        case DeleteBranch() | DeleteSnapshot():
            return phrase("{}, not declared", copies.doomed(action, project))
        case DeleteDuplicate():
            return phrase("{}, left by a run that died", _second(action))
        case DeleteProject():
            return phrase("{}, the files say absent", _named(action, project))
        case _:
            assert_never(action)


def _second(action: DeleteDuplicate) -> Phrase:
    return phrase("second project {} ({} in {})", action.name, action.project_id, action.organization)


def _deleted(action: RecoverProject, project: LiveProject | None) -> Phrase:
    until = f", recoverable until {action.recoverable_until:%Y-%m-%d %H:%M} UTC"
    return phrase("{}{}", _named(action, project), phrase(until))


def _named(action: DeleteProject | RecoverProject | AdoptProject, project: LiveProject | None) -> Phrase:
    if project is None:
        return phrase("project {}", action.project_id)
    return phrase("project {} ({})", project.name, project_facts(project))


PLAN: Final = Voice(
    headings={
        Kind.CREATE: "Create",
        Kind.RECOVER: "Recover",
        Kind.ADOPT: "Adopt",
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
    origins={Origin.DRIFT: "drift", Origin.BASE_AHEAD: "base ahead"},
)

DRIFT: Final = Voice(
    headings={
        Kind.CREATE: "Missing",
        Kind.RECOVER: "Deleted",
        Kind.ADOPT: "Not adopted",
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
    origins={Origin.CONFIG: "not applied", Origin.BASE_AHEAD: "the base is ahead of these files"},
)
