"""Prints the outputs of the step, from the JSON document of a command: numbers only, no text of the files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

CHANGED = ("adopt", "change", "downgrade", "recover", "restore", "upgrade")
"""Counts of a plan that are about projects that exist."""


def outputs(document: dict[str, Any]) -> dict[str, int]:
    """The numbers of a plan, a diff or a drift report; none of another document."""
    if document.get("kind") not in ("plan", "diff", "drift"):
        return {}
    counts, tenants = document["counts"], document["tenants"]
    actions = [action for tenant in tenants for action in tenant["actions"]]
    return {
        "tenants": sum(1 for tenant in tenants if tenant["actions"]),
        "create": counts["create"],
        "change": sum(counts[name] for name in CHANGED),
        "delete": counts["delete"],
        "destructive": sum(action["risk"] == "destructive" for action in actions),
        "refused": counts["refusals"] + counts["conflicts"],
    }


def main(path: Path) -> None:
    """Prints a line for each output. A command that wrote no document has no changes, and no numbers."""
    numbers = outputs(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
    print(f"has_changes={str(bool(numbers.get('tenants'))).lower()}")
    for name, number in numbers.items():
        print(f"{name}={number}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
