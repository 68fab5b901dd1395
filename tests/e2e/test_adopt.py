"""``reconciler adopt``: an account that other programs filled becomes files, and the next plan is empty."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest

from reconciler.simulator.seed import BranchSeed, ProjectSeed, SnapshotSeed
from reconciler.simulator.types import Quota
from tests.e2e.test_causes import commit
from tests.harness.builders import DAY, FREE_COMPUTE, FREE_QUOTA, GIB, PRO_COMPUTE, PRO_QUOTA
from tests.harness.repository import git
from tests.harness.simulated import simulated_compute, simulated_quota
from tests.harness.wire import answered

if TYPE_CHECKING:
    from collections.abc import Iterable

    import httpx

    from tests.harness.shell import Ended, Shell
    from tests.harness.wire import Passing

pytestmark = pytest.mark.drawn(12)

APP: Final = ("--pattern", "app-{tenant}-{tier}-{any}")
MYAPP: Final = ("--pattern", "myapp-{tenant}")
FREE: Final = {
    "quota": simulated_quota(FREE_QUOTA),
    "compute": simulated_compute(FREE_COMPUTE),
    "restore_window_seconds": DAY,
}
PRO: Final = {
    "quota": simulated_quota(PRO_QUOTA),
    "compute": simulated_compute(PRO_COMPUTE),
    "restore_window_seconds": 7 * DAY,
}


def free(name: str, **fields: Any) -> ProjectSeed:
    return ProjectSeed(name, **{**FREE, **fields})


def pro(name: str, **fields: Any) -> ProjectSeed:
    return ProjectSeed(name, **{**PRO, **fields})


def transferring(gib: int) -> Quota:
    """The free quota with another limit, as somebody set it by hand."""
    return Quota(FREE_QUOTA.active_time_seconds, 0, 0, gib * GIB, FREE_QUOTA.logical_size_bytes)


FREE_PROJECTS: Final = (
    *(free(f"app-user_{n}Ab-free-{n:04x}") for n in range(8)),
    free("app-big-free-00ff", quota=transferring(9)),
    free("sandbox of somebody"),
    free("app-user_1Ab-free-copy"),
)
PAID_PROJECTS: Final = tuple(pro(f"app-corp{n}-pro-{n:04x}") for n in range(3))


def fill(shell: Shell, free_ones: Iterable[ProjectSeed], paid_ones: Iterable[ProjectSeed] = ()) -> None:
    if not (shell.folder / "sim.db").exists():
        assert shell.simulated("plan").code == 0  # makes the account
    with shell.account() as account:
        account.add_projects("free", free_ones)
        account.add_projects("paid", paid_ones)


@pytest.fixture
def filled(shell: Shell) -> Shell:
    fill(shell, FREE_PROJECTS, PAID_PROJECTS)
    return shell


def words(ended: Ended) -> str:
    return " ".join(ended.out.split())


def test_the_next_plan_is_empty_and_what_needs_a_person_is_listed(filled: Shell) -> None:
    adopted = filled.simulated("adopt", *APP)
    assert adopted.code == 0, adopted.out + adopted.err
    told = words(adopted)
    assert "Adopted 11 of 14 projects in no file. 11 named by a pattern, 3 open questions." in told
    assert "The plan with these files is empty. In sync: 11 tenants match the files." in told
    assert "big quota.data_transfer 9GiB (tier 5GiB)" in told
    assert "several projects name one tenant (2)" in told
    planned = filled.simulated("plan", "--detailed-exitcode")
    assert planned.code == 0
    assert planned.out.startswith("In sync: 11 tenants match the files.")
    assert filled.run("fmt", "--check").code == 0
    text = (filled.folder / "tenants" / "big.yaml").read_text(encoding="utf-8")
    assert "overrides:  # when adopted, tier free had data_transfer 5GiB\n  quota: {data_transfer: 9GiB}\n" in text
    assert "project_id: " in text


def test_the_first_plan_in_git_is_empty_as_well(filled: Shell) -> None:
    git(filled.folder, "init", "--quiet", "--initial-branch=main")
    filled.write(".gitignore", "*.db*\n")
    commit(filled)
    assert filled.simulated("adopt", *APP).code == 0
    for _ in range(2):
        planned = filled.simulated("plan", "--detailed-exitcode")
        assert planned.code == 0, planned.out + planned.err
        commit(filled)


def test_a_dry_run_writes_nothing_and_tells_the_same(filled: Shell) -> None:
    before = {
        path: path.read_bytes() for path in filled.folder.rglob("*") if path.suffix != ".db" and path.is_file()
    }
    dry = filled.simulated("adopt", *APP, "--dry-run")
    assert dry.code == 0
    assert "Would adopt 11 of 14" in dry.out
    after = {path: path.read_bytes() for path in before}
    assert after == before
    assert not list((filled.folder / "tenants").iterdir())


def test_json_is_as_published_and_says_what_the_text_says(filled: Shell) -> None:
    asked = ("adopt", *APP, "--dry-run", "--select", "app-*", "--select", "sandbox*")
    shown = filled.simulated(*asked, "--format", "json", "--output", "told.txt")
    assert shown.code == 0, shown.err
    document = shown.document
    schema = jsonschema_rs.Draft202012Validator(filled.run("schema", "adoption").document)
    schema.validate(document)
    told = (filled.folder / "told.txt").read_text(encoding="utf-8")
    assert told == filled.simulated(*asked).out
    assert document["dry_run"] is document["in_sync"] is True
    assert f"Would adopt {document['adopted']} of {document['projects']} projects in no file." in told
    assert {one["tier"]: one["tenants"] for one in document["tiers"]} == {"free": 8, "pro": 3}
    named = {one["tenant"]: one for one in document["tenants"]}
    assert len(named) == document["adopted"] == 11
    assert named["big"]["document"] == {
        "tenant": "big",
        "tier": "free",
        "overrides": {"quota": {"data_transfer": "9GiB"}},
        "project_id": named["big"]["project_id"],
    }
    assert named["big"]["instead_of"] == {"quota.data_transfer_bytes": 5 * GIB}
    assert named["big"]["named_by"] == "pattern"
    assert named["big"]["pattern"] == APP[1]
    for question in document["questions"]:
        assert question["project"] in told
        assert question["project_id"] in told
    assert len(document["questions"]) == document["projects"] - document["adopted"]
    assert document["created"][:3] == ["tenants/big.yaml", "tenants/corp0.yaml", "tenants/corp1.yaml"]
    assert document["plan"]["create"] == document["plan"]["orphans"] == 0


def test_it_goes_on_with_what_is_in_no_file(filled: Shell) -> None:
    assert filled.simulated("adopt", *APP, "--select", "*corp*").code == 0
    again = filled.simulated("adopt", *APP)
    assert "Adopted 8 of 11" in again.out
    assert "3 projects in files already" in again.out
    third = filled.simulated("adopt", *APP)
    assert third.code == 0
    assert "Adopted 0 of 3" in third.out
    assert "No file was written." in third.out
    assert "not in sync" not in third.out


def test_nothing_to_adopt_says_why_it_ends_with_changes(shell: Shell) -> None:
    shell.tenant("acme")
    ended = shell.simulated("adopt", *MYAPP)
    assert ended.code == 2
    assert "The tenants in files are not in sync: `reconciler plan` shows what differs." in words(ended)


def test_an_interrupted_run_keeps_what_it_wrote_and_goes_on(
    filled: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.cli.adopt.PORTION", 3)
    flags = (*APP, "--depth", "list", "--with", "snapshots")

    async def interrupting(passing: Passing) -> httpx.Response:
        if passing.path.endswith("/snapshots") and passing.number > 16:
            raise KeyboardInterrupt
        return await answered(passing)

    filled.act = interrupting
    assert filled.simulated("adopt", *flags).code == 8
    kept = {path.name for path in (filled.folder / "tenants").iterdir()}
    assert 0 < len(kept) < 11
    filled.act = answered
    again = filled.simulated("adopt", *flags)
    assert again.code == 0, again.out + again.err
    assert f"{len(kept)} projects in files already" in again.out
    assert len(list((filled.folder / "tenants").iterdir())) == 11
    assert filled.simulated("plan", "--detailed-exitcode").code == 0


def test_answers_settle_the_questions(filled: Shell) -> None:
    assert filled.simulated("adopt", *APP, "--questions", "q.ndjson").code == 0
    lines = [json.loads(line) for line in (filled.folder / "q.ndjson").read_text(encoding="utf-8").splitlines()]
    answers = {"app-user_1Ab-free-0001": "user_1Ab", "app-user_1Ab-free-copy": None, "sandbox of somebody": None}
    answered = [{**line, "tenant": answers.get(line["project"], "")} for line in lines]
    filled.write("q.ndjson", "\n".join(map(json.dumps, answered)))
    settled = filled.simulated("adopt", *APP, "--answers", "q.ndjson")
    assert settled.code == 0, settled.err
    assert "1 named by an answer" in settled.out
    assert "2 projects left alone" in settled.out


def test_questions_passed_back_as_they_are_adopt_what_is_sure_and_no_guess(shell: Shell) -> None:
    fill(shell, [*(free(f"shop-u{n}") for n in range(4)), free("prod-db"), free("Old DB")])
    (shell.folder / "tiers.yaml").unlink()
    for known in (shell.folder / "tenants").glob("*.yaml"):
        known.unlink()
    assert shell.simulated("adopt", "--questions", "q.ndjson").code == 0
    lines = [json.loads(line) for line in (shell.folder / "q.ndjson").read_text(encoding="utf-8").splitlines()]
    proposed = {line["project"]: (line["tenant"], line["proposal"], line["sure"]) for line in lines}
    assert proposed["shop-u1"] == ("u1", "u1", "sure")
    assert proposed["prod-db"] == ("", "prod-db", "likely"), "nobody said that names begin with prod-"
    assert proposed["Old DB"] == ("", "old-db", "a guess")
    assert "Adopted 4 of 6" in shell.simulated("adopt", "--answers", "q.ndjson").out


def test_questions_are_readable_in_every_language_and_hide_nothing(shell: Shell) -> None:
    fill(shell, [free("Bäckerei Müller 東京"), free("left \u202eright")])
    assert shell.simulated("adopt", "--pattern", "app-{tenant}", "--questions", "q.ndjson").code == 0
    text = (shell.folder / "q.ndjson").read_text(encoding="utf-8")
    assert '"project": "Bäckerei Müller 東京"' in text
    assert '"project": "left \\u202eright"' in text
    assert {json.loads(line)["project"] for line in text.splitlines()} >= {"left \u202eright"}
    assert shell.simulated("adopt", "--pattern", "app-{tenant}", "--answers", "q.ndjson").code in {0, 2}


DEVICES: Final = ("CON", "nul", "aux", "com1.eu", "LPT9", "prn.x")


def test_a_tenant_after_whom_windows_has_no_file_is_a_line_among_files(shell: Shell) -> None:
    fill(shell, [free(f"myapp-{name}") for name in (*DEVICES, "console", "aux-1")])
    adopted = shell.simulated("adopt", *MYAPP)
    assert adopted.code == 0, adopted.out + adopted.err
    written = {path.name for path in (shell.folder / "tenants").iterdir()}
    assert {"console.yaml", "aux-1.yaml"} <= written
    assert not written & {f"{name}.yaml" for name in DEVICES}
    lines = (shell.folder / "fleet/adopted.ndjson").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["tenant"] for line in lines} == {*DEVICES}
    assert shell.simulated("plan", "--detailed-exitcode").code == 0


def test_an_answer_that_is_none_names_its_line(filled: Shell) -> None:
    for text, why in (
        ("{", "q:1: not JSON"),
        ('\n{"tenant": "x"}', "q:2: no answer"),
        ('{"project_id": "a", "tenant": 1}', "q:1"),
    ):
        filled.write("q", text)
        refused = filled.simulated("adopt", "--answers", "q")
        assert refused.code == 3
        assert why in refused.err
        assert "write lines such as" in refused.err


def test_without_tiers_they_are_inferred_and_named_as_the_names_say(shell: Shell) -> None:
    fill(shell, FREE_PROJECTS, PAID_PROJECTS)
    (shell.folder / "tiers.yaml").unlink()
    adopted = shell.simulated("adopt", *APP, "--fleet", "shop")
    assert adopted.code == 0, adopted.out + adopted.err
    text = (shell.folder / "tiers.yaml").read_text(encoding="utf-8")
    assert "free:  # 7 projects have exactly these values" in text
    assert "pro:  # 3 projects have exactly these values" in text
    assert "id: ${NEON_FREE_ORG_ID}" in text
    assert shell.run("validate").code == 0
    assert shell.simulated("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("pattern", "naming"),
    [("app-{tenant}", "app-{tenant}"), (APP[1], "prod-{tenant}"), ("/app-(?P<tenant>.*)/", "prod-{tenant}")],
)
def test_a_new_price_list_names_projects_as_the_pattern_does(shell: Shell, pattern: str, naming: str) -> None:
    fill(shell, FREE_PROJECTS[:5])
    (shell.folder / "tiers.yaml").unlink()
    assert shell.simulated("adopt", "--pattern", pattern).code == 0
    assert f'naming: {{project: "{naming}"}}' in (shell.folder / "tiers.yaml").read_text(encoding="utf-8")


def test_a_tier_whose_name_readers_take_for_something_else_is_quoted(shell: Shell) -> None:
    fill(shell, [free(f"app-user{n}-no-{n}") for n in range(6)])
    (shell.folder / "tiers.yaml").unlink()
    assert shell.simulated("adopt", *APP, "--organization", "free", "--organization", "null").code == 0
    text = (shell.folder / "tiers.yaml").read_text(encoding="utf-8")
    assert '\n  "null":\n' in text
    assert '\n  "no":  # 6 projects have exactly these values\n' in text
    assert shell.simulated("plan", "--detailed-exitcode").code == 0


def test_tiers_are_added_to_a_price_list_where_that_is_asked_for(filled: Shell) -> None:
    fill(filled, [free(f"app-x{n}-plus-{n:04x}", quota=transferring(20)) for n in range(6)])
    adopted = filled.simulated("adopt", *APP, "--infer-tiers", "--as", "ndjson")
    assert adopted.code == 0, adopted.err
    assert "1 file changed in place: tiers.yaml" in words(adopted)
    assert filled.run("fmt", "--check").code == 0
    assert "plus:  # 6 projects have exactly these values" in (filled.folder / "tiers.yaml").read_text()
    assert filled.simulated("plan", "--detailed-exitcode").code == 0


def test_branches_and_snapshots_come_along_where_that_is_asked_for(shell: Shell) -> None:
    own = (BranchSeed("dev"), BranchSeed("preview", parent="dev"), BranchSeed("keep", protected=True))
    snapshots = (SnapshotSeed("v1"), SnapshotSeed("twice"), SnapshotSeed("twice"))
    fill(shell, [], [pro("myapp-acme", branches=own, snapshots=snapshots)])
    adopted = shell.simulated("adopt", *MYAPP, "--with", "branches", "--with", "snapshots")
    assert adopted.code == 0, adopted.out + adopted.err
    assert "2 snapshots whose name another snapshot of the project has" in words(adopted)
    assert shell.run("fmt", "--check").code == 0
    text = (shell.folder / "tenants" / "acme.yaml").read_text(encoding="utf-8")
    assert "  - dev\n" in text
    assert "  - {name: preview, parent: dev}\n" in text
    assert "  - {name: keep, protected: true}\n" in text
    assert "snapshots:\n  - v1\n" in text
    assert shell.simulated("plan", "--detailed-exitcode").code == 0


def test_settings_that_a_project_has_otherwise_than_its_tier_are_overrides(shell: Shell) -> None:
    fill(shell, [], [pro("myapp-acme", settings={"enable_logical_replication": True})])
    assert shell.simulated("adopt", *MYAPP, "--with", "settings").code == 0
    assert "settings: {enable_logical_replication: true}" in (shell.folder / "tenants" / "acme.yaml").read_text()
    assert shell.simulated("plan", "--detailed-exitcode").code == 0


def test_a_compute_of_another_size_than_the_projects_default_stays_as_it_runs(shell: Shell) -> None:
    fill(shell, [], [pro("myapp-acme", endpoint_compute=simulated_compute(FREE_COMPUTE))])
    adopted = shell.simulated("adopt", *MYAPP)
    assert adopted.code == 2
    assert "1 projects whose compute has another size than the default for new ones" in words(adopted)
    assert "The plan with these files is not empty." in adopted.out
    before = shell.stored.rows("endpoints", deleted=True)
    allowed = shell.simulated("apply", "--yes", "--journal", "journal.jsonl", "--allow", "lowering")
    assert allowed.code == 0, allowed.out + allowed.err
    assert shell.stored.rows("endpoints", deleted=True) == before
    assert shell.simulated("plan", "--detailed-exitcode").code == 0


def test_a_file_that_exists_gets_the_id_and_keeps_its_comments(filled: Shell) -> None:
    filled.write(
        "tenants/big.yaml",
        "# Ours since 2024.\ntenant: big\ntier: free\noverrides: {quota: {data_transfer: 9GiB}}\n",
    )
    adopted = filled.simulated("adopt", *APP)
    assert adopted.code == 0, adopted.out + adopted.err
    assert "1 file changed in place: tenants/big.yaml" in words(adopted)
    text = (filled.folder / "tenants" / "big.yaml").read_text(encoding="utf-8")
    assert text.startswith("# Ours since 2024.\ntenant: big\n")
    assert "project_id: " in text
    assert filled.simulated("plan", "--detailed-exitcode").code == 0


def test_a_renamed_project_of_this_fleet_is_named_by_its_annotation(shell: Shell) -> None:
    note = {"managed-by": "neon-reconciler", "fleet": "prod", "tenant": "acme", "run": "r0"}
    other = {**note, "fleet": "staging"}
    fill(shell, [free("what is this", annotations=note), free("app-beta", annotations=other)])
    adopted = shell.simulated("adopt")
    assert adopted.code == 0, adopted.out + adopted.err
    assert "1 named by an annotation" in adopted.out
    assert "1 project left alone" in adopted.out
    assert shell.simulated("plan", "--detailed-exitcode").code == 0


HOSTILE: Final = (
    "app-x\x1b[31m-free-0",
    "app-a\nb-free-1",
    "::set-output name=x::y",
    "app-{{tenant}}-free-2",
    "app-a: {b}-free-3",
    "app-\u202eevil-free-4",
    "app-$(id)-free-5",
    "app-tenants/../../x-free-6",
    "app-NULL-free-7",
    "app-1e3-free-8",
)


def test_no_name_leaves_its_place(shell: Shell) -> None:
    fill(shell, map(free, HOSTILE))
    adopted = shell.simulated("adopt", "--pattern", "app-{tenant}-free-{any}", "--questions", "q.ndjson", "--full")
    assert adopted.code == 0, adopted.out + adopted.err
    assert "\x1b" not in adopted.out + adopted.err
    assert "\u202e" not in adopted.out
    assert not any(line.lstrip().startswith("::") for line in adopted.out.splitlines())
    files = sorted(path.name for path in (shell.folder / "tenants").rglob("*"))
    assert files == ["1e3.yaml", "NULL.yaml"]
    assert 'tenant: "NULL"' in (shell.folder / "tenants" / "NULL.yaml").read_text(encoding="utf-8")
    assert len((shell.folder / "q.ndjson").read_text(encoding="utf-8").splitlines()) == len(HOSTILE) - 2
    assert shell.simulated("plan", "--detailed-exitcode").code == 0


def test_a_folder_without_tenants_is_not_an_account_that_matches_it(filled: Shell) -> None:
    for command, code in ((("plan",), 0), (("plan", "--detailed-exitcode"), 2), (("drift",), 2)):
        shown = filled.simulated(*command)
        assert shown.code == code, shown.out + shown.err
        told = words(shown)
        assert "No file declares a tenant, and 14 projects are in no file: `reconciler adopt` writes files" in told
        assert "No tenants to compare" not in told


def test_the_naming_of_new_projects_is_suggested_and_names_nobody_by_itself(shell: Shell) -> None:
    fill(shell, [free(f"myapp-u{n}-free-{n:04x}") for n in range(6)])
    told = shell.simulated("adopt")
    assert "Adopted 0 of 6" in told.out
    tried = [line.strip() for line in told.out.splitlines() if "try --pattern" in line]
    assert tried == [
        "try --pattern 'myapp-{tenant}-free-{any}'  6 projects",
        "try --pattern 'myapp-{tenant}'  6 projects",
    ]


def test_values_that_several_tenants_share_are_no_overrides_of_a_person(shell: Shell) -> None:
    fill(shell, [free(f"myapp-u{n}", quota=transferring(20)) for n in range(6)])
    told = words(shell.simulated("adopt", *MYAPP, "--dry-run"))
    assert "1 set of values that 5 tenants or more share: --infer-tiers makes tiers" in told


def test_patterns_are_checked_before_a_call(filled: Shell) -> None:
    refused = filled.simulated("adopt", "--pattern", "app-{name}")
    assert refused.code == 3
    assert "'{name}', which is no placeholder" in refused.err
