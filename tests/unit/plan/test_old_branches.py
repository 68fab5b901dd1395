"""Branches that restores left: reported always, deleted only where the tier says so, and not while in use."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.desired.tenant import DevBranch, Snapshot
from reconciler.desired.tier import Cleanup
from reconciler.live.project import LiveSnapshot, SnapshotRestore
from reconciler.model.annotations import creation_annotations
from reconciler.model.values import replace
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.baseline import Baseline
from reconciler.plan.change import Origin, Risk
from reconciler.plan.history import History
from tests.harness.builders import (
    FREE_TIER,
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    guarded_plan,
)

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.plan import Plan

WEEK = timedelta(days=7)
MARKED = creation_annotations(fleet="prod", tenant="acme", run="r0")
NAMED = pytest.mark.parametrize(
    "named",
    [
        {"dev_branches": (DevBranch("main (old)"),)},
        {"dev_branches": (DevBranch("look", parent="main (old)"),)},
        {"snapshots": (Snapshot("main (old)"),)},
    ],
    ids=["as a branch", "as a parent", "as a snapshot"],
)
"""What a tenant's file can say of the branch that a restore left."""


def fleet(days: float | None = 7, **tenant: Any) -> DesiredState:
    seconds = None if days is None else int(days * 86_400)
    return a_fleet(a_tenant(**tenant), tiers=(replace(FREE_TIER, cleanup=Cleanup(seconds)),))


def old(**fields: Any) -> LiveBranch:
    given = {"id": "br-old", "name": "main (old)", "default": False, "created_at": NOON - 9 * WEEK, **fields}
    return a_branch(**given)


def live(*others: LiveBranch, restored_ago: timedelta = 2 * WEEK, **fields: Any) -> LiveProject:
    """A project whose default branch was made of a snapshot, with the branch that it replaced."""
    at = NOON - restored_ago
    main = a_branch(annotations=MARKED, created_at=at, restore=SnapshotRestore("snap-1", "br-old"))
    branches = (main, *(others or (old(),)))
    return a_project(**{"branches": branches, "endpoints": (an_endpoint(),), "snapshots": (), **fields})


def plan(desired: DesiredState, project: LiveProject, history: History | None = None) -> Plan:
    view, past = a_view(project), history or History(desired)
    return guarded_plan(desired, view, history=past)


def test_an_old_branch_is_deleted_after_the_time_that_the_tier_says() -> None:
    (delete,) = plan(fleet(), live()).actions
    assert isinstance(delete, DeleteBranch)
    assert (delete.branch, delete.branch_id, delete.risk) == ("main (old)", "br-old", Risk.DESTRUCTIVE)
    assert [change.origin for change in delete.changes] == [Origin.CONFIG]
    assert delete.lowering


def test_it_stays_until_then_and_is_reported_with_its_date_and_size() -> None:
    found = plan(fleet(), live(old(logical_size_bytes=2**20), restored_ago=WEEK - timedelta(seconds=1)))
    assert found.empty
    date = f"{NOON - WEEK + timedelta(seconds=1):%Y-%m-%d}"
    assert f"branch 'main (old)' was left by a restore on {date}, 1MiB" in found.notes[0].message


def test_by_default_it_stays_however_old_it_is() -> None:
    found = plan(fleet(None), live(restored_ago=9 * WEEK))
    assert found.empty
    assert "the tier declares no cleanup.old_branches" in found.notes[0].message


@pytest.mark.parametrize(
    ("others", "fields", "word"),
    [
        ((old(protected=True),), {}, "it is protected in Neon"),
        ((old(), a_branch(id="br-c", name="c", default=False, parent_id="br-old")), {}, "child branch 'c'"),
        ((), {"snapshots": (LiveSnapshot("s", "v1", "br-old", NOON),)}, "snapshots were taken of it"),
        ((), {"snapshots": None}, "snapshots were taken of it"),
        ((), {"endpoints": (an_endpoint(), an_endpoint(id="ep-old", branch_id="br-old"))}, "it has a compute"),
        ((old(name="x (old)", id="br-x"),), {}, "only its name shows"),
    ],
    ids=["protected", "parent", "snapshots", "unread", "compute", "by hand"],
)
def test_one_that_is_in_use_or_that_no_restore_left_stays(
    others: tuple[LiveBranch, ...], fields: dict[str, Any], word: str
) -> None:
    found = plan(fleet(), live(*others, **fields))
    assert found.empty
    assert not found.refusals
    assert any(word in note.message for note in found.notes)


def test_it_stays_where_only_it_shows_whose_the_project_is() -> None:
    project = live(old(annotations=MARKED))
    branches = project.branches or ()
    bare = replace(project, branches=tuple(replace(b, annotations={}) if b.default else b for b in branches))
    found = plan(fleet(), bare)
    assert found.empty
    assert any("only it shows which tenant the project belongs to" in note.message for note in found.notes)
    assert not plan(fleet(project_id=project.id), bare).empty


def test_one_that_shows_nothing_goes_where_another_one_shows_whose_the_project_is() -> None:
    later = old(id="br-later", name="main (old, before restore to 2026-01-01T00:00:00Z)", annotations={})
    project = live(old(annotations=MARKED), later)
    branches = tuple(replace(b, annotations={}) if b.default else b for b in project.branches or ())
    found = plan(fleet(), replace(project, branches=branches))
    assert [delete.branch_id for delete in found.actions if isinstance(delete, DeleteBranch)] == ["br-later"]
    assert any("only it shows which tenant the project belongs to" in note.message for note in found.notes)


def test_nothing_is_deleted_of_a_protected_tenant() -> None:
    found = plan(fleet(protect=True), live())
    assert found.empty
    assert not found.refusals


def test_a_document_brings_no_cleanup_with_another_tier() -> None:
    held, acme = fleet(None), frozenset({"acme"})
    found = plan(fleet(), live(), History(held, files=held, documents=acme, committed=acme))
    assert found.empty
    assert not found.refusals
    assert "it stays, because a document brings the tier, and no commit" in found.notes[0].message


def test_a_branch_that_somebody_made_by_hand_under_such_a_name_stays() -> None:
    """Nothing but its name says that a restore left it: it never was a default branch."""
    name = "main (old until 2030-01-01T00:00:00Z)"
    by_hand = old(id="br-own", name=name, parent_id="br-p-acme", annotations={})
    found = plan(fleet(), live(by_hand))
    assert found.empty
    assert "only its name shows that a restore left it" in found.notes[0].message
    for kept in (old(id="br-1", name=name, annotations={}), old(id="br-1", name=name, parent_id="br-p-acme")):
        assert [action.kind for action in plan(fleet(), live(kept)).actions] == ["delete_branch"]


def test_the_branch_that_a_restore_to_a_moment_left_is_known_by_its_name() -> None:
    kept = old(name="main (old, before restore to 2030-01-01T00:00:00Z)", created_at=NOON - 2 * WEEK)
    assert [action.kind for action in plan(fleet(), live(kept)).actions] == ["delete_branch"]


@NAMED
def test_one_that_a_file_names_stays(named: dict[str, Any]) -> None:
    found = plan(fleet(**named), live())
    assert not any(isinstance(action, DeleteBranch) for action in found.actions)
    assert any("it stays, because a file of the tenant names it" in note.message for note in found.notes)


@NAMED
def test_one_that_a_base_names_which_is_ahead_of_these_files_stays(named: dict[str, Any]) -> None:
    assert plan(fleet(), live(), History(fleet(**named), fork=fleet())).empty
    tried = {"acme": (Baseline(fleet(**named), fleet()),)}
    assert plan(fleet(), live(), History(fleet(), tried=tried)).empty
