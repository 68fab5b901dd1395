"""Whatever goes wrong: one clear message, what to do, the exit code; never a traceback, nothing half-written."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

from reconciler.cli import embedded_neon
from reconciler.simulator.seed import ProjectSeed
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.desired.state import DesiredState
    from reconciler.simulator.simulator import Simulator
    from tests.harness.shell import Ended, Shell

COMMANDS = ("plan", "apply", "drift")


def check(ended: Ended, code: int, *words: str) -> None:
    """Asserts that it ended with this code and these words, and neither with a traceback nor as a defect."""
    assert ended.code == code, ended.err + ended.out
    assert "Traceback" not in ended.err + ended.out
    assert "defect" not in ended.err
    for word in words:
        assert word in ended.err, ended.err


@pytest.mark.parametrize("command", COMMANDS)
def test_no_files(tmp_path: Path, shell: Shell, command: str) -> None:
    (shell.folder / "tiers.yaml").unlink()
    check(shell.simulated(command), 3, "tiers.yaml")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_broken_file_ends_the_run_before_any_call_with_its_place(shell: Shell, command: str) -> None:
    shell.tenant("acme", "tier: gold")
    check(shell.simulated(command), 3, "tenants/acme.yaml:2:7:", "gold", "hint:")
    assert not (shell.folder / "sim.db").exists()


def test_a_broken_file_can_be_skipped_and_is_still_said(shell: Shell) -> None:
    shell.tenant("acme", "tier: gold")
    shell.tenant("bluebird")
    ended = shell.simulated("apply", "--yes", "--on-invalid", "skip")
    check(ended, 3, "tenants/acme.yaml:2:7:")
    assert "created     bluebird" in ended.out


def test_a_tier_that_is_retired_holds_back_its_tenants_and_nobody_else(shell: Shell) -> None:
    shell.tenant("acme", "tier: gold")
    shell.tenant("bluebird")
    check(shell.simulated("validate"), 3)
    ended = shell.simulated("apply", "--yes")
    check(ended, 3, "tenants/acme.yaml:2:7:", "tier 'gold' does not exist")
    assert "created     bluebird" in ended.out
    assert "1 tenant skipped: the file is invalid." in shell.simulated("plan").out
    for words in (("plan", "--tenant", "acme"), ("converge", "acme")):
        check(shell.simulated(*words), 3, "tenants/acme.yaml:2:7:")
    check(
        shell.simulated("converge", "-", stdin=b'{"tenant": "cedar", "tier": "gold"}'),
        3,
        "tier 'gold' does not exist",
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_variable_that_is_not_set(shell: Shell, command: str) -> None:
    check(shell.run(command), 4, "NEON_FREE_ORG_ID", "FREE_ORG_API_KEY", "tiers.yaml:")


def keys(**changed: str) -> dict[str, str]:
    known = {
        "NEON_FREE_ORG_ID": "org-free",
        "NEON_PAID_ORG_ID": "org-paid",
        "FREE_ORG_API_KEY": "marked-free-key",
        "PAID_ORG_API_KEY": "marked-paid-key",
        "PERSONAL_API_KEY": "marked-personal-key",
    }
    return known | changed


def test_a_host_that_does_not_answer(shell: Shell) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shell.environ |= keys(NO_PROXY="127.0.0.1")
    ended = shell.run("plan", "--api-host", f"http://127.0.0.1:{port}/api/v2")
    check(ended, 1, "127.0.0.1", "hint:")
    assert "marked" not in ended.err


@pytest.mark.parametrize("host", ["http://console.neon.tech/api/v2", "ftp://127.0.0.1", "nonsense", "http://"])
def test_a_host_that_is_none_or_would_carry_keys_in_the_clear(shell: Shell, host: str) -> None:
    shell.environ |= keys()
    ended = shell.run("plan", "--api-host", host)
    check(ended, 3)
    assert "marked" not in ended.err


def test_an_empty_account_where_much_is_declared_is_a_wrong_key(shell: Shell) -> None:
    for number in range(50):
        shell.tenant(f"t{number}")
    check(shell.simulated("plan"), 4, "--expect-empty")
    assert shell.simulated("plan", "--expect-empty").code == 0


def test_a_wrong_simulator_file(shell: Shell) -> None:
    shell.write("sim.db", "this is no database, but it is long enough to be read as one\n" * 100)
    found = shell.simulated("plan")
    check(found, 3, "sim.db", "a missing one is made anew")
    assert "remove" not in found.err, "the file may be anything of the user's"


def test_a_simulator_file_in_no_folder(shell: Shell) -> None:
    check(shell.run("plan", "--simulator", "no/such/sim.db"), 3, "folder no/such does not exist")


def test_a_simulator_file_that_cannot_be_opened(shell: Shell) -> None:
    (shell.folder / "sim.db-journal").mkdir()
    (shell.folder / "sim.db-wal").mkdir()
    check(shell.simulated("plan"), 3, "have to be writable")


@pytest.mark.parametrize("words", [("--simulator", "sim.db", "plan"), ("registry", "--full", "show")])
def test_a_flag_before_its_command_is_told_its_place(shell: Shell, words: tuple[str, ...]) -> None:
    check(shell.run(*words), 3, "flags follow the command")


@pytest.mark.parametrize(
    "flags",
    [
        ("--no-such-flag",),
        ("--only", "everything"),
        ("--shard", "3/2"),
        ("--tier", "gold"),
        ("--tenant", "nosuch*"),
        ("--prune", "--tenant", "acme"),
        ("--allow", "anything"),
        ("--allow", "deletes=all"),
        ("--depth", "bottomless"),
        ("--format", "pdf"),
        ("--output", "plan.pdf"),
        ("--output", "no/such/folder/plan.json"),
        ("-C", "no-such-folder"),
        ("--base", "no-such-ref"),
        ("--base=--evil",),
        ("--changed-since", "HEAD"),
    ],
)
def test_flags_that_mean_nothing(shell: Shell, flags: tuple[str, ...]) -> None:
    shell.tenant("acme")
    check(shell.simulated("plan", *flags), 3)


@pytest.mark.parametrize(("command", "form"), [("apply", "csv"), ("validate", "markdown"), ("converge", "sarif")])
def test_a_form_that_a_command_does_not_have(shell: Shell, command: str, form: str) -> None:
    check(shell.run(command, "--format", form), 3, form)


def test_a_port_that_is_taken(shell: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        check(shell.run("simulator", "serve", "--port", str(taken.getsockname()[1])), 3, "--port 0")


def test_after_a_value_that_neon_rejects_the_next_step_is_to_correct_it(shell: Shell) -> None:
    shell.tenant("acme", "tier: free\nregion: aws-nowhere-1")
    ended = shell.simulated("apply", "--yes", "--journal", "journal.jsonl")
    assert ended.code == 6
    assert "correct the files first" in " ".join(ended.out.split())


def test_the_folder_of_the_command_is_not_called_by_a_dot(shell: Shell) -> None:
    shell.tenant("acme")
    ended = shell.simulated("apply", "--yes", "--advance", "applied")
    check(ended, 3, "folder")
    assert "the folder . " not in ended.err


def test_no_tenant_file_keeps_anybody_from_the_simulator(shell: Shell) -> None:
    shell.tenant("acme", "tier: gold")
    (shell.folder / "tenants" / "bob.yaml").symlink_to("nowhere.yaml")
    ended = shell.run("simulator", "env")
    assert (ended.code, ended.err) == (0, "")
    assert "export PERSONAL_API_KEY=" in ended.out


def test_an_unknown_command(shell: Shell) -> None:
    check(shell.run("destroy"), 3, "destroy")


def test_nobody_to_confirm(shell: Shell) -> None:
    shell.tenant("acme")
    check(shell.simulated("apply"), 3, "--yes")
    assert "1 to create" in shell.simulated("plan").out


def test_an_unwritable_journal_stops_the_run_before_the_first_write(shell: Shell) -> None:
    shell.tenant("acme")
    (shell.folder / "journal").mkdir()
    check(shell.simulated("apply", "--yes", "--journal", "journal/"), 3)
    shell.write("file", "")
    check(shell.simulated("apply", "--yes", "--journal", "file/journal.jsonl"), 1, "journal")
    assert "1 to create" in shell.simulated("plan").out


def test_connections_go_to_no_file_that_others_can_read(shell: Shell) -> None:
    shell.tenant("acme")
    shell.write("strings", "")
    (shell.folder / "strings").chmod(0o644)
    check(shell.simulated("converge", "acme", "--connections-to", "strings"), 3, "chmod 600")
    assert "1 to create" in shell.simulated("plan").out


def test_a_person_who_says_no(shell: Shell) -> None:
    shell.tenant("acme")
    shell.interactive = True
    check(shell.simulated("apply", stdin=b"n\n"), 8)
    assert "1 to create" in shell.simulated("plan").out
    assert "created     acme" in shell.simulated("apply", stdin=b"y\n").out


def test_a_person_may_permit_what_takes_from_tenants(shell: Shell) -> None:
    shell.tenant("acme", "tier: pro")
    shell.applied()
    shell.tenant("acme", "tier: free\naccept: {history_loss: true}")
    shell.interactive = True
    ended = shell.simulated("apply", stdin=b"y\ny\n")
    assert "downgraded  acme" in ended.out
    assert ended.code == 0


class TestFailOn:
    def test_a_refusal_counts_unless_it_is_left_out(self, shell: Shell) -> None:
        shell.tenant("acme", "tier: pro")
        shell.applied()
        shell.tenant("acme")
        assert shell.simulated("plan").code == 5
        assert shell.simulated("plan", "--fail-on", "drift").code == 0
        assert shell.simulated("plan", "--fail-on", "drift", "--detailed-exitcode").code == 2

    def test_drift_counts_unless_it_is_left_out(self, shell: Shell) -> None:
        shell.tenant("acme")
        assert shell.simulated("drift").code == 2
        assert shell.simulated("drift", "--fail-on", "refused").code == 0


def test_selection_flags_narrow_the_work_and_say_what_was_left_out(shell: Shell) -> None:
    shell.tenant("acme", "tier: pro\nlabels: {team: eu}")
    shell.tenant("bluebird", "tier: free\nlabels: {team: us}")
    shell.tenant("cedar")
    for flags, names in {
        ("--tenant", "*e*"): ["acme", "bluebird", "cedar"],
        ("--tenant", "a*"): ["acme"],
        ("--exclude", "a*", "--exclude", "b*"): ["cedar"],
        ("--tier", "free"): ["bluebird", "cedar"],
        ("--label", "team"): ["acme", "bluebird"],
        ("--label", "team=us"): ["bluebird"],
        ("--only", "quota"): [],
    }.items():
        document = shell.simulated("plan", "--format", "json", *flags).document
        assert [tenant["tenant"] for tenant in document["tenants"]] == names, flags
    text = shell.simulated("plan", "--tenant", "a*").out
    assert re.search(r"2 tenants?.*left out|left out.*2", text), text
    shards = [
        {t["tenant"] for t in shell.simulated("plan", "--format", "json", "--shard", f"{i}/3").document["tenants"]}
        for i in (1, 2, 3)
    ]
    assert set().union(*shards) == {"acme", "bluebird", "cedar"}
    assert sum(map(len, shards)) == 3


def test_a_project_of_another_organization_in_an_answer_stops_everything(shell: Shell) -> None:
    shell.tenant("acme")
    shell.applied()
    with shell.account() as simulator:
        simulator.add_projects("paid", [ProjectSeed("myapp-x")])
    for project_id in shell.stored.project_ids().values():
        shell.stored.change("projects", project_id, {"org_id": "org-foreign"})
    check(shell.simulated("plan"), 4, "org-foreign")


def test_documents_go_to_files_in_the_form_of_their_ending(shell: Shell) -> None:
    shell.tenant("acme")
    ended = shell.simulated("plan", "--output", "plan.json", "--output", "plan.md", "--output", "plan.txt")
    assert (shell.folder / "plan.txt").read_text().strip() == ended.out.strip()
    assert '"format_version": 1' in (shell.folder / "plan.json").read_text()
    assert (shell.folder / "plan.md").read_text().startswith("**Plan: 1 to create.")


def test_the_price_list_of_these_tests_is_valid(shell: Shell) -> None:
    shell.write("tiers.yaml", TIERS)
    shell.tenant("acme")
    ended = shell.run("validate")
    assert (ended.code, ended.out) == (0, "No problems in 2 files: 1 tenant, 2 tiers.\n")


@pytest.mark.parametrize("variable", ["FREE_ORG_API_KEY", "PAID_ORG_API_KEY"])
def test_a_personal_key_that_is_an_organizations_ends_a_move_with_4(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    shell.tenant("acme")
    shell.applied()
    shell.tenant("acme", "tier: pro")
    keys = embedded_neon.keys

    def mistaken(desired: DesiredState, simulator: Simulator) -> dict[str, str]:
        right = dict(keys(desired, simulator))
        return right | {"PERSONAL_API_KEY": right[variable]}

    monkeypatch.setattr(embedded_neon, "keys", mistaken)
    ended = shell.simulated("apply", "--yes", "--journal", "journal.jsonl")
    assert ended.code == 4, ended.out
    assert "a transfer needs a personal API key of an admin of both organizations" in ended.out


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("plan", "acme"), "unexpected argument 'acme': did you mean --tenant acme?"),
        (("drift", "tenants/eu/acme.yaml", "o'neill"), "did you mean --tenant acme --tenant 'o'\"'\"'neill'?"),
        (("plan", *"abcd"), "did you mean --tenant a --tenant b --tenant c ...?"),
        (("apply", "acme"), "did you mean --tenant acme?"),
        (("apply", "tenants/acme.yaml"), "did you mean --tenant acme?"),
    ],
)
def test_a_tenant_without_its_flag_is_told_the_flag(shell: Shell, words: tuple[str, ...], hint: str) -> None:
    shell.tenant("acme", "tier: free")
    check(shell.simulated(*words), 3, hint)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("plan", "--json"), "Did you mean '--format json'?"),
        (("drift", "--deep"), "Did you mean '--depth deep'?"),
        (("validate", "--sarif"), "Did you mean '--format sarif'?"),
        (("plan", "--tenants=acme"), "Did you mean '--tenant'?"),
    ],
)
def test_a_value_in_place_of_its_flag_is_told_the_flag(shell: Shell, words: tuple[str, ...], hint: str) -> None:
    check(shell.run(*words), 3, hint)


def test_a_misspelt_plan_file_is_not_taken_for_a_tenant(shell: Shell) -> None:
    ended = shell.simulated("apply", "plam.json")
    check(ended, 3, "plam.json")
    assert "--tenant" not in ended.err


@pytest.mark.parametrize("command", [("plan", "--tenant"), ("drift", "--exclude")])
def test_an_unknown_tenant_is_told_the_most_similar_names(shell: Shell, command: tuple[str, ...]) -> None:
    for number in range(60):
        shell.tenant(f"customer-{number}", "tier: free")
    shell.tenant("anna", "tier: free")
    check(shell.simulated(*command, "ana"), 3, "hint: did you mean 'anna'?")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--exclude", "acmme"), "no file declares a tenant 'acmme'"),
        (("--exclude", "acme", "--exclude", "b*"), "no file declares a tenant 'b*'"),
        (("--label", "taem"), "no tenant has a label 'taem'"),
        (("--label", "team=us"), "no tenant has a label 'team=us'"),
        (("--label", "team", "--label", "team=us"), "no tenant has a label 'team=us'"),
        (("--tenant", "acmme"), "no file declares a tenant 'acmme'"),
    ],
)
@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("drift",)])
def test_a_selection_that_matches_nobody_is_an_error(
    shell: Shell, command: tuple[str, ...], flags: tuple[str, ...], told: str
) -> None:
    shell.tenant("acme", "tier: free\nlabels: {team: eu}")
    ended = shell.simulated(*command, *flags)
    check(ended, 3)
    assert told in ended.err


def test_a_tenant_of_a_broken_file_may_be_left_out(shell: Shell) -> None:
    shell.tenant("acme")
    shell.tenant("cedar", "tier: gold")
    ended = shell.simulated("plan", "--on-invalid", "skip", "--exclude", "cedar", "--format", "json")
    assert [tenant["tenant"] for tenant in ended.document["tenants"]] == ["acme"]
