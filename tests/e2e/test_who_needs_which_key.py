"""A key is asked for by the command that needs it, before it writes anything; what only looks writes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.harness.local_http import LOCAL
from tests.harness.processes import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ORGANIZATIONS: Final = ("FREE_ORG_API_KEY", "PAID_ORG_API_KEY")
PERSONAL: Final = "PERSONAL_API_KEY"
LOOKING: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    ("validate",): (),
    ("schema", "tenant"): (),
    ("show", "saved.json"): (),
    ("plan", "--depth", "deep", "--out", "another.json"): ORGANIZATIONS,
    ("drift",): ORGANIZATIONS,
    ("connections", "stays", "--connections-to", "strings"): ORGANIZATIONS,
}
"""What writes nothing, and the keys that it needs."""
WRITING: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    ("apply", "--yes", "--tenant", "stays"): ORGANIZATIONS,
    ("apply", "--yes"): (*ORGANIZATIONS, PERSONAL),
}
WELL: Final = {0, 2}


class Watched:
    """A fleet on a simulator, whose commands are given some keys only."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._keys = {name: place.environ.pop(name) for name in (*ORGANIZATIONS, PERSONAL)}

    def run(self, command: Sequence[str], *keys: str) -> tuple[int, str]:
        """The exit code, and what is said to the person."""
        self._place.environ |= {name: self._keys[name] for name in keys}
        ended = self._place.run(*command)
        for name in keys:
            del self._place.environ[name]
        return ended.returncode, ended.stderr

    def written(self) -> list[str]:
        """The calls that wrote something since the last look."""
        page = self._place.environ["NEON_API_HOST"].replace("/api/v2", "/_simulator/requests")
        asked = httpx.get(page, **LOCAL).raise_for_status().json()["requests"]
        httpx.delete(page, **LOCAL).raise_for_status()
        return [f"{each['method']} {each['path']}" for each in asked if each["method"] != "GET"]


def declare(place: Place, *, hours: int, tier: str) -> None:
    stays = {"tenant": "stays", "tier": "free", "overrides": {"quota": {"active_time": f"{hours}h"}}}
    lines = "\n".join(map(json.dumps, [stays, {"tenant": "moves", "tier": tier}]))
    (place.folder / "fleet.ndjson").write_text(lines, encoding="utf-8")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """Files that ask for a move and for a larger quota, and a saved plan of both."""
    place = Place(tmp_path)
    declare(place, hours=5, tier="free")
    place.hurry()
    with place.served():
        assert place.run("apply", "--yes").returncode == 0
        declare(place, hours=9, tier="pro")
        assert place.run("plan", "--out", "saved.json").returncode == 0
        fleet = Watched(place)
        assert fleet.written()
        yield fleet


@pytest.mark.slow
def test_every_command_asks_for_the_keys_that_it_needs_and_for_no_other(watched: Watched) -> None:
    for command, needed in (LOOKING | WRITING).items():
        for missing in needed:
            code, said = watched.run(command, *(key for key in needed if key != missing))
            assert (code, f"${missing}" in said) == (4, True), (command, missing, said)
        assert watched.written() == [], command
        code, said = watched.run(command, *needed)
        assert code in WELL, (command, said)
        assert (watched.written() != []) == (command in WRITING), command
