from __future__ import annotations

import sys

import pytest

from reconciler.desired.tier import EnvReference
from reconciler.environment import Environment
from reconciler.errors import InvalidInputError, MissingKeyError, ReconcilerError, RegistryError
from reconciler.registry.connect import open_registry
from tests.harness.registry_database import required

REFERENCE = EnvReference("REGISTRY_URL")


def refused(value: str) -> ReconcilerError:
    with pytest.raises(ReconcilerError) as raised:
        open_registry(REFERENCE, Environment({"REGISTRY_URL": value}), fleet="prod")
    return raised.value


def test_a_variable_that_is_not_set_is_named() -> None:
    error = refused("")
    assert isinstance(error, MissingKeyError)
    assert "$REGISTRY_URL is not set" in str(error)


@pytest.mark.parametrize(
    "value", ["hunter2", "mysql://a:hunter2@b/c", "https://a:hunter2@b", "postgresql://a:hunter2@b:x/c"]
)
def test_what_is_no_address_is_refused_and_not_repeated(value: str) -> None:
    required()
    error = refused(value)
    assert isinstance(error, InvalidInputError)
    assert "the value of $REGISTRY_URL is not the address of a registry" in str(error)
    assert "hunter2" not in f"{error} {error.hint}"


@pytest.mark.parametrize(
    "value",
    [
        "sqlite://registry.db",
        "sqlite:///registry.db?timeout=abc",
        "sqlite:///registry.db?check_same_thread=maybe",
        "sqlite:///registry.db?plugin=foo",
        "postgresql://a:hunter2@b/c?plugin=foo",
        "postgresql://a@b/c?hunter2=hunter2",
    ],
)
def test_an_address_that_only_the_driver_refuses_is_told_in_the_right_form(value: str) -> None:
    required()
    error = refused(value)
    assert isinstance(error, InvalidInputError)
    assert error.hint == "use the form postgresql://user:password@host/database or sqlite:///registry.db"
    assert "hunter2" not in str(error)


def test_a_password_with_a_bare_at_sign_is_refused_and_no_part_of_it_shown() -> None:
    required()
    error = refused("postgresql://app:s3cr@t!pw@host/db")
    assert isinstance(error, InvalidInputError)
    assert error.hint is not None
    assert error.hint.endswith("write @ as %40 in a user name or a password")
    assert "t!pw" not in f"{error} {error.hint}"


def test_what_the_driver_says_is_told_without_the_password() -> None:
    """A password in the place of another value, which the driver repeats."""
    required()
    address = "postgresql://app:hunter2@127.0.0.1:1/db?sslmode=hunter2&password=hunter3&gssencmode=hunter3"
    registry = open_registry(REFERENCE, Environment({"REGISTRY_URL": address}), fleet="prod")
    with pytest.raises(RegistryError, match=r"\*\*\*") as raised:
        registry.rows()
    assert "hunter" not in str(raised.value)
    registry.close()


def test_a_missing_package_is_told_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    error = refused("sqlite:///registry.db")
    assert isinstance(error, RegistryError)
    assert error.hint == "pip install 'neon-reconciler[registry]'"
