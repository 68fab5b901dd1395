"""/projects/{project_id}/operations: list and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta, Struct

from reconciler.simulator import operations
from reconciler.simulator.answer import Answer
from reconciler.simulator.refusal import Refusal, not_found

if TYPE_CHECKING:
    from reconciler.simulator.call import Call

DEFAULT_LIMIT: Final = 1000


class ListOperations(Struct, forbid_unknown_fields=True):
    """The query of a list."""

    cursor: str | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = DEFAULT_LIMIT


def list_operations(call: Call) -> Answer:
    """GET /projects/{project_id}/operations, newest first."""
    query = call.parameters(ListOperations)
    before = None if query.cursor is None else _number(query.cursor)
    found, following = operations.operations(
        call.world.store, call.project()["id"], call.world.clock.now(), before=before, limit=query.limit
    )
    answer: dict[str, Any] = {"operations": found}
    if following is not None:
        answer["pagination"] = {"cursor": str(following)}
    return Answer(answer)


def _number(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit()):
        raise Refusal(400, "invalid request: unknown cursor")
    return int(cursor[:18])


def get_operation(call: Call) -> Answer:
    """GET /projects/{project_id}/operations/{operation_id}."""
    operation = operations.operation(
        call.world.store, call.project()["id"], call.path["operation_id"], call.world.clock.now()
    )
    if operation is None:
        raise not_found("operation")
    return Answer({"operation": operation})
