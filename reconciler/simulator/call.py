"""One request as the routes see it: what it asks, what its key opens, and the change that it makes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import msgspec

from reconciler.simulator import operations
from reconciler.simulator.answer import JSON
from reconciler.simulator.behaviour import ForeignProject
from reconciler.simulator.keys import KeyKind
from reconciler.simulator.metering import meters
from reconciler.simulator.organization import stored_organization
from reconciler.simulator.refusal import Refusal, not_found

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconciler.simulator.answer import Answer
    from reconciler.simulator.faults import Script
    from reconciler.simulator.keys import Key
    from reconciler.simulator.operations import Fate, Work
    from reconciler.simulator.organization import StoredOrganization
    from reconciler.simulator.shapes import Document
    from reconciler.simulator.store import Transaction
    from reconciler.simulator.world import World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """One write to a project that nothing else is working on."""

    transaction: Transaction
    project: sqlite3.Row
    """As it was before."""
    fate: Fate

    @property
    def now(self) -> float:
        """When it happens."""
        return self.transaction.now

    def start(self, works: Iterable[Work]) -> list[Document]:
        """Start the operations of the change; the answer describes them."""
        return operations.start(self.transaction, self.project["id"], works, self.fate)


@dataclass(frozen=True, slots=True)
class Call:
    """A request with a known key, on its route."""

    world: World
    key: Key
    path: Mapping[str, str]
    """The ids and names in the path."""
    query: Mapping[str, str]
    content: bytes
    media_type: str
    script: Script

    def body(self, kind: type[T]) -> T:
        """The request body. Refuses with 400 what is not of that kind, with 415 what does not say it is JSON."""
        if self.content and self.media_type.partition(";")[0].strip().lower() != JSON:
            raise Refusal(415, f"unsupported media type {self.media_type!r}, {JSON} is expected")
        try:
            return msgspec.json.decode(self.content or b"null", type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refusal(400, f"invalid request: {error}") from None

    def parameters(self, kind: type[T]) -> T:
        """The query. Refuses with 400 what is not of that kind."""
        try:
            return msgspec.convert(dict(self.query), kind, strict=False)
        except msgspec.ValidationError as error:
            raise Refusal(400, f"invalid request: {error}") from None

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """One transaction; first stores the meter of the project in the path, then enforces its quota."""
        _store, project_id = self.world.store, self.path.get("project_id")
        with self.world.writing() as transaction:
            if project_id is not None:
                meters.update(transaction, project_id)
            yield transaction
            if project_id is not None:
                meters.enforce(transaction, project_id)

    @contextmanager
    def change(self) -> Iterator[Change]:
        """A write to the project in the path. Refuses with 423 where operations of it still run."""
        with self.writing() as transaction:
            project = self.project()
            operations.check_unlocked(transaction, project, transaction.now, self.world.behaviour)
            yield Change(transaction, project, self.script.fate)

    def organization(self, org_id: str) -> StoredOrganization:
        """An organization that the key opens; 404 for any other."""
        found = stored_organization(self.world.store, org_id)
        if found is None or not (self.key.opens(org_id) or self.key.org_id == org_id):
            raise not_found("organization")
        return found

    def organization_of_member(self, org_id: str) -> StoredOrganization:
        """An organization that the key's holder belongs to (Neon: 403 for any other, known or not)."""
        found = stored_organization(self.world.store, org_id)
        if found is None or not self.key.opens(org_id):
            raise Refusal(403, "not an organization member")
        return found

    def organization_of_key(self, named: str | None) -> StoredOrganization:
        """The organization that a request is about: the one it names, else the key's own."""
        org_id = named or self.key.org_id
        if org_id is None:
            raise Refusal(400, "org_id is required, you can find it on your organization settings page")
        return self.organization(org_id)

    def project(self) -> sqlite3.Row:
        """The row of the live project in the path; 404 where the key does not see it."""
        row = self.world.store.row(
            "SELECT * FROM projects WHERE id = ? AND deleted_at IS NULL", self.path["project_id"]
        )
        if row is None:
            raise not_found("project")
        if not self.key.opens(row["org_id"], row["id"]) or self._is_on_its_way(row):
            raise self._foreign_project()
        return row

    def _foreign_project(self) -> Refusal:
        if self.world.behaviour.foreign_project is ForeignProject.FORBIDDEN:
            return Refusal(403, "the key has no access to this project")
        return not_found("project")

    def _is_on_its_way(self, row: sqlite3.Row) -> bool:
        """Whether the project has moved so lately that the key of its organization does not see it yet."""
        lately = row["seen_from"] is not None and self.world.clock.now() < row["seen_from"]
        return lately and self.key.kind is not KeyKind.PERSONAL

    def require_user(self) -> None:
        """Refuse with 404 what belongs to a user, where the key belongs to none (Neon)."""
        if self.key.kind is not KeyKind.PERSONAL:
            raise Refusal(404, "not allowed for organization API keys")

    def require_no_project_key(self) -> None:
        """Refuse with 403 what a key of a single project may not do."""
        if self.key.kind is KeyKind.PROJECT:
            raise Refusal(403, "project-scoped keys are not allowed to perform this action")


Handler: TypeAlias = "Callable[[Call], Answer]"
