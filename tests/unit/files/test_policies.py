"""The files of policies: every problem with its line and what would be right; and what a commit held."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.desired.policies import OnViolation, Scope
from reconciler.files.git import load_at
from reconciler.files.load import load
from reconciler.model.problem import Severity
from tests.harness.repository import git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from pathlib import Path

SMALL = """\
policy: small
scope: change
severity: warn
select: {tier: [free], labels: {team: "*", region: eu}}
when:
  - change.path == 'compute.max_cu'
require:
  - change.after <= 2.0
  - |
    change.after !=
      1.0
message: "{tenant.name} gets
  {change.after} CU"
examples:
  - example: four
    given: {change.path: compute.max_cu, change.after: 4}
    expect: violate
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    (tmp_path / "tenants").mkdir()
    (tmp_path / "policies").mkdir()
    (tmp_path / "tiers.yaml").write_text(TIERS)
    return tmp_path


def problems(fleet: Path, text: str, name: str = "small.yaml") -> list[str]:
    (fleet / "policies" / name).write_text(text)
    found = load(fleet).problems
    places = ((one.location, one.message, one.hint) for one in found if "tenants" not in one.message)
    return [f"{place.file.rpartition('/')[2]}:{place.line}: {said} ({hint})" for place, said, hint in places]


def test_a_policy_is_read_with_the_place_of_each_expression(fleet: Path) -> None:
    assert problems(fleet, SMALL) == []
    desired = load(fleet).desired
    assert desired is not None
    (policy,) = desired.policies
    assert (policy.name, policy.scope, policy.effect) == ("small", Scope.CHANGE, OnViolation.WARN)
    assert (policy.tiers, policy.labels) == (frozenset({"free"}), (("team", None), ("region", "eu")))
    assert [(one.text, one.location.line) for one in policy.require] == [
        ("change.after <= 2.0", 8),
        ("change.after !=\n  1.0", 9),
    ]
    assert policy.message.text == "{tenant.name} gets {change.after} CU"
    assert policy.examples[0].given.value == {"change.path": "compute.max_cu", "change.after": 4}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("change.after <= 2.0", "chagne.after <= 2.0", "small.yaml:8: undeclared reference to 'chagne.after'"),
        ("change.after <= 2.0", "chagne.after <= 2.0", "(did you mean 'change.after'?)"),
        ("change.after <= 2.0", "change.after <=", "small.yaml:8: Syntax error"),
        ("change.after <= 2.0", "change.path", "small.yaml:8: the value is of type string"),
        ("- change.path ==", "- tenant.nane ==", "small.yaml:6: undeclared reference to 'tenant.nane'"),
        ("{change.after} CU", "{change.aftr} CU", "small.yaml:12: undeclared reference to 'change.aftr'"),
        ("scope: change", "scope: tenant", "undeclared reference to 'change.path'"),
        ("scope: change", "scope: everything", "small.yaml:2: 'everything' is not one of plan, tenant, action"),
        ("severity: warn", "severity: warning", "small.yaml:3: 'warning' is not one of deny, warn"),
        ("tier: [free]", "tier: [fre]", "small.yaml:4: there is no tier 'fre' (did you mean 'free'?)"),
        ("policy: small", "policy: Small!", "small.yaml:1:"),
        ("message:", "mesage:", "small.yaml:12: unknown key 'mesage' (did you mean 'message'?)"),
        ("change.after: 4", "change.aftr: 4", "small.yaml:15: there is no variable 'change.aftr'"),
        ("change.path: compute.max_cu", "change.path: 4", "small.yaml:15: change.path is of type string"),
        ("expect: violate", "expect: deny", "small.yaml:17: 'deny' is not one of pass, violate"),
        ("- change.after <= 2.0", '- ""', "small.yaml:8: the expression is empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_a_remedy(fleet: Path, before: str, after: str, told: str) -> None:
    assert before in SMALL
    found = problems(fleet, SMALL.replace(before, after))
    assert any(told in one for one in found), found


def test_a_fleet_with_a_broken_policy_cannot_be_used_whatever_is_skipped(fleet: Path) -> None:
    from reconciler.files.load import OnInvalid  # noqa: PLC0415

    problems(fleet, SMALL.replace("message:", "mesage:"))
    assert load(fleet, on_invalid=OnInvalid.SKIP).desired is None


def test_names_are_unique_over_all_files(fleet: Path) -> None:
    problems(fleet, SMALL, "a.yaml")
    (told,) = problems(fleet, f"{SMALL.replace('policy: small', 'policy: other')}---\n{SMALL}", "b.yaml")
    assert told.startswith("b.yaml:19: duplicate policy 'small': it is also in")


def test_a_file_that_no_pattern_matches_is_told(fleet: Path) -> None:
    (told,) = problems(fleet, SMALL, "small.yml")
    assert told == "small.yml:1: is not read (rename it to .yaml)"
    (fleet / "policies/small.yml").unlink()
    (fleet / "policies/more").mkdir()
    (fleet / "policies/more/small.yaml").write_text(SMALL)
    warned = [one for one in load(fleet).problems if "does not match" in one.message]
    assert [one.severity for one in warned] == [Severity.WARNING]


def test_the_pattern_is_configured_in_tiers_yaml(fleet: Path) -> None:
    (fleet / "tiers.yaml").write_text(f'{TIERS}policies: "rules/**/*.yaml"\n')
    (fleet / "rules/free").mkdir(parents=True)
    (fleet / "rules/free/small.yaml").write_text(SMALL)
    desired = load(fleet).desired
    assert desired is not None
    assert [one.name for one in desired.policies] == ["small"]
    (fleet / "tiers.yaml").write_text(f'{TIERS}policies: "../*.yaml"\n')
    assert any("leads out of the folder" in one.message for one in load(fleet).problems)


def test_a_few_tenants_are_loaded_with_all_policies(fleet: Path) -> None:
    problems(fleet, SMALL)
    for only in (frozenset[str](), frozenset({"acme"})):
        desired = load(fleet, only=only).desired
        assert desired is not None
        assert len(desired.policies) == 1


def test_the_policies_of_a_commit_are_kept_with_what_is_wrong_with_them(fleet: Path) -> None:
    git(fleet, "init", "--quiet")
    problems(fleet, f"{SMALL}---\n{SMALL.replace('policy: small', 'policy: broken').replace('message', 'x')}")
    git(fleet, "add", "--all")
    git(fleet, "commit", "--quiet", "--message", "x")
    (fleet / "policies/small.yaml").unlink()
    desired = load_at(fleet, "HEAD").desired
    assert desired is not None
    assert [one.name for one in desired.policies] == ["small"]
    assert any("'x'" in one.message for one in desired.unread_policies)
    now = load(fleet).desired
    assert now is not None
    assert now.policies == ()


def test_without_the_library_the_files_cannot_be_used_and_the_remedy_is_told(
    fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciler.policies import cel  # noqa: PLC0415

    cel._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    (told,) = problems(fleet, SMALL)
    assert told == (
        "small.yaml:1: policies need the package cel_expr_python (pip install 'neon-reconciler[policies]')"
    )
    assert load(fleet).desired is None
    (fleet / "policies/small.yaml").unlink()
    assert load(fleet).desired is not None
