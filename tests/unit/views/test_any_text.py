"""Properties that hold whatever names and messages come from outside."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from rich.console import Console

from reconciler.cli.demo import status_list
from reconciler.cli.demo_parts import chapter
from reconciler.errors import ApiError
from reconciler.live.registered import KeptString, RegisteredTenant, RegisteredTenants, RowState
from reconciler.model.problem import Location, Problem
from reconciler.model.values import replace
from reconciler.plan.action import Action
from reconciler.plan.approval import Stale
from reconciler.plan.outcome import Result
from reconciler.plan.registration import RowChange, RowChanges
from reconciler.plan.return_points import Holder, Kind, ReturnPoint, ReturnPoints, Storage, StoredBranch
from reconciler.views import history_text, markdown, plain_text, problems_text
from reconciler.views.actions import was_found, will_do
from reconciler.views.console import as_text, show
from reconciler.views.safe_text import printable
from reconciler.views.view import (
    CostView,
    DriftView,
    PlanView,
    RegistryView,
    ReportView,
    RowChangesView,
    UsageView,
)
from tests import profiles
from tests.harness import json_documents
from tests.unit.views import builders as build
from tests.unit.views import nasty
from tests.unit.views.everything import (
    cost_called,
    everything_called,
    past_cost_called,
    report_called,
    usage_called,
)
from tests.unit.views.runners import obeyed, steering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.views.terminal import Page, Piece


texts = (
    some.text(max_size=12)
    | some.sampled_from(nasty.EVERYTHING)
    | some.lists(some.sampled_from(nasty.EVERYTHING), max_size=3).map("".join)
)


def views_of(text: str) -> Iterator[Page | Piece]:
    """Every view for people, all that comes from outside being this text."""
    plan = everything_called(text)
    report = report_called(text)
    stale = [Stale(text, tenant.actions, tenant.actions, text) for tenant in plan.tenants]
    row = RowChange(text, text)
    yield plain_text.plan(plan, stale=stale, past_cost=past_cost_called(text))
    yield plain_text.render(CostView(cost_called(text)))
    yield plain_text.saved_plan(plan, replace(build.MADE, commit=text, base=text))
    yield plain_text.drift(plan)
    yield plain_text.report(report, journal=text)
    yield problems_text.render([Problem(Location(text, 1, 2), text, text)])
    yield problems_text.render_error(ApiError(text, status=500, request_id=text, hint=text))
    yield history_text.render(history_of(text))
    changes = RowChanges((row,), (row,), plan.conflicts, 1)
    yield plain_text.render(RowChangesView(changes))
    yield plain_text.render(RegistryView(RegisteredTenants(text, (registered(text),))))
    yield chapter(text, text, text)
    yield status_list({text: text})


def history_of(text: str) -> ReturnPoints:
    """The moments of a tenant, all that comes from outside being this text."""
    kinds = get_args(Kind)
    named: dict[str, Any] = {"name": text, "id": text, "restore": text, "since": build.MADE.at, "until": None}
    return ReturnPoints(
        fleet=text,
        tenant=text,
        project_id=text,
        organization=text,
        branch=text,
        branch_id=text,
        restored_at=build.MADE.at,
        at=build.MADE.at,
        points=tuple(ReturnPoint(kind=kind, **named) for kind in kinds),
        storage=Storage(
            total_bytes=1,
            branches=tuple(
                StoredBranch(name=text, id=text, kind=kind, size_bytes=1, created_at=build.MADE.at)
                for kind in get_args(Holder)
            ),
            snapshots=2,
        ),
    )


def registered(text: str) -> RegisteredTenant:
    """A row of the registry."""
    facts = dict.fromkeys(
        ("project_id", "organization", "tier", "region", "host", "pooled_host", "database", "role"), text
    )
    at = build.MADE.at
    return RegisteredTenant(
        text,
        **facts,
        connection_string=KeptString.KEPT,
        state=RowState.READY,
        project_created_at=at,
        claimed_by=text,
        claimed_at=at,
        updated_at=at,
        recoverable_until=at,
        revision=7,
    )


def documents_of(text: str) -> Iterator[str]:
    """Every document for machines."""
    plan = everything_called(text)
    stale = [Stale(text, tenant.actions, tenant.actions, text) for tenant in plan.tenants]
    yield json_documents.plan(plan, build.MADE)
    yield json_documents.plan(plan, build.MADE, past_cost_called(text))
    yield json_documents.cost(cost_called(text))
    yield json_documents.drift(plan)
    yield json_documents.report(report_called(text), stale)
    yield json_documents.problems([Problem(Location(text, 1, 2), text, text)])
    yield json_documents.history(history_of(text))


def comments_of(text: str) -> Iterator[str]:
    """Every comment for a pull request."""
    plan = everything_called(text)
    stale = [Stale(text, tenant.actions, tenant.actions, text) for tenant in plan.tenants]
    yield markdown.render(UsageView(usage_called(text)))
    yield markdown.render(ReportView(report_called(text), text, stale))
    yield markdown.render(PlanView(plan, past_cost=past_cost_called(text)))
    yield markdown.render(PlanView(plan, replace(build.MADE, commit=text, base=text), saved=True))
    yield markdown.render(DriftView(plan))


def check(text: str, *widths: int) -> None:
    printed = [as_text(view, width) for view in views_of(text) for width in widths]
    documents = [*documents_of(text)]
    for output in (*printed, *documents, *comments_of(text)):
        assert not steering(output)
        assert not obeyed(output)
    assert all(document.isascii() for document in documents)


@pytest.mark.drawn(20)
@pytest.mark.parametrize("text", nasty.EVERYTHING)
def test_no_text_steers_a_terminal_or_a_runner(text: str) -> None:
    check(text, 100)


@settings(max_examples=profiles.size(8, 25, 400))
@given(texts)
def test_no_control_character_is_ever_printed(text: str) -> None:
    check(text, 40, 100)


@pytest.mark.drawn(20)
@pytest.mark.parametrize("text", [*nasty.TERMINAL, *nasty.RUNNERS])
def test_colours_are_all_that_a_terminal_is_told(text: str) -> None:
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system="truecolor")
    for view in views_of(text):
        show(view, console)
    assert "\x1b[" in file.getvalue()
    assert not steering(file.getvalue())
    assert not obeyed(file.getvalue())


def test_what_was_written_out_stays_as_it_is() -> None:
    for text in nasty.EVERYTHING:
        assert printable(printable(text)) == printable(text)


@given(texts)
def test_json_gives_every_text_back(text: str) -> None:
    document = json.loads(json_documents.plan(everything_called(text), build.MADE))
    assert document["notes"][0]["message"] == text
    assert document["tenants"][0]["actions"][0]["changes"][1]["after"] == {text: [text, text]}


@given(some.integers(40, 120), some.sampled_from(["plan", "drift"]))
def test_lines_keep_within_the_width_and_renders_are_repeatable(width: int, kind: str) -> None:
    view = plain_text.plan if kind == "plan" else plain_text.drift
    first = as_text(view(build.rich_plan()), width)
    assert first == as_text(view(build.rich_plan()), width)
    assert max(map(len, first.splitlines())) <= width


@given(some.permutations(["amber", "birch", "cedar", "acme", "zed"]))
def test_the_order_in_which_tenants_come_does_not_show(names: list[str]) -> None:
    shuffled = build.plan(*(build.price_change(name) for name in names))
    ordered = build.plan(*(build.price_change(name) for name in sorted(names)))
    assert as_text(plain_text.plan(shuffled)) == as_text(plain_text.plan(ordered))


def test_every_kind_of_action_has_words_of_its_own() -> None:
    copies = (
        build.create_branch("a"),
        build.patch_branch("a"),
        build.reset_branch("a"),
        build.delete_branch("a"),
        build.create_snapshot("a"),
        build.delete_snapshot("a"),
        *build.restores("a"),
        *build.contents("a"),
    )
    actions = (
        *build.upgrade("a").actions,
        build.create("a"),
        build.recover("a"),
        build.adopt("a"),
        build.delete("a", "id"),
        build.suspend_compute("a"),
        build.create_replica("a"),
        build.delete_replica("a"),
        build.delete_duplicate("a"),
        build.reset_password("a"),
        *copies,
    )
    assert {type(action) for action in actions} == set(get_args(Action))
    assert len({will_do(action) for action in actions}) == len(actions)
    assert len({was_found(action) for action in actions}) == len(actions)


def test_every_result_is_told() -> None:
    text = as_text(plain_text.report(build.rich_report(), journal=None)).lower()
    assert all(result.value in text for result in Result)
