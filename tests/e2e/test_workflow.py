"""The commands of plan.yml and apply.yml, one after the other: pull requests and merges of a fleet that drifts.

What surrounds the commands, and the saved plan between them: tests/e2e/test_workflows.py.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Final

import httpx
import pytest
import yaml

from tests.e2e.test_causes import LIMIT, quota, set_limit
from tests.harness.builders import GIB
from tests.harness.repository import git, needs_git
from tests.harness.shell import ROOT, Shell
from tests.harness.stored import Stored
from tests.harness.wire import Act, Killed, Passing, also_after, answered, answering, first, where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.harness.shell import Ended

pytestmark = [needs_git, pytest.mark.drawn(5)]

FILLED: Final = {
    "refs/tags/${{ inputs.tag }}": "refs/tags/applied",
    "${{ inputs.tag }}": "applied",
    "${{ github.ref_name }}": "main",
    "${{ runner.temp }}/reconciler-journal/journal.jsonl": "journal.jsonl",
}
BASE: Final = ("--base", "refs/tags/applied", "--ref", "main", "--advance", "applied")


@cache
def steps(job: str) -> list[list[str]]:
    """The commands of a job. Of apply, without the saved plan and what a caller may add."""
    if job == "plan":
        return [["validate"], ["plan", "--base", "refs/tags/applied"]]
    workflow = yaml.safe_load((ROOT / ".github/workflows/apply.yml").read_text(encoding="utf-8"))
    [arguments] = [step["with"]["arguments"] for step in workflow["jobs"][job]["steps"] if step.get("id") == job]
    words = [FILLED.get(line, line) for line in arguments.splitlines()]
    return [[job, *(word for word in words if "${{" not in word)]]


class World:
    """A bare remote, the account, and somebody who merges."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shell = Shell(made(folder / "author"))
        self.author = self.shell.folder
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
        git(self.author, "init", "--quiet", "--initial-branch=main")
        git(self.author, "remote", "add", "origin", str(folder / "remote.git"))
        self._clones = 0

    def tenant(self, name: str, text: str = "tier: free") -> None:
        (self.author / f"tenants/{name}.yaml").write_text(f"tenant: {name}\n{text}\n", encoding="utf-8")

    def merge(self) -> str:
        git(self.author, "add", "--all", "tiers.yaml", "tenants")
        git(self.author, "commit", "--quiet", "--allow-empty", "--message=merged")
        git(self.author, "push", "--quiet", "origin", "main")
        return git(self.author, "rev-parse", "HEAD")

    def checkout(self) -> Path:
        """What actions/checkout makes with ``fetch-depth: 0``."""
        self._clones += 1
        folder = self.folder / f"clone-{self._clones}"
        git(self.folder, "clone", "--quiet", "remote.git", folder.name)
        return folder

    def job(self, name: str, folder: Path | None = None) -> Ended:
        """Runs the steps of a job; the last one of the program is what is handed back."""
        folder = folder or self.checkout()
        ended = None
        for command, *flags in steps(name):
            ended = self.run(folder, command, *flags)
            if ended.code:
                break
        assert ended is not None
        return ended

    def run(self, folder: Path, command: str, *flags: str, stdin: bytes = b"") -> Ended:
        account = () if command == "validate" else ("--simulator", str(self.folder / "sim.db"))
        self.shell.folder = folder
        try:
            return self.shell.run(command, *account, *flags, stdin=stdin)
        finally:
            self.shell.folder = self.author

    def apply(self, *flags: str) -> Ended:
        return self.run(self.checkout(), "apply", "--yes", "--journal", "journal.jsonl", *flags)

    def deployed(self) -> Ended:
        """A merge's pipeline, which has to be green."""
        ended = self.job("apply")
        assert ended.code == 0, ended.err + ended.out
        return ended

    def base(self) -> str:
        return git(self.folder / "remote.git", "rev-parse", "refs/tags/applied^{commit}")

    def record(self) -> str:
        return git(self.folder / "remote.git", "cat-file", "-p", "refs/tags/applied")

    @property
    def stored(self) -> Stored:
        """The rows of the account."""
        return Stored.at(self.folder / "sim.db")

    def live(self) -> dict[str, tuple[str, int]]:
        """The organization and the transfer in GiB of every project; 0 is unlimited."""
        where = self.stored.organizations()
        return {
            name.removeprefix("myapp-"): (where[name], quota(row).get(LIMIT, 0) // GIB)
            for name, row in self.stored.projects().items()
        }

    @contextmanager
    def through(self, act: Act) -> Iterator[None]:
        before, self.shell.act = self.shell.act, act
        try:
            yield
        finally:
            self.shell.act = before

    def project(self, tenant: str) -> str:
        return self.stored.project_ids()[f"myapp-{tenant}"]

    def by_hand(self, tenant: str, gib: int) -> None:
        set_limit(self.stored, tenant, gib)

    def vanished(self, tenant: str) -> None:
        """Its project is gone, for good."""
        self.stored.remove("projects", name=f"myapp-{tenant}")


def refusing(project: str, method: str = "PATCH", below: str = "") -> Act:
    """An API that refuses one kind of call; unless told otherwise, to change a project."""
    end = f"{project}{below}"
    return where(
        lambda passing: passing.request.method == method and passing.path.endswith(end),
        answering(lambda _request: httpx.Response(422, json={"code": "", "message": "not today"})),
    )


def dying() -> Act:
    """The process is gone once a transfer has been done."""
    return dying_after("/projects/transfer")


def dying_after(end: str) -> Act:
    """The process is gone once a POST to a path with this end has been done."""
    dead = False

    async def die(passing: Passing) -> httpx.Response:
        nonlocal dead
        if dead:
            raise Killed
        answer = await passing.answer()
        dead = passing.request.method == "POST" and passing.path.endswith(end) and answer.is_success
        return answer

    return die


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


ACCEPTING: Final = "accept: {history_loss: pro -> free}"


def started(folder: Path) -> World:
    """Acme pays, three others do not; applied, and the tag set by hand once, as README says."""
    world = World(folder)
    world.tenant("acme", "tier: pro")
    for name in ("bluebird", "cedar", "stray"):
        world.tenant(name)
    world.merge()
    assert world.apply("--base", "none").code == 0
    git(world.author, "tag", "applied")
    git(world.author, "push", "--quiet", "origin", "applied")
    return world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The embedded Neon stands for the real one: what was done to it is recorded at the remote."""
    monkeypatch.setattr("reconciler.cli.apply._pushes", lambda _account: True)
    return started(tmp_path)


def limit(gib: int) -> str:
    return f"tier: free\noverrides: {{quota: {{data_transfer: {gib}GiB}}}}"


def test_a_stray_change_does_not_keep_the_base_from_moving(world: World) -> None:
    world.by_hand("stray", 900)
    world.tenant("cedar", limit(9))
    merged = world.merge()
    assert world.job("plan").code == 0
    world.deployed()
    assert world.base() == merged
    assert world.live()["stray"] == ("free", 900)


def test_a_tenant_that_paid_again_stays_paid_at_the_next_merge(world: World) -> None:
    world.by_hand("stray", 900)
    world.tenant("acme", f"tier: free\n{ACCEPTING}")
    world.merge()
    world.deployed()
    assert world.live()["acme"] == ("free", 5)
    paid = world.run(world.author, "converge", "-", stdin=b'{"tenant": "acme", "tier": "pro"}')
    assert paid.code == 0, paid.err + paid.out
    world.tenant("cedar", limit(9))
    world.merge()
    world.deployed()
    assert world.live()["acme"] == ("paid", 50)
    assert world.live()["cedar"] == ("free", 9)


def test_what_was_accepted_of_one_downgrade_is_not_accepted_of_the_next(world: World) -> None:
    world.tenant("acme", f"tier: free\n{ACCEPTING}")
    world.merge()
    world.deployed()
    world.tenant("acme", f"tier: pro\n{ACCEPTING}")
    world.merge()
    assert "accept has been used, remove it: history_loss" in world.job("plan").out
    world.deployed()
    world.tenant("acme", f"tier: free\n{ACCEPTING}")
    world.merge()
    refused = world.job("apply")
    assert refused.code == 5
    assert "accept: {history_loss: 7d -> 1d}" in " ".join(refused.out.split())
    assert world.live()["acme"] == ("paid", 50)
    world.tenant("acme", "tier: free\naccept: {history_loss: 7d -> 1d}")
    world.merge()
    world.deployed()
    assert world.live()["acme"] == ("free", 5)


def test_a_refused_tenant_stays_owed_and_is_done_once_it_may_be(world: World) -> None:
    before = world.base()
    world.tenant("cedar", limit(2) + "\nprotect: true")
    world.tenant("bluebird", limit(3))
    refused = world.merge()
    assert world.job("apply").code == 5
    assert world.base() == refused
    assert '"cedar"' in world.record()
    assert before in world.record()
    assert world.live()["bluebird"] == ("free", 3)
    world.tenant("cedar", limit(2))
    world.merge()
    assert world.job("apply").code == 5, "one commit removes no protection, not even a refused one's, and reduces"
    world.tenant("cedar", limit(5))
    world.merge()
    world.deployed()
    world.tenant("cedar", limit(2))
    done = world.merge()
    world.deployed()
    assert world.live()["cedar"] == ("free", 2)
    assert world.base() == done
    assert '"owed": []' in world.record()


def test_a_failed_tenant_stays_owed_and_is_done_by_the_next_run(world: World) -> None:
    world.tenant("cedar", limit(2))
    world.merge()
    with world.through(refusing(world.project("cedar"))):
        assert world.job("apply").code == 6
    assert '"cedar"' in world.record()
    assert world.live()["cedar"] == ("free", 5)
    world.tenant("bluebird", limit(3))
    world.merge()
    world.deployed()
    assert world.live()["cedar"] == ("free", 2)
    assert '"owed": []' in world.record()


def test_a_tenant_that_a_dead_run_left_half_done_is_finished_by_the_run_of_the_next_commit(world: World) -> None:
    """The transfer of a downgrade went through, its quota did not; then another commit is merged."""
    before = world.base()
    world.tenant("acme", f"tier: free\n{ACCEPTING}")
    world.merge()
    with world.through(dying()), pytest.raises(Killed):
        world.job("apply")
    assert world.live()["acme"] == ("free", 0)  # the transfer has removed the quota
    assert world.base() == before
    world.tenant("bluebird", limit(3))
    merged = world.merge()
    world.deployed()
    assert world.live()["acme"] == ("free", 5)
    assert world.base() == merged


def meanwhile(happens: Callable[[], object]) -> Act:
    """Right after the first write, something else happens, before anybody hears of it."""

    def happen() -> None:
        thread = Thread(target=happens)  # with an event loop of its own
        thread.start()
        thread.join()

    return first(lambda passing: passing.request.method == "PATCH", also_after(happen))


class TestAPipelineWhoseBranchHasMovedOn:
    """Two merges within a minute: the older pipeline begins when the newer commit is the tip."""

    def test_leaves_everything_to_the_newer_one_and_is_not_red(self, world: World) -> None:
        world.tenant("cedar", limit(2))
        world.merge()
        older, before = world.checkout(), world.live()
        world.tenant("bluebird", limit(3))
        tip = world.merge()
        late = world.job("apply", older)
        assert late.code == 0
        assert "nothing was done here" in late.err
        assert world.live() == before
        world.deployed()
        assert (world.live()["cedar"], world.live()["bluebird"]) == (("free", 2), ("free", 3))
        assert world.base() == tip

    def test_is_an_error_where_no_base_is_moved_or_the_files_were_never_on_the_branch(self, world: World) -> None:
        older = world.checkout()
        world.merge()
        assert world.run(older, "apply", "--yes", "--ref", "main").code == 5
        git(older, "commit", "--quiet", "--allow-empty", "--message=never pushed")
        assert world.job("apply", older).code == 5


class TestTwoPipelines:
    @pytest.fixture(autouse=True)
    def _signals(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """They are for the main thread alone."""
        monkeypatch.setattr("reconciler.cli.apply.stop_on_signals", lambda _stop: nullcontext())

    def test_the_older_one_ends_last_and_neither_is_red_nor_moves_the_base_back(self, world: World) -> None:
        world.tenant("cedar", limit(2))
        world.merge()
        older, codes = world.checkout(), []

        def merge_and_deploy() -> None:
            world.tenant("bluebird", limit(3))
            world.merge()
            with world.through(answered):
                codes.append(world.job("apply").code)

        with world.through(meanwhile(merge_and_deploy)):
            ended = world.job("apply", older)
        assert [*codes, ended.code] == [0, 0], ended.err + ended.out
        assert world.base() == git(world.author, "rev-parse", "main")
        assert '"owed": []' in world.record()
        assert (world.live()["cedar"], world.live()["bluebird"]) == (("free", 2), ("free", 3))

    def test_what_only_the_older_one_got_done_is_not_owed(self, world: World) -> None:
        world.tenant("cedar", limit(2))
        done = world.merge()
        older = world.checkout()

        def merge_and_fail() -> None:
            world.tenant("cedar", limit(1))
            world.merge()
            with world.through(refusing(world.project("cedar"))):
                assert world.job("apply").code == 6

        with world.through(meanwhile(merge_and_fail)):
            assert world.job("apply", older).code == 0
        assert world.base() == git(world.author, "rev-parse", "main")
        assert f'"owed": [{{"commit": "{done}", "tenants": ["cedar"]}}]' in world.record()


def test_a_tag_that_cannot_be_pushed_ends_with_1_and_says_what_to_do(world: World) -> None:
    before = world.base()
    hook = world.folder / "remote.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nwhile read -r old new ref; do case $ref in refs/tags/*) exit 1;; esac; done\n")
    hook.chmod(0o755)
    world.tenant("cedar", limit(2))
    world.merge()
    ended = world.job("apply")
    assert ended.code == 1
    assert "contents: write" in ended.err
    assert world.live()["cedar"] == ("free", 2)
    assert world.base() == before


def test_a_clone_with_an_old_tag_takes_over_the_one_of_the_remote(world: World) -> None:
    stale = world.checkout()
    world.tenant("acme", f"tier: free\n{ACCEPTING}")
    world.merge()
    world.deployed()
    assert world.run(world.author, "converge", "-", stdin=b'{"tenant": "acme", "tier": "pro"}').code == 0
    git(stale, "-c", "remote.origin.tagOpt=--no-tags", "pull", "--quiet", "origin", "main")
    assert world.job("apply", stale).code == 0
    assert world.live()["acme"] == ("paid", 50)


def test_without_a_remote_the_tag_moves_here_alone_and_says_so(world: World) -> None:
    before = world.base()
    world.tenant("cedar", limit(2))
    merged = world.merge()
    folder = world.checkout()
    ended = world.run(folder, "apply", "--yes", "--base", "refs/tags/applied", "--advance", "applied")
    assert ended.code == 0
    assert "in this clone only" in ended.err
    assert git(folder, "rev-parse", "applied^{commit}") == merged
    assert world.base() == before


def test_tenants_that_were_left_out_stay_owed(world: World) -> None:
    for name, gib in (("cedar", 2), ("bluebird", 3)):
        world.tenant(name, limit(gib))
    merged, before = world.merge(), world.base()
    assert world.apply(*BASE, "--tenant", "cedar").code == 0
    assert world.base() == merged
    assert f'{{"commit": "{before}", "tenants": ["bluebird"]}}' in world.record()
    world.deployed()
    assert world.live()["bluebird"] == ("free", 3)


def test_a_rehearsal_moves_no_tag_of_the_remote(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    before = world.base()
    world.tenant("cedar", limit(2))
    world.merge()
    assert world.job("apply").code == 0
    assert world.base() == before


@pytest.mark.parametrize("flags", [("--base", "main"), ()])
def test_a_run_that_compares_with_something_else_cannot_move_the_tag(world: World, flags: tuple[str, ...]) -> None:
    ended = world.apply(*flags, "--advance", "applied")
    assert ended.code == 3
    assert "--base refs/tags/applied" in ended.err
