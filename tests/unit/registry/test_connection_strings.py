"""Connection strings in rows: encrypted, with keys that can be rotated, on SQLite and PostgreSQL."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from reconciler.desired.tier import EnvReference
from reconciler.environment import Environment
from reconciler.errors import ExitCode, MalformedKeyError, MissingKeyError, RegistryError
from reconciler.live.registered import ConnectionStrings, KeptString, Placement, Record, RowState
from reconciler.registry.connect import open_registry
from reconciler.registry.table import STRINGS, TENANTS
from reconciler.secret import Secret
from tests.harness.builders import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.registry.store import Registry

FIRST, SECOND = (base64.urlsafe_b64encode(32 * letter).decode() for letter in (b"a", b"b"))
KEPT: Final = ConnectionStrings(
    Secret("postgresql://app:hunter2@ep-1-pooler.neon.test/db"),
    Secret("postgresql://app:hunter2@ep-1.neon.test/db"),
)
ACME: Final = Placement("acme", "cool-river-1", "free", Record(state=RowState.READY), KEPT)


@pytest.fixture
def opened(address: str) -> Iterator[Callable[..., Registry]]:
    """Opens the registry of one fleet with keys; with None it keeps no strings."""
    found, fleet = [], f"f{uuid4().hex[:8]}"

    def another(keys: str | None = FIRST) -> Registry:
        environ = Environment({} if keys is None else {"REGISTRY_KEY": keys})
        key = None if keys is None else EnvReference("REGISTRY_KEY")
        found.append(open_registry(address, environ, fleet=fleet, key=key))
        found[-1].prepare()
        return found[-1]

    yield another
    for registry in found:
        registry.close()


def stored(registry: Registry) -> tuple[object, ...]:
    with registry._engine.connect() as connection:
        columns = [TENANTS.c[name] for name in STRINGS]
        row = connection.execute(sa.select(*columns).where(TENANTS.c.fleet == registry._fleet)).one()
        return tuple(row)


def test_they_are_written_with_the_project_and_only_the_key_reads_them(opened: Callable[..., Registry]) -> None:
    registry = opened()
    assert registry.claim("acme", "run1", NOON) is None
    assert registry.rows()["acme"].strings_due_since == NOON
    registry.place(ACME, "run1", NOON)
    assert registry.rows()["acme"].strings_due_since is None
    pooled, direct, _ = stored(registry)
    for token, text in ((pooled, KEPT.pooled), (direct, KEPT.direct)):
        assert "hunter2" not in str(token)
        assert Fernet(FIRST).decrypt(str(token)).decode() == text.reveal()
    (kept,) = registry.kept_connections().values()
    assert (kept.project_id, kept.organization, kept.strings, kept.newest_key) == (
        "cool-river-1",
        "free",
        KEPT,
        True,
    )
    (row,) = registry.tenants()
    assert row.connection_string is KeptString.KEPT
    assert "hunter2" not in repr(kept) + repr(row) + repr(ACME)


def test_a_new_key_is_put_before_the_old_one(opened: Callable[..., Registry]) -> None:
    opened().place(ACME, "run1", NOON)
    both = opened(f"{SECOND}, {FIRST}")
    kept = both.kept_connections()["acme"]
    assert (kept.strings, kept.newest_key) == (KEPT, False)
    assert both.keep_strings("acme", "cool-river-1", KEPT, NOON)
    kept = opened(SECOND).kept_connections()["acme"]
    assert (kept.strings, kept.newest_key) == (KEPT, True)
    assert opened(FIRST).kept_connections()["acme"].strings is None


def test_a_fleet_that_keeps_none_needs_no_key_and_writes_none(opened: Callable[..., Registry]) -> None:
    registry = opened(None)
    registry.claim("acme", "run1", NOON)
    assert registry.rows()["acme"].strings_due_since is None
    assert registry.tenants()[0].connection_string is None
    assert not registry.keeps_strings


def test_rows_are_read_and_a_tenant_is_claimed_without_the_key(address: str) -> None:
    registry = open_registry(
        address, Environment({}), fleet=f"f{uuid4().hex[:8]}", key=EnvReference("REGISTRY_KEY")
    )
    registry.prepare()
    registry.claim("acme", "run1", NOON)
    assert list(registry.rows()) == ["acme"]
    with pytest.raises(MissingKeyError, match=r"\$REGISTRY_KEY is not set"):
        registry.require_key()
    registry.close()


@pytest.mark.parametrize(
    "value", ["hunter2", ",", f"{FIRST},hunter2", "napi_" + 39 * "x", FIRST[:-4], f"{FIRST}é"]
)
def test_what_is_no_key_is_refused_and_not_shown(value: str, address: str) -> None:
    environ = Environment({"REGISTRY_KEY": value})
    registry = open_registry(address, environ, fleet="prod", key=EnvReference("REGISTRY_KEY"))
    with pytest.raises(MalformedKeyError) as refused:
        registry.require_key()
    assert "not a key of a registry" in str(refused.value)
    assert value not in f"{refused.value} {refused.value.hint}" or value == ","
    registry.close()


def test_a_text_that_is_no_token_is_not_readable(opened: Callable[..., Registry]) -> None:
    registry = opened()
    registry.place(ACME, "run1", NOON)
    for text in ("", "gAAAA", "é"):
        with registry._engine.begin() as connection:
            connection.execute(
                TENANTS.update().where(TENANTS.c.fleet == registry._fleet).values(direct_string=text)
            )
        assert registry.kept_connections()["acme"].strings is None


class TestTheyGo:
    def test_with_a_deleted_project(self, opened: Callable[..., Registry]) -> None:
        registry = opened()
        registry.place(ACME, "run1", NOON)
        registry.forget("acme", "cool-river-1", NOON)
        assert stored(registry) == (None, None, None)

    def test_where_the_row_turns_out_to_be_of_another_project(self, opened: Callable[..., Registry]) -> None:
        registry = opened()
        registry.place(ACME, "run1", NOON)
        seen = registry.rows()
        assert registry.correct([Placement("acme", "still-moon-2", "free")], seen, "run2", NOON) == []
        assert stored(registry) == (None, None, None)

    def test_but_not_with_a_move_or_a_new_name(self, opened: Callable[..., Registry]) -> None:
        registry = opened()
        registry.place(ACME, "run1", NOON)
        registry.place(Placement("acme", "cool-river-1", "paid"), "run2", NOON)
        registry.rename("acme", "birch", registry.rows()["acme"])
        assert registry.kept_connections()["birch"].strings == KEPT


def test_strings_are_due_from_before_a_reset_until_they_are_written(opened: Callable[..., Registry]) -> None:
    registry = opened()
    registry.place(ACME, "run1", NOON)
    registry.expect_strings("acme", "another", NOON)
    assert registry.tenants()[0].connection_string is KeptString.KEPT
    registry.expect_strings("acme", "cool-river-1", NOON)
    assert registry.tenants()[0].connection_string is KeptString.DUE
    assert registry.kept_connections()["acme"].strings == KEPT, "they may still work"
    assert not registry.keep_strings("acme", "another", KEPT, NOON)
    assert registry.keep_strings("acme", "cool-river-1", KEPT, NOON)
    assert registry.tenants()[0].connection_string is KeptString.KEPT


def test_a_missing_package_is_told_with_the_line_that_installs_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    environ = Environment({"REGISTRY_KEY": FIRST})
    registry = open_registry(address, environ, fleet="prod", key=EnvReference("REGISTRY_KEY"))
    with pytest.raises(RegistryError, match="encrypted connection strings need the package cryptography") as error:
        registry.require_key()
    assert error.value.hint == "pip install 'neon-reconciler[registry]'"
    assert error.value.exit_code is ExitCode.INVALID
    registry.close()
