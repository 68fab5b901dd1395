"""Plans and reports of a fleet of any size, as one sees them at work: what the pictures show."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Final

from reconciler.model.problem import Location
from reconciler.model.values import replace
from reconciler.plan.change import Risk
from reconciler.plan.plan import Budget, OrganizationRoom, Overview, Plan, Refusal, Rule, TenantPlan, TierOverview
from reconciler.views.view import PlanView, ReportView
from tests.unit.views import builders as build
from tests.unit.views.usages import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.plan.outcome import TenantOutcome

TIERS: Final = Location("tiers.yaml", 14)
BUSY: Final = "Neon answered 423: the project has running operations"
FULL: Final = "Neon answered 422: projects limit exceeded in organization paid"


def names(start: int, count: int) -> Iterator[str]:
    """``acme-00001``, ``birch-00002``: in a round of words."""
    for number, word in zip(range(start, start + count), cycle(WORDS), strict=False):
        yield f"{word}-{number:05}"


def price_change(name: str) -> TenantPlan:
    """What a tenant of tier pro gets when its line in the price list changes."""
    reason = "tier pro changed"
    return build.tenant(
        name,
        build.patch_compute(name, reason, build.change("compute.max_cu", 4, 8, Risk.DISRUPTIVE), source=TIERS),
        build.patch(
            name,
            reason,
            build.change("compute.max_cu", 4, 8),
            build.change("quota.data_transfer_bytes", 50 * build.GIB, 80 * build.GIB),
            source=TIERS,
        ),
        live=replace(build.project(f"myapp-{name}", organization="paid"), id=f"quiet-sun-{name[-5:]}"),
    )


def a_plan(changed: int) -> PlanView:
    """A new price of a tier, with what a pull request has beside it."""
    tenants = [
        *(build.tenant(name, build.create(name)) for name in names(90_000, 3)),
        *map(build.upgrade, names(91_000, 12)),
        *map(build.downgrade, names(92_000, 4)),
        *map(price_change, names(1, changed)),
        build.allow_list_change("gamma"),
        build.tenant("ember", build.delete("ember", "quiet-sun-11"), live=build.project("myapp-ember")),
    ]
    refused = tuple(names(93_000, 7))
    plan = build.plan(
        *sorted(tenants, key=lambda one: one.tenant),
        refusals=(*build.refusals(), _over_quota(refused)),
        conflicts=build.rich_plan().conflicts,
        notes=build.rich_plan().notes,
        budget=Budget(writes=2 * changed + 61, transfers=2, reads=96, seconds=changed / 5),
    )
    return PlanView(replace(plan, overview=overview(plan)), build.MADE)


def _over_quota(tenants: tuple[str, ...]) -> Refusal:
    lower = build.change("quota.data_transfer_bytes", 50 * build.GIB, 5 * build.GIB, lowering=True)
    return Refusal(
        rule=Rule.DOWNGRADE_PROOF,
        tenants=tenants,
        message="61GiB of data transfer were used this month, and the new quota is 5GiB: Neon would suspend it",
        remedy="accept: {suspension: true} in the tenant's file, or wait until 2026-12-01",
        actions=tuple(build.patch(name, "tier pro -> free", lower) for name in tenants),
    )


def overview(plan: Plan) -> Overview:
    """Four free tenants for each that changes, and a small tier beside."""
    changed = len(plan.tenants)
    free = 4 * changed
    tier_of = {planned.tenant: "pro" for planned in plan.tenants}
    tier_of |= {name: "pro" for refusal in plan.refusals for name in refusal.tenants}
    return Overview(
        tiers=(
            TierOverview("free", free, changed=4, suspended=free // 40, unchanged=free - 4 - free // 40),
            TierOverview("pro", changed + 120, changed=changed - 4, refused=9, undecided=1, unchanged=114),
            TierOverview("scale", 96, unchanged=96),
        ),
        organizations=(
            OrganizationRoom("free", free + 31, free + 23, round(1.08 * free)),
            OrganizationRoom("paid", changed + 216, changed + 226, None),
        ),
        tier_of=tier_of | dict.fromkeys(names(92_000, 4), "free"),
    )


def a_report(applied: int) -> ReportView:
    """A run in which some tenants failed."""
    outcomes: list[TenantOutcome] = [
        *(build.failed(build.upgrade(name), after=1, message=BUSY) for name in names(91_000, 5)),
        *(build.failed(build.upgrade(name), after=0, message=FULL) for name in names(91_100, 2)),
        *(build.skipped(price_change(name), "the run stopped before its turn") for name in names(60_000, 140)),
        *(build.applied(price_change(name), project_id=f"quiet-sun-{name[-5:]}") for name in names(1, applied)),
        *(build.unchanged(price_change(name)) for name in names(50_000, 30)),
    ]
    report = replace(
        build.rich_report(), outcomes=(*build.rich_report().outcomes, *outcomes), calls=2 * applied + 318
    )
    tiers = {
        outcome.tenant: "free" if number % 9 == 0 else "pro" for number, outcome in enumerate(report.outcomes)
    }
    return ReportView(report, "log/7f3a91.jsonl", tier_of=tiers)
