"""A tenant's address: the ids of the things that its actions name."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.errors import UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.live.project import LiveBranch, LiveProject
    from reconciler.neon.client import CreatedProject
    from reconciler.plan.plan import TenantPlan


@dataclass(frozen=True, slots=True)
class Address:
    """The ids of a tenant's project and of what is in it. A step that changes them returns a new address."""

    project_id: str
    name: str
    organization: str
    created_at: datetime
    branches: Mapping[str, str] = field(default_factory=dict)
    """The id of each branch, by its current name."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """The id of the read-write compute of each branch, by the branch's id."""

    @classmethod
    def observed(cls, project: LiveProject) -> Address:
        """The address of an observed project."""
        return cls(
            project.id,
            project.name,
            project.organization,
            project.created_at,
            branches={branch.name: branch.id for branch in project.branches or ()},
            endpoints={
                endpoint.branch_id: endpoint.id
                for endpoint in project.endpoints or ()
                if endpoint.kind == "read_write"
            },
        )

    @classmethod
    def planned(cls, tenant: TenantPlan) -> Address:
        """The address at the start of a plan for a tenant with a live project."""
        if tenant.project is None:
            raise TypeError(f"the plan of {tenant.tenant} changes a project that was not observed")
        return cls.observed(tenant.project)

    @classmethod
    def created(cls, answer: CreatedProject) -> Address:
        """The address of a project that was just created."""
        project = answer.project
        return cls(
            project.id,
            project.name,
            project.organization,
            project.created_at,
            branches={answer.branch_name: answer.branch_id},
            endpoints={} if answer.endpoint_id is None else {answer.branch_id: answer.endpoint_id},
        )

    def moved(self, organization: str) -> Address:
        """The same project in another organization. A transfer keeps all ids (Neon)."""
        return replace(self, organization=organization)

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
        """The id of the branch. Raises UnexpectedAnswerError where no branch of that name is known."""
        if name not in self.branches:
            raise UnexpectedAnswerError(
                f"project {self.project_id} has no branch {name!r}",
                hint="run again: the branch may have been deleted or renamed since the plan was made",
            )
        return self.branches[name]

    def endpoint(self, branch: str) -> str:
        """The id of the branch's read-write compute. Raises UnexpectedAnswerError where none is known."""
        endpoint_id = self.endpoints.get(self.branches.get(branch, ""))
        if endpoint_id is None:
            raise UnexpectedAnswerError(
                f"branch {branch!r} of project {self.project_id} has no read-write compute",
                hint="run again: the compute may have been deleted since the plan was made",
            )
        return endpoint_id

    def _others(self, branch_id: str) -> dict[str, str]:
        return {name: id_ for name, id_ in self.branches.items() if id_ != branch_id}
