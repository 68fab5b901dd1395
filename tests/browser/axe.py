"""axe-core, where ``package.json`` has it installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.contract.installed import absent

if TYPE_CHECKING:
    from tests.browser.browser import Page

SCRIPT: Final = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
INSTALL: Final = "npm ci --prefix tests/browser --ignore-scripts --no-audit --no-fund"
MINOR: Final = ("minor",)
"""What is not serious, in the words of axe-core; the others are moderate, serious and critical."""


def findings(page: Page) -> list[str]:
    """What is wrong with the page: a rule and an element each."""
    if not SCRIPT.exists():
        absent(f"axe-core is not installed: {INSTALL}")
    page.run(f"{SCRIPT.read_text(encoding='utf-8')}; 0")
    found = json.loads(page.run("axe.run().then((result) => JSON.stringify(result.violations))"))
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] not in MINOR
        for node in one["nodes"]
    ]
