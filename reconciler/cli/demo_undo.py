"""``reconciler demo --undo``: the rows of a tenant are lost, and a snapshot brings them back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler.cli.demo_parts import DemoFailedError, chapter, read_files
from reconciler.cli.embedded_neon import HOST, keys, open_account, with_simulated_ids
from reconciler.cli.runtime import runtime
from reconciler.environment import Environment
from reconciler.fleet import Fleet, RunOptions
from reconciler.neon.in_process import InProcess
from reconciler.plan.outcome import Result
from reconciler.simulator.clock import LoopTime
from reconciler.simulator.virtual_time import VirtualLoop
from reconciler.views.console import show, stdout_console
from reconciler.views.terminal import Line, column, page, paragraph, styled, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.secret import Secret
    from reconciler.simulator.simulator import Simulator
    from reconciler.views.terminal import Piece

TENANT: Final = "nova"
DOCUMENT: Final = {"tenant": TENANT, "tier": "pro"}
SNAPSHOT: Final = "before-cleanup"

WRITE: Final = (
    "CREATE TABLE notes (id integer PRIMARY KEY, text text NOT NULL)",
    "INSERT INTO notes VALUES (1, 'call the bank'), (2, 'order paper'), (3, 'invite Ada')",
)
BREAK: Final = ("DELETE FROM notes WHERE id < 3", "UPDATE notes SET text = 'x'")
READ: Final = "SELECT id, text FROM notes ORDER BY id"


def play() -> None:
    """Tells the story. Raises InvalidInputError if PostgreSQL cannot run here."""
    desired = read_files()
    with TemporaryDirectory(prefix="reconciler-demo-") as folder:
        Path(folder).chmod(0o755)  # run by root, the databases belong to a user of their own
        file = Path(folder) / "sim.db"
        account = open_account(file, desired, LoopTime(runtime().clock()), postgres=True)
        with account as simulator, asyncio.Runner(loop_factory=VirtualLoop) as runner:
            fleet = Fleet.connect(
                with_simulated_ids(desired, simulator),
                environ=Environment(keys(desired, simulator)),
                host=HOST,
                base=desired,
                via=runtime().wrap(InProcess(simulator.app)),
                now=lambda: datetime.fromtimestamp(simulator.clock.now(), UTC),
            )

            async def tell() -> None:
                async with fleet as connected:
                    await _Story(connected, simulator, RunOptions(journal=Path(folder) / "journal.jsonl")).tell()

            runner.run(tell())


class _Story(Struct, frozen=True):
    fleet: Fleet
    simulator: Simulator
    run: RunOptions

    async def tell(self) -> None:
        uri = await self._sign_up()
        written = self._write(uri)
        await self._snapshot()
        self._break(uri)
        await self._restore()
        self._read(uri, written)

    async def _sign_up(self) -> Secret:
        _show(
            "1. Sign up",
            "A tenant signs up. Its project is created in the simulator, and its branch is a real PostgreSQL "
            "database on this machine.",
            f"reconciler converge {TENANT}",
        )
        converged = await self.fleet.converge(DOCUMENT, run=self.run)
        uri = converged.connections[TENANT].pooled
        host = uri.reveal().rpartition("@")[2].partition("/")[0]
        show(_sentence(f"The connection string of {TENANT} points to {host}."), stdout_console())
        return uri

    def _write(self, uri: Secret) -> list[tuple[Any, ...]]:
        _show("2. Write", "The application of the tenant writes.", 'psql "$DATABASE_URL"')
        written = _query(uri, *WRITE, READ)
        show(_table(written), stdout_console())
        return written

    async def _snapshot(self) -> None:
        _show("3. Snapshot", "The tenant's file asks for a snapshot.", f"reconciler converge {TENANT}")
        await self.fleet.converge({**DOCUMENT, "snapshots": [SNAPSHOT]}, run=self.run)
        show(_sentence(f"Snapshot {SNAPSHOT} holds the rows of this moment."), stdout_console())

    def _break(self, uri: Secret) -> None:
        _show("4. Break", "A clean-up goes wrong.", 'psql "$DATABASE_URL"')
        show(_table(_query(uri, *BREAK, READ)), stdout_console())

    async def _restore(self) -> None:
        _show(
            "5. Restore",
            f"Snapshot {SNAPSHOT} replaces the branch. The earlier content is kept as another branch.",
            f"reconciler restore {TENANT} --snapshot {SNAPSHOT}",
        )
        restored = await self.fleet.restore(DOCUMENT, snapshot=SNAPSHOT, run=self.run)
        if restored.report is None or restored.report.count(Result.APPLIED) != 1:
            raise DemoFailedError("the tenant was not restored")
        show(_sentence(f"{TENANT} is restored."), stdout_console())

    def _read(self, uri: Secret, written: list[tuple[Any, ...]]) -> None:
        _show("6. Read", "The same connection string, and all rows.", 'psql "$DATABASE_URL"')
        found = _query(uri, READ)
        show(_table(found), stdout_console())
        if found != written:
            raise DemoFailedError("the restore did not bring the rows back")


def _query(uri: Secret, *statements: str) -> list[tuple[Any, ...]]:
    """Runs statements one after the other. Returns the rows of the last one."""
    import psycopg  # noqa: PLC0415 - it is an extra, and was found when the account was opened

    with psycopg.connect(uri.reveal(), autocommit=True) as connection:
        for statement in statements[:-1]:
            connection.execute(statement.encode())
        return connection.execute(statements[-1].encode()).fetchall()


def _show(title: str, text: str, command: str | None) -> None:
    show(chapter(title, text, command), stdout_console())


@page
def _sentence(text: str) -> Iterator[Piece]:
    yield paragraph(text)


@page
def _table(rows: Sequence[tuple[Any, ...]]) -> Iterator[Piece]:
    width = width_of(str(row[0]) for row in rows)
    for number, text in rows:
        yield Line(column(str(number), width), styled(text), 2)
