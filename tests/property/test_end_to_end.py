"""The properties of planning and applying, through HTTP and SQLite, on every Neon that the documents allow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from msgspec import structs

from reconciler.cli import exit_codes
from reconciler.desired.policy import Policy
from reconciler.errors import ExitCode
from reconciler.plan.approval import PlanOrigin
from reconciler.plan.moves import quota_at_risk
from reconciler.plan.outcome import Result
from reconciler.plan.plan import ordered
from tests.harness import json_documents
from tests.harness.builders import NOON
from tests.harness.stored import Stored
from tests.harness.wire import WRITING
from tests.property.accounts import (
    CAREFUL,
    LOWERING,
    PRUNING,
    cases,
    conflicts,
    disturbances,
    held_back,
    merging,
    opened,
    through_http,
)
from tests.property.rows import Rows, limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.plan.plan import Plan
    from reconciler.simulator.exchanges import Exchange
    from tests.property.accounts import Case, Disturbance

ANY = (CAREFUL, LOWERING, PRUNING)
WAITING_SECONDS = 10.0
"""More than two plans take, and less than one waits for a project that no key sees: computes run on meanwhile."""

pytestmark = pytest.mark.slow


@through_http
@given(cases(*ANY))
def test_after_an_apply_nothing_is_left_to_plan_but_the_same_refusals_and_conflicts(case: Case) -> None:
    with opened(case) as scene:
        planned = scene.plan()
        before, report, after = planned.plan, scene.apply(planned), scene.plan().plan
    assert {outcome.tenant: outcome.result for outcome in report.outcomes} == {
        tenant.tenant: Result.APPLIED for tenant in before.tenants
    }, report
    assert after.empty, list(after.actions)
    assert held_back(after) == held_back(before)
    assert conflicts(after) == conflicts(before)
    code_after = exit_codes.of_plan(after, (), detailed=False)
    assert exit_codes.of_apply(before, report, ()) is code_after
    assert code_after in (ExitCode.DONE, ExitCode.REFUSED)


@through_http
@given(cases(*ANY))
def test_two_plans_of_the_same_account_are_equal_to_the_byte(case: Case) -> None:
    with opened(case) as scene:
        begun = scene.world.simulator.clock.now()
        one, other = scene.plan(), scene.plan()
        waited = scene.world.simulator.clock.now() - begun
    assume(waited < WAITING_SECONDS)
    assert (one.plan, one.live) == (other.plan, other.live)
    assert json_documents.plan(one.plan, PlanOrigin(NOON)) == json_documents.plan(other.plan, PlanOrigin(NOON))
    assert json_documents.drift(one.plan) == json_documents.drift(other.plan)


@through_http
@given(cases(CAREFUL, LOWERING))
def test_what_no_file_declares_or_manages_is_not_touched(case: Case) -> None:
    with opened(case) as scene:
        before = Rows.of(scene.world.simulator)
        scene.apply(scene.plan())
        after = Rows.of(scene.world.simulator)
    for project_id in before.projects:
        tenant = scene.desired.tenants.get(scene.tenant(project_id))
        was, became = before.below(project_id), after.below(project_id)
        if tenant is None:
            assert became == was
        elif not tenant.absent:
            wanted = scene.desired.settings(tenant)
            moved = was.projects[project_id]["org_id"] != became.projects[project_id]["org_id"]
            limited = moved or was.beyond(scene.desired.limits(wanted.organization))
            assert became.unmanaged(wanted, moved=limited) == was.unmanaged(wanted, moved=limited)


@through_http
@given(cases(CAREFUL))
def test_without_permission_nothing_in_any_row_becomes_less(case: Case) -> None:
    careful = replace(case, desired=structs.replace(case.desired, policy=Policy()), base=None)
    with opened(careful) as scene:
        before = Rows.of(scene.world.simulator)
        scene.apply(scene.plan())
        after = Rows.of(scene.world.simulator)
        paid = scene.world.simulator.organization_ids["paid"]
    for project_id, was in before.projects.items():
        assert was["org_id"] != paid or after.projects[project_id]["org_id"] == paid
        assert not lowered(limits(was), limits(after.projects[project_id]))
    for endpoint_id, was in before.endpoints.items():
        assert not lowered(limits(was), limits(after.endpoints[endpoint_id]))


def lowered(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: after[name] for name, was in before.items() if after[name] < was}


@through_http
@given(cases(*ANY), disturbances)
def test_a_run_that_was_stopped_or_killed_ends_as_if_it_had_not_been_once_it_runs_again(
    case: Case, disturbance: Disturbance
) -> None:
    """Where patches merge, if it is killed: else, settings that no file states may be lost (reliability.md)."""
    if disturbance.kind != "stop":
        case = merging(case)
    with opened(case) as undisturbed:
        undisturbed.apply(undisturbed.plan())
        expected = Rows.of(undisturbed.world.simulator)
    with opened(case) as scene:
        scene.apply_disturbed(scene.plan(), disturbance)
        scene.wait(seconds=1)
        scene.repair()
        ended = Rows.of(scene.world.simulator)
    assert ended.end_state() == expected.end_state()


@through_http
@given(cases(*ANY))
def test_the_writes_that_go_out_are_those_of_the_plan_in_its_order(case: Case) -> None:
    """Where patches merge: otherwise, a run sends again what its first patch has removed.

    And where a new compute has the requested size: then no call resizes it, which the plan counts as possible.
    """
    case = merging(case)
    sized_at_once = replace(case.behaviour, first_compute_takes_defaults=True)
    with opened(replace(case, behaviour=sized_at_once)) as scene:
        planned, before = scene.plan(), len(scene.world.simulator.requests)
        scene.apply(planned)
        written = [exchange for exchange in scene.world.simulator.requests[before:] if exchange.method in WRITING]
        created = {plan.tenant for plan in planned.plan.tenants if plan.project is None}
        rows = Stored.of(scene.world.simulator).rows("projects", deleted=True)
    made = {row["id"]: row["name"] for row in rows if row["name"].removeprefix("myapp-") in created}
    refused = {subject for exchange in written if exchange.status == 406 for subject, _ in subjects(exchange)}
    taken = [exchange for exchange in written if exchange.status not in (406, 423, 429)]
    budget = planned.plan.budget
    certain = budget.writes - budget.resizes - budget.repeats
    if refused:  # what makes way goes first then, and the move is tried again
        assert sum(not e.line.endswith("/transfer") for e in taken) == certain - budget.transfers
    else:
        assert len(taken) == certain
    sent: dict[str, list[str]] = {}
    for exchange in taken:
        for subject, kind in subjects(exchange):
            sent.setdefault(made.get(subject, subject), []).append(kind)
    expected = dict(expected_writes(planned.plan))
    assert {subject: sorted(kinds) for subject, kinds in sent.items()} == {
        subject: sorted(kinds) for subject, kinds in expected.items()
    }
    assert all(sent[subject] == expected[subject] for subject in sent.keys() - refused)
    for tenant in planned.plan.tenants:
        assert tenant.actions == ordered(tenant.actions)


def subjects(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """The ids of the projects that a write is about, or the name of the one that it makes; with its kind."""
    body: dict[str, dict[str, str]] = exchange.body  # type: ignore[assignment]
    match exchange.method, exchange.path.strip("/").split("/"):
        case "POST", ["projects"]:
            yield body["project"]["name"], "create_project"
        case "POST", ["organizations", _, "projects", "transfer"]:
            yield from ((project_id, "transfer_project") for project_id in body["project_ids"])
        case "PATCH", ["projects", project_id]:
            yield project_id, "patch_project"
        case "POST", ["projects", project_id, "endpoints"]:
            yield project_id, "create_replica"
        case "DELETE", ["projects", project_id, "endpoints", _]:
            yield project_id, "delete_replica"
        case "PATCH", ["projects", project_id, "endpoints", _]:
            yield project_id, "patch_endpoint"
        case "POST", ["projects", project_id, "endpoints", _, "suspend"]:
            yield project_id, "suspend_compute"
        case "DELETE", ["projects", project_id]:
            yield project_id, "delete_project"
        case _:
            raise AssertionError(exchange.line)


def expected_writes(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    for tenant in plan.tenants:
        subject = tenant.project.id if tenant.project else f"myapp-{tenant.tenant}"
        kinds = [action.kind for action in tenant.actions]
        if quota_at_risk(tenant):  # Neon removes the quota with the move, and the run sends it again
            kinds.insert(kinds.index("transfer_project") + 1, "patch_project")
        yield subject, kinds
