"""Which variables files may name by themselves, and what counts as sending keys elsewhere."""

from __future__ import annotations

from typing import Final

import pytest

from reconciler.desired.destinations import differences, unpermitted_variables
from reconciler.desired.state import Api, DesiredState
from reconciler.desired.tier import EnvReference, OrganizationLimits
from reconciler.model.values import replace
from tests.harness.builders import FREE, PAID, a_fleet

REGISTRY: Final = EnvReference("REGISTRY_URL")


def naming(
    *, key: str = "FREE_ORG_API_KEY", id_: str = "NEON_FREE_ORG_ID", url: str = "REGISTRY_URL"
) -> DesiredState:
    free = replace(FREE, api_key=EnvReference(key), id=EnvReference(id_))
    return a_fleet(organizations=(free, PAID), registry=EnvReference(url))


def named(fleet: DesiredState, *allowed: str, base: DesiredState | None = None) -> list[tuple[str, str]]:
    """What may not be named: path and reference."""
    return [(one.path, str(one.value)) for one in unpermitted_variables(fleet, base, allowed)]


@pytest.mark.parametrize("name", ["FREE_ORG_API_KEY", "ACME_ORG_API_KEY", "PERSONAL_API_KEY", "NEON_API_KEY"])
def test_keys_that_may_be_named(name: str) -> None:
    assert named(naming(key=name)) == []


@pytest.mark.parametrize(
    "name",
    [
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "PATH",
        "NEON_FREE_ORG_ID",
        "NEON_API_HOST",
        "REGISTRY_URL",
        "XPERSONAL_API_KEY",
        "PERSONAL_API_KEYS",
        "neon_x",
    ],
)
def test_keys_that_may_not(name: str) -> None:
    assert named(naming(key=name)) == [("organizations.free.api_key", f"${{{name}}}")]


@pytest.mark.parametrize(
    "name", ["PERSONAL_API_KEY", "PAID_ORG_API_KEY", "NEON_API_KEY", "NEON_TOKEN", "REGISTRY_URL"]
)
def test_a_key_may_not_be_named_as_an_id(name: str) -> None:
    assert named(naming(id_=name)) == [("organizations.free.id", f"${{{name}}}")]


@pytest.mark.parametrize("name", ["PERSONAL_API_KEY", "DATABASE_URL", "NEON_API_KEY"])
def test_a_key_may_not_be_named_as_a_registry(name: str) -> None:
    assert named(naming(url=name)) == [("registry.url", f"${{{name}}}")]


@pytest.mark.parametrize("name", ["PERSONAL_API_KEY", "NEON_API_KEY", "REGISTRY_URL", "FERNET_KEY"])
def test_a_registry_encrypts_with_a_key_of_its_own(name: str) -> None:
    assert named(replace(naming(), registry_key=EnvReference(name))) == [("registry.key", f"${{{name}}}")]
    assert named(replace(naming(), registry_key=EnvReference("REGISTRY_KEY"))) == []


def test_what_the_base_names_may_be_named_for_the_same_use_alone() -> None:
    base = naming(key="ACME_FREE")
    assert named(base, base=base) == []
    assert named(naming(id_="ACME_FREE"), base=base) == [("organizations.free.id", "${ACME_FREE}")]


def test_what_is_allowed_from_outside_may_be_named() -> None:
    assert named(naming(key="ACME_FREE"), "ACME_FREE") == []


BASE: Final = naming()
ELSEWHERE: Final = {
    "host": replace(BASE, api=Api(host="https://evil.example/api/v2")),
    "a key": naming(key="PAID_ORG_API_KEY"),
    "an id": naming(id_="NEON_OTHER_ORG_ID"),
    "a literal id": a_fleet(organizations=(replace(FREE, id="org-x"), PAID), registry=REGISTRY),
    "keys swapped": a_fleet(
        organizations=(replace(FREE, api_key=PAID.api_key), replace(PAID, api_key=FREE.api_key)),
        registry=REGISTRY,
    ),
    "one more": a_fleet(organizations=(FREE, PAID, replace(PAID, name="third")), registry=REGISTRY),
    "one less": a_fleet(organizations=(FREE,), registry=REGISTRY),
    "another registry": naming(url="NEON_REGISTRY"),
    "a literal registry": replace(BASE, registry="postgresql://evil.example/db"),
    "no registry": replace(BASE, registry=None),
    "a key of the registry": replace(BASE, registry_key=EnvReference("REGISTRY_KEY")),
    "another personal key": replace(BASE, personal_api_key=FREE.api_key),
    "no personal key": replace(BASE, personal_api_key=None),
}


@pytest.mark.parametrize("what", list(ELSEWHERE))
def test_files_that_send_keys_elsewhere(what: str) -> None:
    assert differences(ELSEWHERE[what], BASE)
    assert differences(BASE, ELSEWHERE[what])


@pytest.mark.parametrize(
    "now",
    [
        BASE,
        replace(BASE, api=Api(host="https://CONSOLE.neon.tech:443/api/v2/", requests_per_minute=1)),
        a_fleet(organizations=(replace(FREE, limits=OrganizationLimits(projects=1)), PAID), registry=REGISTRY),
    ],
    ids=["the same", "another rate", "other limits"],
)
def test_files_that_do_not(now: DesiredState) -> None:
    assert differences(now, BASE) == []


def test_a_difference_tells_both_sides_and_repeats_no_address_of_a_registry() -> None:
    (host,) = differences(ELSEWHERE["host"], BASE)
    assert str(host) == (
        "api.host is 'https://evil.example/api/v2', but was 'https://console.neon.tech/api/v2' at the base"
    )
    (registry,) = differences(BASE, ELSEWHERE["a literal registry"])
    assert str(registry) == "registry.url is ${REGISTRY_URL}, but was another address at the base"


@pytest.mark.parametrize("name", ["NOTIFY_URL", "SLACK_NOTIFY_URL", "RECONCILER_NOTIFY_URLS"])
def test_addresses_of_notices_that_may_be_named(name: str) -> None:
    assert named(a_fleet(notify=(EnvReference(name),))) == []


@pytest.mark.parametrize(
    "name", ["SLACK_URL", "NEON_NOTIFY_URL", "REGISTRY_URL", "PERSONAL_API_KEY", "XNOTIFY_URL", "DATABASE_URL"]
)
def test_addresses_of_notices_that_may_not(name: str) -> None:
    assert named(a_fleet(notify=(EnvReference(name),))) == [("notify.urls.0", f"${{{name}}}")]


def test_other_addresses_of_notices_differ_from_the_base() -> None:
    now, base = a_fleet(notify=(EnvReference("A_NOTIFY_URL"), EnvReference("B_NOTIFY_URL"))), a_fleet()
    assert [str(one) for one in differences(now, base)] == [
        "notify.urls.0 is ${A_NOTIFY_URL}, but was not set at the base",
        "notify.urls.1 is ${B_NOTIFY_URL}, but was not set at the base",
    ]
    assert [one.path for one in differences(base, now)] == ["notify.urls.0", "notify.urls.1"]
