"""Writes the JSON documents: everything that the text views tell, for machines. Units stand in the field names.

A document is made piece by piece, so that a plan of any size takes little memory beside itself.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from reconciler.documents.shapes import FORMAT_VERSION, PROJECT_MEMBERS
from reconciler.model.moments import rfc3339, rfc3339_exact
from reconciler.model.values import JsonText
from reconciler.plan.outcome import Result
from reconciler.plan.summary import applied_actions, by_kind, count_branches_and_snapshots, differing, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.live.project import LiveProject
    from reconciler.model.problem import Problem
    from reconciler.model.values import Value
    from reconciler.plan.action import Action
    from reconciler.plan.approval import Made, Stale
    from reconciler.plan.outcome import ActionOutcome, Report, TenantOutcome
    from reconciler.plan.plan import FileChange, Orphan, Plan, Refusal, TenantPlan, Unmanaged

Document: TypeAlias = dict[str, Any]

_AT_ONCE: Final = 256
"""Members of a list that are made into text together."""
_COMMANDS: Final = re.compile(r"#(?=#)|(?<=section_start):|(?<=section_end):")
"""What a CI runner obeys within a line: ``##[error]``, ``##vso[...]``, ``section_start:...``. In strings alone."""


def plan(planned: Plan, made: Made) -> Iterator[str]:
    """The plan: what apply would do. It is complete: ``documents.reader`` reads it back."""
    about = {"made_at": rfc3339(made.at), "commit": made.commit, "base": made.base}
    files_alone = {
        "unmanaged": [_unmanaged(one) for one in planned.unmanaged],
        "file_changes": [_file_change(one) for one in planned.file_changes],
        "waiting": _plain(planned.waiting),
    }
    return _differences("plan", planned, planned.tenants, about, files_alone)


def drift(planned: Plan) -> Iterator[str]:
    """The drift report: every tenant that differs, whether apply would repair it or not."""
    return _differences("drift", planned, differing(planned), {}, {})


def report(applied: Report, stale: Sequence[Stale] = ()) -> Iterator[str]:
    """What became of every tenant, and of which the saved plan did not permit what would be done."""
    return _text(
        "report",
        {
            "run": applied.run,
            **_api_host(applied.api_host),
            "started_at": rfc3339(applied.started_at),
            "finished_at": rfc3339(applied.finished_at),
            "calls": applied.calls,
            "counts": {
                **{result.value: applied.count(result) for result in Result},
                **_branches_and_snapshots(applied_actions(applied)),
                "stale": len(stale),
            },
            "stopped": applied.stopped,
            "stopped_by": applied.stopped_by and applied.stopped_by.name.lower(),
            "tenants": map(_tenant_outcome, applied.outcomes),
            "stale": map(_stale, stale),
        },
    )


def problems(found: Iterable[Problem]) -> Iterator[str]:
    """What is wrong with the files."""
    ordered = sorted(found, key=lambda problem: (problem.location, problem.message))
    return _text("problems", {"problems": map(_problem, ordered)})


def _differences(
    kind: str, planned: Plan, tenants: Sequence[TenantPlan], about: Document, files_alone: Document
) -> Iterator[str]:
    return _text(
        kind,
        {
            "fleet": planned.fleet,
            "organizations": dict(planned.organizations),
            **_api_host(planned.api_host),
            **about,
            "counts": _counts(planned, tenants),
            "tenants": map(_tenant, tenants),
            "refusals": map(_refusal, planned.refusals),
            "conflicts": [_without(_plain(one), "asked_for") for one in planned.conflicts],
            "orphans": map(_orphan, planned.orphans),
            "notes": _plain(planned.notes),
            **files_alone,
            "coverage": _plain(planned.coverage),
            "budget": _plain(planned.budget),
        },
    )


def _api_host(address: str | None) -> Document:
    """Only where it is not Neon's own."""
    return {} if address is None else {"api_host": address}


def _counts(planned: Plan, tenants: Sequence[TenantPlan]) -> Document:
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


def _project(project: LiveProject) -> Document:
    return {name: _plain(getattr(project, name)) for name in PROJECT_MEMBERS}


def _action(action: Action) -> Document:
    told: Document = _plain(action)
    told |= {"risk": action.risk.value, "lowering": action.lowering}
    if "companions" in told:
        told["companions"] = {path: _value(value) for path, value in action.companions}  # type: ignore[union-attr]
    for change, written in zip(action.changes, told["changes"], strict=True):
        _replace_values(change.before, change.after, written)
    return told


def _replace_values(before: Value, after: Value, written: Document) -> None:
    if isinstance(before, JsonText):
        written["before"] = before.value
    if isinstance(after, JsonText):
        written["after"] = after.value


def _value(value: Value) -> Any:
    return value.value if isinstance(value, JsonText) else value


def _refusal(refusal: Refusal) -> Document:
    told = _without(_plain(msgspec.structs.replace(refusal, actions=())), "unheld")
    return told | {"actions": [_action(action) for action in refusal.actions]}


def _orphan(orphan: Orphan) -> Document:
    return {"tenant": orphan.tenant, "owned": orphan.owned, "project": _project(orphan.project)}


def _unmanaged(kept: Unmanaged) -> Document:
    return {**_plain(kept), "live": {path: _value(value) for path, value in kept.live}}


def _file_change(change: FileChange) -> Document:
    told: Document = _plain(change)
    _replace_values(change.before, change.after, told)
    return told


def _stale(stale: Stale) -> Document:
    return {
        "tenant": stale.tenant,
        "message": stale.message,
        "fresh": [_action(action) for action in stale.fresh],
        "saved": [_action(action) for action in stale.saved],
    }


def _tenant_outcome(outcome: TenantOutcome) -> Document:
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
        },
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
    about = {"severity": problem.severity.value, "message": problem.message, "hint": problem.hint}
    return {**_plain(problem.location), **about}


def _plain(value: object) -> Any:
    """Objects, lists and plain values; moments are left to ``_compact``."""
    return msgspec.to_builtins(value, builtin_types=(datetime,))


def _without(told: Document, *names: str) -> Document:
    return {name: value for name, value in told.items() if name not in names}


def _text(kind: str, content: Mapping[str, Any]) -> Iterator[str]:
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
    """The text of a member of a document. In JSON text, only what stands in no string has line ends."""
    try:
        text = msgspec.json.format(json.dumps(value, default=rfc3339_exact), indent=2)
    except msgspec.DecodeError:  # halves of surrogate pairs, in names of files: json is slower
        text = json.dumps(value, default=rfc3339_exact, indent=2)
    if "##" in text or "section_" in text:
        text = _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.replace("\n", "\n  ")
