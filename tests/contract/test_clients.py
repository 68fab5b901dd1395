"""The ground that the tests of Neon's own clients stand on: what they send wrongly comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.simulator.seed import ProjectSeed, SnapshotSeed
from tests.contract.clients import ServedNeon, served
from tests.harness.judge import Counts
from tests.harness.local_http import LOCAL

if TYPE_CHECKING:
    from pathlib import Path


def ask(neon: ServedNeon, method: str, path: str, **sent: Any) -> int:
    headers = {"Authorization": f"Bearer {neon.simulator.personal_key}"}
    return httpx.request(method, f"{neon.url}{path}", headers=headers, **LOCAL, **sent).status_code


def test_the_traffic_of_a_served_account_counts_and_a_violation_is_known_before_its_answer(tmp_path: Path) -> None:
    counts = Counts()
    with served(tmp_path, counts=counts) as neon:
        assert ask(neon, "GET", "/users/me") == 200
        assert counts.violations == []
        assert ask(neon, "GET", "/regions", params={"surprise": "1"}) == 400
        (violation,) = counts.violations
        assert violation.endswith("query surprise: is not a parameter of this operation")
    assert (counts.exchanges, counts.operations) == (2, {"getCurrentUserInfo", "getActiveRegions"})


@pytest.mark.parametrize(
    ("name", "sent", "excused", "violations"),
    [
        ("a time to expire", {"expires_at": None}, 1, 0),
        ("anything else", {"surprise": 1}, 0, 1),
        ("both of them", {"expires_at": None, "surprise": 1}, 0, 1),
    ],
)
def test_only_what_newer_clients_are_known_to_send_is_excused(
    tmp_path: Path, name: str, sent: dict[str, Any], excused: int, violations: int
) -> None:
    counts = Counts()
    with served(tmp_path, counts=counts) as neon:
        made = neon.simulator.add_project("free", ProjectSeed("acme", snapshots=[SnapshotSeed("v1")]))
        path = f"/projects/{made.project_id}/snapshots/{made.snapshot_ids[0]}"
        assert ask(neon, "PATCH", path, json={"snapshot": sent}) == 400
        assert (len(neon.excused), len(counts.violations)) == (excused, violations)
