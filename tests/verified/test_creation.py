"""What the product relies on when it creates a project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.verified.account import PREFIX

if TYPE_CHECKING:
    from tests.verified.account import Account

pytestmark = pytest.mark.verified

QUOTA: Final = {
    "active_time_seconds": 360_000,
    "compute_time_seconds": 720_000,
    "written_data_bytes": 10_737_418_240,
    "data_transfer_bytes": 5_368_709_120,
    "logical_size_bytes": 536_870_912,
}
SIZES: Final = {"autoscaling_limit_min_cu": 0.25, "autoscaling_limit_max_cu": 1}


def test_a_creation_takes_all_five_members_of_the_quota(account: Account) -> None:
    """A new tenant has its tier's quota from its first second, by one call."""
    project = account.create(settings={"quota": QUOTA})
    assert project.read()["settings"]["quota"] == QUOTA


def test_a_creation_annotates_the_default_branch(account: Account) -> None:
    """Ownership is proven by annotations that a creation has set, and the list of branches shows them."""
    annotations = {"managed-by": "reconciler", "tenant": "acme"}
    project = account.create(branch={"annotations": annotations})
    answer = project.get("/branches")
    assert answer["annotations"][project.default_branch()["id"]]["value"] == annotations


def test_a_creation_makes_one_root_branch_with_compute_role_and_database(account: Account) -> None:
    """A dead run's project is recognized as unused by having nothing more."""
    created = account.create().created
    assert (len(created["endpoints"]), len(created["databases"]), len(created["roles"])) == (1, 1, 1)
    assert created["branch"]["default"]
    assert "parent_id" not in created["branch"]
    assert created["endpoints"][0]["type"] == "read_write"


def test_a_creation_tells_the_sizes_of_the_first_compute(account: Account) -> None:
    """If they are not those of the request, the compute is patched; it is not read again."""
    project = account.create(default_endpoint_settings=SIZES)
    (compute,), (told,) = project.get("/endpoints")["endpoints"], project.created["endpoints"]
    assert {member: compute[member] for member in SIZES} == {member: told[member] for member in SIZES}


def test_a_creation_returns_a_connection_string_and_operations(account: Account) -> None:
    """A sign-up hands out the string, once the operations have ended."""
    created = account.create().created
    assert created["connection_uris"][0]["connection_uri"].startswith("postgres")
    assert {operation["project_id"] for operation in created["operations"]} == {created["project"]["id"]}


@pytest.mark.parametrize(("organization", "seconds"), [("free", 86_400), ("paid", 604_800)])
def test_a_creation_takes_the_restore_window_of_its_organization(
    account: Account, organization: str, seconds: int
) -> None:
    """The guide's windows are allowed: one day in the sponsored organization, seven in the other."""
    project = account.create(organization, history_retention_seconds=seconds)
    assert project.read()["history_retention_seconds"] == seconds


def test_the_sponsored_organization_takes_a_suspend_timeout_of_five_minutes(account: Account) -> None:
    """The guide's free tier states 300 seconds; a refusal would be one of every sign-up."""
    project = account.create(default_endpoint_settings={**SIZES, "suspend_timeout_seconds": 300})
    assert project.read()["default_endpoint_settings"]["suspend_timeout_seconds"] in {0, 300}


def test_names_are_not_unique(account: Account) -> None:
    """A POST that is sent twice makes two projects, so the product searches before it creates."""
    name = f"{PREFIX}{account.run}-twice"
    first, second = account.create(name=name), account.create(name=name)
    assert first.id != second.id
    assert first.read()["name"] == second.read()["name"] == name


def test_a_personal_key_has_to_name_the_organization(account: Account) -> None:
    """The product creates with the organization's own key, which names it."""
    body = {"project": {"name": f"{PREFIX}{account.run}-nowhere"}}
    assert account.ask("POST", "/projects", body).status_code == 400
    created: dict[str, Any] = account.create().read()
    assert created["org_id"] == account.access.organization_ids["free"]
