"""What may become of a call: the effects of faults, each with a name for the ids of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.simulator.faults import AnswerAfter, AnswerWith, DropAfter, DropBefore, Truncate, html

if TYPE_CHECKING:
    from reconciler.simulator.faults import AnyEffect

CARRIED_OUT: Final[dict[str, AnyEffect]] = {
    "dropped after": DropAfter(),
    "500 after": AnswerAfter(500),
    "504 after": AnswerAfter(504),
    "cut short": Truncate(),
}
"""The answer is lost, and the call was carried out."""
NOT_CARRIED_OUT: Final[dict[str, AnyEffect]] = {
    "dropped before": DropBefore(),
    "500 before": AnswerWith(500),
    "a proxy's page": html(502),
}
"""The same to the client, and the call was not carried out."""
USUAL: Final[dict[str, AnyEffect]] = {
    "dropped before": DropBefore(),
    "dropped after": DropAfter(),
    "500 before": AnswerWith(500),
    "500 after": AnswerAfter(500),
    "cut short": Truncate(),
    "423": AnswerWith(423),
    "429": AnswerWith(429),
}
"""One of each kind that any call may meet: lost answers, a locked project, too many calls."""
