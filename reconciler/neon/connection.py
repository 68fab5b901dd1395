"""How to connect to a branch: host, database, role, and the pooled and the direct connection string."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, quote, unquote, urlsplit

from msgspec import Struct

from reconciler.errors import UnexpectedAnswerError
from reconciler.model.hosts import POOLER
from reconciler.model.values import replace
from reconciler.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

_IN_OPTIONS: Final = re.compile(r"(?<=[?&]options=endpoint%3D)[^&]+")
"""The id of the compute, for clients that send no host name (Neon)."""
_IN_HOST: Final = re.compile(r"(?<=@)[^@./:?]+(?=[./:?][^@]*$)")
"""The first part of the host name."""
_PASSWORD: Final = re.compile(r"(?<=://)([^:/@]*):.*@")
_SCHEMES: Final = frozenset({"postgres", "postgresql"})


class Connection(Struct, frozen=True):
    """A connection to the read-write compute of a branch. Only its strings contain the password."""

    organization: str
    """Its name in tiers.yaml."""
    project_id: str
    branch: str | None
    """The name of the branch. None: the default branch."""
    database: str
    role: str
    host: str
    pooled_host: str
    pooled: Secret
    """Through the connection pooler: for applications."""
    direct: Secret
    """To Postgres itself: for migrations, dumps, LISTEN and session settings."""

    @classmethod
    def read(cls, organization: str, project_id: str, uri: str, *, branch: str | None = None) -> Connection:
        """Both forms, from either. Raises UnexpectedAnswerError for what is no connection string."""
        direct = _with_compute(uri, lambda id_: id_.removesuffix(POOLER))
        pooled = _with_compute(direct, lambda id_: id_ + POOLER)
        parts, host, pooled_host = _parts(direct), _host(direct), _host(pooled)
        if parts is None or host is None or pooled_host is None or direct == pooled:
            raise UnexpectedAnswerError(f"the API returned no valid connection string of project {project_id}")
        return cls(
            organization,
            project_id,
            branch,
            database=unquote(parts.path[1:]),
            role=unquote(parts.username or ""),
            host=host,
            pooled_host=pooled_host,
            pooled=Secret(pooled),
            direct=Secret(direct),
        )

    def with_password(self, password: Secret) -> Connection:
        """The same connection with another password."""
        return replace(
            self, pooled=_with_password(self.pooled, password), direct=_with_password(self.direct, password)
        )

    def uri(self, *, direct: bool = False) -> Secret:
        """The pooled string, or the direct one."""
        return self.direct if direct else self.pooled


def _parts(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    return parts if parts.scheme in _SCHEMES else None


def _host(uri: str) -> str | None:
    parts = _parts(uri)
    return parts and parts.hostname


def _with_compute(uri: str, change: Callable[[str], str]) -> str:
    place = _IN_OPTIONS if _IN_OPTIONS.search(uri) else _IN_HOST
    return place.sub(lambda found: change(found[0]), uri, count=1)


def _with_password(uri: Secret, password: Secret) -> Secret:
    new = quote(password.reveal(), safe="")
    return Secret(_PASSWORD.sub(lambda found: f"{found[1]}:{new}@", uri.reveal(), count=1))
