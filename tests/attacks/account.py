"""Neon as the attack finds it: the fleet is applied, and everything that is asked of it is kept."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reconciler.cli.runtime import Runtime
from reconciler.environment import Environment
from reconciler.simulator.simulator import Simulator
from tests.attacks import marked
from tests.attacks.case import ATTACKS
from tests.harness.shell import run_in
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Picture: TypeAlias = dict[str, tuple[str, str]]
"""Of each project, by its id: the name, and what a customer would miss."""

APPLIED: Final = datetime(2024, 1, 1, tzinfo=UTC)
"""When the fleet was applied: before whatever the clock of this machine says."""
READING: Final = ("GET", "HEAD")
_PROJECT: Final = ("default_endpoint_settings", "settings", "history_retention_seconds", "name", "org_id")
_LATER: Final = ("created_at", "updated_at", "last_active", "suspended_at", "current_state", "pending_state")
"""Members that time changes."""


class Overheard(Simulator):
    """A simulator that keeps every byte that it was sent, headers included."""

    bearers: set[bytes]
    sent: list[bytes]

    @property
    def app(self) -> ASGIApp:
        """Neon's API, with an ear at the door."""
        self.bearers, self.sent = set(), []
        return _Listening(super().app, self)

    def writes(self) -> list[str]:
        """Every call that may change something."""
        return [exchange.line for exchange in self.requests if exchange.method not in READING]

    def picture(self) -> Picture:
        """Of everything in the account."""
        rows = Stored.of(self).rows("projects")
        return {row["id"]: (row["name"], self._project(row)) for row in rows}

    def project_ids(self) -> dict[str, str]:
        """By the tenant's name."""
        return {name.removeprefix("myapp-"): id_ for name, id_ in Stored.of(self).project_ids().items()}

    def _project(self, row: Any) -> str:
        body = row["body"]
        parts: list[Any] = [row["org_id"], {key: body.get(key) for key in _PROJECT}]
        for table in ("branches", "endpoints", "snapshots"):
            bodies = [each["body"] for each in Stored.of(self).rows(table, deleted=True, project_id=row["id"])]
            parts += [
                table,
                *({key: value for key, value in each.items() if key not in _LATER} for each in bodies),
            ]
        return json.dumps(parts, sort_keys=True)


class _Listening:
    """Keeps what passes, but the one header in which a key belongs."""

    def __init__(self, app: ASGIApp, overheard: Overheard) -> None:
        self._app, self._overheard = app, overheard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (ASGI)."""
        headers = dict(scope["headers"])
        self._overheard.bearers.add(headers.pop(b"authorization", b"").removeprefix(b"Bearer "))
        said = [
            scope["raw_path"],
            scope["query_string"],
            *(value for header in headers.items() for value in header),
        ]
        self._overheard.sent += said

        async def listening() -> Message:
            message = await receive()
            self._overheard.sent.append(message.get("body", b""))
            return message

        await self._app(scope, listening, send)


def make(folder: Path) -> Path:
    """The account file of the fleet as it was applied, with keys that are marked. Opened by copies only."""
    shutil.copy(ATTACKS / "fleet/tiers.yaml", folder)
    shutil.copytree(ATTACKS / "fleet/tenants", folder / "tenants")
    long_ago = Runtime(environ=Environment.of({}), interactive=False, clock=APPLIED.timestamp)
    arguments = ("apply", "--simulator", "sim.db", "--yes", "--journal", "journal.jsonl")
    applied = run_in(folder, arguments, long_ago)
    assert applied.code == 0, applied.err + applied.out
    stored = Stored.at(folder / "sim.db")
    stored.give_key(marked.KEYS["PERSONAL_API_KEY"])
    for organization in stored.rows("organizations"):
        stored.give_key(marked.KEYS[f"{organization['name'].upper()}_ORG_API_KEY"], organization["id"])
    return folder / "sim.db"


def around(simulator: Simulator, host: str) -> MutableMapping[str, str]:
    """The variables that an operator sets: the address, the organizations, the keys."""
    ids = {f"NEON_{name.upper()}_ORG_ID": org_id for name, org_id in simulator.organization_ids.items()}
    return {"NEON_API_HOST": host, **ids, **marked.KEYS}
