"""What was live at each moment of a trial, and whether a write that arrives is one that nobody could object to.

The oracle knows the account itself, not the program's view of it, and compares each write with what was live
within the time that the program may be behind.
"""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from reconciler.model.annotations import FLEET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

    from reconciler.desired.state import DesiredState
    from tests.unit.apply.world import World

QUOTA: Final = "quota."
PATH: Final = re.compile(r"/api/v2/projects/([^/]+)(?:/(branches|endpoints|snapshots)/([^/]+))?(/.*)?")
SIZES: Final = {"autoscaling_limit_min_cu": "min_cu", "autoscaling_limit_max_cu": "max_cu"}


@dataclass(frozen=True, slots=True)
class Moment:
    """The account as it was from this time on."""

    at: float
    stored: sqlite3.Connection
    """The whole account, as the simulator keeps it."""
    projects: Mapping[str, tuple[str, str]]
    """Name and organization's id of each live project."""
    values: Mapping[tuple[str, str], float]
    """Limits and sizes, by the id of a project or compute and the member's name; unlimited is infinite."""
    branches: Mapping[str, str]
    """The name of each live branch."""


@dataclass(slots=True)
class Ledger:
    """The moments of a trial, and what was wrong with the writes of the runs."""

    world: World
    before: DesiredState
    after: DesiredState
    behind: float
    """Seconds that a write may rest on what was live before."""
    owners: dict[str, str] = field(default_factory=dict)
    """The tenant of each project that was there at first."""
    parents: dict[str, str] = field(default_factory=dict)
    """The project of each compute and branch."""
    strangers: set[str] = field(default_factory=set)
    moments: list[Moment] = field(default_factory=list)
    planned_at: float = float("inf")
    wrong: list[str] = field(default_factory=list)

    def note(self) -> None:
        """Puts down what is live now."""
        store = self.world.simulator.world.store
        rows = store.rows("SELECT id, name, org_id, body FROM projects WHERE deleted_at IS NULL")
        computes = store.rows("SELECT id, project_id, body FROM endpoints WHERE deleted_at IS NULL")
        branches = store.rows("SELECT id, project_id, name, annotations FROM branches")
        values = {(row["id"], member): value for row in rows for member, value in _quota(row["body"])}
        values |= {(row["id"], member): value for row in computes for member, value in _sizes(row["body"])}
        self.parents.update((row["id"], row["project_id"]) for row in (*computes, *branches))
        for row in branches:
            note = json.loads(row["annotations"])["value"] if row["annotations"] else {}
            if FLEET in note and note[FLEET] != self.after.fleet:
                self.strangers.add(row["project_id"])
        self.moments.append(
            Moment(
                self.world.simulator.clock.now(),
                copied(store._connection),
                {row["id"]: (row["name"], row["org_id"]) for row in rows},
                values,
                {row["id"]: row["name"] for row in branches},
            )
        )

    def begin(self) -> None:
        """The projects that are there now are those of the tenants of the files before."""
        self.note()
        for id_, (name, _) in self.moments[-1].projects.items():
            self.owners[id_] = name.removeprefix("myapp-")

    def close(self) -> None:
        """Lets go of what was kept."""
        for moment in self.moments:
            moment.stored.close()

    def recent(self) -> Sequence[Moment]:
        """What a write that arrives now may rest on."""
        since = self.world.simulator.clock.now() - self.behind
        first = max((n for n, moment in enumerate(self.moments) if moment.at <= since), default=0)
        return self.moments[first:]

    def judge(self, request: httpx.Request) -> None:
        """Puts down what is wrong with a write of a run that arrives now."""
        body = json.loads(request.content or b"{}")
        if request.url.path.endswith("/projects/transfer"):
            for id_ in body["project_ids"]:
                self._transfer(id_, body["destination_org_id"])
            return
        match = PATH.fullmatch(request.url.path)
        if match is None:
            return
        project, kind, id_ = match[1], match[2], match[3]
        if project in self.strangers:
            self.wrong.append(f"a stranger's project: {request.method} {request.url.path}")
        elif request.method == "DELETE" and kind is None:
            self._delete_project(project)
        elif request.method == "DELETE" and kind == "branches":
            self._delete_branch(project, id_)
        elif request.method == "PATCH" and kind == "endpoints":
            self._lower(project, id_, _sizes(json.dumps(body["endpoint"])))
        elif request.method == "PATCH" and kind is None:
            self._lower(project, project, _quota(json.dumps(body["project"])))

    def _delete_project(self, id_: str) -> None:
        tenant = self.owners.get(id_)
        if tenant is None:  # a run made it: whether it may go is judged by what is left in the end
            return
        declared = self.after.tenants.get(tenant)
        if declared is None or not declared.absent:
            self.wrong.append(f"the project of {tenant} is deleted, which no file ends")
        named = {moment.projects[id_][0] for moment in self.recent() if id_ in moment.projects}
        if named and f"myapp-{tenant}" not in named:
            self.wrong.append(f"the project of {tenant} is deleted although somebody calls it {named}")

    def _delete_branch(self, project: str, id_: str) -> None:
        tenant, first = self.owners.get(project), self.moments[0].branches.get(id_)
        if tenant is None:
            return
        was, now = (_branches(files, tenant) for files in (self.before, self.after))
        named = {moment.branches[id_] for moment in self.recent() if id_ in moment.branches}
        if first is None or first not in was - now:
            self.wrong.append(f"branch {first or id_} of {tenant} is deleted, which no commit removes")
        elif named and first not in named:
            self.wrong.append(f"branch {first} of {tenant} is deleted although it is called {named}")

    def _transfer(self, id_: str, destination: str) -> None:
        tenant = self.owners.get(id_)
        ids = self.world.simulator.organization_ids
        if id_ in self.strangers:
            self.wrong.append(f"a stranger's project is moved: {id_}")
        elif tenant is not None:
            homes = [files.home(files.tenants[tenant]) for files in (self.before, self.after)]
            if homes[0] == homes[1] or ids[homes[1] or ""] != destination:
                self.wrong.append(f"the project of {tenant} is moved, which no commit asks for")

    def _lower(self, project: str, id_: str, sent: Sequence[tuple[str, float]]) -> None:
        tenant = self.owners.get(project)
        if tenant is None:
            return
        recent = self.recent()
        for member, value in sent:
            now = recent[-1].values.get((id_, member))
            if now is None or value >= now:
                continue
            seen = {moment.values[id_, member] for moment in recent if (id_, member) in moment.values}
            until = (moment for moment in self.moments if moment.at <= self.planned_at)
            planned = {moment.values.get((id_, member)) for moment in until}
            if min(seen) <= value or (self._is_lowered(tenant, member) and seen & planned):
                continue
            self.wrong.append(f"{member} of {tenant} goes from {now} to {value}; lately it was {sorted(seen)}")

    def _is_lowered(self, tenant: str, member: str) -> bool:
        was, now = (_limits(files, tenant).get(member) for files in (self.before, self.after))
        return was is not None and now is not None and now < was


def copied(stored: sqlite3.Connection) -> sqlite3.Connection:
    """A copy of the account in memory."""
    copy = sqlite3.connect(":memory:")
    stored.backup(copy)
    return copy


def _quota(body: str) -> list[tuple[str, float]]:
    members = (json.loads(body).get("settings") or {}).get("quota") or {}
    return [(QUOTA + member, float(value) or float("inf")) for member, value in members.items()]


def _sizes(body: str) -> list[tuple[str, float]]:
    stated: dict[str, Any] = json.loads(body)
    return [(SIZES[member], float(stated[member])) for member in SIZES if member in stated]


def _branches(files: DesiredState, tenant: str) -> set[str]:
    declared = files.tenants.get(tenant)
    return set() if declared is None else {branch.name for branch in declared.dev_branches or ()}


def _limits(files: DesiredState, tenant: str) -> dict[str, float]:
    declared = files.tenants.get(tenant)
    if declared is None or declared.absent:
        return {}
    settings = files.settings(declared)
    quota, compute = settings.quota, settings.compute
    limits = {SIZES[m]: float(getattr(compute, SIZES[m]) or 0) for m in SIZES} if compute else {}
    if quota is not None:
        limits |= {QUOTA + m: float(getattr(quota, m)) or float("inf") for m in quota.__dataclass_fields__}
    return limits
