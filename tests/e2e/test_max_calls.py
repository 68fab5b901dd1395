"""`--max-calls`: a command refuses what takes more calls, and a run ends when they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from tests.e2e.test_causes import commit, fleet, grant
from tests.harness.wire import answering, first, writes

if TYPE_CHECKING:
    from tests.harness.shell import Shell

__all__ = ["fleet"]


APPLY: Final = ("--base", "applied", "--yes", "--journal", "journal.jsonl")


def grant_more(shell: Shell) -> None:
    """A change of both tenants: two writes."""
    for tenant in ("acme", "bluebird"):
        grant(shell, tenant, 9)
    commit(shell)


def told(error: str) -> str:
    """On one line, however wide the terminal is."""
    return " ".join(error.split())


def test_a_plan_that_needs_more_ends_before_it_reads_them_and_says_what_they_are_for(fleet: Shell) -> None:
    ended = fleet.simulated("plan", "--max-calls", "5")
    assert ended.code == 5
    assert told(ended.err).startswith(
        "error: --max-calls 5: made 3, and 4 more would be needed to read branches of 2 projects with sizes to "
        "compare, computes of 2 projects with sizes to compare hint: permit more calls, or select fewer "
    )


def test_a_list_ends_at_the_first_call_too_many(fleet: Shell) -> None:
    ended = fleet.simulated("drift", "--max-calls", "1")
    assert ended.code == 5
    assert "made 1, and 1 more would be needed to list the projects of organization" in told(ended.err)


def test_a_plan_with_enough_calls_is_the_same(fleet: Shell) -> None:
    assert fleet.simulated("plan", "--max-calls", "7").out == fleet.simulated("plan").out


def test_an_apply_is_refused_before_its_first_write(fleet: Shell) -> None:
    grant_more(fleet)
    lines = len(fleet.journal)
    ended = fleet.simulated("apply", *APPLY, "--max-calls", "8")
    assert ended.code == 5, ended.err
    assert "--max-calls 8: made 7, and 2 more would be needed to carry out this plan" in told(ended.err)
    assert len(fleet.journal) == lines
    assert fleet.applied("--base", "applied").out.count("Applied: 2 tenants.") == 1


def test_an_apply_ends_where_more_calls_were_made_than_planned(fleet: Shell) -> None:
    grant_more(fleet)
    fleet.act = first(
        writes, answering(lambda request: httpx.Response(503, json={"message": "later"}, request=request))
    )
    ended = fleet.simulated("apply", *APPLY, "--max-calls", "9")
    assert ended.code == 6, ended.err
    assert "--max-calls 9 is reached" in told(ended.out + ended.err)
