"""The files of a fleet, and what its platform and its tenants do to them from one day to the next."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from reconciler.fleet import read
from reconciler.simulator.clock import timestamp
from tests.harness.shell import TIERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from random import Random

    from reconciler.desired.state import DesiredState

Document: TypeAlias = "dict[str, Any]"

SCALE: Final = """\
  scale:
    organization: paid
    quota: {active_time: unlimited, compute_time: unlimited, written_data: unlimited, data_transfer: 500GiB,
            logical_size: 100GiB}
    compute: {min_cu: 1, max_cu: 8, suspend_timeout: 5m}
    restore_window: 7d
"""
END_OF_TIER: Final = re.compile(r"^    restore_window: .*\n", re.MULTILINE)
GIVING_WAY: Final = "    snapshots: {at_limit: replace_oldest}\n"
PRICE_LIST: Final = (
    END_OF_TIER.sub(lambda line: line[0] + GIVING_WAY, TIERS + SCALE)
    + "api: {batch_share: 1}\ntenants: [{ndjson: fleet.ndjson}]\n"
)
NAMES: Final = ("free", "free", "free", "pro", "scale")
ACCEPTS: Final = dict.fromkeys(("suspension", "full_branches", "history_loss"), "9999-12-31")
"""Tenants that are moved up and down at random have agreed to what a downgrade may cost."""
BRANCHES: Final = ("dev", "qa", "demo")
SMALL: Final = {"min_cu": 0.25, "max_cu": 1}
"""Which fits into every organization."""
SELDOM: Final = 0.1
"""The share of tenants with branches or snapshots of their own: each is looked at closer in every plan."""


class Files:
    """Of a fleet of about ``size`` tenants: whoever leaves is followed by somebody new."""

    def __init__(self, folder: Path, random: Random, size: int) -> None:
        self.folder = folder
        self.size = size
        self._random = random
        self._documents: dict[str, Document] = {}
        self._born = 0
        (folder / "tiers.yaml").write_text(PRICE_LIST, encoding="utf-8")
        self._fill()

    @property
    def declared_names(self) -> list[str]:
        """The tenants that are to have a project."""
        return [name for name, document in self._documents.items() if "state" not in document]

    @property
    def closed(self) -> list[str]:
        """The tenants that are to have none any more."""
        return [name for name, document in self._documents.items() if "state" in document]

    def read(self) -> DesiredState:
        """Writes them, and reads them as every command does."""
        lines = "".join(f"{json.dumps(document)}\n" for document in self._documents.values())
        (self.folder / "fleet.ndjson").write_text(lines, encoding="utf-8")
        return read(self.folder)

    def pass_a_day(self, now: float, gone: set[str]) -> None:
        """What is committed on one day. ``gone`` has the tenants whose projects are deleted: some lines go too."""
        for name in sorted(gone):
            if name in self._documents and "state" in self._documents[name] and self._random.random() < 0.5:
                del self._documents[name]
        edits = self._edits(now)
        for name in self._some(one_of=100, least=5):
            self._random.choice(edits)(self._documents[name])
        for name in self._some(one_of=400, least=1):
            self._documents[name] = {"tenant": name, "tier": self._documents[name]["tier"], "state": "absent"}
        self._fill()

    def _some(self, *, one_of: int, least: int) -> list[str]:
        declared_names = self.declared_names
        return self._random.sample(declared_names, max(least, len(declared_names) // one_of))

    def _fill(self) -> None:
        while len(self.declared_names) < self.size:
            self._born += 1
            name = f"t{self._born:05}"
            self._documents[name] = {
                "tenant": name,
                "tier": self._random.choice(NAMES),
                "accept": ACCEPTS,
                **({"dev_branches": self._branches()} if self._random.random() < SELDOM else {}),
            }

    def _branches(self) -> list[Document]:
        chosen = self._random.sample(BRANCHES, self._random.randrange(len(BRANCHES)))
        return [{"name": name, "compute": SMALL} for name in chosen]

    def _edits(self, now: float) -> list[Callable[[Document], None]]:
        def other_tier(document: Document) -> None:
            document["tier"] = self._random.choice(NAMES)

        def other_quota(document: Document) -> None:
            hours = self._random.randrange(50, 200)
            document["overrides"] = {"quota": {"active_time": f"{hours}h"}}

        def no_override(document: Document) -> None:
            document.pop("overrides", None)

        def other_branches(document: Document) -> None:
            if "dev_branches" in document or self._random.random() < SELDOM:
                document["dev_branches"] = self._branches()

        def expiring_branch(document: Document) -> None:
            for branch in document.get("dev_branches", ())[:1]:
                ahead = timedelta(days=self._random.randrange(1, 20)).total_seconds()
                branch["expires_at"] = timestamp(now + ahead)

        def another_snapshot(document: Document) -> None:
            if "snapshots" in document or self._random.random() < SELDOM:
                document["snapshots"] = [f"v{int(now) // 86_400}"]

        return [
            other_tier,
            other_tier,
            other_quota,
            no_override,
            other_branches,
            expiring_branch,
            another_snapshot,
        ]
