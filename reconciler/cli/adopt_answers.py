"""Questions about projects as lines of JSON that a person edits, and the answers in such a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.adopt.proposals import SURE, Sureness
from reconciler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.adopt.owners import Question

EXAMPLE = 'write lines such as {"project_id": "crimson-frost-1234", "tenant": "acme"}; null leaves a project alone'


def questions_text(questions: Iterable[Question]) -> str:
    """Return a line for each project. A sure proposal is its tenant already; a person takes over others."""
    return "".join(f"{_readable(json.dumps(_row(one), ensure_ascii=False))}\n" for one in questions)


def _readable(line: str) -> str:
    """Return the line with its letters; what is not printable, such as a change of direction, is escaped."""
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in line)


def _row(question: Question) -> dict[str, str]:
    proposal, project = question.proposal, question.project
    row = {
        "project_id": project.id,
        "tenant": proposal.tenant or "" if proposal.sureness is Sureness.SURE else "",
        "project": project.name,
        "organization": project.organization,
        "why": question.reason.value,
    }
    if proposal.tenant is None:
        return row
    return {**row, "proposal": proposal.tenant, "sure": SURE[proposal.sureness]}


def answers_in(text: str, source: str) -> dict[str, str | None]:
    """Return the tenant of each project by its id; None leaves it alone. An empty tenant is still a question.

    Raises InvalidInputError with the line of what is no answer, and for two answers about one project.
    """
    found: dict[str, str | None] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        project_id, tenant = _answer(line, f"{source}:{number}")
        if project_id in found:
            raise InvalidInputError(f"{source}:{number}: project {project_id!r} is answered twice")
        if tenant != "":
            found[project_id] = tenant
    return found


def _answer(line: str, place: str) -> tuple[str, str | None]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise InvalidInputError(f"{place}: not JSON", hint=EXAMPLE) from None
    project_id, tenant = (value.get("project_id"), value.get("tenant", "")) if isinstance(value, dict) else (0, 0)
    if not isinstance(project_id, str) or not (tenant is None or isinstance(tenant, str)):
        raise InvalidInputError(f"{place}: no answer", hint=EXAMPLE)
    return project_id, tenant
