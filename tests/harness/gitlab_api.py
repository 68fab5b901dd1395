"""A stand-in for GitLab on this machine: the notes of merge requests, as its documentation describes them."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.harness.local_server import json_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.local_server import Answer, Asked

PROJECT: Final = "4711"
BOT: Final = 100
"""The user of the project's token."""
PERSON: Final = 7
_NOTES: Final = re.compile(r"/api/v4/projects/(\d+)/merge_requests/(\d+)/notes(?:/(\d+))?")
_MEMBERS: Final = {"body", "internal", "created_at"}
"""What a note may be written with (GitLab: Notes API)."""


@dataclass
class Project:
    """What has been written in one project."""

    token: str = "glpat-of_the_project"  # noqa: S105 - of this stand-in
    notes: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v4"

    def says(self, body: str, author: int = PERSON) -> dict[str, Any]:
        """Somebody writes a note."""
        note = {
            "id": 300 + len(self.notes),
            "body": body,
            "author": {"id": author, "username": f"user-{author}", "state": "active"},
            "system": False,
            "noteable_type": "MergeRequest",
        }
        self.notes.append(note)
        return note

    def answer(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        """What GitLab answers, done."""
        parts = urlsplit(url)
        if (method, parts.path) == ("GET", "/api/v4/user"):
            return 200, {"id": BOT, "username": f"project_{PROJECT}_bot"}
        found = _NOTES.fullmatch(parts.path)
        if found is None or found[1] != PROJECT:
            return 404, {"message": "404 Project Not Found"}
        if body is not None and not set(body) <= _MEMBERS:
            self.problems.append(f"{method} {url}: a note has no {set(body) - _MEMBERS}")
        match method, found[3]:
            case "GET", None:
                return 200, self._page(parse_qs(parts.query))
            case "POST", None:
                return 201, self.says(body["body"], BOT)
            case "PUT", number:
                note = next(one for one in self.notes if one["id"] == int(number))
                if note["author"]["id"] != BOT:
                    self.problems.append("the note of another is edited")
                note["body"] = body["body"]
                return 200, note
        self.problems.append(f"no {method} {url}")
        return 405, {}

    def _page(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        if not set(query) <= {"per_page", "page", "sort", "order_by", "activity_filter"}:
            self.problems.append(f"unknown parameters: {query}")
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return self.notes[(page - 1) * size : page * size]


@contextmanager
def serving(project: Project) -> Iterator[Project]:
    """The project listens until the block ends."""
    with json_server(lambda asked: _answered(project, asked)) as project.port:
        yield project


def _answered(project: Project, asked: Asked) -> Answer:
    project.calls.append(f"{asked.method} {urlsplit(asked.target).path}")
    if asked.headers["PRIVATE-TOKEN"] != project.token:
        return 401, {"message": "401 Unauthorized"}
    return project.answer(asked.method, asked.target, asked.body)
