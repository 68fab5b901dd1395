"""Whatever a journal contains, `audit` tells what can be read, says that something cannot, and shows text only."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as some

from reconciler.apply.journals.audit import WriteFilter, audit
from reconciler.views import audit_text, csv_text
from reconciler.views.console import as_text
from reconciler.views.json_text import render
from reconciler.views.view import AuditView
from tests.unit.views.nasty import EVERYTHING
from tests.unit.views.runners import obeyed, steering

texts = some.sampled_from([*EVERYTHING, "r1-1", "acme", "2031-01-30T00:00:00+00:00"]) | some.text(max_size=5)
values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | texts,
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
CHANGE: Final = {"path": "quota.data_transfer_bytes", "before": 1, "after": 2}
WHOLE: Final[tuple[dict[str, Any], ...]] = (
    {"line": "run", "run": "r1", "fleet": "prod", "actor": "a", "commit": None},
    {
        "line": "intent",
        "at": "2031-01-30T00:00:00+00:00",
        "request_id": "r1-1",
        "kind": "patch_project",
        "tenants": ["acme"],
        "organization": "free",
        "project_ids": ["p-1"],
        "reason": "why",
        "changes": [CHANGE],
    },
    {"line": "outcome", "request_id": "r1-1", "result": "applied", "message": ""},
)
damages = some.tuples(some.integers(0, 2), some.sampled_from([*WHOLE[0], *WHOLE[1], *WHOLE[2], *CHANGE]), values)


def damaged(place: int, member: str, value: Any) -> list[str]:
    """The lines of a run, one member of one of them being another value."""
    lines: list[dict[str, Any]] = json.loads(json.dumps(WHOLE))
    if member in CHANGE:
        lines[1]["changes"][0][member] = value
    else:
        lines[place][member] = value
    return [json.dumps(line) for line in lines]


@given(damages)
def test_a_damaged_line_is_told_as_text_or_named_as_unreadable(damage: tuple[int, str, Any]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "run.jsonl")
        path.write_text("\n".join(damaged(*damage)) + "\n", encoding="utf-8", errors="surrogatepass")
        found = audit([path], WriteFilter())
    view = AuditView(found)
    assert found.writes or found.unreadable or damage[1] in {"line", "request_id"}
    shown = as_text(audit_text.render(found, full=True))
    assert not steering(shown)
    assert not obeyed(shown)
    json.loads("".join(render(view)))
    assert "".join(csv_text.render(view)).startswith("at,actor")
