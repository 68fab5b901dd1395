"""Commits that arrive while `apply --ref` is under way: it leaves to them what they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.test_workflow import BASE, World
from tests.harness.repository import git, needs_git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from tests.harness.shell import Ended
    from tests.harness.wire import Passing

pytestmark = needs_git

TENANTS: Final = ("acme", "bluebird", "cedar")
LESS: Final = "tier: free\noverrides: {quota: {data_transfer: 3GiB}}"
WAVES: Final = ("--waves", "1,100%", "--bake", "10m")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three tenants whose limit a merged commit lowers, which no pipeline has applied yet."""
    monkeypatch.setattr("reconciler.cli.apply._pushes", lambda _account: True)
    world = World(tmp_path)
    for name in TENANTS:
        world.tenant(name)
    world.merge()
    assert world.apply("--base", "none").code == 0
    git(world.author, "tag", "applied")
    git(world.author, "push", "--quiet", "origin", "applied")
    for name in TENANTS:
        world.tenant(name, LESS)
    world.merge()
    return world


def lowered(world: World) -> set[str]:
    return {name for name, (_, gib) in world.live().items() if gib == 3}


class Meanwhile:
    """Somebody does something once the run has changed a first tenant."""

    def __init__(self, world: World, deed: Callable[[str], object]) -> None:
        self._world, self._deed = world, deed
        self.first = ""

    async def __call__(self, passing: Passing) -> httpx.Response:
        answer = await passing.answer()
        if passing.request.method == "PATCH" and not self.first:
            (self.first,) = lowered(self._world)
            self._deed(self.first)
        return answer


def merging(world: World, edit: Callable[[str], object]) -> Meanwhile:
    """Somebody edits files and merges the commit."""

    def deed(first: str) -> None:
        edit(first)
        world.merge()

    return Meanwhile(world, deed)


def rollout(world: World, meanwhile: Meanwhile, *flags: str) -> Ended:
    with world.through(meanwhile):
        return world.apply(*BASE, *(flags or WAVES))


def others(meanwhile: Meanwhile) -> list[str]:
    return [name for name in TENANTS if name != meanwhile.first]


def test_a_revert_that_is_merged_between_two_waves_holds_back_the_rest(world: World) -> None:
    def revert(_first: str) -> None:
        for name in TENANTS:
            world.tenant(name)

    meanwhile = merging(world, revert)
    ended = rollout(world, meanwhile)
    assert (ended.code, lowered(world)) == (6, {meanwhile.first}), ended.out
    assert "which changes what is declared for the tenant" in " ".join(ended.out.split())
    world.deployed()
    assert lowered(world) == set()


@pytest.mark.drawn(2)
@pytest.mark.parametrize(
    "newer",
    [
        "tier: free",
        LESS + '\nhold: {until: 2040-01-01T00:00:00Z, reason: "a dispute"}',
        LESS + "\nprotect: true",
        "tier: pro",
        LESS + "\nstate: suspended\nreason: x",
        LESS + "\nlabels: {plan: trial}",
        LESS + "\nno such key: 1",
    ],
)
def test_one_tenant_that_a_newer_commit_changes_is_left_to_it(world: World, newer: str) -> None:
    meanwhile = merging(world, lambda first: world.tenant(next(n for n in TENANTS if n != first), newer))
    ended = rollout(world, meanwhile)
    held, free = others(meanwhile)
    assert ended.code == 6, ended.out
    assert lowered(world) == {meanwhile.first, free}
    assert f"{held}" in world.record()


def test_a_newer_price_list_holds_back_every_tenant_of_its_tiers(world: World) -> None:
    def dearer(_first: str) -> None:
        text = (world.author / "tiers.yaml").read_text(encoding="utf-8")
        (world.author / "tiers.yaml").write_text(text.replace("active_time: 100h", "active_time: 200h"))

    meanwhile = merging(world, dearer)
    assert rollout(world, meanwhile).code == 6
    assert lowered(world) == {meanwhile.first}


def test_another_tenants_commit_holds_back_nobody(world: World) -> None:
    meanwhile = merging(world, lambda _first: world.tenant("new"))
    ended = rollout(world, meanwhile)
    assert (ended.code, lowered(world)) == (0, set(TENANTS)), ended.err


def test_a_branch_that_is_forced_back_counts_too(world: World) -> None:
    def revert(_first: str) -> None:
        git(world.author, "reset", "--quiet", "--hard", "HEAD~1")
        git(world.author, "push", "--quiet", "--force", "origin", "main")

    meanwhile = Meanwhile(world, revert)
    assert rollout(world, meanwhile).code == 6
    assert lowered(world) == {meanwhile.first}


def test_a_remote_that_no_longer_answers_ends_the_run(world: World) -> None:
    def gone(_first: str) -> None:
        (world.folder / "remote.git").rename(world.folder / "elsewhere.git")

    gone_after = Meanwhile(world, gone)
    ended = rollout(world, gone_after)
    assert lowered(world) == {gone_after.first}
    assert "nobody can tell whether a newer commit holds it back" in " ".join(ended.out.split())
