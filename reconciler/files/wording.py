"""Documents against the schema: pydantic's errors -> findings with messages for a person."""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from reconciler.files.finding import Finding, RejectedError, did_you_mean, did_you_mean_or_known, nearest
from reconciler.files.plain_values import A_LIST, TEXT, kind
from reconciler.model.quoting import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from reconciler.files.finding import Path

Model = TypeVar("Model", bound=BaseModel)

_DICT_KEY: Final = "[key]"
"""Pydantic appends it to the path if a mapping's key is wrong."""
_EXPECTED: Final = {
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": A_LIST,
    "tuple_type": A_LIST,
}
_UNCHECKED: Final = ("settings", "unchecked")
"""A mapping in which a key may have no value."""
_QUOTA: Final = "write it under quota, not under settings"
_NOT_KNOWN: Final = "write a setting that this release does not know under unchecked"
_SYNONYMS: Final = {"name": "tenant", "branches": "dev_branches", "plan": "tier", "limits": "quota"}
"""What people write for a key whose spelling is not near to it."""
_MOST_KEYS: Final = 6
"""Keys of a mapping that a hint lists."""
_MOST_PLACES: Final = 3
"""Places of a misplaced key that a hint lists."""
MAX_FINDINGS: Final = 100
"""Maximum number per document."""


def read(model: type[Model], value: object) -> Model | tuple[Finding, ...]:
    """Return the document in the schema's type, or all its findings."""
    empty = tuple(_without_value(value, ()))
    try:
        document = model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False)[:MAX_FINDINGS]
        explained = {finding.path for finding in empty} | _misspelt(details)
        findings = [_finding(detail, model) for detail in details if detail["loc"] not in explained]
        return (*empty, *findings)
    return empty or document


def _without_value(value: object, path: Path) -> Iterator[Finding]:
    """Yield keys without a value: it is unclear whether that means none, or not managed."""
    if value is None and path:
        yield _nothing(path)
    elif isinstance(value, dict):
        for key, member in value.items():
            if (*path, key)[-2:] != _UNCHECKED:
                yield from _without_value(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _without_value(member, (*path, index))


def _nothing(path: Path) -> Finding:
    if isinstance(path[-1], int):
        return Finding(path, "the entry is empty")
    hint = "indent its value below it, or remove the key; an empty list is [], an empty mapping {}"
    return Finding(path, f"{shown(path[-1])} has no value", hint, at_key=True)


def _finding(detail: ErrorDetails, model: type[BaseModel]) -> Finding:
    path: Path = tuple(detail["loc"])
    if at_key := path[-1:] == (_DICT_KEY,):
        path = path[:-1]
    match detail["type"]:
        case "extra_forbidden":
            hint = _meant(model, path)
            return Finding(path, f"unknown key {shown(path[-1])}", hint, at_key=True)
        case "missing":
            return Finding(path, f"the key {str(path[-1])!r} is missing", _meaning(model, path), at_key=True)
        case "value_error":
            cause = detail["ctx"]["error"]
            hint = cause.hint if isinstance(cause, RejectedError) else None
            return Finding(path, str(cause), hint, at_key=at_key)
        case "too_long":
            most, count = detail["ctx"]["max_length"], len(detail["input"])
            return Finding(path, f"at most {most} entries are allowed, not {count:,}", at_key=True)
        case error if error in _EXPECTED:
            expected, found = _EXPECTED[error], kind(detail["input"])
            hint = _shape(model, path, expected, found)
            return Finding(path, f"expected {expected}, not {found}", hint, at_key=at_key)
        case _:
            return Finding(path, detail["msg"], at_key=at_key)


def _shape(model: type[BaseModel], path: Path, expected: str, found: str) -> str | None:
    """Return how a mapping or a list is written here."""
    if expected == A_LIST:
        return "a list of one entry is written [entry]" if found == TEXT else None
    mapping = _type_at(model, path)
    if not (isinstance(mapping, type) and issubclass(mapping, BaseModel)):
        return "write KEY: VALUE"
    keys = sorted(mapping.model_fields, key=lambda name: not mapping.model_fields[name].is_required())
    more = ", ..." if len(keys) > _MOST_KEYS else ""
    apart = "each is a document of its own, without a list around it; " if found == A_LIST and not path else ""
    return f"{apart}its keys: {', '.join(keys[:_MOST_KEYS])}{more}"


def _meant(model: type[BaseModel], path: Path) -> str | None:
    """Return a hint on what an unknown key may mean."""
    key, known = str(path[-1]), _keys(model, path[:-1])
    if (meant := _SYNONYMS.get(key)) in known:
        return f"did you mean {meant!r}?"
    if path[-2:-1] != ("settings",):
        return _right_place(model, path) or did_you_mean_or_known(key, known)
    return _QUOTA if key == "quota" else did_you_mean(key, known) or _NOT_KNOWN


def _misspelt(details: list[ErrorDetails]) -> set[Path]:
    """Return missing keys that exist misspelled: the unknown key is already reported."""
    missing: dict[Path, list[str]] = {}
    for path in (detail["loc"] for detail in details if detail["type"] == "missing"):
        missing.setdefault(path[:-1], []).append(str(path[-1]))
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]
    meant = [(path[:-1], nearest(str(path[-1]), missing.get(path[:-1], ()))) for path in unknown]
    return {(*parent, name) for parent, name in meant if name is not None}


def _meaning(model: type[BaseModel], path: Path) -> str | None:
    """Return the meaning of a key, from its description."""
    mapping = _type_at(model, path[:-1])
    name = str(path[-1])
    description = mapping.model_fields[name].description or _docstring(mapping, name)
    return description.partition("\n\n")[0].replace("\n", " ").removesuffix(".") if description else None


def _docstring(model: type[BaseModel], name: str) -> str | None:
    from reconciler.model.docstrings import member_docstrings  # noqa: PLC0415 - only a wrong file needs it

    return member_docstrings(model).get(name)


def _right_place(model: type[BaseModel], path: Path) -> str | None:
    """Return where the schema knows the unknown key; None if it is unknown, or resembles a key of this mapping
    and is no key of the whole file.
    """
    key = str(path[-1])
    if key not in model.model_fields and nearest(key, _keys(model, path[:-1])) is not None:
        return None
    places = [place for place, known in _mappings(model) if key in known.model_fields]
    return f"{shown(key)} belongs {' or '.join(places[:_MOST_PLACES])}" if places else None


@cache
def _mappings(model: type[BaseModel]) -> tuple[tuple[str, type[BaseModel]], ...]:
    """Return every mapping of a schema with its path. Thousands of documents of a file may be wrong."""
    return tuple(_mappings_below(model, ()))


def _mappings_below(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield f"under {'.'.join(path)}" if path else "at the top level", model
    for name, field in model.model_fields.items():
        own = (name, "NAME") if "dict[" in str(field.annotation) else (name,)
        for member in _models(field.annotation):
            yield from _mappings_below(member, (*path, *own))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _keys(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """Return the keys that a mapping at the path may have."""
    return tuple(_type_at(model, path).model_fields)


def _type_at(model: type[BaseModel], path: Path) -> Any:
    found: Any = model
    for step in path:
        found = _member_type(found, step)
    return found


def _member_type(found: Any, step: str | int) -> Any:
    if isinstance(found, type) and issubclass(found, BaseModel):
        return _bare(found.model_fields[str(step)].annotation)
    members = [member for member in get_args(found) if member is not Ellipsis]
    return _bare(members[-1])


def _bare(annotation: Any) -> Any:
    """Return the annotation without ``Annotated`` and without ``| None``."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return _bare(next(member for member in get_args(annotation) if member is not NoneType))
    return annotation
