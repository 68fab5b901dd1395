"""Which tenant a project in no file is, and what is a question instead of a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.adopt.adoption import adopt, in_no_file
from reconciler.adopt.owners import KnownNames, NamingSource, Owners, Reason, owners
from reconciler.adopt.patterns import patterns
from reconciler.adopt.proposals import Proposal, Sureness, proposal, suggested
from reconciler.model.annotations import creation_annotations
from tests.harness.builders import a_branch, a_fleet, a_project, a_tenant, a_view

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant
    from reconciler.live.project import LiveProject

APP = KnownNames(patterns=patterns(["app-{tenant}"]))


def named(name: str, **fields: Any) -> LiveProject:
    """A project of that name that nobody annotated."""
    id_ = fields.pop("id", f"p-{name}")
    return a_project(details=False, id=id_, name=name, **fields)


def found(*projects: LiveProject, names: KnownNames = APP, tenants: tuple[Tenant, ...] = ()) -> Owners:
    return owners(a_fleet(*tenants), projects, names)


def reasons(result: Owners) -> dict[str, Reason]:
    return {one.project.name: one.reason for one in result.questions}


def test_a_pattern_names_a_tenant() -> None:
    result = found(named("app-acme"), named("other"))
    assert [(one.tenant, one.how, one.by) for one in result.named] == [
        ("acme", NamingSource.PATTERN, "app-{tenant}")
    ]
    assert reasons(result) == {"other": Reason.UNNAMED}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["app-acme", "app-ACME"], {"app-acme": Reason.CLASH, "app-ACME": Reason.CLASH}),
        (["app-acme", "app-acme-copy"], {"app-acme-copy": Reason.COPY}),
        (["app-acme", "app-acme (2)"], {"app-acme (2)": Reason.IMPOSSIBLE}),
        (["app-acme", "app-acme_backup"], {"app-acme_backup": Reason.COPY}),
        (["app-acme-copy"], {}),
        (["app-two words"], {"app-two words": Reason.IMPOSSIBLE}),
        (["app-" + "x" * 129], {"app-" + "x" * 129: Reason.IMPOSSIBLE}),
        (["app-.hidden"], {"app-.hidden": Reason.IMPOSSIBLE}),
        (["app-аcme"], {"app-аcme": Reason.IMPOSSIBLE}),
    ],
)
def test_names_that_clash_or_cannot_be_are_listed_and_not_invented(
    names: list[str], expected: dict[str, Reason]
) -> None:
    result = found(*map(named, names))
    assert reasons(result) == expected
    assert {one.project.name for one in result.named} == set(names) - set(expected)


def test_projects_of_one_name_in_two_organizations_clash() -> None:
    result = found(named("app-acme", id="one"), named("app-acme", id="two", organization="paid"))
    assert [one.reason for one in result.questions] == [Reason.CLASH, Reason.CLASH]


def test_two_patterns_that_disagree_are_a_question_and_two_that_agree_are_none() -> None:
    both = KnownNames(patterns=patterns(["app-{tenant}", "app-{tenant}-{any}", "/app-(?P<tenant>[a-z]+)/"]))
    result = found(named("app-acme-eu"), named("app-beta"), names=both)
    assert reasons(result) == {"app-acme-eu": Reason.SEVERAL_NAMES}
    assert [one.tenant for one in result.named] == ["beta"]


def annotated(tenant: str, fleet: str, name: str) -> LiveProject:
    note = creation_annotations(fleet=fleet, tenant=tenant, run="r0")
    branch = a_branch(annotations=note)
    return named(name, branches=(branch,))


def test_an_annotation_names_a_renamed_project_and_contradicts_another_name() -> None:
    fleet = a_fleet().fleet
    renamed, contradicting = annotated("acme", fleet, "somebody"), annotated("beta", fleet, "app-gamma")
    result = found(renamed, contradicting)
    assert [(one.tenant, one.how) for one in result.named] == [("acme", NamingSource.ANNOTATION)]
    assert reasons(result) == {"app-gamma": Reason.SEVERAL_NAMES}


def test_a_project_of_another_fleet_is_left_alone_whatever_its_name_is() -> None:
    result = found(annotated("acme", "staging", "app-acme"))
    assert (len(result.named), len(result.questions), len(result.left_alone)) == (0, 0, 1)


def test_an_answer_is_the_surest_and_null_leaves_a_project_alone() -> None:
    names = KnownNames(patterns=APP.patterns, answers={"one": "acme", "two": None})
    result = found(named("app-beta", id="one"), named("app-gamma", id="two"), names=names)
    assert [(one.tenant, one.how) for one in result.named] == [("acme", NamingSource.ANSWER)]
    assert [one.id for one in result.left_alone] == ["two"]


def test_a_tenant_with_a_file_gets_the_id_unless_the_file_has_another_project() -> None:
    waiting, taken = a_tenant("acme"), a_tenant("beta", project_id="p-other")
    ended = a_tenant("gamma", absent=True)
    result = found(named("app-acme"), named("app-beta"), named("app-gamma"), tenants=(waiting, taken, ended))
    assert [one.tenant for one in result.named] == ["acme"]
    assert reasons(result) == {"app-beta": Reason.DECLARED, "app-gamma": Reason.DECLARED}


def test_projects_of_declared_tenants_are_in_a_file() -> None:
    fleet = a_fleet(a_tenant("acme"), a_tenant("beta", project_id="p-1"))
    view = a_view(a_project("acme"), named("whatever", id="p-1"), named("app-gamma"), named("strange"))
    free, others = in_no_file(fleet, view, ["app-*"])
    assert ([one.name for one in free], others) == (["app-gamma"], 1)


def test_no_tier_in_the_organization_is_a_question() -> None:
    fleet = a_fleet()
    elsewhere = named("app-acme", organization="third")
    result = adopt(fleet, a_view(elsewhere), APP)
    assert [one.reason for one in result.questions] == [Reason.NO_TIER]
    inferred = adopt(fleet, a_view(elsewhere), APP, infer_tiers=True)
    assert [one.tier for one in inferred.tenants] == ["third"]


class TestProposals:
    def test_names_with_a_common_beginning_are_surer_than_others(self) -> None:
        names = ["app-a", "app-b", "app-c", "solo", "Old DB", "???"]
        patterns_to_try = suggested(names)
        assert [(one.text, one.projects) for one in patterns_to_try] == [("app-{tenant}", 3)]
        assert [proposal(name, patterns_to_try) for name in names[2:]] == [
            Proposal("c", Sureness.SURE),
            Proposal("solo", Sureness.LIKELY),
            Proposal("old-db", Sureness.GUESS),
            Proposal(None, Sureness.NONE),
        ]

    def test_last_words_that_few_values_take_or_that_count_are_placeholders(self) -> None:
        names = [f"app-user_{n}-{('free', 'pro')[n % 2]}-{n * 7919:04x}" for n in range(20, 100)]
        assert suggested(names)[0].text == "app-{tenant}-{tier}-{any}"
        assert suggested([f"{n}x.live" for n in range(9)])[0].text == "{tenant}.live"

    def test_a_word_that_all_names_share_names_nobody(self) -> None:
        """The number tells them apart, so it belongs to the tenant."""
        names = [f"beta:tenant-{n}" for n in range(8)]
        patterns_to_try = suggested(names)
        assert [one.text for one in patterns_to_try] == ["beta:{tenant}"]
        assert proposal(names[3], patterns_to_try) == Proposal("tenant-3", Sureness.SURE)
        twice = [f"app-{name}-{n}" for name in ("acme", "beta", "gamma", "delta") for n in range(2)]
        assert suggested(twice)[0].text == "app-{tenant}"

    def test_a_few_copies_do_not_hide_what_the_others_share(self) -> None:
        names = [f"app-u{n}-{n * 7919:04x}" for n in range(20, 40)] + ["app-u20-ffff"]
        assert suggested(names)[0].text == "app-{tenant}-{any}"

    @pytest.mark.parametrize(
        "names", [["x_a", "x_b", "x_c", "x_A"], ["x_a", "x_b", "x_c", "app-c"], ["x_a", "x_b", "x_c", "x_a-old"]]
    )
    def test_a_name_that_two_projects_would_have_is_a_guess(self, names: list[str]) -> None:
        result = found(*map(named, names))
        sureness = {one.project.name: one.proposal.sureness for one in result.questions}
        expected = {
            "x_A": {"x_a": Sureness.GUESS, "x_A": Sureness.GUESS},
            "app-c": {"x_c": Sureness.GUESS},
            "x_a-old": {"x_a-old": Sureness.GUESS},
        }[names[-1]]
        assert {name: sureness[name] for name in expected} == expected
        assert sureness["x_b"] is Sureness.SURE

    def test_naming_of_new_projects_is_suggested_if_it_can_be_read_back(self) -> None:
        tried = suggested(["app-a", "x"], ["app-{tenant}", "{tenant}{tier}", "old-{tenant}"])
        assert [(one.text, one.projects) for one in tried] == [("app-{tenant}", 1)]

    def test_the_surest_come_first(self) -> None:
        result = found(named("???"), named("solo"), named("Old DB"), *(named(f"x_{n}") for n in "abc"))
        assert [one.project.name for one in result.questions] == ["x_a", "x_b", "x_c", "solo", "Old DB", "???"]
