"""What programs read from files and streams is as `reconciler schema` says."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

if TYPE_CHECKING:
    from tests.harness.shell import Shell

QUOTA_OF_FREE = "{active_time: 100h, data_transfer: 5GiB, logical_size: 512MiB}"


class Schema:
    """A schema as the command prints it."""

    def __init__(self, shell: Shell, name: str) -> None:
        self.whole = shell.run("schema", name).document
        self._validator = jsonschema_rs.Draft202012Validator(self.whole, validate_formats=True)

    def check(self, document: Any) -> None:
        """The document is as published, and would not be with a member less."""
        self._validator.validate(document)
        for key in document:
            assert not self._validator.is_valid({k: v for k, v in document.items() if k != key}), key


@pytest.fixture
def used(shell: Shell) -> Shell:
    """A fleet in which projects were created, changed, moved with and without another quota, and deleted."""
    shell.tenant("acme")
    shell.tenant("bluebird")
    ended = shell.simulated(
        "converge", "acme", "bluebird", "--journal", "journal.jsonl", "--connections-to", "strings.jsonl"
    )
    assert ended.code == 0, ended.err
    shell.tenant("carol")
    shell.applied()
    shell.run("simulator", "switches", "--data", "sim.db", "transfer_keeps_quota=true")
    shell.tenant("carol", f"tier: pro\noverrides: {{quota: {QUOTA_OF_FREE}}}")
    shell.tenant("acme", "tier: pro\nprotect: false")
    shell.tenant("bluebird", "tier: free\nstate: absent")
    allowed = [word for what in ("lowering", "deletes=1") for word in ("--allow", what)]
    shell.applied("--base", "none", "--waves", "1,100%", "--bake", "1m", *allowed)
    return shell


def test_each_line_of_a_journal(used: Shell) -> None:
    schema = Schema(used, "journal")
    for line in used.journal:
        schema.check(line)
    kinds = {line["line"] for line in used.journal}
    assert kinds == set(schema.whole["discriminator"]["mapping"])


def test_each_line_of_connection_strings(used: Shell) -> None:
    lines = (used.folder / "strings.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    schema = Schema(used, "connections")
    for line in lines:
        schema.check(json.loads(line))


def test_an_observation(used: Shell) -> None:
    ended = used.simulated("observe", "--base", "none", "--depth", "deep", "--out", "live.json.gz")
    assert ended.code == 0, ended.err
    schema = Schema(used, "observation")
    document = json.loads(gzip.decompress((used.folder / "live.json.gz").read_bytes()))
    schema.check(document)
    assert document["observation"]["live"]["projects"]
