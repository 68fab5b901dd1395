"""Policies of the user's own: what they refuse, where they come from, and how they are shown."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from reconciler.documents.schema import plan_schema
from reconciler.errors import ExitCode
from reconciler.policies import cel
from tests.e2e.pages import Page
from tests.harness.lived import lived
from tests.harness.repository import commit_all, git
from tests.harness.shell import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Shell

pytestmark = pytest.mark.drawn(16)

EXAMPLES = ROOT / "docs/policies"
NO_PRO = """\
policy: no-pro
scope: tenant
require: ["tenant.tier != 'pro'"]
message: "nobody gets tier {tenant.tier}"
"""
LOOK = """\
policy: look
scope: tenant
severity: warn
require: ["!tenant.new"]
message: "<b>a new tenant</b> ::error::x"
"""
FORMATS = ("text", "json", "markdown", "github", "junit", "html")


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    shell.write(".gitignore", "sim.db*\njournal.jsonl\n*.json\n")
    shell.tenant("acme", "tier: pro")
    shell.tenant("dune")
    shell.write("policies/no-pro.yaml", NO_PRO)
    commit_all(shell.folder)
    return shell


def test_a_denial_refuses_what_it_concerns_and_ends_with_5(fleet: Shell) -> None:
    ended = fleet.simulated("apply", "--yes")
    assert ended.code == ExitCode.REFUSED
    assert "policy no-pro: nobody gets tier pro" in ended.out
    assert "policies/no-pro.yaml:1" in ended.out
    assert [*fleet.stored.projects()] == ["myapp-dune"]


def test_a_warning_changes_neither_the_plan_nor_the_exit_code(fleet: Shell) -> None:
    fleet.write("policies/no-pro.yaml", LOOK)
    ended = fleet.simulated("apply", "--yes")
    assert ended.code == 0, ended.err
    assert "Policy warnings (1)" in ended.out
    assert len(fleet.stored.projects()) == 2


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_shows_denials_and_warnings_and_lets_no_text_leave_its_place(
    fleet: Shell, format_: str
) -> None:
    fleet.write("policies/look.yaml", LOOK)
    ended = fleet.simulated("plan", "--format", format_)
    assert ended.code == ExitCode.REFUSED
    assert "nobody gets tier pro" in ended.out
    assert "look" in ended.out
    assert "a new tenant" in ended.out
    assert "acme" in ended.out
    if format_ in ("html", "junit"):
        assert "<b>a new" not in ended.out
    if format_ == "markdown":
        assert "`<b>a new tenant</b> ::error::x`" in ended.out
    assert not any(line.startswith("::error::x") for line in ended.out.splitlines())


def test_the_document_of_a_plan_has_the_warnings_and_can_be_applied(fleet: Shell) -> None:
    fleet.write("policies/look.yaml", LOOK)
    ended = fleet.simulated("plan", "--format", "json", "--out", "plan.json")
    jsonschema_rs.validate(plan_schema(), ended.document)
    (warning,) = ended.document["warnings"]
    assert (warning["policy"], warning["tenants"]) == ("look", ["acme", "dune"])
    assert [one["rule"] for one in ended.document["refusals"]] == ["policy"]
    shown = fleet.run("show", "plan.json")
    assert "Policy warnings (1)" in shown.out
    applied = fleet.simulated("apply", "plan.json", "--yes")
    assert applied.code == ExitCode.REFUSED
    assert len(fleet.stored.projects()) == 1


def test_a_saved_plan_is_judged_again(fleet: Shell) -> None:
    fleet.write("policies/no-pro.yaml", LOOK)
    assert fleet.simulated("plan", "--out", "plan.json").code == 0
    fleet.write("policies/no-pro.yaml", NO_PRO)
    applied = fleet.simulated("apply", "plan.json", "--yes")
    assert applied.code == ExitCode.REFUSED
    assert [*fleet.stored.projects()] == ["myapp-dune"]


def test_converge_is_judged_too(fleet: Shell) -> None:
    assert fleet.simulated("converge", "dune").code == 0
    ended = fleet.simulated("converge", "acme")
    assert ended.code == ExitCode.REFUSED
    assert "nobody gets tier pro" in ended.out + ended.err
    assert len(fleet.stored.projects()) == 1


def test_a_policy_at_a_base_that_is_ahead_judges_files_that_do_not_know_it(fleet: Shell) -> None:
    (fleet.folder / "policies/no-pro.yaml").unlink()
    fleet.tenant("acme")
    cut = commit_all(fleet.folder)
    assert fleet.simulated("apply", "--yes").code == 0
    fleet.write("policies/no-pro.yaml", NO_PRO)
    newest = commit_all(fleet.folder)
    git(fleet.folder, "checkout", "--quiet", "-b", "other", cut)
    fleet.tenant("acme", "tier: pro")
    commit_all(fleet.folder)
    ended = fleet.simulated("apply", "--yes", "--base", newest)
    assert ended.code == ExitCode.REFUSED, ended.err
    assert "policy no-pro: nobody gets tier pro" in ended.out
    assert fleet.simulated("apply", "--yes", "--base", cut).code == 0


def test_a_command_on_one_tenant_is_judged_whole(fleet: Shell) -> None:
    fleet.write("policies/no-pro.yaml", LOOK)
    fleet.applied()
    fleet.write(
        "policies/no-pro.yaml",
        "policy: calm\nscope: plan\nrequire: [\"plan.command != 'restore'\"]\nmessage: no {plan.command}\n",
    )
    ended = fleet.simulated("restore", "dune", "--to", "2028-03-01T00:00:00Z", "--yes")
    assert "policy calm: no restore" in ended.out, ended.err
    assert ended.code == ExitCode.REFUSED


def test_a_rollback_is_judged_too(fleet: Shell) -> None:
    fleet.write("policies/no-pro.yaml", LOOK)
    fleet.applied()
    fleet.tenant("dune", "tier: free\noverrides: {compute: {max_cu: 1}}")
    commit_all(fleet.folder)
    report = fleet.applied("--base", "HEAD^", "--format", "json").document
    fleet.write(
        "policies/no-pro.yaml",
        "policy: calm\nscope: tenant\nrequire: [\"plan.command != 'rollback'\"]\nmessage: no {plan.command}\n",
    )
    ended = fleet.simulated("rollback", report["run"], "--journals", "journal.jsonl", "--dry-run")
    assert ended.code == ExitCode.REFUSED, ended.err
    assert "policy calm: no rollback" in ended.out


def test_a_pull_request_is_judged_by_the_policies_of_its_base(fleet: Shell) -> None:
    base = commit_all(fleet.folder)
    (fleet.folder / "policies/no-pro.yaml").unlink()
    fleet.write("policies/look.yaml", LOOK)
    fleet.tenant("elm", "tier: pro")
    commit_all(fleet.folder)
    fleet.environ["GITHUB_HEAD_REF"] = "feature"
    ended = fleet.simulated("plan", "--base", base)
    assert ended.code == ExitCode.REFUSED
    assert "policy no-pro: nobody gets tier pro" in ended.out
    assert "Policy warnings" not in ended.out
    assert "policies.no-pro: present -> not set; a pull request is judged by the policies of its base" in flat(
        ended.out
    )
    assert "policies.look: not set -> present" in ended.out
    del fleet.environ["GITHUB_HEAD_REF"]
    assert "no-pro:" not in fleet.simulated("plan", "--base", base).out.replace("policies.no-pro:", "")


def test_a_pull_request_cannot_weaken_a_policy_by_its_pattern_or_by_a_broken_file(fleet: Shell) -> None:
    base = commit_all(fleet.folder)
    fleet.tenant("elm", "tier: pro")
    tiers = (fleet.folder / "tiers.yaml").read_text()
    fleet.write("tiers.yaml", f'{tiers}policies: "none/*.yaml"\n')
    fleet.environ["GITHUB_HEAD_REF"] = "feature"
    assert "policy no-pro" in fleet.simulated("plan", "--base", base).out
    fleet.write("tiers.yaml", tiers)
    fleet.write("policies/no-pro.yaml", NO_PRO.replace("message", "mesage"))
    assert fleet.simulated("plan", "--base", base).code == ExitCode.INVALID


def test_a_pull_request_with_policies_and_without_a_base_is_not_planned(fleet: Shell) -> None:
    fleet.environ["GITHUB_HEAD_REF"] = "feature"
    ended = fleet.simulated("plan", "--base", "none")
    assert ended.code == ExitCode.REFUSED
    assert "policies are those of a base" in ended.err


def test_policies_at_the_base_that_cannot_be_read_stop_a_pull_request(fleet: Shell) -> None:
    fleet.write("policies/no-pro.yaml", "policy: no-pro\n")
    base = commit_all(fleet.folder)
    fleet.write("policies/no-pro.yaml", LOOK)
    fleet.environ["GITHUB_HEAD_REF"] = "feature"
    ended = fleet.simulated("plan", "--base", base)
    assert ended.code == ExitCode.REFUSED
    assert "cannot use the policies at the base" in ended.err


def test_a_diff_is_judged_by_the_base_and_says_what_it_cannot_evaluate(fleet: Shell) -> None:
    fleet.write(
        "policies/usage.yaml",
        "policy: usage\nscope: tenant\nrequire: [tenant.usage_share < 0.5]\nmessage: too much\n",
    )
    base = commit_all(fleet.folder)
    shutil.rmtree(fleet.folder / "policies")
    fleet.tenant("dune", "tier: pro")
    ended = fleet.run("diff", base)
    assert ended.code == ExitCode.REFUSED
    assert "policy no-pro: nobody gets tier pro" in ended.out
    assert "policy usage is not evaluated: only the live state gives tenant.usage_share" in flat(ended.out)
    fleet.tenant("dune")
    fleet.tenant("elm")
    assert fleet.run("diff", base).code == 0


def test_approvals_come_from_the_environment_and_count_people(fleet: Shell) -> None:
    shutil.copy(EXAMPLES / "two-approvals-to-delete.yaml", fleet.folder / "policies/no-pro.yaml")
    fleet.tenant("dune", "tier: free\nlabels: {contract: c-17}")
    base = commit_all(fleet.folder)
    fleet.applied()
    fleet.tenant("dune", "tier: free\nstate: absent")
    commit_all(fleet.folder)
    for words, code in (("", ExitCode.REFUSED), ("ada ADA", ExitCode.REFUSED), ("ada, bob", 0)):
        fleet.environ["RECONCILER_APPROVALS"] = words
        assert fleet.simulated("plan", "--base", base).code == code, words
    fleet.environ["RECONCILER_APPROVALS"] = "ada; drop"
    assert fleet.simulated("plan", "--base", base).code == ExitCode.INVALID


def test_without_the_library_a_fleet_with_policies_is_not_planned(
    fleet: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    cel._environment.cache_clear()
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    ended = fleet.simulated("plan")
    assert ended.code == ExitCode.INVALID
    assert "pip install 'neon-reconciler[policies]'" in ended.err


def test_the_examples_of_the_documentation_come_out_as_they_say(shell: Shell) -> None:
    shutil.copytree(EXAMPLES, shell.folder / "policies")
    ended = shell.run("policy", "test")
    assert ended.code == 0, ended.out
    names = sorted(path.stem for path in EXAMPLES.iterdir())
    assert len(names) == 6
    assert f"18 of 18 examples of {len(names)} policies come out as they say" in ended.err
    for name in names:
        only = shell.run("policy", "test", name)
        assert "3 of 3 examples of 1 policies" in only.err


def test_the_policy_that_the_page_shows_is_valid(shell: Shell) -> None:
    (block,) = (text for text in Page("docs/policies.md").blocks("yaml") if text.startswith("policy:"))
    shell.write("policies/shown.yaml", block)
    assert "1 of 1 examples" in shell.run("policy", "test").err


def broken(shell: Shell, name: str, before: str, after: str) -> Any:
    text = (EXAMPLES / f"{name}.yaml").read_text()
    assert before in text
    shell.write(f"policies/{name}.yaml", text.replace(before, after, 1))
    return shell.run("policy", "test", "--format", "json")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("few-suspensions", "* 100 <=", "* 1000 <="),
        ("free-tenants-stay-small", "<= 2.0", "< 2.0"),
        ("monthly-budget", "500.0", "50.0"),
        ("names-of-new-tenants", "- tenant.new", "- true"),
        ("no-price-change-on-friday", " || tenant.new", ""),
        ("two-approvals-to-delete", ">= 2", ">= 1"),
    ],
)
def test_an_example_that_does_not_come_out_is_told_with_its_line(
    shell: Shell, name: str, before: str, after: str
) -> None:
    ended = broken(shell, name, before, after)
    assert ended.code == ExitCode.INVALID
    (problem,) = ended.document["problems"]
    assert problem["file"] == f"policies/{name}.yaml"
    assert f"policy {name} says" in problem["message"]
    assert problem["line"] > 5


def test_a_policy_without_examples_and_an_unknown_name_are_told(fleet: Shell) -> None:
    ended = fleet.run("policy", "test")
    assert ended.code == 0
    assert "policy no-pro has no examples" in ended.out
    unknown = fleet.run("policy", "test", "no-por")
    assert unknown.code == ExitCode.INVALID
    assert "there is no policy 'no-por'" in unknown.err


def test_an_example_that_lacks_a_value_fails(fleet: Shell) -> None:
    fleet.write("policies/no-pro.yaml", f"{NO_PRO}examples: [{{example: nothing, expect: violate}}]\n")
    ended = fleet.run("policy", "test")
    assert ended.code == ExitCode.INVALID
    assert "cannot evaluate" in flat(ended.out)


@pytest.mark.parametrize("name", ["policy", "policy-variables"])
def test_the_schemas_accept_the_examples(shell: Shell, name: str) -> None:
    schema = json.loads(shell.run("schema", name).out)
    for path in EXAMPLES.iterdir():
        document = read_yaml(path)
        values = [document] if name == "policy" else [one["given"] for one in document["examples"]]
        for value in values:
            jsonschema_rs.validate(schema, value)
    assert not jsonschema_rs.is_valid(schema, {"policy": "a", "rquire": [], "change.aftr": 3})


def read_yaml(path: Path) -> Any:
    import yaml  # noqa: PLC0415

    return yaml.safe_load(path.read_text())


def flat(text: str) -> str:
    return " ".join(text.split())
