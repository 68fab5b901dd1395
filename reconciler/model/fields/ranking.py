"""Rankings: which change of a value is a reduction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.model.fields.allow_list import shuts_out
from reconciler.model.values import JsonText

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.values import Json, Value


class Ranking(Struct, frozen=True):
    """Which of two values grants the tenant less."""

    takes: Callable[[Value, Value], bool]
    """Whether the change from the first to the second value is a reduction. None is a value that is not stated."""
    words: str
    """When it takes, for the reference."""
    ordered: bool = False
    """Whether the values are numbers, of which one is always more than another."""


def _smaller(before: Value, after: Value) -> bool:
    return isinstance(before, int | float) and isinstance(after, int | float) and after < before


def _shorter(before: Value, after: Value) -> bool:
    """An unknown window may be longer than any."""
    return before is None or _smaller(before, after)


def _tighter(before: Value, after: Value) -> bool:
    """Neon: ProjectQuota; 0 is unlimited, and so is a quota that is not set."""
    was = before or 0
    if not isinstance(was, int | float) or not isinstance(after, int | float):
        return False
    return after != 0 and (was == 0 or after < was)


def _sooner(before: Value, after: Value) -> bool:
    """Neon: SuspendTimeoutSeconds; a negative one never suspends, and is more than any time."""
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return False
    return after >= 0 and (before < 0 or after < before)


def _json(value: Value) -> Json:
    return value.value if isinstance(value, JsonText) else value


def _turned(before: Value, after: Value) -> bool:
    """Neon: a switch that is not set is off."""
    return bool(_json(before)) != bool(_json(after))


def _off(before: Value, after: Value) -> bool:
    return bool(_json(before)) and not _json(after)


def _other_access(before: Value, after: Value) -> bool:
    """Neon: AllowedIps; a list that is empty or not set lets everybody in."""
    was, becomes = (_access(_json(value)) for value in (before, after))
    if was[1] != becomes[1]:
        return True
    return shuts_out(was[0], becomes[0]) or shuts_out(becomes[0], was[0])


def _access(allowed: Json) -> tuple[list[str], bool]:
    """The addresses, and whether they count for protected branches only."""
    members = allowed if isinstance(allowed, dict) else {}
    ips = members.get("ips")
    return [str(ip) for ip in ips] if isinstance(ips, list) else [], bool(members.get("protected_branches_only"))


_DEFAULTS: Final = "(defaults)"
"""Stands for the libraries of Neon's choice."""


def _fewer_libraries(before: Value, after: Value) -> bool:
    """Neon loads its default libraries where nothing is set, as far as anybody knows: it is not documented."""
    was, becomes = (_libraries(_json(value)) for value in (before, after))
    return not (was if before is not None else {_DEFAULTS}) <= becomes


def _libraries(preloaded: Json) -> frozenset[str]:
    """Neon: PreloadLibraries; ``use_defaults`` adds libraries of Neon's choice."""
    members = preloaded if isinstance(preloaded, dict) else {}
    enabled = members.get("enabled_libraries")
    named = (str(one) for one in enabled) if isinstance(enabled, list) else ()
    return frozenset((*named, *((_DEFAULTS,) if members.get("use_defaults") else ())))


AUDIT_LEVELS: Final = ("base", "extended", "full")
"""Neon: ProjectAuditLogLevel, the least first."""


def _audits_less(before: Value, after: Value) -> bool:
    was, becomes = (_json(value) for value in (before, after))
    return was in AUDIT_LEVELS and becomes in AUDIT_LEVELS[: AUDIT_LEVELS.index(str(was))]


def _other_parameters(before: Value, after: Value) -> bool:
    """Whether a parameter that has a value gets another one: which of two is less is not known of a parameter."""
    was, becomes = (_json(value) for value in (before, after))
    if not isinstance(was, dict) or not isinstance(becomes, dict):
        return False
    return any(becomes.get(name) != value for name, value in was.items())


def _ends_sooner(before: Value, after: Value) -> bool:
    """Times are written in UTC, to the second, so that their order is that of their texts. None is never."""
    return after is not None and (before is None or str(after) < str(before))


def _nothing(before: Value, after: Value) -> bool:  # noqa: ARG001 (as all rankings)
    return False


NO_ORDER: Final = Ranking(_nothing, "never")
SIZE: Final = Ranking(_smaller, "smaller", ordered=True)
WINDOW: Final = Ranking(_shorter, "shorter, or the live value is unknown", ordered=True)
LIMIT: Final = Ranking(_tighter, "smaller; unlimited is the most", ordered=True)
IDLE_TIME: Final = Ranking(_sooner, "shorter; never is the most", ordered=True)
ACCESS: Final = Ranking(_other_access, "an address is shut out, or let in; an empty list lets everybody in")
BLOCK: Final = Ranking(_turned, "true shuts clients out, false lets them in")
SWITCH: Final = Ranking(_off, "false")
LIBRARIES: Final = Ranking(_fewer_libraries, "a library is removed, or Neon's defaults may be")
LIFETIME: Final = Ranking(_ends_sooner, "an earlier time, or any where there was none")
PARAMETERS: Final = Ranking(_other_parameters, "a parameter that has a value gets another one")
AUDIT: Final = Ranking(_audits_less, "a lower level")
