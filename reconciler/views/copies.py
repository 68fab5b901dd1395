"""How branches and snapshots are worded: copies of a tenant's data, made from one of its branches."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, assert_never

from reconciler.model.annotations import Purpose
from reconciler.model.compute import NEVER_SUSPEND
from reconciler.model.units import NEVER, format_cu, format_seconds
from reconciler.plan.action import (
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
from reconciler.views.phrase import Phrase, joined, phrase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from reconciler.live.project import LiveProject
    from reconciler.model.compute import Compute
    from reconciler.plan.action import Action


class Noun(Enum):
    """What a copy is to its tenant, however it is kept."""

    BRANCH = "branch"
    SNAPSHOT = "snapshot"


class Verb(Enum):
    """What happens to a copy."""

    CREATE = "create"
    CHANGE = "change"
    DELETE = "delete"


Made: TypeAlias = CreateBranch | CreateSnapshot
Doomed: TypeAlias = DeleteBranch | DeleteSnapshot


def noun_and_verb(action: Action) -> tuple[Noun, Verb] | None:
    """What the action does to which kind of copy; None where it is about no copy."""
    match action:
        case CreateBranch():
            return _noun(action.purpose), Verb.CREATE
        case PatchBranch():
            return Noun.BRANCH, Verb.CHANGE
        case DeleteBranch():
            return _noun(action.purpose), Verb.DELETE
        case CreateSnapshot():
            return Noun.SNAPSHOT, Verb.CREATE
        case DeleteSnapshot():
            return Noun.SNAPSHOT, Verb.DELETE
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


def _noun(purpose: Purpose) -> Noun:
    match purpose:
        case Purpose.DEV_BRANCH:
            return Noun.BRANCH
        case Purpose.SNAPSHOT:
            return Noun.SNAPSHOT
        case _:
            assert_never(purpose)


def count(actions: Iterable[Action]) -> Counter[tuple[Noun, Verb]]:
    """How many copies of each kind are created, changed and deleted."""
    return Counter(filter(None, map(noun_and_verb, actions)))


def called(action: Made | Doomed) -> Phrase:
    """``branch development``, ``snapshot v1.0-stable``."""
    noun = _noun(action.purpose) if isinstance(action, CreateBranch | DeleteBranch) else Noun.SNAPSHOT
    return phrase(f"{noun.value} {{}}", _name(action))


def _name(action: Made | Doomed) -> str:
    match action:
        case CreateBranch() | DeleteBranch():
            return action.branch
        case CreateSnapshot() | DeleteSnapshot():
            return action.snapshot
        case _:
            assert_never(action)


def origin(action: Made) -> Phrase:
    """``from main as of 2026-11-19 14:00 UTC  (compute 0.25-1 CU, suspend 5m)``."""
    match action:
        case CreateBranch(purpose=Purpose.SNAPSHOT):
            facts = [phrase("kept as a branch"), *_expiry(action)]
            return phrase("of {}{}{}", action.parent, _as_of(action), _aside(facts))
        case CreateBranch():
            return phrase("from {}{}{}", action.parent, _as_of(action), _aside(_branch_facts(action)))
        case CreateSnapshot():
            return phrase("of {}{}{}", action.branch, _as_of(action), _aside(_expiry(action)))
        case _:
            assert_never(action)


def doomed(action: Doomed, project: LiveProject | None) -> Phrase:
    """``snapshot nightly-3 (snap-0a1b, taken 2026-11-01)``: what one wants to know before it goes."""
    match action:
        case DeleteBranch():
            kept = "kept as branch " if action.purpose is Purpose.SNAPSHOT else ""
            facts = [phrase(f"{kept}{{}}", action.branch_id)] if action.branch_id else []
        case DeleteSnapshot():
            snapshots = (project.snapshots if project else None) or ()
            taken = (phrase(f"taken {s.created_at:%Y-%m-%d}") for s in snapshots if s.id == action.snapshot_id)
            facts = [phrase("{}", action.snapshot_id), *taken]
        case _:
            assert_never(action)
    return phrase("{}{}", called(action), _aside(facts, gap=" "))


def successor(action: Action, following: Action | None) -> str | None:
    """The snapshot for which this one makes room, where it is taken right afterwards."""
    if not isinstance(following, Made) or noun_and_verb(action) != (Noun.SNAPSHOT, Verb.DELETE):
        return None
    return _name(following) if noun_and_verb(following) == (Noun.SNAPSHOT, Verb.CREATE) else None


def moment(at: datetime) -> str:
    """``2026-11-20 12:00 UTC``; with seconds where there are any."""
    return f"{at.astimezone(UTC):{'%Y-%m-%d %H:%M:%S' if at.second else '%Y-%m-%d %H:%M'}} UTC"


def _as_of(action: Made) -> Phrase:
    return phrase("" if action.at is None else f" as of {moment(action.at)}")


def _branch_facts(action: CreateBranch) -> Iterator[Phrase]:
    if action.schema_only:
        yield phrase("schema only")
    if not action.with_compute:
        yield phrase("no compute")
    elif action.compute is not None:
        yield from _compute_facts(action.compute)
    yield from _expiry(action)


def _compute_facts(compute: Compute) -> Iterator[Phrase]:
    if size := _size(compute.min_cu, compute.max_cu):
        yield phrase(f"compute {size} CU")
    if compute.suspend_timeout_seconds is not None:
        never = compute.suspend_timeout_seconds == NEVER_SUSPEND
        yield phrase(f"suspend {NEVER if never else format_seconds(compute.suspend_timeout_seconds)}")


def _size(smallest: float | None, largest: float | None) -> str:
    if smallest is None or largest is None or smallest == largest:
        size = largest if largest is not None else smallest
        return "" if size is None else format_cu(size)
    return f"{format_cu(smallest)}-{format_cu(largest)}"


def _expiry(action: Made) -> Iterator[Phrase]:
    if action.expires_at is not None:
        yield phrase(f"expires {moment(action.expires_at)}")


def _aside(facts: Iterable[Phrase], gap: str = "  ") -> Phrase:
    told = joined(facts)
    return phrase(f"{gap}({{}})", told) if told else told
