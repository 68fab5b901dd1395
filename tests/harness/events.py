"""The events of a run, as `--events` writes them: each has its documented form; together they are the report."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import jsonschema_rs

from reconciler.documents.schema import events_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Line: TypeAlias = dict[str, Any]
SECRETS: Final = ("napi_", "postgresql://", "npg_")
"""How the keys, connection strings and passwords of the simulator begin."""
PLAIN: Final = ("applied", "unchanged", "skipped", "failed")


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(events_schema(), validate_formats=True)


def read_events(text: str) -> list[Line]:
    """The lines, each as documented, and without a secret. Fails for a line that has no end."""
    assert text.endswith("\n") or not text
    assert not [secret for secret in SECRETS if secret in text]
    lines: list[Line] = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        _validator().validate(line)
    assert len({line["run"] for line in lines}) <= 1
    return lines


def check_folded(lines: Sequence[Line], report: Any) -> None:
    """The events tell what the report (a JSON document) tells: each outcome once, and the same totals."""
    told = [_action(line) for line in lines if line["event"] == "action"]
    assert sorted(told) == sorted(_actions_of(report))
    ended = {line["tenant"]: _without_about(line) for line in lines if line["event"] == "tenant_ended"}
    assert ended == {one["tenant"]: {k: v for k, v in one.items() if k != "actions"} for one in report["tenants"]}
    results = Counter(one["result"] for one in ended.values())
    assert {result: results[result] for result in PLAIN} == {name: report["counts"][name] for name in PLAIN}
    assert sum(line["event"] == "stale" for line in lines) == report["counts"]["stale"]
    for tenant in report["tenants"]:
        _check_order([line for line in lines if line.get("tenant") == tenant["tenant"]])


def check_end(lines: Sequence[Line], report: Any, code: int) -> None:
    """The first event is the start, the last one the end, with the totals of the report."""
    assert lines[0]["event"] == "run_started"
    assert [line["event"] for line in lines].count("run_started") == 1
    last = lines[-1]
    assert last["event"] == "run_ended"
    assert last["exit_code"] == code
    assert {name: last[name] for name in ("counts", "stopped", "stopped_by", "run")} == {
        name: report[name] for name in ("counts", "stopped", "stopped_by", "run")
    }


def _check_order(lines: Sequence[Line]) -> None:
    """A tenant ends once, after its last action."""
    kinds = [line["event"] for line in lines if line["event"] in {"tenant_started", "action", "tenant_ended"}]
    assert kinds[-1] == "tenant_ended"
    assert kinds.count("tenant_ended") == 1
    assert kinds.count("tenant_started") <= 1


def _without_about(line: Line) -> Line:
    return {name: value for name, value in line.items() if name not in {"version", "event", "at", "run"}}


def _action(line: Line) -> str:
    return json.dumps({k: v for k, v in _without_about(line).items() if k != "tenant"}, sort_keys=True)


def _actions_of(report: Any) -> Iterable[str]:
    return [json.dumps(action, sort_keys=True) for tenant in report["tenants"] for action in tenant["actions"]]
