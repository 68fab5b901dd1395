"""The words for an action in a plan (what will be done) and in a drift report (what was found)."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from rich.filesize import decimal

from reconciler.model.annotations import Purpose
from reconciler.model.compute import NEVER_SUSPEND
from reconciler.model.units import NEVER, format_cu, format_seconds
from reconciler.plan.actions.branch import (
    IDLE_SINCE,
    BranchAction,
    CreateBranch,
    DeleteBranch,
    PatchBranch,
    ResetBranch,
    ResetPassword,
)
from reconciler.plan.actions.compute import (
    ComputeAction,
    CreateReplica,
    DeleteReplica,
    PatchEndpoint,
    SuspendCompute,
)
from reconciler.plan.actions.contents import (
    ContentAction,
    CreateDatabase,
    CreateRole,
    DeleteDatabase,
    DeleteRole,
    PatchDatabase,
)
from reconciler.plan.actions.project import (
    AdoptProject,
    CreateProject,
    DeleteDuplicate,
    DeleteProject,
    PatchProject,
    ProjectAction,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.actions.restore import FinalizeRestore, Restore, RestoreBranch, RestoreSnapshot
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot, PreviewSnapshot, SnapshotAction
from reconciler.views.formatted_text import FormattedText, formatted, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.live.project import LiveProject
    from reconciler.model.compute import Compute
    from reconciler.plan.action import Action


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
        facts = [*([formatted("{}", action.snapshot_id)] if action.snapshot_id else []), *taken]
    return formatted("{}{}", thing_and_name(action), _in_parentheses(facts, gap=" "))


def replacement(action: Action, following: Action | None) -> str | None:
    """The name of the snapshot that the next action creates instead of the deleted one, if it does."""
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
    if action.protected:
        yield formatted("protected")
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
    if compute.pg_settings is not None:
        yield formatted("pg_settings {}", compute.pg_settings.text)


def _size(smallest: float | None, largest: float | None) -> str:
    if smallest is None or largest is None or smallest == largest:
        size = largest if largest is not None else smallest
        return "" if size is None else format_cu(size)
    return f"{format_cu(smallest)}-{format_cu(largest)}"


def _expiry(action: Creation) -> Iterator[FormattedText]:
    if action.expires_at is not None:
        yield formatted(f"expires {utc_time(action.expires_at)}")


def _in_parentheses(facts: Iterable[FormattedText], gap: str = "  ") -> FormattedText:
    inside = joined(facts)
    return formatted(f"{gap}({{}})", inside) if inside else inside


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


def _described(action: Action, project: LiveProject | None) -> _Described:
    if isinstance(action, ProjectAction):
        return _project_action(action, project)
    if isinstance(action, ComputeAction):
        return _compute_action(action)
    if isinstance(action, BranchAction):
        return _branch_action(action, project)
    if isinstance(action, ContentAction):
        return _content_action(action)
    if isinstance(action, SnapshotAction):
        return _snapshot_action(action, project)
    return _restore_action(action)


def _project_action(  # noqa: PLR0911 - one case for each action
    action: ProjectAction, project: LiveProject | None
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
        case DeleteDuplicate():
            name = _second(action)
            return _Described(formatted("delete {}", name), formatted("{}, left by a run that died", name))
        case DeleteProject():
            name = _named(action, project)
            return _Described(formatted("delete {}", name), formatted("{}; the files say absent", name))


def _compute_action(action: ComputeAction) -> _Described:
    match action:
        case PatchEndpoint():
            name = _compute(action)
            return _Described(formatted("patch {}", name), name)
        case SuspendCompute():
            name = formatted(
                "compute {}of branch {}", f"{action.endpoint_id} " if action.endpoint_id else "", action.branch
            )
            return _Described(formatted("suspend {}", name), formatted("{} runs; the files suspend it", name))
        case CreateReplica():
            facts = _in_parentheses(_compute_facts(action.compute))
            name = formatted("read replica {} of branch {}{}", action.replica, action.branch, facts)
            return _Described(formatted("create {}", name), formatted("no live {}; the files declare it", name))
        case DeleteReplica():
            name = formatted(
                "read replica {} of branch {} ({})", action.replica, action.branch, action.endpoint_id
            )
            return _Described(formatted("delete {}", name), formatted("{}, not declared", name))


def _branch_action(action: BranchAction, project: LiveProject | None) -> _Described:
    match action:
        case CreateBranch():
            return _creation(action)
        case PatchBranch():
            name = formatted("branch {}", action.branch)
            return _Described(formatted("patch {}", name), name)
        case ResetBranch():
            name = formatted("branch {} to {}", action.branch, _reset_to(action))
            return _Described(formatted("reset {}", name), formatted("{}, not reset", name))
        case DeleteBranch():
            return _removal(action, project)
        case ResetPassword():
            name = formatted("password of role {} on branch {}", action.role, action.branch)
            return _Described(formatted("reset {}", name), name)


def _content_action(action: ContentAction) -> _Described:
    match action:
        case CreateRole():
            name = formatted("role {} on branch {}", action.role, action.branch)
            return _Described(formatted("create {}", name), formatted("no live {}; the files declare one", name))
        case CreateDatabase():
            name = formatted("database {} on branch {}", action.database, action.branch)
            new = formatted("create {}  (owner {})", name, action.owner)
            return _Described(new, formatted("no live {}; the files declare one", name))
        case PatchDatabase():
            name = formatted("database {} of branch {}", action.database, action.branch)
            return _Described(formatted("patch {}", name), name)
        case DeleteDatabase():
            name = formatted("database {} of branch {}", action.database, action.branch)
            return _Described(formatted("delete {}", name), formatted("{}, no longer declared", name))
        case DeleteRole():
            name = formatted("role {} of branch {}", action.role, action.branch)
            return _Described(formatted("delete {}", name), formatted("{}, no longer declared", name))


def _snapshot_action(action: SnapshotAction, project: LiveProject | None) -> _Described:
    match action:
        case CreateSnapshot():
            return _creation(action)
        case DeleteSnapshot():
            return _removal(action, project)
        case PreviewSnapshot():
            name = formatted("branch {} of snapshot {} ({})", action.branch, action.snapshot, action.snapshot_id)
            return _Described(formatted("create {}", name), formatted("no live {}", name))


def _restore_action(action: Restore) -> _Described:
    name = _restored(action)
    return _Described(formatted("restore {}", name), formatted("{}, not restored", name))


def _creation(action: Creation) -> _Described:
    made = (thing_and_name(action), made_from(action))
    return _Described(formatted("create {} {}", *made), formatted(f"no live {{}}; {_wanted(action)} {{}}", *made))


def _removal(action: Removal, project: LiveProject | None) -> _Described:
    name = deleted_thing(action, project)
    found = "unused" if action.reason.startswith(IDLE_SINCE) else "not declared"
    return _Described(formatted("delete {}", name), formatted(f"{{}}, {found}", name))


def _wanted(creation: Creation) -> str:
    return "the files declare one" if creation.occasion is None else "one is taken before a change,"


def _compute(action: PatchEndpoint) -> FormattedText:
    if action.replica is None:
        return formatted("compute of branch {}", action.branch)
    return formatted("read replica {} of branch {}", action.replica, action.branch)


def _reset_to(action: ResetBranch) -> FormattedText:
    if action.replaced_parent is None:
        return formatted("its parent {}", action.parent)
    return formatted("{}, which is in the place of its parent {}", action.parent, action.replaced_parent)


def _restored(action: Restore) -> FormattedText:
    match action:
        case RestoreBranch():
            own = action.from_branch_id == action.branch_id
            source = FormattedText() if own else formatted(" from branch {}", action.from_branch)
            return formatted("branch {}{}{}", action.branch, source, _moment(action.at))
        case RestoreSnapshot():
            return formatted("branch {} from snapshot {} ({})", action.branch, action.snapshot, action.snapshot_id)
        case FinalizeRestore():
            return formatted("branch {} from branch {}", action.branch, action.preview)


def _moment(at: datetime | None) -> FormattedText:
    return formatted("" if at is None else f" to {utc_time(at)}")


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
    where = formatted("in {}", project.organization)
    facts = [formatted("{} {}", project.id, where) if project.id else where]
    if project.storage_bytes is not None:
        facts.append(formatted(decimal(project.storage_bytes)))
    if project.last_active_at is not None:
        facts.append(formatted(f"last active {project.last_active_at:%Y-%m-%d}"))
    return joined(facts)
