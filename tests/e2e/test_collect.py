"""collect: who signed up gets a line, once, and the fleet is then as its files say."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest

from reconciler.files.collected import one_run_at_a_time, with_documents
from tests.e2e.test_causes import commit
from tests.harness.repository import git

if TYPE_CHECKING:
    from reconciler.model.values import Json
    from tests.harness.shell import Shell

pytestmark = pytest.mark.drawn(8)

SOURCES: Final = "tenants: [{files: 'tenants/*.yaml'}, {ndjson: 'fleet/*.ndjson'}]\n"
FILE: Final = "fleet/sign-ups.ndjson"


@pytest.fixture
def fleet(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """One tenant in a file, and two that signed up."""
    monkeypatch.setenv("XDG_STATE_HOME", str(shell.folder / "state"))
    shell.write("tiers.yaml", (shell.folder / "tiers.yaml").read_text() + SOURCES)
    shell.tenant("acme")
    shell.applied()
    sign_up(shell, "user_2", "pro", overrides={"quota": {"data_transfer": "80GiB"}})
    sign_up(shell, "user_1", "free")
    return shell


def sign_up(shell: Shell, tenant: str, tier: str, **more: Any) -> None:
    document = json.dumps({"tenant": tenant, "tier": tier, **more}).encode()
    ended = shell.simulated("converge", "-", "--journal", "sign-ups.jsonl", stdin=document)
    assert ended.code == 0, ended.err


def lines(shell: Shell) -> list[dict[str, Any]]:
    path = shell.folder / FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_writes_a_line_for_each_sign_up_and_the_next_plan_is_empty(fleet: Shell) -> None:
    ended = fleet.simulated("collect")
    assert ended.code == 0, ended.err
    assert f"Collected 2 tenants into {FILE}: 2 by their annotations." in ended.out
    ids = {row["name"]: row["id"] for row in fleet.stored.rows("projects")}
    assert lines(fleet) == [
        {"tenant": "user_1", "tier": "free", "project_id": ids["myapp-user_1"]},
        {
            "tenant": "user_2",
            "tier": "pro",
            "overrides": {"quota": {"data_transfer": "80GiB"}},
            "project_id": ids["myapp-user_2"],
        },
    ]
    text = (fleet.folder / FILE).read_bytes()
    assert fleet.run("fmt", "--check").code == 0
    plan = fleet.simulated("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.out
    again = fleet.simulated("collect")
    assert "Nothing to collect." in again.out
    assert (fleet.folder / FILE).read_bytes() == text


def test_takes_the_tier_of_the_registry(fleet: Shell) -> None:
    registry = "registry: {url: 'sqlite:///registry.db'}\n"
    fleet.write("tiers.yaml", (fleet.folder / "tiers.yaml").read_text() + registry)
    sign_up(fleet, "user_3", "pro", overrides={"quota": {"active_time": "100h"}})
    ended = fleet.simulated("collect")
    assert "1 by the registry" in ended.out, ended.out
    assert lines(fleet)[-1]["tier"] == "pro"
    assert lines(fleet)[-1]["overrides"] == {"quota": {"active_time": "100h"}}


def test_finds_by_journals_what_lost_its_annotation(fleet: Shell) -> None:
    for branch in fleet.stored.rows("branches"):
        fleet.stored.change("branches", branch["id"], annotations=None)
    ended = fleet.simulated("collect", "--journals", "sign-ups.jsonl")
    assert "by a journal" in ended.out, ended.out
    assert [line["tenant"] for line in lines(fleet)] == ["user_1", "user_2"]


def test_a_journal_of_another_account_names_nobody(fleet: Shell) -> None:
    """Two simulated accounts, made by equal commands, have projects with equal ids."""
    for branch in fleet.stored.rows("branches"):
        fleet.stored.change("branches", branch["id"], annotations=None)
    for project in fleet.stored.rows("projects"):
        fleet.stored.change("projects", project["id"], {"created_at": "2020-01-01T00:00:00Z"})
    ended = fleet.simulated("collect", "--journals", "sign-ups.jsonl")
    assert (ended.code, ended.out.strip()) == (0, "Nothing to collect.")


@pytest.mark.parametrize("at", [1, "soon", "2026-11-30T09:28:08", "0001-01-01T00:00:00+09:00", None])
def test_a_journal_with_moments_that_are_none_names_nobody(fleet: Shell, at: object) -> None:
    for branch in fleet.stored.rows("branches"):
        fleet.stored.change("branches", branch["id"], annotations=None)
    journal = fleet.folder / "sign-ups.jsonl"
    told = [{**json.loads(line), "at": at} for line in journal.read_text().splitlines()]
    journal.write_text("".join(f"{json.dumps(line)}\n" for line in told))
    ended = fleet.simulated("collect", "--journals", "sign-ups.jsonl")
    assert (ended.code, ended.out.strip()) == (0, "Nothing to collect."), ended.err


def test_leaves_out_what_is_young_and_what_a_commit_removed(fleet: Shell) -> None:
    ended = fleet.simulated("collect", "--min-age", "3650d")
    assert (ended.code, lines(fleet)) == (0, [])
    assert "created less than 3650d ago" in " ".join(ended.out.split())
    git(fleet.folder, "init", "--quiet")
    fleet.write(".gitignore", "sim.db*\n")
    fleet.tenant("user_1")
    commit(fleet, "declare it")
    (fleet.folder / "tenants/user_1.yaml").unlink()
    commit(fleet, "remove it")
    assert "a file, or the base, declares the tenant" in fleet.simulated("collect", "--dry-run").out
    commit(fleet, "go on")
    ended = fleet.simulated("collect")
    assert "a commit removed its file" in " ".join(ended.out.split())
    assert [line["tenant"] for line in lines(fleet)] == ["user_2"]


def test_writes_nothing_with_dry_run_and_says_where_lines_could_go(fleet: Shell) -> None:
    ended = fleet.simulated("collect", "--dry-run")
    assert '+{"tenant": "user_1", "tier": "free"' in ended.out
    assert lines(fleet) == []
    assert (
        "no source of tiers.yaml reads JSON lines from 'x.ndjson'"
        in fleet.simulated("collect", "--to", "x.ndjson").err
    )
    fleet.write("tiers.yaml", (fleet.folder / "tiers.yaml").read_text().replace(SOURCES, ""))
    assert "add {ndjson" in fleet.simulated("collect").err


def test_json_is_as_published_and_says_what_the_text_says(fleet: Shell) -> None:
    schema = jsonschema_rs.Draft202012Validator(fleet.run("schema", "collected").document)
    young = fleet.simulated("collect", "--min-age", "3650d", "--format", "json").document
    schema.validate(young)
    assert young["tenants"] == []
    why = "created less than 3650d ago: the run that creates it may still be at work"
    assert [(one["tenant"], one["reason"]) for one in young["left_out"]] == [("user_1", why), ("user_2", why)]
    document = fleet.simulated("collect", "--dry-run", "--format", "json", "--output", "told.txt").document
    schema.validate(document)
    assert (document["dry_run"], document["file"], document["left_out"]) == (True, FILE, [])
    assert [(one["tenant"], one["named_by"]) for one in document["tenants"]] == [
        ("user_1", "annotation"),
        ("user_2", "annotation"),
    ]
    told = (fleet.folder / "told.txt").read_text(encoding="utf-8")
    assert "+ user_1  named by its annotation" in told
    assert f"Would collect 2 tenants into {FILE}: 2 by their annotations." in told
    assert fleet.simulated("collect").code == 0
    assert lines(fleet) == [one["document"] for one in document["tenants"]]


def test_is_refused_where_a_database_declares_tenants(fleet: Shell) -> None:
    query = "  - {sql: {url: '${TENANTS_URL}', query: select 1 as tenant}}\n"
    block = "tenants:\n  - {ndjson: 'fleet/*.ndjson'}\n" + query
    fleet.write("tiers.yaml", (fleet.folder / "tiers.yaml").read_text().replace(SOURCES, block))
    ended = fleet.simulated("collect")
    assert (ended.code, "may belong to a row that was deleted" in " ".join(ended.err.split())) == (3, True), (
        ended.err
    )


def test_runs_at_once_write_each_line_once(fleet: Shell) -> None:
    def add(number: int) -> None:
        document: dict[str, Json] = {"tenant": f"user_{number % 7}", "tier": "free"}
        with one_run_at_a_time(fleet.folder, FILE):
            written = with_documents(fleet.folder, FILE, {str(document["tenant"]): document})
            if written.added:
                written.file.write()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(40)))
    assert [line["tenant"] for line in lines(fleet)] == [f"user_{number}" for number in range(7)]
