"""The connection strings that rows of the registry keep, encrypted."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from reconciler.errors import RegistryError
from reconciler.live.registered import ConnectionStrings, KeptConnection, RowState
from reconciler.registry.database import DatabaseRegistry
from reconciler.registry.table import STRINGS, TENANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from reconciler.registry.cipher import Cipher

DUE: Final = STRINGS[-1]
NO_STRINGS: Final = dict.fromkeys(STRINGS)
_ROW: Final = TENANTS.c


class StringRows(DatabaseRegistry):
    """Rows with connection strings. The keys are read when a string is first encrypted or decrypted."""

    def __init__(self, engine: sa.Engine, fleet: str, cipher: Callable[[], Cipher] | None = None) -> None:
        """``cipher`` reads the keys; None: no strings are kept."""
        super().__init__(engine, fleet)
        self._new_cipher = cipher

    @property
    def keeps_strings(self) -> bool:
        """Whether rows keep connection strings."""
        return self._new_cipher is not None

    @cached_property
    def _cipher(self) -> Cipher:
        if self._new_cipher is None:
            raise RegistryError(
                "the registry keeps no connection strings",
                hint="add `connection_strings: encrypted` and `key: ${REGISTRY_KEY}` to registry in tiers.yaml",
            )
        return self._new_cipher()

    def require_key(self) -> None:
        """Raises MissingKeyError, InvalidInputError or RegistryError unless strings can be encrypted."""
        _ = self._cipher

    def expect_strings(self, tenant: str, project_id: str, at: datetime) -> None:
        """Records that a run is about to reset the password in the connection strings of a row."""
        self._set(tenant, project_id, {DUE: at})

    def keep_strings(self, tenant: str, project_id: str, strings: ConnectionStrings, at: datetime) -> bool:
        """Encrypts and records how to connect. Returns False if no row has the project."""
        return self._set(tenant, project_id, {**self._encrypted(strings), "updated_at": at})

    def remove_strings(self, tenant: str, project_id: str, at: datetime) -> bool:
        """Removes the connection strings of a row. Returns False if no row has the project."""
        return self._set(tenant, project_id, {**NO_STRINGS, "updated_at": at})

    def kept_connections(self, tenants: Collection[str] | None = None) -> dict[str, KeptConnection]:
        """The connection strings of all rows that keep them, or of a few tenants, decrypted; sorted by tenant."""
        if not self._has_all_columns():
            return {}
        of_fleet = (_ROW.fleet == self._fleet, _ROW.direct_string.is_not(None), _ROW.state != RowState.DELETED)
        query = sa.select(TENANTS).where(*of_fleet).order_by(_ROW.tenant)
        if tenants is not None:
            query = query.where(_ROW.tenant.in_(tenants))
        with self._reading() as connection:
            return {row.tenant: self._decrypted(row) for row in connection.execute(query)}

    def tenants_with_strings(self) -> dict[str, str]:
        """The project of each row that keeps connection strings, by tenant. Needs no key."""
        if not self._has_all_columns():
            return {}
        query = sa.select(_ROW.tenant, _ROW.project_id).where(_ROW.fleet == self._fleet)
        with self._reading() as connection:
            return {
                row.tenant: row.project_id
                for row in connection.execute(query.where(_ROW.direct_string.is_not(None)).order_by(_ROW.tenant))
            }

    def _set(self, tenant: str, project_id: str, values: Mapping[str, Any]) -> bool:
        same = (*self._of(tenant), _ROW.project_id == project_id, _ROW.state != RowState.DELETED)
        with self._writing() as connection:
            return connection.execute(sa.update(TENANTS).where(*same).values(values)).rowcount == 1

    def _encrypted(self, strings: ConnectionStrings) -> dict[str, Any]:
        values = (self._cipher.encrypt(strings.pooled), self._cipher.encrypt(strings.direct), None)
        return dict(zip(STRINGS, values, strict=True))

    def _decrypted(self, row: sa.Row[Any]) -> KeptConnection:
        tokens = (row.pooled_string, row.direct_string)
        pooled, direct = (self._cipher.decrypt(token) for token in tokens)
        strings = ConnectionStrings(pooled, direct) if pooled is not None and direct is not None else None
        newest = all(self._cipher.is_newest(token) for token in tokens)
        return KeptConnection(row.project_id, row.organization, strings, newest)
