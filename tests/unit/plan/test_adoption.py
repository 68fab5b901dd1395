"""Whose data is in a project that a name finds: an annotation counts more, and a name can be given out again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.naming import Naming
from reconciler.desired.selection import Depth
from reconciler.files.inputs import parse
from reconciler.live.registered import Registered
from reconciler.model.annotations import adoption_annotations, creation_annotations
from reconciler.model.values import replace
from reconciler.plan.actions.project import CreateProject
from reconciler.plan.adoption import MARK
from reconciler.plan.history import History
from reconciler.plan.needs import PlanRequirements
from reconciler.plan.permissions import Permissions
from reconciler.plan.plan import Rule
from tests.harness.builders import (
    FREE_QUOTA,
    FREE_TIER,
    NOON,
    PRO_TIER,
    a_branch,
    a_fleet,
    a_pro_project,
    a_project,
    a_tenant,
    a_view,
    guarded_plan,
    make_plan,
)

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

OLD = NOON - timedelta(days=100)
BOB = a_fleet(a_tenant("bob"))
BOTH = a_fleet(a_tenant("bob"), a_tenant("acme", "pro"))
ANYTHING = Permissions(
    lowering=True, counts=dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 1000)
)
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
        assert "add project_id: p-x" in conflict.remedy
        assert "delete or rename" in conflict.remedy

    @pytest.mark.parametrize(
        "history",
        [
            History(),
            History(BOTH),
            History(a_fleet(a_tenant("acme", absent=True))),
            History(BOB, uncommitted=frozenset({"acme"})),
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
        assert PlanRequirements(depth=Depth.LIST).details(fleet, unread).branches == ()
        assert PlanRequirements(depth=Depth.LIST, new={"acme"}).details(fleet, unread).branches == ("p-x",)


def found(tenant: str = "acme", **fields: Any) -> LiveProject:
    """A project in the paid organization that somebody made by hand under a tenant's name."""
    return a_pro_project(tenant, branches=(a_branch(f"p-{tenant}", annotations={}),), **fields)


def marked(project: LiveProject, at: datetime = NOON, **note: Any) -> LiveProject:
    """The same with the branch that an adoption leaves."""
    notes = adoption_annotations(fleet="prod", tenant="acme", run="r1", branch=MARK, **note)
    mark = a_branch(
        project.id,
        id="br-mark",
        name=MARK,
        default=False,
        parent_id=f"br-{project.id}",
        annotations=notes,
        created_at=at,
    )
    return replace(project, branches=(*(project.branches or ()), mark))


class TestAProjectThatANameAloneFinds:
    """Somebody made it by hand: nothing says that it is this tenant's."""

    new = a_fleet(a_tenant("bob"), a_tenant("acme"))

    def plan(
        self,
        history: History,
        project: LiveProject,
        fleet: DesiredState = new,
        permissions: Permissions = Permissions(),
        **view: Any,
    ) -> Plan:
        live = a_view(a_project("bob"), project, **view)
        return guarded_plan(fleet, live, permissions, history=history)

    @pytest.mark.parametrize("permissions", [Permissions(), ANYTHING], ids=["nobody", "whatever is permitted"])
    @pytest.mark.parametrize(
        "history",
        [
            History(BOB),
            History(),
            History(new, guessed=True),
            BY_DOCUMENT,
            History(BOB, uncommitted=frozenset({"acme"})),
        ],
        ids=["new to the base", "no base", "a base that nobody named", "a document", "not held by git"],
    )
    def test_is_marked_and_what_differs_is_reported(self, history: History, permissions: Permissions) -> None:
        plan = self.plan(history, found(), permissions=permissions)
        assert [action.kind for action in plan.actions] == ["adopt_project"]
        (refusal,) = plan.refusals
        assert refusal.rule is Rule.UNCONFIRMED
        assert {action.kind for action in refusal.actions} >= {"transfer_project", "patch_project"}
        assert "project_id" in refusal.remedy

    @pytest.mark.parametrize("tier", ["free", "pro"])
    def test_whatever_a_new_file_says_asks_for_nothing(self, tier: str) -> None:
        """Neither to take something, nor for a move up."""
        fleet = a_fleet(a_tenant("bob"), a_tenant("acme", tier))
        project = a_project(branches=(a_branch(annotations={}),)) if tier == "pro" else found()
        (first,) = self.plan(History(BOB), project, fleet).refusals
        assert not first.asked_for
        (second,) = self.plan(History(BOB), marked(project), fleet).refusals
        assert not second.asked_for
        assert second.rule in (Rule.LOWERING_NEEDS_A_CAUSE, Rule.MOVE_NEEDS_A_CAUSE)

    def test_what_gives_waits_for_the_mark_too(self) -> None:
        project = a_project(
            branches=(a_branch(annotations={}),), quota=replace(FREE_QUOTA, active_time_seconds=60)
        )
        assert [a.kind for a in self.plan(History(BOB), project).actions] == ["adopt_project"]
        assert [a.kind for a in self.plan(History(BOB), marked(project)).actions] == ["patch_project"]

    def test_is_marked_where_nothing_differs(self) -> None:
        plan = self.plan(History(BOB), a_project(branches=(a_branch(annotations={}),)))
        assert [action.kind for action in plan.actions] == ["adopt_project"]
        assert plan.refusals == ()

    def test_a_change_of_a_commit_that_waits_is_a_refusal_of_what_was_asked_for(self) -> None:
        before = a_fleet(a_tenant("bob"), a_tenant("acme", "pro"))
        (refusal,) = self.plan(History(before, guessed=True), found()).refusals
        assert refusal.asked_for
        after = self.plan(History(before, guessed=True), marked(found()))
        assert "transfer_project" in [action.kind for action in after.actions] + [
            action.kind for refusal in after.refusals for action in refusal.actions
        ]
        assert all(refusal.rule is not Rule.UNCONFIRMED for refusal in after.refusals)

    @pytest.mark.parametrize(
        ("history", "pin", "view"),
        [
            (History(new), None, {}),
            (History(BOB), "p-acme", {}),
            (History(BOB), None, {"registered": row("p-acme")}),
            (History(BOB), None, {"revisions": {"acme": 3}}),
            (History(files=new, documents=frozenset({"acme"}), committed=frozenset({"acme"})), None, {}),
        ],
        ids=["at a base that somebody named", "a pin", "a row", "a revision", "a document and a committed file"],
    )
    def test_is_confirmed_by(self, history: History, pin: str | None, view: dict[str, Any]) -> None:
        fleet = a_fleet(a_tenant("bob"), a_tenant("acme", project_id=pin))
        plan = self.plan(history, found(), fleet, **view)
        assert "adopt_project" not in [action.kind for action in plan.actions]
        assert all(refusal.rule is not Rule.UNCONFIRMED for refusal in plan.refusals)

    def test_is_not_deleted_by_a_tombstone_marked_or_not(self) -> None:
        gone = a_fleet(a_tenant("bob"), a_tenant("acme", absent=True))
        for project in (found(), marked(found())):
            plan = self.plan(History(self.new), project, gone, ANYTHING)
            assert plan.empty
            assert [refusal.rule for refusal in plan.refusals] == [Rule.OWNERSHIP]

    def test_is_no_orphan_that_could_be_pruned(self) -> None:
        plan = make_plan(BOB, a_view(a_project("bob"), marked(found(created_at=OLD))), prune=True)
        assert plan.empty
        assert [orphan.owned for orphan in plan.orphans] == [False]

    def test_is_not_marked_where_a_branch_has_no_room_or_the_name_is_taken(self) -> None:
        crowd = tuple(a_branch(id=f"br-{n}", name=f"b{n}", default=n == 0, annotations={}) for n in range(10))
        taken = a_branch(id="br-x", name=MARK, default=False, annotations={})
        full = a_project(branches=crowd)
        for project in (full, a_project(branches=(a_branch(annotations={}), taken))):
            plan = self.plan(History(BOB), project)
            assert plan.empty
            assert any("add project_id: p-acme" in note.message for note in plan.notes)

    def test_with_a_registry_its_row_is_the_mark(self) -> None:
        fleet = replace(self.new, registry="sqlite:///registry.db")
        plan = self.plan(History(BOB), found(), fleet)
        assert plan.empty
        assert any("records it in the registry" in note.message for note in plan.notes)
        assert "marks the project" in plan.refusals[0].remedy

    def test_a_mark_tells_a_new_tenant_of_its_name_for_a_week(self) -> None:
        """It is as old as its branch, not as the project."""
        recent, old = (marked(found(created_at=OLD), at=NOON - timedelta(days=days)) for days in (6, 8))
        assert conflicting(self.plan(History(BOB), recent)) == []
        assert conflicting(self.plan(History(BOB), old)) == ["acme"]

    def test_a_second_project_that_was_created_for_the_tenant_is_a_conflict(self) -> None:
        live = a_view(found(), created_for("acme", name="Acme production"))
        assert conflicting(make_plan(a_fleet(a_tenant()), live)) == ["acme"]


class TestATenantThatDocumentsAloneSpeakOf:
    """No file, no registry: what was annotated by the door that asks again is the tenant's, however old it is."""

    def annotated(self, *, by_document: bool) -> LiveProject:
        note = creation_annotations(fleet="prod", tenant="acme", run="r0", returns_strings=by_document)
        branch = a_branch("p-x", annotations=note)
        return a_project("acme", id="p-x", branches=(branch,), created_at=OLD)

    @pytest.mark.parametrize(
        ("by_document", "history", "conflicts"),
        [
            (True, BY_DOCUMENT, []),
            (False, BY_DOCUMENT, ["acme"]),
            (True, History(BOB), ["acme"]),
        ],
        ids=[
            "signed up by a document",
            "created from a file that is gone",
            "signed up by a document, and a commit adds a file of its name",
        ],
    )
    def test_is_upgraded_unless_the_project_is_an_earlier_ones(
        self, by_document: bool, history: History, conflicts: list[str]
    ) -> None:
        live = a_view(a_project("bob"), self.annotated(by_document=by_document))
        plan = make_plan(BOTH, live, history=history)
        assert conflicting(plan) == conflicts
        assert ("transfer_project" in [action.kind for action in plan.actions]) is not bool(conflicts)

    @pytest.mark.parametrize("by_document", [True, False])
    def test_a_mark_says_as_much_as_an_annotation(self, by_document: bool) -> None:
        old = marked(found(created_at=OLD), at=OLD, returns_strings=by_document)
        plan = make_plan(BOTH, a_view(a_project("bob"), old), history=BY_DOCUMENT)
        assert conflicting(plan) == ([] if by_document else ["acme"])


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

    def test_is_settled_by_a_pin_and_told_all_the_same(self) -> None:
        plan = make_plan(a_fleet(a_tenant(project_id="p-acme")), self.both)
        assert conflicting(plan) == []
        (note,) = plan.notes
        assert "project p-x (Acme production in free) was also created for this tenant" in note.message

    def test_that_a_run_marked_as_a_duplicate_leaves_the_tenant_its_own(self) -> None:
        live = a_view(a_project(), created_for("acme", name="myapp-acme-duplicate-r0", created_at=NOON))
        assert conflicting(make_plan(a_fleet(a_tenant()), live)) == []


def test_of_a_document_no_row_hands_over_the_project_of_another_one() -> None:
    """The files of a fleet of documents declare nobody: whose project it is, only its annotation says."""
    row = Registered("p-bob", "free", "r1", NOON)
    view = a_view(a_project("bob"), registered={"acme": row})
    given = parse(a_fleet(), '{"tenant": "acme", "tier": "free"}', "document")[0]
    acme = frozenset({"acme"})
    plan = make_plan(given, view, history=History(a_fleet(), files=a_fleet(), documents=acme))
    assert plan.empty
    (conflict,) = plan.conflicts
    assert conflict.message.startswith("the registry names project p-bob (myapp-bob)")
    assert "seems to belong to tenant 'bob', in none of the files that were read" in conflict.message
