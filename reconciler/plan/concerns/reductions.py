"""In which ways a change of a field is a reduction, and whether the files ask for that reduction.

They ask for it where they moved the field in the same direction: a commit that raises a limit reduces nothing for
a tenant that was given more. Most fields are judged by themselves. A tier is judged as a whole: one that grants
less also reduces the fields that are equal in both. A smaller maximum also reduces a minimum that is larger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from reconciler.model.fields.allow_list import shuts_out
from reconciler.model.fields.ranking import LIFETIME
from reconciler.model.fields.table import BY_PATH, field_of
from reconciler.model.values import JsonText
from reconciler.plan.concerns.compute import MAX, MIN
from reconciler.plan.concerns.concern import Assignment
from reconciler.plan.concerns.free_form import differs
from reconciler.plan.concerns.organization import PATH as ORGANIZATION
from reconciler.plan.concerns.organization import granted_less

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.model.values import Json, Value
    from reconciler.plan.concerns.concern import Stated

Loss: TypeAlias = tuple[str, str]
"""What a change takes: the member of a structured value, or empty, and what happens to it."""

EXPIRY: Final = ".expires_at"
ALLOWED_IPS: Final = "settings.allowed_ips"
ANYHOW: Final = "*"
"""Any loss: one of the two values is not declared."""
NONE: Final[frozenset[Loss]] = frozenset()
LESS: Final[frozenset[Loss]] = frozenset({("", "less")})


def losses(path: str, was: Value | Assignment, becomes: Value | Assignment) -> frozenset[Loss]:
    """What the change from the first to the second value takes; empty if it is no reduction.

    If the files begin or cease to manage a field, any loss is possible; so it is for another value of a field
    without an order.
    """
    if was == becomes:
        return NONE
    if isinstance(was, Assignment) and isinstance(becomes, Assignment):
        return frozenset((limit, "less") for limit in granted_less(was.limits, becomes.limits))
    if isinstance(becomes, JsonText) and (was is None or isinstance(was, JsonText)):
        if was is not None and _is_more(path, was, becomes):
            return NONE
        return frozenset(_of_members("", was.value if was else None, becomes.value, path))
    if path.endswith(EXPIRY) and all(isinstance(one, str | Assignment | None) for one in (was, becomes)):
        times = [None if isinstance(one, Assignment) else one for one in (was, becomes)]
        takes: bool | None = LIFETIME.takes(*times)
    else:
        takes = _takes(path, was, becomes)
    if takes is None:
        how = ANYHOW if None in (was, becomes) else f"becomes {becomes}"
        return frozenset({("", how)})
    return LESS if takes else NONE


def all_covered(needed: Iterable[Loss], moved: frozenset[Loss]) -> bool:
    """Whether the files ask for each of these losses."""
    return all(is_covered(loss, moved) for loss in needed)


def is_covered(loss: Loss, moved: frozenset[Loss]) -> bool:
    """Whether the files ask for the loss: ``moved`` is what they take."""
    member, how = loss
    if loss == ("", ANYHOW) or ("", ANYHOW) in moved:
        return bool(moved)
    return any(one == member and (how == other or ANYHOW in (how, other)) for one, other in moved)


def of_a_compute(path: str) -> str | None:
    """The path of the compute field, for a project's and a branch's compute; None if it is no compute field.

    The end of the path decides: a branch may be called ``compute.v2``.
    """
    field = field_of(path)
    return field.path if field is not None and field.group == "compute" else None


def has_an_order(path: str) -> bool:
    """Whether one value of a field of a tier is more than another one."""
    field = BY_PATH.get(of_a_compute(path) or path)
    return field is not None and field.ranking.ordered


def _takes(path: str, was: Value | Assignment, becomes: Value | Assignment) -> bool | None:
    """None if the field has no order."""
    if not isinstance(was, int | float) or not isinstance(becomes, int | float) or not has_an_order(path):
        return None
    return BY_PATH[of_a_compute(path) or path].ranking.takes(was, becomes)


def _is_more(path: str, was: JsonText, becomes: JsonText) -> bool:
    """Whether a setting without members gets a higher value: audit_log_level, or a switch that is turned on."""
    field = BY_PATH.get(path)
    if field is None or field.members:
        return False
    return field.ranking.takes(becomes, was) and not field.ranking.takes(was, becomes)


def _of_members(at: str, was: Json, becomes: Json, path: str) -> Iterator[Loss]:
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


def _of_lists(at: str, was: list[Json], becomes: list[Json], path: str) -> Iterator[Loss]:
    """Items that were removed from the list and items that are new in it: either may reduce access or safety."""
    if path == ALLOWED_IPS:
        fewer, more = shuts_out(map(str, was), map(str, becomes)), shuts_out(map(str, becomes), map(str, was))
    else:
        before, after = ({JsonText.of(item) for item in items} for items in (was, becomes))
        fewer, more = bool(before - after), bool(after - before)
    if fewer:
        yield at, "less"
    if more:
        yield at, "more"


def reduced(
    path: str, before: Stated, now: Stated, live: Value | Assignment = None, *, in_another_tier: bool = False
) -> bool:
    """Whether the files ask for the reduction that a change from the live value makes.

    A field that the files begin or cease to manage has moved, and so has one without an order that is another.
    ``live`` is None if it is unknown: then any reduction by the files counts. ``in_another_tier`` says that the
    project has all that another tier grants: then its organization goes with the tier, too.
    """
    moved = losses(path, before.get(path), now.get(path))
    needed = losses(path, live, now.get(path))
    if moved:
        return all_covered(needed, moved) or not losses(path, now.get(path), before.get(path))
    if before.get(path) != now.get(path):
        return False
    goes_with_it = has_an_order(path) or (path == ORGANIZATION and in_another_tier)
    return (goes_with_it and _tier_sank(before, now)) or _goes_with_the_maximum(path, before, now, live)


def touched(path: str, before: Stated, now: Stated, live: Value | Assignment) -> bool:
    """Whether the files ask for a part of the reduction that a change from the live value makes."""
    moved = losses(path, before.get(path), now.get(path))
    return any(is_covered(loss, moved) for loss in losses(path, live, now.get(path)))


def _tier_sank(before: Stated, now: Stated) -> bool:
    """Whether the tenant has a lower tier than before: it reduces something and raises nothing.

    The organization decides, where one of the two grants more.
    """
    was, becomes = before.get(ORGANIZATION), now.get(ORGANIZATION)
    if not isinstance(was, Assignment) or not isinstance(becomes, Assignment) or was.tier == becomes.tier:
        return False
    down, up = losses(ORGANIZATION, was, becomes), losses(ORGANIZATION, becomes, was)
    if down or up:
        return bool(down) and not up
    both = [path for path in before if path in now and has_an_order(path)]
    takes = any(losses(path, before[path], now[path]) for path in both)
    return takes and not any(losses(path, now[path], before[path]) for path in both)


def _goes_with_the_maximum(path: str, before: Stated, now: Stated, live: Value | Assignment) -> bool:
    """Whether a smaller maximum, which the files ask for, leaves no room for the live minimum."""
    if of_a_compute(path) != MIN or not isinstance(live, int | float):
        return False
    maximum = path.removesuffix(MIN) + MAX
    most = now.get(maximum)
    return isinstance(most, int | float) and live > most and bool(losses(maximum, before.get(maximum), most))
