"""A fleet without a registry: the same calls, and nothing in the way."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from reconciler.live.registered import Placement
from reconciler.registry.null import NullRegistry
from reconciler.registry.store import Registry

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_it_has_every_call_of_a_registry() -> None:
    calls = {name for name in vars(Registry) if not name.startswith("_")}
    assert calls <= {name for name in vars(NullRegistry) if not name.startswith("_")}


def test_every_claim_succeeds_and_nothing_is_recorded() -> None:
    async def main() -> None:
        registry = NullRegistry()
        for run in ("r1", "r2"):
            assert await registry.write(registry.claim, "acme", run, NOW) is None
            await registry.write(registry.place, Placement("acme", "p-1", "free"), run, NOW)
            assert await registry.write(registry.accept, {"acme": 7}, run, NOW) == {}
            assert registry.lease("all", run, NOW, lapsed_before=NOW).run == run
        assert not await registry.read(registry.rows)
        assert not await registry.read(registry.revisions)
        assert not registry.keeps_rows

    asyncio.run(main())
