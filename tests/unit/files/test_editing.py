"""A change in place leaves every other character of a file as it was, in whatever style the file is written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import InvalidInputError
from reconciler.files.editing import Changes, changed, written
from reconciler.files.events import parse

if TYPE_CHECKING:
    from reconciler.model.values import Json

SUSPENDED = Changes({"state": "suspended", "reason": "payment: overdue"})
RESUMED = Changes({"state": None, "reason": None})
BOOST: Json = {"quota": {"active_time": "unlimited"}, "until": "2030-06-01T00:00:00Z", "reason": "a, b"}

BLOCK = """\
# Why this tenant is special.
tenant: acme
tier: pro   # paying

overrides:
  quota: {data_transfer: 80GiB}   # more traffic

# The end.
"""
FLOW = "{tenant: acme, tier: pro, labels: {a: b}}  # hobby\n"
OTHERS = f"tenant: first\ntier: free\n---\n{BLOCK}---\ntenant: last\ntier: free\n"
STYLES = {
    "a block mapping": (BLOCK, 2, 1),
    "one without a line break at the end": ("tenant: acme\ntier: pro", 1, 1),
    "one with the line ends of Windows": (BLOCK.replace("\n", "\r\n"), 2, 1),
    "one that ends with a block scalar": (
        "tenant: acme\ntier: pro\nlabels:\n  note: |\n    two\n    lines\n\n",
        1,
        1,
    ),
    "one that ends with a list": ("tenant: acme\ntier: pro\nsnapshots:\n- a\n# last\n- b\n\n# end\n", 1, 1),
    "a flow mapping": (FLOW, 1, 1),
    "a flow mapping over lines": ("{\n  tenant: acme,   # the name\n  tier: pro,\n}\n", 1, 1),
    "one document of several": (OTHERS, 5, 1),
    "one after a mark": ("--- # first\ntenant: acme\ntier: pro\n...\n", 2, 1),
    "names beyond ASCII": ("tenant: acme\nlabels: {größe: \U0001f418, b: c}\ntier: pro\n", 1, 1),
}


def document(text: str) -> Any:
    """The tenant's document."""
    found = [one.value for one in parse(text.encode(), "").documents]
    return next(one for one in found if isinstance(one, dict) and one["tenant"] == "acme")


@pytest.mark.parametrize("style", STYLES)
class TestAFile:
    def test_gets_keys_and_loses_them_again(self, style: str) -> None:
        text, line, column = STYLES[style]
        edited = changed(text, line, column, SUSPENDED)
        assert document(edited) == {**document(text), "state": "suspended", "reason": "payment: overdue"}
        assert changed(edited, line, column, RESUMED) == text

    def test_gets_another_value_of_a_key(self, style: str) -> None:
        text, line, column = STYLES[style]
        edited = changed(text, line, column, Changes({"tier": "free"}))
        assert document(edited) == {**document(text), "tier": "free"}

    def test_gets_entries_of_a_list(self, style: str) -> None:
        text, line, column = STYLES[style]
        once = changed(text, line, column, Changes({}, {"boosts": BOOST}))
        twice = changed(once, line, column, Changes({}, {"boosts": BOOST}))
        assert document(twice)["boosts"] == [BOOST, BOOST]
        assert changed(twice, line, column, Changes({"boosts": None})) == text


def test_a_list_in_block_style_keeps_its_comments_and_its_indent() -> None:
    boosts = "boosts:\n    # the launch\n    - until: x   # soon\n      quota: {a: 1h}\n\n    # none\n"
    text = f"tenant: acme\n{boosts}tier: pro\n"
    edited = changed(text, 1, 1, Changes({}, {"boosts": BOOST}))
    added = f"    - {written(BOOST)}\n"
    assert edited == text.replace("      quota: {a: 1h}\n", f"      quota: {{a: 1h}}\n{added}")


def test_a_comment_behind_a_value_stays() -> None:
    edited = changed("tenant: acme\ntier: pro  # paying\n", 1, 1, Changes({"tier": "free"}))
    assert edited == "tenant: acme\ntier: free  # paying\n"


@pytest.mark.parametrize("word", ["null", "NULL", "no", "On", "true"])
def test_a_text_that_readers_take_for_something_else_is_quoted(word: str) -> None:
    text = written({"labels": {word: word}})
    assert text == f'{{labels: {{"{word}": "{word}"}}}}'


def test_a_line_of_json_stays_json() -> None:
    text = '{"tenant": "acme",  "tier":"pro"}'
    edited = changed(text, 1, 1, SUSPENDED, as_json=True)
    assert edited == '{"tenant": "acme",  "tier":"pro", "state": "suspended", "reason": "payment: overdue"}'
    assert json.loads(changed(edited, 1, 1, Changes({}, {"boosts": BOOST}), as_json=True))["boosts"] == [BOOST]
    assert changed(edited, 1, 1, RESUMED, as_json=True) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tenant: acme\ntier: [", "not valid YAML"),
        ("tenant: &a acme\nlabels: {x: *a}\n", "alias"),
        ("- tenant: acme\n", "line 1 does not begin a tenant's document"),
        ("tenant: acme\nstate: a\nstate: b\n", "cannot be changed in place"),
    ],
)
def test_what_cannot_be_changed_in_place_is_refused(text: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told) as raised:
        changed(text, 1, 1, SUSPENDED)
    assert raised.value.hint == "edit the file by hand"


texts = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cf"])
)


@given(texts.filter(lambda text: text.strip()), st.sampled_from(sorted(STYLES)))
def test_any_reason_is_written_so_that_it_is_read_again(reason: str, style: str) -> None:
    text, line, column = STYLES[style]
    try:
        edited = changed(text, line, column, Changes({"reason": reason}))
    except InvalidInputError:
        return  # a character that no file may contain
    assert document(edited)["reason"] == reason
    assert changed(edited, line, column, RESUMED) == text
