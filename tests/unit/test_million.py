"""The simulation of a million tenants: what it may make, and the part of docs/scale.md that is written from it."""

from __future__ import annotations

from bench import million
from bench.million import Account, Shard

JOBS = tuple(Shard(0, number, 50, 30.0, 12.0, 300.0 + number) for number in (1, 2))
ACCOUNT = Account(tenants=100_000, shards=JOBS, applied=100)


def test_each_shard_may_list_the_account_and_together_they_may_change_it() -> None:
    pages, ends, declaring, changed = 25 + 225, 2 * 2, 1_000, 100
    assert million.expected(ACCOUNT) == 2 * (pages + ends + 1) + 2 * declaring + 2 * changed


def test_what_was_measured_is_told_apart_from_what_is_computed() -> None:
    told = million.text([ACCOUNT, ACCOUNT])
    assert "| 2 | 100,000 | 2 | 100 | 100 / 2,710 | 1.0 | 12 | 302 |" in told
    assert "Measured: 200,000 tenants in 4 jobs, 200 calls." in told
    assert "Computed from it: 1,000,000 tenants are 10 such accounts, 20 jobs and 1,000 calls" in told
    assert "Computed" not in million.text([ACCOUNT] * 10)


def test_the_page_is_as_it_was_measured() -> None:
    page = million.PAGE.read_text(encoding="utf-8")
    assert million.PART.search(page)
    assert million.written(page, million.read()) == page
