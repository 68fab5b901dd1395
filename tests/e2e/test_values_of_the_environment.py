"""Every variable that can be set, in every bad shape, and every place of the files that can name one: no value of
the environment is found in what a command prints, unless it was checked to be what it should be."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import pytest

from tests.harness.registry_database import required
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

MARK: Final = "m4rked"
COMMANDS: Final = (
    ("validate",),
    ("plan", "--format", "json"),
    ("drift", "--format", "markdown"),
    ("apply", "--yes"),
    ("converge", "acme"),
    ("registry", "rebuild"),
)
RIGHT: Final = {
    "NEON_FREE_ORG_ID": "org-free-12345678",
    "NEON_PAID_ORG_ID": "org-paid-12345678",
    "FREE_ORG_API_KEY": "napi_right1",
    "PAID_ORG_API_KEY": "napi_right2",
    "PERSONAL_API_KEY": "napi_right3",
    "REGISTRY_URL": "postgresql://a:b@127.0.0.1:1/c",
    "NEON_API_HOST": "http://127.0.0.1:9/api/v2",
}
"""Nothing listens at the registry, which is asked before the API."""
KEYS: Final = (f"napi_{MARK}0123456789", f"{MARK}0123456789abcdef0123456789abcdef", f"{MARK}-0123-4567")
"""As Neon makes them, and in the form that it allows for ids."""
NO_IDS: Final = (
    *KEYS,
    f"org {MARK}",
    f"Org-{MARK}",
    f"https://{MARK}@x/",
    f"org-{MARK}\u00e9",
    f"org-{MARK}" + "x" * 60,
)
NO_KEYS: Final = (f"{MARK} {MARK}", f"{MARK}\u00e9", f"{MARK}\x01", f"{MARK}\n{MARK}")
NO_HOSTS: Final = (
    *KEYS[:2],
    f"https://{MARK}@x/api",
    f"https://x/?k={MARK}",
    f"https://x:{MARK}",
    f"ftp://{MARK}",
    f"${{{MARK}}}",
)
NO_REGISTRIES: Final = (
    *KEYS,
    f"postgresql://a:{MARK}@127.0.0.1:1/b",
    f"postgresql://{MARK}:b@127.0.0.1:1/c",
    f"postgresql://a:%6d4rked@127.0.0.1:1/{MARK}",
    f"postgresql://a:b@127.0.0.1:{MARK}/c",
    f"postgresql://a:b@{MARK}.invalid:1/c",
    f"postgresql://a:{MARK}@x@127.0.0.1:1/c",
    f"postgresql://127.0.0.1:1/c?sslmode={MARK}",
    f"postgresql://127.0.0.1:1/c?{MARK}={MARK}",
    f"mysql://{MARK}",
    f"sqlite:///no/such/folder/{MARK}.db",
    f"sqlite://{MARK}/x.db",
)
SHAPES: Final = {
    "NEON_FREE_ORG_ID": NO_IDS,
    "NEON_PAID_ORG_ID": NO_IDS,
    "FREE_ORG_API_KEY": NO_KEYS,
    "PAID_ORG_API_KEY": NO_KEYS,
    "PERSONAL_API_KEY": NO_KEYS,
    "REGISTRY_URL": NO_REGISTRIES,
    "NEON_API_HOST": NO_HOSTS,
    "RECONCILER_API_HOSTS": NO_HOSTS,
    "RECONCILER_ENV": (*KEYS[2:], f"A=napi_{MARK}", f"https://{MARK}"),
}
KEYS_AND_IDS: Final = {*RIGHT} - {"REGISTRY_URL", "NEON_API_HOST"}
"""What is wrong with these, a command says with the code of a wrong key."""
NAMED: Final = "${PERSONAL_API_KEY}"
PLACES: Final = {
    "an id": TIERS.replace("${NEON_FREE_ORG_ID}", NAMED),
    "two ids": TIERS.replace("${NEON_FREE_ORG_ID}", NAMED).replace("${NEON_PAID_ORG_ID}", NAMED),
    "a registry": f"{TIERS}registry: {{url: '{NAMED}'}}\n",
    "a part of a registry": f"{TIERS}registry: {{url: 'postgresql://{NAMED}/db'}}\n",
    "a host": f"{TIERS}api: {{host: '{NAMED}'}}\n",
    "a part of a host": f"{TIERS}api: {{host: 'https://{NAMED}.example/'}}\n",
    "a path of a host": f"{TIERS}api: {{host: 'https://evil.example/{NAMED}'}}\n",
    "the fleet": TIERS.replace("fleet: prod", f"fleet: '{NAMED}'"),
    "the names of projects": TIERS.replace("myapp-{tenant}", f"{NAMED}-{{tenant}}"),
    "a region": f"{TIERS}defaults: {{region: '{NAMED}'}}\n",
    "where tenants are": f"{TIERS}tenants: [{{files: '{NAMED}/*.yaml'}}]\n",
    "a key within text": TIERS.replace("${FREE_ORG_API_KEY}", f"x{NAMED}"),
}
"""A stranger names the key in every place of tiers.yaml that takes text."""


@pytest.fixture
def fleet(shell: Shell) -> Shell:
    shell.tenant("acme", f"tier: free\nlabels: {{plan: '{NAMED}'}}\nsnapshots: ['{NAMED}']")
    return shell


def check(ended: Ended, *, tells: str | None = None) -> None:
    said = ended.out + ended.err
    assert MARK not in said
    assert "defect" not in said
    if tells is not None:
        assert tells in said


@pytest.mark.drawn(20)
@pytest.mark.parametrize(
    ("variable", "value"), [(name, value) for name, values in SHAPES.items() for value in values], ids=ascii
)
def test_a_value_that_is_not_what_it_should_be_is_named_by_its_variable(
    fleet: Shell, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    required()
    monkeypatch.setenv("RECONCILER_TRACEBACK", "1")
    fleet.write("tiers.yaml", f"{TIERS}registry: {{url: '${{REGISTRY_URL}}'}}\n")
    fleet.environ = {**RIGHT, variable: value}
    if variable == "RECONCILER_API_HOSTS":
        del fleet.environ["NEON_API_HOST"]
    for command in COMMANDS:
        ended = fleet.run(*command)
        check(ended)
        wrong = 4 if variable in KEYS_AND_IDS else 3
        assert ended.code in ((0, 3) if command == ("validate",) else (1, wrong)), ended.err
        if ended.code in (3, 4):
            assert f"${variable}" in ended.err


@pytest.mark.parametrize("traceback", ["", "1"])
def test_a_defect_that_repeats_a_key_is_told_without_it(
    fleet: Shell, monkeypatch: pytest.MonkeyPatch, traceback: str
) -> None:
    def broken(_directory: object, **_flags: object) -> None:
        raise RuntimeError(f"with {KEYS[0]}") from ValueError(KEYS[0])

    monkeypatch.setenv("RECONCILER_TRACEBACK", traceback)
    monkeypatch.setattr("reconciler.cli.validate.load", broken)
    fleet.environ = {**RIGHT, "PERSONAL_API_KEY": KEYS[0]}
    ended = fleet.run("validate")
    assert ended.code == 1
    assert "RuntimeError: with ***" in ended.err
    assert MARK not in ended.err


@pytest.mark.drawn(12)
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("place", list(PLACES))
def test_no_place_of_the_files_makes_a_command_print_a_key(fleet: Shell, place: str, key: str) -> None:
    fleet.write("tiers.yaml", PLACES[place])
    fleet.environ = {**RIGHT, "PERSONAL_API_KEY": key, "NEON_FREE_ORG_ID": f"{MARK} id"}
    for command in COMMANDS:
        for allowed in ("", "PERSONAL_API_KEY"):  # by mistake, too
            fleet.environ["RECONCILER_ENV"] = allowed
            check(fleet.run(*command))
    assert os.environ.get("PERSONAL_API_KEY") != key
