"""A tenant's life through the command line: sign-up, upgrade, downgrade, farewell."""

from __future__ import annotations

import json
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from reconciler.simulator.seed import ProjectSeed
from tests.harness.wire import answered

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.harness.shell import Shell
    from tests.harness.wire import Passing


def committed(folder: Path) -> None:
    """Puts the price list and the tenants under version control."""
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "tiers.yaml", "tenants"), (*who, "commit", "-q", "-m", "All")):
        subprocess.run(["git", "-C", str(folder), *command], check=True)


def seeded(shell: Shell, name: str) -> str:
    """Makes a project of tier free by hand; the answer is its id."""
    shell.simulated("plan")
    with shell.account() as simulator:
        return simulator.add_project("free", ProjectSeed(name)).project_id


def test_a_fleet_is_created_and_then_in_sync(shell: Shell) -> None:
    shell.tenant("acme", "tier: pro")
    shell.tenant("bluebird")
    planned = shell.simulated("plan", "--detailed-exitcode")
    assert planned.code == 2
    assert "Plan: 2 to create." in planned.out
    assert "created     acme" in shell.applied().out
    second = shell.simulated("plan", "--detailed-exitcode")
    assert second.code == 0
    assert "In sync: 2 tenants match the files." in second.out
    assert "existing computes checked: 2 of 2" in second.out
    assert shell.simulated("drift").code == 0


def test_an_upgrade_goes_ahead_and_a_downgrade_waits_for_a_cause(shell: Shell) -> None:
    shell.tenant("acme")
    shell.applied()
    shell.tenant("acme", "tier: pro")
    assert "upgraded    acme" in shell.applied().out
    shell.tenant("acme", "tier: free\naccept: {history_loss: true}")
    refused = shell.simulated("apply", "--yes")
    assert refused.code == 5
    assert "lowering-needs-a-cause" in refused.out
    assert "downgraded  acme" in shell.applied("--allow", "lowering").out
    assert "In sync" in shell.simulated("plan").out


def test_a_tombstone_deletes_and_says_until_when_it_can_be_undone(shell: Shell) -> None:
    shell.tenant("acme")
    shell.applied()
    shell.tenant("acme", "tier: free\nstate: absent")
    assert "recoverable until" in shell.applied("--allow", "lowering").out
    assert "In sync" in shell.simulated("plan").out


def prunes_the_young(shell: Shell) -> None:
    """Writes into the price list that a project is pruned whatever its age."""
    tiers = shell.folder / "tiers.yaml"
    text = tiers.read_text(encoding="utf-8")
    assert "guards:" not in text
    tiers.write_text(f"{text}\nguards: {{prune: {{min_age: 0s}}}}\n", encoding="utf-8")


def test_prune_spares_a_customer_who_connects_while_it_looks(shell: Shell) -> None:
    """Neon tells the activity of the project an hour later."""
    shell.tenant("acme")
    shell.tenant("bluebird")
    shell.applied()
    (shell.folder / "tenants/acme.yaml").unlink()
    for _ in range(8):  # days
        shell.clock()
    orphan = shell.stored.project_ids()["myapp-acme"]

    async def connecting(passing: Passing) -> httpx.Response:
        if passing.number == 1:
            shell.stored.connect(orphan)
        return await passing.answer()

    shell.act = connecting
    spared = shell.simulated("apply", "--yes", "--prune")
    assert (spared.code, "the project was active within 7 d" in spared.out) == (5, True), spared.out
    shell.act = answered
    for _ in range(8):
        shell.clock()
    assert "deleted     acme" in shell.applied("--prune").out


def test_a_removed_file_leaves_an_orphan_that_only_prune_deletes(shell: Shell) -> None:
    shell.tenant("acme")
    shell.tenant("bluebird")
    shell.applied()
    (shell.folder / "tenants/acme.yaml").unlink()
    assert "1 orphan" in shell.applied().out
    assert shell.simulated("drift").code == 2
    young = shell.simulated("apply", "--yes", "--prune")
    assert young.code == 5
    assert "the project is younger than 7 d" in young.out
    prunes_the_young(shell)
    left = shell.folder / "tenants/acme.yaml.disabled"
    left.write_text("tenant: acme\ntier: free\n", encoding="utf-8")
    spared = shell.simulated("apply", "--yes", "--prune")
    assert spared.code == 5
    assert "file tenants/acme.yaml.disabled names the tenant" in " ".join(spared.out.split())
    left.unlink()
    assert "deleted     acme" in shell.applied("--prune").out
    assert shell.simulated("drift").code == 0


def test_what_somebody_changed_behind_the_files_is_named_and_repaired_if_it_takes_nothing(shell: Shell) -> None:
    shell.tenant("acme")
    shell.applied()
    shell.write(
        "tiers.yaml",
        (shell.folder / "tiers.yaml").read_text().replace("data_transfer: 5GiB", "data_transfer: 6GiB"),
    )
    found = shell.simulated("drift", "--format", "json")
    assert found.code == 2
    (tenant,) = found.document["tenants"]
    (change,) = tenant["actions"][0]["changes"]
    assert (change["path"], change["before"], change["after"]) == (
        "quota.data_transfer_bytes",
        5 * 2**30,
        6 * 2**30,
    )
    shell.applied()
    assert shell.simulated("drift").code == 0


class TestConverge:
    def test_a_sign_up_hands_out_its_connection_string_to_a_file_that_nobody_else_reads(
        self, shell: Shell
    ) -> None:
        ended = shell.simulated(
            "converge",
            "-",
            "--connections-to",
            "strings",
            "--single-writer",
            stdin=b'{"tenant": "zoe", "tier": "free"}',
        )
        assert ended.code == 0, ended.err
        strings = shell.folder / "strings"
        assert stat.S_IMODE(strings.stat().st_mode) == 0o600
        (line,) = strings.read_text().splitlines()
        handed = json.loads(line)
        assert handed["tenant"] == "zoe"
        assert handed["pooled"].startswith("postgres")
        password = handed["pooled"].partition("@")[0].rpartition(":")[2]
        assert len(password) > 8
        assert password not in ended.out + ended.err

    def test_several_from_stdin_as_yaml_and_json_lines(self, shell: Shell) -> None:
        assert (
            shell.simulated("converge", "-", stdin=b"tenant: a1\ntier: free\n---\ntenant: b2\ntier: pro\n").code
            == 0
        )
        lines = b'{"tenant": "c3", "tier": "free"}\n{"tenant": "d4", "tier": "free"}\n'
        assert shell.simulated("converge", "-", stdin=lines).code == 0
        for name, tier in {"a1": "free", "b2": "pro", "c3": "free", "d4": "free"}.items():
            shell.tenant(name, f"tier: {tier}")
        assert "In sync: 4 tenants" in shell.simulated("plan").out

    def test_a_declared_tenant_by_name(self, shell: Shell) -> None:
        shell.tenant("acme", "tier: pro")
        shell.tenant("bluebird")
        assert "created     acme" in shell.simulated("converge", "acme").out
        assert "1 to create" in shell.simulated("plan").out

    @pytest.mark.parametrize("stdin", [b"", b"nonsense", b'{"tenant": "zoe", "tier": "gold"}', b"\xff\xfe"])
    def test_bad_input_is_one_message_and_exit_3(self, shell: Shell, stdin: bytes) -> None:
        ended = shell.simulated("converge", "-", stdin=stdin)
        assert ended.code == 3
        assert "<stdin>" in ended.err

    def test_a_lower_tier_on_stdin_is_no_cause_whatever_the_base_says(self, shell: Shell) -> None:
        shell.tenant("acme", "tier: pro")
        committed(shell.folder)
        shell.applied()
        document = b'{"tenant": "acme", "tier": "free", "accept": {"history_loss": true}}'
        refused = shell.simulated("converge", "-", "--base", "HEAD", stdin=document)
        assert refused.code == 5
        assert "lowering-needs-a-cause" in refused.err
        permitted = shell.simulated("converge", "-", "--base", "HEAD", "--allow", "lowering", stdin=document)
        assert "downgraded  acme" in permitted.out

    def test_a_lower_tier_in_a_file_is_a_cause_for_the_tenant_by_name(self, shell: Shell) -> None:
        shell.tenant("acme", "tier: pro")
        committed(shell.folder)
        shell.applied()
        shell.tenant("acme", "tier: free\naccept: {history_loss: true}")
        ended = shell.simulated("converge", "acme", "-", stdin=b'{"tenant": "zoe", "tier": "free"}')
        assert "downgraded  acme" in ended.out

    def test_what_the_file_protects_stays_protected_from_stdin(self, shell: Shell) -> None:
        shell.tenant("acme", "tier: pro\nprotect: true")
        shell.applied()
        lower = b"tenant: acme\ntier: free\nprotect: false\n"
        refused = shell.simulated("converge", "-", "--allow", "lowering", stdin=lower)
        assert refused.code == 5
        assert "the tenant is protected" in refused.err

    def test_the_project_that_the_file_pins_is_meant_on_stdin_too(self, shell: Shell) -> None:
        pinned = seeded(shell, "of long ago")
        shell.tenant("acme", f"tier: free\nproject_id: {pinned}")
        shell.applied("--allow", "lowering")
        ended = shell.simulated("converge", "-", stdin=b"tenant: acme\ntier: pro\n")
        assert "upgraded    acme" in ended.out
        assert "In sync" in shell.simulated("converge", "-", stdin=b"tenant: acme\ntier: pro\n").err
        other = b"tenant: acme\ntier: pro\nproject_id: warm-lake-87654321\n"
        refused = shell.simulated("converge", "-", stdin=other)
        assert refused.code == 3
        assert f"is '{pinned}' in tenants/acme.yaml:1" in " ".join(refused.err.split())

    @pytest.mark.parametrize(("tenants", "stdin"), [("zoe", b""), ("-", b"tenant: zoe\ntier: pro\n")])
    def test_a_project_that_another_file_pins_is_left_alone(
        self, shell: Shell, tenants: str, stdin: bytes
    ) -> None:
        pinned = seeded(shell, "myapp-zoe")
        shell.tenant("acme", f"tier: free\nproject_id: {pinned}")
        shell.tenant("zoe", "tier: pro")
        ended = shell.simulated("converge", tenants, "--single-writer", stdin=stdin)
        assert ended.code == 5
        assert f"project {pinned} would belong to this tenant and also to 'acme'" in ended.err
        assert "rename the project to its owner's name" in ended.err
        assert pinned not in ended.out
        assert "acme" not in ended.out

    def test_a_document_that_reduces_is_told_what_helps(self, shell: Shell) -> None:
        """No base has an effect on what stdin asks for."""
        shell.tenant("acme", "tier: pro")
        shell.applied()
        document = b'{"tenant": "acme", "tier": "pro", "overrides": {"compute": {"max_cu": 2}}}'
        ended = shell.simulated("converge", "-", stdin=document)
        shown = " ".join(ended.err.split())
        assert ended.code == 5, ended.err
        assert "lowering-needs-a-cause" in shown
        assert "permit it with --allow lowering, or commit the tenant's file" in shown
        assert "--base" not in shown
        assert shell.simulated("converge", "-", "--allow", "lowering", stdin=document).code == 0

    def test_what_is_destroyed_is_shown(self, shell: Shell) -> None:
        shell.tenant("acme", "tier: pro")
        shell.applied()
        document = b'{"tenant": "acme", "tier": "free", "accept": {"history_loss": true}}'
        ended = shell.simulated("converge", "-", "--allow", "lowering", stdin=document)
        assert ended.code == 0, ended.err
        assert "reduces restore window, destructive" in ended.err

    def test_an_undeclared_name_is_said(self, shell: Shell) -> None:
        ended = shell.simulated("converge", "nobody")
        assert ended.code == 3
        assert "nobody" in ended.err


def test_a_fleet_of_another_naming_is_left_alone(shell: Shell) -> None:
    with shell.account() as simulator:
        assert not simulator.organization_ids
    shell.tenant("acme")
    shell.applied()
    with shell.account() as simulator:
        simulator.add_project("free", ProjectSeed("analytics of somebody else"))
    ended = shell.simulated("plan")
    assert "In sync: 1 tenant matches the files." in ended.out
    assert "orphan" not in ended.out


def test_the_journal_tells_of_every_write_before_and_after(shell: Shell) -> None:
    shell.tenant("acme")
    shell.applied()
    lines = shell.journal
    written = ["intent", "outcome"]
    assert [line["line"] for line in lines] == ["run", *written, "kept", *written, "end"]
    for at, kind in ((1, "create_project"), (4, "patch_endpoint")):
        assert lines[at]["kind"] == kind
        assert lines[at]["request_id"] == lines[at + 1]["request_id"]
    assert stat.S_IMODE((shell.folder / "journal.jsonl").stat().st_mode) == 0o600
