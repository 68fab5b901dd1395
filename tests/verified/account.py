"""An account, simulated or real: calls with a key, throwaway projects, and their removal."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.verified.variables import Access

PREFIX: Final = "reconciler-verified-"
"""How the name of every project begins that these tests create."""
LEFTOVER: Final = timedelta(hours=1)
"""A project of an earlier run that is older was left by one that was killed."""
NOT_CARRIED_OUT: Final = (423, 429, 503)
"""Neon: such a request has changed nothing, and can be repeated."""
ATTEMPTS, PAUSE_SECONDS, OPERATIONS_SECONDS = 60, 2.0, 300
ENDED: Final = ("finished", "skipped", "cancelled")
GONE: Final = 404


@dataclass(slots=True)
class Account:
    """One account with a sponsored and a paid organization. ``wait`` lets seconds pass."""

    access: Access
    http: httpx.Client
    wait: Callable[[float], None]
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    made: int = 0

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str = "personal",
        checked: bool = True,
        **query: Any,
    ) -> httpx.Response:
        """One call. A patient one is repeated where Neon has not carried it out.

        ``key`` is ``personal``, ``free`` or ``paid``.
        """
        token = self.access.personal_key if key == "personal" else self.access.organization_keys[key]
        headers = {"Authorization": f"Bearer {token}"}
        for _ in range(ATTEMPTS):
            response = self.http.request(method, path, json=body, params=query, headers=headers)
            if response.status_code not in NOT_CARRIED_OUT or not checked:
                return response
            self.wait(PAUSE_SECONDS)
        raise AssertionError(f"{method} {path} was not carried out within {ATTEMPTS * PAUSE_SECONDS:.0f} s")

    def create(self, organization: str = "free", name: str | None = None, **stated: Any) -> Project:
        """A throwaway project, its operations ended. ``stated`` are members of ``project``."""
        self.made += 1
        named = name or f"{PREFIX}{self.run}-{self.made}"
        response = self.ask("POST", "/projects", {"project": {"name": named, **stated}}, key=organization)
        assert response.status_code == 201, response.text
        project = Project(self, response.json()["project"]["id"], organization, named, response.json())
        project.settle()
        return project

    def listed(self, organization: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every project of an organization, page by page until one is empty."""
        cursor: dict[str, Any] = {}
        while True:
            page = self.ask("GET", "/projects", key=organization, limit=400, **query, **cursor).json()
            yield from page["projects"]
            if not page["projects"]:
                return
            cursor = {"cursor": page["pagination"]["cursor"]}

    def clean(self, *, run: str = "", now: datetime | None = None) -> int:
        """Delete the projects of a run. With ``now``, only those that are older than an hour then."""
        removed = 0
        for organization in self.access.organization_ids:
            for found in list(self.listed(organization, search=PREFIX)):
                if found["name"].startswith(f"{PREFIX}{run}") and _left_over(found, now):
                    Project(self, found["id"], organization, found["name"]).remove()
                    removed += 1
        return removed


def _left_over(found: dict[str, Any], now: datetime | None) -> bool:
    return now is None or now - datetime.fromisoformat(found["created_at"]) > LEFTOVER


@dataclass(slots=True)
class Project:
    """A throwaway project. ``organization`` names the key that opens it."""

    account: Account
    id: str
    organization: str
    name: str
    created: dict[str, Any] = field(default_factory=dict)
    """The answer to its creation."""

    def ask(self, method: str, path: str = "", body: object = None, **more: Any) -> httpx.Response:
        """A call below the project."""
        return self.account.ask(method, f"/projects/{self.id}{path}", body, **{"key": self.organization, **more})

    def get(self, path: str = "", **query: Any) -> dict[str, Any]:
        """What a read answers."""
        response = self.ask("GET", path, **query)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def write(self, method: str, path: str = "", body: object = None, **query: Any) -> dict[str, Any]:
        """A write that Neon accepts, awaited."""
        response = self.ask(method, path, body, **query)
        assert response.is_success, response.text
        self.settle()
        answer: dict[str, Any] = response.json()
        return answer

    def patch(self, **members: Any) -> dict[str, Any]:
        """Change members of the project; the answer is the project as it is read afterwards."""
        self.write("PATCH", "", {"project": members})
        return self.read()

    def read(self) -> dict[str, Any]:
        """The project as it is."""
        project: dict[str, Any] = self.get()["project"]
        return project

    def in_list(self) -> dict[str, Any] | None:
        """The project as the list of its organization shows it; None where it does not."""
        listed = self.account.listed(self.organization, search=self.name)
        return next((found for found in listed if found["id"] == self.id), None)

    def settle(self) -> None:
        """Wait until no operation of the project runs."""
        for _ in range(int(OPERATIONS_SECONDS / PAUSE_SECONDS)):
            if all(operation["status"] in ENDED for operation in self.get("/operations", limit=100)["operations"]):
                return
            self.account.wait(PAUSE_SECONDS)
        raise AssertionError(f"operations of {self.id} still run after {OPERATIONS_SECONDS} s")

    def branch(self, **stated: Any) -> dict[str, Any]:
        """A new branch, awaited."""
        made: dict[str, Any] = self.write("POST", "/branches", {"branch": stated})["branch"]
        return made

    def default_branch(self) -> dict[str, Any]:
        """The default branch as it is."""
        found: dict[str, Any] = next(each for each in self.get("/branches")["branches"] if each["default"])
        return found

    def snapshot(self, name: str) -> dict[str, Any]:
        """A snapshot of the default branch, awaited."""
        path = f"/branches/{self.default_branch()['id']}/snapshot"
        taken: dict[str, Any] = self.write("POST", path, name=name)["snapshot"]
        return taken

    def transfer(self, organization: str) -> httpx.Response:
        """Move it; where Neon agrees, the other organization's key opens it from now on."""
        ids = self.account.access.organization_ids
        body = {"destination_org_id": ids[organization], "project_ids": [self.id]}
        response = self.account.ask("POST", f"/organizations/{ids[self.organization]}/projects/transfer", body)
        if response.is_success:
            self.organization = organization
        return response

    def remove(self) -> None:
        """Delete it, whatever protects it."""
        response = self.ask("DELETE")
        if not response.is_success and response.status_code != GONE:
            for branch in self.get("/branches")["branches"]:
                if branch["protected"]:
                    self.write("PATCH", f"/branches/{branch['id']}", {"branch": {"protected": False}})
            response = self.ask("DELETE")
        assert response.is_success or response.status_code == GONE, response.text
