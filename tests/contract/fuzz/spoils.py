"""Ways to break the simulator on purpose, to show that the run notices."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from reconciler.simulator import app
from reconciler.simulator.answer import Answer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from reconciler.simulator.call import Call, Handler

SPOILT: Final = ("GET", "/projects/{project_id}")


class Spoil(Enum):
    """What one operation of a broken simulator does wrong."""

    SERVER_ERROR = "server-error"
    MISSING_KEY = "missing-key"
    UNKNOWN_KEY = "unknown-key"
    """Only the judge sees this: to schemathesis, a schema allows the keys that it does not name."""


def spoilt(how: Spoil | None) -> AbstractContextManager[object]:
    """Break the operation in every simulator that is opened in the block."""
    if how is None:
        return nullcontext()
    routes = [
        (method, path, _broken(handler, how) if (method, path) == SPOILT else handler)
        for method, path, handler in app.ROUTES
    ]
    return patch.object(app, "ROUTES", tuple(routes))


def _broken(handler: Handler, how: Spoil) -> Handler:
    def broken(call: Call) -> Answer:
        answer = handler(call)
        if how is Spoil.SERVER_ERROR:
            return Answer({"code": "", "message": "spoilt"}, status=500)
        project = dict(answer.document["project"])
        if how is Spoil.MISSING_KEY:
            del project["name"]
        else:
            project["surprise"] = True
        return replace(answer, document={"project": project})

    return broken
