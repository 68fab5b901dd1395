"""Saved plans through the command line: what was approved runs, and whatever else the file says does no harm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.harness.lived import lived

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harness.shell import Ended, Shell

pytestmark = pytest.mark.drawn(16)


@pytest.fixture
@lived
def fleet(shell: Shell) -> Shell:
    """Two live tenants, and files that want a larger quota for both: the plan for it is saved as plan.json."""
    shell.tenant("acme")
    shell.tenant("bluebird")
    shell.applied()
    (shell.folder / "journal.jsonl").unlink()
    price(shell, "6GiB")
    assert shell.simulated("plan", "--out", "plan.json").code == 0
    return shell


def price(shell: Shell, data_transfer: str) -> None:
    """Writes a price list with this quota for free tenants."""
    before, _, after = (shell.folder / "tiers.yaml").read_text().partition("data_transfer: ")
    shell.write("tiers.yaml", f"{before}data_transfer: {data_transfer}{after[after.index(',') :]}")


def apply(shell: Shell, *args: str) -> Ended:
    return shell.simulated("apply", "plan.json", "--yes", "--journal", "journal.jsonl", *args)


def edit(shell: Shell, change: Callable[[Any], object]) -> None:
    """Changes the saved plan by hand."""
    document = json.loads((shell.folder / "plan.json").read_text())
    change(document)
    shell.write("plan.json", json.dumps(document, indent=2))


def written(shell: Shell) -> list[str]:
    """The tenants to which the apply has done something, by its journal."""
    return sorted(name for line in shell.journal if line["line"] == "intent" for name in line["tenants"])


def check_stale(shell: Shell, ended: Ended, stale: list[str], done: list[str], *words: str) -> None:
    """Exit 7, the difference shown, nothing done to stale tenants, and the others went ahead."""
    assert ended.code == 7, ended.err + ended.out
    assert f"Stale ({len(stale)})" in ended.out
    assert "not permitted:" in ended.out
    for word in (*stale, *words):
        assert word in ended.out, ended.out
    assert written(shell) == done


def test_a_saved_plan_applied_twice_does_nothing_the_second_time(fleet: Shell) -> None:
    first = apply(fleet)
    assert first.code == 0, first.err
    assert "~  changed     acme, bluebird" in first.out
    second = apply(fleet)
    assert second.code == 0
    assert "In sync: 2 tenants match the files." in second.out
    assert written(fleet) == ["acme", "bluebird"]


def test_what_is_not_needed_any_more_is_not_done(fleet: Shell) -> None:
    fleet.applied("--tenant", "acme")
    assert apply(fleet).code == 0
    assert written(fleet) == ["acme", "bluebird"]


class TestEditedByHand:
    def test_an_action_that_was_added_is_not_carried_out(self, fleet: Shell) -> None:
        def also_delete(document: Any) -> None:
            (patch,) = document["tenants"][0]["actions"]
            gone = {
                **{key: patch[key] for key in ("tenant", "reason", "source")},
                "kind": "delete_project",
                "project_id": document["tenants"][0]["project"]["id"],
                "risk": "destructive",
                "lowering": True,
                "changes": [],
            }
            document["tenants"][0]["actions"].append(gone)

        edit(fleet, also_delete)
        ended = apply(fleet)
        assert ended.code == 0, ended.err + ended.out
        assert "deleted" not in ended.out
        assert [line["kind"] for line in fleet.journal if line["line"] == "intent"] == ["patch_project"] * 2

    def test_a_value_that_was_changed(self, fleet: Shell) -> None:
        def more(document: Any) -> None:
            document["tenants"][0]["actions"][0]["changes"][0]["after"] = 9 * 2**30

        edit(fleet, more)
        ended = apply(fleet)
        check_stale(fleet, ended, ["acme"], ["bluebird"], "5GiB -> 6GiB", "in the saved plan:", "5GiB -> 9GiB")

    def test_an_action_that_was_taken_out(self, fleet: Shell) -> None:
        edit(fleet, lambda document: document["tenants"].pop(0))
        check_stale(fleet, apply(fleet), ["acme"], ["bluebird"], "the saved plan has nothing for this tenant")

    def test_another_tenant_in_the_place_of_one(self, fleet: Shell) -> None:
        def rename(document: Any) -> None:
            document["tenants"][0]["tenant"] = "zed"
            document["tenants"][0]["actions"][0]["tenant"] = "zed"

        edit(fleet, rename)
        check_stale(fleet, apply(fleet), ["acme"], ["bluebird"], "the saved plan has nothing for this tenant")

    def test_another_project_in_the_place_of_one(self, fleet: Shell) -> None:
        edit(fleet, lambda document: document["tenants"][0]["project"].update(id="calm-sea-1"))
        check_stale(fleet, apply(fleet), ["acme"], ["bluebird"], "the saved plan is about project calm-sea-1")

    def test_another_fleet(self, fleet: Shell) -> None:
        edit(fleet, lambda document: document.update(fleet="staging"))
        check_stale(fleet, apply(fleet), ["acme", "bluebird"], [], "'staging'", "'prod'")

    def test_other_organizations(self, fleet: Shell) -> None:
        edit(fleet, lambda document: document["organizations"].update(free="org-quiet-sun"))
        check_stale(fleet, apply(fleet), ["acme", "bluebird"], [], "org-quiet-sun as 'free'", "org-sim-free")

    @pytest.mark.parametrize(
        "change",
        [
            lambda document: document.update(force=True),
            lambda document: document.update(organizations=["free"]),
            lambda document: document.update(format_version=2),
            lambda document: document.update(kind="drift"),
            lambda document: document["tenants"][0]["actions"][0].update(kind="drop_database"),
            lambda document: document["tenants"][0]["actions"][0].update(risk="destructive"),
        ],
        ids=["key", "organizations", "version", "document", "action", "risk"],
    )
    def test_what_no_plan_says_ends_the_run_before_any_call(
        self, fleet: Shell, change: Callable[[Any], object]
    ) -> None:
        edit(fleet, change)
        ended = apply(fleet)
        assert ended.code == 3
        assert "plan.json cannot be used as a saved plan" in ended.err
        assert "make a new one with `reconciler plan --out`" in ended.err
        assert not (fleet.folder / "journal.jsonl").exists()


def test_a_plan_that_was_cut_ends_the_run_before_any_call(fleet: Shell) -> None:
    text = (fleet.folder / "plan.json").read_text()
    fleet.write("plan.json", text[: len(text) // 2])
    ended = apply(fleet)
    assert ended.code == 3
    assert "not valid JSON" in ended.err
    assert not (fleet.folder / "journal.jsonl").exists()


def test_a_plan_that_is_not_there(fleet: Shell) -> None:
    (fleet.folder / "plan.json").unlink()
    assert apply(fleet).code == 3


def test_an_old_plan_does_nothing_where_the_live_side_has_moved(fleet: Shell) -> None:
    price(fleet, "5632MiB")
    fleet.applied("--tenant", "acme")
    (fleet.folder / "journal.jsonl").unlink()
    price(fleet, "6GiB")
    ended = apply(fleet)
    check_stale(fleet, ended, ["acme"], ["bluebird"], "5632MiB -> 6GiB", "in the saved plan:", "5GiB -> 6GiB")


def test_a_plan_for_other_files_does_nothing(fleet: Shell) -> None:
    price(fleet, "8GiB")
    ended = apply(fleet)
    check_stale(fleet, ended, ["acme", "bluebird"], [], "5GiB -> 8GiB", "5GiB -> 6GiB")
    assert "Not in sync, but nothing to do: 2 stale." in ended.out


@pytest.mark.parametrize("change", ["move", "rename"])
def test_deletes_no_project_that_was_moved_or_renamed_since(fleet: Shell, change: str) -> None:
    project = fleet.stored.project_ids()["myapp-acme"]
    fleet.tenant("acme", f"tier: free\nproject_id: {project}\nstate: absent")
    permitted = ("--tenant", "acme", "--allow", "lowering", "--allow", "deletes=1")
    assert "1 to delete" in fleet.simulated("plan", "--out", "plan.json", *permitted).out
    if change == "move":
        fleet.stored.move("myapp-acme", "paid")
    else:
        fleet.stored.rename_project(project, "mine")
    check_stale(fleet, apply(fleet, *permitted), ["acme"], [], "the saved plan deletes a project")
    fleet.simulated("plan", "--out", "plan.json", *permitted)
    assert apply(fleet, *permitted).code == 0
    assert project not in fleet.stored.project_ids().values()


def test_a_plan_to_create_creates_no_second_project(shell: Shell) -> None:
    shell.tenant("acme")
    assert shell.simulated("plan", "--out", "plan.json").code == 0
    shell.applied()
    (shell.folder / "journal.jsonl").unlink()
    price(shell, "6GiB")
    ended = apply(shell)
    check_stale(shell, ended, ["acme"], [], "about a tenant without a project, and now there is project")


def test_a_tenant_that_came_later_waits_for_a_plan_of_its_own(fleet: Shell) -> None:
    fleet.tenant("cedar")
    check_stale(fleet, apply(fleet), ["cedar"], ["acme", "bluebird"], "the saved plan has nothing for this tenant")


def test_what_a_flag_permitted_for_the_plan_has_to_be_permitted_for_the_apply(shell: Shell) -> None:
    shell.tenant("acme", "tier: pro")
    shell.applied()
    (shell.folder / "journal.jsonl").unlink()
    shell.tenant("acme", "tier: free\naccept: {history_loss: true}")
    assert shell.simulated("plan", "--allow", "lowering", "--out", "plan.json").code == 0
    refused = apply(shell)
    assert refused.code == 5
    assert "Stale" not in refused.out
    assert "downgraded  acme" in apply(shell, "--allow", "lowering").out


def test_strict_applies_nothing_where_a_tenant_is_stale(fleet: Shell) -> None:
    fleet.tenant("cedar")
    ended = apply(fleet, "--strict")
    assert ended.code == 7
    assert "--strict applies all or nothing, and there is also 1 stale tenant" in " ".join(ended.out.split())
    assert written(fleet) == []
    assert "changed     acme, bluebird" in apply(fleet).out


def test_a_person_is_asked_only_where_something_is_left_to_do(fleet: Shell) -> None:
    fleet.interactive = True
    declined = fleet.simulated("apply", "plan.json", "--journal", "journal.jsonl", stdin=b"n\n")
    assert declined.code == 8
    price(fleet, "8GiB")
    ended = fleet.simulated("apply", "plan.json", "--journal", "journal.jsonl")
    assert ended.code == 7
    assert "Apply this plan?" not in ended.err


def test_that_a_plan_is_stale_counts_unless_it_is_left_out(fleet: Shell) -> None:
    price(fleet, "8GiB")
    assert apply(fleet, "--fail-on", "refused").code == 0
    assert apply(fleet, "--fail-on", "stale").code == 7


def test_the_report_for_machines_tells_what_was_stale(fleet: Shell) -> None:
    price(fleet, "8GiB")
    document = apply(fleet, "--format", "json").document
    assert document["counts"]["stale"] == 2
    assert [stale["tenant"] for stale in document["stale"]] == ["acme", "bluebird"]
    ((fresh,), (saved,)) = (document["stale"][0]["fresh"], document["stale"][0]["saved"])
    assert (fresh["changes"][0]["after"], saved["changes"][0]["after"]) == (8 * 2**30, 6 * 2**30)


def test_the_saved_plan_is_what_plan_prints_for_machines(fleet: Shell) -> None:
    ended = fleet.simulated("plan", "--format", "json", "--out", "plan.json", "--output", "also.json")
    for file in ("plan.json", "also.json"):
        assert (fleet.folder / file).read_text() == ended.out


def test_a_saved_plan_holds_no_secret(shell: Shell) -> None:
    shell.tenant("acme", "tier: pro\nsnapshots: [v1]\ndev_branches: [dev]")
    shell.tenant("bluebird")
    shell.simulated("apply", "--yes", "--tenant", "bluebird", "--journal", "journal.jsonl")
    shell.tenant("bluebird", "tier: pro")
    assert shell.simulated("plan", "--out", "plan.json").code == 0
    text = (shell.folder / "plan.json").read_text()
    with shell.account() as simulator:
        secrets = [*simulator.organization_keys.values(), simulator.personal_key]
    assert len(secrets) == 3
    assert not [secret for secret in secrets if secret in text]
    assert "postgres://" not in text
    assert "postgresql://" not in text


def test_a_plan_is_not_saved_where_there_is_no_folder(shell: Shell) -> None:
    shell.tenant("acme")
    ended = shell.simulated("plan", "--out", "no/such/plan.json")
    assert ended.code == 3
    assert "--out" in ended.err
    assert not (shell.folder / "sim.db").exists()


class TestShow:
    """Needs no key, no account and no files but the plan."""

    def show(self, fleet: Shell, *args: str) -> Ended:
        for path in ("tiers.yaml", "sim.db"):
            (fleet.folder / path).unlink()
        ended = fleet.run("show", "plan.json", *args)
        assert ended.code == 0, ended.err
        return ended

    def test_as_text_it_is_the_plan_and_where_it_comes_from(self, fleet: Shell) -> None:
        planned = fleet.simulated("plan").out
        first, _, rest = self.show(fleet).out.partition("\n\n")
        assert first.startswith("Saved plan of fleet prod, made 20")
        assert rest == planned

    def test_as_markdown(self, fleet: Shell) -> None:
        text = self.show(fleet, "--format", "markdown").out
        assert text.startswith("**Plan: 2 to change.**")
        assert "Saved plan of fleet `prod`" in text

    def test_as_the_document_that_it_is(self, fleet: Shell) -> None:
        saved = (fleet.folder / "plan.json").read_text()
        assert self.show(fleet, "--format", "json").out == saved

    def test_a_file_that_is_no_plan_is_refused(self, fleet: Shell) -> None:
        fleet.write("plan.json", '{"format_version": 1, "kind": "report"}')
        ended = fleet.run("show", "plan.json")
        assert ended.code == 3
        assert "kind: 'report' is not 'plan'" in ended.err


@pytest.mark.parametrize("document", ["plan", "drift", "report", "problems"])
def test_every_document_has_a_published_schema(shell: Shell, document: str) -> None:
    schema = shell.run("schema", document).document
    assert schema["properties"]["kind"]["const"] == document


def test_a_replaced_snapshot_is_shown_with_its_moment_without_cover(shell: Shell) -> None:
    tiers = (shell.folder / "tiers.yaml").read_text()
    allowed = "    restore_window: 1d\n    snapshots: {at_limit: replace_oldest}\n  pro:"
    shell.write("tiers.yaml", tiers.replace("    restore_window: 1d\n  pro:", allowed))
    shell.tenant("acme", "tier: free\nsnapshots: [v1]")
    shell.applied()
    shell.tenant("acme", "tier: free\nsnapshots: [v2]")
    planned = shell.simulated("plan", "--allow", "lowering", "--out", "plan.json")
    assert "delete snapshot v1" in planned.out
    assert "permanent" in planned.out
    assert "no snapshot exists until v2 is created" in planned.out
    assert "Plan: 1 to change; 1 snapshot to create, 1 snapshot to delete." in planned.out
    ended = apply(shell, "--allow", "lowering")
    assert ended.code == 0, ended.err + ended.out
    assert "1 snapshot created, 1 snapshot deleted." in ended.out
    assert "In sync" in shell.simulated("plan").out
