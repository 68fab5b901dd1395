"""A tenant's file that is broken for one commit: who is new stays new, and who is known stays known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_workflow import BASE, World, limit, started
from tests.harness.repository import git, needs_git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.shell import Ended

pytestmark = [needs_git, pytest.mark.drawn(4)]

SKIPPING = ("--on-invalid", "skip")
BROKEN = "tier: fre"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("reconciler.cli.apply._pushes", lambda _account: True)
    return started(tmp_path)


def skipping(world: World) -> Ended:
    return world.apply(*BASE, *SKIPPING)


def by_hand(world: World) -> None:
    """The tag is put on the commit of the broken file, with no record: as if somebody had said that it is done."""
    git(world.author, "tag", "--force", "applied", "main")
    git(world.author, "push", "--quiet", "--force", "origin", "refs/tags/applied")


@pytest.mark.parametrize("recorded", [True, False])
def test_a_new_tenant_gets_its_project_once_its_file_is_mended(world: World, *, recorded: bool) -> None:
    world.tenant("dune", BROKEN)
    before, broken = world.base(), world.merge()
    assert skipping(world).code == 3
    assert world.base() == broken
    assert f'{{"commit": "{before}", "tenants": ["dune"]}}' in world.record()
    if not recorded:
        by_hand(world)
    world.tenant("dune")
    world.merge()
    world.deployed()
    assert world.live()["dune"] == ("free", 5)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_known_tenant_is_lowered_by_the_commit_that_mends_its_file(world: World, *, recorded: bool) -> None:
    world.tenant("cedar", BROKEN)
    world.merge()
    assert skipping(world).code == 3
    if not recorded:
        by_hand(world)
    world.tenant("cedar", limit(2))
    world.merge()
    world.deployed()
    assert world.live()["cedar"] == ("free", 2)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_known_tenant_whose_project_is_gone_gets_no_second_one(world: World, *, recorded: bool) -> None:
    world.tenant("cedar", BROKEN)
    world.merge()
    assert skipping(world).code == 3
    if not recorded:
        by_hand(world)
    world.vanished("cedar")
    world.tenant("cedar")
    world.merge()
    ended = world.job("apply")
    assert "missing-project" in ended.out
    assert "--allow creates=1" in " ".join(ended.out.split())
    assert "cedar" not in world.live()


def test_a_new_tenant_whose_file_was_broken_from_its_first_commit_on_is_new_without_a_named_base(
    world: World,
) -> None:
    for text in (BROKEN, "tier: free\nprotect: perhaps"):
        world.tenant("dune", text)
        world.merge()
    world.tenant("dune")
    world.merge()
    assert world.apply().code == 0
    assert world.live()["dune"] == ("free", 5)


def test_where_the_history_is_not_here_a_tenant_whose_file_was_broken_counts_as_known(world: World) -> None:
    world.tenant("dune", BROKEN)
    world.merge()
    world.tenant("dune")
    world.merge()
    remote = f"file://{world.folder / 'remote.git'}"
    git(world.folder, "clone", "--quiet", "--depth", "2", remote, "shallow")
    ended = world.run(world.folder / "shallow", "apply", "--yes")
    assert "missing-project" in ended.out
    assert "dune" not in world.live()
