"""Sections of the files whose keys, forms and descriptions come from the table of fields."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, create_model
from pydantic import Field as Written

from reconciler.files import scalars
from reconciler.model.fields.field import Form
from reconciler.model.fields.table import BY_PATH, ENTRY_BY_PATH, of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.fields.field import Field

FORMS: Final[Mapping[Form, Any]] = {
    Form.SIZE_QUOTA: scalars.BytesQuota,
    Form.TIME_QUOTA: scalars.TimeQuota,
    Form.DURATION: scalars.Seconds,
    Form.SUSPEND_TIMEOUT: scalars.SuspendTimeout,
    Form.COMPUTE_UNITS: scalars.ComputeUnits,
    Form.SWITCH: scalars.Flag,
    Form.ADDRESSES: list[scalars.Address],
    Form.NAMES: list[scalars.Name],
    Form.WEEKDAYS: Annotated[list[scalars.Weekday], Written(max_length=7)],
    Form.TIME_OF_DAY: scalars.TimeOfDay,
    Form.AUDIT_LEVEL: scalars.AuditLevel,
    Form.NAME: scalars.Name,
    Form.MOMENT: scalars.Moment,
    Form.PARAMETERS: dict[scalars.Parameter, scalars.Text],
}
"""What reads a value of each form."""


class Section(BaseModel):
    """A mapping in a file: unknown keys are errors. What checks it is built with that of the whole document."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    @classmethod
    def default(cls) -> Self:
        """The section of a file that does not state it. Without a check, which would build what checks it."""
        return cls.model_construct()


def optional(group: str) -> dict[str, Any]:
    """The annotations of a section that states what it manages of a group of fields."""
    return {field.key: _optional(field) for field in of(group)}


def raisable(group: str) -> dict[str, Any]:
    """The same, of the fields of which one value is more than another."""
    return {field.key: _optional(field) for field in of(group) if field.ranking.ordered}


def required(group: str) -> dict[str, Any]:
    """The annotations of a section that states all fields of a group."""
    return {field.key: _required(FORMS[field.form], field.description) for field in of(group)}


def described(path: str, default: object = None) -> Any:
    """A key that is a field by itself; it may be left out."""
    return Written(default=default, description=_field(path).description)


def required_key(path: str) -> Any:
    """A key that is a field by itself and has to be stated."""
    return Written(description=_field(path).description)


def _field(path: str) -> Field:
    return BY_PATH.get(path) or ENTRY_BY_PATH[path]


def stated(group: str, section: Section) -> dict[str, Any]:
    """What a section of such a group states, by the names of the core."""
    values = ((name, getattr(section, key, None)) for name, key in _names_and_keys(group))
    return {name: value for name, value in values if value is not None}


@cache
def _names_and_keys(group: str) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, field.key) for field in of(group))


def _optional(field: Field) -> Any:
    kind = _section(field) if field.members else FORMS[field.form]
    return Annotated[kind | None, Written(default=None, description=field.description)]


def _required(kind: Any, description: str) -> Any:
    return Annotated[kind, Written(description=description)]


def _section(field: Field) -> type[Section]:
    """The section of a structured value: ``ips`` and ``protected_branches_only`` of ``allowed_ips``."""
    members: dict[str, Any] = {
        member.key: (_required(FORMS[member.form], member.description), ...)
        if member.required
        else (Annotated[FORMS[member.form] | None, Written(description=member.description)], None)
        for member in field.members
    }
    name = "".join(word.capitalize() for word in field.key.split("_"))
    return create_model(
        f"{name}Document",
        __base__=Section,
        __doc__=field.description,
        __module__="fields",  # no source: the descriptions are the table's
        **members,
    )
