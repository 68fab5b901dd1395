"""One comment for each fleet on a pull request, one issue for its drift, and labels, on GitHub (REST, 2022-11-28).

Only what an app wrote (``user.type`` is ``Bot``) is ever edited.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from msgspec import Struct

from reconciler.errors import InvalidInputError
from reconciler.forge.calls import Calls, written
from reconciler.forge.comment import is_marked, marked
from reconciler.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.environment import Environment
    from reconciler.forge.calls import Written

API: Final = "https://api.github.com"
MAX_BODY: Final = 65_536
"""Characters of a comment or an issue (GitHub)."""
MAX_LABEL: Final = 50
"""Characters of a label (GitHub)."""
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_PULL: Final = re.compile(r"refs/pull/(\d+)/\w+")
IN_ACTIONS: Final = "run it in a workflow of GitHub Actions, or set the variable"
PERMISSIONS: Final = "the token needs permissions: {pull-requests: write, issues: write} on this repository"


def pull_request(environ: Environment) -> int | None:
    """The number of the pull request of the workflow; None if there is none."""
    ref = environ.find("GITHUB_REF")
    found = None if ref is None else _PULL.fullmatch(ref.reveal())
    return None if found is None else int(found[1])


class GitHub(Struct, frozen=True):
    """One repository, with a token for it."""

    calls: Calls

    @classmethod
    def of(cls, environ: Environment, wait: Callable[[float], None]) -> GitHub:
        """As GitHub Actions sets its variables. Raises InvalidInputError if one is missing."""
        repository, token = environ.find("GITHUB_REPOSITORY"), environ.find("GITHUB_TOKEN")
        if repository is None or token is None:
            name = "GITHUB_REPOSITORY" if repository is None else "GITHUB_TOKEN"
            raise InvalidInputError(f"${name} is not set", hint=IN_ACTIONS)
        if not repository.looks_like(_REPOSITORY):
            raise InvalidInputError("$GITHUB_REPOSITORY is not OWNER/NAME", hint=IN_ACTIONS)
        api = environ.find("GITHUB_API_URL")
        root = f"{(api.reveal() if api else API).rstrip('/')}/repos/{repository.reveal()}/"
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        bearer = Secret(f"Bearer {token.reveal()}")
        return cls(Calls("GitHub", root, "Authorization", bearer, wait, PERMISSIONS, headers))

    def comment(self, number: int, name: str, text: str, commit: str | None = None) -> Written:
        """Write the fleet's one comment on a pull request or issue: change it, or create it."""
        body = marked(name, text, commit, MAX_BODY)

        def once() -> Written:
            ours = self._ours(f"issues/{number}/comments", name)
            if ours is None:
                made = self.calls.call("POST", f"issues/{number}/comments", body=body)
                return written(made.get("html_url"), created=True)
            changed = self.calls.call("PATCH", f"issues/comments/{ours['id']}", body=body)
            return written(changed.get("html_url"), created=False)

        return self.calls.persist(once)

    def open_issue(self, name: str, title: str, text: str) -> Written:
        """Write the fleet's one open issue: change it, or create it."""
        body = marked(name, text, None, MAX_BODY)

        def once() -> Written:
            ours = self._open_issue(name)
            if ours is None:
                made = self.calls.call("POST", "issues", title=title, body=body)
                return written(made.get("html_url"), created=True)
            changed = self.calls.call("PATCH", f"issues/{ours['number']}", title=title, body=body)
            return written(changed.get("html_url"), created=False)

        return self.calls.persist(once)

    def close_issue(self, name: str) -> Written | None:
        """Close the fleet's open issue; None if there is none."""

        def once() -> Written | None:
            ours = self._open_issue(name)
            if ours is None:
                return None
            path = f"issues/{ours['number']}"
            closed = self.calls.call("PATCH", path, state="closed", state_reason="completed")
            return written(closed.get("html_url"), created=False)

        return self.calls.persist(once)

    def add_label(self, number: int, label: str) -> None:
        """Add a label to a pull request or issue. GitHub creates a label that the repository lacks."""
        _check_label(label)
        self.calls.persist(lambda: self.calls.call("POST", f"issues/{number}/labels", labels=[label]))

    def remove_label(self, number: int, label: str) -> bool:
        """Remove a label. False if it was not there."""
        _check_label(label)
        path = f"issues/{number}/labels/{quote(label, safe='')}"
        return self.calls.persist(lambda: self.calls.call("DELETE", path, absent=True)) is not None

    def _open_issue(self, name: str) -> dict[str, Any] | None:
        """A pull request is an issue as well (GitHub), and never ours."""
        return self._ours("issues", name, state="open")

    def _ours(self, path: str, name: str, **query: str) -> dict[str, Any] | None:
        for one in self.calls.pages(path, **query):
            by_an_app = (one.get("user") or {}).get("type") == "Bot"
            if by_an_app and "pull_request" not in one and is_marked(one.get("body"), name):
                return one
        return None


def _check_label(label: str) -> None:
    if not (0 < len(label) <= MAX_LABEL and label.isprintable() and "," not in label):
        raise InvalidInputError(
            f"{label!r} is not a label", hint=f"use 1 to {MAX_LABEL} characters, without a comma"
        )
