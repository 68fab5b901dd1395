"""Whether a write of a run that arrives is one that nobody can object to.

Each write is compared with the files, with the plan that it belongs to, and with what was live within the time
that the program may be behind. Rules that rest on an id, on the files or on the plan alone hold however old
answers are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired.tier import AtLimit
from reconciler.plan.actions.branch import DeleteBranch
from reconciler.plan.actions.project import DeleteDuplicate, DeleteProject
from reconciler.plan.actions.snapshot import DeleteSnapshot
from tests.faults.ledger import QUOTA, SIZES, WINDOW, limits, sizes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.desired.state import DesiredState
    from reconciler.desired.tenant import Snapshot, Tenant
    from reconciler.neon.call import Call
    from reconciler.plan.plan import Plan
    from tests.faults.ledger import Ledger, Moment

WITHIN_A_TURN: Final = 30.0
"""Seconds that a turn's own calls may take: reads, and waits for operations."""
WITHIN_A_REPLACEMENT: Final = 3.0
"""Seconds from the look right before a snapshot gives way to another one until its deletion is sent."""
LOOK_AGAIN_SECONDS: Final = 10.0
"""How old a look may be before a turn looks again."""


@dataclass(slots=True)
class Objections:
    """What was wrong with the writes of the runs."""

    ledger: Ledger
    before: DesiredState
    after: DesiredState
    stale_seconds: float
    """How old an answer may be."""
    late_seconds: float
    """How late a write may arrive."""
    planned_at: float = float("inf")
    permitted: set[str] = field(default_factory=set)
    """The ids of what the plans of the runs delete."""
    made_room: dict[str, float] = field(default_factory=dict)
    """Projects of which a snapshot gave way to another one, and since when the run may have seen what was live."""
    found: list[str] = field(default_factory=list)

    def permit(self, plan: Plan) -> None:
        """What this plan deletes may be deleted from now on."""
        for action in plan.actions:
            match action:
                case DeleteBranch(branch_id=id_) | DeleteSnapshot(snapshot_id=id_):
                    self.permitted.add(id_)
                case DeleteProject(project_id=id_) | DeleteDuplicate(project_id=id_):
                    self.permitted.add(id_)
                case _:
                    pass

    def judge(self, call: Call) -> None:
        """Puts down what is wrong with a write that arrives now."""
        body: Any = call.body
        if call.transfers:
            for id_ in body["project_ids"]:
                self.found += self._transfer(id_, body["destination_org_id"])
        elif call.path_template == "/projects":
            self.found += self._creation(body["project"])
        elif (project := call.ids["project_id"]) in self.ledger.strangers:
            self.found.append(f"a stranger's project is changed: {call.route} {call.path}")
        elif project in self.ledger.owners:
            self.found += self._of_project(call, project, self.ledger.owners[project])

    def unfinished(self) -> Iterator[str]:
        """Snapshots that gave way, where none has come and nobody else has changed the project since."""
        last = self.ledger.moments[-1]
        for project, since in self.made_room.items():
            if project not in last.projects or self.ledger.touched.get(project, float("-inf")) >= since:
                continue
            if missing := self._missing(last, project):
                names = ", ".join(snapshot.name for snapshot in missing)
                yield f"a snapshot of {self.ledger.owners[project]} gave way, and {names} did not come"

    @property
    def _behind(self) -> float:
        """Seconds that a write may rest on what was live before."""
        return LOOK_AGAIN_SECONDS + self.stale_seconds + self.late_seconds + WITHIN_A_TURN

    @property
    def _recent(self) -> Sequence[Moment]:
        """What a write that arrives now may rest on."""
        return self.ledger.since(self.ledger.account.now - self._behind)

    def _lately(self, tenant: str) -> Sequence[Moment]:
        """What the deletion of a snapshot may rest on: less, where another one is to come in its place."""
        seconds = self.stale_seconds + self.late_seconds + WITHIN_A_REPLACEMENT
        lately = self.ledger.since(self.ledger.account.now - seconds)
        moves = self.before.organization_of(self.before.tenants[tenant]) != self.after.organization_of(
            self.after.tenants[tenant]
        )
        return self._recent if moves else lately

    def _of_project(self, call: Call, project: str, tenant: str) -> Iterator[str]:
        body: Any = call.body
        rules: dict[str, Callable[[], Iterator[str]]] = {
            "DELETE /projects/{project_id}": lambda: self._delete_project(project, tenant),
            "DELETE /projects/{project_id}/branches/{branch_id}": lambda: self._delete_branch(
                call.ids["branch_id"], tenant
            ),
            "DELETE /projects/{project_id}/snapshots/{snapshot_id}": lambda: self._delete_snapshot(
                project, call.ids["snapshot_id"], tenant
            ),
            "PATCH /projects/{project_id}": lambda: self._lower(tenant, project, limits(body["project"])),
            "PATCH /projects/{project_id}/endpoints/{endpoint_id}": lambda: self._lower(
                tenant, call.ids["endpoint_id"], sizes(body["endpoint"])
            ),
        }
        return rules.get(call.route, lambda: iter(()))()

    def _creation(self, project: Mapping[str, str]) -> Iterator[str]:
        tenant = project["name"].removeprefix("myapp-")
        declared = self.after.tenants.get(tenant)
        if declared is None or declared.absent:
            yield f"a project {project['name']} is made, which no file declares"
        elif tenant in self.before.tenants:
            yield f"{tenant} had a project, and a second one is made"
        elif project["org_id"] != self.ledger.account.ids[self.after.organization_of(declared) or ""]:
            yield f"the project of {tenant} is made in another organization"

    def _transfer(self, id_: str, destination: str) -> Iterator[str]:
        tenant = self.ledger.owners.get(id_)
        if id_ in self.ledger.strangers:
            yield f"a stranger's project is moved: {id_}"
        elif tenant is not None:
            homes = [files.organization_of(files.tenants[tenant]) for files in (self.before, self.after)]
            if homes[0] == homes[1] or self.ledger.account.ids[homes[1] or ""] != destination:
                yield f"the project of {tenant} is moved, which no commit asks for"

    def _delete_project(self, id_: str, tenant: str) -> Iterator[str]:
        declared = self.after.tenants.get(tenant)
        if declared is None or not declared.absent:
            yield f"the project of {tenant} is deleted, which no file ends"
        recent = self._recent
        named = {moment.projects[id_][0] for moment in recent if id_ in moment.projects}
        if id_ not in recent[-1].projects:  # nothing is deleted: no id is given out again
            named.clear()
        if named and f"myapp-{tenant}" not in named:
            yield f"the project of {tenant} is deleted although it is called {named}"
        if id_ not in self.permitted:
            yield f"the project of {tenant} is deleted, which no plan says"

    def _delete_branch(self, id_: str, tenant: str) -> Iterator[str]:
        first = self.ledger.moments[0].branches.get(id_)
        was, now = (_branches(files, tenant) for files in (self.before, self.after))
        recent = self._recent
        named = {moment.branches[id_] for moment in recent if id_ in moment.branches}
        if id_ not in recent[-1].branches:  # nothing is deleted: no id is given out again
            named.clear()
        if first is None or first not in was - now:
            yield f"branch {first or id_} of {tenant} is deleted, which no commit removes"
        elif named and first not in named:
            yield f"branch {first} of {tenant} is deleted although it is called {named}"
        if id_ not in self.permitted:
            yield f"branch {first or id_} of {tenant} is deleted, which no plan says"

    def _delete_snapshot(self, project: str, id_: str, tenant: str) -> Iterator[str]:
        lately = self._lately(tenant)
        if id_ not in lately[-1].snapshots:  # nothing is deleted: no id is given out again
            return
        seen = [moment for moment in lately if id_ in moment.snapshots]
        self.made_room[project] = self.ledger.account.now - self._behind
        names = {moment.snapshots[id_].name for moment in seen}
        told = f"snapshot {' or '.join(sorted(names))} of {tenant} is deleted"
        if not any(self._may_give_way(tenant, name) for name in names):
            yield f"{told}, which neither the files nor the tier lets go"
        if not any(self._is_full(moment, project, tenant) for moment in seen):
            yield f"{told} although nothing needs its place"
        elif not self._can_come(project, lately):
            yield f"{told} for one that cannot be taken"
        if id_ not in self.permitted:
            yield f"{told}, which no plan says"

    def _may_give_way(self, tenant: str, name: str) -> bool:
        if name in _snapshots(self.after, tenant):
            return False
        match self.after.tiers[self.after.tenants[tenant].tier].snapshots.at_limit:
            case AtLimit.REPLACE_OLDEST:
                return True
            case AtLimit.REPLACE_DECLARED:
                return name in _snapshots(self.before, tenant)
            case AtLimit.REFUSE:
                return False

    def _is_full(self, moment: Moment, project: str, tenant: str) -> bool:
        """Whether there is one too many, or none can be added where one is wanted."""
        limit = self.after.allowed(self.after.tenants[tenant].tier).snapshots
        count = len(moment.snapshots_of(project)) + bool(self._missing(moment, project))
        return limit is not None and count > limit

    def _missing(self, moment: Moment, project: str) -> list[Snapshot]:
        """Declared snapshots of the project's tenant that are not there."""
        there = moment.snapshots_of(project)
        wanted = self.after.tenants[self.ledger.owners[project]].snapshots or ()
        return [snapshot for snapshot in wanted if snapshot.name not in there]

    def _can_come(self, project: str, lately: Sequence[Moment]) -> bool:
        """Whether one that was missing lately could be taken lately."""
        missing = [one for moment in lately for one in self._missing(moment, project)]
        if not missing:  # one too many for a move
            return True
        return any(one.at is None or self._is_held(project, one.at.timestamp(), lately) for one in missing)

    def _is_held(self, project: str, at: float, lately: Sequence[Moment]) -> bool:
        """Whether the restore window held a moment lately, and had not let it go before."""
        now, under_way = self.ledger.account.now, self.late_seconds + WITHIN_A_REPLACEMENT
        windows = [(moment.at, moment.values.get((project, WINDOW))) for moment in lately]
        held = any(window is not None and max(begun, now - under_way) - window <= at for begun, window in windows)
        return held and not any(
            at < ended <= now - self.stale_seconds - under_way and ended - moment.values[project, WINDOW] > at
            for moment, ended in self.ledger.ended()
            if (project, WINDOW) in moment.values
        )

    def _lower(self, tenant: str, id_: str, sent: Iterable[tuple[str, float]]) -> Iterator[str]:
        recent = self._recent
        for member, value in sent:
            now = recent[-1].values.get((id_, member))
            ever = {m.values[id_, member] for m in self.ledger.moments if (id_, member) in m.values}
            if value not in ever and value != self._declared(self.after, tenant).get(member):
                yield f"{member} of {tenant} becomes {value}, which no file says and nobody has set"
            if now is None or value >= now or self._was_lost(id_, member):
                continue
            seen = {moment.values[id_, member] for moment in recent if (id_, member) in moment.values}
            until = (moment for moment in self.ledger.moments if moment.at <= self.planned_at)
            planned = {moment.values.get((id_, member)) for moment in until}
            if min(seen) <= value or (self._is_lowered(tenant, member) and seen & planned):
                continue
            yield f"{member} of {tenant} goes from {now} to {value}; lately it was {sorted(seen)}"

    def _was_lost(self, id_: str, member: str) -> bool:
        """Whether Neon has removed the quota with a transfer, as far as the run may know: nobody raised it."""
        return member.startswith(QUOTA) and any(id_ in moment.lost_quotas for moment in self._recent)

    def _is_lowered(self, tenant: str, member: str) -> bool:
        was, now = (self._declared(files, tenant).get(member) for files in (self.before, self.after))
        return was is not None and now is not None and now < was

    def _declared(self, files: DesiredState, tenant: str) -> dict[str, float]:
        declared = files.tenants.get(tenant)
        return {} if declared is None or declared.absent else _limits(files, declared)


def _branches(files: DesiredState, tenant: str) -> set[str]:
    declared = files.tenants.get(tenant)
    return set() if declared is None else {branch.name for branch in declared.dev_branches or ()}


def _snapshots(files: DesiredState, tenant: str) -> set[str]:
    declared = files.tenants.get(tenant)
    return set() if declared is None else {snapshot.name for snapshot in declared.snapshots or ()}


def _limits(files: DesiredState, tenant: Tenant) -> dict[str, float]:
    settings = files.settings(tenant)
    quota, compute, window = settings.quota, settings.compute, settings.restore_window_seconds
    stated = {member: float(getattr(compute, member) or 0) for member in SIZES.values()} if compute else {}
    if quota is not None:
        stated |= {QUOTA + m: float(getattr(quota, m)) or float("inf") for m in quota.__struct_fields__}
    return stated if window is None else {**stated, WINDOW: float(window)}
