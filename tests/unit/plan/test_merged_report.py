"""The reports of shards as one report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ExitCode, InvalidInputError
from reconciler.model.values import replace
from reconciler.plan.merged_report import merged, missing_shards
from tests.unit.views import builders as build

if TYPE_CHECKING:
    from reconciler.plan.outcome import Report


def parts(count: int) -> list[Report]:
    """A report, dealt out to so many shards."""
    whole = build.harmful_report()
    return [
        replace(
            whole,
            run=f"run{number}",
            shard=f"{number}/{count}",
            outcomes=whole.outcomes[number - 1 :: count],
            harm=whole.harm if number == 2 else None,
            stopped=whole.stopped if number == 2 else None,
            stopped_by=ExitCode.PARTLY_APPLIED if number == 2 else None,
        )
        for number in range(1, count + 1)
    ]


def test_every_tenant_of_the_shards_is_in_it_once_in_name_order() -> None:
    whole = build.harmful_report()
    found = merged(parts(3))
    assert found.outcomes == tuple(sorted(whole.outcomes, key=lambda one: one.tenant))
    assert (found.calls, found.run) == (3 * whole.calls, "run1, run2, run3")
    assert (found.stopped, found.stopped_by) == (f"run run2: {whole.stopped}", ExitCode.PARTLY_APPLIED)
    assert found.harm == whole.harm
    assert merged(list(reversed(parts(3)))).outcomes == found.outcomes


def test_a_tenant_in_two_reports_is_an_error() -> None:
    first, second = parts(2)
    with pytest.raises(InvalidInputError, match="is in the report of run run1 and of run run2"):
        merged([first, replace(second, outcomes=first.outcomes)])


def test_a_shard_without_a_report_is_named() -> None:
    first, _, third = parts(3)
    assert missing_shards([third, first]) == ["2/3"]
    assert missing_shards(parts(3)) == []
    assert missing_shards([replace(first, shard=None)]) == []


@pytest.mark.parametrize("shards", [("1/2", "2/3"), ("1/2", "1/2"), ("1/2", None), (None, None)])
def test_reports_of_different_applies_do_not_fit_together(shards: tuple[str | None, str | None]) -> None:
    with pytest.raises(InvalidInputError, match="not those of the shards of one apply"):
        missing_shards([replace(one, shard=of) for one, of in zip(parts(2), shards, strict=True)])
