"""kill -9 of one of two real applies at once, or of both: the next ordinary run leaves no tenant two projects.

Half of the time it finds the journals of the dead; else a person has to say that they are dead, and the conflict
names the command. With a registry there are no two projects to begin with, at any moment.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests import figures, profiles
from tests.faults.appliers import Command
from tests.harness.local_http import LOCAL
from tests.harness.processes import Place
from tests.harness.registry_database import forget_tenants, required

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


pytestmark = pytest.mark.slow

REGISTRY: Final = "registry.db"
FIGURE: Final = "kills of one of two"
TENANTS: Final = 6
TESTS: Final = profiles.size(1, 1, 5)
"""With a registry, and without one."""
LANES: Final = profiles.size(1, 3, 3)
"""Fleets at once, each in an account of its own: an apply mostly waits."""
KILLS: Final = profiles.size(1, 4, 6)
"""In each lane without a registry."""
WAITING_LANES: Final = profiles.size(1, 8, 10)
"""With a registry: an apply waits for the lease of the one that was killed, and hardly does anything else."""
KILLS_WHILE_WAITING: Final = profiles.size(1, 1, 2)
"""In each of them."""
LIST_LAG_SECONDS: Final = 1.0
"""As long as ``settle``: runs do not see at once what the other has created, so that both create."""
LATEST_KILL_SECONDS: Final = 2.2
"""After its first creation: about until an apply has looked for rivals and removed what came second."""
LATEST_KILL_WITHOUT_A_LOOK_SECONDS: Final = 0.2
"""With a registry nothing is waited for: an apply is soon over."""
ENOUGH_KILLS: Final = 12
"""Of so many, one leaves a pair at the least."""
ROUNDS_FOR_A_KILL: Final = 10
"""At most: a run may be over before its moment comes, and that round tries nothing."""
APPLY: Final = ("apply", "--yes", "--allow", "deletes=99", "--allow", "creates=99")
DEAD: Final = re.compile(r"--run-is-dead\s+(\w+)")


@dataclass(slots=True)
class Lane:
    """A fleet of new tenants in each round, created by two applies at once."""

    place: Place
    random: Random
    kept: bool
    """Whether a registry is kept."""
    rounds: int = 0
    pairs: int = 0
    """Tenants that had two projects after a kill."""

    @classmethod
    @contextmanager
    def open(cls, folder: Path, seed: int, *, kept: bool) -> Iterator[Lane]:
        """With a simulator of its own."""
        folder.mkdir()
        place = Place(folder)
        if kept:
            place.environ["REGISTRY_URL"] = f"sqlite:///{REGISTRY}"
            with (folder / "tiers.yaml").open("a", encoding="utf-8") as tiers:
                tiers.write("registry: {url: '${REGISTRY_URL}'}\n")
        place.declare(0)
        with place.served():
            url = place.environ["NEON_API_HOST"].replace("/api/v2", "/_simulator/behaviour")
            httpx.patch(url, json={"list_lag_seconds": LIST_LAG_SECONDS}, **LOCAL).raise_for_status()
            yield cls(place, Random(seed), kept)  # noqa: S311

    def declare(self) -> list[str]:
        """New tenants, the names of whose projects nobody has had before."""
        self.rounds += 1
        tenants = [{"tenant": f"r{self.rounds}t{number}", "tier": "free"} for number in range(TENANTS)]
        (self.place.folder / "fleet.ndjson").write_text("\n".join(map(json.dumps, tenants)), encoding="utf-8")
        return sorted(f"myapp-{tenant['tenant']}" for tenant in tenants)

    def round(self) -> int:
        """Two applies at once, one or both killed at some moment, and what comes after. How many were killed."""
        declared = self.declare()
        journals = self.place.folder / f"journals-{self.rounds}"
        paths = [journals / f"{number}.jsonl" for number in range(2)]
        runs = [self.start(path.stem, "--journal", str(path)) for path in paths]
        first = self.creating(runs, paths)
        victim, other = runs[first], runs[1 - first]
        latest = LATEST_KILL_WITHOUT_A_LOOK_SECONDS if self.kept else LATEST_KILL_SECONDS
        killed = [victim.killed_after(self.random.uniform(0.0, latest))]
        killed.append(other.killed_after(0.0) if self.random.random() < 0.2 else other.ended().killed)
        self.later(hours=3)
        self.pairs += sum(count > 1 for count in self.of_tenants().values())
        found = [word for path in journals.glob("*.jsonl") for word in ("--journals", str(path))]
        self.settle(found if self.random.random() < 0.5 else [])
        assert self.names() == declared
        if self.kept:
            assert max(Counter(self.names(deleted=True) + self.names()).values()) == 1, "there were two at a time"
        self.clear()
        return sum(killed)

    def creating(self, runs: Sequence[Command], journals: Sequence[Path]) -> int:
        """Waits until the run that is to be killed has begun to create; which of the two that is.

        With a registry it is the one that has the lease. The other one creates nothing, whenever it is killed.
        """
        candidates = range(2) if self.kept else [self.random.randrange(2)]
        while not all(runs[number].over_within(0.01) for number in candidates):
            for number in candidates:
                if creates(journals[number]):
                    return number
        return candidates[0]

    def start(self, name: str, *args: str) -> Command:
        """An apply of its own."""
        return Command.start(self.place.folder, self.place.environ, name, *APPLY, *args)

    def settle(self, journals: list[str]) -> None:
        """One ordinary run; where it leaves a pair, the command that it names.

        What a dead run has sent may arrive after the plan is made, and lists hide it at first. Of a tenant that
        this run creates too, it may say so; else it cannot notice, and the run after it is the ordinary one.
        """
        existed, journal = self.ever(), self.place.folder / f"next-{self.rounds}.jsonl"
        ended = self.start("next", "--journal", str(journal), *journals).ended()
        self.later(hours=3)  # every list shows by then what has arrived, and its counters tell whether it is used
        arrived = late(existed, self.ever(), created_by(journal))
        if arrived or (ended.code == 6 and "has appeared" in ended.text):
            ended = self.start("once-more", *journals).ended()
            self.later(hours=3)
        if max(self.of_tenants().values()) == 1:
            assert ended.code == 0, ended.text
            return
        assert not journals, f"nobody had to be asked: {ended.text}"
        dead = set(DEAD.findall(ended.text))
        assert dead, f"{self.names()}: {ended.text}"
        told = self.start("said", *(word for run in dead for word in ("--run-is-dead", run))).ended()
        assert told.code == 0, told.text

    def of_tenants(self) -> Counter[str]:
        """How many projects there are of each tenant, marked duplicates included."""
        return Counter(map(tenant_of, self.names()))

    def ever(self) -> Counter[str]:
        """How many projects each tenant has had, with those that were deleted in the last days."""
        return Counter(map(tenant_of, (*self.names(), *self.names(deleted=True))))

    def names(self, *, deleted: bool = False) -> list[str]:
        """Of all live projects, or of all deleted ones."""
        return sorted(project["name"] for project in self.projects(deleted=deleted))

    def projects(self, *, deleted: bool = False) -> list[dict[str, Any]]:
        params = {
            "org_id": self.place.environ["NEON_FREE_ORG_ID"],
            "limit": "400",
            "recoverable": str(deleted).lower(),
        }
        answer = httpx.get(self.url("/projects"), params=params, headers=self.key(), **LOCAL)
        found: list[dict[str, Any]] = answer.raise_for_status().json()["projects"]
        return found

    def clear(self) -> None:
        """Deletes every project for good, so that the next round begins with nothing."""
        for project in self.projects():
            url = self.url(f"/projects/{project['id']}")
            httpx.delete(url, headers=self.key(), **LOCAL).raise_for_status()
        if self.kept:
            forget_tenants(self.place.folder / REGISTRY)
        self.later(days=8)

    def later(self, **time: int) -> None:
        """Lets simulated time pass."""
        page = self.place.environ["NEON_API_HOST"].replace("/api/v2", "/_simulator/clock")
        httpx.post(page, json=time, **LOCAL).raise_for_status()

    def url(self, path: str) -> str:
        return f"{self.place.environ['NEON_API_HOST']}{path}"

    def key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.place.environ['FREE_ORG_API_KEY']}"}


def tenant_of(name: str) -> str:
    """The name that the tenant's own project has."""
    return name.partition("-duplicate-")[0]


def late(before: Counter[str], after: Counter[str], created: set[str]) -> Counter[str]:
    """What a run has found afterwards beside the one project that it has created of each of these."""
    return after - before - Counter(created)


def created_by(journal: Path) -> set[str]:
    """The projects of the tenants for which the run has sent a creation, by name."""
    lines = map(json.loads, journal.read_text(encoding="utf-8").splitlines() if journal.exists() else ())
    sent = [line for line in lines if line["line"] == "intent" and line["kind"] == "create_project"]
    return {f"myapp-{tenant}" for line in sent for tenant in line["tenants"]}


def creates(journal: Path) -> bool:
    """Whether the run has begun to create."""
    return journal.exists() and "create_project" in journal.read_text(encoding="utf-8")


def killed_again_and_again(folder: Path, seed: int, often: int, *, kept: bool) -> int:
    """Rounds until so many processes were killed; how many pairs there were."""
    with Lane.open(folder, seed, kept=kept) as lane:
        kills = 0
        while kills < often:
            assert lane.rounds < ROUNDS_FOR_A_KILL * often, "the applies are over before they are killed"
            hit = 0
            held = False
            try:
                hit = lane.round()
                held = True
            finally:
                figures.count(FIGURE, held=held, times=hit if held else 1)
            kills += hit
        return lane.pairs


def in_lanes(folder: Path, part: int, often: int, *, kept: bool, lanes: int) -> int:
    seeds = profiles.seeds(f"{FIGURE} {kept}", lanes, part)
    with ThreadPoolExecutor(lanes) as pool:
        begun = [pool.submit(killed_again_and_again, folder / str(n), n, often, kept=kept) for n in seeds]
        return sum(lane.result() for lane in begun)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param({"a": 1}, {}, id="it is there already"),
        pytest.param({"a": 1, "b": 1}, {}, id="the run creates it"),
        pytest.param({"a": 1, "b": 2}, {"b": 1}, id="it arrives beside the one that the run creates"),
        pytest.param({"a": 2, "b": 1}, {"a": 1}, id="it arrives where the run creates none"),
    ],
)
def test_what_arrives_late_is_counted(after: dict[str, int], expected: dict[str, int]) -> None:
    assert late(Counter({"a": 1}), Counter(after), {"b"}) == expected


@pytest.mark.parametrize("part", range(TESTS))
def test_a_pair_that_a_kill_leaves_is_healed(tmp_path: Path, part: int) -> None:
    pairs = in_lanes(tmp_path, part, KILLS, kept=False, lanes=LANES)
    assert pairs > 0 or KILLS * LANES < ENOUGH_KILLS, "these kills leave no pairs: they show nothing"


@pytest.mark.parametrize("part", range(TESTS))
def test_a_kill_leaves_no_pair_where_a_registry_is_kept(tmp_path: Path, part: int) -> None:
    required()
    assert in_lanes(tmp_path, part, KILLS_WHILE_WAITING, kept=True, lanes=WAITING_LANES) == 0
