"""Runs on one account share its limit: together they never exceed it, and a sign-up does not wait for a fleet."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.neon.pace import SLOW_SECONDS, Pace
from reconciler.neon.shared_budget import CallRates, InFile, InMemory, Rate, SharedBudget, Store
from tests.harness.limited_account import API, FLEET_PER_SECOND, PATCH, LimitedAccount
from tests.harness.scripted_api import virtually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.limited_account import Paced


def sharing(store: Store) -> Paced:
    """Processes that share a state."""
    return lambda share: Pace.of(API, share=share, store=store)


def test_two_changes_of_a_fleet_together_keep_to_the_share_of_one_and_use_it() -> None:
    account, paced = LimitedAccount(), sharing(InMemory())

    async def main() -> None:
        await asyncio.gather(account.change_prices(paced, 1500), account.change_prices(paced, 1500))

    virtually(main())
    assert account.refused == 0
    assert 3000 / FLEET_PER_SECOND * 0.95 < account.starts[-1] < 3000 / FLEET_PER_SECOND / 0.97


def test_without_a_shared_budget_they_exceed_the_limit() -> None:
    account = LimitedAccount()

    async def main() -> None:
        await asyncio.gather(*(account.change_prices(sharing(InMemory()), 1500) for _ in range(2)))

    virtually(main())
    assert account.refused > 0


def test_a_sign_up_waits_at_most_2_seconds_while_the_prices_of_8000_tenants_change() -> None:
    account, paced = LimitedAccount(), sharing(InMemory())

    async def main() -> tuple[float, list[float]]:
        change = asyncio.create_task(account.change_prices(paced, 8000))
        waits = []
        for _ in range(100):
            await asyncio.sleep(7.3)
            waits.append(await account.sign_up(paced))
        assert not change.done()
        return await change, waits

    seconds, waits = virtually(main())
    assert account.refused == 0
    assert sorted(waits)[95] <= 2
    assert seconds < 8000 / FLEET_PER_SECOND / 0.97, "97% of the fleet's share is used"


def test_sign_ups_that_come_together_go_before_the_fleet() -> None:
    account, paced = LimitedAccount(), sharing(InMemory())

    async def main() -> list[float]:
        change = asyncio.create_task(account.change_prices(paced, 1000))
        await asyncio.sleep(30)
        waits = await asyncio.gather(*(account.sign_up(paced) for _ in range(4)))
        await change
        return waits

    assert max(virtually(main())) <= 2
    assert account.refused == 0


def test_after_a_refusal_all_runs_slow_down_and_the_rate_returns() -> None:
    store = InMemory()

    async def main() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        refused, other = (Pace.of(API, store=store) for _ in range(2))
        await refused.refused()
        starts = []
        for _ in range(1000):
            await other.turn(PATCH)
            starts.append(loop.time())
        slow = sum(at < SLOW_SECONDS for at in starts)
        return slow, sum(SLOW_SECONDS <= at < 2 * SLOW_SECONDS - 1 for at in starts)

    slow, later = virtually(main())
    assert slow < 360
    assert later > 600


def test_a_rate_that_is_refused_again_and_again_returns_later_each_time() -> None:
    async def main() -> None:
        pace = Pace.of(API, store=InMemory())
        for seconds in (SLOW_SECONDS, 2 * SLOW_SECONDS, 4 * SLOW_SECONDS):
            await pace.refused()
            await asyncio.sleep(seconds - 1)
            assert pace.slow
            await asyncio.sleep(2)
            assert not pace.slow

    virtually(main())


class TestAFile:
    """What processes of one machine share."""

    RATE: Final = Rate(burst=4, per_second=2)

    def seconds(self, *files: Path, calls: int = 10) -> float:
        """How long so many calls of each of these runs take."""

        async def run(file: Path) -> None:
            budget = SharedBudget(InFile(file), CallRates(self.RATE))
            for _ in range(calls):
                await budget.turn()

        async def main() -> float:
            await asyncio.gather(*map(run, files))
            return asyncio.get_running_loop().time()

        return virtually(main())

    def test_is_shared_by_all_that_open_it(self, tmp_path: Path) -> None:
        file = tmp_path / "state" / "calls.json"
        assert self.seconds(file, file) == pytest.approx((20 - 4) / 2, rel=1e-3)
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700

    def test_of_a_machine_that_was_started_again_is_used(self, tmp_path: Path) -> None:
        file = tmp_path / "calls.json"
        self.seconds(file)  # on a clock that begins at 0 each time
        assert self.seconds(file) == pytest.approx(10 / 2, rel=1e-3)

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 9000, b'{"at": "now"}', b"[]"])
    def test_that_holds_anything_else_is_written_anew(self, content: bytes, tmp_path: Path) -> None:
        file = tmp_path / "calls.json"
        file.write_bytes(content)
        assert self.seconds(file, file) == pytest.approx((20 - 4) / 2, rel=1e-3)

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            *(("account", -1e15), ("account", 1e15), ("fleets", -1e15), ("fleets_at", 1e15), ("slow_until", 1e15)),
            *(("at", 1e15), ("at", -1e15), ("cost", 1e15), ("cost", -1e15), ("nested", "[" * 3000)),
            ("slices", {"r": {"calls": 1e15, "since": 0, "until": 1e15, "machine": "m", "of_fleet": True}}),
        ],
    )
    def test_that_no_run_has_left_keeps_nobody_waiting(self, member: str, value: object, tmp_path: Path) -> None:
        file = tmp_path / "calls.json"
        self.seconds(file)
        left = {**json.loads(file.read_text()), "slow_until": 1.0, member: value}
        file.write_text(json.dumps(left).replace(f'"{"[" * 3000}"', "[" * 3000))
        assert self.seconds(file, file) <= 20 / 2 + 1

    def test_that_is_no_file_of_ours_leaves_each_run_to_its_own_pace(self, tmp_path: Path) -> None:
        folder, link = tmp_path / "folder", tmp_path / "link"
        folder.mkdir()
        link.symlink_to(tmp_path / "elsewhere")
        for odd in (folder, link, tmp_path / ("x" * 300)):
            assert self.seconds(odd, odd) == pytest.approx((10 - 4) / 2, rel=1e-3)
        assert not (tmp_path / "elsewhere").exists()
