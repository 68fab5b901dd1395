"""`reconciler diff`: what a change of the files asks for, without a key and without a call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

from reconciler.documents.schema import diff_schema
from tests.harness.repository import commit_all, git

if TYPE_CHECKING:
    from tests.harness.shell import Shell


@pytest.fixture
def fleet(shell: Shell) -> Shell:
    git(shell.folder, "init", "--quiet", "--initial-branch=main")
    for name in ("acme", "bluebird", "cedar"):
        shell.tenant(name)
    commit_all(shell.folder)
    git(shell.folder, "checkout", "--quiet", "-b", "feature")
    return shell


def test_it_tells_what_a_pull_request_changes_and_not_what_its_base_changed_since(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: pro")
    fleet.tenant("cedar", "state: absent\ntier: free")
    fleet.tenant("dune")
    commit_all(fleet.folder)
    git(fleet.folder, "checkout", "--quiet", "main")
    fleet.tenant("bluebird", "tier: pro")
    commit_all(fleet.folder)
    git(fleet.folder, "checkout", "--quiet", "feature")
    ended = fleet.run("diff", "main")
    assert ended.code == 0, ended.err
    assert "Diff: 1 to create, 1 to upgrade, 1 to delete." in ended.out
    assert "transfer from free to paid" in ended.out
    assert "delete project myapp-cedar (in free)" in ended.out
    assert "bluebird" not in ended.out


def test_a_name_says_nothing_of_files_that_are_not_committed(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: pro")
    assert "1 to upgrade" in fleet.run("diff", "main").out
    assert "no project changes" in fleet.run("diff", "main", "HEAD").out


def test_a_rename_is_told_as_one_and_one_that_is_not_stated_is_guessed(fleet: Shell) -> None:
    (fleet.folder / "tenants/acme.yaml").unlink()
    fleet.tenant("acme-inc", "tier: free\npreviously: [acme]")
    assert "name  myapp-acme -> myapp-acme-inc" in fleet.run("diff", "main").out
    fleet.tenant("acme-inc", "tier: free")
    ended = fleet.run("diff", "main")
    assert "looks like acme, which no file declares any more" in " ".join(ended.out.split())
    assert "its project stays" in ended.out


def test_the_json_document_follows_its_schema_and_the_exit_code_tells_of_changes(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: pro\nsnapshots: [v1]")
    ended = fleet.run("diff", "main", "--format", "json", "--detailed-exitcode")
    assert ended.code == 2
    jsonschema_rs.Draft202012Validator(diff_schema(), validate_formats=True).validate(json.loads(ended.out))
    assert ended.document["counts"]["upgrade"] == 1
    assert ended.document["tenants"][0]["project"] is None
    assert fleet.run("diff", "main", "HEAD", "--detailed-exitcode").code == 0


def test_no_variable_is_read(fleet: Shell) -> None:
    """The files name variables with ids and keys; none is set."""
    assert fleet.environ == {}
    fleet.tenant("acme", "tier: pro")
    assert fleet.run("diff", "main").code == 0


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("nowhere", "does not contain commit, branch or tag 'nowhere'"),
        ("alone", "have no merge base in this clone"),
    ],
)
def test_a_base_that_cannot_be_compared_is_told(fleet: Shell, base: str, message: str) -> None:
    git(fleet.folder, "checkout", "--quiet", "--orphan", "alone")
    fleet.tenant("dune")
    commit_all(fleet.folder)
    git(fleet.folder, "checkout", "--quiet", "feature")
    ended = fleet.run("diff", base)
    assert ended.code == 3
    assert message in " ".join(ended.err.split())


def test_a_tenant_whose_file_was_broken_is_not_taken_for_a_new_one(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: nowhere")
    git(fleet.folder, "checkout", "--quiet", "-b", "broken")
    commit_all(fleet.folder)
    fleet.tenant("acme", "tier: pro")
    ended = fleet.run("diff", "broken")
    assert "acme  not compared: the earlier file cannot be used" in ended.out
    assert "no project changes" in ended.out


def test_a_tenant_whose_file_is_invalid_is_named_and_the_others_are_compared(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: nowhere")
    fleet.tenant("bluebird", "tier: pro")
    ended = fleet.run("diff", "main")
    assert ended.code == 3
    assert "tenants/acme.yaml:2" in ended.err
    assert "acme  not compared: its file is invalid" in ended.out
    assert "Diff: 1 to upgrade." in ended.out


def test_files_that_cannot_be_read_are_not_compared(fleet: Shell) -> None:
    fleet.tenant("acme", "tier: [")
    ended = fleet.run("diff", "main")
    assert (ended.code, ended.out) == (3, "")
    assert "tenants/acme.yaml:3" in ended.err
    assert "nothing was compared" in ended.err
