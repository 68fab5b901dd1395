"""``--simulator FILE``: the simulator in this process, on a clock that jumps instead of waiting."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import click
from msgspec.structs import asdict

from reconciler.environment import Environment
from reconciler.errors import InvalidInputError, MissingPackageError
from reconciler.files import regular_files
from reconciler.files.regular_files import UnreadableError
from reconciler.fleet import Fleet
from reconciler.model.values import replace
from reconciler.neon.in_process import InProcess
from reconciler.simulator.clock import LoopTime
from reconciler.simulator.gateway import MOST_EXCHANGES, Latency
from reconciler.simulator.postgres.errors import INSTALL, PostgresError
from reconciler.simulator.simulator import Simulator
from reconciler.simulator.types import Limits
from reconciler.simulator.types import Organization as SimulatedOrganization
from reconciler.simulator.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    import httpx

    from reconciler.cli.runtime import Runtime
    from reconciler.desired.state import DesiredState
    from reconciler.desired.tier import Organization
    from reconciler.neon.call import CallLimit, CallObserver
    from reconciler.simulator.contract.judge import Judge

HOST: Final = "http://127.0.0.1/api/v2"
"""Never connected to: calls go to the app in this process."""
REGISTRY_KEY: Final = "c2ltdWxhdG9ycy1oYXZlLW5vLXNlY3JldHMtLS0tLS0="
"""The key of a simulated registry. It protects nothing: a simulator holds no secrets."""
ANEW: Final = "name another file: a missing one is made anew"
WRITABLE: Final = "the file, those beside it and their folder have to be writable; or name another file"
_NOT_OPENED: Final = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR}
)
_PRIMARY: Final = 0xFF
"""The bits of an error code of SQLite without its details."""
LATENCY: Final = Latency(0.05, 0.15)
"""Simulated seconds per call, similar to those of the real API."""


class Embedded(NamedTuple):
    """A simulated account that is open, and what a connection to it needs."""

    runner: asyncio.Runner
    """An event loop on virtual time."""
    desired: DesiredState
    """The files, with the ids and the registry of the simulator."""
    environ: Environment
    """The keys, by the variables that the files name."""
    host: str
    via: httpx.AsyncBaseTransport
    now: Callable[[], datetime]


@contextmanager
def embedded_account(
    file: Path, desired: DesiredState, around: Runtime, *, postgres: bool = False
) -> Iterator[Embedded]:
    """Opens the simulated account in the file.

    The organizations and limits come from the files. The account stays open until the command ends: a program that
    it runs may connect to a database of it.
    """
    account = open_account(file, desired, LoopTime(around.clock()), postgres=postgres, most_exchanges=0)
    simulator = click.get_current_context().with_resource(account)
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        yield Embedded(
            runner,
            with_simulated_registry(with_simulated_ids(desired, simulator), file),
            Environment(keys(desired, simulator)),
            HOST,
            around.wrap(InProcess(simulator.app)),
            lambda: datetime.fromtimestamp(simulator.clock.now(), UTC),
        )


@contextmanager
def embedded_neon(
    file: Path,
    desired: DesiredState,
    around: Runtime,
    *,
    share: float,
    postgres: bool = False,
    observer: CallObserver | None = None,
    limit: CallLimit | None = None,
) -> Iterator[tuple[asyncio.Runner, AbstractAsyncContextManager[Fleet]]]:
    """Opens the simulated account in the file. Yields an event loop on virtual time, and a connection for it."""
    with embedded_account(file, desired, around, postgres=postgres) as neon:
        yield (
            neon.runner,
            Fleet.connect(
                neon.desired,
                environ=neon.environ,
                base=desired,  # no variable that the files name is read
                host=neon.host,
                share=share,
                via=neon.via,
                now=neon.now,
                observer=observer,
                limit=limit,
            ),
        )


def open_account(
    file: Path,
    desired: DesiredState,
    clock_source: Callable[[], float],
    *,
    judge: Judge | None = None,
    latency: Latency = LATENCY,
    postgres: bool = False,
    most_exchanges: int = MOST_EXCHANGES,
) -> Simulator:
    """Opens the simulated account in the file, with the organizations of tiers.yaml. Creates a missing file.

    Raises InvalidInputError if the file is not a simulated account, or PostgreSQL cannot run for it.
    """
    if not file.parent.is_dir():
        raise InvalidInputError(
            f"{file} cannot be used as a simulated account: folder {file.parent} does not exist"
        )
    try:
        regular_files.require_file(file)
        return Simulator.open(
            file,
            [_simulated(o) for o in desired.organizations.values()],
            clock_source=clock_source,
            latency=latency,
            judge=judge,
            postgres=postgres,
            most_exchanges=most_exchanges,
        )
    except PostgresError as error:
        raise InvalidInputError(f"{file} cannot have databases: {error}", hint=error.hint) from error
    except ModuleNotFoundError as error:
        raise MissingPackageError(f"--postgres needs the package {error.name}", hint=INSTALL) from error
    except UnreadableError as error:
        raise InvalidInputError(f"{file} cannot be used as a simulated account: it {error}", hint=ANEW) from error
    except sqlite3.Error as error:
        hint = WRITABLE if getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _NOT_OPENED else ANEW
        raise InvalidInputError(f"{file} cannot be used as a simulated account: {error}", hint=hint) from error


def _simulated(organization: Organization) -> SimulatedOrganization:
    return SimulatedOrganization(
        organization.name, Limits(**asdict(organization.limits)), reference=str(organization.id)
    )


def with_simulated_ids(desired: DesiredState, simulator: Simulator) -> DesiredState:
    """The desired state with the simulator's organization ids."""
    ids = simulator.organization_ids
    organizations = {name: replace(o, id=ids[name]) for name, o in desired.organizations.items()}
    return replace(desired, organizations=organizations)


def with_simulated_registry(desired: DesiredState, file: Path) -> DesiredState:
    """The desired state with its registry replaced by a file next to the simulated account."""
    if desired.registry is None:
        return desired
    return replace(desired, registry=f"sqlite:///{file.absolute().with_suffix('.registry.db')}")


def keys(desired: DesiredState, simulator: Simulator) -> Mapping[str, str]:
    """The simulator's keys, by the environment variables that the files name."""
    found = {o.api_key.name: simulator.organization_keys[name] for name, o in desired.organizations.items()}
    if desired.personal_api_key is not None:
        found[desired.personal_api_key.name] = simulator.personal_key
    if desired.registry_key is not None:
        found[desired.registry_key.name] = REGISTRY_KEY
    return found
