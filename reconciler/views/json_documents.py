"""The JSON documents: everything that the text views tell, for machines. Units stand in the field names."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias, assert_never

import msgspec
from msgspec import structs

from reconciler.model.moments import rfc3339, rfc3339_exact
from reconciler.model.values import JsonText
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
from reconciler.plan.outcome import Result
from reconciler.views.actions import Thing, Verb, count_branches_and_snapshots
from reconciler.views.grouping import applied_actions, by_kind, differing, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.live.project import LiveProject, LiveSnapshot
    from reconciler.model.problem import Location, Problem
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.approval import Made, Stale
    from reconciler.plan.change import FieldChange
    from reconciler.plan.outcome import ActionOutcome, Deletion, Report, TenantOutcome
    from reconciler.plan.plan import (
        Conflict,
        FileChange,
        Note,
        Orphan,
        Plan,
        Refusal,
        TenantPlan,
        Unmanaged,
        Waiting,
    )

FORMAT_VERSION: Final = 1
"""Grows when a reader of an older version would misunderstand; new keys do not count."""

Document: TypeAlias = dict[str, Any]

_MARKS: Final = re.compile(r"#(?=#)|(?<=section_start):|(?<=section_end):")
"""They stand in strings alone: ``##[error]``, ``##vso[...]``, ``##teamcity[...]``, ``section_start:...``."""


def plan(planned: Plan, made: Made) -> str:
    """The plan: what apply would do. It is complete: ``reconciler.files.saved_plan`` reads it back."""
    about = {"made_at": rfc3339(made.at), "commit": made.commit, "base": made.base}
    files_alone = {
        "unmanaged": list(map(_unmanaged, planned.unmanaged)),
        "file_changes": list(map(_file_change, planned.file_changes)),
        "waiting": list(map(_waiting, planned.waiting)),
    }
    return _text("plan", planned, planned.tenants, about, files_alone)


def drift(planned: Plan) -> str:
    """The drift report: every tenant that differs, whether apply would repair it or not."""
    return _text("drift", planned, differing(planned), {}, {})


def report(applied: Report, stale: Sequence[Stale] = ()) -> str:
    """What became of every tenant, and of which the saved plan did not permit what would be done."""
    return _serialise(
        "report",
        {
            "run": applied.run,
            **_api_host(applied.api_host),
            "started_at": rfc3339(applied.started_at),
            "finished_at": rfc3339(applied.finished_at),
            "calls": applied.calls,
            "counts": {
                **{result.value: applied.count(result) for result in Result},
                **_copies(applied_actions(applied)),
                "stale": len(stale),
            },
            "stopped": applied.stopped,
            "stopped_by": applied.stopped_by and applied.stopped_by.name.lower(),
            "tenants": [_tenant_outcome(outcome) for outcome in applied.outcomes],
            "stale": [_stale(one) for one in stale],
        },
    )


def problems(found: Iterable[Problem]) -> str:
    """What is wrong with the files."""
    ordered = sorted(found, key=lambda problem: (problem.location, problem.message))
    return _serialise("problems", {"problems": [_problem(problem) for problem in ordered]})


def _text(kind: str, planned: Plan, tenants: Sequence[TenantPlan], about: Document, files_alone: Document) -> str:
    return _serialise(
        kind,
        {
            "fleet": planned.fleet,
            "organizations": dict(planned.organizations),
            **_api_host(planned.api_host),
            **about,
            "counts": _counts(planned, tenants),
            "tenants": [_tenant(tenant) for tenant in tenants],
            "refusals": [_refusal(refusal) for refusal in planned.refusals],
            "conflicts": [_conflict(conflict) for conflict in planned.conflicts],
            "orphans": [_orphan(orphan) for orphan in planned.orphans],
            "notes": [_note(note) for note in planned.notes],
            **files_alone,
            "coverage": structs.asdict(planned.coverage),
            "budget": structs.asdict(planned.budget),
        },
    )


def _api_host(address: str | None) -> Document:
    """Only where it is not Neon's own."""
    return {} if address is None else {"api_host": address}


def _counts(planned: Plan, tenants: Sequence[TenantPlan]) -> Document:
    return {
        **{kind.value: len(members) for kind, members in by_kind(tenants).items()},
        **_copies(action for tenant in tenants for action in tenant.actions),
        "refusals": len(planned.refusals),
        "conflicts": len(planned.conflicts),
        "orphans": len(planned.orphans),
    }


def _copies(actions: Iterable[Action]) -> Document:
    found = count_branches_and_snapshots(actions)
    return {
        "branches": {verb.value: found[Thing.BRANCH, verb] for verb in Verb},
        "snapshots": {verb.value: found[Thing.SNAPSHOT, verb] for verb in Verb if verb is not Verb.CHANGE},
    }


def _tenant(tenant: TenantPlan) -> Document:
    return {
        "tenant": tenant.tenant,
        "kind": kind_of(tenant.actions).value,
        "revision": tenant.revision,
        "project": None if tenant.project is None else _project(tenant.project),
        "actions": [_action(action) for action in tenant.actions],
    }


def _project(project: LiveProject) -> Document:
    return {
        "id": project.id,
        "name": project.name,
        "organization": project.organization,
        "region": project.region,
        "pg_version": project.pg_version,
        "created_at": rfc3339(project.created_at),
        "storage_bytes": project.storage_bytes,
        "last_active_at": project.last_active_at and rfc3339(project.last_active_at),
        "snapshots": None if project.snapshots is None else [_snapshot(one) for one in project.snapshots],
    }


def _snapshot(snapshot: LiveSnapshot) -> Document:
    return {
        "id": snapshot.id,
        "name": snapshot.name,
        "source_branch_id": snapshot.source_branch_id,
        "created_at": rfc3339(snapshot.created_at),
        "expires_at": snapshot.expires_at and rfc3339(snapshot.expires_at),
        "manual": snapshot.manual,
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


def _own(action: Action) -> Document:  # noqa: C901, PLR0911, PLR0912 - one case for each action
    """What only this kind of action has."""
    match action:
        case CreateProject():
            return {"organization": action.organization}
        case RecoverProject():
            return {
                "project_id": action.project_id,
                "recoverable_until": rfc3339_exact(action.recoverable_until),
            }
        case AdoptProject():
            return {"project_id": action.project_id, "branch": action.branch, "parent": action.parent}
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
        case DeleteDuplicate():
            return _duplicate(action)
        case CreateBranch():
            return _new_branch(action)
        case PatchBranch():
            return {"branch": action.branch}
        case DeleteBranch():
            return {
                "branch": action.branch,
                "branch_id": action.branch_id,
                "purpose": action.purpose.value,
                "before_transfer": action.before_transfer,
            }
        case CreateSnapshot():
            return {"snapshot": action.snapshot, "branch": action.branch, **_moments(action)}
        case DeleteSnapshot():
            return {
                "snapshot": action.snapshot,
                "snapshot_id": action.snapshot_id,
                "before_transfer": action.before_transfer,
            }
        case _:
            assert_never(action)


def _duplicate(action: DeleteDuplicate) -> Document:
    return {
        "project_id": action.project_id,
        "name": action.name,
        "organization": action.organization,
        "created_at": rfc3339_exact(action.created_at),
        "run": action.run,
        "first_id": action.first_id,
        "first_created_at": rfc3339_exact(action.first_created_at),
        "death": action.death,
        "emptiness": action.emptiness,
    }


def _new_branch(action: CreateBranch) -> Document:
    return {
        "branch": action.branch,
        "parent": action.parent,
        "purpose": action.purpose.value,
        **_moments(action),
        "schema_only": action.schema_only,
        "with_compute": action.with_compute,
        "compute": action.compute and asdict(action.compute),
    }


def _moments(action: CreateBranch | CreateSnapshot) -> Document:
    return {
        "at": action.at and rfc3339_exact(action.at),
        "expires_at": action.expires_at and rfc3339_exact(action.expires_at),
    }


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


def _unmanaged(kept: Unmanaged) -> Document:
    return {
        "path": kept.path,
        "live": {path: _value(value) for path, value in kept.live},
        "tenants": list(kept.tenants),
        "tier": kept.tier,
        "new_tenants": kept.new_tenants,
        "sources": list(map(_location, kept.sources)),
    }


def _file_change(change: FileChange) -> Document:
    return {
        "path": change.path,
        "before": _value(change.before),
        "after": _value(change.after),
        "effect": change.effect,
        "tenants": list(change.tenants),
        "source": _location(change.source),
    }


def _waiting(waiting: Waiting) -> Document:
    return {
        "commit": waiting.commit,
        "reason": waiting.reason,
        "tenants": list(waiting.tenants),
        "changed": waiting.changed,
    }


def _note(note: Note) -> Document:
    source = None if note.source is None else _location(note.source)
    return {"tenant": note.tenant, "message": note.message, "source": source}


def _stale(stale: Stale) -> Document:
    return {
        "tenant": stale.tenant,
        "message": stale.message,
        "fresh": [_action(action) for action in stale.fresh],
        "saved": [_action(action) for action in stale.saved],
    }


def _tenant_outcome(outcome: TenantOutcome) -> Document:
    return {
        "tenant": outcome.tenant,
        "result": outcome.result.value,
        "project_id": outcome.project_id,
        "revision": outcome.revision,
        "recoverable_until": outcome.recoverable_until and rfc3339(outcome.recoverable_until),
        "deletion": outcome.deletion and _deletion(outcome.deletion),
        "actions": [_action_outcome(one) for one in outcome.actions],
    }


def _deletion(deletion: Deletion) -> Document:
    return {
        "project_id": deletion.project_id,
        "request_id": deletion.request_id,
        "deleted_at": rfc3339(deletion.at),
        "recoverable_until": rfc3339(deletion.recoverable_until),
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
        "message": problem.message,
        "hint": problem.hint,
    }


def _location(location: Location) -> Document:
    return {"file": location.file, "line": location.line, "column": location.column}


def _serialise(kind: str, content: Document) -> str:
    """ASCII only, with every control character escaped, and what a CI runner would obey within a line."""
    document = {"format_version": FORMAT_VERSION, "kind": kind, **content}
    return _MARKS.sub(lambda found: f"\\u{ord(found[0]):04x}", _indented(document)) + "\n"


def _indented(document: Document) -> str:
    """msgspec indents several times as fast as json, but refuses halves of surrogate pairs (in file names)."""
    try:
        return msgspec.json.format(json.dumps(document), indent=2)
    except msgspec.DecodeError:
        return json.dumps(document, indent=2)
