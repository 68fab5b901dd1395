"""What is wrong with the files as SARIF 2.1.0 (OASIS), which code scanning reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from reconciler import __version__
from reconciler.documents.ci_commands import without_commands

if TYPE_CHECKING:
    from reconciler.model.problem import Problem
    from reconciler.views.view import ProblemsView

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RULE: Final = "invalid-file"


def render(view: ProblemsView, *, full: bool = False) -> str:  # noqa: ARG001 - code scanning has limits of its own
    """The whole log with one run; ``level`` is ``error`` or ``warning``."""
    ordered = sorted(view.problems, key=lambda one: (one.location, one.message))
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(ordered)]}
    return without_commands(json.dumps(log, indent=2))


def _run(problems: list[Problem]) -> dict[str, Any]:
    rule = {"id": RULE, "shortDescription": {"text": "A file of the fleet that cannot be used as it is."}}
    driver = {"name": "reconciler", "version": __version__, "rules": [rule]}
    return {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem) for problem in problems],
    }


def _result(problem: Problem) -> dict[str, Any]:
    text = problem.message + (f" ({problem.hint})" if problem.hint else "")
    place = problem.location
    region = {"startLine": place.line, "startColumn": place.column}
    where = {"artifactLocation": {"uri": quote(place.file, errors="backslashreplace")}, "region": region}
    return {
        "ruleId": RULE,
        "level": problem.severity.value,
        "message": {"text": text},
        "locations": [{"physicalLocation": where}],
    }
