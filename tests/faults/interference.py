"""What others do to an account between the calls of a run: in the console, at a checkout, in another fleet.

They see what is there, and are quick.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from reconciler.errors import ReconcilerError
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.model.annotations import creation_annotations
from reconciler.model.moments import rfc3339
from reconciler.simulator.seed import ProjectSeed
from tests.faults.direct_calls import PERSONAL, answer, answered, direct_client
from tests.harness.builders import DAY, HOUR
from tests.harness.runs import now

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from random import Random

    from reconciler.desired.state import DesiredState
    from reconciler.neon.answers import Answer, Exchange
    from tests.faults.ledger import Ledger

Change: TypeAlias = "Callable[[str, str], Awaitable[object]]"
"""What somebody does to a tenant, and to its project by id; empty where it has none."""
PROJECT: Final = "/projects/{}"
BRANCH: Final = f"{PROJECT}/branches/{{}}"
SNAPSHOT: Final = f"{PROJECT}/snapshots/{{}}"


class Interference:
    """Changes by others, at random. ``count`` says how many there were."""

    def __init__(
        self,
        ledger: Ledger,
        before: DesiredState,
        random: Random,
        folder: Path,
        tenants: tuple[str, ...],
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._ledger, self._before, self._random, self._folder = ledger, before, random, folder
        self._tenants, self._tell = tenants, tell
        self.probability = 0.0
        """Of a change before a call of the run."""
        self.count = 0
        self._acting = False

    async def perhaps(self) -> None:
        """Perhaps one change; nobody begins one while another is under way."""
        if self._acting or self._random.random() >= self.probability:
            return
        self._acting = True
        tenant = self._random.choice(self._tenants)
        project = self._project_of(tenant)
        change = self._random.choice(self._changes(project))
        if self._tell is not None:
            self._tell(f"somebody: {change.__name__.strip('_')} {tenant} {project}")
        with suppress(ReconcilerError):
            await change(tenant, project)
        self.count += 1
        self._ledger.touch(project)
        self._acting = False

    def _changes(self, project: str) -> list[Change]:
        if not project:
            return [self._sign_up, self._sign_up, self._reuse_the_name]
        return [
            self._rename_a_branch,
            self._recreate_a_branch,
            self._replace_a_branch,
            self._rename_a_snapshot,
            self._retake_a_snapshot,
            self._replace_a_snapshot,
            self._take_a_snapshot,
            self._change_the_window,
            self._reuse_the_name,
            self._rename,
            self._raise_a_quota,
            self._resize,
            self._upgrade,
            self._protect_a_branch,
            self._let_a_branch_end,
            self._connect,
        ]

    def _project_of(self, tenant: str) -> str:
        """The id of its first project; empty where there is none any more."""
        live = self._ledger.moments[-1].projects
        return next((id_ for id_, owner in self._ledger.owners.items() if owner == tenant and id_ in live), "")

    def _ask(self, method: str, template: str, *ids: str, body: Any = None, **query: str) -> None:
        encoded = None if body is None else msgspec.json.encode(body)
        answer(self._ledger.account.world, PERSONAL, method, template, ids, query=query, body=encoded)

    def _pick(self, named: dict[str, str]) -> tuple[str, str]:
        """One of these: its id and its name; what does not exist where there are none."""
        id_ = self._random.choice(sorted(named) or ["none"])
        return id_, named.get(id_, "none")

    def _branch(self, project: str) -> tuple[str, str]:
        names, parents = self._ledger.moments[-1].branches, self._ledger.parents
        return self._pick({id_: name for id_, name in names.items() if parents[id_] == project})

    def _snapshot(self, project: str) -> tuple[str, str]:
        snapshots = self._ledger.moments[-1].snapshots
        return self._pick({id_: each.name for id_, each in snapshots.items() if each.project == project})

    async def _rename_a_branch(self, _tenant: str, project: str) -> None:
        id_, name = self._branch(project)
        self._ask("PATCH", BRANCH, project, id_, body={"branch": {"name": _kept(name)}})

    async def _recreate_a_branch(self, _tenant: str, project: str) -> None:
        id_, name = self._branch(project)
        self._ask("DELETE", BRANCH, project, id_)
        await asyncio.sleep(1.0)
        self._ask("POST", "/projects/{}/branches", project, body={"branch": {"name": name}})

    async def _replace_a_branch(self, _tenant: str, project: str) -> None:
        """It is renamed, and another one gets its name."""
        id_, name = self._branch(project)
        self._ask("PATCH", BRANCH, project, id_, body={"branch": {"name": _kept(name)}})
        await asyncio.sleep(1.0)
        self._ask("POST", "/projects/{}/branches", project, body={"branch": {"name": name}})

    async def _rename_a_snapshot(self, _tenant: str, project: str) -> None:
        id_, name = self._snapshot(project)
        self._ask("PATCH", SNAPSHOT, project, id_, body={"snapshot": {"name": _kept(name)}})

    async def _retake_a_snapshot(self, _tenant: str, project: str) -> None:
        id_, name = self._snapshot(project)
        self._ask("DELETE", SNAPSHOT, project, id_)
        await asyncio.sleep(1.0)
        self._take(project, name)

    async def _replace_a_snapshot(self, _tenant: str, project: str) -> None:
        """It is renamed, and another one gets its name, where there is room."""
        id_, name = self._snapshot(project)
        self._ask("PATCH", SNAPSHOT, project, id_, body={"snapshot": {"name": _kept(name)}})
        self._take(project, name)

    async def _take_a_snapshot(self, _tenant: str, project: str) -> None:
        self._take(project, self._random.choice(("v1", "v2", "by hand")))

    def _take(self, project: str, name: str) -> None:
        """Of the branch that is the oldest of the project."""
        of_project = (id_ for id_, owner in self._ledger.parents.items() if owner == project)
        main = next((id_ for id_ in of_project if self._ledger.moments[0].branches.get(id_) == "main"), "none")
        self._ask("POST", f"{BRANCH}/snapshot", project, main, name=name)

    async def _change_the_window(self, _tenant: str, project: str) -> None:
        """Shorter, and sometimes as it was before: what has left the window does not come back."""
        was = self._ledger.moments[-1].values.get((project, "restore_window"), DAY)
        seconds = int(self._random.choice((6 * HOUR, DAY, 7 * DAY)))
        self._ask("PATCH", PROJECT, project, body={"project": {"history_retention_seconds": seconds}})
        if self._random.random() < 0.5:
            await asyncio.sleep(1.0)
            self._ledger.touch(project)
            self._ask("PATCH", PROJECT, project, body={"project": {"history_retention_seconds": int(was)}})

    async def _reuse_the_name(self, tenant: str, project: str) -> None:
        """The project is deleted, and another fleet makes one of its name."""
        if project:
            self._ask("DELETE", PROJECT, project)
        organization = self._random.choice(("free", "paid"))
        theirs = creation_annotations(fleet="another", tenant=tenant, run="theirs")
        self._ledger.account.simulator.add_project(
            organization, ProjectSeed(f"myapp-{tenant}", annotations=theirs)
        )

    async def _rename(self, tenant: str, project: str) -> None:
        self._ask("PATCH", PROJECT, project, body={"project": {"name": f"kept-{tenant}"}})

    async def _raise_a_quota(self, _tenant: str, project: str) -> None:
        member = self._random.choice(("active_time_seconds", "data_transfer_bytes"))
        quota = {"settings": {"quota": {member: 2 * 10**12}}}
        self._ask("PATCH", PROJECT, project, body={"project": quota})

    async def _resize(self, _tenant: str, project: str) -> None:
        parents, sized = self._ledger.parents, self._ledger.moments[-1].values
        computes = sorted({id_ for id_, _ in sized if parents.get(id_) == project})
        size = {"endpoint": {"autoscaling_limit_min_cu": 1, "autoscaling_limit_max_cu": 2}}
        for id_ in computes[:1]:
            self._ask("PATCH", f"{PROJECT}/endpoints/{{}}", project, id_, body=size)

    async def _protect_a_branch(self, _tenant: str, project: str) -> None:
        id_, _ = self._branch(project)
        self._ask("PATCH", BRANCH, project, id_, body={"branch": {"protected": True}})

    async def _let_a_branch_end(self, _tenant: str, project: str) -> None:
        """Later than any run."""
        id_, _ = self._branch(project)
        until = rfc3339(now() + timedelta(seconds=self._random.choice((DAY, 7 * DAY))))
        self._ask("PATCH", BRANCH, project, id_, body={"branch": {"expires_at": until}})

    async def _connect(self, _tenant: str, project: str) -> None:
        """A connection starts the compute."""
        parents, sized = self._ledger.parents, self._ledger.moments[-1].values
        computes = sorted({id_ for id_, _ in sized if parents.get(id_) == project})
        for id_ in computes[:1]:
            self._ask("POST", f"{PROJECT}/endpoints/{{}}/start", project, id_)

    async def _upgrade(self, tenant: str, _project: str) -> None:
        """A checkout moves a tenant of the files up. One that no file declares is looked for by its name only."""
        if tenant in self._before.tenants:
            await self._converge({"tenant": tenant, "tier": self._random.choice(("pro", "scale"))})

    async def _sign_up(self, tenant: str, _project: str) -> None:
        """Of a tenant whose file is new, at the same time."""
        if tenant not in self._before.tenants:
            await self._converge({"tenant": tenant, "tier": "free"})

    async def _converge(self, document: dict[str, Any]) -> None:
        async def carried(exchange: Exchange) -> Answer:
            await asyncio.sleep(self._random.uniform(0.02, 0.5))
            return answered(self._ledger.account.world, exchange)

        async with direct_client(self._ledger.account.ids, carried, self._random) as neon:
            run = RunOptions(id=f"checkout{self.count}", journal=self._folder / f"checkout{self.count}.jsonl")
            files = Request(base=self._before)
            await Fleet(self._before, neon, now=now).converge(document, request=files, run=run)


def _kept(name: str) -> str:
    return f"keep-{name}"[:60]
