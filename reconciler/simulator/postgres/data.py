"""The rows of a simulated account: what the simulator tells of its branches, carried out in PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlencode

from reconciler.simulator import projects, roles_and_databases
from reconciler.simulator.data import Place
from reconciler.simulator.postgres import admission, contents, moments, places, programs
from reconciler.simulator.postgres.admission import NotAdmittedError
from reconciler.simulator.postgres.guard import Guard
from reconciler.simulator.postgres.proxy import LOOPBACK, Proxy, Route
from reconciler.simulator.postgres.timelines import Timelines

if TYPE_CHECKING:
    from reconciler.simulator.postgres.admission import AdmittedCompute
    from reconciler.simulator.postgres.cluster import Cluster
    from reconciler.simulator.postgres.programs import Programs
    from reconciler.simulator.postgres.proxy import Session
    from reconciler.simulator.store import Reading, Transaction
    from reconciler.simulator.world import World

LOOK_EVERY_SECONDS: Final = 1.0
"""How often connections are held against the time, which goes on although nothing is asked for."""

_WANTED: Final = """
SELECT timeline FROM timelines JOIN branches ON branches.id = timelines.owner_id
    JOIN projects ON projects.id = branches.project_id
    WHERE coalesce(branches.deleted_at, branches.expires_at, :now) >= :since
    AND coalesce(projects.deleted_at, :now) >= :since
UNION SELECT timeline FROM timelines JOIN snapshots ON snapshots.id = timelines.owner_id
    JOIN projects ON projects.id = snapshots.project_id
    WHERE coalesce(snapshots.expires_at, :now) >= :now AND coalesce(projects.deleted_at, :now) >= :since
"""


class PostgresData:
    """One account's rows, as one process has them open. See ``reconciler/simulator/data.py``."""

    def __init__(self, world: World, folder: Path, installed: Programs, *, temporary: bool) -> None:
        self._world = world
        self._folder = folder
        self._timelines = Timelines(folder, places.sockets(folder, installed), installed, self._connected)
        self._temporary = temporary
        self._keeper = places.locked(folder / "keeper")
        """Held by the one process that listens on the port."""
        self._guard = None if self._keeper is None else Guard(folder, installed)
        self._proxy: Proxy | None = None
        self._closed = threading.Event()

    @classmethod
    def open(cls, world: World, beside: Path | None) -> Self:
        """Opens the rows in a folder, which is made; None is a temporary one, for an account in memory.

        The first process to do so listens for connections. Raises PostgresError if PostgreSQL is not installed,
        or its user cannot enter the folder.
        """
        folder = beside or Path(tempfile.mkdtemp(prefix="neon-simulator-"))
        installed = programs.find_programs(places.version(folder))
        places.prepare_folder(folder, installed)
        data = cls(world, folder, installed, temporary=beside is None)
        moments.record_steps(world.store, world.clock)
        if data._keeper is not None:
            data._listen()
        return data

    def _listen(self) -> None:
        """Starts to listen, on the port of the last time if it is free: connection strings stay as they are."""
        note = self._folder / "port"
        try:
            proxy = Proxy(int(note.read_text()), self._route, self._world.store.turn)
        except (OSError, ValueError):
            proxy = Proxy(0, self._route, self._world.store.turn)
        note.write_text(str(proxy.port))
        self._proxy = proxy
        threading.Thread(target=self._watch, daemon=True).start()

    def copy(
        self,
        transaction: Transaction,
        source_id: str,
        target_id: str,
        *,
        point: float | None = None,
        schema_only: bool = False,
    ) -> None:
        """Begins a timeline for the target. A source without one has never been opened, and holds nothing."""
        source = _timeline(transaction, source_id)
        if source is None:
            transaction.execute("DELETE FROM timelines WHERE owner_id = ?", target_id)
            return
        time = None if point is None else moments.machine_time_of(transaction, point)
        _store_timeline(transaction, target_id, self._timelines.derive(source, time=time, schema_only=schema_only))

    def share(self, transaction: Transaction, source_id: str, target_id: str) -> None:
        """Points the target to the timeline of the source."""
        source = _timeline(transaction, source_id)
        if source is not None:
            _store_timeline(transaction, target_id, source)

    def configure(self, transaction: Transaction, branch_id: str) -> None:
        """Creates roles and databases where the server runs. Where it does not, its next start does."""
        timeline = _timeline(transaction, branch_id)
        running = None if timeline is None else self._timelines.running(timeline)
        if running is not None:
            _configure(transaction, running, branch_id)

    def delete_role(self, transaction: Transaction, branch_id: str, name: str) -> None:
        """Deletes the role, from a branch that somebody has connected to."""
        server = self._server(transaction, branch_id)
        if server is not None:
            contents.drop_role(server, name)

    def delete_database(self, transaction: Transaction, branch_id: str, name: str) -> None:
        """Deletes the database, from a branch that somebody has connected to."""
        server = self._server(transaction, branch_id)
        if server is not None:
            contents.drop_database(server, name)

    def rename_database(self, transaction: Transaction, branch_id: str, before: str, after: str) -> None:
        """Renames the database, of a branch that somebody has connected to."""
        server = self._server(transaction, branch_id)
        if server is not None:
            contents.rename_database(server, before, after)

    def place(self, host: str, *, pooled: bool) -> Place:
        """The port of this machine, and the compute as Neon takes it from clients that send no host name."""
        endpoint_id = host.partition(".")[0] + ("-pooler" if pooled else "")
        port = (self._folder / "port").read_text()
        return Place(f"{LOOPBACK}:{port}", urlencode({"options": f"endpoint={endpoint_id}"}))

    def end_connections(self) -> None:
        """Ends the connections of computes that are gone, disabled, suspended, or on another timeline by now."""
        if self._proxy is None:
            return
        ended = [session for session in self._proxy.sessions if not self._runs(session)]
        left = {session.timeline for session in self._proxy.sessions if session not in ended}
        for timeline in {session.timeline for session in ended} - left:
            self._timelines.stop(timeline)  # which tells the clients why
        for session in ended:
            if session.timeline in left:
                session.end()

    def close(self) -> None:
        """Ends all connections and servers, unless another process listens."""
        self._closed.set()
        if self._proxy is not None:
            self._proxy.close()
        keeper = self._keeper or places.locked(self._folder / "keeper")
        if keeper is not None:
            with keeper, self._world.store.turn():
                self._timelines.close()
        if self._guard is not None:
            self._guard.dismiss()
        if self._temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _discard(self) -> None:
        """Deletes the timelines of what is gone for good. No other process begins one meanwhile."""
        with self._world.writing() as transaction:
            since = transaction.now - projects.RECOVERY_SECONDS
            wanted = transaction.rows_named(_WANTED, now=transaction.now, since=since)
            self._timelines.keep_only({row["timeline"] for row in wanted})

    def _server(self, transaction: Transaction, branch_id: str) -> Cluster | None:
        """The server of a branch, which is started if need be; None for a branch that nobody has opened."""
        timeline = _timeline(transaction, branch_id)
        return None if timeline is None else self._opened(transaction, branch_id, timeline)

    def _opened(self, store: Reading, branch_id: str, timeline: int) -> Cluster:
        server, started = self._timelines.open(timeline)
        if started:
            _configure(store, server, branch_id)
        return server

    def _connected(self) -> set[int]:
        """The timelines that somebody is connected to."""
        return set() if self._proxy is None else {session.timeline for session in self._proxy.sessions}

    def _route(self, endpoint_id: str) -> Route:
        """Where a connection to a compute goes. Wakes the compute. Raises NotAdmittedError, PostgresError."""
        world = self._world
        compute = admission.find_compute(world.store, endpoint_id, world.clock.now())
        admission.wake(world, compute)
        timeline = _timeline(world.store, compute.branch_id)
        if timeline is None:
            timeline = self._timelines.begin()
            with world.writing() as transaction:
                _store_timeline(transaction, compute.branch_id, timeline)
        if not self._timelines.opened(timeline):
            self._discard()
        server = self._opened(world.store, compute.branch_id, timeline)
        return Route(timeline, server.socket, compute.read_only)

    def _runs(self, session: Session) -> bool:
        """Whether the compute of a connection still runs, on the timeline that the connection leads to."""
        compute = self._compute(session)
        return compute is not None and compute.runs_until > self._world.clock.now()

    def _compute(self, session: Session) -> AdmittedCompute | None:
        store = self._world.store
        try:
            compute = admission.find_compute(store, session.endpoint_id, self._world.clock.now())
        except NotAdmittedError:
            return None
        return compute if _timeline(store, compute.branch_id) == session.timeline else None

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_EVERY_SECONDS):
            with self._world.store.turn():
                if not self._closed.is_set():
                    self._keep_running()
                    self.end_connections()

    def _keep_running(self) -> None:
        """Lets computes go on whose connections are used, before half of their idle time is over."""
        assert self._proxy is not None  # noqa: S101
        now = self._world.clock.now()
        for session in self._proxy.sessions:
            used, session.used = session.used, False
            compute = self._compute(session) if used else None
            if compute is not None and now < compute.runs_until < now + compute.idle_seconds / 2:
                with suppress(NotAdmittedError):
                    admission.wake(self._world, compute)


def _timeline(store: Reading, owner_id: str) -> int | None:
    """The timeline that a branch or snapshot points to; None for a branch that nobody has opened."""
    timeline: int | None = store.value("SELECT timeline FROM timelines WHERE owner_id = ?", owner_id)
    return timeline


def _store_timeline(transaction: Transaction, owner_id: str, timeline: int) -> None:
    transaction.execute("INSERT OR REPLACE INTO timelines VALUES (?, ?)", owner_id, timeline)


def _configure(store: Reading, server: Cluster, branch_id: str) -> None:
    roles = roles_and_databases.roles(store, branch_id)
    contents.configure(server, roles, roles_and_databases.databases(store, branch_id))
