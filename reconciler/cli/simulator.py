"""``reconciler simulator``: Neon's API, simulated for other programs."""

from __future__ import annotations

import json
import os
import re
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from reconciler.cli.command_help import FILE, DescribedCommand, DescribedGroup
from reconciler.cli.embedded_neon import keys, open_account
from reconciler.cli.flags import FilesFlags
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.options import directory_option
from reconciler.cli.runtime import runtime
from reconciler.desired.naming import Naming
from reconciler.desired.state import DesiredState
from reconciler.desired.tier import EnvReference, Organization, OrganizationLimits
from reconciler.errors import ExitCode, InvalidInputError, MissingPackageError
from reconciler.files.load import OnInvalid
from reconciler.files.price_list import PRICE_LIST
from reconciler.model.problem import Location
from reconciler.simulator.behaviour import Behaviour, as_json
from reconciler.simulator.clock import LoopTime
from reconciler.simulator.types import GUIDE_ORGANIZATIONS
from reconciler.views.console import print_document, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.simulator.contract.judge import Judge
    from reconciler.simulator.simulator import Simulator

PORT: Final = 8090
STATE: Final = Path("sim.db")
_NAME: Final = re.compile(r"NEON_\w+|\w+_(?:ID|KEY|TOKEN)", re.ASCII)
_VALUE: Final = re.compile(r"[\w:/.-]+", re.ASCII)
LOOK_FOR_IT: Final = ""
PLACES: Final = ("node_modules", "tests/contract/node_modules")
"""Where npm may have installed the description."""

data_option = click.option(
    "--data",
    type=FILE,
    default=STATE,
    show_default=True,
    help="File with the state of the simulated account.",
)
port_option = click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=PORT,
    metavar="N",
    help=f"Port on 127.0.0.1.  [default: {PORT}]",
)


@click.group("simulator", cls=DescribedGroup)
def command() -> None:
    """The Neon simulator: organizations and limits from tiers.yaml, state in one file, no network."""


@command.command("serve", cls=DescribedCommand, example="reconciler simulator serve --data sim.db --port 8090")
@directory_option
@data_option
@port_option
@click.option(
    "--strict-contract",
    is_flag=False,
    flag_value=LOOK_FOR_IT,
    metavar="[FILE]",
    help="Validate every request and response against Neon's official description. Exit 1 on a violation."
    "  [FILE: where npm installs it]",
)
@click.option(
    "--postgres",
    is_flag=True,
    help="Every branch is a real PostgreSQL database, in a folder beside the file. Connection strings connect.",
)
def serve_command(directory: Path, data: Path, port: int, strict_contract: str | None, postgres: bool) -> ExitCode:
    """Serve the simulator on 127.0.0.1 until interrupted. Port 0 picks a free port."""
    judge = None if strict_contract is None else _judge(strict_contract)
    account = open_account(data, _price_list(directory), runtime().clock, judge=judge, postgres=postgres)
    with account as simulator:
        _serve(simulator, port, state=data)
    if judge is None:
        return ExitCode.DONE
    say(summary(judge))
    return ExitCode.ERROR if judge.violations else ExitCode.DONE


def _serve(simulator: Simulator, port: int, *, state: Path) -> None:
    from reconciler.simulator.serve import serve  # noqa: PLC0415 - uvicorn is slow to import

    def announce(url: str) -> None:
        use = f'eval "$({_env_command(state, url)})"'
        say(f"Neon simulator on {url} (state in {state}); in another terminal: {use}; Ctrl-C stops it")

    try:
        serve(simulator, port=port, on_ready=announce)
    except OSError as error:
        raise InvalidInputError(
            f"port {port} cannot be used: {error.strerror}", hint="--port 0 picks a free port"
        ) from error


def _env_command(state: Path, url: str) -> str:
    """Return the command that prints the variables for this address. ``env`` cannot know the port by itself."""
    port = urlsplit(url).port
    data = () if state == STATE else ("--data", str(state))
    return shlex.join(["reconciler", "simulator", "env", *data, *(() if port == PORT else ("--port", str(port)))])


def _judge(file: str) -> Judge:
    """A judge with the description in a file. It prints each violation at once."""
    try:
        from reconciler.simulator.contract.description import FILE, PACKAGE, DescriptionError, read_description  # noqa: PLC0415
        from reconciler.simulator.contract.judge import Judge  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"--strict-contract needs the package {error.name}", hint="pip install 'neon-reconciler[contract]'"
        ) from error
    places = [Path(file)] if file != LOOK_FOR_IT else [Path(place, FILE) for place in PLACES]
    path = next((place for place in places if place.exists()), places[0])
    try:
        description = read_description(path)
    except DescriptionError as error:
        raise InvalidInputError(str(error), hint=f"npm install {PACKAGE}") from error
    return Judge(description, on_violation=lambda violation: say(f"contract: {violation}"))


def summary(judge: Judge) -> str:
    """The number of exchanges and violations, in one line."""
    return (
        f"official description: {judge.judged} exchanges of {len(judge.operations)} operations validated, "
        f"{len(judge.violations)} violations"
    )


@command.command("env", cls=DescribedCommand, example='eval "$(reconciler simulator env)"')
@directory_option
@data_option
@port_option
def env_command(directory: Path, data: Path, port: int) -> None:
    """Print the simulator's ids, keys and address as shell exports."""
    desired = _price_list(directory)
    with open_account(data, desired, _now()) as simulator:
        for name, value in _variables(desired, simulator, port):
            print_document(_export(name, value))


@command.command("seed", cls=DescribedCommand, example="reconciler simulator seed --tenants 100")
@directory_option
@data_option
@click.option("--tenants", type=click.IntRange(1, 1_000_000), required=True, help="Number of projects to add.")
@click.option(
    "--organization", metavar="NAME", help="Organization of the projects.  [default: the first in tiers.yaml]"
)
@click.option(
    "--name",
    default=None,
    metavar="PATTERN",
    help="Names of the projects, with {number}.  [default: naming.project with tenant-{number}]",
)
def seed_command(directory: Path, data: Path, tenants: int, organization: str | None, name: str | None) -> None:
    """Add a realistic fleet of projects to the simulator. The same arguments give the same projects."""

    desired = _price_list(directory)
    chosen = organization or next(iter(desired.organizations))
    if chosen not in desired.organizations:
        raise InvalidInputError(
            f"tiers.yaml does not declare organization {chosen!r}",
            hint=f"use one of {', '.join(desired.organizations)}",
        )
    tier = next((tier.name for tier in desired.tiers.values() if tier.organization == chosen), "")
    pattern = name or desired.naming.project_name("tenant-{number:05d}", tier=tier, organization=chosen)
    with open_account(data, desired, _now()) as simulator:
        simulator.seed_fleet(chosen, tenants, name=pattern)
    say(f"added {tenants:,} projects to organization {chosen} in {data}")


@command.command("switches", cls=DescribedCommand, example="reconciler simulator switches")
@directory_option
@data_option
@click.argument("changes", nargs=-1, metavar="[NAME=VALUE]...")
def switches_command(directory: Path, data: Path, changes: tuple[str, ...]) -> None:
    """Show or change how the simulator behaves where Neon's behaviour is not documented (docs/simulator.md)."""
    with open_account(data, _price_list(directory), _now()) as simulator:
        try:
            behaviour = simulator.world.switches.change(dict(_change(text) for text in changes))
        except ValueError as error:
            hint = "`reconciler simulator switches` lists all of them"
            raise InvalidInputError(str(error), hint=hint) from error
    usual = as_json(Behaviour())
    for name, value in as_json(behaviour).items():
        note = "" if value == usual[name] else f"  # default: {_written(usual[name])}"
        print_document(f"{name}={_written(value)}{note}")


def _change(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r} is not of the form NAME=VALUE")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _export(name: str, value: str) -> str:
    """The line that a shell evaluates. Raises InvalidInputError if the name or the value is not of an id or a key.

    The name comes from the files, and the file of the account may come from the same place. A variable such as
    BASH_ENV would name a script that the next shell runs.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name} is not a permitted variable for an id or a key",
            hint="rename it in tiers.yaml: it must begin with NEON_ or end with _ID, _KEY or _TOKEN",
        )
    if not _VALUE.fullmatch(value):
        raise InvalidInputError(
            f"the value of {name} in the simulated account is not an id, a key or an address: {value!r}"
        )
    return f"export {name}={shlex.quote(value)}"


def _now() -> LoopTime:
    """The time at which the command starts. It does not advance."""
    return LoopTime(runtime().clock())


def _price_list(directory: Path) -> DesiredState:
    """The organizations and their limits. Reads no tenant: their problems are no matter of the account.

    If the current folder has no tiers.yaml, they are the two of Neon's guide.
    """
    if directory == Path() and not os.path.lexists(PRICE_LIST):
        return _guide()
    return FleetFiles(FilesFlags(directory, OnInvalid.FAIL.value), only=frozenset()).desired()


def _guide() -> DesiredState:
    """Two organizations with the limits of Neon's guide, and the variables that the documentation uses."""
    return DesiredState(
        fleet="guide",
        naming=Naming("{tenant}"),
        organizations={
            each.name: Organization(
                each.name,
                EnvReference(f"NEON_{each.name.upper()}_ORG_ID"),
                EnvReference(f"{each.name.upper()}_ORG_API_KEY"),
                OrganizationLimits(**asdict(each.limits)),
                Location(PRICE_LIST),
            )
            for each in GUIDE_ORGANIZATIONS
        },
        tiers={},
        tenants={},
        personal_api_key=EnvReference("PERSONAL_API_KEY"),
    )


def _variables(desired: DesiredState, simulator: Simulator, port: int) -> Iterator[tuple[str, str]]:
    yield "NEON_API_HOST", f"http://127.0.0.1:{port}/api/v2"
    for organization in desired.organizations.values():
        if isinstance(organization.id, EnvReference):
            yield organization.id.name, simulator.organization_ids[organization.name]
    yield from keys(desired, simulator).items()
