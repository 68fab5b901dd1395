"""The events of a run as JSON lines: their text, and their shapes, from which the JSON Schema follows."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, Union

from reconciler.documents import shapes, writer
from reconciler.documents.ci_commands import without_commands
from reconciler.model.moments import rfc3339_exact
from reconciler.plan import event
from reconciler.plan.event import ActionEnded, Event, RunEnded, RunFailed, TenantEnded
from reconciler.plan.outcome import ActionOutcome, TenantOutcome

if TYPE_CHECKING:
    from msgspec import Struct

LAST: Final = (RunEnded, RunFailed)
"""Events after which none follows."""
VERSION: Final = 1
"""Grows when a reader of an earlier version would misunderstand; new events and new keys do not count."""
_OUTCOMES: Final[dict[type[Any], tuple[type[Struct], tuple[str, ...]]]] = {
    ActionEnded: (ActionOutcome, ()),
    TenantEnded: (TenantOutcome, ("actions",)),
}
"""Events with the members of an outcome, and those that they leave out."""
_TOTALS: Final[list[tuple[str, Any]]] = [
    ("started_at", datetime),
    ("calls", int),
    ("counts", shapes.REPORT_COUNTS),
    ("stopped", str | None),
    ("stopped_by", str | None),
    ("exit_code", int),
]
"""What the last event contains of the report."""


def line(event: Event, run: str) -> str:
    """One event, without the line end. ASCII only, with every control character escaped."""
    about = {"version": VERSION, "event": str(type(event).__struct_config__.tag), "at": event.at, "run": run}
    content = json.dumps({**about, **_content(event)}, default=rfc3339_exact)
    return without_commands(content)


def _content(event: Event) -> writer.Document:
    match event:
        case ActionEnded():
            return {"tenant": event.outcome.action.tenant, **writer.action_outcome(event.outcome)}
        case TenantEnded():
            return writer.ended_tenant(event.outcome)
        case RunEnded():
            return _ended_run(event)
        case _:
            return {name: value for name, value in writer.plain(event).items() if name not in {"event", "at"}}


def _ended_run(event: RunEnded) -> writer.Document:
    report = event.report
    return {
        "started_at": report.started_at,
        "calls": report.calls,
        "counts": writer.report_counts(report, event.stale),
        "stopped": report.stopped,
        "stopped_by": report.stopped_by and report.stopped_by.name.lower(),
        "exit_code": event.exit_code,
    }


def _shape(of: type[Struct]) -> type[Struct]:
    members: list[tuple[str, Any]] = [("version", Literal[VERSION]), ("at", shapes.Moment), ("run", str)]
    if of in _OUTCOMES:
        members += _members_of_outcome(*_OUTCOMES[of])
    elif of is RunEnded:
        members += [(name, shapes.written(hint)) for name, hint in _TOTALS]
    else:
        members += [(name, shapes.written(hint)) for name, hint in shapes.members_of(of).items() if name != "at"]
    tag = str(of.__struct_config__.tag)
    return shapes.struct(of.__name__, members, doc=of.__doc__, tag=tag, tag_field="event")


def _members_of_outcome(outcome: type[Struct], left_out: tuple[str, ...]) -> list[tuple[str, Any]]:
    written = shapes.members_of(shapes.shape(outcome)).items()
    tenant: list[tuple[str, Any]] = [] if outcome is TenantOutcome else [("tenant", str)]
    return tenant + [(name, hint) for name, hint in written if name not in left_out]


_KINDS: Final[tuple[type[Struct], ...]] = tuple(
    one for one in vars(event).values() if isinstance(one, type) and one.__module__ == event.__name__
)
EVENT: TypeAlias = Union[tuple(map(_shape, _KINDS))]  # type: ignore[valid-type] # noqa: UP007 - of as many as there are
"""One line of the stream."""
