"""`reconciler rollback RUN`: the values from before each write of a run, and a list of what cannot go back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs
import pytest

from reconciler.apply.journals.dead_runs import hold_lock
from reconciler.documents.schema import plan_schema
from tests.e2e.test_causes import by_hand, commit, fleet, grant, homes, transfers
from tests.harness.events import read_events
from tests.harness.repository import git, needs_git
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from tests.harness.shell import Ended, Shell

__all__ = ["fleet"]

pytestmark = [needs_git, pytest.mark.drawn(9)]

PRO: Final = "tier: pro\nsnapshots: [v1]\ndev_branches: [dev]"


def apply(shell: Shell, *flags: str) -> str:
    """Applies, and returns the id of the run."""
    words = ("apply", "--yes", "--base", "applied", "--journal", "journal.jsonl", *flags)
    ended = shell.simulated(*words)
    assert ended.code == 0, ended.err + ended.out
    return runs(shell)[-1]


def runs(shell: Shell) -> list[str]:
    return [line["run"] for line in shell.journal if line["line"] == "run"]


def rollback(shell: Shell, run: str, *flags: str) -> Ended:
    """Every journal is the one file, also that of the rollback."""
    own = () if "--dry-run" in flags else ("--yes", "--journal", "journal.jsonl")
    return shell.simulated("rollback", run, "--journals", "journal.jsonl", "--base", "applied", *own, *flags)


def told(ended: Ended) -> str:
    return " ".join(ended.out.split())


def values(shell: Shell) -> dict[str, Any]:
    """What is in the account, apart from times and meters."""
    stored = shell.stored
    live = set(stored.project_ids().values())
    bodies = {
        name: {key: row["body"][key] for key in ("settings", "default_endpoint_settings", "org_id", "name")}
        for name, row in stored.projects().items()
    }
    sizes = sorted(
        (row["branch_id"], row["body"]["autoscaling_limit_min_cu"], row["body"]["autoscaling_limit_max_cu"])
        for row in stored.rows("endpoints")
        if row["project_id"] in live
    )
    below = (*stored.rows("branches"), *stored.rows("snapshots"))
    names = sorted(row["body"]["name"] for row in below if row["project_id"] in live)
    return {"projects": bodies, "computes": sizes, "names": names}


@pytest.fixture
def raised(fleet: Shell) -> tuple[Shell, str, dict[str, Any]]:
    """Both tenants got a lower limit of transfer and a smaller compute by one commit."""
    before = values(fleet)
    for tenant in ("acme", "bluebird"):
        grant(fleet, tenant, 3, "# smaller")
    fleet.write("tiers.yaml", TIERS.replace("max_cu: 2, suspend", "max_cu: 1, suspend"))
    commit(fleet)
    return fleet, apply(fleet), before


def test_every_value_goes_back_and_the_files_are_named_with_the_commit(
    raised: tuple[Shell, str, dict[str, Any]],
) -> None:
    shell, run, before = raised
    head = git(shell.folder, "rev-parse", "HEAD")[:7]
    assert values(shell) != before
    shown = rollback(shell, run, "--dry-run")
    assert (shown.code, transfers(shell)) == (0, {"acme": 3, "bluebird": 3})
    assert f"rollback of run {run}" in shown.out
    assert "quota.data_transfer 3GiB -> 8GiB" in told(shown)
    assert f"the files still ask for what run {run} did, for 2 of these tenants" in told(shown)
    assert "does it again, or reports it as drift if no commit since its base asks for it" in told(shown)
    assert f"applied at commit {head} (`git revert {head}`)" in told(shown)
    ended = rollback(shell, run)
    assert (ended.code, values(shell)) == (0, before), ended.out
    assert "Nothing to do" in rollback(shell, run).out
    assert json.loads(rollback(shell, run, "--format", "json").out)["kind"] == "plan"


def test_a_rollback_of_a_rollback_does_it_again(raised: tuple[Shell, str, dict[str, Any]]) -> None:
    shell, run, _ = raised
    done = values(shell)
    rollback(shell, run)
    assert values(shell) != done
    assert rollback(shell, runs(shell)[-1]).code == 0
    assert values(shell) == done


def test_a_value_that_somebody_changed_since_stays_and_is_listed(
    raised: tuple[Shell, str, dict[str, Any]],
) -> None:
    shell, run, before = raised
    by_hand(shell, "acme", 77)
    ended = rollback(shell, run)
    assert ended.code == 5
    assert "changed-since" in ended.out
    assert f"quota.data_transfer_bytes has another value since run {run}" in told(ended)
    assert transfers(shell) == {"acme": 77, "bluebird": 8}
    by_hand(shell, "acme", 8)
    assert values(shell) == before


def test_strict_changes_nothing_if_anything_stays(raised: tuple[Shell, str, dict[str, Any]]) -> None:
    shell, run, _ = raised
    by_hand(shell, "acme", 77)
    assert rollback(shell, run, "--strict").code == 5
    assert transfers(shell) == {"acme": 77, "bluebird": 3}


def test_only_the_named_tenants_go_back(raised: tuple[Shell, str, dict[str, Any]]) -> None:
    shell, run, _ = raised
    assert rollback(shell, run, "--tenant", "ac*").code == 0
    assert transfers(shell) == {"acme": 8, "bluebird": 3}


def test_of_a_transfer_that_tenants_share_only_the_named_ones_go_back(fleet: Shell) -> None:
    for tenant in ("cedar", "dogwood"):
        grant(fleet, tenant, 8)
    commit(fleet)
    apply(fleet, "--allow", "creates=2")
    git(fleet.folder, "tag", "--force", "applied")
    for tenant in ("acme", "bluebird", "cedar", "dogwood"):
        fleet.tenant(tenant, "tier: pro")
    commit(fleet)
    run = apply(fleet)
    shared = [line["tenants"] for line in fleet.journal if line.get("kind") == "transfer_project"][-1]
    name, *others = shared
    ended = rollback(fleet, run, "--tenant", name, "--allow", "lowering")
    assert ended.code == 0, ended.out
    assert homes(fleet)[name] == "free"
    assert {homes(fleet)[other] for other in others} == {"paid"}


def test_a_project_that_the_run_did_not_change_stays_as_it_is(raised: tuple[Shell, str, dict[str, Any]]) -> None:
    shell, run, _ = raised
    shell.stored.remove("projects", name="myapp-acme")
    apply(shell, "--allow", "creates=1")
    ended = rollback(shell, run)
    assert (ended.code, "changed-since" in ended.out) == (5, True), ended.out
    assert f"and the tenant has {shell.stored.project('myapp-acme')['id']} now" in told(ended)
    assert transfers(shell) == {"acme": 3, "bluebird": 8}


def test_the_guards_judge_it_as_every_plan(raised: tuple[Shell, str, dict[str, Any]]) -> None:
    shell, run, _ = raised
    assert rollback(shell, run).code == 0
    again = runs(shell)[-1]
    grant(shell, "bluebird", 3, "protect: true")
    ended = rollback(shell, again)
    assert (ended.code, transfers(shell)) == (5, {"acme": 3, "bluebird": 8})
    assert "protected  1 tenant" in ended.out


def test_what_the_run_created_is_deleted_only_if_a_person_counts_it(fleet: Shell) -> None:
    before = values(fleet)
    fleet.tenant("acme", PRO)
    grant(fleet, "cedar", 8)
    commit(fleet)
    run = apply(fleet)
    refused = rollback(fleet, run, "--allow", "lowering")
    assert refused.code == 5
    assert "created-by-the-run" in refused.out
    assert "--allow deletes=3" in told(refused)
    assert rollback(fleet, run, "--allow", "lowering", "--allow", "deletes=2").code == 5
    assert values(fleet) != before
    ended = rollback(fleet, run, "--allow", "lowering", "--allow", "deletes=3")
    assert ended.code == 0, ended.out
    assert values(fleet) == before


def without_its_end(fleet: Shell, after: timedelta) -> str:
    """The run that took from a branch the end that an earlier run has given it, that long from now."""
    until = datetime.fromtimestamp(fleet.clock(), UTC) + after
    fleet.tenant("acme", f"tier: free\ndev_branches: [{{name: dev, expires_at: {until:%Y-%m-%dT%H:%M:%SZ}}}]")
    commit(fleet)
    apply(fleet)
    git(fleet.folder, "tag", "--force", "applied")
    fleet.tenant("acme", "tier: free\ndev_branches: [dev]")
    commit(fleet)
    return apply(fleet)


@pytest.mark.parametrize(("days", "passed"), [(20, False), (4, True)], ids=["to come", "passed"])
def test_an_end_that_the_run_took_from_a_branch_comes_back_only_if_a_person_permits_it(
    fleet: Shell, days: int, *, passed: bool
) -> None:
    """Each command is a day later than the one before: by then, the branch may be all that somebody has."""
    run = without_its_end(fleet, timedelta(days=days))
    fleet.simulated("plan")
    before = fleet.stored.rows("branches")
    refused = rollback(fleet, run)
    assert (refused.code, fleet.stored.rows("branches")) == (5, before), refused.err
    assert ("the earlier expiry has passed" if passed else "branch 'dev' would be deleted") in told(refused)
    ended = rollback(fleet, run, "--allow", "lowering")
    assert ended.code == (5 if passed else 0), ended.out
    assert (fleet.stored.rows("branches") == before) == passed


def test_no_branch_that_was_created_later_under_the_name_is_changed(fleet: Shell) -> None:
    run = without_its_end(fleet, timedelta(days=20))
    own = next(row["id"] for row in fleet.stored.rows("branches") if row["body"]["name"] == "dev")
    made = datetime.fromtimestamp(fleet.stored.now, UTC) + timedelta(hours=2)
    fleet.stored.change("branches", own, {"created_at": f"{made:%Y-%m-%dT%H:%M:%SZ}"}, created_at=made.timestamp())
    ended = rollback(fleet, run, "--allow", "lowering")
    branch = next(row["body"] for row in fleet.stored.rows("branches") if row["body"]["name"] == "dev")
    assert (ended.code, "expires_at" in branch) == (5, False), ended.out
    assert "branch 'dev' no longer exists" in told(ended)


def test_what_was_deleted_is_listed_with_the_way_to_recover_it(fleet: Shell) -> None:
    project = fleet.stored.project("myapp-acme")["id"]
    fleet.tenant("acme", "tier: free\nstate: absent")
    commit(fleet)
    run = apply(fleet)
    ended = rollback(fleet, run)
    assert ended.code == 5
    assert "cannot-go-back" in ended.out
    assert f"project {project} was deleted" in told(ended)
    assert "until 2028-03-" in told(ended)
    assert f"`recover: {project}`" in told(ended)


def test_an_earlier_journal_is_read_and_what_it_lacks_is_listed(
    raised: tuple[Shell, str, dict[str, Any]],
) -> None:
    shell, run, _ = raised
    lines = [{key: value for key, value in line.items() if key != "object"} for line in shell.journal]
    lines = [line | {"format_version": 1} if line["line"] == "run" else line for line in lines]
    (shell.folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ended = rollback(shell, run)
    assert ended.code == 5
    assert "compute.max_cu of a compute: the journal does not name the compute" in told(ended)
    assert transfers(shell) == {"acme": 8, "bluebird": 8}


def test_a_journal_that_is_not_whole_is_named(raised: tuple[Shell, str, dict[str, Any]]) -> None:
    shell, run, _ = raised
    with (shell.folder / "journal.jsonl").open("a") as journal:
        journal.write("{not json\n")
    assert "journal journal.jsonl is incomplete: writes of run" in told(rollback(shell, run, "--dry-run"))


def test_a_run_that_has_not_ended_is_not_taken_back(raised: tuple[Shell, str, dict[str, Any]]) -> None:
    shell, run, _ = raised
    with (shell.folder / "journal.jsonl").open("a") as held:
        hold_lock(held.fileno())
        ended = shell.simulated("rollback", run, "--journals", "journal.jsonl", "--base", "applied", "--yes")
    assert (ended.code, "has not ended" in ended.err) == (3, True)
    assert transfers(shell) == {"acme": 3, "bluebird": 3}


def test_a_run_that_no_journal_has_is_a_usage_error(fleet: Shell) -> None:
    ended = rollback(fleet, "00000000")
    assert (ended.code, "reconciler audit" in ended.err) == (3, True)


def test_nothing_is_done_without_a_confirmation(raised: tuple[Shell, str, dict[str, Any]]) -> None:
    shell, run, _ = raised
    ended = shell.simulated("rollback", run, "--journals", "journal.jsonl", "--base", "applied")
    assert (ended.code, "pass --yes" in ended.err) == (3, True)
    assert transfers(shell) == {"acme": 3, "bluebird": 3}


def test_only_one_wave_goes_back(fleet: Shell) -> None:
    for tenant in ("acme", "bluebird"):
        grant(fleet, tenant, 20)
    commit(fleet)
    run = apply(fleet, "--waves", "1,100%")
    first = next(line for line in fleet.journal if line["line"] == "wave")
    assert rollback(fleet, run, "--wave", "1").code == 0
    (tenant,) = first["tenants"]
    assert {name for name, gib in transfers(fleet).items() if gib == 8} == {tenant}


def test_a_rollback_tells_its_events_and_figures_too(raised: tuple[Shell, str, dict[str, Any]]) -> None:
    shell, run, _ = raised
    ended = rollback(shell, run, "--events", "-", "--metrics", "run.prom")
    lines = read_events(ended.out)
    assert (ended.code, lines[0]["event"], lines[-1]["event"]) == (0, "run_started", "run_ended"), ended.err
    assert {line["run"] for line in lines} == {runs(shell)[-1]}
    assert 'command="rollback"' in (shell.folder / "run.prom").read_text(encoding="utf-8")


@pytest.mark.drawn(1)
@pytest.mark.parametrize("format_name", ["json", "markdown", "html"])
def test_every_format_names_what_stays(raised: tuple[Shell, str, dict[str, Any]], format_name: str) -> None:
    shell, run, _ = raised
    by_hand(shell, "acme", 77)
    ended = rollback(shell, run, "--dry-run", "--format", format_name)
    assert (ended.code, "changed-since" in ended.out) == (5, True)
    assert "the files still ask for" in ended.out
    if format_name == "json":
        jsonschema_rs.Draft202012Validator(plan_schema()).validate(ended.document)
        assert ended.document["command"] == "rollback"


def regrant(shell: Shell, gib: int, *flags: str) -> str:
    """Sets the limit of transfer of a tenant by a commit, and returns the run that applied it."""
    grant(shell, "acme", gib, f"# {gib} {len(runs(shell))}")
    commit(shell)
    run = apply(shell, *flags)
    git(shell.folder, "tag", "--force", "applied")
    return run


def test_a_value_that_a_later_run_set_again_stays_and_is_listed(fleet: Shell) -> None:
    run = regrant(fleet, 3)
    regrant(fleet, 5)
    again = regrant(fleet, 3)
    ended = rollback(fleet, run)
    assert (ended.code, transfers(fleet)["acme"]) == (5, 3), ended.out
    assert f"quota.data_transfer_bytes was set by a later run since run {run}" in told(ended)
    assert rollback(fleet, again).code == 0
    assert transfers(fleet)["acme"] == 5


def test_a_project_that_a_later_run_transferred_again_stays_and_is_listed(fleet: Shell) -> None:
    started = homes(fleet)["acme"]
    ran = []
    for file in ("tier: pro", "tier: free\naccept: {history_loss: pro -> free}", "tier: pro"):
        fleet.tenant("acme", file)
        commit(fleet)
        ran.append(apply(fleet))
        git(fleet.folder, "tag", "--force", "applied")
    there = homes(fleet)["acme"]
    ended = rollback(fleet, ran[0], "--allow", "lowering")
    assert (ended.code, homes(fleet)["acme"]) == (5, there), ended.out
    assert f"a later run has transferred the project since run {ran[0]}" in told(ended)
    assert rollback(fleet, ran[2], "--allow", "lowering").code == 0
    assert homes(fleet)["acme"] == started


def test_no_branch_that_a_later_run_created_again_is_changed(fleet: Shell) -> None:
    """However soon: it is not told by its date alone."""
    until = datetime.fromtimestamp(fleet.clock(), UTC) + timedelta(days=20)
    ending = f"tier: free\ndev_branches: [{{name: dev, expires_at: {until:%Y-%m-%dT%H:%M:%SZ}}}]"
    ran = []
    for file in (
        ending,
        "tier: free\ndev_branches: [dev]",
        "tier: free\ndev_branches: []",
        "tier: free\ndev_branches: [dev]",
    ):
        fleet.tenant("acme", file)
        commit(fleet)
        ran.append(apply(fleet))
        git(fleet.folder, "tag", "--force", "applied")
    own = next(row["id"] for row in fleet.stored.rows("branches") if row["body"]["name"] == "dev")
    wrote = next(
        datetime.fromisoformat(line["at"]) for line in fleet.journal if line.get("request_id") == f"{ran[1]}-1"
    )
    fleet.stored.change(
        "branches", own, {"created_at": f"{wrote:%Y-%m-%dT%H:%M:%SZ}"}, created_at=wrote.timestamp()
    )
    ended = rollback(fleet, ran[1], "--allow", "lowering")
    branch = next(row["body"] for row in fleet.stored.rows("branches") if row["body"]["name"] == "dev")
    assert (ended.code, "expires_at" in branch) == (5, False), ended.out
    assert f"branch 'dev' no longer exists since run {ran[1]}" in told(ended)


@pytest.mark.parametrize("passed", [timedelta(), timedelta(hours=2)], ids=["the same one", "another one"])
def test_no_compute_of_a_branch_that_was_created_later_is_changed(fleet: Shell, passed: timedelta) -> None:
    fleet.tenant("acme", "tier: free\ndev_branches: [{name: dev, compute: {min_cu: 0.25, max_cu: 2}}]")
    commit(fleet)
    apply(fleet)
    git(fleet.folder, "tag", "--force", "applied")
    fleet.tenant("acme", "tier: free\ndev_branches: [{name: dev, compute: {min_cu: 0.25, max_cu: 1}}]")
    commit(fleet)
    run = apply(fleet)
    own = next(row["id"] for row in fleet.stored.rows("branches") if row["body"]["name"] == "dev")
    if passed:
        made = datetime.fromtimestamp(fleet.stored.now, UTC) + passed
        fleet.stored.change(
            "branches", own, {"created_at": f"{made:%Y-%m-%dT%H:%M:%SZ}"}, created_at=made.timestamp()
        )
    ended = rollback(fleet, run)
    size = next(row["body"] for row in fleet.stored.rows("endpoints") if row["branch_id"] == own)
    assert (ended.code, size["autoscaling_limit_max_cu"]) == ((5, 1) if passed else (0, 2)), ended.out
    assert ("compute 'dev' no longer exists" in told(ended)) == bool(passed)
