"""The reference of fields in the docs is the table of fields."""

from __future__ import annotations

import os

from reconciler.model.fields.table import ENTRY_FIELDS, FIELDS
from tests.reference import PAGE, fields, with_fields


def test_the_reference_shows_the_table_of_fields() -> None:
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("REFERENCE") == "write":
        PAGE.write_text(with_fields(page), encoding="utf-8")
        return
    assert page == with_fields(page), "write it with REFERENCE=write"


def test_the_reference_names_every_field_and_member() -> None:
    shown = fields()
    for field in (*FIELDS, *ENTRY_FIELDS):
        for key in (field.label, *(f"{field.label}.{member.key}" for member in field.members)):
            assert f"| `{key}` |" in shown
