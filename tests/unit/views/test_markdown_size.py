"""Markdown of 30,000 changes fits into a comment, planned or applied; text and JSON list all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from reconciler.model.problem import Location
from reconciler.model.values import replace
from reconciler.plan.change import Origin, Risk
from reconciler.plan.outcome import Harm, HarmedTenant
from reconciler.plan.plan import Authored, Conflict, Note, Orphan, Refusal, Rule, TenantTier, Waiting
from reconciler.views import markdown
from reconciler.views.view import PlanView, ReportView, UsageView
from tests import profiles
from tests.unit.views import builders as build
from tests.unit.views import usages
from tests.unit.views.rendered import rendered

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.plan.outcome import Report, TenantOutcome
    from reconciler.plan.plan import Plan, TenantPlan

MANY: Final = profiles.size(3_000, 30_000, 30_000)
COMMENT: Final = 65_536
"""Characters of a comment (GitHub)."""
SUMMARY: Final = 2**20
"""Bytes of the summary of a job (GitHub)."""
NAMES: Final = [f"tenant-{number:05}" for number in range(MANY)]
LONGEST: Final = [name.ljust(128, "x") for name in NAMES]
"""Names may have 128 characters."""
WIDE: Final = "\U0001f9d1\u200d\U0001f680"
"""Each character of it takes up to ten when it is written out."""


def resized(name: str, after: float, *, origin: Origin = Origin.CONFIG) -> TenantPlan:
    return build.tenant(name, build.patch(name, "r", build.change("compute.max_cu", 1, after, origin=origin)))


def shortened(name: str) -> TenantPlan:
    """Its restore window gets shorter: older history is lost."""
    less = build.change("restore_window_seconds", 7 * build.DAY, build.DAY, Risk.DESTRUCTIVE, lowering=True)
    return build.tenant(name, build.patch(name, "tier pro", less, build.change("name", name, f"new-{name}")))


def mixed(number: int, name: str) -> TenantPlan:
    """One of six kinds, with a value of its own."""
    kinds: tuple[Callable[[], TenantPlan], ...] = (
        lambda: resized(name, 2 + number),
        lambda: resized(name, 2, origin=Origin.DRIFT),
        lambda: build.upgrade(name),
        lambda: build.downgrade(name),
        lambda: build.tenant(name, build.create(name)),
        lambda: build.tenant(name, build.delete_branch(name, f"preview-{number}")),
    )
    return kinds[number % len(kinds)]()


def authored(names: list[str]) -> tuple[Authored, ...]:
    return tuple(Authored(Location(f"{name}.yaml", 2), None, name, "tier", name * 3, WIDE, WIDE) for name in names)


SHAPES: Final[dict[str, Callable[[], Plan]]] = {
    "the same change": lambda: build.plan(*(resized(name, 2) for name in NAMES)),
    "another value each": lambda: build.plan(*(resized(name, 2 + n) for n, name in enumerate(NAMES))),
    "a deletion each": lambda: build.plan(*(build.tenant(one, build.delete(one, f"p-{one}")) for one in LONGEST)),
    "history lost": lambda: build.plan(*map(shortened, LONGEST)),
    "of every kind": lambda: build.plan(
        *(mixed(number, name) for number, name in enumerate(NAMES)),
        tiers={name: TenantTier(f"tier-{number}", "free", {}) for number, name in enumerate(NAMES)},
        authored=authored(NAMES),
    ),
    "refused for a reason each": lambda: build.plan(
        refusals=tuple(
            Refusal(Rule.PROTECTED, (one,), f"because {one} {WIDE * 200}", WIDE, (build.delete(one, one),))
            for one in LONGEST
        )
    ),
    "what else is found": lambda: build.plan(
        conflicts=tuple(Conflict(name, WIDE * 300, WIDE, build.at(name)) for name in NAMES),
        notes=tuple(Note(name, f"{name} {WIDE * 100}", build.at(name)) for name in NAMES),
        orphans=tuple(Orphan(build.project(name), name, owned=None) for name in NAMES),
        waiting=tuple(Waiting(name, WIDE * 50, (name,), changed=True) for name in NAMES),
    ),
}


@pytest.mark.drawn(2)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_plan_of_many_changes_fits_into_a_comment(shape: str) -> None:
    text = markdown.render(PlanView(SHAPES[shape]()))
    assert len(text) < COMMENT
    assert len(text.encode()) < SUMMARY
    assert f"{MANY:,}" in text or f"{MANY // 6:,} to create" in text
    assert rendered(text).elements


def test_a_list_that_is_cut_says_so() -> None:
    plan = build.plan(*(build.tenant(one, build.delete(one, f"p-{one}")) for one in NAMES[:3000]))
    text = markdown.render(PlanView(plan))
    shown = text.count("delete project `p-")
    assert f"and {3000 - shown:,} more tenants: the plan as JSON, and as text with" in text


def test_what_destroys_something_is_the_last_to_be_cut() -> None:
    safe = [resized(name, 2 + number) for number, name in enumerate(NAMES[:2000])]
    deleted = [build.tenant(one, build.delete(one, f"p-{one}")) for one in NAMES[2000:2400]]
    text = markdown.render(PlanView(build.plan(*safe, *deleted)))
    assert len(text) < COMMENT
    assert all(f"`p-{name}`" in text for name in NAMES[2000:2400])


def test_full_lists_everything() -> None:
    names = NAMES[:2000]
    text = markdown.render(PlanView(build.plan(*map(shortened, names))), full=True)
    assert all(f"`{name}`" in text for name in names)
    assert " more" not in text


REPORTS: Final[dict[str, Callable[[], Report]]] = {
    "applied": lambda: build.report(*(build.applied(build.price_change(name)) for name in NAMES)),
    "deleted": lambda: build.report(*map(deleted, LONGEST)),
    "failed for a reason each": lambda: build.report(*(failed(name, f"{name} {WIDE * 200}") for name in LONGEST)),
    "failed alike": lambda: build.report(*(failed(name, WIDE * 200) for name in LONGEST)),
    "skipped for a reason each": lambda: build.report(
        *(build.skipped(build.price_change(name), f"{name} {WIDE * 200}") for name in LONGEST)
    ),
    "with a warning each": lambda: build.report(
        *(build.with_message(build.applied(build.price_change(name)), f"{name} {WIDE * 200}") for name in LONGEST)
    ),
    "worse off since a wave": lambda: replace(
        build.report(*(build.applied(build.price_change(name)) for name in LONGEST)),
        harm=Harm("7f3a91", 1, MANY, 0, 0, tuple(HarmedTenant(one, (f"{one} {WIDE}",)) for one in LONGEST)),
    ),
}


def deleted(name: str) -> TenantOutcome:
    return build.applied(build.tenant(name, build.delete(name, f"p-{name}")), until=build.MADE.at)


def failed(name: str, message: str) -> TenantOutcome:
    return build.failed(build.price_change(name), after=0, message=message)


@pytest.mark.drawn(2)
@pytest.mark.parametrize("shape", REPORTS)
def test_a_report_of_many_tenants_fits_into_a_comment(shape: str) -> None:
    text = markdown.render(ReportView(REPORTS[shape](), "run.jsonl"))
    assert len(text) < COMMENT
    assert len(text.encode()) < SUMMARY
    assert f"{MANY:,}" in text
    assert "Journal:" in text
    assert "run.jsonl" in text
    assert "<details" in text
    assert rendered(text).elements


def test_a_report_that_is_cut_counts_tenants() -> None:
    outcomes = [failed(name, f"{name} answered 500 {WIDE * 20}") for name in NAMES[:3000]]
    text = markdown.render(ReportView(build.report(*outcomes), "run.jsonl"))
    shown = text.count("failed at:")
    assert shown > 20
    assert f"and {3000 - shown:,} more tenants: the report as JSON, and as text with" in text


def test_failures_are_cut_after_what_was_skipped() -> None:
    outcomes = [
        *(build.skipped(build.price_change(name), f"because of {name}") for name in NAMES[:2000]),
        *(failed(name, f"{name} answered 500") for name in NAMES[2000:2150]),
    ]
    text = markdown.render(ReportView(build.report(*outcomes), "run.jsonl"))
    assert len(text) < COMMENT
    assert all(f"`req-{name}`" in text for name in NAMES[2000:2150])


def test_a_full_report_names_everybody() -> None:
    outcomes = [build.applied(build.price_change(name)) for name in NAMES[:2000]]
    text = markdown.render(ReportView(build.report(*outcomes), "run.jsonl"), full=True)
    assert all(f"`{name}`" in text for name in NAMES[:2000])


@pytest.mark.drawn(1)
@pytest.mark.parametrize("called", [NAMES, LONGEST], ids=["short names", "long names"])
def test_a_usage_of_many_tenants_fits_into_a_comment(called: list[str]) -> None:
    text = markdown.render(UsageView(usages.at_limits(called)))
    assert len(text) < COMMENT
    assert f"{MANY:,} tenants looked at" in text
    assert f"Suspended ({MANY // 4:,})" in text
    assert "more: the usage as JSON, and as text with" in text


def test_a_full_usage_names_everybody() -> None:
    text = markdown.render(UsageView(usages.at_limits(NAMES[:2000])), full=True)
    assert all(f"`{name}`" in text for name in NAMES[:2000])
    assert " more" not in text
