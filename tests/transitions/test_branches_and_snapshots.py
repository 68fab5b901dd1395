"""Branches, snapshots and names: what has a name is there or is not, as the files state it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.simulator.behaviour import Behaviour
from tests import figures
from tests.harness.builders import NOON
from tests.transitions.account import NEIGHBOUR, an_account
from tests.transitions.verdict import held_back, of_neighbour

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.transitions.account import Account, Round
    from tests.transitions.answers import Answers

TENANTS: Final = 12
STEPS: Final = 6
HOUR: Final = timedelta(hours=1)
NAMES: Final = ("a", "b", "Ümlaut", "with space", "x" * 128)
"""Snapshots have others: a branch that is called a snapshot counts as one."""
TIER: Final = {"organization": "paid", "restore_window": "7d"}


@dataclass(frozen=True, slots=True)
class Copies:
    """The branches and snapshots that a tenant's file declares, by name, each with its other keys."""

    branches: Mapping[str, Mapping[str, str]]
    snapshots: Mapping[str, Mapping[str, str]]
    taken: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Snapshots that were declared at some time: none is deleted because it is not declared any more."""

    def document(self, tenant: str) -> dict[str, Any]:
        """The tenant's file."""
        both = {"dev_branches": self.branches, "snapshots": self.snapshots}
        written = {key: [{"name": name, **entry} for name, entry in one.items()] for key, one in both.items()}
        return {"tenant": tenant, "tier": "pro", **written}


def moved(now: Copies, random: Random, step: int) -> Copies:
    """One branch and one snapshot more or less. What has children stays; ``at`` is in the project's life."""
    branches, snapshots, taken = dict(now.branches), dict(now.snapshots), dict(now.taken)
    name = random.choice(NAMES)
    if name not in branches:
        branches[name] = random.choice([{}, _at(random, step), *({"parent": one} for one in now.branches)])
    elif all(entry.get("parent") != name for entry in branches.values()):
        del branches[name]
    name = f"of {random.choice(NAMES)}"
    if name in snapshots:
        del snapshots[name]
    else:
        snapshots[name] = taken.setdefault(name, random.choice([{}, _at(random, step)]))
    return Copies(branches, snapshots, taken)


def _at(random: Random, step: int) -> dict[str, str]:
    """A moment between two earlier steps, which are an hour apart."""
    if step == 0:
        return {}
    return {"at": (NOON + (random.randrange(step) + 0.5) * HOUR).isoformat()}


def findings(tenant: str, copies: Copies, round_: Round) -> Iterator[str]:
    """What is not as declared."""
    after = round_.answers[tenant]
    if tenant in round_.desired.held_back or held_back(round_.plan, tenant):
        yield f"refused: {round_.problems.get(tenant)} {held_back(round_.plan, tenant)}"
    if any(planned.tenant == tenant for planned in round_.second.tenants) or held_back(round_.second, tenant):
        yield "the second plan is not empty"
    live = {name: branch for name, branch in after.branches.items() if not branch["default"]}
    if live.keys() != copies.branches.keys():
        yield f"branches {sorted(live)}, declared {sorted(copies.branches)}"
        return
    for name, entry in copies.branches.items():
        yield from _of_branch(name, entry, after)
    taken = {snapshot["name"]: snapshot for snapshot in after.snapshots}
    if taken.keys() != copies.taken.keys() or len(taken) < len(after.snapshots):
        yield f"snapshots {sorted(taken)}, declared {sorted(copies.taken)}"
        return
    for name, entry in copies.snapshots.items():
        if "at" in entry and not _same_moment(taken[name]["timestamp"], entry["at"]):
            yield f"snapshot {name}: {entry}, and is of {taken[name]['timestamp']}"


def _of_branch(name: str, entry: Mapping[str, str], after: Answers) -> Iterator[str]:
    ids = {branch["id"]: one for one, branch in after.branches.items()}
    parent = ids[after.branches[name]["parent_id"]]
    if parent != entry.get("parent", "main"):
        yield f"branch {name}: {entry}, and its parent is {parent}"
    if "at" in entry and not _same_moment(after.branches[name]["parent_timestamp"], entry["at"]):
        yield f"branch {name}: {entry}, and is of {after.branches[name]['parent_timestamp']}"


def _same_moment(told: str, stated: str) -> bool:
    return told.removesuffix("Z") == stated.removesuffix("+00:00")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(1, 8))])
def test_branches_and_snapshots_come_and_go_as_declared(seed: int) -> None:
    random, found = Random(seed), []  # noqa: S311
    states = {f"t{number}": Copies({}, {}) for number in range(TENANTS)}
    with an_account(Behaviour(rate_limit=None)) as account:
        for step in range(STEPS):
            states = {name: moved(copies, random, step) for name, copies in states.items()}
            round_ = account.run({"pro": TIER}, {name: copies.document(name) for name, copies in states.items()})
            found += [*of_neighbour(round_), *round_.refused]
            for name, copies in states.items():
                found += [f"step {step}: {name}: {line}" for line in findings(name, copies, round_)]
            account.wait(HOUR.total_seconds())
        figures.count("transitions of branches and snapshots", held=not found, times=TENANTS * STEPS * 2)
        assert not found, "\n".join(found)


def test_projects_are_renamed_where_the_pattern_changes() -> None:
    tenants = {name: {"tenant": name, "tier": "pro"} for name in ("acme", "jane@example.com", "x" * 128)}
    with an_account(Behaviour(rate_limit=None)) as account:
        earlier: list[str] = []
        for pattern in ("myapp-{tenant}", "app-{tenant}", "other-{tenant}", "myapp-{tenant}"):
            naming = {"project": pattern, "previous": [one for one in earlier if one != pattern]}
            round_ = account.run({"pro": TIER}, tenants, naming=naming)
            assert round_.second.empty
            assert not round_.refused
            told = {answers.project["name"] for answers in round_.answers.values()}
            assert told == {pattern.format(tenant=name) for name in (*tenants, NEIGHBOUR)}
            earlier.append(pattern)


def test_projects_are_renamed_where_the_pattern_of_a_tier_changes() -> None:
    tenant = {"acme": {"tenant": "acme", "tier": "trial"}}
    with an_account(Behaviour(rate_limit=None)) as account:
        earlier: list[str] = []
        for pattern in (None, "trial-{tenant}", "{tier}_{organization}-{tenant}", None):
            naming = {"project": "myapp-{tenant}", "previous": [one for one in earlier if one != pattern]}
            trial = TIER if pattern is None else TIER | {"naming": pattern}
            round_ = account.run({"pro": TIER, "trial": trial}, tenant, naming=naming)
            assert round_.second.empty
            assert not round_.refused
            filled = (pattern or "myapp-{tenant}").format(tenant="acme", tier="trial", organization="paid")
            assert round_.answers["acme"].project["name"] == filled
            earlier += [] if pattern is None else [pattern]


@pytest.mark.parametrize("branch", ["main", "trunk", "größer", "x" * 256])
def test_a_new_project_gets_the_defaults_of_the_files(branch: str) -> None:
    defaults = {"branch": branch, "region": "azure-gwc", "pg_version": 14, "database": "one two", "role": "owner"}
    with an_account(Behaviour(rate_limit=None)) as account:
        round_ = account.run({"pro": TIER}, {"acme": {"tenant": "acme", "tier": "pro"}}, defaults=defaults)
        answers = round_.answers["acme"]
        assert (round_.second.empty, round_.refused) == (True, ())
        assert list(answers.branches) == [branch]
        assert (answers.project["region_id"], answers.project["pg_version"]) == ("azure-gwc", 14)
        assert answers.owners == {"one two": "owner"}


def test_a_branch_that_was_renamed_in_the_console_gets_its_name_back() -> None:
    copies = Copies({"a": {}}, {})
    with an_account(Behaviour(rate_limit=None)) as account:
        account.run({"pro": TIER}, {"acme": copies.document("acme")})
        rename(account, "a", "b")
        round_ = account.run({"pro": TIER}, {"acme": copies.document("acme")})
        assert list(findings("acme", copies, round_)) == []
        second = replace(copies, branches={})
        assert list(findings("acme", second, account.run({"pro": TIER}, {"acme": second.document("acme")}))) == []


def rename(account: Account, branch: str, name: str) -> None:
    """Give a branch of tenant acme another name, as a person does in the console."""

    async def main() -> None:
        async with account.world.http() as http:
            found = (await http.get("/projects", params={"search": "myapp-acme", "org_id": paid})).json()[
                "projects"
            ]
            path = f"/projects/{found[0]['id']}/branches"
            ids = {one["name"]: one["id"] for one in (await http.get(path)).json()["branches"]}
            answer = await http.patch(f"{path}/{ids[branch]}", json={"branch": {"name": name}})
            answer.raise_for_status()

    paid = account.world.simulator.organization_ids["paid"]
    account.world.run(main())
    account.wait(1)
