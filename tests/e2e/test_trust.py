"""Pull requests that would send keys elsewhere: refused before a key is read, by every command that has any."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.test_keys import KEYS, Listener
from tests.harness.lived import lived
from tests.harness.repository import commit_all, git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

COMMANDS: Final = (
    ("plan",),
    ("plan", "--format", "json"),
    ("adopt",),
    ("drift",),
    ("apply", "--yes"),
    ("converge", "acme"),
    ("registry", "rebuild"),
)
FREE_KEY, PAID_KEY, PERSONAL = (
    "${FREE_ORG_API_KEY}",
    "${PAID_ORG_API_KEY}",
    "personal_api_key: ${PERSONAL_API_KEY}",
)
EVIL: Final = "api: {host: https://evil.example/api/v2}\n"
KEPT: Final = "registry: {{url: 'sqlite:///r.db', connection_strings: encrypted, key: '${{{}}}'}}\n"
SWAPPED: Final = TIERS.replace(FREE_KEY, "X").replace(PAID_KEY, FREE_KEY).replace("X", PAID_KEY)
ELSEWHERE: Final = {
    "host": (TIERS + EVIL, "api.host is 'https://evil.example/api/v2'"),
    "keys swapped": (SWAPPED, "organizations.free.api_key is ${PAID_ORG_API_KEY}"),
    "a literal id": (TIERS.replace("${NEON_FREE_ORG_ID}", "org-evil"), "organizations.free.id is 'org-evil'"),
    "a registry": (TIERS + "registry: {url: 'postgresql://evil.example/db'}\n", "registry.url is another address"),
    "notices": (
        TIERS + "notify: {urls: ['${EVIL_NOTIFY_URL}']}\n",
        "notify.urls.0 is ${EVIL_NOTIFY_URL}, but was",
    ),
    "a key of a registry": (
        TIERS + KEPT.format("REGISTRY_KEY"),
        "registry.key is ${REGISTRY_KEY}, but was not set",
    ),
    "no personal key": (TIERS.replace(PERSONAL, ""), "personal_api_key was removed"),
    "another personal key": (TIERS.replace(PERSONAL, f"personal_api_key: {FREE_KEY}"), "personal_api_key is"),
}
"""What a pull request writes, and what is said of it."""
ANY_VARIABLE: Final = {
    "another secret as a key": TIERS.replace(FREE_KEY, "${AWS_SECRET_ACCESS_KEY}"),
    "a key as an id": TIERS.replace("${NEON_FREE_ORG_ID}", "${PERSONAL_API_KEY}"),
    "an id as a key": TIERS.replace(FREE_KEY, "${NEON_FREE_ORG_ID}"),
    "another secret as an address of notices": TIERS + "notify: {urls: ['${AWS_SECRET_ACCESS_KEY}']}\n",
    "another secret as a registry": TIERS + "registry: {url: '${AWS_SECRET_ACCESS_KEY}'}\n",
    "another secret as the key of a registry": TIERS + KEPT.format("AWS_SECRET_ACCESS_KEY"),
    "a key as the key of a registry": TIERS + KEPT.format("PERSONAL_API_KEY"),
    "the key of a registry as a key": TIERS.replace(FREE_KEY, "${REGISTRY_KEY}"),
}
SECRETS: Final = {**KEYS, "AWS_SECRET_ACCESS_KEY": "marked-aws-secret"}


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """A fleet in git, its first commit tagged ``applied``."""
    shell.tenant("acme")
    git(shell.folder, "init", "--quiet")
    commit(shell)
    git(shell.folder, "tag", "applied")
    return shell


def commit(shell: Shell, tiers: str | None = None) -> None:
    if tiers is not None:
        shell.write("tiers.yaml", tiers)
    commit_all(shell.folder)


def assert_refused(ended: Ended, code: int, *words: str) -> None:
    """Asserts that it ended with this code and these words, without output and without a secret."""
    assert ended.code == code, ended.err
    assert ended.out == ""
    for word in words:
        assert word in ended.err
    assert "marked" not in ended.err
    assert "defect" not in ended.err


@pytest.mark.drawn(12)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("what", list(ELSEWHERE))
def test_files_that_send_keys_elsewhere_than_the_base_are_refused(
    fleet: Shell, what: str, command: tuple[str, ...]
) -> None:
    tiers, told = ELSEWHERE[what]
    commit(fleet, tiers)
    for environ in ({}, SECRETS):  # without any key too: none is asked for before
        fleet.environ = dict(environ)
        assert_refused(fleet.run(*command), 5, "tiers.yaml", told, "--trust-files", "(--base)")


def test_a_stranger_s_host_hears_nothing(fleet: Shell) -> None:
    fleet.environ |= SECRETS
    with Listener().listening() as stranger:
        commit(fleet, TIERS + f"api: {{host: 'http://127.0.0.1:{stranger.port}/api/v2'}}\n")
        for flags in ((), ("--base", "none"), ("--base", "applied"), ("--trust-files",)):
            for command in COMMANDS:
                assert_refused(fleet.run(*command, *flags), 5, "api.host")
        assert stranger.heard == b""
        fleet.environ["RECONCILER_API_HOSTS"] = (
            f"console.example, http://LOCALHOST:1 http://127.0.0.1:{stranger.port}/api/v2/"
        )
        assert fleet.run("plan", "--trust-files").code == 1
        assert b"marked-" in stranger.heard


@pytest.mark.drawn(8)
@pytest.mark.parametrize("flags", [(), ("--base", "none"), ("--trust-files",)], ids=str)
@pytest.mark.parametrize("what", list(ANY_VARIABLE))
def test_a_variable_that_nobody_allowed_is_named_and_its_value_is_not(
    fleet: Shell, what: str, flags: tuple[str, ...]
) -> None:
    commit(fleet, ANY_VARIABLE[what])
    fleet.environ |= SECRETS
    for command in COMMANDS:
        assert_refused(fleet.run(*command, *flags), 3, "tiers.yaml:", "is not permitted as", "RECONCILER_ENV=")


def test_validate_warns_of_both_and_needs_no_base(shell: Shell) -> None:
    shell.tenant("acme")
    shell.write("tiers.yaml", ANY_VARIABLE["another secret as a key"] + EVIL)
    shell.environ |= SECRETS
    ended = shell.run("validate")
    assert ended.code == 0
    named = "organizations.free.api_key: ${AWS_SECRET_ACCESS_KEY} is not permitted as an API key"
    assert f"tiers.yaml:7:5: warning: {named}" in ended.out
    assert "warning: api.host: 'https://evil.example/api/v2' is not Neon's API" in ended.out
    assert "marked" not in ended.out
    shell.environ |= {"RECONCILER_ENV": "AWS_SECRET_ACCESS_KEY", "RECONCILER_API_HOSTS": "evil.example"}
    assert "warning" not in shell.run("validate").out


def test_a_variable_with_a_name_of_its_own_may_be_named_once_the_base_names_it(fleet: Shell) -> None:
    own = TIERS.replace(FREE_KEY, "${ACME_FREE}")
    commit(fleet, own)
    assert_refused(fleet.run("plan"), 3, "${ACME_FREE}")
    fleet.environ["RECONCILER_ENV"] = "ACME_FREE"
    assert_refused(fleet.run("plan"), 5, "${ACME_FREE}", "--trust-files")
    assert_refused(fleet.run("plan", "--trust-files"), 4, "not set in the environment")
    del fleet.environ["RECONCILER_ENV"]
    commit(fleet)
    assert_refused(fleet.run("plan"), 4, "not set in the environment")


def test_limits_prices_and_rates_are_no_matter_of_trust(fleet: Shell) -> None:
    cheaper = TIERS.replace("projects: 30000", "projects: 9").replace("5GiB", "6GiB")
    commit(fleet, cheaper + "api: {host: https://console.neon.tech/api/v2/, requests_per_minute: 5}\n")
    assert_refused(fleet.run("plan"), 4, "not set in the environment")


def test_a_pull_request_of_several_commits_does_not_slip_through(fleet: Shell) -> None:
    commit(fleet, TIERS + EVIL)
    commit(fleet)
    assert_refused(fleet.run("plan", "--base", "applied"), 5, "api.host", "--trust-files")
    for runner in ("GITHUB_HEAD_REF", "CI_MERGE_REQUEST_ID", "CHANGE_ID"):
        fleet.environ = {**SECRETS, runner: "true"}
        for command in COMMANDS:
            assert_refused(fleet.run(*command), 5, "needs a trusted base", "--base applied")


def test_a_base_that_says_nothing_is_no_way_round(fleet: Shell) -> None:
    commit(fleet, "version: 1\n")
    commit(fleet, SWAPPED)
    assert_refused(fleet.run("plan"), 5, "cannot compare the destinations of keys", "--base")
    assert_refused(fleet.run("plan", "--trust-files"), 4, "not set in the environment")


def test_the_first_commit_and_no_repository_have_nothing_to_compare_with(fleet: Shell) -> None:
    assert_refused(fleet.run("plan"), 4, "not set in the environment")
    subprocess.run(["rm", "-rf", ".git"], cwd=fleet.folder, check=True)
    fleet.environ["GITHUB_HEAD_REF"] = "feature"
    assert_refused(fleet.run("plan"), 4, "not set in the environment")


@pytest.mark.parametrize(
    "value", ["marked-key", "https://marked-key@x/", "https://x?marked-key", "http://x:marked-key"]
)
def test_a_host_that_is_none_is_named_by_its_variable_alone(shell: Shell, value: str) -> None:
    shell.tenant("acme")
    shell.environ |= {**SECRETS, "NEON_API_HOST": value}
    assert_refused(shell.run("plan"), 3, "$NEON_API_HOST is not the address of an API")
    del shell.environ["NEON_API_HOST"]
    assert_refused(shell.run("plan", "--api-host", value), 3, "--api-host is not the address of an API")
    shell.environ["RECONCILER_API_HOSTS"] = value.replace("https://x", "https://x/ y")
    if value != "marked-key":
        assert_refused(shell.run("plan"), 3, "$RECONCILER_API_HOSTS contains a word")
