"""Undo and redo of one tenant: what is shown before, what is done, and that the next plan is empty."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest

from reconciler.documents.schema import history_schema, plan_schema
from tests.harness.lived import lived
from tests.harness.shell import TIERS, PassingTime

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

pytestmark = pytest.mark.drawn(14)

ACME: Final = "tier: pro\nsnapshots: [v1]\ndev_branches: [dev]"
STRIDE_SECONDS: Final = 600.0
REPLACING: Final = TIERS.replace(
    "    organization: free\n",
    "    organization: free\n    snapshots: {before: [restore], at_limit: replace_oldest}\n",
)
"""The free tier lets its one snapshot go for one before a restore."""


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Acme, a paying tenant with a snapshot and a development branch. Each command starts ten minutes later."""
    shell.clock = PassingTime(STRIDE_SECONDS)
    shell.tenant("acme", ACME)
    shell.applied()
    shell.clock = PassingTime(STRIDE_SECONDS, shell.clock() + 3600)
    return shell


def restore(shell: Shell, *words: str, tenant: str = "acme") -> Ended:
    return shell.simulated("restore", tenant, "--yes", "--journal", "restore.jsonl", *words)


def history(shell: Shell) -> dict[str, Any]:
    ended = shell.simulated("history", "acme", "--format", "json")
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out)
    conforms(found, history_schema())
    return found


def conforms(document: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema_rs.Draft202012Validator(schema).validate(document)


def points(shell: Shell, kind: str) -> list[dict[str, Any]]:
    return [point for point in history(shell)["points"] if point["kind"] == kind]


def now(shell: Shell) -> datetime:
    return datetime.fromisoformat(history(shell)["at"])


def ago(shell: Shell, **time: float) -> str:
    """A moment so long before now, as a flag states it."""
    return f"{now(shell) - timedelta(**time):%Y-%m-%dT%H:%M:%SZ}"


def assert_in_sync(shell: Shell) -> Ended:
    ended = shell.simulated("plan", "--detailed-exitcode", "--base", "none")
    assert ended.code == 0, ended.out + ended.err
    assert "In sync" in ended.out
    return ended


class TestToAMoment:
    def test_it_shows_first_what_is_lost_kept_and_changed(self, fleet: Shell) -> None:
        moment = ago(fleet, minutes=10)
        ended = fleet.simulated("restore", "acme", "--to", moment, "--dry-run")
        assert ended.code == 0
        for told in (
            f"branch 'main' gets its state of {moment}",
            f"it loses everything written after {moment}",
            f"its current state stays as branch 'main (old, before restore to {moment})', which",
            "becomes the parent of 'dev'",
            "keeps its id",
            "connection strings do not change; its compute is idle",
            f"a snapshot of its current state is taken first: 'before restore to {moment}'",
            "2 write calls",
        ):
            assert told in " ".join(ended.out.split()), ended.out
        assert points(fleet, "old_branch") == []

    def test_it_counts_use_that_the_projects_own_time_does_not_show_yet(self, fleet: Shell) -> None:
        project_id = fleet.stored.project("myapp-acme")["id"]
        fleet.tenant("acme", f"{ACME}\nproject_id: {project_id}")
        moment = ago(fleet, minutes=10)
        fleet.stored.connect(project_id)
        used = datetime.fromtimestamp(fleet.stored.now, UTC)
        ended = fleet.simulated("restore", "acme", "--to", moment, "--dry-run")
        told = f"it loses everything written after {moment}; last activity {used:%Y-%m-%d %H:%M:%S} UTC"
        assert told in " ".join(ended.out.split()), ended.out

    def test_a_dry_run_as_json_says_the_same_for_programs(self, fleet: Shell) -> None:
        ended = fleet.simulated("restore", "acme", "--to", "10m", "--dry-run", "--format", "json")
        document = json.loads(ended.out)
        conforms(document, plan_schema())
        assert (document["kind"], document["command"]) == ("plan", "restore")
        snapshot, action = document["tenants"][0]["actions"]
        assert (snapshot["kind"], action["kind"]) == ("create_snapshot", "restore_branch")
        assert {effect["about"] for effect in action["effects"]} >= {"moment", "lost", "kept", "id", "connection"}

    def test_id_and_connection_string_stay_and_the_next_plan_is_empty(self, fleet: Shell) -> None:
        before = history(fleet)["branch_id"]
        ended = restore(fleet, "--to", "15m")
        assert (ended.code, "restored    acme" in ended.out) == (0, True), ended.out
        assert history(fleet)["branch_id"] == before
        assert_in_sync(fleet)

    def test_a_restore_is_undone_by_a_restore(self, fleet: Shell) -> None:
        moment = ago(fleet, minutes=15)
        assert restore(fleet, "--to", moment).code == 0
        (kept,) = points(fleet, "old_branch")
        assert kept["name"] == f"main (old, before restore to {moment})"
        redone = fleet.simulated("restore", "acme", "--yes", *kept["restore"].split())
        assert redone.code == 0, redone.out
        assert f"restore branch main from branch {kept['name']}" in redone.out
        assert len(points(fleet, "old_branch")) == 2
        assert_in_sync(fleet)

    @pytest.mark.parametrize(("words", "code"), [(("--discard",), 0), (("--snapshot", "x"), 5)])
    def test_where_nothing_is_done_the_plan_is_the_document(
        self, fleet: Shell, words: tuple[str, ...], code: int
    ) -> None:
        ended = restore(fleet, *words, "--format", "json", "--output", "plan.json")
        document = json.loads(ended.out)
        assert (ended.code, document["kind"], document["tenants"]) == (code, "plan", [])
        assert json.loads((fleet.folder / "plan.json").read_text(encoding="utf-8")) == document
        told = restore(fleet, *words, "--output", "plan.json")
        assert (told.code, told.out.count("Nothing to do")) == (code, 1)
        assert json.loads((fleet.folder / "plan.json").read_text(encoding="utf-8"))["kind"] == "plan"

    def test_the_same_command_again_does_nothing_until_it_is_told_to(self, fleet: Shell) -> None:
        moment = ago(fleet, minutes=15)
        assert restore(fleet, "--to", moment).code == 0
        again = restore(fleet, "--to", moment)
        assert (again.code, "to do it again, add --again" in " ".join(again.out.split())) == (0, True)
        assert len(points(fleet, "old_branch")) == 1
        assert restore(fleet, "--to", moment, "--again").code == 0
        assert [point["name"] for point in points(fleet, "old_branch")] == [
            f"main 2 (old, before restore to {moment})",
            f"main (old, before restore to {moment})",
        ]

    def test_a_length_of_time_that_reaches_beyond_a_restore_is_not_followed_blindly(self, fleet: Shell) -> None:
        assert restore(fleet, "--to", "15m").code == 0
        again = restore(fleet, "--to", "15m")
        assert again.code == 5
        assert "15m ago lies before the last restore of branch 'main'" in again.out
        assert len(points(fleet, "old_branch")) == 1

    def test_nor_is_a_moment_proposed_that_no_restore_reaches(self, fleet: Shell) -> None:
        assert restore(fleet, "--to", "15m").code == 0
        beyond = restore(fleet, "--to", "400d")
        assert beyond.code == 5
        told = " ".join(beyond.out.split())
        assert "before the creation of the project" in told
        assert "name the moment" not in told

    def test_outside_of_the_window_its_start_is_said(self, fleet: Shell) -> None:
        fleet.clock = PassingTime(STRIDE_SECONDS, fleet.clock() + 30 * 86_400)
        ended = restore(fleet, "--to", "8d")
        assert ended.code == 5
        told = re.search(r"restore window of 7d, which begins at (\S+ \S+) UTC", " ".join(ended.out.split()))
        assert told is not None, ended.out
        start = datetime.fromisoformat(f"{told[1]}Z")
        assert timedelta() < now(fleet) - timedelta(days=7) - start < timedelta(hours=1)

    @pytest.mark.parametrize(
        ("when", "why"),
        [
            ("2999-01-01T00:00:00Z", "lies in the future"),
            ("2028-01-01T00:00:00Z", "before the creation of the project"),
        ],
    )
    def test_no_moment_of_another_time(self, fleet: Shell, when: str, why: str) -> None:
        ended = restore(fleet, "--to", when)
        assert (ended.code, why in ended.out) == (5, True), ended.out

    def test_without_room_for_a_snapshot_that_is_said(self, shell: Shell) -> None:
        shell.clock = PassingTime(STRIDE_SECONDS)
        shell.tenant("acme", "tier: free\nsnapshots: [v1]")
        shell.applied()
        ended = restore(shell, "--to", "5m")
        assert ended.code == 0
        told = "no snapshot is taken first: organization free allows 1 snapshot per project, and it has 1"
        assert told in " ".join(ended.out.split())
        assert_in_sync(shell)

    def test_without_room_the_oldest_goes_where_the_tier_says_so_and_that_is_shown(self, shell: Shell) -> None:
        shell.write("tiers.yaml", REPLACING)
        shell.clock = PassingTime(STRIDE_SECONDS)
        shell.tenant("acme", "tier: free\nsnapshots: [v1]")
        shell.applied()
        shell.tenant("acme", "tier: free")
        ended = restore(shell, "--to", "5m")
        told = " ".join(ended.out.split())
        assert (ended.code, "delete snapshot v1" in told, "in place of 'v1'" in told) == (0, True, True), ended.out
        (left,) = points(shell, "snapshot")
        assert left["name"].startswith("before restore to ")

    @pytest.mark.parametrize("words", [("--to", "5m"), ("--snapshot", "v1"), ("--snapshot", "v1", "--preview")])
    @pytest.mark.parametrize(("others", "said"), [(8, True), (3, False)])
    def test_it_is_said_that_neon_may_refuse_it_if_snapshots_count_as_branches(
        self, shell: Shell, words: tuple[str, ...], others: int, said: bool
    ) -> None:
        shell.clock = PassingTime(STRIDE_SECONDS)
        names = ", ".join(f"b{number}" for number in range(others))
        shell.tenant("acme", f"tier: free\nsnapshots: [v1]\ndev_branches: [{names}]")
        shell.applied()
        told = "whether snapshots count; if they do, it refuses the last of them: delete one first"
        assert (told in " ".join(restore(shell, *words, "--dry-run").out.split())) is said

    def test_the_snapshot_that_is_restored_does_not_go(self, shell: Shell) -> None:
        shell.write("tiers.yaml", REPLACING)
        shell.clock = PassingTime(STRIDE_SECONDS)
        shell.tenant("acme", "tier: free\nsnapshots: [v1]")
        shell.applied()
        shell.tenant("acme", "tier: free")
        ended = restore(shell, "--snapshot", "v1")
        assert (ended.code, "no snapshot is taken first" in " ".join(ended.out.split())) == (0, True), ended.out
        assert [one["name"] for one in points(shell, "snapshot")] == ["v1"]

    def test_a_tier_may_say_that_none_is_taken(self, fleet: Shell) -> None:
        fleet.write("tiers.yaml", TIERS + "    snapshots: {before: [downgrade]}\n")
        ended = restore(fleet, "--to", "15m")
        told = "no snapshot is taken first: snapshots.before of tier pro does not name restore"
        assert (ended.code, told in " ".join(ended.out.split())) == (0, True), ended.out
        assert [one["name"] for one in points(fleet, "snapshot")] == ["v1"]


class TestFromASnapshot:
    def test_the_default_branch_has_another_id_and_the_next_plan_is_empty(self, fleet: Shell) -> None:
        before = history(fleet)["branch_id"]
        ended = restore(fleet, "--snapshot", "v1")
        assert ended.code == 0, ended.out
        told = " ".join(ended.out.split())
        assert f"the id of the default branch changes: {before} becomes the id of 'main (old)'" in told
        assert "connection strings do not change: the computes move" in told
        after = history(fleet)
        assert after["branch_id"] != before
        assert after["restored_at"] is not None
        assert "only branch 'main (old)' identifies the owner" in assert_in_sync(fleet).out

    def test_the_new_default_branch_has_no_earlier_moments_and_the_history_says_so(self, fleet: Shell) -> None:
        assert restore(fleet, "--snapshot", "v1").code == 0
        fleet.clock = PassingTime(STRIDE_SECONDS, fleet.clock() + 86_400)
        (window,) = points(fleet, "window")
        assert (window["restore"], restore(fleet, "--to", "2h").code) == (None, 5)
        out = fleet.simulated("history", "acme").out
        assert "restore window  no earlier moments: Neon cannot read" in out
        assert "\n3 moments can be restored, as of 20" in out

    def test_it_is_undone_by_the_moment_before_it(self, fleet: Shell) -> None:
        assert restore(fleet, "--snapshot", "v1").code == 0
        (kept,) = points(fleet, "old_branch")
        assert kept["name"] == "main (old)"
        ended = fleet.simulated("restore", "acme", "--yes", *kept["restore"].split())
        assert (ended.code, "restore branch main from branch main (old)" in ended.out) == (0, True), ended.out
        assert_in_sync(fleet)

    def test_the_same_command_again_does_nothing(self, fleet: Shell) -> None:
        assert restore(fleet, "--snapshot", "v1").code == 0
        after = history(fleet)["branch_id"]
        again = restore(fleet, "--snapshot", "v1")
        assert (again.code, "was restored from snapshot 'v1'" in again.out) == (0, True)
        assert history(fleet)["branch_id"] == after
        assert restore(fleet, "--snapshot", "v1", "--again").code == 0
        assert history(fleet)["branch_id"] != after

    def test_of_several_with_one_name_the_id_decides(self, fleet: Shell) -> None:
        assert restore(fleet, "--to", "10m").code == 0
        taken = next(point for point in points(fleet, "snapshot") if point["name"].startswith("before restore"))
        fleet.stored.change("snapshots", taken["id"], {"name": "v1"})
        ended = restore(fleet, "--snapshot", "v1")
        assert (ended.code, "2 snapshots are named 'v1'" in ended.out) == (5, True), ended.out
        ids = {point["id"] for point in points(fleet, "snapshot")}
        assert restore(fleet, "--snapshot", min(ids)).code == 0

    def test_one_that_does_not_exist_is_refused(self, fleet: Shell) -> None:
        ended = restore(fleet, "--snapshot", "v9")
        assert (ended.code, "there is no snapshot 'v9'" in ended.out) == (5, True)

    def test_one_that_is_kept_as_a_branch_is_restored_from_the_branch(self, shell: Shell) -> None:
        shell.clock = PassingTime(STRIDE_SECONDS)
        shell.write("tiers.yaml", TIERS + "    snapshots: {method: branch}\n")
        shell.tenant("acme", "tier: pro\nsnapshots: [v1]")
        shell.applied()
        assert restore(shell, "--snapshot", "v1").code == 0
        assert_in_sync(shell)


class TestAPreview:
    def test_of_a_moment_expires_and_no_plan_touches_it(self, fleet: Shell) -> None:
        assert restore(fleet, "--to", "15m", "--preview").code == 0
        (preview,) = points(fleet, "preview")
        assert preview["name"].startswith("preview of 20")
        expires_at = datetime.fromisoformat(preview["expires_at"])
        assert timedelta(hours=23) < expires_at - now(fleet) < timedelta(hours=24)
        told = " ".join(assert_in_sync(fleet).out.split())
        assert f"branch '{preview['name']}' is a preview of an earlier state" in told
        fleet.clock = PassingTime(STRIDE_SECONDS, fleet.clock() + 2 * 86_400)
        assert points(fleet, "preview") == []
        assert "is a preview" not in assert_in_sync(fleet).out

    def test_it_is_finalized(self, fleet: Shell) -> None:
        assert restore(fleet, "--to", "15m", "--preview").code == 0
        before, (preview,) = history(fleet)["branch_id"], points(fleet, "preview")
        ended = restore(fleet, "--finalize")
        assert ended.code == 0, ended.out
        assert (points(fleet, "preview"), history(fleet)["branch_id"]) == ([], before)
        told = preview["name"].removeprefix("preview of ")
        (kept,) = points(fleet, "old_branch")
        assert kept["name"] == f"main (old, before restore to {told})"
        assert_in_sync(fleet)

    def test_of_a_snapshot_takes_the_place_of_the_default_branch(self, fleet: Shell) -> None:
        assert restore(fleet, "--snapshot", "v1", "--preview").code == 0
        (preview,) = points(fleet, "preview")
        assert (preview["name"], preview["expires_at"]) == ("preview of snapshot v1", None)
        assert "is a preview of an earlier state" in " ".join(assert_in_sync(fleet).out.split())
        assert restore(fleet, "--finalize").code == 0
        assert history(fleet)["branch_id"] == preview["id"]
        (kept,) = points(fleet, "old_branch")
        assert kept["name"].startswith("main (old until 20")
        assert_in_sync(fleet)
        undone = fleet.simulated("restore", "acme", "--yes", *kept["restore"].split())
        assert undone.code == 0, undone.out
        assert_in_sync(fleet)

    @pytest.mark.parametrize("what", [("--to", "15m"), ("--snapshot", "v1")])
    def test_it_is_discarded(self, fleet: Shell, what: tuple[str, str]) -> None:
        assert restore(fleet, *what, "--preview").code == 0
        ended = restore(fleet, "--discard")
        assert (ended.code, "1 branch deleted" in ended.out) == (0, True), ended.out
        assert points(fleet, "preview") == []
        assert "there is no preview" in restore(fleet, "--discard").out
        assert_in_sync(fleet)

    def test_there_is_one_at_a_time(self, fleet: Shell) -> None:
        moment = ago(fleet, minutes=15)
        assert restore(fleet, "--to", moment, "--preview").code == 0
        assert "the preview already exists" in " ".join(restore(fleet, "--to", moment, "--preview").out.split())
        other = restore(fleet, "--snapshot", "v1", "--preview")
        assert (other.code, "is a preview of another moment" in other.out) == (5, True)

    def test_without_one_there_is_nothing_to_finalize(self, fleet: Shell) -> None:
        ended = restore(fleet, "--finalize")
        assert (ended.code, "there is no preview to finalize" in ended.out) == (5, True)

    def test_it_needs_room_for_a_branch(self, shell: Shell) -> None:
        shell.clock = PassingTime(STRIDE_SECONDS)
        shell.tenant("acme", f"tier: free\ndev_branches: [{', '.join(f'b{n}' for n in range(9))}]")
        shell.applied()
        for words in (("--to", "5m"), ("--to", "5m", "--preview")):
            ended = restore(shell, *words)
            assert ended.code == 5
            told = "organization free allows 10 branches per project, and it has 10: this adds one"
            assert told in " ".join(ended.out.split())


class TestAsking:
    def test_without_a_terminal_it_needs_yes(self, fleet: Shell) -> None:
        ended = fleet.simulated("restore", "acme", "--to", "10m")
        assert ended.code == 3
        assert "hint: pass --yes" in ended.err
        assert points(fleet, "old_branch") == []

    def test_a_person_who_declines_changes_nothing(self, fleet: Shell) -> None:
        fleet.interactive = True
        assert fleet.simulated("restore", "acme", "--to", "10m", stdin=b"n\n").code != 0
        assert points(fleet, "old_branch") == []

    def test_a_person_who_agrees_has_it_done(self, fleet: Shell) -> None:
        fleet.interactive = True
        assert fleet.simulated("restore", "acme", "--to", "10m", stdin=b"y\n").code == 0
        assert len(points(fleet, "old_branch")) == 1

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ((), "exactly one of"),
            (("--to", "2h", "--snapshot", "v1"), "exactly one of"),
            (("--finalize", "--preview"), "go with --to or --snapshot"),
            (("--to", "yesterday"), "neither a moment nor a length of time"),
            (("--to", "2028-01-01T00:00:00"), "has no time zone"),
            (("--to", "0h"), "goes back in time"),
            (("--to", "900000d"), "is before year 1"),
        ],
    )
    def test_flags_without_sense_are_invalid(self, fleet: Shell, words: tuple[str, ...], told: str) -> None:
        ended = restore(fleet, *words)
        assert (ended.code, told in ended.err) == (3, True), ended.err

    def test_a_protected_tenant_is_not_restored_but_may_be_previewed(self, fleet: Shell) -> None:
        fleet.tenant("acme", f"{ACME}\nprotect: true")
        for words in (("--to", "10m"), ("--snapshot", "v1")):
            ended = restore(fleet, *words)
            assert (ended.code, "!  protected" in ended.out) == (5, True), ended.out
        assert restore(fleet, "--to", "10m", "--preview").code == 0
        assert restore(fleet, "--finalize").code == 5
        assert restore(fleet, "--discard").code == 0

    @pytest.mark.parametrize("to", [("--to", "10m"), ("--snapshot", "v1"), ("--finalize",)])
    def test_a_branch_that_neon_protects_is_not_set_back(self, fleet: Shell, to: tuple[str, ...]) -> None:
        if to == ("--finalize",):
            assert restore(fleet, "--snapshot", "v1", "--preview").code == 0
        branch_id = history(fleet)["branch_id"]
        fleet.stored.change("branches", branch_id, {"protected": True}, protected=True)
        ended = restore(fleet, *to)
        assert (ended.code, "and no protected branch is restored" in ended.out) == (5, True), ended.out

    def test_a_tenant_without_a_project_is_an_error(self, fleet: Shell) -> None:
        fleet.tenant("bob")
        for ended in (restore(fleet, "--to", "10m", tenant="bob"), fleet.simulated("history", "bob")):
            assert (ended.code, "tenant bob has no project" in ended.err) == (1, True)

    def test_the_journal_names_what_was_made(self, fleet: Shell) -> None:
        assert restore(fleet, "--snapshot", "v1").code == 0
        lines = [json.loads(line) for line in (fleet.folder / "restore.jsonl").read_text().splitlines()]
        kinds = [line["kind"] for line in lines if line["line"] == "intent"]
        assert kinds == ["create_snapshot", "restore_snapshot"]
        assert any(history(fleet)["branch_id"] in json.dumps(line) for line in lines)


def test_the_history_is_a_page_for_people(fleet: Shell) -> None:
    assert restore(fleet, "--to", "15m").code == 0
    out = fleet.simulated("history", "acme").out
    for told in (
        "restore window  20",
        "old branch      20",
        "snapshot        20",
        "restore --to MOMENT",
        "--snapshot v1",
    ):
        assert told in out
    assert out.index("old branch") > out.index("restore window")
    assert datetime.fromisoformat(history(fleet)["at"]).tzinfo == UTC


def test_the_history_says_what_holds_the_storage(fleet: Shell) -> None:
    assert restore(fleet, "--to", "15m").code == 0
    stored = fleet.stored
    branches = stored.branches(stored.project_ids()["myapp-acme"])
    (old,) = (row for name, row in branches.items() if "(old" in name)
    stored.resize_branch(branches["main"]["id"], 3_000_000_000)
    stored.resize_branch(old["id"], 5_000_000_000)
    told = history(fleet)["storage"]
    assert [(branch["kind"], branch["size_bytes"]) for branch in told["branches"]][:2] == [
        ("old_branch", 5_000_000_000),
        ("default", 3_000_000_000),
    ]
    assert {branch["kind"] for branch in told["branches"]} == {"old_branch", "default", "branch"}
    assert told["snapshots"] == len(points(fleet, "snapshot")) > 0
    out = " ".join(fleet.simulated("history", "acme").out.split())
    assert f"5.0 GB {old['name']} (left by a restore, created 20" in out
    assert "3.0 GB main (default branch, created 20" in out
    assert f"unknown {told['snapshots']} snapshot" in out
    assert out.index("left by a restore") < out.index("(default branch")


@pytest.mark.drawn(1)
@pytest.mark.parametrize("detaches", ["true", "false"])
@pytest.mark.parametrize("keeps_annotations", ["true", "false"])
def test_the_story_of_undo_does_not_depend_on_what_neon_leaves_open(
    fleet: Shell, detaches: str, keeps_annotations: str
) -> None:
    """Whether a restored branch stays a root branch, and whether the branch of a snapshot gets the annotations."""
    switches = (f"own_past_detaches={detaches}", f"restore_keeps_annotations={keeps_annotations}")
    assert fleet.run("simulator", "switches", "--data", "sim.db", *switches).code == 0
    for words in (("--to", "20m"), ("--snapshot", "v1")):
        assert restore(fleet, *words).code == 0
        assert_in_sync(fleet)
        undone = points(fleet, "old_branch")[0]
        assert fleet.simulated("restore", "acme", "--yes", *undone["restore"].split()).code == 0
        assert_in_sync(fleet)
    assert len(points(fleet, "old_branch")) == 4
    assert "identifies the owner" not in assert_in_sync(fleet).out or keeps_annotations == "false"


def test_a_tenant_of_a_document_is_restored_by_its_document(shell: Shell) -> None:
    shell.clock = PassingTime(STRIDE_SECONDS)
    document = b'{"tenant": "zoe", "tier": "free"}'
    assert shell.simulated("converge", "-", stdin=document).code == 0
    ended = shell.simulated("restore", "-", "--to", "5m", "--yes", stdin=document)
    assert ended.code == 0, ended.out + ended.err
    assert "old branch" in shell.simulated("history", "-", stdin=document).out
    several = shell.simulated("history", "-", stdin=document + b'\n{"tenant": "yan", "tier": "free"}')
    assert (several.code, "about one tenant, not 2" in several.err) == (3, True)


def test_the_row_of_the_registry_stays_through_a_restore(shell: Shell) -> None:
    """It says whose the project is, although the new default branch has no annotation."""
    shell.clock = PassingTime(STRIDE_SECONDS)
    shell.environ["REGISTRY_URL"] = "sqlite:///registry.db"
    shell.write("tiers.yaml", f"{TIERS}registry: {{url: '${{REGISTRY_URL}}'}}\n")
    shell.tenant("acme", ACME)
    shell.applied()
    assert restore(shell, "--snapshot", "v1").code == 0
    assert "identifies the owner" not in assert_in_sync(shell).out
