"""What a run created and its rollback deletes: only what is proven to be that, and only if a person counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.annotations import BRANCH, RUN
from reconciler.plan import field_rollback
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.actions.compute import DeleteReplica
from reconciler.plan.actions.project import DeleteProject
from reconciler.plan.actions.snapshot import DeleteSnapshot
from reconciler.plan.change import Origin
from reconciler.plan.concerns.concern import existence
from reconciler.plan.plan import Refusal, Rule
from reconciler.plan.tenant_rollback import cannot, changed_since

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.plan.action import Action
    from reconciler.plan.comparison import Finding
    from reconciler.plan.recorded_effects import Created
    from reconciler.plan.tenant_rollback import Rollback


class Deletions(Struct, frozen=True):
    """The deletions in a tenant's project, or of it."""

    rollback: Rollback
    tenant: Tenant
    project: LiveProject

    @property
    def _reason(self) -> str:
        return f"rollback of run {self.rollback.run}"

    def of_project(self, created: Created) -> Iterator[Finding]:
        """Yield the deletion of the tenant's project, if the run has created it."""
        by_run = any(
            annotations.get(RUN) == self.rollback.run and BRANCH not in annotations
            for annotations in self.project.annotations
        )
        if created.id not in (None, self.project.id) or not by_run:
            yield changed_since(self.rollback, "the tenant has another project since", ())
            return
        yield self._permitted(
            DeleteProject(
                tenant=self.tenant.name,
                reason=self._reason,
                source=self.tenant.location,
                changes=(existence("project", Origin.COMMAND, before=True),),
                project_id=self.project.id,
            )
        )

    def of_thing(self, created: Created) -> Iterator[Finding]:
        """Yield the deletion of a branch, a snapshot or a read replica that the run has created."""
        match created.thing:
            case "branch":
                yield from self._deletion_of_branch(created)
            case "snapshot":
                yield from self._deletion_of_snapshot(created)
            case "read replica":
                yield from self._deletion_of_replica(created)

    def _deletion_of_branch(self, created: Created) -> Iterator[Finding]:
        branch = next((one for one in self.project.branches or () if self._is_created(one, created)), None)
        if branch is None:
            return
        message = f"branch {created.name!r} "
        if branch.name != created.name:
            yield changed_since(self.rollback, f"{message}was renamed to {branch.name!r} since", ())
        elif branch.default or branch.protected:
            now = "the default branch" if branch.default else "protected"
            yield changed_since(self.rollback, f"{message}is {now} since", ())
        else:
            yield self._permitted(
                DeleteBranch(
                    tenant=self.tenant.name,
                    reason=self._reason,
                    source=self.tenant.location,
                    changes=(existence(field_rollback.branch_path(branch), Origin.COMMAND, before=True),),
                    branch=branch.name,
                    branch_id=branch.id,
                    purpose=field_rollback.purpose(branch),
                )
            )

    def _is_created(self, branch: LiveBranch, created: Created) -> bool:
        if created.id is not None:
            return branch.id == created.id
        return branch.annotations.get(RUN) == self.rollback.run and branch.annotations.get(BRANCH) == created.name

    def _deletion_of_snapshot(self, created: Created) -> Iterator[Finding]:
        there = [one for one in self.project.snapshots or () if created.id == one.id]
        if created.id is None and any(one.name == created.name for one in self.project.snapshots or ()):
            message = f"whether run {self.rollback.run} took snapshot {created.name!r}: its answer was lost"
            yield cannot(self.rollback, message, "look at it in the console, and delete it there")
        for snapshot in there:
            yield self._permitted(
                DeleteSnapshot(
                    tenant=self.tenant.name,
                    reason=self._reason,
                    source=self.tenant.location,
                    changes=(existence(f"snapshots.{snapshot.name}", Origin.COMMAND, before=True),),
                    snapshot=snapshot.name,
                    snapshot_id=snapshot.id,
                )
            )

    def _deletion_of_replica(self, created: Created) -> Iterator[Finding]:
        names = self.project.branch_names
        protected = {branch.id for branch in self.project.branches or () if branch.protected}
        for endpoint in self.project.endpoints or ():
            alike = endpoint.name == created.name and names.get(endpoint.branch_id) == created.branch
            if endpoint.writes or not (endpoint.id == created.id or (created.id is None and alike)):
                continue
            if created.id is None and self.rollback.later.has_made_replica(
                created.branch, created.name, created.at
            ):
                message = f"read replica {created.name!r} was created again by a later run"
                yield changed_since(self.rollback, message, ())
                continue
            if endpoint.branch_id in protected:
                message = f"read replica {created.name!r} stays: Neon deletes no compute of a protected branch"
                yield cannot(self.rollback, message, "remove the protection of the branch, and run this again")
                continue
            yield self._permitted(
                DeleteReplica(
                    tenant=self.tenant.name,
                    reason=self._reason,
                    source=self.tenant.location,
                    changes=(existence(f"compute.replicas.{created.name}", Origin.COMMAND, before=True),),
                    branch=created.branch,
                    replica=created.name,
                    endpoint_id=endpoint.id,
                )
            )

    def _permitted(self, action: Action) -> Action | Refusal:
        """The deletion, or its refusal: what a run created is deleted only if a person says how many."""
        if self.rollback.permitted:
            return action
        count = self.rollback.deletions
        message = f"it deletes what run {self.rollback.run} created, with all data that is in it by now"
        remedy = f"permit exactly the deletions of this rollback with --allow deletes={count}"
        return Refusal(Rule.CREATED_BY_THE_RUN, (self.tenant.name,), message, remedy, (action,))
