"""A run that dies anywhere is finished by the next one, at every depth, below and above every threshold."""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.errors import ExitCode
from reconciler.model.values import replace
from tests import figures, profiles
from tests.faults.kinds import KINDS, calls_on, struck
from tests.faults.rich_fleet import BEFORE, REQUEST, opened
from tests.faults.test_every_fault import Account
from tests.harness.wire import Killed, Wire
from tests.property.rows import READ_REPLICA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.fleet import Request
    from tests.faults.rich_fleet import Scene

FIGURE: Final = "deaths after a write, by depth and threshold"
WRITES: Final = profiles.size(1, 1, 1000)
"""After so many writes a run dies in each way, other ones in each; `make nightly` tries all."""
WRITES_AT_LEAST: Final = 20
"""Of the undisturbed run; fewer would mean that the fleet has lost some of what makes it rich."""
DEATH: Final = "killed after it was carried out"

EVERYBODY: Final = Selection()
BY_NAME: Final = Selection(tenants=("*",))
"""The same tenants, but a narrowed run: they are looked up one by one where they are few."""
NO_REACH: Final = Reach(few_tenants=0, small_fleet=0, unowned_reads=0)
"""Every threshold is crossed, as if the fleet were large."""

WAYS: Final[dict[str, Request]] = {
    f"{depth.value}-{'few' if few else 'listed'}-{'small' if small else 'large'}": replace(
        REQUEST,
        depth=depth,
        selection=BY_NAME if few else EVERYBODY,
        reach=replace(NO_REACH, few_tenants=Reach().few_tenants if few else 0) if not small else Reach(),
    )
    for depth, few, small in product(Depth, (False, True), (False, True))
}
"""How a fleet can be looked at: what is read of a tenant differs in each."""


@cache
def undisturbed(way: str) -> tuple[tuple[int, ...], Account]:
    """The numbers of the calls that write, of a run that nobody kills, and what it ends with."""
    with opened(request=WAYS[way]) as scene:
        wire = Wire(scene.world.via)
        assert scene.apply(wire).code is ExitCode.DONE
        writes = tuple(at for at, call in enumerate(calls_on(wire), start=1) if not call.reads)
        assert len(writes) > WRITES_AT_LEAST
        assert ordinary(scene).apply().code is ExitCode.DONE
        return writes, Account.of(scene.simulator)


def wrong(way: str, at: int) -> Iterator[str]:
    """What the next run, made in the same way, does not finish; without a look at branches, an ordinary one."""
    _, expected = undisturbed(way)
    with opened(request=WAYS[way]) as scene:
        wire = Wire(scene.world.via, struck(scene.simulator, KINDS[DEATH], at))
        with pytest.raises(Killed):
            scene.apply(wire)
        depth = scene.request.depth
        yield from not_finished(scene, lambda account: seen_at(depth, account) == seen_at(depth, expected))
        yield from not_finished(ordinary(scene), lambda account: account == expected)


def ordinary(scene: Scene) -> Scene:
    """The same account, looked at below its projects too."""
    depth = Depth.DECLARED if scene.request.depth is Depth.LIST else scene.request.depth
    return dataclasses.replace(scene, request=replace(scene.request, depth=depth))


def not_finished(scene: Scene, holds: Callable[[Account], bool]) -> Iterator[str]:
    """Where one more run does not end well, or with another account."""
    second = scene.apply()
    if second.code is not ExitCode.DONE:
        yield f"the next run ends with {second.code!r}: {second.report or second.error}"
    if not holds(Account.of(scene.simulator)):
        yield f"the next run, at depth {scene.request.depth.value}, does not finish it"


def seen_at(depth: Depth, account: Account) -> dict[str, Any]:
    """Each project by name, with its default compute: what a run does about it needs no look at its branches.

    Without read replicas: no list shows those that are missing, as with branches. Where only lists are read,
    without the compute of a new project: a call of its own resizes it, and no list shows whether that was made.
    """
    found, earlier = {}, {BEFORE.naming.project_name(name) for name in BEFORE.tenants}
    for name, line in account.live_things.items():
        project, branches, *_ = json.loads(line)
        sized = depth is not Depth.LIST or name in earlier
        default = [branch for branch in map(json.loads, branches) if branch[1] is None and sized]
        found[name] = [project, [[*rest, without_replicas(computes)] for *rest, computes in default]]
    return found


def without_replicas(computes: list[Any]) -> list[Any]:
    return [compute for compute in computes if compute[0] != READ_REPLICA]


@pytest.mark.slow
@pytest.mark.drawn(3)
@pytest.mark.parametrize("way", WAYS)
def test_what_a_death_after_a_write_leaves_half_done_is_finished_by_the_next_run(way: str) -> None:
    """Each death in an account of its own."""
    found = []
    for at in profiles.drawn(way, undisturbed(way)[0], WRITES):
        complaints = list(wrong(way, at))
        figures.count(FIGURE, held=not complaints)
        found += [f"{way}, call {at}: {complaint}" for complaint in complaints]
    assert not found, "\n".join(found)
