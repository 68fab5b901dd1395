"""JSON is read item by item as it is read as a whole: the same values, and the same words about what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.strict_json import decoded

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab \u00e9"', max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=12,
)
SPACED = st.sampled_from([None, 1, "\t"])


def outcome(text: str, *items: Any) -> tuple[str, Any]:
    try:
        return "value", decoded(text.encode(), *items)
    except ValueError as error:
        return "error", str(error)


@given(VALUES, SPACED)
def test_what_is_made_of_items_stands_in_their_place(value: Any, indent: Any) -> None:
    text = json.dumps(value, indent=indent)
    made = outcome(text, {"a": lambda _: lambda item: ("made", item)})
    if isinstance(value, dict) and isinstance(value.get("a"), list):
        value = {**value, "a": [("made", item) for item in value["a"]]}
    assert made == ("value", value)


@given(VALUES, st.data())
def test_what_is_wrong_is_told_as_of_a_whole_text(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value)
    at = data.draw(st.integers(0, len(text)))
    broken = text[:at] + data.draw(st.sampled_from(["", ",", "]", "}", '"', "x", ":", " "])) + text[at + 1 :]
    assert outcome(broken, {"a": lambda _: lambda item: item}) == outcome(broken)


@pytest.mark.parametrize(
    "text",
    [
        *('{"a": [1, 2,]}', '{"a": [1 2]}', '{"a": [}', '{"a" [1]}', '{"a": [1], }', '{"a": [1]', '{"a": ['),
        *('{"a": [1], "a": [2]}', '{"b": {"c": 1, "c": 2}}', "{a: 1}", '{"a": [NaN]}', '{"a": [1e999]}'),
        *('{"a": [99999999999999999999]}', '{"a": []} x', "{}", "{", "", "[1", '\ufeff{"a": []}', '{"a": ["\n"]}'),
    ],
)
def test_each_kind_of_mistake(text: str) -> None:
    assert outcome(text, {"a": lambda _: lambda item: item}) == outcome(text)
