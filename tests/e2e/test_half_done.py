"""A change that was tried and not carried out as a whole, and what a later commit makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.test_workflow import BASE, World, dying, dying_after, limit, refusing, started
from tests.harness.repository import git, needs_git
from tests.harness.wire import Killed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_git, pytest.mark.drawn(4)]

CLEAN: Final = '"owed": []}'
UNLIMITED: Final = 0


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("reconciler.cli.apply._pushes", lambda _account: True)
    return started(tmp_path)


def half_upgraded(world: World) -> None:
    """Bluebird has been moved, and has no quota since: the transfer has removed that of its former tier."""
    world.tenant("bluebird", "tier: pro")
    world.merge()
    with world.through(refusing(world.project("bluebird"))):
        assert world.job("apply").code == 6
    assert world.live()["bluebird"] == ("paid", UNLIMITED)
    assert '"tried"' in world.record()


def branches(world: World, tenant: str) -> set[str]:
    return {row["name"] for row in world.stored.rows("branches", project_id=world.project(tenant))}


class TestAnUpgradeThatIsHalfDone:
    def test_is_undone_where_a_commit_takes_it_back(self, world: World) -> None:
        half_upgraded(world)
        world.tenant("bluebird")
        world.merge()
        assert "Downgrade (1)" in world.job("plan").out
        world.deployed()
        assert world.live()["bluebird"] == ("free", 5)
        assert CLEAN in world.record()

    def test_is_undone_although_another_tenant_s_commit_came_between(self, world: World) -> None:
        half_upgraded(world)
        world.tenant("cedar", limit(9))
        world.merge()
        with world.through(refusing(world.project("bluebird"))):
            assert world.job("apply").code == 6
        world.tenant("bluebird")
        world.merge()
        world.deployed()
        assert world.live()["bluebird"] == ("free", 5)
        assert world.live()["cedar"] == ("free", 9)
        assert CLEAN in world.record()

    def test_goes_on_to_a_third_state(self, world: World) -> None:
        half_upgraded(world)
        world.tenant("bluebird", limit(3))
        world.merge()
        world.deployed()
        assert world.live()["bluebird"] == ("free", 3)

    def test_is_undone_after_a_run_that_died(self, world: World) -> None:
        before = world.base()
        world.tenant("bluebird", "tier: pro")
        world.merge()
        with world.through(dying()), pytest.raises(Killed):
            world.job("apply")
        assert world.live()["bluebird"] == ("paid", UNLIMITED)
        assert world.base() == before
        world.tenant("bluebird")
        world.merge()
        world.deployed()
        assert world.live()["bluebird"] == ("free", 5)
        assert CLEAN in world.record()

    def test_stays_for_the_next_run_where_it_is_left_out(self, world: World) -> None:
        half_upgraded(world)
        world.tenant("bluebird")
        world.merge()
        assert world.apply(*BASE, "--tenant", "cedar").code == 0
        assert '"tried"' in world.record()
        world.deployed()
        assert world.live()["bluebird"] == ("free", 5)

    def test_by_files_that_lack_the_attempt_nothing_is_undone(self, world: World) -> None:
        older = world.checkout()
        half_upgraded(world)
        git(older, "fetch", "--quiet", "--tags", "--force")
        ended = world.run(older, "apply", "--yes", "--base", "refs/tags/applied")
        assert ended.code == 0
        assert "base-ahead" in ended.out
        assert world.live()["bluebird"] == ("paid", UNLIMITED)


def test_what_was_refused_and_never_written_makes_no_cause(world: World) -> None:
    """Bluebird is protected, so that nothing was tried; support has given it more meanwhile."""
    world.tenant("bluebird", limit(5) + "\nprotect: true")
    world.merge()
    world.deployed()
    world.tenant("bluebird", limit(2) + "\nprotect: true")
    world.merge()
    assert world.job("apply").code == 5
    assert '"tried"' not in world.record()
    world.by_hand("bluebird", 900)
    world.tenant("bluebird", limit(5))
    world.merge()
    world.deployed()
    assert world.live()["bluebird"] == ("free", 900)


def test_a_branch_of_a_change_that_is_half_done_goes_where_a_commit_takes_it_back(world: World) -> None:
    world.tenant("acme", "tier: pro\ndev_branches: [preview]\nsnapshots: [first]")
    world.merge()
    with world.through(refusing("", "POST", "/snapshot")):
        assert world.job("apply").code == 6
    assert branches(world, "acme") == {"main", "preview"}
    world.tenant("acme", "tier: pro\ndev_branches: []")
    world.merge()
    world.deployed()
    assert branches(world, "acme") == {"main"}
    assert CLEAN in world.record()


def test_a_deletion_that_failed_and_is_taken_back_deletes_nothing(world: World) -> None:
    world.tenant("bluebird", "state: absent")
    world.merge()
    with world.through(refusing(world.project("bluebird"), "DELETE")):
        assert world.job("apply").code == 6
    world.tenant("bluebird")
    world.merge()
    world.deployed()
    assert world.live()["bluebird"] == ("free", 5)
    assert CLEAN in world.record()


class TestATenantThatWasNeverDone:
    """Its project was made, its branch was not."""

    @pytest.fixture(autouse=True)
    def _half_created(self, world: World) -> None:
        world.tenant("dune", "tier: pro\ndev_branches: [preview]")
        world.merge()
        with world.through(refusing("", "POST", "/branches")):
            assert world.job("apply").code == 6
        assert world.live()["dune"] == ("paid", 50)

    def test_can_be_lowered(self, world: World) -> None:
        world.tenant("dune", "tier: free\naccept: {history_loss: pro -> free}")
        world.merge()
        world.deployed()
        assert world.live()["dune"] == ("free", 5)
        assert CLEAN in world.record()

    def test_can_be_deleted(self, world: World) -> None:
        world.tenant("dune", "state: absent")
        world.merge()
        world.deployed()
        assert "dune" not in world.live()

    def test_is_an_orphan_once_it_is_gone_and_goes_on_once_it_is_back(self, world: World) -> None:
        (world.author / "tenants/dune.yaml").unlink()
        world.merge()
        assert "Orphans (1)" in world.deployed().out
        assert '"tried"' in world.record()
        world.tenant("dune", limit(3) + "\naccept: {history_loss: pro -> free}")
        world.merge()
        world.deployed()
        assert world.live()["dune"] == ("free", 3)

    def test_keeps_its_project_under_another_name(self, world: World) -> None:
        project = world.project("dune")
        (world.author / "tenants/dune.yaml").unlink()
        world.tenant("dunes", "tier: free\npreviously: [dune]\naccept: {history_loss: pro -> free}")
        world.merge()
        world.deployed()
        assert world.project("dunes") == project
        assert world.live()["dunes"] == ("free", 5)

    def test_another_name_that_the_file_does_not_tell_makes_no_second_project(self, world: World) -> None:
        (world.author / "tenants/dune.yaml").unlink()
        world.tenant("dune-2", "tier: pro")
        world.merge()
        ended = world.job("apply")
        assert ended.code == 5
        assert "looks-renamed" in ended.out
        assert "dune-2" not in world.live()


def test_a_new_tenant_can_be_lowered_by_a_commit_although_the_run_before_recorded_nothing(
    world: World,
) -> None:
    world.tenant("dune", "tier: pro")
    world.merge()
    assert world.apply("--base", "refs/tags/applied").code == 0
    world.tenant("dune", "tier: free\naccept: {history_loss: pro -> free}")
    world.merge()
    world.deployed()
    assert world.live()["dune"] == ("free", 5)


class TestAProjectThatIsCreatedAnewAndHalfDone:
    """Its tenant's project is gone for good, and a new one is permitted; the base declares all that is in it."""

    CREATING: Final = ("apply", "--yes", *BASE, "--allow", "creates=1")

    @pytest.fixture
    def gone(self, world: World) -> World:
        world.tenant("acme", "tier: pro\ndev_branches: [preview]\nsnapshots: [first]")
        world.merge()
        world.deployed()
        world.vanished("acme")
        return world

    def snapshots(self, world: World) -> list[str]:
        return [row["body"]["name"] for row in world.stored.rows("snapshots", project_id=world.project("acme"))]

    def test_is_finished_by_the_next_run(self, gone: World) -> None:
        with gone.through(refusing("", "POST", "/snapshot")):
            assert gone.run(gone.checkout(), *self.CREATING).code == 6
        assert '"creating"' in gone.record()
        gone.deployed()
        assert self.snapshots(gone) == ["first"]
        assert CLEAN in gone.record()

    def test_is_finished_after_a_run_that_died(self, gone: World) -> None:
        with gone.through(dying_after("/projects")), pytest.raises(Killed):
            gone.run(gone.checkout(), *self.CREATING)
        gone.deployed()
        assert branches(gone, "acme") == {"main", "preview"}
        assert self.snapshots(gone) == ["first"]
        assert CLEAN in gone.record()

    def test_takes_nothing_again_that_vanishes_once_it_is_finished(self, gone: World) -> None:
        assert gone.run(gone.checkout(), *self.CREATING).code == 0
        gone.stored.remove("snapshots", project_id=gone.project("acme"))
        ended = gone.job("apply")
        assert "lost-snapshot" in ended.out
        assert self.snapshots(gone) == []
