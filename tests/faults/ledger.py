"""What was live at each moment of a trial.

It knows the account itself, not the program's view of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.model.annotations import FLEET
from reconciler.simulator.types import Quota
from tests.harness.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.harness.trial_account import TrialAccount

QUOTA: Final = "quota."
WINDOW: Final = "restore_window"
QUOTA_MEMBERS: Final = tuple(QUOTA + member.name for member in fields(Quota))
UNLIMITED: Final = float("inf")
SIZES: Final = {"autoscaling_limit_min_cu": "min_cu", "autoscaling_limit_max_cu": "max_cu"}


@dataclass(frozen=True, slots=True)
class KeptSnapshot:
    """A snapshot that somebody took, which counts towards the limit."""

    project: str
    name: str


@dataclass(frozen=True, slots=True)
class Moment:
    """The account as it was from this time on, until the next moment."""

    at: float
    stored: bytes
    """The whole account, as the simulator keeps it."""
    projects: Mapping[str, tuple[str, str]]
    """Name and organization's id of each live project."""
    values: Mapping[tuple[str, str], float]
    """Limits, sizes and restore windows, by the id of a project or compute and the member's name; unlimited is
    infinite."""
    branches: Mapping[str, str]
    """The name of each live branch."""
    snapshots: Mapping[str, KeptSnapshot]
    lost_quotas: frozenset[str] = frozenset()
    """Projects without a quota, because Neon has removed it with a transfer."""

    def snapshots_of(self, project: str) -> list[str]:
        """The names of a project's snapshots."""
        return [snapshot.name for snapshot in self.snapshots.values() if snapshot.project == project]

    def has_quota(self, project: str) -> bool:
        """Whether anything limits the project."""
        return any(self.values.get((project, member), UNLIMITED) != UNLIMITED for member in QUOTA_MEMBERS)

    def organization(self, project: str) -> str | None:
        """The id of the organization that a live project is in."""
        return self.projects[project][1] if project in self.projects else None


@dataclass(slots=True)
class Ledger:
    """The moments of a trial, and whose each thing is."""

    account: TrialAccount
    fleet: str
    owners: dict[str, str] = field(default_factory=dict)
    """The tenant of each project that was there at first."""
    parents: dict[str, str] = field(default_factory=dict)
    """The project of each compute and branch."""
    strangers: set[str] = field(default_factory=set)
    """Projects with a branch that another fleet has made."""
    touched: dict[str, float] = field(default_factory=dict)
    """When somebody else changed something of a project last."""
    moments: list[Moment] = field(default_factory=list)

    def note(self) -> None:
        """Puts down what is live now."""
        stored = Stored.of(self.account.simulator)
        rows, computes, branches = (stored.rows(table) for table in ("projects", "endpoints", "branches"))
        snapshots = stored.rows("snapshots", manual=True)
        values = {(row["id"], member): value for row in rows for member, value in live_limits(row["body"])}
        values |= {(row["id"], member): value for row in computes for member, value in sizes(row["body"])}
        self.parents.update((row["id"], row["project_id"]) for row in (*computes, *branches))
        self.strangers.update(row["project_id"] for row in branches if self._is_foreign(row["annotations"]))
        moment = Moment(
            self.account.now,
            self.account.stored(),
            {row["id"]: (row["name"], row["org_id"]) for row in rows},
            values,
            {row["id"]: row["name"] for row in branches},
            {row["id"]: KeptSnapshot(row["project_id"], row["body"]["name"]) for row in snapshots},
        )
        self.moments.append(replace(moment, lost_quotas=frozenset(self._lost_quotas(moment))))

    def _lost_quotas(self, moment: Moment) -> Iterator[str]:
        """Those that a transfer has removed, and that are absent since: nobody in a trial removes one by hand."""
        last = self.moments[-1] if self.moments else moment
        for project in moment.projects:
            moved = moment.organization(project) != last.organization(project)
            lost = project in last.lost_quotas or (moved and last.has_quota(project))
            if lost and not moment.has_quota(project):
                yield project

    def _is_foreign(self, annotations: str | None) -> bool:
        stated = _read(annotations)["value"] if annotations else {}
        return bool(stated.get(FLEET, self.fleet) != self.fleet)

    def begin(self) -> None:
        """The projects that are there now are those of the tenants of the files before."""
        self.note()
        for id_, (name, _) in self.moments[-1].projects.items():
            self.owners[id_] = name.removeprefix("myapp-")

    def touch(self, project: str) -> None:
        """Puts down that somebody else has changed something of a project."""
        self.touched[project] = self.account.now
        self.note()

    def since(self, moment: float) -> Sequence[Moment]:
        """The moments from then on, the first of which may have begun before."""
        first = max((n for n, each in enumerate(self.moments) if each.at <= moment), default=0)
        return self.moments[first:]

    def ended(self) -> Iterator[tuple[Moment, float]]:
        """Each moment that is over, and when it was."""
        return zip(self.moments, (following.at for following in self.moments[1:]), strict=False)


def live_limits(project: Mapping[str, Any]) -> list[tuple[str, float]]:
    """All limits of a live project: to Neon a quota that is absent is no limit."""
    return list({**dict.fromkeys(QUOTA_MEMBERS, UNLIMITED), **dict(limits(project))}.items())


def limits(project: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The quota and the restore window that a project's body states."""
    members = (project.get("settings") or {}).get("quota") or {}
    stated = [(QUOTA + member, float(value) or UNLIMITED) for member, value in members.items()]
    window = project.get("history_retention_seconds")
    return stated if window is None else [*stated, (WINDOW, float(window))]


def sizes(compute: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The sizes that a compute's body states."""
    return [(SIZES[member], float(compute[member])) for member in SIZES if member in compute]


def _read(body: str) -> Any:
    return msgspec.json.decode(body)
