"""One API call before it is sent, and the calls of one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import quote

from reconciler.errors import IncompleteViewError, NotSentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.values import Json

Method: TypeAlias = Literal["GET", "POST", "PATCH", "DELETE"]

PROJECT: Final = "/projects/{project_id}"
BRANCH: Final = f"{PROJECT}/branches/{{branch_id}}"
MOST_PAGES: Final = 1_000
"""The most pages of one list: 400,000 projects, far more than an organization may have."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call. Neon counts bursts by its route."""

    method: Method
    path_template: str
    """``/projects/{project_id}``, with placeholders for ``ids``."""
    purpose: str
    """Completes the sentence ``could not {purpose}``: ``create project acme``."""
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str | int | bool] = field(default_factory=dict)
    body: Json = None
    hurried: bool = False
    """Whether to wait only some seconds for a lock (423), because the caller can do other work first."""

    @property
    def route(self) -> str:
        """Method and path without the ids: what the limit on bursts applies to."""
        return f"{self.method} {self.path_template}"

    @property
    def path(self) -> str:
        """The path with its ids, percent-encoded: an id from a file cannot change the route."""
        return self.path_template.format_map({name: quote(value, safe="") for name, value in self.ids.items()})

    @property
    def reads(self) -> bool:
        """Whether it is a read, which is safe to repeat."""
        return self.method == "GET"

    @property
    def transfers(self) -> bool:
        """Whether it is a transfer, which takes a personal key and has error bodies of its own."""
        return self.path_template.endswith("/projects/transfer")


class RunCalls:
    """Counts the calls of one run, and refuses its writes once the run has ended.

    Several runs share one transport: the end of one run does not affect the others. ``may_write`` is called right
    before each attempt of a write. Without it, for calls that belong to no run, every write goes out.
    """

    def __init__(self, may_write: Callable[[], bool] = lambda: True) -> None:
        self._may_write = may_write
        self._to_finish: set[str] = set()
        self.count = 0
        """Requests sent so far, retries included."""

    def finish_with(self, project_id: str) -> None:
        """Allows writes to this project after the end of the run: it cleans up what it created there."""
        self._to_finish.add(project_id)

    def check(self, call: Call) -> None:
        """Raises NotSentError for a write of a run that has ended, also after it waited for its turn."""
        if call.reads or call.ids.get("project_id") in self._to_finish:
            return
        if not self._may_write():
            raise NotSentError(f"the run ended before it could {call.purpose}")


def endless(purpose: str) -> IncompleteViewError:
    """The error for a list without an end."""
    return IncompleteViewError(f"could not {purpose}: the list did not end within {MOST_PAGES:,} pages")


def holed(purpose: str) -> IncompleteViewError:
    """The error for a list with an empty page before others."""
    return IncompleteViewError(
        f"could not {purpose}: an empty page stood where more projects follow", hint="run again later"
    )
