"""CSV: no text begins a formula, and a number stays one."""

from __future__ import annotations

import csv

import pytest

from reconciler.views.csv_text import row


@pytest.mark.parametrize("text", ["=1+1", "+1 555", "-x", "@SUM(A1)", "\tx", "-1+1", "=HYPERLINK(0)", "-", "+"])
def test_a_text_is_not_calculated(text: str) -> None:
    assert next(csv.reader([row([text])])) == [f"'{text}"]


@pytest.mark.parametrize("value", ["-0.12", "-5", -5, 0.5, "acme", "", None, "1.20"])
def test_everything_else_stays_as_it_is(value: object) -> None:
    assert next(csv.reader([row([value])])) == ["" if value is None else str(value)]
