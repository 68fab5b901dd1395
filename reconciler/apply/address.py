"""A tenant's address: the ids behind the names that its actions speak of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.errors import UnexpectedAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.live.project import LiveProject
    from reconciler.neon.client import CreatedProject
    from reconciler.plan.plan import TenantPlan


@dataclass(frozen=True, slots=True)
class Address:
    """Where a tenant's project is now; it moves with a transfer and grows with what is created."""

    project_id: str
    name: str
    organization: str
    created_at: datetime
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """The id of the read-write compute of each branch, by the branch's name."""

    @classmethod
    def observed(cls, project: LiveProject) -> Address:
        """The address of a project as it was seen."""
        names = {branch.id: branch.name for branch in project.branches or ()}
        endpoints = {
            names[endpoint.branch_id]: endpoint.id
            for endpoint in project.endpoints or ()
            if endpoint.kind == "read_write" and endpoint.branch_id in names
        }
        return cls(project.id, project.name, project.organization, project.created_at, endpoints)

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
        endpoints = {} if answer.endpoint_id is None else {answer.branch_name: answer.endpoint_id}
        return cls(project.id, project.name, project.organization, project.created_at, endpoints)

    def moved(self, organization: str) -> Address:
        """The same project in another organization; a transfer keeps all ids (Neon: transfer)."""
        return replace(self, organization=organization)

    def endpoint(self, branch: str) -> str:
        """The id of the branch's read-write compute. Raises UnexpectedAnswerError where none was seen."""
        if branch not in self.endpoints:
            raise UnexpectedAnswerError(
                f"branch {branch!r} of project {self.project_id} has no read-write compute that was seen",
                hint="run again: the compute may have been removed since the plan was made",
            )
        return self.endpoints[branch]
