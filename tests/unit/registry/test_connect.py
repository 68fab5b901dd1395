from __future__ import annotations

import sys

import pytest

from reconciler.desired.tier import EnvReference
from reconciler.errors import InvalidInputError, MissingKeyError, ReconcilerError, RegistryError
from reconciler.registry.connect import open_registry
from tests.builders import NOON
from tests.registry_database import required

REFERENCE = EnvReference("REGISTRY_URL")


def refused(value: str) -> ReconcilerError:
    with pytest.raises(ReconcilerError) as raised:
        open_registry(REFERENCE, {"REGISTRY_URL": value}, fleet="prod", now=lambda: NOON)
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
    assert "the value of $REGISTRY_URL is no address of a registry" in str(error)
    assert "hunter2" not in f"{error} {error.hint}"


def test_a_missing_package_is_told_with_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    error = refused("sqlite:///registry.db")
    assert isinstance(error, RegistryError)
    assert error.hint == "pip install 'neon-reconciler[registry]'"
