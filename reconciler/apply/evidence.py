"""What live state shows of a call whose answer was lost, and of a branch whose name was taken already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from reconciler.apply.perform import Performed
from reconciler.apply.readback import (
    asked_of_branch,
    asked_of_compute,
    asked_of_snapshot,
    branch_fields,
    carried,
    endpoint_fields,
    shortfall,
    snapshot_fields,
)
from reconciler.errors import NotFoundError
from reconciler.model.annotations import MANAGED_BY, PRODUCT, PURPOSE, RUN, TENANT
from reconciler.neon.transport import CLOCKS_APART
from reconciler.plan.action import (
    AdoptProject,
    CreateBranch,
    CreateProject,
    CreateSnapshot,
    DeleteBranch,
    DeleteDuplicate,
    DeleteProject,
    DeleteSnapshot,
    PatchBranch,
    PatchEndpoint,
    PatchProject,
    RecoverProject,
    TransferProject,
)
from reconciler.plan.observed import project_fields
from reconciler.plan.ownership import declared_name

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.apply.address import Address
    from reconciler.errors import NotTakenError
    from reconciler.live.project import LiveBranch, LiveEndpoint
    from reconciler.neon.client import Neon
    from reconciler.plan.action import Action


@dataclass(frozen=True, slots=True)
class Evidence:
    """Looks at what calls of one run have left behind. May raise whatever the client raises for a read."""

    neon: Neon
    fleet: str
    run: str

    async def of(  # noqa: C901, PLR0911, PLR0912 - one case for each action
        self, action: Action, address: Address, sent_at: datetime
    ) -> Performed | None:
        """What the answer would have left behind; None where nothing shows that the call was carried out."""
        match action:
            case PatchProject():
                project = await self.neon.project(address.organization, address.project_id)
                return Performed(address) if carried(action.changes, project_fields(project)) else None
            case PatchEndpoint():
                return await self._patched_endpoint(action, address)
            case CreateBranch():
                return await self._created_branch(action, address)
            case AdoptProject():
                return await self._marked(action, address)
            case PatchBranch():
                return await self._patched_branch(action, address)
            case DeleteBranch():
                gone = all(branch.id != action.branch_id for branch in await self._branches(address))
                return Performed(address.without_branch(action.branch_id)) if gone else None
            case CreateSnapshot():
                return await self._created_snapshot(action, address, sent_at)
            case DeleteSnapshot():
                snapshots = await self.neon.snapshots(address.organization, address.project_id)
                gone = all(snapshot.id != action.snapshot_id for snapshot in snapshots)
                return Performed(address) if gone else None
            case RecoverProject():
                gone = await self._gone(address.organization, action.project_id)
                return None if gone else Performed(address)
            case DeleteDuplicate():
                gone = await self._gone(action.organization, action.project_id)
                return Performed(address) if gone else None
            case DeleteProject():
                gone = await self._gone(address.organization, action.project_id)
                return Performed(address) if gone else None
            case CreateProject() | TransferProject():
                raise TypeError(f"{action.kind} has a protocol of its own")
            case _:
                assert_never(action)

    async def namesake(self, action: CreateBranch, address: Address) -> Performed | None:
        """The branch that has the name already, where it is the one that was asked for.

        It is where this fleet made it for this tenant, and where everything agrees that can be seen of a
        branch: the moment that it starts from cannot. One that was made for another purpose is neither.
        """
        branch = await self._named(action, address)
        if branch is None or _of_another_purpose(action, branch):
            return None
        endpoint = await self._endpoint(branch, address)
        if not self._ours(action, branch) and not _as_asked(action, address, branch, endpoint):
            return None
        return _performed(address, branch, endpoint)

    async def _patched_endpoint(self, action: PatchEndpoint, address: Address) -> Performed | None:
        endpoints = await self.neon.endpoints(address.organization, address.project_id)
        patched = [endpoint for endpoint in endpoints if endpoint.id == address.endpoint(action.branch)]
        done = any(carried(action.changes, endpoint_fields(endpoint)) for endpoint in patched)
        return Performed(address) if done else None

    async def _created_branch(self, action: CreateBranch, address: Address) -> Performed | None:
        branch = await self._named(action, address)
        if branch is None or not self._ours(action, branch) or branch.annotations.get(RUN) != self.run:
            return None
        wrong = shortfall(asked_of_branch(action, address), branch_fields(branch))
        return _performed(address, branch, await self._endpoint(branch, address), wrong)

    async def _marked(self, action: AdoptProject, address: Address) -> Performed | None:
        marks = (branch for branch in await self._branches(address) if branch.name == action.branch)
        ours = (branch for branch in marks if branch.annotations.get(RUN) == self.run)
        return next((Performed(address, made=f"branch {branch.id}") for branch in ours), None)

    async def _patched_branch(self, action: PatchBranch, address: Address) -> Performed | None:
        patched = [b for b in await self._branches(address) if b.id == address.branch(action.branch)]
        done = [b for b in patched if carried(asked_of_branch(action, address), branch_fields(b))]
        return Performed(address.with_branch(done[0])) if done else None

    async def _created_snapshot(
        self, action: CreateSnapshot, address: Address, sent_at: datetime
    ) -> Performed | None:
        """By name among those made since; a snapshot carries no annotation that could tell (Neon)."""
        asked = asked_of_snapshot(action, address)
        for snapshot in await self.neon.snapshots(address.organization, address.project_id):
            if snapshot.name == action.snapshot and snapshot.created_at >= sent_at - CLOCKS_APART:
                wrong = shortfall(asked, snapshot_fields(snapshot))
                return Performed(address, shortfall=wrong, made=f"snapshot {snapshot.id}")
        return None

    async def _branches(self, address: Address) -> tuple[LiveBranch, ...]:
        return await self.neon.branches(address.organization, address.project_id)

    async def _named(self, action: CreateBranch, address: Address) -> LiveBranch | None:
        named = (branch for branch in await self._branches(address) if branch.name == action.branch)
        return next(named, None)

    async def _endpoint(self, branch: LiveBranch, address: Address) -> LiveEndpoint | None:
        endpoints = await self.neon.endpoints(address.organization, address.project_id)
        return next((e for e in endpoints if e.branch_id == branch.id and e.kind == "read_write"), None)

    def _ours(self, action: CreateBranch, branch: LiveBranch) -> bool:
        """Whether this fleet made the branch under that name and for that tenant."""
        declared = declared_name(branch, self.fleet, action.purpose)
        return declared == action.branch and branch.annotations.get(TENANT) == action.tenant

    async def _gone(self, organization: str, project_id: str) -> bool:
        try:
            await self.neon.project(organization, project_id)
        except NotFoundError:
            return True
        return False


def _of_another_purpose(action: CreateBranch, branch: LiveBranch) -> bool:
    note = branch.annotations
    return note.get(MANAGED_BY) == PRODUCT and note.get(PURPOSE, action.purpose.value) != action.purpose.value


def _as_asked(action: CreateBranch, address: Address, branch: LiveBranch, endpoint: LiveEndpoint | None) -> bool:
    if action.at is not None or action.schema_only:
        return False  # what a branch holds cannot be seen
    if not carried(asked_of_branch(action, address), branch_fields(branch)):
        return False
    if not action.with_compute:
        return True
    return endpoint is not None and carried(asked_of_compute(action), endpoint_fields(endpoint))


def _performed(
    address: Address, branch: LiveBranch, endpoint: LiveEndpoint | None, wrong: NotTakenError | None = None
) -> Performed:
    endpoint_id = None if endpoint is None else endpoint.id
    return Performed(address.with_branch(branch, endpoint_id), shortfall=wrong, made=f"branch {branch.id}")
