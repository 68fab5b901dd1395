"""Saved plans: written by the view, read back, and refused where they are none."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.show import read_saved_plan
from reconciler.documents import reader
from reconciler.documents.reader import parse_saved_plan
from reconciler.documents.schema import drift_schema, plan_schema, problems_schema, report_schema
from reconciler.errors import InvalidInputError
from reconciler.model.problem import Location, Problem
from reconciler.model.values import replace
from reconciler.plan.approval import PlanOrigin, SavedPlan, Stale
from reconciler.plan.plan import OrganizationRoom, Overview, TierOverview
from reconciler.plan.plan_cost import CostRange, PastCost, PlanCost, TenantPastCost, TenantPlanCost
from reconciler.views import plain_text
from reconciler.views.console import as_text
from tests.harness import json_documents
from tests.unit.plan.plans import plans, seconds, texts
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.plan.plan import Plan

OF_BRANCHES_AND_SNAPSHOTS = (
    build.tenant("birch", build.create_branch("birch"), build.patch_branch("birch"), build.delete_branch("birch")),
    build.replaced_snapshot("cedar"),
)


UP_TO = CostRange(Decimal(0), Decimal("21.5"), ("storage",))
COST = PlanCost(
    *(date(2026, 11, 12), "USD"),
    before=CostRange(Decimal(0), Decimal(0)),
    after=UP_TO,
    tenants=(TenantPlanCost("acme", None, UP_TO),),
)

OVERVIEW = Overview(
    tiers=(TierOverview("free", 12, changed=8, unchanged=4),),
    organizations=(OrganizationRoom("free", 12, 13, 40), OrganizationRoom("paid", 3, 3, None)),
    tier_of={"acme": "free"},
)


def everything() -> Plan:
    plan = build.rich_plan()
    tenants = (*(t for t in plan.tenants if t.tenant not in {"birch", "cedar"}), *OF_BRANCHES_AND_SNAPSHOTS)
    return replace(plan, tenants=tenants, monthly_cost=COST, overview=OVERVIEW)


def read(text: str) -> SavedPlan:
    return parse_saved_plan(text.encode(), "plan.json")


@given(plans(), st.builds(PlanOrigin, seconds, st.none() | texts, st.none() | texts))
def test_what_was_written_is_read_back(plan: Plan, made: PlanOrigin) -> None:
    text = json_documents.plan(plan, made)
    saved = read(text)
    assert saved == SavedPlan(plan, made)
    assert json_documents.plan(saved.plan, saved.made) == text


def test_a_plan_that_was_read_back_is_shown_as_it_was() -> None:
    plan = everything()
    saved = read(json_documents.plan(plan, build.MADE))
    assert as_text(plain_text.plan(saved.plan)) == as_text(plain_text.plan(plan))
    assert as_text(plain_text.saved_plan(saved.plan, saved.made)).startswith(
        "Saved plan of fleet prod, made 2026-11-23 12:00 UTC at commit 1f2e3d4, compared with 0a1b2c3.\n\n"
    )


def a_document() -> Any:
    return json.loads(json_documents.plan(everything(), build.MADE))


def refusal(text: str) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(text)
    assert caught.value.hint is not None
    assert "--out" in caught.value.hint
    return str(caught.value)


EDITS: dict[str, tuple[Callable[[Any], object], str]] = {
    "an unknown key": (lambda d: d.update(permit="all"), "permit: unknown key"),
    "an unknown key deep inside": (
        lambda d: d["tenants"][0]["actions"][0]["changes"][2].update(force=True),
        "tenants[0].actions[0].changes[2].force: unknown key",
    ),
    "a key that is gone": (
        lambda d: d["tenants"][1]["actions"][0].pop("origin"),
        "tenants[1].actions[0].origin: the key is missing",
    ),
    "a kind that is gone": (
        lambda d: d["tenants"][1]["actions"][0].pop("kind"),
        "tenants[1].actions[0].kind: the key is missing",
    ),
    "an unknown kind": (
        lambda d: d["tenants"][1]["actions"][0].update(kind="drop_database"),
        "tenants[1].actions[0].kind: 'drop_database' is not a kind of action",
    ),
    "a number as text": (
        lambda d: d["budget"].update(writes="14"),
        "budget.writes: expected a whole number, not text",
    ),
    "a flag as text": (
        lambda d: d["tenants"][1]["actions"][0].update(downgrade="no"),
        "tenants[1].actions[0].downgrade: expected true or false, not text",
    ),
    "a time without a zone": (lambda d: d.update(made_at="2026-11-23T12:00:00"), "made_at: expected a date"),
    "no list of tenants": (lambda d: d.update(tenants={}), "tenants: expected a list, not an object"),
    "a risk played down": (
        lambda d: d["tenants"][5]["actions"][0].update(risk="safe"),
        "tenants[5].actions[0].risk: 'safe' does not match its changes: 'destructive'",
    ),
    "a lowering that is hidden": (
        lambda d: d["tenants"][5]["actions"][0].update(lowering=False),
        "tenants[5].actions[0].lowering: false does not match its changes",
    ),
    "an action of somebody else": (
        lambda d: d["tenants"][0]["actions"][0].update(tenant="zed"),
        "tenants[0].actions[0].tenant: 'zed' is not 'acme'",
    ),
    "a tenant twice": (
        lambda d: d["tenants"].append(d["tenants"][0]),
        "].tenant: 'acme' is listed twice",
    ),
    "a version that is none": (lambda d: d.update(format_version=True), "its format_version is 'True', not 1"),
    "another kind": (lambda d: d.update(kind="drift"), "kind: 'drift' is not 'plan'"),
    "no kind": (lambda d: d.pop("kind"), "not a document of this program"),
    "half of a surrogate pair as a key": (lambda d: d.update({"\ud800": 1}), "surrogate pair"),
    "half of a surrogate pair as a kind": (
        lambda d: d["tenants"][1]["actions"][0].update(kind="\ud800"),
        "plan.json cannot be used as a saved plan: ",
    ),
    "a rule that there is not": (
        lambda d: d["refusals"][0].update(rule="none"),
        "refusals[0].rule: 'none' is not one of the values allowed here",
    ),
    "a companion nested without end": (
        lambda d: d["tenants"][2]["actions"][0]["companions"].update(x=nested(40)),
        ".actions[0].companions.x: nested more than 32 levels deep",
    ),
    "a key with a key of Neon's": (lambda d: d.update({"napi_0123456789": 1}), "napi_...: unknown key"),
    "a key that forges a place": (
        lambda d: d["budget"].update({"x` - at `$.y": 1}),
        "budget.x` - at `$.y: unknown key",
    ),
    "an amount of money that is none": (
        lambda d: d["monthly_cost"]["after"].update(high="NaN"),
        "monthly_cost.after.high: not an amount of money",
    ),
    "an amount of money without end": (
        lambda d: d["monthly_cost"]["tenants"][0]["after"].update(low="1E+999999"),
        "monthly_cost.tenants[0].after.low: not an amount of money",
    ),
    "an amount of money that is words": (
        lambda d: d["monthly_cost"]["after"].update(high="much"),
        "monthly_cost.after.high: ",
    ),
    "a value nested without end": (
        lambda d: d["tenants"][0]["actions"][0]["changes"][0].update(after=nested(40)),
        "changes[0].after: nested more than 32 levels deep",
    ),
}


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else []


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_plan_is_refused_with_the_place(name: str) -> None:
    edit, words = EDITS[name]
    document = a_document()
    edit(document)
    message = refusal(json.dumps(document))
    assert message.startswith("plan.json cannot be used as a saved plan: ")
    assert words in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1: not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "not a document of this program"),
        ("null", "not a document of this program"),
        ('{"kind": "plan", "kind": "plan"}', "duplicate key 'kind'"),
        ('{"kind": NaN}', "NaN is not JSON"),
        ('{"kind": 1e999}', "the number '1e999' is too large"),
        (f'{{"kind": {"9" * 5000}}}', "is too large"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_no_plan_at_all_is_refused(text: str, words: str) -> None:
    assert words in refusal(text)


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="UTF-8"):
        parse_saved_plan(b'{"kind": "\xff"}', "plan.json")


@given(st.data())
def test_a_plan_that_was_cut_anywhere_is_refused(data: st.DataObject) -> None:
    text = json_documents.plan(build.plan(*OF_BRANCHES_AND_SNAPSHOTS), build.MADE).rstrip()
    assert refusal(text[: data.draw(st.integers(0, len(text) - 1))])


class TestFile:
    def test_a_plan_is_read_from_its_file(self, tmp_path: Path) -> None:
        path = tmp_path / "plan.json"
        path.write_text(json_documents.plan(everything(), build.MADE))
        assert read_saved_plan(path).plan.fleet == "prod"

    def test_a_file_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInputError, match="No such file"):
            read_saved_plan(tmp_path / "plan.json")

    def test_a_file_that_is_too_large_is_not_read(self, tmp_path: Path) -> None:
        path = tmp_path / "plan.json"
        path.write_text(json_documents.plan(everything(), build.MADE))
        with pytest.raises(InvalidInputError, match="larger than 1,000 bytes"):
            read_saved_plan(path, limit=1000)


class TestSchema:
    """What is published is what is written."""

    def check(self, schema: dict[str, Any], text: str) -> None:
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        document = json.loads(text)
        validator.validate(document)
        assert not validator.is_valid({**document, "more": 1})
        for key in document:
            assert not validator.is_valid({name: value for name, value in document.items() if name != key})

    def test_plan(self) -> None:
        self.check(
            plan_schema(), json_documents.plan(replace(everything(), monthly_cost=None, overview=None), build.MADE)
        )

    def test_plan_with_costs(self) -> None:
        """What a past month cost is no part of the plan that is read back."""
        acme = TenantPastCost("acme", Decimal(1), Decimal(2))
        past = PastCost("2026-10", "USD", Decimal(1), Decimal(2), (acme,), (), 1)
        text = json_documents.plan(everything(), build.MADE, past)
        jsonschema_rs.Draft202012Validator(plan_schema(), validate_formats=True).validate(json.loads(text))
        assert read(text).plan == everything()

    def test_drift(self) -> None:
        self.check(drift_schema(), json_documents.drift(replace(everything(), overview=None)))
        text = json_documents.drift(everything())
        jsonschema_rs.Draft202012Validator(drift_schema(), validate_formats=True).validate(json.loads(text))

    def test_report(self) -> None:
        plan = everything()
        stale = [Stale(tenant.tenant, tenant.actions, tenant.actions, "why") for tenant in plan.tenants]
        until = datetime(2026, 11, 30, tzinfo=UTC)
        applied = [build.applied(tenant, "p-1", until) for tenant in plan.tenants]
        self.check(report_schema(), json_documents.report(build.report(*applied), stale))
        self.check(report_schema(), json_documents.report(build.rich_report()))

    def test_problems(self) -> None:
        found = [Problem(Location("tiers.yaml", 2, 3), "what", hint) for hint in ("how", None)]
        self.check(problems_schema(), json_documents.problems(found))


def test_reading_keeps_nothing_of_a_tenant_but_the_tenant() -> None:
    """Beside the plan, only its text is in memory, however many tenants it has."""
    tenants = tuple(build.tenant(name, build.create(name)) for name in map("t{}".format, range(2_000)))
    plan = replace(everything(), tenants=tenants)
    data = json_documents.plan(plan, PlanOrigin(datetime(2026, 11, 30, tzinfo=UTC))).encode()
    tracemalloc.start()
    try:
        saved = parse_saved_plan(data, "plan.json")
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(saved.plan.tenants) == 2_000
    assert most - kept < 1.5 * len(data)


@pytest.mark.parametrize("kind_first", [True, False])
def test_after_the_first_tenant_that_is_none_nothing_is_made_of_the_others(
    monkeypatch: pytest.MonkeyPatch, kind_first: bool
) -> None:
    """A file of a gigabyte may have millions of them, and the plan is refused for the first one."""
    tried: list[Any] = []
    make = reader._tenant

    def noted(written: Any) -> Any:
        tried.append(written)
        return make(written)

    monkeypatch.setattr(reader, "_tenant", noted)
    document = a_document()
    sound = document["tenants"]
    document["tenants"] = [*sound, 0, {}, *sound, 0]
    if not kind_first:
        document = {"tenants": document.pop("tenants"), **document}
    assert f"tenants[{len(sound)}]: expected an object" in refusal(json.dumps(document))
    assert tried == [*sound, 0] + [0] * (not kind_first), "a tenant is tried again once the kind is known"


def test_what_follows_the_first_tenant_that_is_none_is_not_read() -> None:
    document = a_document()
    sound = document["tenants"]
    document["tenants"] = [*sound, 0]
    begun, _, _ = json.dumps(document).rpartition("0]")
    assert f"tenants[{len(sound)}]: expected an object" in refusal(f"{begun}0, nothing of JSON")
