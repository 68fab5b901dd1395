"""`reconciler audit`: who changed what, when and why, as the journals of the runs have it."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from reconciler.documents.schema import audit_schema
from tests.e2e.test_causes import commit, fleet, grant
from tests.harness.repository import git

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

pytestmark = pytest.mark.drawn(7)

__all__ = ["fleet"]


@pytest.fixture
def lived(fleet: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Two tenants; later a person raises the limit of one, by a commit."""
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    grant(fleet, "acme", 20)
    commit(fleet)
    fleet.applied("--base", "applied")
    return fleet


def audit(shell: Shell, *flags: str) -> Ended:
    ended = shell.run("audit", "--journals", "journal.jsonl", *flags)
    assert ended.code == 0, ended.err
    return ended


def test_it_tells_who_changed_what_when_and_why(lived: Shell) -> None:
    told = audit(lived, "acme").out
    head = git(lived.folder, "rev-parse", "HEAD")[:7]
    assert f"octocat at commit {head}" in told
    assert "differs from tier free" in told
    assert "quota.data_transfer: 8GiB -> 20GiB" in told
    assert "bluebird" not in told
    assert "3 writes in 1 journal." in told


def test_the_json_document_follows_its_schema(lived: Shell) -> None:
    ended = audit(lived, "--format", "json")
    jsonschema_rs.Draft202012Validator(audit_schema(), validate_formats=True).validate(json.loads(ended.out))
    last = ended.document["writes"][-1]
    assert (last["actor"], last["kind"], last["tenants"]) == ("octocat", "patch_project", ["acme"])
    assert {"path": "quota.data_transfer_bytes", "before": 8 * 2**30, "after": 20 * 2**30} in last["changes"]


def test_csv_has_a_row_for_each_changed_field(lived: Shell) -> None:
    rows = list(csv.DictReader(audit(lived, "acme", "--format", "csv").out.splitlines()))
    changed = [row for row in rows if row["action"] == "patch_project"]
    assert [(row["field"], row["before"]) for row in changed] == [("quota.data_transfer_bytes", str(8 * 2**30))]


@pytest.mark.parametrize(("since", "count"), [("3650d", 5), ("2000-01-01", 5), ("2999-01-01T00:00:00Z", 0)])
def test_since_leaves_older_writes_out(lived: Shell, since: str, count: int) -> None:
    assert len(audit(lived, "--since", since, "--format", "json").document["writes"]) == count


def test_a_time_that_cannot_be_read_is_told(lived: Shell) -> None:
    ended = lived.run("audit", "--since", "soon")
    assert ended.code == 3
    assert "neither a duration nor a time" in ended.err


def test_a_run_that_died_during_a_call_is_told(lived: Shell) -> None:
    lines = (lived.folder / "journal.jsonl").read_text().splitlines()
    place = max(number for number, line in enumerate(lines) if json.loads(line)["line"] == "outcome")
    (lived.folder / "journal.jsonl").write_text("\n".join(lines[:place]) + "\n")
    assert "interrupted: the run ended during the call" in audit(lived, "acme").out


def test_a_copy_of_a_journal_counts_once(lived: Shell) -> None:
    (lived.folder / "artifacts").mkdir()
    for name in ("one", "two"):
        text = (lived.folder / "journal.jsonl").read_text()
        (lived.folder / f"artifacts/{name}.jsonl").write_text(text)
    ended = audit(lived, "--journals", "artifacts", "--format", "json").document
    assert (len(ended["writes"]), ended["files"]) == (5, 3)


def test_a_journal_that_is_not_whole_is_named_and_the_rest_is_told(lived: Shell) -> None:
    with (lived.folder / "journal.jsonl").open("a") as file:
        file.write("no JSON\n")
    ended = audit(lived)
    assert "Incomplete: journal.jsonl. Writes may be missing." in " ".join(ended.out.split())
    assert "5 writes in 1 journal." in ended.out


def test_no_cell_of_a_spreadsheet_calculates(lived: Shell) -> None:
    path = lived.folder / "journal.jsonl"
    path.write_text(path.read_text().replace("octocat", "=HYPERLINK(0)"))
    rows = list(csv.DictReader(audit(lived, "acme", "--format", "csv").out.splitlines()))
    assert rows[-1]["actor"] == "'=HYPERLINK(0)"


def test_another_fleet_is_left_out(lived: Shell) -> None:
    assert audit(lived, "--fleet", "other", "--format", "json").document["writes"] == []
    assert len(audit(lived, "--fleet", "prod", "--format", "json").document["writes"]) == 5


def test_the_registry_tells_of_runs_whose_journals_are_not_here(shell: Shell) -> None:
    registry = "registry: {url: 'sqlite:///registry.db'}\n"
    shell.write("tiers.yaml", (shell.folder / "tiers.yaml").read_text() + registry)
    shell.tenant("acme")
    shell.tenant("bluebird")
    for name in ("acme", "bluebird"):
        assert shell.simulated("converge", name, "--journal", f"{name}.jsonl").code == 0
    told = shell.simulated("audit", "--journals", "acme.jsonl", "--registry", "--format", "json").document
    jsonschema_rs.Draft202012Validator(audit_schema()).validate(told)
    [claim] = [write for write in told["writes"] if write["kind"] == "claim_tenant"]
    assert (claim["tenants"], claim["actor"]) == (["bluebird"], "unknown")
    assert {change["path"]: change["after"] for change in claim["changes"]} == {"tier": "free", "state": "ready"}
    assert claim["run"] == json.loads((shell.folder / "bluebird.jsonl").read_text().splitlines()[0])["run"]
    journals = ("--journals", "acme.jsonl", "--journals", "bluebird.jsonl")
    assert "claim tenant" not in shell.simulated("audit", *journals, "--registry").out
    assert "claim tenant" not in shell.simulated("audit", "acme", *journals[:2], "--registry").out
    assert "bluebird  claim tenant" in shell.simulated("audit", *journals[:2], "--registry").out
