"""Writes the JSON documents: everything that the text views contain, for machines. Units stand in the field names.

A document is made piece by piece, so that a plan of any size takes little memory.
"""

from __future__ import annotations

import json
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from msgspec.structs import asdict

from reconciler.documents.ci_commands import without_commands
from reconciler.documents.shapes import COST_MEMBERS, FORMAT_VERSION, PROJECT_MEMBERS, USAGE_MEMBERS
from reconciler.model.diagnosis import Status
from reconciler.model.moments import rfc3339, rfc3339_exact
from reconciler.model.values import JsonText, replace
from reconciler.plan.actions.branch import CreateBranch
from reconciler.plan.outcome import Result
from reconciler.plan.shared_changes import shared_changes
from reconciler.plan.summary import applied_actions, by_kind, count_branches_and_snapshots, differing, kind_of
from reconciler.usage.states import states

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.live.project import LiveProject
    from reconciler.live.registered import RegisteredTenants
    from reconciler.model.diagnosis import Diagnosis
    from reconciler.model.problem import Problem
    from reconciler.model.record import Audit
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.approval import PlanOrigin, Stale
    from reconciler.plan.explained import Explained, ExplainedValue
    from reconciler.plan.outcome import ActionOutcome, Report, TenantOutcome
    from reconciler.plan.plan import FileChange, Orphan, Plan, Refusal, TenantPlan, Unmanaged
    from reconciler.plan.plan_cost import PastCost
    from reconciler.plan.registration import RowChanges
    from reconciler.plan.return_points import ReturnPoints
    from reconciler.plan.shared_changes import SharedChange
    from reconciler.usage.cost import Cost
    from reconciler.usage.usage import Usage

Document: TypeAlias = dict[str, Any]

_AT_ONCE: Final = 256
"""Members of a list that are made into text together."""


def plan(planned: Plan, made: PlanOrigin, past_cost: PastCost | None = None) -> Iterator[str]:
    """The plan: what apply would do. It is complete: ``documents.reader`` reads it back.

    ``past_cost`` stands beside it: it is no part of what is permitted.
    """
    about = {"made_at": rfc3339(made.at), "commit": made.commit, "base": made.base}
    files_alone = {
        **_files_alone(planned),
        **_if_any("forecast", planned.forecast),
        **_if_any("refused_forecast", planned.refused_forecast),
        "waiting": plain(planned.waiting),
        **_if_any("monthly_cost", planned.monthly_cost),
        **_if_any("past_cost", past_cost),
    }
    return _differences("plan", planned, planned.tenants, about, files_alone)


def drift(planned: Plan) -> Iterator[str]:
    """The drift report: every tenant that differs, whether apply would repair it or not."""
    return _differences("drift", planned, differing(planned), {}, {})


def diff(planned: Plan, made: PlanOrigin) -> Iterator[str]:
    """What a change of the files asks for."""
    return document_text(
        "diff",
        {
            "fleet": planned.fleet,
            "commit": made.commit,
            "base": made.base,
            "counts": plan_counts(planned, planned.tenants),
            **_shared_changes(planned),
            "tenants": map(_without_project, planned.tenants),
            **_findings(planned),
            "notes": plain(planned.notes),
            **_files_alone(planned),
            **_if_any("overview", planned.overview),
        },
    )


def report(applied: Report, stale: Sequence[Stale] = ()) -> Iterator[str]:
    """What became of every tenant, and of which the saved plan did not permit what would be done."""
    return document_text(
        "report",
        {
            "run": applied.run,
            **_if_any("shard", applied.shard),
            **_api_host(applied.api_host),
            "started_at": rfc3339(applied.started_at),
            "finished_at": rfc3339(applied.finished_at),
            "calls": applied.calls,
            "counts": report_counts(applied, len(stale)),
            "stopped": applied.stopped,
            "stopped_by": applied.stopped_by and applied.stopped_by.name.lower(),
            **_if_any("harm", applied.harm),
            "tenants": map(_tenant_outcome, applied.outcomes),
            "stale": map(_stale, stale),
        },
    )


def report_counts(applied: Report, stale: int) -> Document:
    """The number of tenants by result, and of branches and snapshots by what was done."""
    return {
        **{result.value: applied.count(result) for result in Result},
        **_branches_and_snapshots(applied_actions(applied)),
        "stale": stale,
    }


def history(found: ReturnPoints) -> Iterator[str]:
    """The moments that a tenant can be restored to."""
    return document_text("history", {name: plain(value) for name, value in asdict(found).items()})


def explained(found: Explained) -> Iterator[str]:
    """Where each value of a tenant comes from."""
    content = {name: plain(value) for name, value in asdict(found).items() if name != "values"}
    return document_text("explained", {**content, "values": map(_explained_value, found.values)})


def _explained_value(value: ExplainedValue) -> Document:
    instead = [{**plain(one), "value": _json(one.value)} for one in value.instead_of]
    own = {"value": _json(value.value), "live": _json(value.live), "instead_of": instead}
    return {**plain(replace(value, value=None, live=None, instead_of=())), **own}


def _json(value: Value) -> Any:
    """A value of the files; a structured one as the files have it."""
    return value.value if isinstance(value, JsonText) else value


def registry(found: RegisteredTenants) -> Iterator[str]:
    """The rows of the registry."""
    return document_text("registry", {name: plain(value) for name, value in asdict(found).items()})


def row_changes(found: RowChanges) -> Iterator[str]:
    """What a rebuild of the registry changes."""
    return document_text("row_changes", {name: plain(value) for name, value in asdict(found).items()})


def problems(found: Iterable[Problem]) -> Iterator[str]:
    """What is wrong with the files."""
    ordered = sorted(found, key=lambda problem: (problem.location, problem.message))
    return document_text("problems", {"problems": map(_problem, ordered)})


def doctor(found: Diagnosis) -> Iterator[str]:
    """What is wrong with the set-up."""
    counts = {verdict.value: found.count(verdict) for verdict in Status}
    return document_text("doctor", {"counts": counts, "checks": map(plain, found.checks)})


def usage(found: Usage) -> Iterator[str]:
    """What the tenants use of their quotas."""
    content = {name: plain(getattr(found, name)) for name in USAGE_MEMBERS}
    about = {**content, **_api_host(found.api_host), "states": map(plain, states(found))}
    return document_text("usage", {**about, "tenants": map(plain, found.tenants)})


def audit(found: Audit) -> Iterator[str]:
    """The writes that journals contain."""
    content = {"files": found.files, "unreadable": list(found.unreadable)}
    return document_text("audit", {**content, "writes": map(plain, found.writes)})


def cost(found: Cost) -> Iterator[str]:
    """What a month costs. Amounts of money are texts, so that no reader rounds them."""
    content = {name: plain(getattr(found, name)) for name in COST_MEMBERS}
    return document_text("cost", {**content, **_api_host(found.api_host), "tenants": map(plain, found.tenants)})


def _differences(
    kind: str, planned: Plan, tenants: Sequence[TenantPlan], about: Document, files_alone: Document
) -> Iterator[str]:
    return document_text(
        kind,
        {
            "fleet": planned.fleet,
            "organizations": dict(planned.organizations),
            **_api_host(planned.api_host),
            **({} if planned.command is None else {"command": planned.command}),
            **({} if planned.observed_at is None else {"observed_at": rfc3339_exact(planned.observed_at)}),
            **about,
            "counts": plan_counts(planned, tenants),
            **_shared_changes(planned),
            "tenants": map(_tenant, tenants),
            **_findings(planned),
            "orphans": map(_orphan, planned.orphans),
            "notes": plain(planned.notes),
            **files_alone,
            **_if_any("overview", planned.overview),
            "coverage": plain(planned.coverage),
            "budget": plain(planned.budget),
        },
    )


def _findings(planned: Plan) -> Document:
    return {
        "refusals": map(_refusal, planned.refusals),
        "conflicts": [_without(plain(one), "asked_for") for one in planned.conflicts],
        **({"warnings": plain(planned.warnings)} if planned.warnings else {}),
    }


def _files_alone(planned: Plan) -> Document:
    return {
        "unmanaged": [_unmanaged(one) for one in planned.unmanaged],
        "file_changes": [_file_change(one) for one in planned.file_changes],
    }


def _if_any(name: str, content: object) -> Document:
    return {} if content is None else {name: plain(content)}


def _api_host(address: str | None) -> Document:
    """Only if it is not Neon's own."""
    return {} if address is None else {"api_host": address}


def _shared_changes(planned: Plan) -> Document:
    """Each change once, with its tenants, their tiers, and who asks for it."""
    return {
        "shared_changes": map(_shared_change, shared_changes(planned)),
        "tiers": plain(planned.tiers),
        "authored": map(plain, planned.authored),
    }


def _shared_change(change: SharedChange) -> Document:
    content: Document = plain(change)
    _replace_values(change.before, change.after, content)
    return content


def plan_counts(planned: Plan, tenants: Sequence[TenantPlan]) -> Document:
    """How many tenants there are of each kind of change, and of everything else."""
    return {
        **{kind.value: len(members) for kind, members in by_kind(tenants).items()},
        **_branches_and_snapshots(action for tenant in tenants for action in tenant.actions),
        "refusals": len(planned.refusals),
        "conflicts": len(planned.conflicts),
        "orphans": len(planned.orphans),
    }


def _branches_and_snapshots(actions: Iterable[Action]) -> Document:
    found = count_branches_and_snapshots(actions)
    return {
        "branches": {verb: found["branch", verb] for verb in ("create", "change", "delete")},
        "snapshots": {verb: found["snapshot", verb] for verb in ("create", "delete")},
    }


def _tenant(tenant: TenantPlan) -> Document:
    return {
        "tenant": tenant.tenant,
        "kind": kind_of(tenant.actions).value,
        "revision": tenant.revision,
        "project": None if tenant.project is None else _project(tenant.project),
        "actions": [_action(action) for action in tenant.actions],
    }


def _without_project(tenant: TenantPlan) -> Document:
    return {**_tenant(tenant), "project": None}


def _project(project: LiveProject) -> Document:
    return {name: plain(getattr(project, name)) for name in PROJECT_MEMBERS}


def _action(action: Action) -> Document:
    content: Document = plain(action)
    content |= {"risk": action.risk.value, "lowering": action.lowering}
    if isinstance(action, CreateBranch) and action.compute is not None:
        content["compute"]["pg_settings"] = _value(action.compute.pg_settings)
    if "companions" in content:
        content["companions"] = {path: _value(value) for path, value in action.companions}  # type: ignore[union-attr]
    for change, written in zip(action.changes, content["changes"], strict=True):
        _replace_values(change.before, change.after, written)
    return content


def _replace_values(before: Value, after: Value, written: Document) -> None:
    if isinstance(before, JsonText):
        written["before"] = before.value
    if isinstance(after, JsonText):
        written["after"] = after.value


def _value(value: Value) -> Any:
    return value.value if isinstance(value, JsonText) else value


def _refusal(refusal: Refusal) -> Document:
    content = _without(plain(replace(refusal, actions=())), "uncommitted")
    return content | {"actions": [_action(action) for action in refusal.actions]}


def _orphan(orphan: Orphan) -> Document:
    return {"tenant": orphan.tenant, "owned": orphan.owned, "project": _project(orphan.project)}


def _unmanaged(kept: Unmanaged) -> Document:
    return {**plain(kept), "live": {path: _value(value) for path, value in kept.live}}


def _file_change(change: FileChange) -> Document:
    content: Document = plain(change)
    _replace_values(change.before, change.after, content)
    return content


def _stale(stale: Stale) -> Document:
    return {
        "tenant": stale.tenant,
        "message": stale.message,
        "fresh": [_action(action) for action in stale.fresh],
        "saved": [_action(action) for action in stale.saved],
    }


def _tenant_outcome(outcome: TenantOutcome) -> Document:
    return {**ended_tenant(outcome), "actions": [action_outcome(one) for one in outcome.actions]}


def ended_tenant(outcome: TenantOutcome) -> Document:
    """What became of a tenant, without its actions."""
    deletion = outcome.deletion
    return {
        "tenant": outcome.tenant,
        "result": outcome.result.value,
        "project_id": outcome.project_id,
        "revision": outcome.revision,
        "recoverable_until": outcome.recoverable_until and rfc3339(outcome.recoverable_until),
        "deletion": deletion
        and {
            "project_id": deletion.project_id,
            "request_id": deletion.request_id,
            "deleted_at": rfc3339(deletion.at),
            "recoverable_until": rfc3339(deletion.recoverable_until),
            "dump": deletion.dump,
        },
    }


def action_outcome(outcome: ActionOutcome) -> Document:
    """The outcome of one action."""
    return {
        "result": outcome.result.value,
        "message": outcome.message,
        "hint": outcome.hint,
        "request_id": outcome.request_id,
        "action": _action(outcome.action),
    }


def _problem(problem: Problem) -> Document:
    about = {"severity": problem.severity.value, "message": problem.message, "hint": problem.hint}
    return {**plain(problem.location), **about}


def plain(value: object) -> Any:
    """Objects, lists and plain values; moments are left to ``_indented``."""
    return msgspec.to_builtins(value, builtin_types=(datetime,))


def _without(content: Document, *names: str) -> Document:
    return {name: value for name, value in content.items() if name not in names}


def document_text(kind: str, content: Mapping[str, Any]) -> Iterator[str]:
    """ASCII only, with every control character escaped, and what a CI runner would obey within a line."""
    yield f'{{\n  "format_version": {FORMAT_VERSION},\n  "kind": "{kind}"'
    for name, value in content.items():
        yield f',\n  "{name}": '
        if isinstance(value, map):
            yield from _list(value)
        else:
            yield _indented(value)
    yield "\n}\n"


def _list(members: Iterator[Document]) -> Iterator[str]:
    """The list, some members at a time."""
    gap = "[\n    "
    while several := list(islice(members, _AT_ONCE)):
        yield gap + _indented(several).removeprefix("[").removesuffix("]").strip()
        gap = ",\n    "
    yield "[]" if gap.startswith("[") else "\n  ]"


def _indented(value: Any) -> str:
    """The text of a member of a document. In JSON text, only text outside of strings has line ends."""
    try:
        text = msgspec.json.format(json.dumps(value, default=rfc3339_exact), indent=2)
    except msgspec.DecodeError:  # halves of surrogate pairs, in names of files: json is slower
        text = json.dumps(value, default=rfc3339_exact, indent=2)
    return without_commands(text).replace("\n", "\n  ")
