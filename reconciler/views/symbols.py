"""The symbol and the color of each action and finding in a plan or a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct

from reconciler.plan.concerns.organization import PATH as ORGANIZATION
from reconciler.plan.shared_changes import TIER
from reconciler.plan.summary import ChangeKind

if TYPE_CHECKING:
    from reconciler.plan.action import Action
    from reconciler.plan.actions.base import Verb
    from reconciler.plan.shared_changes import SharedChange


ADDED: Final = "green"
CHANGED: Final = "yellow"
TAKEN: Final = "red"
MOVED: Final = "cyan"
ASIDE: Final = "dim"
HEADING: Final = "bold"


class Symbol(Struct, frozen=True):
    """One or two characters at the start of a line."""

    text: str
    style: str


CREATE: Final = Symbol("+", ADDED)
ADOPT: Final = Symbol("=", MOVED)
TRANSFER: Final = Symbol("->", MOVED)
PATCH: Final = Symbol("~", CHANGED)
RESET: Final = Symbol("<-", TAKEN)
DELETE: Final = Symbol("-", TAKEN)
REFUSED: Final = Symbol("!", "bold red")
STALE: Final = Symbol("!", "bold yellow")
SKIPPED: Final = Symbol(".", CHANGED)
CONFLICT: Final = Symbol("?", "bold magenta")


def symbol_of_action(action: Action) -> Symbol:
    """The symbol of an action."""
    return _symbol_of_verb(action.verb)


def symbol_of_change(change: SharedChange) -> Symbol:
    """The symbol of a change that tenants share."""
    return TRANSFER if change.path in (ORGANIZATION, TIER) else _symbol_of_verb(change.verb)


def _symbol_of_verb(verb: Verb) -> Symbol:
    match verb:
        case "create" | "recover":
            return CREATE
        case "adopt":
            return ADOPT
        case "transfer":
            return TRANSFER
        case "change" | "suspend":
            return PATCH
        case "reset" | "restore":
            return RESET
        case "delete":
            return DELETE
        case _:
            assert_never(verb)


def symbol_of_kind(kind: ChangeKind) -> Symbol:
    """The symbol of the kind of a tenant's actions."""
    match kind:
        case ChangeKind.CREATE | ChangeKind.RECOVER:
            return CREATE
        case ChangeKind.ADOPT:
            return ADOPT
        case ChangeKind.UPGRADE | ChangeKind.DOWNGRADE:
            return TRANSFER
        case ChangeKind.CHANGE:
            return PATCH
        case ChangeKind.RESTORE:
            return RESET
        case ChangeKind.DELETE:
            return DELETE
        case _:
            assert_never(kind)
