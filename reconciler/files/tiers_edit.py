"""tiers.yaml with more tiers or sources of tenants: added in place, or written for the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from reconciler.errors import InvalidInputError
from reconciler.files.editing import Changes, changed, with_lines_in
from reconciler.files.events import parse
from reconciler.files.load import BYTE_ORDER_MARK
from reconciler.files.new_documents import yaml_value
from reconciler.files.nodes import BY_HAND
from reconciler.files.price_list import DEFAULT_FILES, PRICE_LIST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.values import Json


class NewTier(Struct, frozen=True):
    """A tier to be written."""

    name: str
    organization: str
    sections: Mapping[str, Json]
    comment: str


class NewOrganization(Struct, frozen=True):
    """An organization of a price list that does not exist yet."""

    name: str
    id: str
    """An id, or ``${NAME}``."""
    api_key: str
    """``${NAME}``."""


class PriceListEdit(Struct, frozen=True):
    """What is added."""

    tiers: Sequence[NewTier] = ()
    sources: Sequence[Mapping[str, Json]] = field(default_factory=tuple)
    alone: bool = False
    """Whether a source that is added is the only one: nobody has files in the default folder."""


def edited_price_list(data: bytes, edit: PriceListEdit) -> bytes:
    """Return tiers.yaml with the additions; all else stays as it is, comments included.

    Raises InvalidInputError if that is impossible in place.
    """
    text = data.decode().removeprefix(BYTE_ORDER_MARK)
    mark = data[: len(data) - len(text.encode())]
    line, column, document = _place(text)
    if edit.tiers:
        text = with_lines_in(text, line, column, "tiers", [row for tier in edit.tiers for row in tier_lines(tier)])
    for source in edit.sources:
        if document.get("tenants"):
            text = changed(text, line, column, Changes({}, {"tenants": dict(source)}))
        else:
            others: list[Json] = [] if edit.alone else [{"files": DEFAULT_FILES}]
            text = changed(text, line, column, Changes({"tenants": [*others, dict(source)]}))
            document = {**document, "tenants": True}
    return mark + text.encode()


def new_price_list(
    fleet: str, naming: str, organizations: Sequence[NewOrganization], personal_api_key: str, edit: PriceListEdit
) -> bytes:
    """Return a tiers.yaml for an account that has none: organizations without limits, and these tiers."""
    rows = [
        "# The price list of the fleet: its organizations, and what each tier grants.",
        "version: 1",
        f"fleet: {yaml_value(fleet)}",
        f"naming: {{project: {yaml_value(naming)}}}  # of new projects; existing ones are found by project_id",
        "",
        "# Add the limits of each organization: `limits:` in docs/files.md.",
        "organizations:",
        *(row for one in organizations for row in _organization(one)),
        f"personal_api_key: {personal_api_key}  # for transfers between organizations only",
        "",
        "tiers:" if edit.tiers else "tiers: {}",
        *(f"  {row}" if row else row for tier in edit.tiers for row in tier_lines(tier)),
    ]
    return ("\n".join(rows) + "\n").encode()


def _organization(one: NewOrganization) -> Iterator[str]:
    yield f"  {yaml_value(one.name)}:"
    yield f"    id: {one.id}"
    yield f"    api_key: {one.api_key}"


def tier_lines(tier: NewTier) -> Iterator[str]:
    """Yield the lines of a tier, without the indentation of the mapping that it becomes a member of."""
    yield f"{yaml_value(tier.name)}:  # {tier.comment}"
    yield f"  organization: {yaml_value(tier.organization)}"
    for key, value in tier.sections.items():
        yield f"  {key}: {yaml_value(value)}"


def _place(text: str) -> tuple[int, int, dict[str, object]]:
    parsed = parse(text.encode(), PRICE_LIST)
    document = parsed.documents[0] if len(parsed.documents) == 1 else None
    if parsed.problems or document is None or not isinstance(document.value, dict):
        raise InvalidInputError(f"{PRICE_LIST} cannot be changed in place", hint=BY_HAND)
    return document.line, document.column, document.value
