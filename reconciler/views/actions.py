"""What an action is called in a plan (what will be done) and in a drift report (what was found)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, assert_never

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
from reconciler.plan.summary import Kind
from reconciler.views.safe_text import FormattedText, formatted, joined
from reconciler.views.values import label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.live.project import LiveProject
    from reconciler.model.compute import Compute
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange


Creation: TypeAlias = CreateBranch | CreateSnapshot
Removal: TypeAlias = DeleteBranch | DeleteSnapshot


def thing_and_name(action: Creation | Removal) -> FormattedText:
    """``branch development``, ``snapshot v1.0-stable``."""
    return formatted(f"{action.subject} {{}}", _name(action))


def _name(action: Creation | Removal) -> str:
    return action.branch if isinstance(action, CreateBranch | DeleteBranch) else action.snapshot


def made_from(action: Creation) -> FormattedText:
    """``from main as of 2026-11-19 14:00 UTC  (compute 0.25-1 CU, suspend 5m)``."""
    if isinstance(action, CreateSnapshot):
        return formatted("of {}{}{}", action.branch, _as_of(action), _in_parentheses(_expiry(action)))
    if action.purpose is Purpose.SNAPSHOT:
        facts = [formatted("kept as a branch"), *_expiry(action)]
        return formatted("of {}{}{}", action.parent, _as_of(action), _in_parentheses(facts))
    return formatted("from {}{}{}", action.parent, _as_of(action), _in_parentheses(_branch_facts(action)))


def deleted_thing(action: Removal, project: LiveProject | None) -> FormattedText:
    """``snapshot nightly-3 (snap-0a1b, taken 2026-11-01)``: what a person needs to know before it is deleted."""
    if isinstance(action, DeleteBranch):
        kept = "kept as branch " if action.purpose is Purpose.SNAPSHOT else ""
        facts = [formatted(f"{kept}{{}}", action.branch_id)] if action.branch_id else []
    else:
        snapshots = (project.snapshots if project else None) or ()
        taken = (formatted(f"taken {s.created_at:%Y-%m-%d}") for s in snapshots if s.id == action.snapshot_id)
        facts = [formatted("{}", action.snapshot_id), *taken]
    return formatted("{}{}", thing_and_name(action), _in_parentheses(facts, gap=" "))


def replacement(action: Action, following: Action | None) -> str | None:
    """The name of the snapshot that the next action creates in the place of this one, if it does."""
    if not isinstance(following, Creation) or (action.subject, action.verb) != ("snapshot", "delete"):
        return None
    return _name(following) if following.subject == "snapshot" else None


def utc_time(at: datetime) -> str:
    """``2026-11-20 12:00 UTC``; with seconds if they are not zero."""
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
    """The words of a plan, or of a drift report. An empty word is left out."""

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
    permanent: str
    """Marks an action that cannot be undone."""
    no_snapshot_until: str
    """Names the new snapshot if the old one is deleted first."""
    reduces: str
    """Marks a change that takes something from the tenant; ``{}`` is the name of the field."""
    risks: Mapping[Risk, str]
    origins: Mapping[Origin, str]

    def action_mark(self, action: Action) -> str:
        """The mark of the whole action; may be empty."""
        labels = (self.restarts if _restarts(action) else "", self._origin(action))
        return ", ".join(filter(None, labels))

    def loss(self, action: Action) -> str:
        """The mark of a deletion that cannot be undone (Neon: of a snapshot); may be empty."""
        return self.permanent if isinstance(action, DeleteSnapshot) else ""

    def gap(self, action: Action, following: Action | None) -> FormattedText:
        """A warning if a snapshot is deleted before its replacement is created; may be empty."""
        name = replacement(action, following)
        return (
            formatted(self.no_snapshot_until, name)
            if name is not None and self.no_snapshot_until
            else FormattedText()
        )

    def proof(self, action: Action) -> tuple[str, ...]:
        """Why the action is safe, for an action that needs proof."""
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
            self.reduces.format(_field(change.path)) if change.lowering else "",
            "" if told_with_action else self.risks.get(change.risk, ""),
            self.origins.get(change.origin, ""),
        )
        return ", ".join(filter(None, labels))


def _field(path: str) -> str:
    """``data transfer``, ``max CU``, ``lifetime``: what a change of the field reduces."""
    name = label(path).rpartition(".")[2]
    return "lifetime" if name == "expires_at" else name.replace("_", " ").replace(" cu", " CU")


def _restarts(action: Action) -> bool:
    """Neon: a change of its size restarts a running compute, and connections drop."""
    return isinstance(action, PatchEndpoint) and action.risk is Risk.DISRUPTIVE


def will_do(action: Action, project: LiveProject | None = None) -> FormattedText:
    """What the action does: ``transfer from free to paid``."""
    return _described(action, project).planned


def was_found(action: Action, project: LiveProject | None = None) -> FormattedText:
    """How live differs from the files: ``live in free; the files say paid``."""
    return _described(action, project).found


class _Described(NamedTuple):
    """An action in a plan, and in a drift report."""

    planned: FormattedText
    found: FormattedText


def _described(  # noqa: C901, PLR0911 - one case for each action
    action: Action, project: LiveProject | None
) -> _Described:
    match action:
        case CreateProject():
            return _Described(
                formatted("create project in {}", action.organization),
                formatted("no live project; the files declare one in {}", action.organization),
            )
        case RecoverProject():
            name = _deleted(action, project)
            return _Described(formatted("recover {}", name), formatted("{}, deleted; the files recover it", name))
        case AdoptProject():
            name = _named(action, project)
            return _Described(formatted("adopt {}", name), formatted("{}, found by name only", name))
        case TransferProject():
            route = (action.origin, action.destination)
            return _Described(
                formatted("transfer from {} to {}", *route), formatted("live in {}; the files say {}", *route)
            )
        case PatchProject():
            return _Described(formatted("patch project"), formatted("project"))
        case PatchEndpoint():
            name = formatted("compute of branch {}", action.branch)
            return _Described(formatted("patch {}", name), name)
        case PatchBranch():
            name = formatted("branch {}", action.branch)
            return _Described(formatted("patch {}", name), name)
        case CreateBranch() | CreateSnapshot():
            made = (thing_and_name(action), made_from(action))
            return _Described(
                formatted("create {} {}", *made), formatted("no live {}; the files declare one {}", *made)
            )
        case DeleteBranch() | DeleteSnapshot():
            name = deleted_thing(action, project)
            return _Described(formatted("delete {}", name), formatted("{}, not declared", name))
        case DeleteDuplicate():
            name = _second(action)
            return _Described(formatted("delete {}", name), formatted("{}, left by a run that died", name))
        case DeleteProject():
            name = _named(action, project)
            return _Described(formatted("delete {}", name), formatted("{}; the files say absent", name))
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
    """What to know before a project is deleted: ``quiet-sun-1 in free, 31.5 MB, last active 2026-10-01``."""
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
    permanent="permanent",
    no_snapshot_until="no snapshot exists until {} is created",
    reduces="reduces {}",
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
    permanent="",
    no_snapshot_until="",
    reduces="above files",
    risks={},
    origins={Origin.CONFIG: "not applied", Origin.BASE_AHEAD: "the base is ahead of these files"},
)
