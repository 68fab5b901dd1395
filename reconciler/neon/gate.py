"""The gate of one run: its writes pass it on their way to the API, and its calls are counted here.

Several runs share one transport. What ends one of them ends none of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import NotSentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.neon.call import Call


class Gate:
    """Lets writes through as long as ``may_write`` says so: it is asked right before each attempt of a write.

    Without it, for calls that belong to no run, nothing ends them.
    """

    def __init__(self, may_write: Callable[[], bool] = lambda: True) -> None:
        self._may_write = may_write
        self._to_finish: set[str] = set()
        self.calls = 0
        """Requests sent so far, retries included."""

    def finish_with(self, project_id: str) -> None:
        """Writes to this project go out all the same: what the run has made and must not leave behind."""
        self._to_finish.add(project_id)

    def let_through(self, call: Call) -> None:
        """Raises NotSentError for a write of a run that has ended, even where it only waited for its turn."""
        if call.reads or call.ids.get("project_id") in self._to_finish:
            return
        if not self._may_write():
            raise NotSentError(f"the run ended before it could {call.purpose}")
