"""Deleting a tenant and bringing it back, through the command line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.harness.shell import Shell

TOMBSTONE = "tier: free\nstate: absent"


def deleted(shell: Shell) -> str:
    """The id that the report of the deletion names."""
    shell.tenant("acme")
    shell.applied()
    shell.tenant("acme", TOMBSTONE)
    out = " ".join(shell.applied("--allow", "lowering").out.split())
    found = re.search(r"acme \(recoverable until \d{4}-\d\d-\d\d \d\d:\d\d UTC by recover: ([a-z0-9-]+)\)", out)
    assert found, out
    return found[1]


def test_the_report_of_a_deletion_says_until_when_and_how_and_that_line_brings_it_back(shell: Shell) -> None:
    project_id = deleted(shell)
    shell.tenant("acme", f"tier: free\nrecover: {project_id}")
    planned = shell.simulated("plan", "--detailed-exitcode")
    assert planned.code == 2
    assert "Plan: 1 to recover." in planned.out
    assert f"recovered   acme ({project_id})" in shell.applied().out
    assert "In sync" in shell.simulated("plan").out
    shell.tenant("acme")
    assert "In sync" in shell.simulated("plan").out


def test_a_name_that_is_added_again_is_told_of_the_older_project_and_gets_a_new_one(shell: Shell) -> None:
    project_id = deleted(shell)
    shell.tenant("acme")
    planned = shell.simulated("plan", "--tenant", "acme").out
    assert f"add recover: {project_id}" in " ".join(planned.split())
    assert "created     acme" in shell.applied().out
    shell.tenant("acme", f"tier: free\nrecover: {project_id}")
    assert shell.simulated("plan").code == 5
    assert "the tenant already has live project" in " ".join(shell.simulated("plan").out.split())


def test_the_record_of_an_erasure_is_in_the_json_report_and_in_the_journal(shell: Shell) -> None:
    shell.tenant("acme")
    shell.applied()
    shell.tenant("acme", TOMBSTONE)
    (tenant,) = json.loads(shell.applied("--allow", "lowering", "--format", "json").out)["tenants"]
    record = tenant["deletion"]
    assert record["project_id"] == tenant["project_id"]
    assert record["recoverable_until"] == tenant["recoverable_until"]
    (line,) = [line for line in shell.journal if line["line"] == "deletion"]
    assert (line["request_id"], line["project_id"]) == (record["request_id"], record["project_id"])
    assert tenant["actions"][0]["request_id"] == record["request_id"]


def test_a_saved_plan_of_a_recovery_permits_it(shell: Shell) -> None:
    project_id = deleted(shell)
    shell.tenant("acme", f"tier: free\nrecover: {project_id}")
    assert shell.simulated("plan", "--out", "plan.json").code == 0
    shown = shell.run("show", "plan.json")
    assert "Plan: 1 to recover." in shown.out
    assert "recovered   acme" in shell.applied("plan.json").out


def test_a_saved_plan_to_create_does_not_permit_a_recovery(shell: Shell) -> None:
    project_id = deleted(shell)
    shell.tenant("acme")
    shell.simulated("plan", "--out", "plan.json")
    shell.tenant("acme", f"tier: free\nrecover: {project_id}")
    ended = shell.simulated("apply", "plan.json", "--yes")
    assert ended.code == 7
    assert "1 stale" in ended.out


def test_drift_and_markdown_have_words_for_it(shell: Shell) -> None:
    project_id = deleted(shell)
    shell.tenant("acme", f"tier: free\nrecover: {project_id}")
    drift = shell.simulated("drift")
    assert drift.code == 2
    assert "Deleted (1)" in drift.out
    assert f"recover project `myapp-acme` (`{project_id}`" in shell.simulated("plan", "--format", "markdown").out


def test_a_document_converges_no_new_project_where_the_file_asks_for_the_old_one(shell: Shell) -> None:
    project_id = deleted(shell)
    shell.tenant("acme", f"tier: free\nrecover: {project_id}")
    ended = shell.simulated("converge", "-", stdin=b'{"tenant": "acme", "tier": "free"}')
    assert f"recovered   acme ({project_id})" in ended.out, ended.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tier: free\nrecover: not an id", "is not a project id"),
        (f"{TOMBSTONE}\nrecover: cool-river-12345678", "recover has no effect"),
        ("tier: free\nproject_id: a-b-1\nrecover: a-b-2", "project_id is 'a-b-1'"),
        ("tier: free\nrevision: 1.5", "expected a whole number, not '1.5'"),
        ("tier: free\nrevision: -1", "expected a whole number, not '-1'"),
    ],
)
def test_what_cannot_be_meant_is_a_problem_with_its_place(shell: Shell, text: str, words: str) -> None:
    shell.tenant("acme", text)
    ended = shell.run("validate")
    assert ended.code == 3
    told = " ".join((ended.out + ended.err).split())
    assert words in told
    assert "tenants/acme.yaml:" in told


def test_two_tenants_cannot_ask_for_one_project(shell: Shell) -> None:
    shell.tenant("acme", "tier: free\nrecover: cool-river-12345678")
    shell.tenant("zoe", "tier: free\nrecover: cool-river-12345678")
    ended = shell.run("validate")
    assert ended.code == 3
    assert "is also recovered by tenant" in ended.out + ended.err


def test_a_revision_is_shown_and_an_older_document_than_the_file_is_refused(shell: Shell) -> None:
    shell.write("tenants/acme.yaml", "tenant: acme\ntier: free\nrevision: 7\n")
    (tenant,) = shell.simulated("plan", "--format", "json").document["tenants"]
    assert tenant["revision"] == 7
    older = shell.simulated("converge", "-", stdin=b'{"tenant": "acme", "tier": "pro", "revision": 6}')
    assert older.code == 3
    assert "revision 6 of tenant 'acme' is older than revision 7" in older.err
    newer = shell.simulated(
        "converge", "-", "--format", "json", stdin=b'{"tenant": "acme", "tier": "pro", "revision": 8}'
    )
    assert newer.document["tenants"][0]["revision"] == 8


def test_a_file_overrides_the_revision_of_a_line_like_any_other_field(shell: Shell) -> None:
    tiers = (shell.folder / "tiers.yaml").read_text()
    shell.write("tiers.yaml", tiers + 'tenants: [{files: "tenants/**/*.yaml"}, {ndjson: "fleet/*.ndjson"}]\n')
    shell.write("fleet/all.ndjson", '{"tenant": "acme", "tier": "free", "revision": 9}\n')
    shell.write("tenants/acme.yaml", "tenant: acme\nrevision: 4\n")
    (tenant,) = shell.simulated("plan", "--format", "json").document["tenants"]
    assert tenant["revision"] == 4
