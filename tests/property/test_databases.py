"""Properties of declared roles and databases, over any lists in the files and on the branches."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.desired.tenant import Accepted, DevBranch
from reconciler.model.database import Database
from reconciler.model.values import replace
from reconciler.plan.actions.contents import DeleteDatabase, DeleteRole
from reconciler.plan.permissions import Permissions
from tests.harness.builders import (
    NOON,
    a_branch,
    a_fleet,
    a_project,
    a_tenant,
    a_view,
    an_endpoint,
    guarded_plan,
)
from tests.property.model import carried_out
from tests.unit.plan.test_branches import ours

if TYPE_CHECKING:
    from reconciler.desired.state import DesiredState
    from reconciler.live.project import LiveProject
    from reconciler.live.state import LiveState
    from reconciler.plan.plan import Plan

NAMES: Final = ("a", "b", "c.d")
FIRST: Final = Database("neondb", "neondb_owner")
MAIN: Final = "br-p-acme"
EVERYTHING: Final = Accepted(deletion=NOON.date())
PERMITTED: Final = Permissions(counts=dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 9))
names = st.lists(st.sampled_from(NAMES), unique=True).map(tuple)


@st.composite
def databases(draw: st.DrawFn, owners: tuple[str, ...]) -> tuple[Database, ...]:
    """Databases of these owners, or of the first role."""
    of_each = st.sampled_from([*owners, FIRST.owner])
    return tuple(Database(name, draw(of_each)) for name in draw(names))


@st.composite
def declared(draw: st.DrawFn, *, reset: int = 0) -> DesiredState:
    """A tenant with lists, or without, on the default branch and on a development branch."""
    roles, of_branch = draw(st.none() | names), draw(st.none() | names)
    branch = DevBranch(
        "dev",
        roles=of_branch,
        databases=draw(st.none() | databases((*(roles or ()), *(of_branch or ())))),
        reset=reset,
    )
    owned = draw(st.none() | databases(roles or ()))
    kept = draw(st.booleans())
    return a_fleet(a_tenant(roles=roles, databases=owned, dev_branches=(branch,) if kept else None))


@st.composite
def projects(draw: st.DrawFn) -> LiveProject:
    """A project with any roles and databases, with or without the development branch."""
    branches = [a_branch()]
    if draw(st.booleans()):
        branches.append(ours("dev", created_at=NOON - timedelta(days=9)))
    roles = {branch.id: (FIRST.owner, *draw(names)) for branch in branches}
    return a_project(
        branches=tuple(branches),
        endpoints=tuple(an_endpoint(id=f"ep-{branch.id}", branch_id=branch.id) for branch in branches),
        roles=roles,
        databases={id_: (FIRST, *draw(databases(owners))) for id_, owners in roles.items()},
    )


def files(*branch: DevBranch, **lists: Any) -> DesiredState:
    """A tenant with these lists on its default branch, and with this development branch."""
    return a_fleet(a_tenant(dev_branches=branch or None, **lists))


def filled(*roles: str, database: Database) -> LiveProject:
    """A project without development branches, which has more than came with it."""
    return a_project(roles={MAIN: (FIRST.owner, *roles)}, databases={MAIN: (FIRST, database)})


def planned(desired: DesiredState, base: DesiredState | None, live: LiveState) -> Plan:
    return guarded_plan(desired, live, PERMITTED, base=base, raised={("acme", "dev"): NOON - timedelta(hours=1)})


def accepting(desired: DesiredState) -> DesiredState:
    return replace(desired, tenants={"acme": replace(desired.tenants["acme"], accept=EVERYTHING)})


OURS, THEIRS = Database("a", FIRST.owner), Database("a", "a")


@given(declared(), declared(reset=1), projects())
@example(  # the branch gets from its parent what the files remove from its list
    files(DevBranch("dev", databases=(OURS,))),
    files(DevBranch("dev", databases=(), reset=1)),
    filled(database=OURS),
)
@example(  # the owner that somebody changed stays on the default branch, and on the copy: its role stays too
    files(DevBranch("dev", roles=("a",)), databases=(OURS,)),
    files(DevBranch("dev", roles=(), reset=1), databases=(OURS,)),
    filled("a", database=THEIRS),
)
@example(  # the same, with the right owner in the list of the branch
    files(roles=("a",), databases=(THEIRS,)),
    files(DevBranch("dev", databases=(THEIRS,), reset=1), roles=("a",), databases=(THEIRS,)),
    filled("a", database=OURS),
)
def test_after_one_run_nothing_is_left_but_the_same_refusals(
    base: DesiredState, desired: DesiredState, project: LiveProject
) -> None:
    """On the way, the model checks that names stay unique, that owners exist, and that no owner is deleted."""
    desired, live = accepting(desired), a_view(project)
    before = planned(desired, base, live)
    after = planned(desired, base, carried_out(before, desired, live))
    assert not [action.kind for action in after.actions]
    assert {refusal.message for refusal in after.refusals} <= {refusal.message for refusal in before.refusals}


@given(declared(), declared(), projects())
def test_only_what_the_base_declares_and_the_files_do_not_is_deleted(
    base: DesiredState, desired: DesiredState, project: LiveProject
) -> None:
    was, now = (files.settings(files.tenants["acme"]) for files in (base, desired))
    stated = {True: (was, now), False: ((was.dev_branches or (None,))[0], (now.dev_branches or (None,))[0])}
    for action in planned(accepting(desired), base, a_view(project)).actions:
        before, after = stated[getattr(action, "branch", "") == "main"]
        if not isinstance(action, DeleteRole | DeleteDatabase):
            continue
        assert before is not None
        assert after is not None
        if isinstance(action, DeleteRole):
            assert action.role in {*(before.roles or ())} - {*(after.roles or ())}
        else:
            was_there, stays = ({one.name for one in lists.databases or ()} for lists in (before, after))
            assert action.database in was_there - stays


@given(declared(), declared(), projects())
def test_without_an_acceptance_or_a_base_nothing_is_deleted(
    base: DesiredState, desired: DesiredState, project: LiveProject
) -> None:
    for plan in (planned(desired, base, a_view(project)), planned(accepting(desired), None, a_view(project))):
        assert not [action for action in plan.actions if isinstance(action, DeleteRole | DeleteDatabase)]
