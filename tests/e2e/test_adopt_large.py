"""A fleet of thousands that other scripts made is adopted by its lists alone (``make bench``: 30,000)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.e2e.test_adopt import fill, words
from tests.harness.found_fleet import PATTERNS, found_fleet
from tests.harness.wire import answered

if TYPE_CHECKING:
    import httpx

    from tests.harness.shell import Shell
    from tests.harness.wire import Passing

PROJECTS = 2_000
PAGES = 5 + 1
"""Of the free organization and of the paid one, with 400 projects each."""
ENDS = 2
MOST_TIERS = 10


def test_by_lists_alone_with_few_tiers_and_few_overrides(shell: Shell) -> None:
    fleet = found_fleet(PROJECTS)
    fill(shell, fleet.free, fleet.paid)
    (shell.folder / "tiers.yaml").unlink()
    flags = [word for text in PATTERNS for word in ("--pattern", text)]
    calls: list[str] = []

    async def counted(passing: Passing) -> httpx.Response:
        calls.append(passing.call)
        return await answered(passing)

    shell.act = counted
    adopted = shell.simulated("adopt", *flags)
    assert adopted.code == 0, adopted.out + adopted.err
    assert len(calls) == PAGES + ENDS
    told = words(adopted)
    assert f"Adopted {fleet.named:,} of {PROJECTS:,} projects in no file." in told
    assert f"{PROJECTS - fleet.named:,} open questions" in told
    lines = (shell.folder / "fleet" / "adopted.ndjson").read_text(encoding="utf-8").splitlines()
    documents = [json.loads(line) for line in lines]
    assert len({one["tier"] for one in documents}) <= MOST_TIERS
    overridden = sum("overrides" in one for one in documents)
    assert overridden <= fleet.hand_made + 0.02 * len(documents)
    assert [one["tenant"] for one in documents] == sorted(one["tenant"] for one in documents)
    planned = shell.simulated("plan", "--detailed-exitcode")
    assert planned.code == 0, planned.out
    assert f"In sync as far as checked: {fleet.named:,} tenants match the files." in planned.out
    assert "warning" not in planned.err
    assert len(calls) == 2 * (PAGES + ENDS)
