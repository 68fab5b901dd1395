"""A run that dies anywhere is finished by the next one, at every depth, below and above every threshold."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import pytest

from reconciler.desired.selection import Depth, Reach, Selection
from reconciler.errors import ExitCode
from tests import figures
from tests.faults.kinds import KINDS, Killed, Struck
from tests.faults.rich_fleet import REQUEST, opened
from tests.faults.test_every_fault import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.fleet import Request
    from tests.faults.rich_fleet import Scene

FIGURE: Final = "deaths after a write, by depth and threshold"
SAMPLED: Final = 12
"""`make test` tries one write of so many in each way, other ones in each."""
WRITES_AT_LEAST: Final = 20
"""Of the undisturbed run; fewer would mean that the fleet has lost some of what makes it rich."""
DEATH: Final = "killed after it was carried out"

EVERYBODY: Final = Selection()
BY_NAME: Final = Selection(tenants=("*",))
"""The same tenants, but a narrowed run: they are looked up one by one where they are few."""
NO_REACH: Final = Reach(few_tenants=0, small_fleet=0, few_strangers=0)
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
        wire = Struck(scene.world.via, scene.simulator, KINDS[DEATH], at=0)
        assert scene.apply(wire).code is ExitCode.DONE
        writes = tuple(at for at, call in enumerate(wire.calls, start=1) if not call.reads)
        assert len(writes) > WRITES_AT_LEAST
        assert ordinary(scene).apply().code is ExitCode.DONE
        return writes, Account.of(scene.simulator)


def wrong(way: str, at: int) -> Iterator[str]:
    """What the next run, made in the same way, does not finish; without a look at branches, an ordinary one."""
    _, expected = undisturbed(way)
    with opened(request=WAYS[way]) as scene:
        wire = Struck(scene.world.via, scene.simulator, KINDS[DEATH], at)
        with pytest.raises(Killed):
            scene.apply(wire)
        yield from not_finished(scene, lambda account: listed(account) == listed(expected))
        yield from not_finished(ordinary(scene), lambda account: account == expected)


def ordinary(scene: Scene) -> Scene:
    """The same account, looked at below its projects too."""
    depth = Depth.DECLARED if scene.request.depth is Depth.LIST else scene.request.depth
    return replace(scene, request=replace(scene.request, depth=depth))


def not_finished(scene: Scene, holds: Callable[[Account], bool]) -> Iterator[str]:
    """Where one more run does not end well, or with another account."""
    second = scene.apply()
    if second.code is not ExitCode.DONE:
        yield f"the next run ends with {second.code!r}: {second.report or second.error}"
    if not holds(Account.of(scene.simulator)):
        yield f"the next run, at depth {scene.request.depth.value}, does not finish it"


def listed(account: Account) -> dict[str, Any]:
    """Each project by name, with its default compute: what a run does about it needs no look at its branches."""
    found = {}
    for name, line in account.live_things.items():
        project, branches, *_ = json.loads(line)
        default = [branch for branch in map(json.loads, branches) if branch[1] is None]
        found[name] = [project, default]
    return found


def try_all(way: str, start: int, step: int) -> None:
    """A death after every one of these writes, each in an account of its own."""
    found = []
    for at in undisturbed(way)[0][start::step]:
        complaints = list(wrong(way, at))
        figures.count(FIGURE, held=not complaints)
        found += [f"{way}, call {at}: {complaint}" for complaint in complaints]
    assert not found, "\n".join(found)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_what_a_death_after_some_writes_leaves_half_done_is_finished_by_the_next_run(way: str) -> None:
    try_all(way, list(WAYS).index(way), SAMPLED)


@pytest.mark.exhaustive
@pytest.mark.parametrize("way", WAYS)
def test_what_a_death_after_any_write_leaves_half_done_is_finished_by_the_next_run(way: str) -> None:
    try_all(way, 0, 1)
