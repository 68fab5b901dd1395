"""In which ways another value of a field takes something from the tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.model.fields.allow_list import shuts_out
from reconciler.model.fields.table import BY_PATH, field_of
from reconciler.model.values import JsonText
from reconciler.plan.concerns.concern import Assignment
from reconciler.plan.concerns.free_form import differs
from reconciler.plan.concerns.organization import granted_less

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.model.values import Json, Value

Way: TypeAlias = tuple[str, str]
"""The member of a structured value, or empty, and what happens to it."""

EXPIRY: Final = ".expires_at"
ALLOWED_IPS: Final = "settings.allowed_ips"
ANYHOW: Final = "*"
"""In whichever way: one of the two values is not stated."""
NONE: Final[frozenset[Way]] = frozenset()
LESS: Final[frozenset[Way]] = frozenset({("", "less")})


def ways(path: str, was: Value | Assignment, becomes: Value | Assignment) -> frozenset[Way]:
    """How the second value takes something that the first one grants; empty where it takes nothing.

    A field that the files begin or cease to manage may take in any way. Of fields without an order, each other
    value does.
    """
    if was == becomes:
        return NONE
    if isinstance(was, Assignment) and isinstance(becomes, Assignment):
        return frozenset((limit, "less") for limit in granted_less(was.limits, becomes.limits))
    if isinstance(becomes, JsonText) and (was is None or isinstance(was, JsonText)):
        return frozenset(_of_members("", was.value if was else None, becomes.value, path))
    if path.endswith(EXPIRY):
        takes: bool | None = becomes is not None and (was is None or str(becomes) < str(was))
    else:
        takes = _takes(path, was, becomes)
    if takes is None:
        how = ANYHOW if None in (was, becomes) else f"becomes {becomes}"
        return frozenset({("", how)})
    return LESS if takes else NONE


def met(needed: Iterable[Way], moved: frozenset[Way]) -> bool:
    """Whether each of the needed ways is among those in which something moved."""
    return all(is_met(way, moved) for way in needed)


def is_met(way: Way, moved: frozenset[Way]) -> bool:
    """Whether something moved in this way."""
    member, how = way
    if way == ("", ANYHOW) or ("", ANYHOW) in moved:
        return bool(moved)
    return any(one == member and (how == other or ANYHOW in (how, other)) for one, other in moved)


def of_a_compute(path: str) -> str | None:
    """The member of a compute that the field is, be it the project's or a branch's; None where it is none.

    The end of the path tells: a branch may be called ``compute.v2``.
    """
    field = field_of(path)
    return field.path if field is not None and field.group == "compute" else None


def has_an_order(path: str) -> bool:
    """Whether one value of a field of a tier is more than another one."""
    field = BY_PATH.get(of_a_compute(path) or path)
    return field is not None and field.ranking.ordered


def _takes(path: str, was: Value | Assignment, becomes: Value | Assignment) -> bool | None:
    """None where the field has no order."""
    if not isinstance(was, int | float) or not isinstance(becomes, int | float) or not has_an_order(path):
        return None
    return BY_PATH[of_a_compute(path) or path].ranking.takes(was, becomes)


def _of_members(at: str, was: Json, becomes: Json, path: str) -> Iterator[Way]:
    """Member by member as far as the second value states them: parts that the files leave out are kept."""
    if isinstance(becomes, dict) and (was is None or isinstance(was, dict)):
        for key, value in becomes.items():
            yield from _of_members(f"{at}.{key}", (was or {}).get(key), value, path)
    elif not differs(was, becomes):
        return
    elif was is None:
        yield at, ANYHOW
    elif isinstance(was, list) and isinstance(becomes, list):
        yield from _of_lists(at, was, becomes, path)
    else:
        yield at, f"becomes {JsonText.of(becomes).text}"


def _of_lists(at: str, was: list[Json], becomes: list[Json], path: str) -> Iterator[Way]:
    """What is in the list no more, and what is new in it: either may take, access as well as safety."""
    if path == ALLOWED_IPS:
        fewer, more = shuts_out(map(str, was), map(str, becomes)), shuts_out(map(str, becomes), map(str, was))
    else:
        before, after = ({JsonText.of(item) for item in items} for items in (was, becomes))
        fewer, more = bool(before - after), bool(after - before)
    if fewer:
        yield at, "less"
    if more:
        yield at, "more"
