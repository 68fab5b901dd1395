"""Properties that hold whatever names and messages come from outside."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as some

from reconciler.desired.problem import Location, Problem
from reconciler.errors import ApiError
from reconciler.plan.action import Action
from reconciler.plan.approval import SavedPlan, Stale
from reconciler.plan.change import JsonText
from reconciler.plan.outcome import Result
from reconciler.plan.ownership import Purpose
from reconciler.plan.plan import Conflict, Note, Orphan, Plan, Refusal, Rule
from reconciler.views import drift_text, json_documents, markdown, plan_text, problems_text, report_text
from reconciler.views.console import as_text
from reconciler.views.voice import deed, finding
from tests.unit.views import builders as build

texts = some.text(some.characters(exclude_categories=["Cs"]), max_size=12) | some.sampled_from(
    [
        "\x1b[31m",
        "a\nb",
        "\x9b2J",
        "[red]x[/red]",
        "\x7f",
        "\u202e",
        "`|<b>@x",
        "\\",
        "日本語",
        "--",
        "\u2028",
        "\udcff",
        "::stop-commands::x",
        "##[error]x",
        "##vso[task.complete]x",
    ]
)
COMMANDS = ("::", "##[", "##vso[")
"""What begins a line that GitHub's and Azure's runners carry out, wherever in the line it stands first."""


def everything_called(text: str) -> Plan:
    """A plan in which all that comes from outside is this text."""
    place = Location(text, 1)
    values = (
        build.change("name", text, text),
        build.change(f"settings.{text}", JsonText.of({text: [text]}), JsonText.of({text: [text, text]})),
    )
    patch = build.patch(text, text, *values, source=place)
    compute = build.patch_compute(text, text, build.change("compute.max_cu", 1, 2), source=place, branch=text)
    create = replace(build.create(text), organization=text, reason=text)
    transfer = build.transfer(text, text, text, text, downgrade=False)
    delete = replace(build.delete(text, text), source=place)
    copies = (
        replace(build.create_branch(text, text), parent=text),
        build.create_branch(text, text, purpose=Purpose.SNAPSHOT),
        replace(build.patch_branch(text), changes=(build.change(f"dev_branches.{text}.name", text, text),)),
        replace(build.delete_branch(text, text), branch_id=text),
        replace(build.delete_snapshot(text, text, text), snapshot_id=text),
        replace(build.create_snapshot(text, text), branch=text),
    )
    live = build.project(text, organization=text)
    return build.plan(
        build.tenant(text, patch, compute),
        build.tenant(text, transfer),
        build.tenant(text, *copies),
        build.tenant(text, create),
        build.tenant(text, delete, live=live),
        refusals=(
            Refusal(Rule.PROTECTED, (text,), text, text, (delete,)),
            Refusal(Rule.THRESHOLD, (text,), text, text, ()),
        ),
        conflicts=(Conflict(text, text, text, place),),
        orphans=(Orphan(live, text, owned=False),),
        notes=(Note(text, text, place),),
        coverage=replace(build.plan().coverage, organizations=(text,)),
    )


def safe(printed: str) -> bool:
    return all(character.isprintable() for character in printed.replace("\n", "")) and not any(
        line.lstrip().startswith(COMMANDS) for line in printed.splitlines()
    )


@settings(max_examples=60, deadline=None)
@given(texts)
def test_no_control_character_is_ever_printed(text: str) -> None:
    plan = everything_called(text)
    report = build.report(
        *(build.failed(tenant, after=0, message=text) for tenant in plan.tenants),
        *(build.applied(tenant, project_id=text) for tenant in plan.tenants),
        stopped=text,
    )
    problem = Problem(Location(text, 1, 2), text, text)
    stale = [Stale(text, tenant.actions, tenant.actions, text) for tenant in plan.tenants]
    made = replace(build.MADE, commit=text, base=text)
    error = ApiError(text, status=500, request_id=text, hint=text)
    views = (
        plan_text.render(plan, stale=stale),
        plan_text.render_saved(SavedPlan(plan, made)),
        drift_text.render(plan),
        report_text.render(report, journal=text),
        problems_text.render([problem]),
        problems_text.render_error(error),
    )
    assert all(safe(as_text(view)) for view in views)
    documents = (
        json_documents.plan(plan, build.MADE),
        json_documents.report(report, stale),
        json_documents.problems([problem]),
    )
    assert all(safe(document) and document.isascii() for document in documents)
    assert safe(markdown.plan(plan))
    assert safe(markdown.saved_plan(SavedPlan(plan, made)))
    assert safe(markdown.drift(plan))


@settings(max_examples=60, deadline=None)
@given(texts)
def test_json_gives_every_text_back(text: str) -> None:
    document = json.loads(json_documents.plan(everything_called(text), build.MADE))
    assert document["notes"][0]["message"] == text
    assert document["tenants"][0]["actions"][0]["changes"][1]["after"] == {text: [text, text]}


@settings(max_examples=30, deadline=None)
@given(some.integers(40, 120), some.sampled_from(["plan", "drift"]))
def test_lines_keep_within_the_width_and_renders_are_repeatable(width: int, kind: str) -> None:
    view = plan_text if kind == "plan" else drift_text
    first = as_text(view.render(build.rich_plan()), width)
    assert first == as_text(view.render(build.rich_plan()), width)
    assert max(map(len, first.splitlines())) <= width


@settings(max_examples=30, deadline=None)
@given(some.permutations(["amber", "birch", "cedar", "acme", "zed"]))
def test_the_order_in_which_tenants_come_does_not_show(names: list[str]) -> None:
    shuffled = build.plan(*(build.price_change(name) for name in names))
    ordered = build.plan(*(build.price_change(name) for name in sorted(names)))
    assert as_text(plan_text.render(shuffled)) == as_text(plan_text.render(ordered))


def test_every_kind_of_action_has_words_of_its_own() -> None:
    copies = (
        build.create_branch("a"),
        build.patch_branch("a"),
        build.delete_branch("a"),
        build.create_snapshot("a"),
        build.delete_snapshot("a"),
    )
    actions = (
        *build.upgrade("a").actions,
        build.create("a"),
        build.recover("a"),
        build.delete("a", "id"),
        build.delete_duplicate("a"),
        *copies,
    )
    assert {type(action) for action in actions} == set(get_args(Action))
    assert len({deed(action) for action in actions}) == len(actions)
    assert len({finding(action) for action in actions}) == len(actions)


def test_every_result_is_told() -> None:
    text = as_text(report_text.render(build.rich_report(), journal=None)).lower()
    assert all(result.value in text for result in Result)
