"""Views that are incomplete, or contradict themselves: in doubt nothing is done, and the run says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import ExitCode
from reconciler.plan.outcome import Result
from reconciler.plan.plan import Rule
from reconciler.simulator.faults import AnswerWith, HideProjects
from reconciler.simulator.seed import ProjectSeed
from tests.faults.rich_fleet import opened
from tests.faults.test_every_fault import Account, deletions, undisturbed
from tests.harness.stored import Stored
from tests.harness.wire import Wire, also_after, at

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.rich_fleet import Ended, Scene


def meanwhile(scene: Scene, number: int, happens: Callable[[], object]) -> Wire:
    """Somebody does something once so many calls are answered."""
    return Wire(scene.world.via, at(number, also_after(happens)))


def first_write() -> int:
    """How many calls have been answered when the first one that writes has."""
    return next(number for number, call in enumerate(undisturbed().calls, 1) if call.method != "GET")


def stored(scene: Scene) -> Stored:
    return Stored.of(scene.simulator)


def project_id(scene: Scene, name: str) -> str:
    return stored(scene).project_ids()[name]


def rules(ended: Ended) -> set[Rule]:
    assert ended.planned is not None
    return {refusal.rule for refusal in ended.planned.plan.refusals}


def results(ended: Ended) -> dict[str, Result]:
    assert ended.report is not None
    return {outcome.tenant: outcome.result for outcome in ended.report.outcomes}


def test_a_project_that_stays_unavailable_holds_back_what_it_could_be_and_nothing_is_created() -> None:
    with opened() as scene:
        hidden = project_id(scene, "myapp-ben")
        scene.simulator.faults.add(HideProjects((hidden,)), "GET", "/projects", times=None)
        scene.simulator.faults.add(AnswerWith(500), "GET", f"/projects/{hidden}", times=None)
        ended = scene.apply()
        assert ended.code is ExitCode.INCOMPLETE_VIEW
        assert rules(ended) == {Rule.INCOMPLETE_VIEW}
        assert {"ben", "gus", "hal"}.isdisjoint(results(ended)), "any of them could be the one that is hidden"
        assert set(results(ended).values()) == {Result.APPLIED}
        assert Account.of(scene.simulator).made == undisturbed().before.made
        scene.simulator.faults.clear()
        assert scene.apply().code is ExitCode.DONE
        assert Account.of(scene.simulator) == undisturbed().after


def test_a_project_that_both_lists_show_while_it_moves_is_one_project() -> None:
    with opened() as scene:
        way = meanwhile(scene, 1, lambda: stored(scene).move("myapp-ben", "paid"))
        assert scene.apply(way).code is ExitCode.DONE
        assert Account.of(scene.simulator) == undisturbed().after


def test_a_project_that_no_list_shows_while_it_moves_is_not_created_again() -> None:
    """It moved from the organization that was asked last to the one that was asked first."""
    with opened() as scene:
        way = meanwhile(scene, 1, lambda: stored(scene).move("myapp-ida", "free"))
        ended = scene.apply(way)
        assert ended.code is ExitCode.PARTLY_APPLIED
        assert results(ended)["ida"] is Result.SKIPPED
        assert Account.of(scene.simulator).made == undisturbed().after.made
        assert scene.apply().code is ExitCode.DONE
        assert Account.of(scene.simulator) == undisturbed().after


def test_two_projects_for_one_tenant_are_left_alone_and_all_others_converge() -> None:
    with opened() as scene:
        first = project_id(scene, "myapp-eve")
        second = scene.simulator.add_project("paid", ProjectSeed("myapp-eve")).project_id
        ended = scene.apply()
        assert ended.code is ExitCode.REFUSED
        assert ended.planned is not None
        (conflict,) = ended.planned.plan.conflicts
        assert conflict.tenant == "eve"
        assert first in conflict.message
        assert second in conflict.message
        assert not {f"/projects/{first}", f"/projects/{second}"} & deletions(scene)
        assert set(results(ended).values()) == {Result.APPLIED}


def test_a_project_that_vanishes_before_it_is_written_to_fails_alone_and_is_made_anew_by_the_next_run() -> None:
    with opened() as scene:
        vanished = project_id(scene, "myapp-ida")
        now = scene.simulator.clock.now()
        way = meanwhile(scene, first_write(), lambda: stored(scene).change("projects", vanished, deleted_at=now))
        ended = scene.apply(way)
        assert ended.code is ExitCode.PARTLY_APPLIED
        assert [tenant for tenant, result in results(ended).items() if result is not Result.APPLIED] == ["ida"]
        assert scene.apply().code is ExitCode.DONE
        account, settled = Account.of(scene.simulator), scene.apply()
        assert account.made == {**undisturbed().after.made, "myapp-ida": 2}
        assert account.live_things.keys() == undisturbed().after.live_things.keys()
        assert settled.planned is not None
        assert settled.planned.plan.empty


def test_a_branch_that_somebody_renames_before_it_is_written_to_is_neither_doubled_nor_deleted() -> None:
    with opened() as scene:
        fay = project_id(scene, "myapp-fay")
        branch = stored(scene).row("branches", project_id=fay, name="dev")
        way = meanwhile(
            scene,
            first_write(),
            lambda: stored(scene).change("branches", branch["id"], {"name": "mine"}, name="mine"),
        )
        scene.apply(way)
        assert scene.apply().code is ExitCode.DONE
        assert Account.of(scene.simulator) == undisturbed().after
        assert not any(path.endswith(branch["id"]) for path in deletions(scene))
