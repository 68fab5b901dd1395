"""Over random commits: no project is reduced or deleted before a commit that ends its guard is carried out.

The commits are about a guarded tenant and another one that claims its project. Each of them guards the project,
asks for less than there is, or leaves the tenant out: none ends a guard and asks for nothing else.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from reconciler.desired.selection import Selection
from reconciler.desired.tenant import Hold, Overrides
from reconciler.model.values import replace
from reconciler.plan.actions.project import CreateProject, DeleteProject
from reconciler.plan.applied import Applied, FinishedRun, advanced
from reconciler.plan.baseline import Baseline
from reconciler.plan.change import Risk
from reconciler.plan.history import History
from reconciler.plan.outcome import ActionOutcome, Report, Result, TenantOutcome
from reconciler.plan.permissions import Permissions
from tests.harness.builders import HOUR, NOON, a_fleet, a_project, a_tenant, a_view, guarded_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject
    from reconciler.plan.plan import Plan

PROJECT: Final = "p-acme"
LESS: Final = {"overrides": Overrides(quota={"active_time_seconds": HOUR})}
EVERYTHING: Final = Permissions(
    lowering=True, counts=dict.fromkeys(("creates", "transfers", "disruptive", "deletes"), 1000)
)
PROTECTED: Final[Mapping[str, Any]] = {"protect": True}
HELD: Final[Mapping[str, Any]] = {"hold": Hold(NOON.replace(year=NOON.year + 1), "a dispute")}
PINS: Final[Mapping[str, Any]] = {"project_id": PROJECT}
RENAMES: Final[Mapping[str, Any]] = {"previously": ("acme",)}

OWN: Final[Mapping[str, Mapping[str, Any] | None]] = {
    "plain": {},
    "gone": None,
    "guarded": PROTECTED,
    "guarded, less": {**PROTECTED, **LESS},
    "guarded, with a pin": {**PROTECTED, **PINS},
    "less": LESS,
    "tombstone": {"absent": True},
}
"""The files of the tenant that has the project."""
OTHER: Final[Mapping[str, Mapping[str, Any] | None]] = {
    "none": None,
    "pins, less": {**PINS, **LESS},
    "pins, tombstone": {**PINS, "absent": True},
    "pins, guarded": {**PINS, **PROTECTED},
    "renames, less": {**RENAMES, **LESS},
    "renames, tombstone": {**RENAMES, "absent": True},
    "renames, guarded": {**RENAMES, **PROTECTED},
}
"""Those of the tenant that claims it."""
KEEPS_A_HOLD: Final = ("gone", "guarded", "guarded, less", "none", "pins, less", "pins, tombstone")
"""Those that do not end a hold: it ends as soon as a commit declares the tenant, also by its new name, without."""


class Step(Struct, frozen=True):
    """A commit, and the runs on it."""

    own: str
    other: str
    document: str | None
    """Declares the tenant for one more plan."""
    project_name: str
    """That a person gives the project before the runs."""
    results: tuple[tuple[Result, Result, Result], ...]
    """For each run on the commit, those of the tenants."""


def steps(kinds: Collection[str]) -> st.SearchStrategy[list[Step]]:
    """Commits of these kinds of files."""
    own, other = ([kind for kind in kinds if kind in files] for files in (OWN, OTHER))
    results = st.sampled_from([Result.APPLIED, Result.FAILED, Result.SKIPPED])
    step = st.builds(
        Step,
        st.sampled_from(own),
        st.sampled_from(other),
        st.sampled_from([None, None, *(kind for kind in own if OWN[kind] is not None)]),
        st.sampled_from(["myapp-acme", "myapp-acme", "myapp-zed", "another"]),
        st.lists(st.tuples(results, results, results), min_size=1, max_size=2).map(tuple),
    )
    return st.lists(step.filter(_is_valid), min_size=2, max_size=7)


def _is_valid(step: Step) -> bool:
    """Two tenants cannot pin one project, and no declared tenant is another's earlier name."""
    own, other = OWN[step.own], OTHER[step.other] or {}
    return own is None or not ("previously" in other or {"project_id"} <= own.keys() & other.keys())


class Fleet:
    """The files at each commit, the record of the runs on them, and the projects."""

    def __init__(self, guards: Mapping[str, Any]) -> None:
        self.guards = guards
        self.commits: list[DesiredState] = []
        self.record: Applied | None = None
        self.projects = [a_project("acme"), a_project("bob")]

    def commit(self, own: str, other: str) -> None:
        """Write the files of both tenants, and of a neighbour."""
        tenants = (self.tenant("acme", OWN[own]), self.tenant("zed", OTHER[other]), a_tenant("bob"))
        self.commits.append(a_fleet(*(each for each in tenants if each is not None)))

    def tenant(self, name: str, fields: Mapping[str, Any] | None) -> Tenant | None:
        """Return the tenant with this fleet's kind of guard."""
        if fields is None:
            return None
        others = {key: value for key, value in fields.items() if key != "protect"}
        return a_tenant(name, **others, **(self.guards if "protect" in fields else {}))

    def run(self, results: tuple[Result, ...]) -> None:
        """Plan, carry out as far as the results say, and record it."""
        desired, history = self.commits[-1].at(NOON), self.history()
        plan = self.plan(desired, history)
        outcomes = [
            TenantOutcome(one.tenant, result, tuple(ActionOutcome(each, result) for each in one.actions), None)
            for one, result in zip(plan.tenants, results, strict=False)
        ]
        for outcome in outcomes:
            if outcome.result is Result.APPLIED:
                self._carry_out(outcome)
        report = Report("run", NOON, NOON, tuple(outcomes), 1)
        ended = FinishedRun(
            desired=desired, history=history, plan=plan, report=report, selection=Selection(), complete=True
        )
        self.record = advanced(self.record, _id(len(self.commits) - 1), ended, lambda one, other: one < other)

    def plan(self, desired: DesiredState, history: History) -> Plan:
        """Plan with every permission; the plan reduces nothing of the guarded project."""
        view = a_view(*self.projects)
        plan = guarded_plan(desired, view, EVERYTHING, history=history)
        about = (one for one in plan.tenants if one.project is not None and one.project.id == PROJECT)
        harm = [each for one in about for each in one.actions if each.lowering or each.risk is Risk.DESTRUCTIVE]
        assert harm == []
        return plan

    def plan_document(self, kind: str) -> None:
        """Plan with a document that declares the tenant beside the newest commit."""
        files, document = self.commits[-1], self.tenant("acme", OWN[kind])
        assert document is not None
        if any("acme" in one.previously for one in files.tenants.values()):
            return
        acme = frozenset({"acme"})
        history = replace(self.history(), files=files, documents=acme, committed=acme & files.tenants.keys())
        self.plan(replace(files, tenants={**files.tenants, "acme": document}).at(NOON), history)

    def history(self) -> History:
        """Return the files at the commits of the record: of each tenant, under its names, at its own."""
        record, now = self.record, self.commits[-1]
        if record is None:
            return History()

        def each(several: Mapping[str, tuple[str | None, ...]]) -> dict[str, tuple[Baseline, ...]]:
            names: dict[str | None, set[str]] = {}
            for name, commits in several.items():
                for commit in commits:
                    names.setdefault(commit, set()).update(now.names(name))
            files = {commit: Baseline(self.at(commit, known)) for commit, known in names.items()}
            return {name: tuple(files[commit] for commit in commits) for name, commits in several.items()}

        owed = each({name: (commit,) for name, commit in record.owed.items()})
        known = History(
            self.at(record.commit),
            owed={name: baseline for name, (baseline,) in owed.items()},
            tried=each(record.tried),
            creating=record.creating,
            rejected=record.rejected,
        )
        known = replace(known, declared_since=self._declared_since(known, record))
        return known.under(now.at(NOON)).at(NOON)

    def _declared_since(self, known: History, record: Applied) -> dict[str, tuple[Baseline, ...]]:
        """Return the commits since its base that declare a tenant without a break, if the base does not."""
        found = {}
        for name in self.commits[-1].tenants:
            base, before = record.of(name), known.files_at_base(name)
            if base is None or before is None or before.tenants.keys() & self.commits[-1].names(name):
                continue
            since = takewhile(lambda files, name=name: name in files.tenants, self.commits[: int(base) : -1])  # type: ignore[misc]
            found[name] = tuple(Baseline(files.selecting([name])) for files in reversed(list(since)))
        return found

    def at(self, commit: str | None, names: Collection[str] = ("acme", "zed", "bob")) -> DesiredState:
        """Return the files of these tenants at a commit; none for no commit."""
        files = self.commits[-1] if commit is None else self.commits[int(commit)]
        return files.selecting(() if commit is None else files.tenants.keys() & names)

    def rename(self, project_name: str) -> None:
        """Give the project a name in the console."""
        self._change(lambda one: replace(one, name=project_name) if one.id == PROJECT else one)

    def _carry_out(self, outcome: TenantOutcome) -> None:
        """Create and delete the projects of others; nothing else matters here."""
        for action in (each.action for each in outcome.actions):
            if isinstance(action, CreateProject):
                new = f"p-{action.tenant}-{len(self.commits)}"
                self.projects.append(a_project(action.tenant, id=new))
            elif isinstance(action, DeleteProject):
                self._change(lambda one, gone=action.project_id: None if one.id == gone else one)  # type: ignore[misc]

    def _change(self, change: Callable[[LiveProject], LiveProject | None]) -> None:
        self.projects = [changed for one in self.projects if (changed := change(one)) is not None]


def _id(commit: int) -> str:
    return f"{commit:03}"


FOUND_AT: Final = {
    "the base": (("guarded", "none"),),
    "a refused commit": (("plain", "none"), ("guarded, less", "none")),
}
"""The commits before those that are drawn: where the guard is found."""


def check(guards: Mapping[str, Any], commits: Iterable[tuple[str, str]], sequence: list[Step]) -> None:
    """Run on each commit; ``Fleet.plan`` looks at what is planned."""
    fleet = Fleet(guards)
    for own, other in commits:
        fleet.commit(own, other)
        fleet.run((Result.APPLIED,) * 3)
    for step in sequence:
        fleet.commit(step.own, step.other)
        fleet.rename(step.project_name)
        for results in step.results:
            fleet.run(results)
        if step.document is not None:
            fleet.plan_document(step.document)


@pytest.mark.parametrize("found_at", FOUND_AT.values(), ids=FOUND_AT)
@given(sequence=steps([kind for kind in (*OWN, *OTHER) if kind != "plain"]))
def test_what_is_protected_is_not_reduced(found_at: Any, sequence: list[Step]) -> None:
    """The first commits are carried out, or are refused."""
    check(PROTECTED, found_at, sequence)


@pytest.mark.parametrize("found_at", FOUND_AT.values(), ids=FOUND_AT)
@given(sequence=steps(KEEPS_A_HOLD))
def test_what_is_held_is_not_reduced(found_at: Any, sequence: list[Step]) -> None:
    """The same for a hold, while no commit declares its tenant without it."""
    check(HELD, found_at, sequence)
