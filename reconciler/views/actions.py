"""What an action is called in a plan (what will be done) and in a drift report (what was found)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias, assert_never

from rich.filesize import decimal

from reconciler.model.annotations import Purpose
from reconciler.model.compute import NEVER_SUSPEND
from reconciler.model.units import NEVER, format_cu, format_seconds
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
from reconciler.views.grouping import Kind
from reconciler.views.safe_text import FormattedText, formatted, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.live.project import LiveProject
    from reconciler.model.compute import Compute
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange


class Thing(Enum):
    """What a copy is to its tenant, however it is kept."""

    BRANCH = "branch"
    SNAPSHOT = "snapshot"


class Verb(Enum):
    """What happens to a copy."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"


Creation: TypeAlias = CreateBranch | CreateSnapshot
Removal: TypeAlias = DeleteBranch | DeleteSnapshot


def thing_and_verb(action: Action) -> tuple[Thing, Verb] | None:
    """What the action does to which kind of copy; None where it is about no copy."""
    match action:
        case CreateBranch():
            return _thing(action.purpose), Verb.CREATE
        case PatchBranch():
            return Thing.BRANCH, Verb.CHANGE
        case DeleteBranch():
            return _thing(action.purpose), Verb.DELETE
        case CreateSnapshot():
            return Thing.SNAPSHOT, Verb.CREATE
        case DeleteSnapshot():
            return Thing.SNAPSHOT, Verb.DELETE
        case (
            CreateProject()
            | RecoverProject()
            | AdoptProject()
            | TransferProject()
            | PatchProject()
            | PatchEndpoint()
            | DeleteProject()
            | DeleteDuplicate()
        ):
            return None
        case _:
            assert_never(action)


def _thing(purpose: Purpose) -> Thing:
    match purpose:
        case Purpose.DEV_BRANCH:
            return Thing.BRANCH
        case Purpose.SNAPSHOT:
            return Thing.SNAPSHOT
        case _:
            assert_never(purpose)


def count_branches_and_snapshots(actions: Iterable[Action]) -> Counter[tuple[Thing, Verb]]:
    """How many copies of each kind are created, changed and deleted."""
    return Counter(filter(None, map(thing_and_verb, actions)))


def thing_and_name(action: Creation | Removal) -> FormattedText:
    """``branch development``, ``snapshot v1.0-stable``."""
    noun = _thing(action.purpose) if isinstance(action, CreateBranch | DeleteBranch) else Thing.SNAPSHOT
    return formatted(f"{noun.value} {{}}", _name(action))


def _name(action: Creation | Removal) -> str:
    match action:
        case CreateBranch() | DeleteBranch():
            return action.branch
        case CreateSnapshot() | DeleteSnapshot():
            return action.snapshot
        case _:
            assert_never(action)


def made_from(action: Creation) -> FormattedText:
    """``from main as of 2026-11-19 14:00 UTC  (compute 0.25-1 CU, suspend 5m)``."""
    match action:
        case CreateBranch(purpose=Purpose.SNAPSHOT):
            facts = [formatted("kept as a branch"), *_expiry(action)]
            return formatted("of {}{}{}", action.parent, _as_of(action), _in_parentheses(facts))
        case CreateBranch():
            return formatted("from {}{}{}", action.parent, _as_of(action), _in_parentheses(_branch_facts(action)))
        case CreateSnapshot():
            return formatted("of {}{}{}", action.branch, _as_of(action), _in_parentheses(_expiry(action)))
        case _:
            assert_never(action)


def deleted_thing(action: Removal, project: LiveProject | None) -> FormattedText:
    """``snapshot nightly-3 (snap-0a1b, taken 2026-11-01)``: what one wants to know before it goes."""
    match action:
        case DeleteBranch():
            kept = "kept as branch " if action.purpose is Purpose.SNAPSHOT else ""
            facts = [formatted(f"{kept}{{}}", action.branch_id)] if action.branch_id else []
        case DeleteSnapshot():
            snapshots = (project.snapshots if project else None) or ()
            taken = (formatted(f"taken {s.created_at:%Y-%m-%d}") for s in snapshots if s.id == action.snapshot_id)
            facts = [formatted("{}", action.snapshot_id), *taken]
        case _:
            assert_never(action)
    return formatted("{}{}", thing_and_name(action), _in_parentheses(facts, gap=" "))


def replacement(action: Action, following: Action | None) -> str | None:
    """The snapshot for which this one makes room, where it is taken right afterwards."""
    if not isinstance(following, Creation) or thing_and_verb(action) != (Thing.SNAPSHOT, Verb.DELETE):
        return None
    return _name(following) if thing_and_verb(following) == (Thing.SNAPSHOT, Verb.CREATE) else None


def utc_time(at: datetime) -> str:
    """``2026-11-20 12:00 UTC``; with seconds where there are any."""
    return f"{at.astimezone(UTC):{'%Y-%m-%d %H:%M:%S' if at.second else '%Y-%m-%d %H:%M'}} UTC"


def _as_of(action: Creation) -> FormattedText:
    return formatted("" if action.at is None else f" as of {utc_time(action.at)}")


def _branch_facts(action: CreateBranch) -> Iterator[FormattedText]:
    if action.schema_only:
        yield formatted("schema only")
    if not action.with_compute:
        yield formatted("no compute")
    elif action.compute is not None:
        yield from _compute_facts(action.compute)
    yield from _expiry(action)


def _compute_facts(compute: Compute) -> Iterator[FormattedText]:
    if size := _size(compute.min_cu, compute.max_cu):
        yield formatted(f"compute {size} CU")
    if compute.suspend_timeout_seconds is not None:
        never = compute.suspend_timeout_seconds == NEVER_SUSPEND
        yield formatted(f"suspend {NEVER if never else format_seconds(compute.suspend_timeout_seconds)}")


def _size(smallest: float | None, largest: float | None) -> str:
    if smallest is None or largest is None or smallest == largest:
        size = largest if largest is not None else smallest
        return "" if size is None else format_cu(size)
    return f"{format_cu(smallest)}-{format_cu(largest)}"


def _expiry(action: Creation) -> Iterator[FormattedText]:
    if action.expires_at is not None:
        yield formatted(f"expires {utc_time(action.expires_at)}")


def _in_parentheses(facts: Iterable[FormattedText], gap: str = "  ") -> FormattedText:
    told = joined(facts)
    return formatted(f"{gap}({{}})", told) if told else told


@dataclass(frozen=True, slots=True)
class Perspective:
    """The words of one kind of view. A mark without a word is left out."""

    headings: Mapping[Kind, str]
    action: Callable[[Action, LiveProject | None], FormattedText]
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

    def gap(self, action: Action, following: Action | None) -> FormattedText:
        """What is to be said of the moment between a snapshot that gives way and the next one; may be empty."""
        name = replacement(action, following)
        return formatted(self.uncovered, name) if name is not None and self.uncovered else FormattedText()

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


def will_do(  # noqa: C901, PLR0911 - one case for each action
    action: Action, project: LiveProject | None = None
) -> FormattedText:
    """What carrying it out does: ``transfer from free to paid``."""
    match action:
        case CreateProject():
            return formatted("create project in {}", action.organization)
        case RecoverProject():
            return formatted("recover {}", _deleted(action, project))
        case AdoptProject():
            return formatted("adopt {}", _named(action, project))
        case TransferProject():
            return formatted("transfer from {} to {}", action.origin, action.destination)
        case PatchProject():
            return formatted("patch project")
        case PatchEndpoint():
            return formatted("patch compute of branch {}", action.branch)
        case CreateBranch() | CreateSnapshot():
            return formatted("create {} {}", thing_and_name(action), made_from(action))
        case PatchBranch():
            return formatted("patch branch {}", action.branch)
        case DeleteBranch() | DeleteSnapshot():
            return formatted("delete {}", deleted_thing(action, project))
        case DeleteDuplicate():
            return formatted("delete {}", _second(action))
        case DeleteProject():
            return formatted("delete {}", _named(action, project))
        case _:
            assert_never(action)


def was_found(  # noqa: C901, PLR0911 - one case for each action
    action: Action, project: LiveProject | None = None
) -> FormattedText:
    """What the live side looks like, seen from the files: ``live in free, the files say paid``."""
    match action:
        case CreateProject():
            return formatted("no live project, the files want one in {}", action.organization)
        case RecoverProject():
            return formatted("{}, deleted, the files want it back", _deleted(action, project))
        case AdoptProject():
            return formatted("{}, found by its name alone", _named(action, project))
        case TransferProject():
            return formatted("live in {}, the files say {}", action.origin, action.destination)
        case PatchProject():
            return formatted("project")
        case PatchEndpoint():
            return formatted("compute of branch {}", action.branch)
        case CreateBranch() | CreateSnapshot():
            return formatted("no live {}, the files want one {}", thing_and_name(action), made_from(action))
        case PatchBranch():
            return formatted("branch {}", action.branch)
        case DeleteBranch() | DeleteSnapshot():
            return formatted("{}, not declared", deleted_thing(action, project))
        case DeleteDuplicate():
            return formatted("{}, left by a run that died", _second(action))
        case DeleteProject():
            return formatted("{}, the files say absent", _named(action, project))
        case _:
            assert_never(action)


def _second(action: DeleteDuplicate) -> FormattedText:
    return formatted("second project {} ({} in {})", action.name, action.project_id, action.organization)


def _deleted(action: RecoverProject, project: LiveProject | None) -> FormattedText:
    until = f", recoverable until {action.recoverable_until:%Y-%m-%d %H:%M} UTC"
    return formatted("{}{}", _named(action, project), formatted(until))


def _named(action: DeleteProject | RecoverProject | AdoptProject, project: LiveProject | None) -> FormattedText:
    if project is None:
        return formatted("project {}", action.project_id)
    return formatted("project {} ({})", project.name, project_facts(project))


def project_facts(project: LiveProject) -> FormattedText:
    """What one wants to know before a project goes: ``quiet-sun-1 in free, 31.5 MB, last active 2026-10-01``."""
    facts = [formatted("{} in {}", project.id, project.organization)]
    if project.storage_bytes is not None:
        facts.append(formatted(decimal(project.storage_bytes)))
    if project.last_active_at is not None:
        facts.append(formatted(f"last active {project.last_active_at:%Y-%m-%d}"))
    return joined(facts)


PLAN: Final = Perspective(
    headings={
        Kind.CREATE: "Create",
        Kind.RECOVER: "Recover",
        Kind.ADOPT: "Adopt",
        Kind.UPGRADE: "Upgrade",
        Kind.DOWNGRADE: "Downgrade",
        Kind.CHANGE: "Change",
        Kind.DELETE: "Delete",
    },
    action=will_do,
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

DRIFT: Final = Perspective(
    headings={
        Kind.CREATE: "Missing",
        Kind.RECOVER: "Deleted",
        Kind.ADOPT: "Not adopted",
        Kind.UPGRADE: "Below its tier",
        Kind.DOWNGRADE: "Above its tier",
        Kind.CHANGE: "Different",
        Kind.DELETE: "Still live",
    },
    action=was_found,
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
