"""A price change of 500 tenants in waves, on virtual time: bad ones, and good ones among other faults.

The account is seeded once. Neon's counters lag by an hour, as in the simulator, so each wave is left alone for
70 minutes. What a compute does after a change is no business of the simulator's routes: failed starts and stuck
operations are put into the answers on the way.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, Final

import msgspec

from reconciler.apply.journals.audit import WriteFilter, audit
from reconciler.apply.run.wave_options import Bake
from reconciler.apply.waves.waves import read_waves
from reconciler.desired.tier import Tier
from reconciler.fleet import Fleet, Request, RunOptions
from reconciler.fleet.rollback import RunToUndo
from reconciler.model.annotations import creation_annotations
from reconciler.model.compute import Compute
from reconciler.model.quota import Quota
from reconciler.model.values import replace
from reconciler.neon.answers import Answer
from reconciler.plan.harm import HarmLimit
from reconciler.plan.permissions import Permissions
from reconciler.simulator.metering.usage import Workload
from reconciler.simulator.seed import ProjectSeed
from tests.faults.direct_calls import answered, direct_client
from tests.harness.builders import DAY, GIB, HERE, a_fleet, a_tenant
from tests.harness.runs import now
from tests.harness.simulated import simulated_compute, simulated_quota
from tests.harness.stored import Stored
from tests.harness.trial_account import trial_account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.neon.answers import Exchange
    from reconciler.plan.outcome import Report
    from tests.harness.trial_account import TrialAccount

TENANTS: Final = 500
BAKE: Final = Bake(70 * 60.0, HarmLimit())
WAVES: Final = read_waves("1,1%,10%,100%")
WITHIN: Final = TENANTS // 100
HOUR: Final = 3600
BYTES_PER_HOUR: Final = 4_000_000
ENOUGH: Final = Permissions(counts=dict.fromkeys(("disruptive", "transfers", "deletes"), TENANTS))
QUOTA: Final = Quota(active_time_seconds=400 * HOUR, data_transfer_bytes=50 * GIB, logical_size_bytes=10 * GIB)
PRO: Final = Tier("pro", "paid", HERE, quota=QUOTA, compute=Compute(0.5, 4.0, 300), restore_window_seconds=DAY)
NAMES: Final = tuple(f"t{number:04}" for number in range(TENANTS))
NEAR: Final = 1800
"""Seconds of use that a tenant near a lower quota has left when the plan is made. When its wave begins, its
counters do not show yet that the quota is used up."""
PROJECT: Final = re.compile(r"/projects/([^/]+)")


def fleet_of(tier: Tier) -> DesiredState:
    """All tenants in this tier."""
    return a_fleet(*(a_tenant(name, "pro") for name in NAMES), tiers=(tier,))


@cache
def seeded() -> bytes:
    """The account before: four of five tenants are near 100 hours, and as many near 10 GiB."""
    account = trial_account()
    account.restart()
    random = Random(1)  # noqa: S311
    for name in NAMES:
        hours, gibs = random.random() < 0.8, random.random() < 0.8
        usage = {
            "active_time_seconds": 100 * HOUR - NEAR if hours else 3 * HOUR,
            "data_transfer_bytes": 10 * GIB - NEAR * BYTES_PER_HOUR // HOUR if gibs else GIB,
        }
        account.simulator.add_project(
            "paid",
            ProjectSeed(
                f"myapp-{name}",
                quota=simulated_quota(QUOTA),
                compute=simulated_compute(PRO.compute),
                restore_window_seconds=DAY,
                annotations=creation_annotations(fleet="prod", tenant=name, run="run0"),
                usage=usage,
                workload=Workload(1.0, 0.5, transferred_bytes_per_hour=float(BYTES_PER_HOUR)),
            ),
        )
    return account.stored()


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the tier, and what it does to a tenant besides."""

    tier: Tier
    hurts: float = 0.0
    """The share of the changed tenants that get the symptom."""
    symptom: str = ""
    """``wakes``: its compute fails to start. ``locks``: an operation never ends."""


def _with(**members: Any) -> Tier:
    quota = replace(QUOTA, **{name: value for name, value in members.items() if hasattr(QUOTA, name)})
    rest = {name: value for name, value in members.items() if not hasattr(QUOTA, name)}
    return replace(PRO, quota=quota, **rest)


BAD: Final[Mapping[str, Callable[[Random], Change]]] = {
    "a quota of time that is soon used up": lambda _: Change(_with(active_time_seconds=100 * HOUR)),
    "a quota of transfer that is soon used up": lambda _: Change(_with(data_transfer_bytes=10 * GIB)),
    "a compute that does not wake": lambda random: Change(
        _with(compute=Compute(0.25, 0.25, 300)), random.uniform(0.9, 1.0), "wakes"
    ),
    "a window whose change locks the project": lambda random: Change(
        _with(restore_window_seconds=7 * DAY), random.uniform(0.9, 1.0), "locks"
    ),
}
GOOD: Final[Mapping[str, Callable[[Random], Change]]] = {
    "a higher quota": lambda random: Change(_with(active_time_seconds=random.choice((500, 700)) * HOUR)),
    "a lower quota with room": lambda random: Change(_with(data_transfer_bytes=random.choice((20, 30)) * GIB)),
    "another compute": lambda random: Change(_with(compute=Compute(0.5, random.choice((2.0, 8.0)), 300))),
    "a longer window": lambda random: Change(_with(restore_window_seconds=random.choice((2, 7)) * DAY)),
}
NOISES: Final = (0.0, 0.0, 0.005, 0.02, 0.05)
"""The share of all tenants that have a failed start of their own within a bake."""


@dataclass(slots=True)
class Rollout:
    """One trial: what the run was told, did, and left."""

    account: TrialAccount
    change: Change
    noise: float
    random: Random
    outage_after: float | None = None
    """Seconds after which a third of all tenants fail to start: an outage of Neon."""
    patched: set[str] = field(default_factory=set)
    sick: dict[str, bool] = field(default_factory=dict)
    begun: float = 0.0

    async def carry(self, exchange: Exchange) -> Answer:
        """The answer of the account, with the operations of sick computes in it."""
        answer = answered(self.account.world, exchange)
        found = PROJECT.match(
            exchange.call.path_template.replace("{project_id}", exchange.call.ids.get("project_id", ""))
        )
        if found is None:
            return answer
        if exchange.call.method == "PATCH":
            self.patched.add(found[1])
        if exchange.call.method == "GET" and exchange.call.path_template.endswith("/operations"):
            return self._with_operations(answer, found[1])
        return answer

    def _with_operations(self, answer: Answer, project_id: str) -> Answer:
        told = msgspec.json.decode(answer.body)
        told["operations"] = [*self._of_sick(project_id), *told["operations"]]
        return Answer(answer.status, answer.headers, msgspec.json.encode(told))

    def _of_sick(self, project_id: str) -> list[dict[str, Any]]:
        locks = self._is_sick(project_id, "change", self.change.hurts if project_id in self.patched else 0.0)
        if locks and self.change.symptom == "locks":
            return [self._operation(project_id, "apply_storage_config", "running")]
        late = self.outage_after is not None and self.account.now - self.begun > self.outage_after
        own = self._is_sick(project_id, "own", self.noise) or (late and self._is_sick(project_id, "outage", 1 / 3))
        return [self._operation(project_id, "start_compute", "failed")] if locks or own else []

    def _is_sick(self, project_id: str, why: str, share: float) -> bool:
        return share > 0 and self.sick.setdefault(f"{why} {project_id}", self.random.random() < share)

    def _operation(self, project_id: str, action: str, status: str) -> dict[str, Any]:
        at = now().replace(microsecond=0).timestamp() - 300
        return {
            "id": "12345678-1234-1234-1234-123456789abc",
            "project_id": project_id,
            "action": action,
            "status": status,
            "failures_count": 1,
            "created_at": _text(at),
            "updated_at": _text(at),
            "total_duration_ms": 0,
        }

    def values(self) -> dict[str, Any]:
        """What every project is given, by its name."""
        stored = Stored.of(self.account.simulator)
        found: dict[str, Any] = {}
        for row in stored.rows("projects"):
            kept = ("settings", "default_endpoint_settings", "history_retention_seconds", "org_id")
            found[row["id"]] = [row["name"], {key: row["body"][key] for key in kept}]
        for row in stored.rows("endpoints"):
            sizes = [row["body"]["autoscaling_limit_min_cu"], row["body"]["autoscaling_limit_max_cu"]]
            found[row["project_id"]].append(sizes)
        return found


def _text(at: float) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415

    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a trial ended."""

    report: Report
    reached: int
    """Tenants whose values differ from before, when the run had ended."""
    left: int
    """The same of the tenants of the harmful wave after the rollback."""


async def rolled_out(folder: Path, seed: int, kind: Callable[[Random], Change], *, noisy: bool) -> Ended:
    """Carries the change out in waves; if a wave is harmful, takes it back."""
    random = Random(seed)  # noqa: S311
    account = trial_account()
    account.restart(seeded())
    change = kind(random)
    noise = random.choice(NOISES) if noisy else 0.0
    outage = random.choice((None, None, 0.0, 5000.0)) if noisy else None
    trial = Rollout(account, change, noise, random, outage)
    async with direct_client(account.ids, trial.carry, random) as neon:
        fleet = Fleet(fleet_of(change.tier), neon, now=now)
        request = Request(base=fleet_of(PRO), permissions=ENOUGH)
        before, trial.begun = trial.values(), account.now
        planned = await fleet.plan(request)
        assert len(planned.plan.tenants) == TENANTS, planned.plan.refusals[:1]
        journal = folder / f"{seed}.jsonl"
        report = await fleet.apply(planned, RunOptions(id=f"r{seed}", journal=journal, waves=WAVES, bake=BAKE))
        reached = _differing(before, trial.values())
        if report.harm is None:
            return Ended(report, len(reached), 0)
        writes = audit([journal], WriteFilter(run=report.run, wave=report.harm.wave)).writes
        of_wave = {project_id for write in writes for project_id in write.project_ids}
        trial.change = dataclasses.replace(change, hurts=0.0)
        back = await fleet.plan_rollback(RunToUndo(report.run, writes), request=request)
        await fleet.apply(back, RunOptions(id=f"b{seed}", journal=journal))
        return Ended(report, len(reached), len(_differing(before, trial.values()) & of_wave))


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    return {key for key, value in after.items() if value != before[key]}
