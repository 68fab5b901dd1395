"""A simulated account whose branches are real databases, and a client of both."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from reconciler.neon.http import httpx
from reconciler.simulator import GUIDE_ORGANIZATIONS, Behaviour, Simulator, serving
from tests.contract.installed import absent
from tests.harness.local_http import LOCAL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

START = 1_800_000_000.0
STEP_SECONDS = 60.0
LOCKED = 423
IN_MEMORY: Final = ":memory:"
"""An account that no other process opens."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A project as its creation answers it."""

    id: str
    branch_id: str
    uri: str


@dataclass(slots=True)
class Account:
    """The account, and its clock, which stands still between two calls."""

    simulator: Simulator
    http: httpx.Client
    names: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    def request(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One call, a minute after the one before it: its operations have ended, but Neon may work on the project.

        A minute later, it does not any more.
        """
        response = self._request(method, path, body)
        return self._request(method, path, body) if response.status_code == LOCKED else response

    def _request(self, method: str, path: str, body: Any) -> httpx.Response:
        self.simulator.clock.advance(STEP_SECONDS)
        return self.http.request(method, path, json=body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a call that succeeds."""
        response = self.request(method, path, body)
        assert response.is_success, (method, path, response.status_code, response.text)
        return response.json() if response.content else None

    def sign_up(self, organization: str = "free", **members: Any) -> Tenant:
        """A new project."""
        stated = {
            "org_id": self.simulator.organization_ids[organization],
            "name": f"t{next(self.names)}",
            **members,
        }
        made = self.call("POST", "/projects", {"project": stated})
        uri = made["connection_uris"][0]["connection_uri"]
        return Tenant(made["project"]["id"], made["branch"]["id"], uri)

    def uri(self, project_id: str, branch_id: str, *, pooled: bool = False, **query: str) -> str:
        """The connection string of a branch."""
        names = {"database_name": "neondb", "role_name": "neondb_owner", **query}
        asked = {"branch_id": branch_id, "pooled": str(pooled).lower(), **names}
        response = self.http.get(f"/projects/{project_id}/connection_uri", params=asked)
        assert response.is_success, response.text
        uri: str = response.json()["uri"]
        return uri


@contextmanager
def account(file: Path | str = IN_MEMORY) -> Iterator[Account]:
    """An account with the organizations of Neon's guide, served on a port."""
    driver()

    many_roots = Behaviour(root_branches=25)  # a restored snapshot is one
    opened = Simulator.open(
        file, GUIDE_ORGANIZATIONS, clock_source=lambda: START, behaviour=many_roots, postgres=True
    )
    with opened as simulator, serving(simulator) as url:
        key = {"Authorization": f"Bearer {simulator.personal_key}"}
        with httpx.Client(base_url=url, headers=key, **LOCAL, timeout=120) as http:
            yield Account(simulator, http)


def driver() -> Any:
    """psycopg; where it or the server is absent the calling test is skipped, and fails on CI (``CI=true``)."""
    try:
        import psycopg  # noqa: PLC0415

        from reconciler.simulator.postgres.errors import PostgresError  # noqa: PLC0415
        from reconciler.simulator.postgres.programs import find_programs  # noqa: PLC0415
    except ImportError:
        absent("psycopg is not installed: pip install --require-hashes -r requirements/dev.lock")
    try:
        find_programs()
    except PostgresError as error:
        absent(str(error))
    return psycopg


def connect(uri: str) -> psycopg.Connection[Any]:
    """A connection, each statement of which is a transaction."""
    opened: psycopg.Connection[Any] = driver().connect(uri, autocommit=True)
    return opened


def execute(uri: str, *statements: str) -> None:
    """Runs statements, on a connection of their own."""
    with connect(uri) as connection:
        for statement in statements:
            connection.execute(statement)


def rows(uri: str, query: str = "SELECT * FROM notes ORDER BY 1") -> list[Any]:
    """What a query finds, on a connection of its own: the first column."""
    with connect(uri) as connection:
        return [row[0] for row in connection.execute(query).fetchall()]
