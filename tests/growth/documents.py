"""Documents of any size, made from the schema of the files: a list or map that is added there is among them."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, Union, get_args, get_origin

from annotated_types import MaxLen
from pydantic import BaseModel

from reconciler.desired.tier import Occasion
from reconciler.files import scalars, tenant_schema
from reconciler.files.tenant_schema import TenantDocument
from reconciler.files.tiers_schema import TiersDocument
from reconciler.plan.concerns import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WRITTEN: Final[tuple[tuple[Any, Callable[[int], object]], ...]] = (
    (scalars.Text, lambda number: f"text {number}"),
    (scalars.Name, lambda number: f"n{number}"),
    (scalars.ReplicaName, lambda number: f"r{number}"),
    (scalars.TenantName, lambda number: f"t{number}"),
    (scalars.Slug, lambda number: f"s{number}"),
    (scalars.Word, lambda number: f"w{number}"),
    (scalars.Revision, lambda number: number),
    (scalars.ProjectId, lambda number: f"project-{number}"),
    (scalars.Database, lambda number: f"db{number}"),
    (scalars.Role, lambda number: f"role{number}"),
    (scalars.Reference, lambda number: f"${{NEON_KEY_{number}}}"),
    (scalars.OrganizationId, lambda number: f"org-{number}"),
    (scalars.RegistryAddress, lambda number: f"sqlite:///registry{number}.db"),
    (scalars.NamingPattern, lambda number: f"old{number}-{{tenant}}"),
    (scalars.Query, lambda number: f"table users{number}"),
    (scalars.Host, lambda number: f"https://neon{number}.example/api"),
    (scalars.Glob, lambda number: f"folder{number}/*.yaml"),
    (scalars.BytesQuota, lambda number: f"{number + 1}GB"),
    (scalars.TimeQuota, lambda number: f"{number + 1}h"),
    (scalars.Seconds, lambda number: f"{number + 1}m"),
    (scalars.SuspendTimeout, lambda number: f"{number + 5}m"),
    (scalars.ComputeUnits, lambda _: 0.5),
    (scalars.Count, lambda number: number),
    (scalars.Positive, lambda number: number + 1),
    (scalars.PgVersion, lambda _: 17),
    (scalars.Percent, lambda number: number % 100),
    (scalars.WholePercent, lambda number: number % 100 + 1),
    (scalars.Parameter, lambda number: f"parameter_{number}"),
    (scalars.RotationPattern, lambda number: f"auto{number}-{{date}}"),
    (scalars.Share, lambda _: 0.5),
    (scalars.Flag, lambda _: True),
    (scalars.Address, lambda number: f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"),
    (scalars.Weekday, lambda number: number % 7 + 1),
    (scalars.TimeOfDay, lambda number: f"{number % 24:02}:30"),
    (scalars.AuditLevel, lambda _: "base"),
    (scalars.Moment, lambda number: f"2030-05-{number % 20 + 5:02}T12:00:00Z"),
    (scalars.Day, lambda number: f"2030-05-{number % 20 + 5:02}"),
    (scalars.Price, lambda number: number / 8),
    (scalars.Currency, lambda _: "USD"),
    (scalars.FormatVersion, lambda _: 1),
    (scalars.State, lambda _: "present"),
    (scalars.Reason, lambda number: f"reason {number}"),
    (scalars.Concern, lambda number: NAMES[number % len(NAMES)]),
    (scalars.Drift, lambda _: "report"),
    (scalars.WhenFull, lambda _: "refuse"),
    (scalars.Method, lambda _: "api"),
    (scalars.Crowded, lambda _: "refuse"),
    (scalars.Before, lambda number: list(Occasion)[number % len(Occasion)].value),
    (scalars.Strings, lambda _: "encrypted"),
    (tenant_schema.FreeForm, lambda number: number),
)
SAMPLES: Final = {id(get_args(kind)[1]): make for kind, make in _WRITTEN}
"""By what reads a value: how to write the one of a number."""


class Grown(NamedTuple):
    """A list or map of a document."""

    path: tuple[str, ...]
    entries: Callable[[int, bool], object]
    """The list or map with so many entries; with all keys of each entry where ``full``, else those it needs."""
    most: int | None = None
    """How many entries it may have, where the schema says."""


def lists_and_maps() -> Iterator[tuple[type[BaseModel], Grown]]:
    """Those of a tenant's document and of the price list, at any depth."""
    for model in (TenantDocument, TiersDocument):
        for grown in _within(model, ()):
            yield model, grown
    for path in (("overrides", "settings", "unchecked"), ("tiers", "free", "settings", "unchecked")):
        model = TenantDocument if path[0] == "overrides" else TiersDocument
        members = lambda size, _: {"any": {f"key{n}": {"of": [n]} for n in range(size)}}  # noqa: E731
        yield model, Grown((*path, ""), members)


def _within(annotation: Any, path: tuple[str, ...]) -> Iterator[Grown]:
    if _written(annotation) is not None:
        return
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        for name, field in bare.model_fields.items():
            yield from _within(field.rebuild_annotation(), (*path, name))
    elif (kind := get_origin(bare)) in {list, tuple, dict}:
        yield Grown(path, lambda size, full: _entries(bare, size, full=full), _most(annotation))
        if kind is dict:
            yield from _within(get_args(bare)[1], (*path, "free"))


def _entries(annotation: Any, size: int, *, full: bool) -> object:
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        keys, values = arguments
        return {str(sample(keys, n, full=full)): sample(values, n, full=full) for n in range(size)}
    return [sample(arguments[0], number, full=full) for number in range(size)]


def sample(annotation: Any, number: int, *, full: bool) -> Any:
    """A value that the schema accepts there; another one for each number, where there are so many."""
    if (written := _written(annotation)) is not None:
        return written(number)
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        members = ((name, field) for name, field in bare.model_fields.items() if full or field.is_required())
        return {name: sample(field.rebuild_annotation(), number, full=full) for name, field in members}
    return _entries(bare, 1, full=full)


def _written(annotation: Any) -> Callable[[int], object] | None:
    """How to write a single value of that type; None for a list, a map or a document."""
    if get_origin(annotation) is Annotated:
        of, *more = get_args(annotation)
        found = next((SAMPLES[id(one)] for one in more if id(one) in SAMPLES), None)
        return found or _written(of)
    if get_origin(annotation) in {Union, UnionType}:
        return _written(_stated(annotation))
    return None


def _most(annotation: Any) -> int | None:
    bounds = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((bound.max_length for bound in bounds if isinstance(bound, MaxLen)), None)


def _stated(annotation: Any) -> Any:
    return next(member for member in get_args(annotation) if member is not NoneType)


def _bare(annotation: Any) -> Any:
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    return _bare(_stated(annotation)) if get_origin(annotation) in {Union, UnionType} else annotation
