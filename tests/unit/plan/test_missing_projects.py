"""Creating needs a cause: of a tenant that had a project no second one is made where the first is not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.cli import exit_codes
from reconciler.errors import ExitCode
from reconciler.live.state import AnnotationSearch
from reconciler.model.values import replace
from reconciler.plan.history import History
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import a_deleted, a_fleet, a_project, a_tenant, a_view, guarded_plan

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

NOBODY = Permissions()
ACME = a_fleet(a_tenant())
EMPTY = a_view()
STRANGER = a_view(a_project("of-somebody", details=False, name="a shop"))


def plan_of(desired: DesiredState, live: LiveState, history: History, permissions: Permissions = NOBODY) -> Plan:
    return guarded_plan(desired, live, permissions, history=history)


def held_back(plan: Plan) -> bool:
    """Whether acme is refused as missing, rather than created."""
    created = [action.kind for action in plan.actions] == ["create_project"]
    missing = [(r.rule, r.tenants) for r in plan.refusals] == [(Rule.MISSING_PROJECT, ("acme",))]
    assert created is not missing
    return missing


@pytest.mark.parametrize(
    ("history", "held"),
    [
        (History(), False),
        (History(a_fleet()), False),
        (History(a_fleet(a_tenant(absent=True))), False),
        (History(ACME), True),
        (History(a_fleet(a_tenant(tier="pro"))), True),
        (History(ACME, uncommitted=frozenset({"acme"})), True),
        (History(a_fleet(held_back=frozenset({"acme"}))), True),
        (History(files=ACME, documents=frozenset({"acme"})), False),
        (History(files=a_fleet(), documents=frozenset({"acme"})), False),
        (History(files=ACME, documents=frozenset({"acme"}), committed=frozenset({"acme"})), True),
        (History(ACME, files=ACME, documents=frozenset({"acme"})), True),
    ],
    ids=[
        "no base",
        "new since the base",
        "a tombstone at the base",
        "at the base",
        "changed since the base",
        "at the base, and now not held by git",
        "broken at the base",
        "a document and a file that no commit has",
        "a document that no file knows",
        "a document and a committed file",
        "a document and the base",
    ],
)
def test_a_tenant_that_was_declared_had_a_project(history: History, held: bool) -> None:
    assert held_back(plan_of(ACME, EMPTY, history)) is held


class TestAFirstRun:
    """Where nobody says what was applied last, an account without any project tells that nothing was."""

    @pytest.mark.parametrize(("live", "held"), [(EMPTY, False), (STRANGER, True)], ids=["nothing", "something"])
    def test_a_base_that_nobody_named_counts_where_anything_is_live(self, live: LiveState, held: bool) -> None:
        assert held_back(plan_of(ACME, live, History(ACME, guessed=True))) is held

    @pytest.mark.parametrize(("listed", "held"), [(0, False), (1, True), (None, True)])
    def test_as_it_does_for_a_few_tenants(self, listed: int | None, held: bool) -> None:
        search = None if listed is None else AnnotationSearch(frozenset({"acme"}), listed, listed)
        live = replace(a_view(listed=False), annotation_search=search)
        assert held_back(plan_of(ACME, live, History(ACME, guessed=True))) is held

    def test_a_person_can_say_so(self) -> None:
        assert not held_back(plan_of(ACME, STRANGER, History(ACME), Permissions(expect_empty=True)))


def test_a_revision_that_was_applied_is_a_past() -> None:
    live = replace(EMPTY, applied={"acme": 7}, revisions={"acme": 7})
    assert held_back(plan_of(ACME, live, History()))


def test_a_revision_that_a_registry_remembers_without_a_row_is_none() -> None:
    """Of a tombstone, or of a creation that failed."""
    assert not held_back(plan_of(ACME, replace(EMPTY, revisions={"acme": 7}), History()))


@pytest.mark.parametrize(("count", "held"), [(0, True), (1, True), (2, False), (3, False)])
def test_the_number_of_all_creations_permits_them(count: int, held: bool) -> None:
    desired = a_fleet(a_tenant(), a_tenant("new"))
    plan = plan_of(desired, EMPTY, History(ACME), Permissions(counts={"creates": count}))
    assert [r.tenants for r in plan.refusals] == ([("acme",)] if held else [])
    assert [planned.tenant for planned in plan.tenants] == (["new"] if held else ["acme", "new"])


def test_a_refusal_names_the_project_that_can_be_recovered() -> None:
    live = replace(EMPTY, deleted={"free": (a_deleted(a_project(id="p-old")),)})
    (refusal,) = plan_of(ACME, live, History(ACME)).refusals
    assert "recover: p-old" in refusal.remedy
    assert "--allow creates=1" in refusal.remedy


def test_tenants_that_miss_theirs_alike_are_told_together() -> None:
    fleet = a_fleet(a_tenant(), a_tenant("zoe"))
    (refusal,) = plan_of(fleet, EMPTY, History(fleet)).refusals
    assert refusal.tenants == ("acme", "zoe")


@pytest.mark.parametrize(("tier", "code"), [("free", ExitCode.DONE), ("pro", ExitCode.REFUSED)])
def test_it_is_a_refusal_of_what_was_asked_for_where_the_files_changed_the_tenant(
    tier: str, code: ExitCode
) -> None:
    plan = plan_of(a_fleet(a_tenant(tier=tier)), EMPTY, History(ACME))
    assert exit_codes.of_plan(plan, (), detailed=False) is code
