"""One note for each fleet on a merge request, on GitLab (REST API v4).

GitLab: a job's own token may write no note. A token of the project with the scope ``api`` may; its user is a bot,
and only what that user wrote is ever edited.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler.errors import InvalidInputError
from reconciler.forge.calls import Calls, written
from reconciler.forge.comment import is_marked, marked

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.environment import Environment
    from reconciler.forge.calls import Written

MAX_BODY: Final = 1_000_000
"""Characters of a note (GitLab)."""
_NUMBER: Final = re.compile(r"\d{1,18}")
IN_A_PIPELINE: Final = "run it in a pipeline of a merge request, or set the variable"
PERMISSIONS: Final = "$GITLAB_TOKEN needs the scope api and the role Reporter in this project"


def merge_request(environ: Environment) -> int | None:
    """The number (``iid``) of the merge request of the pipeline; None if there is none."""
    found = environ.find("CI_MERGE_REQUEST_IID")
    return int(found.reveal()) if found is not None and found.looks_like(_NUMBER) else None


class GitLab(Struct, frozen=True):
    """One project, with a token for it."""

    calls: Calls
    project: str

    @classmethod
    def of(cls, environ: Environment, wait: Callable[[float], None]) -> GitLab:
        """As GitLab sets its variables, and ``GITLAB_TOKEN``. Raises InvalidInputError if one is missing."""
        names = ("CI_API_V4_URL", "CI_PROJECT_ID", "GITLAB_TOKEN")
        api, project, token = (environ.find(name) for name in names)
        if api is None or project is None or token is None:
            missing = next(name for name in names if environ.find(name) is None)
            raise InvalidInputError(f"${missing} is not set", hint=IN_A_PIPELINE)
        if not project.looks_like(_NUMBER):
            raise InvalidInputError("$CI_PROJECT_ID is not a number", hint=IN_A_PIPELINE)
        root = f"{api.reveal().rstrip('/')}/"
        return cls(Calls("GitLab", root, "PRIVATE-TOKEN", token, wait, PERMISSIONS), project.reveal())

    def note(self, number: int, name: str, text: str, commit: str | None = None) -> Written:
        """Write the fleet's one note on a merge request: change it, or create it."""
        body = marked(name, text, commit, MAX_BODY)
        path = f"projects/{self.project}/merge_requests/{number}/notes"

        def once() -> Written:
            ours = self._ours(path, name)
            if ours is None:
                self.calls.call("POST", path, body=body)
                return written(None, created=True)
            self.calls.call("PUT", f"{path}/{ours['id']}", body=body)
            return written(None, created=False)

        return self.calls.persist(once)

    def _ours(self, path: str, name: str) -> dict[str, Any] | None:
        me = self.calls.call("GET", "user")["id"]
        for one in self.calls.pages(path, order_by="created_at", sort="asc"):
            if (one.get("author") or {}).get("id") == me and is_marked(one.get("body"), name):
                return one
        return None
