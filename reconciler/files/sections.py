"""Sections of the files whose keys, forms and descriptions come from the table of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Written

from reconciler.files import scalars
from reconciler.model.fields.field import Form
from reconciler.model.fields.table import BY_PATH, of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.fields.field import Field

FORMS: Final[Mapping[Form, Any]] = {
    Form.SIZE_QUOTA: scalars.BytesQuota,
    Form.TIME_QUOTA: scalars.TimeQuota,
    Form.DURATION: scalars.Seconds,
    Form.SUSPEND_TIMEOUT: scalars.SuspendTimeout,
    Form.COMPUTE_UNITS: scalars.ComputeUnits,
}
"""What reads a value of each form."""


class Section(BaseModel):
    """A mapping in a file: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def optional(group: str) -> dict[str, Any]:
    """The annotations of a section that states what it manages of a group of fields."""
    return {field.key: _optional(field) for field in of(group)}


def required(group: str) -> dict[str, Any]:
    """The annotations of a section that states all fields of a group."""
    return {field.key: Annotated[FORMS[field.form], Written(description=field.description)] for field in of(group)}


def described(path: str) -> Any:
    """A key that is a field by itself; it may be left out."""
    return Written(default=None, description=BY_PATH[path].description)


def stated(group: str, section: Section) -> dict[str, Any]:
    """What a section of such a group states, by the names of the core."""
    values = ((field.name, getattr(section, field.key)) for field in of(group))
    return {name: value for name, value in values if value is not None}


def _optional(field: Field) -> Any:
    return Annotated[FORMS[field.form] | None, Written(default=None, description=field.description)]
