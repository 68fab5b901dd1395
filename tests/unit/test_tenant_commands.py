"""A command on one tenant: planned from a request, guarded by the files, carried out like every plan."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from reconciler.desired.tenant import Hold
from reconciler.errors import InvalidInputError, NoOwnProjectError
from reconciler.fleet import Fleet, RunOptions
from reconciler.model import moments
from reconciler.model.values import replace
from reconciler.plan.actions.snapshot import CreateSnapshot, DeleteSnapshot
from reconciler.plan.change import FieldChange, Origin
from reconciler.plan.concerns.snapshots import NAME as SNAPSHOTS
from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule
from reconciler.simulator.seed import ProjectSeed
from tests.harness.account import API, World, world
from tests.harness.builders import DAY, a_branch, a_fleet, a_tenant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.fleet import Planned
    from reconciler.plan.commanded import Subject
    from reconciler.plan.comparison import Finding

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Keep:
    """Takes a snapshot, and another in its place where there is one of the name."""

    tenant: str
    name: str = "keep"

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """A deletion for each snapshot, and a new one where there was none."""
        told: dict[str, Any] = {"tenant": self.tenant, "reason": "asked", "source": subject.tenant.location}
        change = FieldChange(f"{SNAPSHOTS}.kept", None, "present", origin=Origin.COMMAND)
        lowering = replace_change(change)
        for snapshot in subject.project.snapshots or ():
            yield DeleteSnapshot(
                **told, changes=(lowering,), snapshot=snapshot.name, snapshot_id=snapshot.id, before_transfer=True
            )
        branch = subject.project.default_branch
        assert branch is not None
        yield CreateSnapshot(**told, changes=(change,), snapshot="kept", branch=branch.name)


def replace_change(change: FieldChange) -> FieldChange:
    """The same change as a reduction."""
    return FieldChange(change.path, change.after, None, lowering=True, origin=change.origin)


def _keep(tenant: str, _at: datetime) -> Keep:
    return Keep(tenant)


class Platform:
    """A platform with one free project, of acme."""

    def __init__(self, neon: World, folder: Path, desired: DesiredState) -> None:
        self.neon = neon
        self.folder = folder
        self.desired = desired
        created_at = neon.simulator.clock.now() - DAY
        note = a_branch("p-acme").annotations
        self.neon.simulator.add_project(
            "free", ProjectSeed("myapp-acme", annotations={**note, "tenant": "acme"}, created_at=created_at)
        )

    def using(self, use: Callable[[Fleet], Awaitable[T]]) -> T:
        """What comes of using a connection."""

        async def main() -> T:
            environ, via = self.neon.environ, self.neon.via
            async with Fleet.connect(self.desired, environ=environ, host=API.host, via=via) as fleet:
                return await use(fleet)

        return self.neon.run(main())

    def run(self, name: str = "r1") -> RunOptions:
        """A run with a journal of its own."""
        return RunOptions(id=name, journal=self.folder / f"{name}.jsonl")

    def planned(self, tenant: str = "acme") -> Planned:
        """The plan of the command."""
        return self.using(lambda fleet: fleet.plan_command(tenant, _keep))

    def carried_out(self, name: str = "r1", *, after_seconds: float = 0.0) -> Result:
        """What became of the tenant; ``after_seconds`` is how long a person thinks."""

        async def use(fleet: Fleet) -> Result:
            planned = await fleet.plan_command("acme", _keep)
            await asyncio.sleep(after_seconds)
            report = await fleet.carry_out(planned, self.run(name))
            return report.outcomes[0].result

        return self.using(use)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with world() as neon:
        yield Platform(neon, tmp_path, a_fleet(a_tenant("acme"), a_tenant("bob")))


def test_a_command_reads_everything_below_the_project_and_lists_nothing(platform: Platform) -> None:
    planned = platform.planned()
    project = planned.plan.tenants[0].project
    assert project is not None
    assert None not in (project.branches, project.endpoints, project.snapshots)
    assert planned.live.listed == {}
    assert [type(action) for action in planned.plan.actions] == [CreateSnapshot]
    assert (planned.plan.command, planned.plan.budget.writes) == ("keep", 1)


def test_it_is_made_from_the_time_of_the_plan(platform: Platform) -> None:
    times: list[datetime] = []

    def asked(tenant: str, now: datetime) -> Keep:
        times.append(now)
        return Keep(tenant)

    planned = platform.using(lambda fleet: fleet.plan_command("acme", asked))
    assert times == [planned.at]


def test_it_is_carried_out_with_a_journal(platform: Platform) -> None:
    assert platform.carried_out() is Result.APPLIED
    lines = [json.loads(line) for line in (platform.folder / "r1.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines if line["line"] == "intent"] == ["create_snapshot"]
    assert [snapshot.name for snapshot in platform.planned().plan.tenants[0].project.snapshots] == ["kept"]  # type: ignore[union-attr]


def test_a_person_who_thinks_for_long_has_it_planned_again_from_the_same_request(platform: Platform) -> None:
    """The plan of the files has no such action: a late turn would otherwise find nothing left to do."""
    assert platform.carried_out(after_seconds=3600.0) is Result.APPLIED
    before = platform.neon.writes()

    async def meanwhile(fleet: Fleet) -> Result:
        planned = await fleet.plan_command("acme", _keep)
        await fleet.carry_out(planned, platform.run("r2"))
        await asyncio.sleep(60.0)
        report = await fleet.carry_out(planned, platform.run("r3"))
        return report.outcomes[0].result

    assert platform.using(meanwhile) is Result.SKIPPED, "the snapshot to delete is another one by now"
    deletions = [call for call in platform.neon.writes()[len(before) :] if call.startswith("DELETE")]
    assert len(deletions) == 1


@pytest.mark.parametrize("at_the_base", [False, True])
def test_what_takes_something_from_a_protected_tenant_is_refused(platform: Platform, at_the_base: bool) -> None:
    from reconciler.fleet import Request  # noqa: PLC0415

    assert platform.carried_out() is Result.APPLIED
    protected = a_fleet(a_tenant("acme", protect=True), a_tenant("bob"))
    request = Request(base=protected) if at_the_base else Request()
    platform.desired = platform.desired if at_the_base else protected
    planned = platform.using(lambda fleet: fleet.plan_command("acme", _keep, request=request))
    assert [refusal.rule for refusal in planned.plan.refusals] == [Rule.PROTECTED]
    assert planned.plan.refusals[0].asked_for
    assert planned.plan.empty


def test_so_is_one_whose_file_is_older_than_what_was_accepted(platform: Platform) -> None:
    platform.desired = a_fleet(a_tenant("acme", revision=3))

    async def main() -> Planned:
        connected = Fleet.connect(
            platform.desired,
            environ=platform.neon.environ,
            host=API.host,
            via=platform.neon.via,
            applied={"acme": 4},
        )
        async with connected as fleet:
            return await fleet.plan_command("acme", _keep)

    planned = platform.neon.run(main())
    assert [refusal.rule for refusal in planned.plan.refusals] == [Rule.STALE_REVISION]


def test_a_tenant_without_a_project_and_one_that_no_file_declares_are_errors(platform: Platform) -> None:
    with pytest.raises(NoOwnProjectError, match="tenant bob has no project"):
        platform.planned("bob")
    with pytest.raises(InvalidInputError, match="no file declares tenant 'cyd'"):
        platform.planned("cyd")


def test_a_project_that_only_its_name_finds_is_not_touched(platform: Platform) -> None:
    platform.neon.simulator.add_project("free", ProjectSeed("myapp-bob"))
    with pytest.raises(NoOwnProjectError, match="found by its name only"):
        platform.planned("bob")


def test_a_revision_is_not_accepted_by_a_command(platform: Platform) -> None:
    platform.desired = replace(platform.desired, tenants=dict(a_fleet(a_tenant("acme", revision=3)).tenants))
    assert platform.planned().plan.tenants[0].revision is None


def test_nothing_is_done_to_a_tenant_that_is_held_until_the_hold_ends(platform: Platform) -> None:
    for until, rules in ((moments.LAST, [Rule.HELD]), (moments.FIRST, [])):
        platform.desired = a_fleet(a_tenant("acme", hold=Hold(until, "a dispute")), a_tenant("bob"))
        plan = platform.planned().plan
        assert [refusal.rule for refusal in plan.refusals] == rules
        assert plan.empty is bool(rules)
