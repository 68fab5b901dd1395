"""A saved plan: the JSON document of a plan, read back."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, NoReturn, get_args

from pydantic import ValidationError

from reconciler.errors import InvalidInputError
from reconciler.files import regular_files
from reconciler.files.action_documents import ACTIONS, value
from reconciler.files.finding import shown
from reconciler.files.json_lines import no_constant, unique_members
from reconciler.files.plan_documents import PlanDocument
from reconciler.files.regular_files import UnreadableError
from reconciler.live.project import LiveProject, LiveSnapshot
from reconciler.plan.approval import Made, SavedPlan
from reconciler.plan.plan import (
    Budget,
    Conflict,
    Coverage,
    FileChange,
    Note,
    Orphan,
    Plan,
    Refusal,
    TenantPlan,
    Unmanaged,
    Waiting,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from reconciler.files.action_documents import ActionDocument
    from reconciler.files.plan_documents import (
        ConflictDocument,
        FileChangeDocument,
        NoteDocument,
        ProjectDocument,
        RefusalDocument,
        SnapshotDocument,
        TenantDocument,
        UnmanagedDocument,
    )
    from reconciler.plan.action import Action

FORMAT_VERSION: Final = 1
"""The one that this release reads."""
MAX_PLAN_BYTES: Final = 2**28
MAX_NUMBER: Final = 2**63
_KINDS: Final = frozenset(kind for model in ACTIONS for kind in get_args(model.model_fields["kind"].annotation))
"""Pydantic puts the kind of an action into paths, where no key stands."""
AGAIN: Final = "make a new one with `reconciler plan --out`"


def read_saved_plan(path: Path, limit: int = MAX_PLAN_BYTES) -> SavedPlan:
    """The plan in the file, or in a pipe of the shell's (``<(...)``, /dev/stdin).

    Raises InvalidInputError, with the place in the document, for what is none.
    """
    name = str(path)
    try:
        data = regular_files.read(path, limit)
    except OSError as error:
        raise InvalidInputError(f"{name}: {error.strerror}", hint=AGAIN) from error
    except UnreadableError as error:
        raise InvalidInputError(f"{name}: {error}", hint=AGAIN) from error
    return parse_saved_plan(data, name)


def parse_saved_plan(data: bytes, name: str) -> SavedPlan:
    """As ``read_saved_plan``; ``name`` is what messages call it."""
    written = _decoded(data, name)
    _check_kind(written, name)
    try:
        document = PlanDocument.model_validate(written)
    except ValidationError as error:
        _refuse(name, *map(_worded, error.errors(include_url=False)))
    plan = _plan(document)
    if contradictions := list(_contradictions(document, plan)):
        _refuse(name, *contradictions)
    return SavedPlan(plan, Made(document.made_at, document.commit, document.base))


def _refuse(name: str, first: str, *more: str) -> NoReturn:
    rest = f" (and {len(more):,} more)" if more else ""
    raise InvalidInputError(f"{name} is no plan that can be used: {first}{rest}", hint=AGAIN)


def _decoded(data: bytes, name: str) -> Any:
    try:
        return json.loads(
            data.decode(),
            object_pairs_hook=unique_members,
            parse_constant=no_constant,
            parse_int=_whole,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        _refuse(name, f"line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}")
    except UnicodeDecodeError:
        _refuse(name, "it is not UTF-8 text")
    except RecursionError:
        _refuse(name, "it is nested too deep")
    except ValueError as error:
        _refuse(name, str(error))


def _whole(text: str) -> int:
    number = int(text) if len(text) <= len(str(MAX_NUMBER)) else MAX_NUMBER
    if abs(number) >= MAX_NUMBER:
        raise ValueError(f"the number {shown(text)} is too large")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {shown(text)} is too large")
    return number


def _check_kind(written: Any, name: str) -> None:
    """Before anything else, so that another document is called by its name."""
    if not isinstance(written, dict) or "kind" not in written or "format_version" not in written:
        _refuse(name, "it is not a document of this program")
    if written["kind"] != "plan":
        _refuse(name, f"kind: {shown(written['kind'])} is not 'plan'")
    version = written["format_version"]
    if type(version) is not int or version != FORMAT_VERSION:
        _refuse(name, f"format_version: this release reads {FORMAT_VERSION}, not {shown(version)}")


def _worded(detail: ErrorDetails) -> str:
    path = _path(detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            return f"{path}: unknown key"
        case "missing":
            return f"{path}: the key is missing"
        case "union_tag_not_found":
            return f"{path}.kind: the key is missing"
        case "union_tag_invalid":
            return f"{path}.kind: {shown(detail['ctx']['tag'])} is no kind of action"
        case "value_error":
            return f"{path}: {detail['ctx']['error']}"
        case _:
            return f"{path}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _path(steps: Sequence[str | int]) -> str:
    """``tenants[0].actions[1].changes[0].path``."""
    path = ""
    for before, step in zip(("", *steps), steps, strict=False):
        if isinstance(step, int):
            path += f"[{step}]"
        elif not (isinstance(before, int) and step in _KINDS):
            path += f".{shown(step)[1:-1]}"
    return path.removeprefix(".")


def _contradictions(document: PlanDocument, plan: Plan) -> Iterator[str]:
    """What no plan of ours says, however the file came to say it."""
    seen: set[str] = set()
    for place, (written, planned) in enumerate(zip(document.tenants, plan.tenants, strict=True)):
        if planned.tenant in seen:
            yield f"tenants[{place}].tenant: {shown(planned.tenant)} stands there twice"
        seen.add(planned.tenant)
        for number, (one, action) in enumerate(zip(written.actions, planned.actions, strict=True)):
            if words := _contradiction(one, action, planned.tenant):
                yield f"tenants[{place}].actions[{number}].{words}"


def _contradiction(document: ActionDocument, action: Action, tenant: str) -> str | None:
    if action.tenant != tenant:
        return f"tenant: {shown(action.tenant)} is not {shown(tenant)}"
    if document.risk != (risk := action.risk.name.lower()):
        return f"risk: {shown(document.risk)} is not what its changes come to: {shown(risk)}"
    if document.lowering != action.lowering:
        return f"lowering: {str(document.lowering).lower()} is not what its changes come to"
    return None


def _plan(document: PlanDocument) -> Plan:
    return Plan(
        fleet=document.fleet,
        tenants=tuple(map(_tenant, document.tenants)),
        refusals=tuple(map(_refusal, document.refusals)),
        conflicts=tuple(map(_conflict, document.conflicts)),
        orphans=tuple(Orphan(_project(one.project), one.tenant, one.owned) for one in document.orphans),
        notes=tuple(map(_note, document.notes)),
        coverage=Coverage(**dict(document.coverage)),
        budget=Budget(**dict(document.budget)),
        unmanaged=tuple(map(_unmanaged, document.unmanaged)),
        file_changes=tuple(map(_file_change, document.file_changes)),
        waiting=tuple(Waiting(**dict(one)) for one in document.waiting),
        organizations=document.organizations,
        api_host=document.api_host,
    )


def _tenant(document: TenantDocument) -> TenantPlan:
    project = None if document.project is None else _project(document.project)
    return TenantPlan(document.tenant, project, _actions(document.actions), document.revision)


def _actions(documents: Sequence[ActionDocument]) -> tuple[Action, ...]:
    return tuple(document.action() for document in documents)


def _project(document: ProjectDocument) -> LiveProject:
    """As far as a plan tells of it: what was seen of its settings is left out."""
    snapshots = document.snapshots
    return LiveProject(
        id=document.id,
        name=document.name,
        organization=document.organization,
        region=document.region,
        pg_version=document.pg_version,
        created_at=document.created_at,
        quota=None,
        compute=None,
        restore_window_seconds=None,
        settings=None,
        storage_bytes=document.storage_bytes,
        last_active_at=document.last_active_at,
        snapshots=None if snapshots is None else tuple(map(_snapshot, snapshots)),
    )


def _snapshot(document: SnapshotDocument) -> LiveSnapshot:
    return LiveSnapshot(**dict(document))


def _refusal(document: RefusalDocument) -> Refusal:
    return Refusal(document.rule, document.tenants, document.message, document.remedy, _actions(document.actions))


def _conflict(document: ConflictDocument) -> Conflict:
    return Conflict(document.tenant, document.message, document.remedy, document.source.location())


def _unmanaged(document: UnmanagedDocument) -> Unmanaged:
    live = tuple((path, None if one is None else value(path, one)) for path, one in document.live.items())
    sources = tuple(source.location() for source in document.sources)
    return Unmanaged(document.path, live, document.tenants, document.tier, document.new_tenants, sources)


def _file_change(document: FileChangeDocument) -> FileChange:
    before, after = (
        None if one is None else value(document.path, one) for one in (document.before, document.after)
    )
    source = document.source.location()
    return FileChange(document.path, before, after, document.effect, document.tenants, source)


def _note(document: NoteDocument) -> Note:
    source = None if document.source is None else document.source.location()
    return Note(document.tenant, document.message, source)
