"""Whose data is in a project that a name finds: an annotation counts more, and a name can be given out again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.naming import Naming
from reconciler.live.registered import Registered
from reconciler.plan.action import CreateProject
from reconciler.plan.history import History
from reconciler.plan.needs import needs
from reconciler.plan.ownership import creation_annotations
from tests.builders import (
    FREE_TIER,
    NOON,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    make_plan,
)

if TYPE_CHECKING:
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

OLD = NOON - timedelta(days=100)
BOB = a_fleet(a_tenant("bob"))
BOTH = a_fleet(a_tenant("bob"), a_tenant("acme", "pro"))
BY_DOCUMENT = History(files=BOB, documents=frozenset({"acme"}))


def created_for(tenant: str, **fields: Any) -> LiveProject:
    """A project with the name of another tenant, acme."""
    note = creation_annotations(fleet="prod", tenant=tenant, run="r0")
    branch = a_branch("p-x", annotations=note)
    return a_project("acme", **{"id": "p-x", "branches": (branch,), "created_at": OLD, **fields})


def row(project_id: str) -> dict[str, Registered]:
    return {"acme": Registered(project_id, "free", "r0", NOON)}


def conflicting(plan: Plan) -> list[str]:
    return [conflict.tenant for conflict in plan.conflicts]


class TestANameThatIsGivenOutAgain:
    """The first acme left, its project stayed; another customer is acme now."""

    live = a_view(a_project("bob"), created_for("acme"))

    @pytest.mark.parametrize("history", [History(BOB), BY_DOCUMENT], ids=["by a commit", "by a document"])
    def test_does_not_find_the_first_ones_data(self, history: History) -> None:
        plan = make_plan(BOTH, self.live, history=history)
        assert plan.empty
        (conflict,) = plan.conflicts
        assert conflict.tenant == "acme"
        assert conflict.asked_for
        assert "state project_id: p-x" in conflict.remedy
        assert "delete or rename" in conflict.remedy

    @pytest.mark.parametrize(
        "history",
        [
            History(),
            History(BOTH),
            History(a_fleet(a_tenant("acme", absent=True))),
            History(BOB, unheld=frozenset({"acme"})),
            History(files=BOTH, documents=frozenset({"acme"})),
        ],
        ids=["no base", "at the base", "a tombstone taken back", "not held by git", "a file of its own"],
    )
    def test_is_no_question_where_the_tenant_is_not_new(self, history: History) -> None:
        plan = make_plan(BOTH, self.live, history=history)
        assert conflicting(plan) == []
        assert [planned.tenant for planned in plan.tenants] == ["acme"]

    def test_a_project_of_this_week_is_that_of_a_run_that_died(self) -> None:
        live = a_view(a_project("bob"), created_for("acme", created_at=NOON - timedelta(days=6)))
        assert conflicting(make_plan(BOTH, live, history=History(BOB))) == []

    def test_a_row_of_the_registry_a_revision_and_a_pin_say_whose_it_is(self) -> None:
        registered = replace(self.live, registered=row("p-x"))
        accepted = replace(self.live, revisions={"acme": 3})
        pinned = a_fleet(a_tenant("bob"), a_tenant("acme", "pro", project_id="p-x"))
        for fleet, live in ((BOTH, registered), (BOTH, accepted), (pinned, self.live)):
            assert conflicting(make_plan(fleet, live, history=History(BOB))) == []

    def test_is_asked_about_however_little_differs(self) -> None:
        tiers = (replace(FREE_TIER, compute=None), PRO_TIER)
        fleet = a_fleet(a_tenant("acme"), tiers=tiers)
        unread = a_view(created_for("acme", branches=None, endpoints=None))
        assert needs(fleet, unread).branches == ()
        assert needs(fleet, unread, new={"acme"}).branches == ("p-x",)


class TestAProjectOfAnotherTenant:
    def test_that_is_gone_from_the_files_is_not_adopted_by_a_name(self) -> None:
        """A project of tenant x, which an older pattern names like tenant myapp-x."""
        note = creation_annotations(fleet="prod", tenant="x", run="r0")
        project = a_project("x", branches=(a_branch("p-x", annotations=note),))
        fleet = a_fleet(a_tenant("myapp-x"), naming=Naming("app-{tenant}", ("{tenant}",)))
        for history in (History(), History(fleet)):
            plan = make_plan(fleet, a_view(project), history=history)
            assert plan.empty
            (conflict,) = plan.conflicts
            assert "created for tenant 'x'" in conflict.message
            assert "project_id: p-x" in conflict.remedy

    def test_unless_the_registry_says_so(self) -> None:
        live = replace(a_view(created_for("gone")), registered=row("p-x"))
        assert conflicting(make_plan(a_fleet(a_tenant()), live)) == []

    def test_is_no_candidate_beside_ones_own(self) -> None:
        """Somebody gave bob's project the name of acme's: both are still known by their annotations."""
        plan = make_plan(a_fleet(a_tenant(), a_tenant("bob")), a_view(a_project(), created_for("bob")))
        assert conflicting(plan) == []
        assert [(t.tenant, t.project and t.project.id) for t in plan.tenants] == [("bob", "p-x")]
        assert not any(isinstance(action, CreateProject) for action in plan.actions)

    def test_without_one_of_ones_own_neither_gets_anything(self) -> None:
        plan = make_plan(a_fleet(a_tenant(), a_tenant("bob")), a_view(created_for("bob")))
        assert plan.empty
        assert conflicting(plan) == ["acme", "bob"]


class TestASecondProject:
    """Two that were created for one tenant, of which one was renamed in the console."""

    both = a_view(a_project(), created_for("acme", name="Acme production"))

    def test_is_a_conflict_and_neither_is_changed(self) -> None:
        fleet = a_fleet(a_tenant(tier="pro"))
        plan = make_plan(fleet, self.both, history=History(a_fleet(a_tenant())))
        assert plan.empty
        (conflict,) = plan.conflicts
        assert "p-acme" in conflict.message
        assert "p-x" in conflict.message

    def test_is_settled_by_a_pin(self) -> None:
        plan = make_plan(a_fleet(a_tenant(project_id="p-acme")), self.both)
        assert conflicting(plan) == []

    def test_that_a_run_marked_as_a_duplicate_leaves_the_tenant_its_own(self) -> None:
        live = a_view(a_project(), created_for("acme", name="myapp-acme-duplicate-r0", created_at=NOON))
        assert conflicting(make_plan(a_fleet(a_tenant()), live)) == []
