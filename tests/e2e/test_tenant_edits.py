"""suspend, resume, boost and hold: the file is edited in place, and the tenant is converged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.harness.lived import lived
from tests.harness.repository import commit_all, git

if TYPE_CHECKING:
    from tests.harness.shell import Shell

FILE = "# A customer.\ntenant: acme\ntier: pro  # paying\n"
MINIMUM = {"active_time_seconds": 1, "compute_time_seconds": 1, "written_data_bytes": 1, "data_transfer_bytes": 1}


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Two tenants that are live as their files say."""
    shell.write("tenants/acme.yaml", FILE)
    shell.tenant("bob")
    shell.applied()
    return shell


def file_of(shell: Shell, name: str = "acme") -> str:
    return (shell.folder / f"tenants/{name}.yaml").read_text(encoding="utf-8")


def quota_of(shell: Shell, name: str = "acme") -> dict[str, int]:
    found = (row["body"] for row in shell.stored.rows("projects") if row["name"] == f"myapp-{name}")
    quota: dict[str, int] = next(found)["settings"]["quota"]
    return quota


class TestASuspension:
    def test_is_in_the_file_and_live_within_one_command(self, fleet: Shell) -> None:
        ended = fleet.simulated("suspend", "acme", "--reason", "payment is overdue", "--yes")
        assert ended.code == 0, ended.err
        assert file_of(fleet) == FILE + 'state: suspended\nreason: "payment is overdue"\n'
        assert {**quota_of(fleet), **MINIMUM} == quota_of(fleet)
        assert "acme  suspended: payment is overdue" in ended.out
        assert "edited tenants/acme.yaml: commit and push it" in ended.err
        assert fleet.simulated("plan", "--detailed-exitcode").code == 0

    def test_ends_by_another_command(self, fleet: Shell) -> None:
        before = quota_of(fleet)
        assert fleet.simulated("suspend", "acme", "--reason", "abuse", "--yes").code == 0
        assert fleet.simulated("resume", "acme", "--yes").code == 0
        assert file_of(fleet) == FILE
        assert quota_of(fleet) == before

    def test_is_refused_for_a_protected_tenant_whose_file_stays(self, fleet: Shell) -> None:
        fleet.write("tenants/acme.yaml", FILE + "protect: true\n")
        ended = fleet.simulated("suspend", "acme", "--reason", "abuse", "--yes")
        assert ended.code == 5
        assert "protected" in ended.out
        assert file_of(fleet) == FILE + "protect: true\n"

    def test_is_refused_where_the_commit_that_ends_the_protection_is_not_applied(self, fleet: Shell) -> None:
        git(fleet.folder, "init", "--quiet", "--initial-branch=main")
        fleet.write(".gitignore", "sim.db*\njournal.jsonl\n")
        fleet.write("tenants/acme.yaml", FILE + "protect: true\n")
        commit_all(fleet.folder)
        fleet.write("tenants/acme.yaml", FILE)
        commit_all(fleet.folder)
        ended = fleet.simulated("suspend", "acme", "--reason", "abuse", "--yes", "--base", "HEAD^")
        assert ended.code == 5
        assert "protected at the base" in ended.out
        assert file_of(fleet) == FILE
        assert fleet.simulated("suspend", "acme", "--reason", "abuse", "--yes", "--base", "HEAD").code == 0

    def test_asks_first(self, fleet: Shell) -> None:
        ended = fleet.simulated("suspend", "acme", "--reason", "abuse")
        assert ended.code == 3
        assert "pass --yes" in ended.err
        assert file_of(fleet) == FILE

    def test_is_shown_and_not_done_with_dry_run(self, fleet: Shell) -> None:
        ended = fleet.simulated("suspend", "acme", "--reason", "abuse", "--dry-run", "--format", "json")
        kinds = [action["kind"] for tenant in ended.document["tenants"] for action in tenant["actions"]]
        assert (ended.code, kinds) == (0, ["patch_project"])
        assert file_of(fleet) == FILE

    def test_is_the_cause_of_nothing_else(self, fleet: Shell) -> None:
        """The earlier files are the file before the edit: a smaller limit that is in it already has no cause."""
        before = quota_of(fleet)
        smaller = FILE + "overrides: {quota: {logical_size: 1GiB}}\n"
        fleet.write("tenants/acme.yaml", smaller)
        ended = fleet.simulated("suspend", "acme", "--reason", "abuse", "--yes")
        assert ended.code == 5
        assert "lowering-needs-a-cause" in ended.out
        assert quota_of(fleet) == {**before, **MINIMUM}
        assert quota_of(fleet)["logical_size_bytes"] == before["logical_size_bytes"]

    def test_leaves_other_tenants_alone(self, fleet: Shell) -> None:
        before = quota_of(fleet, "bob")
        assert fleet.simulated("suspend", "acme", "--reason", "abuse", "--yes").code == 0
        assert quota_of(fleet, "bob") == before


def test_no_apply_edits_the_file_and_needs_no_account(fleet: Shell) -> None:
    ended = fleet.run("suspend", "acme", "--reason", "abuse", "--no-apply")
    assert (ended.code, ended.out) == (0, "")
    assert file_of(fleet) == FILE + "state: suspended\nreason: abuse\n"


def test_a_boost_is_added_and_a_second_one_after_it(fleet: Shell) -> None:
    words = ("boost", "acme", "--until", "60d", "--yes")
    ended = fleet.simulated(*words, "quota.active_time=unlimited", "compute.max_cu=8", "--reason", "launch")
    assert ended.code == 0, ended.err
    assert quota_of(fleet).get("active_time_seconds", 0) == 0
    ended = fleet.simulated(*words, "quota.data_transfer=60GiB", "--format", "json")
    assert (ended.code, ended.document["kind"]) == (0, "report")
    lines = file_of(fleet).removeprefix(FILE).splitlines()
    assert lines[0] == "boosts:"
    assert lines[1].startswith("  - {quota: {active_time: unlimited}, compute: {max_cu: 8}, until: 2028-0")
    assert lines[2].startswith("  - {quota: {data_transfer: 60GiB}, until: 2028-0")


def test_a_hold_is_added_and_ended_and_refuses_the_other_commands(fleet: Shell) -> None:
    assert fleet.simulated("hold", "acme", "--until", "60d", "--reason", "a dispute", "--yes").code == 0
    held = file_of(fleet)
    assert held.removeprefix(FILE).startswith("hold: {until: 2028-0")
    refused = fleet.simulated("suspend", "acme", "--reason", "abuse", "--yes")
    assert (refused.code, "held until" in refused.out, file_of(fleet)) == (5, True, held)
    told = fleet.simulated("suspend", "acme", "--reason", "abuse", "--yes", "--output", "plan.json")
    assert (told.code, told.out.count("held until")) == (5, 1)
    assert json.loads((fleet.folder / "plan.json").read_text(encoding="utf-8"))["kind"] == "plan"
    assert fleet.simulated("hold", "acme", "--end", "--yes").code == 0
    assert file_of(fleet) == FILE


def test_a_line_of_json_is_edited_in_its_place(shell: Shell) -> None:
    shell.write(
        "tiers.yaml", (shell.folder / "tiers.yaml").read_text() + "tenants: [{ndjson: 'lines/*.ndjson'}]\n"
    )
    first, last = '{"tenant": "bob", "tier": "free"}\n', '{"tenant":"zoe","tier":"free"}\n'
    shell.write("lines/all.ndjson", f'{first}{{"tenant": "acme", "tier": "pro"}}\n{last}')
    assert shell.run("suspend", "acme", "--reason", "abuse", "--no-apply").code == 0
    edited = '{"tenant": "acme", "tier": "pro", "state": "suspended", "reason": "abuse"}\n'
    assert (shell.folder / "lines/all.ndjson").read_text() == f"{first}{edited}{last}"
    ended = shell.run("boost", "acme", "quota.active_time=2h", "--until", "7d", "--no-apply")
    assert ended.code == 3
    assert "lines/all.ndjson:2:" in ended.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("suspend", "nobody", "--reason", "x"), "no file declares tenant 'nobody'"),
        (("suspend", "acme", "--reason", " "), "the reason is empty"),
        (("suspend", "acme", "--reason", "x" * 201), "at most 200"),
        (("resume", "acme"), "tenants/acme.yaml:2: tenant 'acme' is not suspended"),
        (
            ("boost", "acme", "quota.active_time=1h", "--until", "7d"),
            "tenants/acme.yaml:5:27: active_time 1h is less",
        ),
        (("boost", "acme", "quota.activ_time=1h", "--until", "7d"), "did you mean 'active_time'?"),
        (("boost", "acme", "active_time=1h", "--until", "7d"), "write quota.MEMBER=VALUE"),
        (("boost", "acme", "compute.max_cu=99", "--until", "7d"), "tenants/acme.yaml:5:"),
        (
            ("boost", "acme", "quota.active_time=800h", "quota.active_time=900h", "--until", "7d"),
            "quota.active_time is given twice",
        ),
        (("boost", "acme", "quota.active_time=unlimited", "--until", "yesterday"), "is no end"),
        (("boost", "acme", "quota.active_time=unlimited", "--until", "2031-01-01"), "has no time zone"),
        (("boost", "acme", "quota.active_time=unlimited", "--until", "2021-01-01T00:00:00Z"), "has passed"),
        (("boost", "acme", "quota.active_time=unlimited", "--until", "99999999d"), "is no end"),
        (("hold", "acme", "--until", "7d"), "a hold needs --until and --reason"),
        (("hold", "acme", "--end", "--reason", "x"), "--end cannot be combined"),
        (("suspend", "acme", "--reason", "x", "--no-apply", "--format", "json"), "--no-apply only edits the file"),
    ],
)
def test_bad_input_is_refused_with_its_place_and_a_remedy(shell: Shell, words: tuple[str, ...], told: str) -> None:
    shell.write("tenants/acme.yaml", FILE)
    ended = shell.run(*words) if "--no-apply" in words else shell.simulated(*words, "--yes")
    assert ended.code == 3, ended.err
    assert told in " ".join(ended.err.split())
    assert file_of(shell) == FILE


def test_a_tenant_of_two_files_is_edited_in_the_document_that_overrides_its_line(shell: Shell) -> None:
    sources = "tenants: [{ndjson: l.ndjson}, {files: 'tenants/*.yaml'}]\n"
    shell.write("tiers.yaml", (shell.folder / "tiers.yaml").read_text() + sources)
    shell.write("l.ndjson", '{"tenant": "acme", "tier": "pro"}\n')
    shell.write("tenants/acme.yaml", "tenant: acme\nlabels: {a: b}\n")
    assert shell.simulated("suspend", "acme", "--reason", "x", "--yes").code == 0
    assert file_of(shell) == "tenant: acme\nlabels: {a: b}\nstate: suspended\nreason: x\n"
    shell.write("l.ndjson", '{"tenant": "acme", "tier": "pro", "state": "suspended", "reason": "y"}\n')
    ended = shell.simulated("resume", "acme", "--yes")
    assert (ended.code, "l.ndjson:1 also sets state" in ended.err) == (3, True), ended.err


def test_a_tombstone_is_edited_by_hand(shell: Shell) -> None:
    shell.write("tenants/gone.yaml", "tenant: gone\nstate: absent\n")
    assert "state is absent" in shell.simulated("suspend", "gone", "--reason", "x", "--yes").err
