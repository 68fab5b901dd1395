"""Whose a project is, where a tenant's file names one by its id: nobody reaches another tenant's that way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.desired.naming import Naming
from reconciler.model.values import replace
from reconciler.plan.identity import identify
from reconciler.plan.needs import PlanRequirements
from tests.harness.builders import a_branch, a_fleet, a_project, a_tenant, a_view

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject

VICTIMS = a_project("victim")
LEGACY = a_project("victim", branches=(a_branch(annotations={}),))
"""Its project from before this program: only its name says whose it is."""
THIEF = a_tenant("thief", project_id=VICTIMS.id)


def whose(*tenants: Tenant, project: LiveProject = VICTIMS, held_back: tuple[str, ...] = ()) -> dict[str, str]:
    """Of each tenant its project, or ``conflict``."""
    desired = replace(a_fleet(*tenants), held_back=frozenset(held_back))
    found = identify(desired, a_view(project))
    return {name: one.id for name, one in found.projects.items()} | dict.fromkeys(found.conflicts, "conflict")


@pytest.mark.parametrize("absent", [False, True])
def test_a_pin_takes_no_project_that_was_created_for_another_tenant_and_neither_gets_it(*, absent: bool) -> None:
    """The one whose name it has may be somebody new, who must not get what was another's under that name."""
    thief = replace(THIEF, absent=absent)
    assert whose(thief, a_tenant("victim")) == {"thief": "conflict", "victim": "conflict"}


def test_nor_one_whose_tenants_file_is_broken() -> None:
    assert whose(THIEF, held_back=("victim",)) == {"thief": "conflict"}
    assert whose(THIEF, held_back=("victim",), project=LEGACY) == {"thief": "conflict"}


def test_a_project_that_a_broken_file_pins_is_nobodys() -> None:
    """Its own tenant may be the one whose file is broken."""
    desired = replace(a_fleet(a_tenant("victim", absent=True)), pins_held_back=frozenset({"p-victim"}))
    found = identify(desired, a_view(VICTIMS))
    assert not found.projects
    assert "repair the broken files first" in found.conflicts["victim"].remedy


def test_a_project_of_a_tenant_whose_file_is_broken_is_not_its_namesakes() -> None:
    """Somebody gave it another tenant's name in the console."""
    renamed = a_project("victim", name="myapp-zed")
    assert whose(a_tenant("zed"), project=renamed, held_back=("victim",)) == {"zed": "conflict"}


def test_a_tenant_that_misses_its_project_may_find_it_pinned_by_another_under_any_name() -> None:
    renamed = a_project("victim", name="renamed by hand", details=False)
    others = [a_tenant(f"t{number}", project_id=f"p-t{number}") for number in range(120)]
    desired = a_fleet(THIEF, a_tenant("victim"), *others)
    live = a_view(renamed, *(a_project(f"t{number}", details=False) for number in range(120)))
    assert PlanRequirements().details(desired, live).branches == ("p-victim",)


def test_nor_one_that_has_another_tenants_name_and_no_annotation() -> None:
    assert whose(THIEF, a_tenant("victim"), project=LEGACY) == {"thief": "conflict", "victim": "conflict"}


def test_nor_one_whose_annotations_nobody_has_read_yet_which_are_then_asked_for() -> None:
    unread = replace(VICTIMS, branches=None)
    desired = a_fleet(THIEF, a_tenant("victim"))
    assert whose(THIEF, a_tenant("victim"), project=unread) == {"thief": "conflict", "victim": "conflict"}
    assert PlanRequirements().details(desired, a_view(unread)).branches == ("p-victim",)


def test_a_tenant_that_is_gone_from_the_files_leaves_its_project_to_whoever_pins_it() -> None:
    """A tenant that has got another name."""
    assert whose(a_tenant("renamed", project_id="p-victim")) == {"renamed": "p-victim"}


def test_and_so_does_one_whose_own_file_pins_another() -> None:
    mine = a_tenant("victim", project_id="p-elsewhere")
    assert whose(THIEF, mine) == {"thief": "p-victim", "victim": "conflict"}


def test_a_project_with_the_pinning_tenants_own_name_is_its_own_whoever_it_was_created_for() -> None:
    """So a name can be given to a new tenant once the project of its old bearer is renamed in the console."""
    project = replace(VICTIMS, name="myapp-renamed")
    renamed = a_tenant("renamed", project_id="p-victim")
    assert whose(renamed, a_tenant("victim"), project=project) == {"renamed": "p-victim"}


def test_the_project_of_a_tenant_whose_earlier_name_is_given_out_again_is_not_pinned_by_its_new_bearer() -> None:
    """Its annotation has the earlier name. If somebody renamed it in the console, a person renames it back."""
    renamed = a_project("acme", name="myapp-victim")
    mine = a_tenant("acme", project_id="p-acme")
    assert whose(mine, a_tenant("victim"), project=renamed) == {"acme": "conflict", "victim": "conflict"}
    assert whose(mine, a_tenant("victim", project_id="p-victims"), project=renamed)["acme"] == "p-acme"
    assert whose(mine, a_tenant("victim"), project=a_project("acme"))["acme"] == "p-acme"


def test_an_adopted_project_with_a_name_of_its_own_needs_no_look_where_nobody_misses_one() -> None:
    adopted = a_project("legacy", name="legacy database", details=False)
    numbers = range(101)
    fleet = a_fleet(*(a_tenant(f"t{number}") for number in numbers), a_tenant("acme", project_id="p-legacy"))
    live = a_view(adopted, *(a_project(f"t{number}", details=False) for number in numbers))
    assert PlanRequirements().details(fleet, live).branches == ()
    assert (
        PlanRequirements()
        .details(replace(fleet, naming=Naming("myapp-{tenant}", previous=("{tenant}",))), live)
        .branches
        == ()
    )
