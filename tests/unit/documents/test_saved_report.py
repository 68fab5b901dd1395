"""The document of a report is read back as it was, or refused with the place in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.documents import writer
from reconciler.documents.reader import SavedReport, parse_report
from reconciler.errors import InvalidInputError
from reconciler.model.values import replace
from reconciler.plan.approval import Stale
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.plan.outcome import Report

STALE = (Stale("kai", (build.drifted("kai"),), (build.delete("kai", "p-777"),), "it has other actions"),)


def undenied(report: Report) -> Report:
    """A document does not tell whether a key was refused."""
    outcomes = (
        replace(one, actions=tuple(replace(each, denied=False) for each in one.actions)) for one in report.outcomes
    )
    return replace(report, outcomes=tuple(outcomes))


@pytest.mark.parametrize("report", [build.rich_report(), build.harmful_report()], ids=["rich", "harmful"])
@pytest.mark.parametrize("shard", [None, "2/8"])
def test_what_was_written_is_read_back(report: Report, shard: str | None) -> None:
    told = replace(report, shard=shard)
    text = "".join(writer.report(told, STALE))
    read = parse_report(text.encode(), "report.json")
    assert read == SavedReport(undenied(told), STALE)
    assert "".join(writer.report(read.report, read.stale)) == text


EDITS: dict[str, tuple[Callable[[Any], object], str]] = {
    "a plan": (lambda d: d.update(kind="plan"), "kind: 'plan' is not 'report'"),
    "an unknown key": (lambda d: d.update(of="somebody"), "of: unknown key"),
    "no part of a fleet": (lambda d: d.update(shard="0/8"), "shard: '0/8' is no part of a fleet"),
    "a part of very many": (lambda d: d.update(shard="1/" + "9" * 9), "is no part of a fleet"),
    "no reason to stop": (lambda d: d.update(stopped_by="boredom"), "stopped_by: 'boredom' is no reason to stop"),
    "no list": (lambda d: d.update(tenants={}), "tenants: expected a list, not an object"),
    "an unknown action": (
        lambda d: d["tenants"][0]["actions"][0]["action"].update(kind="drop_database"),
        "tenants[0].actions[0].action.kind: 'drop_database' is not a kind of action",
    ),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_no_run_has_written_is_refused_with_its_place(edit: str) -> None:
    document = json.loads("".join(writer.report(build.harmful_report())))
    change, told = EDITS[edit]
    change(document)
    with pytest.raises(InvalidInputError) as caught:
        parse_report(json.dumps(document).encode(), "report.json")
    assert str(caught.value).startswith("report.json cannot be used as a report: ")
    assert told in str(caught.value)
