"""What is measured: a folder of tenant files under git, and a simulated account in sync with them.

``python -m bench.scene FOLDER TENANTS SOURCE [FIRST]`` makes both; FIRST is the number of the first tenant.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import asdict

from bench.fleet_files import Source, declared
from reconciler.cli.adopt_files import new_price_list_of
from reconciler.cli.embedded_neon import keys, open_account, with_simulated_ids
from reconciler.environment import Environment
from reconciler.fleet import read
from reconciler.model.annotations import creation_annotations
from reconciler.neon.client import connect
from reconciler.neon.credentials import read_access
from reconciler.neon.in_process import InProcess
from reconciler.neon.observe import observe
from reconciler.plan.needs import PlanRequirements
from reconciler.simulator.clock import DEMO_EPOCH_SECONDS, LoopTime
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.types import Compute, Quota
from reconciler.simulator.virtual_time import VirtualLoop
from tests.harness.found_fleet import found_fleet
from tests.scenarios.price_list import overlaid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

    from bench.fleet_files import DeclaredTenant
    from reconciler.desired.settings import Settings
    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState

ACCOUNT: Final = "account.db"
DAY_SECONDS: Final = 86_400
BASE: Final = "applied"
"""The tag of the commit that the account is in sync with."""
AUTHOR: Final = ("-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false")
HERE: Final = Path(__file__).parent
SHARED_PRICE_LIST: Final = HERE.parent / "tests" / "scenarios" / "tiers.yaml"
OWN_PRICE_LIST: Final = HERE / "tiers.yaml"


def make(folder: Path, tenants: int, source: Source, first: int = 0) -> None:
    """Write every tenant's file, commit the files, and make the account that they ask for."""
    write_files(folder, source, map(declared, range(first, first + tenants)))
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    git(folder, "tag", BASE)
    _fill(folder / ACCOUNT, read(folder))


def write_files(folder: Path, source: Source, tenants: Iterable[DeclaredTenant]) -> None:
    """Write the price list and these tenants."""
    prices = overlaid(SHARED_PRICE_LIST, OWN_PRICE_LIST) + source.in_price_list
    (folder / "tiers.yaml").write_text(prices, encoding="utf-8")
    (folder / ".gitignore").write_text("*.db*\n*.json\n*.jsonl\n", encoding="utf-8")
    source.write(folder, tenants)


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


class Recording(InProcess):
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
    make(Path(sys.argv[1]), int(sys.argv[2]), Source(sys.argv[3]), *map(int, sys.argv[4:5]))
