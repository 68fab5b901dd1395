"""A tenant's address: the ids of the objects that its actions name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.errors import UnexpectedAnswerError
from reconciler.model.values import replace
from reconciler.neon.project_reader import with_earlier_details

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.model.values import Value
    from reconciler.neon.client import CreatedProject
    from reconciler.plan.plan import TenantPlan


class Address(Struct, frozen=True):
    """The ids of a tenant's project and of what is in it. A step that changes them returns a new address."""

    project_id: str
    name: str
    organization: str
    created_at: datetime
    branches: Mapping[str, str] = {}
    """The id of each branch, by its current name."""
    endpoints: Mapping[str, str] = {}
    """The id of the read-write compute of each branch, by the branch's id."""
    replicas: Mapping[tuple[str, str], str] = {}
    """The id of each read replica, by the branch's id and its own name."""
    suspend_timeout_seconds: Value = None
    """The project's default, which a new compute gets where its request states none. None if unknown."""
    project: LiveProject | None = None
    """The project as it was observed. None for one that this run has created."""

    @property
    def project_key(self) -> tuple[str, str]:
        """Organization and id of the project: the first arguments of the client's methods."""
        return self.organization, self.project_id

    @classmethod
    def observed(cls, project: LiveProject) -> Address:
        """The address of an observed project."""
        return cls(
            project.id,
            project.name,
            project.organization,
            project.created_at,
            branches={branch.name: branch.id for branch in project.branches or ()},
            endpoints={branch_id: endpoint.id for branch_id, endpoint in project.writers.items()},
            replicas=_replicas(project),
            suspend_timeout_seconds=_suspend_timeout(project),
            project=project,
        )

    @classmethod
    def planned(cls, tenant: TenantPlan) -> Address:
        """The address at the start of a plan for a tenant with a live project."""
        if tenant.project is None:
            raise TypeError(f"the plan of {tenant.tenant} changes a project that was not observed")
        return cls.observed(tenant.project)

    @classmethod
    def created(cls, answer: CreatedProject, suspend_timeout_seconds: Value) -> Address:
        """The address of a project that was just created, with the requested default if the answer shows none."""
        project = answer.project
        return cls(
            project.id,
            project.name,
            project.organization,
            project.created_at,
            branches={answer.branch_name: answer.branch_id},
            endpoints={} if answer.endpoint_id is None else {answer.branch_id: answer.endpoint_id},
            suspend_timeout_seconds=_suspend_timeout(project) or suspend_timeout_seconds,
        )

    def moved(self, organization: str) -> Address:
        """The same project in another organization. A transfer keeps all ids (Neon)."""
        return replace(self, organization=organization)

    def seen(self, project: LiveProject) -> Address:
        """With the project as it was read since, and the earlier details that this read does not contain."""
        before = self.project
        return replace(self, project=project if before is None else with_earlier_details(before, project))

    def patched(self, project: LiveProject) -> Address:
        """With the default after a patch. Unknown if the answer does not show it."""
        return replace(self, suspend_timeout_seconds=_suspend_timeout(project))

    def with_branch(self, branch: LiveBranch, endpoint_id: str | None = None) -> Address:
        """With a branch that was created or renamed, and the compute that was created with it."""
        computes = {} if endpoint_id is None else {branch.id: endpoint_id}
        return replace(
            self,
            branches={**self._others(branch.id), branch.name: branch.id},
            endpoints={**self.endpoints, **computes},
        )

    def without_branch(self, branch_id: str) -> Address:
        """Without a branch that was deleted."""
        return replace(self, branches=self._others(branch_id))

    def branch(self, name: str) -> str:
        """The id of the branch. Raises UnexpectedAnswerError if no branch of that name is known."""
        if name not in self.branches:
            raise UnexpectedAnswerError(
                f"project {self.project_id} has no branch {name!r}",
                hint="run again: the branch may have been deleted or renamed since the plan was made",
            )
        return self.branches[name]

    def endpoint(self, branch: str, replica: str | None = None) -> str:
        """The id of the branch's read-write compute, or of a read replica. Raises UnexpectedAnswerError if none is
        known.
        """
        branch_id = self.branches.get(branch, "")
        endpoint_id = self.endpoints.get(branch_id) if replica is None else self.replicas.get((branch_id, replica))
        if endpoint_id is None:
            what = "read-write compute" if replica is None else f"read replica {replica!r}"
            raise UnexpectedAnswerError(
                f"branch {branch!r} of project {self.project_id} has no {what}",
                hint="run again: the compute may have been deleted since the plan was made",
            )
        return endpoint_id

    def _others(self, branch_id: str) -> dict[str, str]:
        return {name: id_ for name, id_ in self.branches.items() if id_ != branch_id}


def _replicas(project: LiveProject) -> dict[tuple[str, str], str]:
    """Of several with one name, the one that was created first."""
    found = sorted((e for e in project.endpoints or () if not e.writes), key=lambda endpoint: endpoint.order)
    return {(endpoint.branch_id, endpoint.name): endpoint.id for endpoint in reversed(found)}


def _suspend_timeout(project: LiveProject) -> Value:
    return None if project.compute is None else project.compute.suspend_timeout_seconds
