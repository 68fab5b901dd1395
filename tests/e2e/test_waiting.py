"""Tenants that wait since an earlier commit: what a pull request that does not touch them says of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_workflow import BASE, World, limit, started
from tests.harness.repository import git, needs_git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Ended

pytestmark = [needs_git, pytest.mark.drawn(4)]

PROTECTED = limit(2) + "\nprotect: true"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Cedar's lowering was merged and is refused, for cedar is protected."""
    monkeypatch.setattr("reconciler.cli.apply._pushes", lambda _account: True)
    world = started(tmp_path)
    world.tenant("cedar", PROTECTED)
    world.merge()
    assert world.job("apply").code == 5
    return world


def pull_request(world: World, **files: str) -> Path:
    folder = world.checkout()
    for name, text in files.items():
        (folder / f"tenants/{name}.yaml").write_text(f"tenant: {name}\n{text}\n", encoding="utf-8")
    git(folder, "checkout", "--quiet", "-b", "request")
    git(folder, "add", "--all", "tenants")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=request")
    return folder


def planned(world: World, folder: Path, *flags: str) -> Ended:
    return world.run(folder, "plan", "--base", "refs/tags/applied", *flags)


def words(ended: Ended) -> str:
    return " ".join(ended.out.split())


def since(world: World) -> str:
    return git(world.author, "rev-parse", "main~1")


def test_a_pull_request_that_does_not_touch_it_is_green_and_tells_of_it(world: World) -> None:
    ended = planned(world, pull_request(world, dune="tier: free"))
    assert ended.code == 0
    assert f"1 tenant waits since commit {since(world)[:12]}: refused: protected cedar" in words(ended)
    assert "Refused since earlier commits (1)" in ended.out
    assert "1 to create; 1 refused since earlier commits" in words(ended)


@pytest.mark.parametrize(
    "text", [limit(1) + "\nprotect: true", limit(2) + "\nprotect: true\naccept: {history_loss: true}"]
)
def test_one_that_touches_it_is_red_where_it_is_refused(world: World, text: str) -> None:
    ended = planned(world, pull_request(world, cedar=text))
    assert ended.code == 5
    assert "Refused (1)" in ended.out
    assert "1 tenant waits" in ended.out


def test_one_that_asks_for_something_else_that_is_refused_is_red(world: World) -> None:
    world.tenant("bluebird", limit(5) + "\nprotect: true")
    world.merge()
    assert world.job("apply").code == 5, "cedar waits still, and apply tries it"
    assert planned(world, pull_request(world, bluebird=PROTECTED)).code == 5


def test_a_pull_request_that_was_cut_before_is_green(world: World) -> None:
    folder = world.checkout()
    git(folder, "reset", "--quiet", "--hard", "main~1")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=request")
    assert planned(world, folder).code == 0


def test_a_change_of_the_price_list_that_reaches_it_is_about_it(world: World) -> None:
    folder = pull_request(world)
    prices = folder / "tiers.yaml"
    prices.write_text(prices.read_text().replace("active_time: 100h", "active_time: 90h"), encoding="utf-8")
    git(folder, "commit", "--quiet", "--all", "--message=prices")
    assert planned(world, folder).code == 5


def test_apply_tries_it_and_says_so(world: World) -> None:
    world.tenant("dune")
    world.merge()
    ended = world.job("apply")
    assert ended.code == 5
    assert world.live()["dune"] == ("free", 5)


@pytest.mark.parametrize(
    ("flags", "code"),
    [(("--fail-on", "refused"), 5), (("--fail-on", "stale"), 0), (("--detailed-exitcode",), 2)],
)
def test_the_exit_code_can_be_made_to_speak_of_it(world: World, flags: tuple[str, ...], code: int) -> None:
    assert planned(world, pull_request(world), *flags).code == code


def test_what_is_done_by_the_next_apply_or_left_out_is_told_with_its_reason(world: World) -> None:
    world.tenant("bluebird", limit(3))
    world.merge()
    assert world.apply(*BASE, "--tenant", "stray").code == 0
    request = pull_request(world)
    assert "1 tenant waits since commit" in planned(world, request).out
    assert ": apply continues bluebird" in words(planned(world, request))
    assert ": not included in this run bluebird, cedar" not in words(planned(world, request))
    assert ": not included in this run" in words(planned(world, request, "--tenant", "acme"))


def test_a_tenant_whose_file_is_broken_is_told_too(world: World) -> None:
    world.tenant("dune", "tier: fre")
    world.merge()
    assert world.apply(*BASE, "--on-invalid", "skip").code == 3
    ended = planned(world, pull_request(world), "--on-invalid", "skip")
    assert ": the file is broken dune" in words(ended)


@pytest.mark.parametrize("form", ["json", "markdown"])
def test_it_is_in_every_format(world: World, form: str) -> None:
    out = planned(world, pull_request(world), "--format", form).out
    if form == "json":
        assert json.loads(out)["waiting"] == [
            {"commit": since(world), "reason": "refused: protected", "tenants": ["cedar"], "changed": False}
        ]
    else:
        assert f"1 tenant waits since commit `{since(world)[:12]}`: refused: protected: `cedar`" in out
        assert "Waiting (1)" in out


def test_a_saved_plan_keeps_it(world: World) -> None:
    folder = pull_request(world, dune="tier: free")
    assert planned(world, folder, "--out", "plan.json").code == 0
    world.shell.folder = folder
    assert "Refused since earlier commits (1)" in world.shell.run("show", "plan.json").out


def test_drift_on_files_that_are_older_says_so(world: World) -> None:
    older = world.checkout()
    world.tenant("bluebird", limit(3))
    world.merge()
    assert world.job("apply").code == 5
    git(older, "fetch", "--quiet", "--tags", "--force")
    ended = world.run(older, "drift", "--base", "refs/tags/applied")
    assert ended.code == 2
    assert "live 3GiB files 5GiB the base is ahead of these files" in words(ended)


def test_a_base_of_its_own_that_is_not_here_is_told_and_nothing_is_taken(world: World) -> None:
    """What the remote's record names was dropped by a forced push."""
    folder = pull_request(world)
    record = git(folder, "cat-file", "-p", "applied").replace(since(world), "dead" * 10)
    (folder / "record").write_text(record + "\n", encoding="utf-8")
    git(folder, "update-ref", "refs/tags/applied", git(folder, "hash-object", "-t", "tag", "-w", "record"))
    (folder / "record").unlink()
    ended = planned(world, folder)
    assert ended.code == 0
    assert "1 tenant waits since commit deaddeaddead: that commit cannot be read here" in words(ended)
    assert "fetch the whole history" in words(ended)


def commit(world: World, branch: str, **tenants: str) -> str:
    """A commit of a branch, which is pushed."""
    git(world.author, "checkout", "--quiet", branch)
    for name, text in tenants.items():
        world.tenant(name, text)
    git(world.author, "commit", "--quiet", "--all", "--message=x")
    git(world.author, "push", "--quiet", "origin", branch)
    return git(world.author, "rev-parse", "HEAD")


def test_after_criss_cross_merges_the_commit_to_merge_is_named_and_merging_it_settles_them(world: World) -> None:
    """A branch of its own is deployed, and both take over what the other one had."""
    git(world.author, "branch", "prod")
    hotfix = commit(world, "prod", bluebird=limit(9))
    raised = commit(world, "main", cedar=limit(9))
    git(world.author, "merge", "--quiet", "--no-edit", hotfix)
    git(world.author, "checkout", "--quiet", "prod")
    git(world.author, "merge", "--quiet", "--no-edit", raised)
    deployed = commit(world, "prod", stray=limit(9))
    folder = world.checkout()
    git(folder, "checkout", "--quiet", "prod")
    assert world.run(folder, "apply", "--yes", *BASE[:2], "--ref", "prod", *BASE[4:]).code == 0
    commit(world, "main", cedar=limit(3))
    assert [world.job("apply").code for _ in range(2)] == [5, 5]
    told = words(world.job("plan"))
    assert f"merge it once more (git merge {deployed[:12]}) or permit" in told
    assert f"to allow it: merge it once more (git merge {deployed[:12]}), or permit it with" in told
    assert "fetch the whole history" not in told
    git(world.author, "merge", "--quiet", "--no-edit", deployed)
    git(world.author, "push", "--quiet", "origin", "main")
    world.deployed()
    live = world.live()
    assert (live["bluebird"], live["cedar"], live["stray"]) == (("free", 9), ("free", 3), ("free", 9))


def test_after_a_history_was_rewritten_no_fetch_is_advised(world: World) -> None:
    git(world.author, "checkout", "--quiet", "--orphan", "fresh")
    world.tenant("cedar", limit(3))
    git(world.author, "add", "--all", "tiers.yaml", "tenants")
    git(world.author, "commit", "--quiet", "--message=x")
    git(world.author, "push", "--quiet", "--force", "origin", "fresh:main")
    assert world.job("apply").code == 5
    folder = world.checkout()
    git(folder, "fetch", "--quiet", str(world.author), since(world))
    told = words(planned(world, folder))
    assert "the history was rewritten, so nothing is reduced: permit what the files ask for" in told
    assert "to allow it: permit it with --allow lowering" in told
    permitted = world.apply(*BASE, "--tenant", "cedar", "--allow", "lowering")
    assert permitted.code == 0, permitted.out
    assert world.live()["cedar"] == ("free", 3)
    assert "Waiting" not in world.job("plan").out
