"""What is measured: a folder of tenant files, and a simulated account in sync with them.

``python bench/scene.py FOLDER TENANTS`` makes both.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from reconciler.cli.embedded_neon import keys, open_account, with_simulated_ids
from reconciler.environment import Environment
from reconciler.fleet import read
from reconciler.model.annotations import creation_annotations
from reconciler.neon.client import connect
from reconciler.neon.credentials import read_access
from reconciler.neon.observe import observe
from reconciler.plan.needs import PlanRequirements
from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.virtual_time import VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.state import DesiredState
    from reconciler.live.state import LiveState

FILES_PER_FOLDER: Final = 1000
ACCOUNT: Final = "account.db"
YESTERDAY_SECONDS: Final = 86_400

TIERS: Final = """\
version: 1
fleet: bench
naming: {project: "app-{tenant}"}
organizations:
  free:
    id: ${NEON_FREE_ORG_ID}
    api_key: ${FREE_ORG_API_KEY}
    limits: {projects: 100000, branches: 10, snapshots: 1, compute: {min_cu: 0.25, max_cu: 2}, restore_window: 1d}
  paid:
    id: ${NEON_PAID_ORG_ID}
    api_key: ${PAID_ORG_API_KEY}
    limits: {projects: 100000, branches: 1000, snapshots: 10, compute: {min_cu: 0.25, max_cu: 16},
             restore_window: 7d}
personal_api_key: ${PERSONAL_API_KEY}
tiers:
  free:
    organization: free
    quota: {active_time: 100h, compute_time: unlimited, written_data: unlimited, data_transfer: 5GiB,
            logical_size: 512MiB}
    compute: {min_cu: 0.25, max_cu: 2, suspend_timeout: 5m}
    restore_window: 1d
  pro:
    organization: paid
    quota: {active_time: 750h, compute_time: unlimited, written_data: unlimited, data_transfer: 50GiB,
            logical_size: 10GiB}
    compute: {min_cu: 0.5, max_cu: 4, suspend_timeout: 5m}
    restore_window: 7d
"""

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


def make(folder: Path, tenants: int) -> None:
    """Write a file for each tenant, one in ten of them paying, and the account that they ask for."""
    (folder / "tiers.yaml").write_text(TIERS, encoding="utf-8")
    for number in range(tenants):
        name = f"t{number:05d}"
        file = folder / "tenants" / f"{number // FILES_PER_FOLDER:03d}" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        tier = "free" if number % 10 else "pro"
        text = TENANT.format(name=name, tier=tier, team=number % 40) + (BELOW if number % DETAILED == 0 else "")
        file.write_text(text, encoding="utf-8")
    _fill(folder / ACCOUNT, read(folder))


def _fill(file: Path, desired: DesiredState) -> None:
    with open_account(file, desired) as simulator:
        long_ago = simulator.clock.now() - YESTERDAY_SECONDS
        for organization in desired.organizations:
            simulator.add_projects(organization, _seeds(desired, organization, long_ago))


def _seeds(desired: DesiredState, organization: str, created_at: float) -> Iterator[ProjectSeed]:
    for tenant in desired.tenants.values():
        settings = desired.settings(tenant)
        if settings.organization == organization and settings.restore_window_seconds is not None:
            yield ProjectSeed(
                desired.naming.project_name(tenant.name),
                quota=settings.quota,
                compute=settings.compute,
                restore_window_seconds=settings.restore_window_seconds,
                annotations=creation_annotations(fleet=desired.fleet, tenant=tenant.name, run="bench"),
                branches=tuple(BranchSeed(branch.name) for branch in settings.dev_branches or ()),
                snapshots=tuple(SnapshotSeed(snapshot.name) for snapshot in settings.snapshots or ()),
                created_at=created_at,
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
    with open_account(folder / ACCOUNT, desired) as simulator, asyncio.Runner(loop_factory=VirtualLoop) as runner:
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
