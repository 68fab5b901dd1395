"""/projects/{project_id}/snapshots: list."""

from __future__ import annotations

import msgspec

from reconciler.simulator.call import Answer, Call


def list_snapshots(call: Call) -> Answer:
    """GET /projects/{project_id}/snapshots."""
    query = "SELECT body FROM snapshots WHERE project_id = ? ORDER BY id"
    rows = call.world.store.rows(query, call.project()["id"])
    return Answer({"snapshots": [msgspec.json.decode(row["body"]) for row in rows]})
