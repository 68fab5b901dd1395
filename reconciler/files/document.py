"""What the JSON documents that we write have in common, and how a single value stands in them."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Strict, WithJsonSchema

from reconciler.files.events import MAX_DEPTH
from reconciler.files.json_lines import refuse_depth
from reconciler.model.problem import Location

Text = Annotated[str, Strict()]
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("expected a date and time with its zone, such as 2030-01-31T12:00:00Z")


def _not_too_deep(value: object) -> object:
    try:
        refuse_depth(value, MAX_DEPTH)
    except RecursionError:
        raise ValueError(f"nested more than {MAX_DEPTH} levels deep") from None
    return value


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
AnyJson = Annotated[Any, AfterValidator(_not_too_deep), WithJsonSchema({})]
RiskWord = Literal["safe", "disruptive", "destructive"]
KindWord = Literal["create", "recover", "adopt", "upgrade", "downgrade", "change", "delete"]


class Document(BaseModel):
    """A mapping in a document: all keys are there, and no others."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )


class PlaceDocument(Document):
    """A place in the files, 1-based."""

    file: Text
    line: Whole
    column: Whole

    def location(self) -> Location:
        """The place again."""
        return Location(self.file, self.line, self.column)


class BranchCounts(Document):
    """How many branches are created, changed and deleted."""

    create: Whole
    change: Whole
    delete: Whole


class SnapshotCounts(Document):
    """How many snapshots are created and deleted."""

    create: Whole
    delete: Whole
