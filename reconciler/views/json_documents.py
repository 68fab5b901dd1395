"""The JSON documents: everything that the text views tell, for machines. Units stand in the field names."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never

import msgspec

from reconciler.plan.action import CreateProject, DeleteProject, PatchEndpoint, PatchProject, TransferProject
from reconciler.plan.change import JsonText
from reconciler.plan.outcome import Result
from reconciler.views.grouping import by_kind, differing, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from reconciler.desired.problem import Location, Problem
    from reconciler.live.project import LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.change import FieldChange, Value
    from reconciler.plan.outcome import ActionOutcome, Report, TenantOutcome
    from reconciler.plan.plan import Conflict, Note, Orphan, Plan, Refusal, TenantPlan

FORMAT_VERSION: Final = 1
"""Grows when a reader of an older version would misunderstand; new keys do not count."""

Document: TypeAlias = dict[str, Any]


def plan(planned: Plan) -> str:
    """The plan: what apply would do."""
    return _text("plan", planned, planned.tenants)


def drift(planned: Plan) -> str:
    """The drift report: every tenant that differs, whether apply would repair it or not."""
    return _text("drift", planned, differing(planned))


def report(applied: Report) -> str:
    """What became of every tenant."""
    return _serialise(
        "report",
        {
            "run": applied.run,
            "started_at": _time(applied.started_at),
            "finished_at": _time(applied.finished_at),
            "calls": applied.calls,
            "counts": {result.value: applied.count(result) for result in Result},
            "stopped": applied.stopped,
            "stopped_by": applied.stopped_by and applied.stopped_by.name.lower(),
            "tenants": [_tenant_outcome(outcome) for outcome in applied.outcomes],
        },
    )


def problems(found: Iterable[Problem]) -> str:
    """What is wrong with the files."""
    ordered = sorted(found, key=lambda problem: (problem.location, problem.message))
    return _serialise("problems", {"problems": [_problem(problem) for problem in ordered]})


def _text(kind: str, planned: Plan, tenants: Sequence[TenantPlan]) -> str:
    return _serialise(
        kind,
        {
            "fleet": planned.fleet,
            "counts": _counts(planned, tenants),
            "tenants": [_tenant(tenant) for tenant in tenants],
            "refusals": [_refusal(refusal) for refusal in planned.refusals],
            "conflicts": [_conflict(conflict) for conflict in planned.conflicts],
            "orphans": [_orphan(orphan) for orphan in planned.orphans],
            "notes": [_note(note) for note in planned.notes],
            "coverage": asdict(planned.coverage),
            "budget": asdict(planned.budget),
        },
    )


def _counts(planned: Plan, tenants: Sequence[TenantPlan]) -> Document:
    return {
        **{kind.value: len(members) for kind, members in by_kind(tenants).items()},
        "refusals": len(planned.refusals),
        "conflicts": len(planned.conflicts),
        "orphans": len(planned.orphans),
    }


def _tenant(tenant: TenantPlan) -> Document:
    return {
        "tenant": tenant.tenant,
        "kind": kind_of(tenant.actions).value,
        "project": None if tenant.project is None else _project(tenant.project),
        "actions": [_action(action) for action in tenant.actions],
    }


def _project(project: LiveProject) -> Document:
    return {
        "id": project.id,
        "name": project.name,
        "organization": project.organization,
        "storage_bytes": project.storage_bytes,
        "last_active_at": project.last_active_at and _time(project.last_active_at),
    }


def _action(action: Action) -> Document:
    return {
        "tenant": action.tenant,
        "kind": action.kind,
        **_own(action),
        "reason": action.reason,
        "risk": action.risk.name.lower(),
        "lowering": action.lowering,
        "changes": [_change(change) for change in action.changes],
        "source": _location(action.source),
    }


def _own(action: Action) -> Document:
    """What only this kind of action has."""
    match action:
        case CreateProject():
            return {"organization": action.organization}
        case TransferProject():
            return {
                "origin": action.origin,
                "destination": action.destination,
                "downgrade": action.downgrade,
            }
        case PatchProject():
            return {"before_transfer": action.before_transfer, "companions": _companions(action)}
        case PatchEndpoint():
            own: Document = {"branch": action.branch, "before_transfer": action.before_transfer}
            return own | {"companions": _companions(action)}
        case DeleteProject():
            return {"project_id": action.project_id}
        case _:
            assert_never(action)


def _companions(action: PatchProject | PatchEndpoint) -> Document:
    return {path: _value(value) for path, value in action.companions}


def _change(change: FieldChange) -> Document:
    return {
        "path": change.path,
        "before": _value(change.before),
        "after": _value(change.after),
        "risk": change.risk.name.lower(),
        "lowering": change.lowering,
        "origin": change.origin.value,
    }


def _value(value: Value) -> Any:
    return value.value if isinstance(value, JsonText) else value


def _refusal(refusal: Refusal) -> Document:
    return {
        "rule": refusal.rule.value,
        "tenants": list(refusal.tenants),
        "message": refusal.message,
        "remedy": refusal.remedy,
        "actions": [_action(action) for action in refusal.actions],
    }


def _conflict(conflict: Conflict) -> Document:
    return {
        "tenant": conflict.tenant,
        "message": conflict.message,
        "remedy": conflict.remedy,
        "source": _location(conflict.source),
    }


def _orphan(orphan: Orphan) -> Document:
    return {"tenant": orphan.tenant, "owned": orphan.owned, "project": _project(orphan.project)}


def _note(note: Note) -> Document:
    source = None if note.source is None else _location(note.source)
    return {"tenant": note.tenant, "message": note.message, "source": source}


def _tenant_outcome(outcome: TenantOutcome) -> Document:
    return {
        "tenant": outcome.tenant,
        "result": outcome.result.value,
        "project_id": outcome.project_id,
        "recoverable_until": outcome.recoverable_until and _time(outcome.recoverable_until),
        "actions": [_action_outcome(one) for one in outcome.actions],
    }


def _action_outcome(outcome: ActionOutcome) -> Document:
    return {
        "result": outcome.result.value,
        "message": outcome.message,
        "hint": outcome.hint,
        "request_id": outcome.request_id,
        "action": _action(outcome.action),
    }


def _problem(problem: Problem) -> Document:
    return {
        "severity": problem.severity.value,
        **_location(problem.location),
        "column": problem.location.column,
        "message": problem.message,
        "hint": problem.hint,
    }


def _location(location: Location) -> Document:
    return {"file": location.file, "line": location.line}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _serialise(kind: str, content: Document) -> str:
    """ASCII only, with every control character escaped."""
    document = {"format_version": FORMAT_VERSION, "kind": kind, **content}
    return _indented(document) + "\n"


def _indented(document: Document) -> str:
    """msgspec indents several times as fast as json, but refuses halves of surrogate pairs (in file names)."""
    try:
        return msgspec.json.format(json.dumps(document), indent=2)
    except msgspec.DecodeError:
        return json.dumps(document, indent=2)
