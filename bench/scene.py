"""What is measured: a folder of tenant files under git, and a simulated account in sync with them.

``python -m bench.scene FOLDER TENANTS`` makes both.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from reconciler.cli.adopt_files import new_price_list_of
from reconciler.cli.embedded_neon import keys, open_account, with_simulated_ids
from reconciler.environment import Environment
from reconciler.fleet import read
from reconciler.model.annotations import creation_annotations
from reconciler.neon.client import connect
from reconciler.neon.credentials import read_access
from reconciler.neon.observe import observe
from reconciler.plan.needs import PlanRequirements
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, LoopTime
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.types import Compute, Quota
from reconciler.simulator.virtual_time import VirtualLoop
from tests.harness.found_fleet import found_fleet
from tests.scenarios.price_list import overlaid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState

FILES_PER_FOLDER: Final = 1000
ACCOUNT: Final = "account.db"
DAY_SECONDS: Final = 86_400
BASE: Final = "applied"
"""The tag of the commit that the account is in sync with."""
AUTHOR: Final = ("-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false")
HERE: Final = Path(__file__).parent
SHARED_PRICE_LIST: Final = HERE.parent / "tests" / "scenarios" / "tiers.yaml"
OWN_PRICE_LIST: Final = HERE / "tiers.yaml"

TENANT: Final = """\
# Tenant {name}, signed up through the web site.
tenant: {name}
tier: {tier}
labels:
  plan: {tier}
  owner: team-{team}
  region: eu-central
  signed-up: web-site
overrides:
  quota:
    data_transfer: 6GiB
    logical_size: 600MiB
"""

BELOW: Final = """\
snapshots:
  - v1.0-stable
dev_branches:
  - development
"""
"""What one tenant in a hundred declares beside: its details have to be read."""
DETAILED: Final = 100
PAYING: Final = 10
"""One tenant in so many is of the tier pro."""


def make(folder: Path, tenants: int) -> None:
    """Write a file for each tenant, commit them, and make the account that they ask for."""
    (folder / "tiers.yaml").write_text(overlaid(SHARED_PRICE_LIST, OWN_PRICE_LIST), encoding="utf-8")
    (folder / ".gitignore").write_text("*.db*\n*.json*\n", encoding="utf-8")
    for number in range(tenants):
        write_tenant(folder, number, tier_of(number))
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    git(folder, "tag", BASE)
    _fill(folder / ACCOUNT, read(folder))


def tier_of(number: int) -> str:
    """The tier of a tenant, by its number."""
    return "free" if number % PAYING else "pro"


def tenant_file(folder: Path, number: int) -> Path:
    """Where a tenant is declared."""
    return folder / "tenants" / f"{number // FILES_PER_FOLDER:03d}" / f"{name_of(number)}.yaml"


def name_of(number: int) -> str:
    """A tenant's name."""
    return f"t{number:05d}"


def write_tenant(folder: Path, number: int, tier: str) -> None:
    """Write one tenant's file."""
    file = tenant_file(folder, number)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = TENANT.format(name=name_of(number), tier=tier, team=number % 40)
    file.write_text(text + (BELOW if number % DETAILED == 0 else ""), encoding="utf-8")


def commit(folder: Path) -> None:
    """Commit every file, also where none has changed."""
    git(folder, "add", "--all")
    git(folder, *AUTHOR, "commit", "--quiet", "--allow-empty", "--message", "files")


def git(folder: Path, *arguments: str) -> None:
    """Run git in the folder. Raises CalledProcessError if it fails."""
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, stdout=subprocess.DEVNULL)


def _fill(file: Path, desired: DesiredState) -> None:
    with open_account(file, desired, LoopTime(DEMO_EPOCH_SECONDS)) as simulator:
        for organization in desired.organizations:
            simulator.add_projects(organization, _seeds(desired, organization))


def fill_with_strangers(file: Path, projects: int) -> None:
    """Put an account into the file whose projects other scripts made, and nobody annotated."""
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    _, desired = new_price_list_of(file.parent, (), "prod")
    fleet = found_fleet(projects)
    with open_account(file, desired, LoopTime(DEMO_EPOCH_SECONDS)) as simulator:
        simulator.add_projects("free", fleet.free)
        simulator.add_projects("paid", fleet.paid)


def _compute(settings: Settings) -> Compute | None:
    sizes = settings.compute
    return None if sizes is None else Compute(sizes.min_cu, sizes.max_cu, sizes.suspend_timeout_seconds)


def _seeds(desired: DesiredState, organization: str) -> Iterator[ProjectSeed]:
    for tenant in desired.tenants.values():
        settings = desired.settings(tenant)
        if settings.organization == organization and settings.restore_window_seconds is not None:
            yield ProjectSeed(
                desired.naming.project_name(tenant.name),
                quota=Quota(**asdict(settings.quota)) if settings.quota else None,
                compute=_compute(settings),
                restore_window_seconds=settings.restore_window_seconds,
                annotations=creation_annotations(fleet=desired.fleet, tenant=tenant.name, run="bench"),
                branches=tuple(BranchSeed(branch.name) for branch in settings.dev_branches or ()),
                snapshots=tuple(SnapshotSeed(snapshot.name) for snapshot in settings.snapshots or ()),
                created_at=DEMO_EPOCH_SECONDS - DAY_SECONDS,
            )


@dataclass(frozen=True, slots=True)
class Observed:
    """One observation of the whole account."""

    desired: DesiredState
    live: LiveState
    seconds: float
    """Of this machine, not of the simulated clock."""
    pages: tuple[bytes, ...]
    """What the API answered to the listing."""


class Recording(httpx.ASGITransport):
    """The way to the simulator, on which the pages of the listing are kept."""

    pages: tuple[bytes, ...] = ()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes the call on."""
        response = await super().handle_async_request(request)
        if request.url.path.endswith("/projects"):
            self.pages += (await response.aread(),)
        return response


def observed(folder: Path) -> Observed:
    """Look at the account through the whole client, in process and on virtual time."""
    desired = read(folder)
    opened = open_account(folder / ACCOUNT, desired, LoopTime(DEMO_EPOCH_SECONDS))
    with opened as simulator, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        access = read_access(with_simulated_ids(desired, simulator), Environment(keys(desired, simulator)))
        way = Recording(simulator.app)
        found: list[LiveState] = []

        async def look() -> None:
            async with connect(access, desired.api, via=way) as neon:
                found.append(await observe(neon, desired, PlanRequirements()))

        start = time.perf_counter()
        runner.run(look())
        return Observed(desired, found[0], time.perf_counter() - start, way.pages)


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
