"""Whether a wave harms its tenants: small numbers, an outage of all, and what only the run can have caused."""

from __future__ import annotations

import pytest

from reconciler.errors import InvalidInputError
from reconciler.plan.harm import (
    HarmLimit,
    HealthSample,
    at_least,
    is_harmful,
    read_harm_limit,
    upper_bound,
)
from reconciler.plan.outcome import HarmedTenant

LIMIT = HarmLimit()


def looked(tenants: int, harmed: int, *, certain: bool = False) -> HealthSample:
    return HealthSample(tenants, tuple(HarmedTenant(f"t{number}", ("x",), certain) for number in range(harmed)))


@pytest.mark.parametrize(
    ("wave", "untouched", "harmful"),
    [
        (looked(1, 0), looked(500, 0), False),
        (looked(1, 1), looked(500, 0), False),
        (looked(1, 1, certain=True), looked(500, 0), True),
        (looked(1, 1, certain=True), looked(0, 0), True),
        (looked(19, 2), looked(500, 0), False),
        (looked(19, 3), looked(500, 0), True),
        (looked(19, 10), looked(500, 150), False),
        (looked(19, 19), looked(500, 150), True),
        (looked(500, 4), looked(500, 0), False),
        (looked(500, 25), looked(500, 20), False),
        (looked(500, 50), looked(0, 0), False),
        (looked(500, 5, certain=True), looked(500, 0), False),
        (looked(500, 6, certain=True), looked(500, 0), True),
    ],
)
def test_a_wave_is_harmful_beyond_chance_and_beyond_the_limit(
    wave: HealthSample, untouched: HealthSample, harmful: bool
) -> None:
    assert is_harmful(wave, untouched, LIMIT) is harmful


def test_the_limit_may_be_a_number_of_tenants() -> None:
    limit = read_harm_limit("3")
    assert not is_harmful(looked(500, 2, certain=True), looked(500, 0), limit)
    assert is_harmful(looked(500, 3, certain=True), looked(500, 0), limit)


def test_the_upper_bound_is_the_one_of_the_books() -> None:
    assert upper_bound(0, 500) == pytest.approx(1 - 0.05 ** (1 / 500))
    assert upper_bound(5, 500) == pytest.approx(0.0209, abs=1e-4)
    assert upper_bound(500, 500) == 1
    assert upper_bound(0, 0) == 0


def test_a_tail_adds_up() -> None:
    assert at_least(0, 10, 0.3) == 1
    assert at_least(10, 10, 0.5) == pytest.approx(0.5**10)


@pytest.mark.parametrize("text", ["", "0", "1.2345%", "100%", "x", "-1%"])
def test_a_limit_that_is_none_is_a_usage_error(text: str) -> None:
    with pytest.raises(InvalidInputError, match="--harm"):
        read_harm_limit(text)


def test_limits_are_read() -> None:
    assert read_harm_limit("0.5%") == HarmLimit(percent=0.5)
    assert read_harm_limit("25") == HarmLimit(count=25)
