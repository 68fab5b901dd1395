"""Keys come from the environment, and what is missing is named with its place."""

from __future__ import annotations

import pytest

from reconciler.desired.tier import EnvReference
from reconciler.environment import Environment
from reconciler.errors import (
    ExitCode,
    InvalidInputError,
    MalformedKeyError,
    MissingKeyError,
    WrongOrganizationError,
)
from reconciler.model.problem import Location
from reconciler.model.values import replace
from reconciler.neon.credentials import read_access
from tests.harness.builders import FREE, PAID, a_fleet

ENVIRON = {
    "NEON_FREE_ORG_ID": "org-free-1",
    "FREE_ORG_API_KEY": " napi_free\n",
    "NEON_PAID_ORG_ID": "org-paid-2",
    "PAID_ORG_API_KEY": "napi_paid",
    "PERSONAL_API_KEY": "napi_me",
}


def test_every_reference_is_looked_up() -> None:
    access = read_access(a_fleet(), Environment(ENVIRON))
    assert {name: one.id for name, one in access.organizations.items()} == {
        "free": "org-free-1",
        "paid": "org-paid-2",
    }
    assert access.organizations["free"].key.secret.reveal() == "napi_free"
    assert access.organizations["free"].key.variable == "FREE_ORG_API_KEY"
    assert access.personal_key().secret.reveal() == "napi_me"


def test_an_id_may_stand_in_the_file_itself() -> None:
    desired = a_fleet(organizations=(replace(FREE, id="org-written-down"),))
    assert read_access(desired, Environment(ENVIRON)).organizations["free"].id == "org-written-down"


def test_all_that_is_missing_is_named_at_once_with_its_place() -> None:
    paid = replace(PAID, location=Location("tiers.yaml", 9))
    environ = {"NEON_FREE_ORG_ID": "org-free-1", "FREE_ORG_API_KEY": "  ", "NEON_PAID_ORG_ID": ""}
    with pytest.raises(MissingKeyError) as caught:
        read_access(a_fleet(organizations=(FREE, paid)), Environment(environ))
    assert str(caught.value) == (
        "not set in the environment: $FREE_ORG_API_KEY (API key of organization free, tiers.yaml:1), "
        "$NEON_PAID_ORG_ID (id of organization paid, tiers.yaml:9), "
        "$PAID_ORG_API_KEY (API key of organization paid, tiers.yaml:9)"
    )
    assert caught.value.hint == "export FREE_ORG_API_KEY=... NEON_PAID_ORG_ID=... PAID_ORG_API_KEY=..."
    assert caught.value.exit_code is ExitCode.DENIED


@pytest.mark.parametrize("environ", [{}, {"PERSONAL_API_KEY": ""}])
def test_the_personal_key_may_be_missing_until_a_transfer_asks_for_it(environ: dict[str, str]) -> None:
    without = {name: value for name, value in ENVIRON.items() if name != "PERSONAL_API_KEY"}
    access = read_access(a_fleet(), Environment({**without, **environ}))
    with pytest.raises(MissingKeyError, match=r"\$PERSONAL_API_KEY is not set"):
        access.personal_key()


def test_a_file_that_names_no_personal_key_is_told_to_name_one() -> None:
    access = read_access(replace(a_fleet(), personal_api_key=None), Environment(ENVIRON))
    with pytest.raises(MissingKeyError, match=r"tiers\.yaml does not name one"):
        access.personal_key()


@pytest.mark.parametrize("variable", ["PAID_ORG_API_KEY", "PERSONAL_API_KEY"])
@pytest.mark.parametrize("key", ["napi_a b", "napi_\u00e9", "a\nb", '"napi_a"', "'napi_a'", "Bearer napi_a"])
def test_what_cannot_be_a_key_is_refused_as_a_wrong_key_without_being_shown(key: str, variable: str) -> None:
    with pytest.raises(MalformedKeyError) as caught:
        read_access(a_fleet(), Environment({**ENVIRON, variable: key}))
    assert f"${variable}" in str(caught.value)
    assert key not in str(caught.value)
    assert caught.value.exit_code is ExitCode.DENIED


@pytest.mark.parametrize("value", ["Org Free", "../x", "org-" + "a" * 60])
def test_an_id_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(InvalidInputError, match="not an organization id"):
        read_access(a_fleet(organizations=(replace(FREE, id=value),)), Environment(ENVIRON))


@pytest.mark.parametrize(
    "value", ["Org Free", "org-" + "a" * 60, "napi_abc", "2rh1nyq3gmp8f48hkq4zy9xw", "https://x"]
)
def test_what_may_be_a_key_is_no_id_and_is_not_shown(value: str) -> None:
    """Also where a key has the form that Neon allows for ids: ids are printed, and stand in addresses."""
    environ = Environment({**ENVIRON, "NEON_FREE_ORG_ID": value})
    with pytest.raises(
        MalformedKeyError, match=r"the value of \$NEON_FREE_ORG_ID is not an organization id"
    ) as caught:
        read_access(a_fleet(), environ)
    assert caught.value.exit_code is ExitCode.DENIED
    frames = [entry.frame.f_locals for entry in caught.traceback[1:]]
    assert frames
    assert value not in f"{caught.value!r} {caught.value.hint} {frames}"


def test_references_to_the_same_variable_are_asked_for_once() -> None:
    shared = replace(PAID, api_key=EnvReference("FREE_ORG_API_KEY"))
    environ = Environment({"NEON_FREE_ORG_ID": "org-a", "NEON_PAID_ORG_ID": "org-b"})
    with pytest.raises(MissingKeyError) as caught:
        read_access(a_fleet(organizations=(FREE, shared)), environ)
    assert str(caught.value).count("$FREE_ORG_API_KEY") == 1


def test_two_organizations_of_one_id_end_the_run_before_a_call() -> None:
    same = {**ENVIRON, "NEON_PAID_ORG_ID": "org-free-1"}
    with pytest.raises(WrongOrganizationError, match="are ids or keys swapped") as caught:
        read_access(a_fleet(), Environment(same))
    assert caught.value.exit_code is ExitCode.DENIED
    written = a_fleet(organizations=(replace(FREE, id="org-paid-2"), PAID))
    with pytest.raises(WrongOrganizationError, match="free and paid have the same id"):
        read_access(written, Environment(ENVIRON))
