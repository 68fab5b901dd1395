"""``reconciler simulator``: the embedded Neon for other programs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.desired import FleetFiles
from reconciler.cli.options import FilesFlags, directory_option
from reconciler.cli.rehearsal import keys, open_account
from reconciler.desired.tier import EnvReference
from reconciler.errors import InvalidInputError
from reconciler.files.load import OnInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.simulator.simulator import Simulator

PORT: Final = 8090

data_option = click.option(
    "--data",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("sim.db"),
    show_default=True,
    help="File that holds the simulated account.",
)
port_option = click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=PORT,
    metavar="N",
    help=f"Port on 127.0.0.1.  [default: {PORT}]",
)


@click.group("simulator")
def command() -> None:
    """The embedded Neon: organizations and limits of tiers.yaml, state in one file, no network."""


@command.command("serve")
@directory_option
@data_option
@port_option
def serve_command(directory: Path, data: Path, port: int) -> None:
    """Serve the embedded Neon on 127.0.0.1, for any client, until interrupted. Port 0 picks a free one."""
    import time  # noqa: PLC0415

    from reconciler.simulator.serve import serve  # noqa: PLC0415 - uvicorn is no small import

    def announce(url: str) -> None:
        click.echo(f"Neon simulator on {url} (state in {data}); Ctrl-C ends it", err=True)

    with open_account(data, _price_list(directory), clock_source=time.time) as simulator:
        try:
            serve(simulator, port=port, on_ready=announce)
        except OSError as error:
            raise InvalidInputError(
                f"port {port} cannot be used: {error.strerror}", hint="--port 0 picks a free one"
            ) from error


@command.command("env")
@directory_option
@data_option
@port_option
def env_command(directory: Path, data: Path, port: int) -> None:
    """Print its ids, keys and address as shell exports: eval "$(reconciler simulator env)"."""
    desired = _price_list(directory)
    with open_account(data, desired) as simulator:
        for name, value in _variables(desired, simulator, port):
            click.echo(f"export {name}={shlex.quote(value)}")


@command.command("seed")
@directory_option
@data_option
@click.option("--tenants", type=click.IntRange(1, 1_000_000), required=True, help="How many projects to add.")
@click.option("--organization", metavar="NAME", help="Where to.  [default: the first of tiers.yaml]")
@click.option(
    "--name",
    default=None,
    metavar="PATTERN",
    help="Names of the projects, with {number}.  [default: naming.project with tenant-{number}]",
)
def seed_command(directory: Path, data: Path, tenants: int, organization: str | None, name: str | None) -> None:
    """Add a believable fleet of projects to it, the same each time."""
    from reconciler.simulator.seed import seed_fleet  # noqa: PLC0415

    desired = _price_list(directory)
    chosen = organization or next(iter(desired.organizations))
    if chosen not in desired.organizations:
        raise InvalidInputError(
            f"tiers.yaml knows no organization {chosen!r}", hint=f"one of {', '.join(desired.organizations)}"
        )
    pattern = name or desired.naming.project_name("tenant-{number:05d}")
    with open_account(data, desired) as simulator:
        seed_fleet(simulator, chosen, tenants, name=pattern)
    click.echo(f"added {tenants:,} projects to organization {chosen} in {data}", err=True)


def _price_list(directory: Path) -> DesiredState:
    """The organizations and their limits; a broken tenant file is no reason not to have them."""
    return FleetFiles(FilesFlags(directory, OnInvalid.SKIP.value)).desired()


def _variables(desired: DesiredState, simulator: Simulator, port: int) -> Iterator[tuple[str, str]]:
    yield "NEON_API_HOST", f"http://127.0.0.1:{port}/api/v2"
    for organization in desired.organizations.values():
        if isinstance(organization.id, EnvReference):
            yield organization.id.name, simulator.organization_ids[organization.name]
    yield from keys(desired, simulator).items()
