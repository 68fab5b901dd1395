"""The rate limits hold in every window, whatever the demand."""

from __future__ import annotations

import asyncio
from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.state import Api
from reconciler.neon.pace import SLOW_SECONDS, Pace
from tests.harness.scripted_api import Reply, ScriptedApi, project, replies, using, virtually

ROUNDING = 1e-6
"""Seconds by which the clock of the loop may round a moment."""


def most_in_a_window(moments: list[float], seconds: float) -> int:
    """The greatest number of moments in any window of this length, its ends included."""
    ordered = sorted(moments)
    return max(bisect_right(ordered, start + seconds - ROUNDING) - place for place, start in enumerate(ordered))


async def starts(pace: Pace, calls: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """When each call, wanted at a moment on a route, got its turn."""
    loop = asyncio.get_running_loop()
    started: list[tuple[float, str]] = []

    async def one(at: float, route: str) -> None:
        await asyncio.sleep(at)
        await pace.turn(route)
        started.append((loop.time(), route))

    await asyncio.gather(*(one(at, route) for at, route in calls))
    return started


@given(bursts=st.lists(st.tuples(st.floats(0, 150), st.integers(1, 40)), min_size=1, max_size=4))
def test_the_consumption_history_keeps_to_its_own_limit_and_slows_nothing_else(
    bursts: list[tuple[float, int]],
) -> None:
    pace = Pace(requests_per_minute=700, burst_per_second=40)

    async def metered() -> list[float]:
        loop, started = asyncio.get_running_loop(), list[float]()

        async def one(at: float) -> None:
            await asyncio.sleep(at)
            await pace.turn("GET /consumption_history/v2/projects", metering=True)
            started.append(loop.time())

        await asyncio.gather(*(one(at) for at, number in bursts for _ in range(number)))
        before = loop.time()
        await pace.turn("GET /projects")
        assert loop.time() == before
        return started

    assert most_in_a_window(virtually(metered()), 60) <= NEON_ALLOWS


NEON_ALLOWS = 30
"""Requests for the consumption history in a minute, by the older of two pages of Neon."""


@given(
    bursts=st.lists(
        st.tuples(st.floats(0, 150), st.sampled_from(["GET /a", "GET /b", "PATCH /a"]), st.integers(1, 400)),
        min_size=1,
        max_size=6,
    ),
    per_minute=st.sampled_from([60, 490, 700, 6000]),
    per_second=st.sampled_from([4, 40]),
)
def test_no_window_is_ever_above_its_limit(
    bursts: list[tuple[float, str, int]], per_minute: int, per_second: int
) -> None:
    calls = [(at, route) for at, route, count in bursts for _ in range(count)]
    pace = Pace(requests_per_minute=per_minute, burst_per_second=per_second)
    started = virtually(starts(pace, calls))
    assert len(started) == len(calls)
    assert most_in_a_window([at for at, _ in started], 60) <= per_minute
    for route in {route for _, route in calls}:
        assert most_in_a_window([at for at, one in started if one == route], 1) <= per_second


def test_calls_that_waited_for_the_account_do_not_start_together_on_one_route() -> None:
    others = [(0.0, f"GET /{n}") for n in range(100)]
    pace = Pace(requests_per_minute=700, burst_per_second=4)
    started = virtually(starts(pace, [*others, *[(0.0, "GET /a")] * 20]))
    assert most_in_a_window([at for at, route in started if route == "GET /a"], 1) <= 4


def test_the_whole_rate_is_used_under_steady_demand() -> None:
    started = virtually(starts(Pace.of(Api()), [(0.0, f"GET /{n % 7}") for n in range(3500)]))
    assert 290 < max(at for at, _ in started) < 310


@pytest.mark.parametrize(("share", "longest"), [(1.0, 0.1), (0.7, 1.0)])
def test_a_few_calls_after_a_pause_start_at_once(share: float, longest: float) -> None:
    started = virtually(starts(Pace.of(Api(), share=share), [(0.0, "GET /a")] * 8))
    assert max(at for at, _ in started) < longest


def test_a_fleet_keeps_to_its_share_of_the_rate() -> None:
    started = virtually(starts(Pace.of(Api(), share=0.7), [(0.0, f"GET /{n % 7}") for n in range(1500)]))
    assert most_in_a_window([at for at, _ in started], 60) <= 490


def test_after_a_429_calls_start_at_half_the_rate_for_a_while() -> None:
    async def main() -> list[float]:
        pace = Pace.of(Api())
        loop = asyncio.get_running_loop()
        moments = []
        pace.slow_down()
        for _ in range(1000):
            await pace.turn("GET /a")
            moments.append(loop.time())
        return moments

    moments = virtually(main())
    slow = [at for at in moments if at < SLOW_SECONDS]
    later = [at for at in moments if SLOW_SECONDS <= at < 2 * SLOW_SECONDS - 1]
    assert len(slow) < 360
    assert len(later) > 600


def test_the_transport_slows_down_on_a_429() -> None:
    busy = Reply(429, {"code": "", "message": "slow down"})
    good = Reply(body={"project": project("p1")})

    def seconds(api: ScriptedApi) -> float:
        using(api, lambda neon: asyncio.gather(*(neon.project("free", "p1") for _ in range(200))))
        return api.asked[-1].at

    assert seconds(ScriptedApi(replies(busy, good))) > 1.5 * seconds(ScriptedApi(replies(good)))
