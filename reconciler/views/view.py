"""The kinds of view: what a command shows, whichever format it is written in."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.adopt.adoption import Adoption
    from reconciler.adopt.collecting import SignUp, Uncollected
    from reconciler.desired.state import DesiredState
    from reconciler.live.registered import RegisteredTenants
    from reconciler.model.diagnosis import Diagnosis
    from reconciler.model.problem import Problem
    from reconciler.model.record import Audit
    from reconciler.plan.approval import PlanOrigin, Stale
    from reconciler.plan.explained import Explained
    from reconciler.plan.outcome import Report
    from reconciler.plan.plan import Plan
    from reconciler.plan.plan_cost import PastCost
    from reconciler.plan.registration import RowChanges
    from reconciler.plan.return_points import ReturnPoints
    from reconciler.usage.cost import Cost
    from reconciler.usage.usage import Usage


class PlanView(Struct, frozen=True):
    """What apply would do."""

    plan: Plan
    made: PlanOrigin | None = None
    """When and from which commit: JSON needs it."""
    stale: Sequence[Stale] = ()
    """The tenants that a saved plan holds back."""
    saved: bool = False
    """Whether it was read from a file: then the view says where it comes from."""
    past_cost: PastCost | None = None
    """What a past month's use costs, if that was asked for."""


class DriftView(Struct, frozen=True):
    """Where the live fleet differs from the files."""

    plan: Plan


class DiffView(Struct, frozen=True):
    """What a change of the files asks for; no API was called."""

    plan: Plan
    made: PlanOrigin
    """From which commits; none if the later files are those of the folder."""


class ReportView(Struct, frozen=True):
    """What an apply did."""

    report: Report
    journal: str
    """The file with a record of every write."""
    stale: Sequence[Stale] = ()
    tier_of: Mapping[str, str] = {}
    """The tier of each tenant, as far as the plan states it."""


class ProblemsView(Struct, frozen=True):
    """What is wrong with the files."""

    problems: Sequence[Problem]
    desired: DesiredState | None = None
    """What was checked, where it could be read."""


class HistoryView(Struct, frozen=True):
    """The moments that a tenant can be restored to."""

    points: ReturnPoints


class ExplainedView(Struct, frozen=True):
    """Where each value of a tenant comes from."""

    explained: Explained
    live: bool
    """Whether live state was read."""


class UsageView(Struct, frozen=True):
    """What the tenants use of their quotas."""

    usage: Usage


class CostView(Struct, frozen=True):
    """What the tenants cost in a month."""

    cost: Cost


class AuditView(Struct, frozen=True):
    """The writes that journals contain."""

    audit: Audit


class RegistryView(Struct, frozen=True):
    """The rows of the registry, or those of some tenants."""

    registered: RegisteredTenants
    rows: int | None = None
    """How many rows there are in all; None if all are here."""


class RowChangesView(Struct, frozen=True):
    """What a rebuild of the registry has changed, or would change."""

    found: RowChanges
    api_host: str | None = None
    verified: bool = False
    """Whether nothing was written."""


class DoctorView(Struct, frozen=True):
    """What is wrong with the set-up, and what to do."""

    diagnosis: Diagnosis


class AdoptionView(Struct, frozen=True):
    """What was adopted, or would be."""

    adoption: Adoption
    plan: Plan
    created: Sequence[str] = ()
    edited: Sequence[str] = ()
    rest: Mapping[str, int] = {}
    """How many things there are that the files do not state, by what they are."""
    addresses: Sequence[str] = ()
    """Resources that Terraform no longer manages."""
    dry_run: bool = False
    answers: str | None = None
    """The file to which the questions were written."""

    @property
    def in_sync(self) -> bool:
        """Whether the plan with these files is empty."""
        return self.plan.empty and not self.plan.refusals and not self.plan.conflicts


class CollectedView(Struct, frozen=True):
    """The sign-ups that a file of lines holds from now on, or would."""

    file: str
    added: Sequence[SignUp]
    left: Sequence[Uncollected]
    age: str
    """The least age of a project."""
    dry_run: bool = False


View: TypeAlias = (
    PlanView
    | DriftView
    | DiffView
    | ReportView
    | ProblemsView
    | HistoryView
    | ExplainedView
    | RegistryView
    | RowChangesView
    | UsageView
    | CostView
    | AuditView
    | DoctorView
    | AdoptionView
    | CollectedView
)
