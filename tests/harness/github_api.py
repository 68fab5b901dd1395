"""A stand-in for GitHub on this machine: comments, issues and labels, judged by its description of its API."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema_rs

from tests.harness.local_server import json_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.local_server import Answer, Asked

DESCRIPTION: Final = (
    Path(__file__).parents[1] / "forge/node_modules/@octokit/openapi/generated/api.github.com.json"
)
BOT: Final = {"type": "Bot", "login": "github-actions[bot]"}
"""As GitHub shows the token of a workflow."""
PERSON: Final = {"type": "User", "login": "octocat"}


@cache
def description() -> dict[str, Any]:
    """GitHub's OpenAPI description, its ``nullable`` in the words of JSON Schema."""
    document: dict[str, Any] = json.loads(DESCRIPTION.read_bytes(), object_hook=_nullable)
    return document


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    if node.pop("nullable", None) is True:
        return {"anyOf": [node, {"type": "null"}]}
    return node


@cache
def _operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    for template, operations in description()["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if method in operations and re.fullmatch(pattern, path) and "{" not in path:
            return template, operations[method]
    raise AssertionError(f"GitHub has no {method} {path}")


@cache
def _validator(method: str, template: str, status: int | None) -> Any:
    """Judges the answers with a status, or the bodies of requests."""
    operation = description()["paths"][template][method]
    told = operation["requestBody"] if status is None else operation["responses"][str(status)]
    schema = _resolved(told)["content"]["application/json"]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": description()["components"]})


def judge(method: str, path: str, query: dict[str, list[str]], body: Any, status: int, answer: Any) -> None:
    """Raise AssertionError for a request or an answer that GitHub's description does not allow."""
    template, operation = _operation(method, path)
    named = [_resolved(one) for one in operation.get("parameters", ())]
    unknown = set(query) - {one["name"] for one in named if one["in"] == "query"}
    assert not unknown, f"{method} {path} has no parameter {unknown}"
    if body is not None:
        _validator(method, template, None).validate(body)
    responses = operation["responses"]
    assert str(status) in responses, f"{method} {path} is not answered with {status}"
    if status < 300:
        _validator(method, template, status).validate(answer)


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = description()
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def example(name: str) -> dict[str, Any]:
    """An object as GitHub's description shows it."""
    value: dict[str, Any] = json.loads(json.dumps(description()["components"]["examples"][name]["value"]))
    return value


@dataclass
class Repository:
    """What has been written in one repository, and how it answers."""

    token: str = "ghs_workflow"  # noqa: S105 - of this stand-in
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    labels: dict[int, list[str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What happens to the next calls: ``lost`` (done, and not answered), ``500``, ``403``, or ``ok``."""
    problems: list[str] = field(default_factory=list)
    """What GitHub's description does not allow."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, number: int, body: str, user: dict[str, str] = PERSON) -> dict[str, Any]:
        """Somebody comments."""
        made = example("issue-comment")
        made |= {"id": 1000 + sum(map(len, self.comments.values())), "body": body}
        made["user"] |= user
        self.comments.setdefault(number, []).append(made)
        return made

    def reports(self, title: str, body: str, user: dict[str, str] = PERSON) -> dict[str, Any]:
        """Somebody opens an issue."""
        made = example("issue")
        made |= {"number": 1 + len(self.issues), "title": title, "body": body, "state": "open"}
        made.pop("pull_request", None)
        made["user"] |= user
        self.issues.append(made)
        return made

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """What GitHub answers, done."""
        steps = path.split("/")[4:]
        match method, steps:
            case "get", ["issues", number, "comments"]:
                return 200, _page(self.comments.get(int(number), []), query)
            case "post", ["issues", number, "comments"]:
                return 201, self.says(int(number), body["body"], BOT)
            case "patch", ["issues", "comments", number]:
                every = (one for several in self.comments.values() for one in several)
                found = next(one for one in every if one["id"] == int(number))
                found["body"] = body["body"]
                return 200, found
            case "post", ["issues", number, "labels"]:
                held = self.labels.setdefault(int(number), [])
                held += [name for name in body["labels"] if name not in held]
                return 200, [_label(name) for name in held]
            case "delete", ["issues", number, "labels", quoted]:
                held, name = self.labels.get(int(number), []), unquote(quoted)
                if name not in held:
                    return 404, {"message": "Label does not exist"}
                held.remove(name)
                return 200, [_label(one) for one in held]
            case "get", ["issues"]:
                state = query.get("state", ["open"])[0]
                return 200, _page([one for one in self.issues if one["state"] == state], query)
            case "post", ["issues"]:
                return 201, self.reports(body["title"], body["body"], BOT)
            case "patch", ["issues", number]:
                found = next(one for one in self.issues if one["number"] == int(number))
                found |= body
                return 200, found
        raise AssertionError(f"{method} {path}")


def _label(name: str) -> dict[str, Any]:
    return {**example("label"), "name": name}


def _page(found: list[dict[str, Any]], query: dict[str, list[str]]) -> list[dict[str, Any]]:
    size, page = int(query.get("per_page", ["30"])[0]), int(query.get("page", ["1"])[0])
    return found[(page - 1) * size : page * size]


@contextmanager
def serving(repository: Repository) -> Iterator[Repository]:
    """The repository listens until the block ends."""
    with json_server(lambda asked: _answered(repository, asked)) as repository.port:
        yield repository


def _answered(repository: Repository, asked: Asked) -> Answer:
    """What GitHub answers, judged; or the next fault."""
    method, url = asked.method.lower(), urlsplit(asked.target)
    query = parse_qs(url.query)
    repository.calls.append(f"{method} {url.path}")
    fault = repository.faults.pop(0) if repository.faults else "ok"
    if asked.headers["Authorization"] != f"Bearer {repository.token}" or fault == "403":
        return 403, {"message": "Resource not accessible by integration"}
    if fault == "500":
        return 500, {"message": "Server Error"}
    status, answer = repository.answer(method, url.path, query, asked.body)
    try:
        judge(method, url.path, query, asked.body, status, answer)
    except (AssertionError, jsonschema_rs.ValidationError) as problem:
        repository.problems.append(f"{method} {url.path}: {problem}"[:2000])
    return None if fault == "lost" else (status, answer)
