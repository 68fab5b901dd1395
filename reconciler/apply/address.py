"""A tenant's address: the ids behind the names that its actions speak of."""

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
    """Where a tenant's project is now; it moves with a transfer and grows with what is created."""

    project_id: str
    name: str
    organization: str
    created_at: datetime
    branches: Mapping[str, str] = field(default_factory=dict)
    """The id of each branch, by its present name."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """The id of the read-write compute of each branch, by the branch's id."""

    @classmethod
    def observed(cls, project: LiveProject) -> Address:
        """The address of a project as it was seen."""
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
        """The address that the plan of a tenant with a live project starts from."""
        if tenant.project is None:
            raise TypeError(f"the plan of {tenant.tenant} changes a project that was not seen")
        return cls.observed(tenant.project)

    @classmethod
    def created(cls, answer: CreatedProject) -> Address:
        """The address that the answer to a creation gives."""
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
        """The same project in another organization; a transfer keeps all ids (Neon: transfer)."""
        return replace(self, organization=organization)

    def with_branch(self, branch: LiveBranch, endpoint_id: str | None = None) -> Address:
        """With a branch that was made or renamed, and the compute that was made with it."""
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
        """The id of the branch. Raises UnexpectedAnswerError where none of that name was seen or made."""
        if name not in self.branches:
            raise UnexpectedAnswerError(
                f"no branch {name!r} of project {self.project_id} was seen",
                hint="run again: the branch may have been removed or renamed since the plan was made",
            )
        return self.branches[name]

    def endpoint(self, branch: str) -> str:
        """The id of the branch's read-write compute. Raises UnexpectedAnswerError where none was seen."""
        endpoint_id = self.endpoints.get(self.branches.get(branch, ""))
        if endpoint_id is None:
            raise UnexpectedAnswerError(
                f"branch {branch!r} of project {self.project_id} has no read-write compute that was seen",
                hint="run again: the compute may have been removed since the plan was made",
            )
        return endpoint_id

    def _others(self, branch_id: str) -> dict[str, str]:
        return {name: id_ for name, id_ in self.branches.items() if id_ != branch_id}
