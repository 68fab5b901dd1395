"""What says whose a project is, and may be lost with the branch that a restore has replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.live.registered import Registered
from reconciler.model.annotations import Purpose, branch_annotations
from tests.harness.builders import NOON, a_branch, a_fleet, a_project, a_tenant, a_view, make_plan

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveBranch

OLD = a_branch(id="br-old", name="main (old)", default=False)
NEW = a_branch(id="br-new", annotations={})
DEV = a_branch(
    id="br-dev",
    name="dev",
    default=False,
    annotations=branch_annotations(
        fleet="prod", tenant="acme", run="r0", branch="dev", purpose=Purpose.DEV_BRANCH
    ),
)


def told(*branches: LiveBranch, tenant: Tenant | None = None, **view: Any) -> list[str]:
    project = a_project(branches=branches)
    plan = make_plan(a_fleet(tenant or a_tenant()), a_view(project, **view))
    return [note.message for note in plan.notes if "identifies the owner" in note.message]


def test_after_a_restore_the_plan_warns_before_the_clean_up_and_says_what_to_write() -> None:
    (words,) = told(NEW, OLD, DEV)
    assert "only branch 'main (old)' identifies the owner of project p-acme" in words
    assert "add project_id: p-acme to the tenant's file first" in words


@pytest.mark.parametrize("tenant", [a_tenant(), a_tenant(absent=True)])
def test_a_tombstone_is_warned_too(tenant: Tenant) -> None:
    assert len(told(NEW, OLD, tenant=tenant)) == 1


def test_nothing_is_said_where_the_mark_stands_elsewhere_too() -> None:
    assert not told(a_branch(), OLD)
    assert not told(NEW, OLD, tenant=a_tenant(project_id="p-acme"))
    assert not told(NEW, OLD, registered={"acme": Registered("p-acme", "free", "r0", NOON)})


def test_nothing_is_said_where_there_is_no_mark_to_lose() -> None:
    assert not told(NEW)
    assert not told(NEW, DEV)
