"""What YAML may hold here, and where what it may not hold is reported."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.files import events
from reconciler.files.events import Document, Quoted, parse, strictly_parsed, text_problems
from reconciler.files.positions import read_positions


@pytest.fixture(params=["the C parser", "the Python parser"], autouse=True)
def _both_parsers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML has no C parser on some machines: both must read, and refuse, the same."""
    if request.param == "the Python parser":
        monkeypatch.delattr(yaml, "CLoader")
        monkeypatch.setattr(events, "_Loader", yaml.Loader)


def test_scalars_stay_the_text_that_was_written() -> None:
    parsed = parse(b"a: no\nb: 010\nc: 12:30:45\nd: 1.0\ne: 2026-01-01\nf: 'x'\n", "f")
    assert parsed.documents == (
        Document({"a": "no", "b": "010", "c": "12:30:45", "d": "1.0", "e": "2026-01-01", "f": "x"}, 1, 1, end=6),
    )


def test_quoted_text_is_told_from_plain_text() -> None:
    [document] = parse(b"- true\n- 'true'\n- \"~\"\n- ~\n- null\n-\n- |\n  x\n", "f").documents
    assert document.value == ["true", "true", "~", None, None, None, "x\n"]
    assert isinstance(document.value, list)
    assert [isinstance(value, Quoted) for value in document.value] == [False, True, True, *[False] * 3, True]


def test_documents_know_where_they_begin() -> None:
    parsed = parse(b"# first\na: 1\n---\n# nothing here\n---\n\n  b: 2\n---\n", "f")
    assert [(document.line, document.column) for document in parsed.documents] == [(2, 1), (7, 3)]
    assert not parsed.problems


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert parse(b"\xef\xbb\xbfa: 1\n", "f").documents[0].value == {"a": "1"}


FORBIDDEN = {
    "a key written twice": (b"a: 1\nb: {c: 1, c: 2}\n", "f:2:11: duplicate key 'c' (keep one of them)"),
    "an anchor": (
        b"a: &x 1\n",
        "f:1:4: anchors (&name) are not allowed (write the value instead)",
    ),
    "an anchor on a mapping": (
        b"a: &x {b: 1}\n",
        "f:1:4: anchors (&name) are not allowed (write the value instead)",
    ),
    "a tag": (b"a: !!python/name:os.system x\n", "f:1:4: tags (!name) are not allowed (remove the tag)"),
    "a key that is a list": (b"[a]: b\nc: d\n", "f:1:1: a key must be text (write 'key: value')"),
    "bytes that are not UTF-8": (
        "ok: 1\nü: ä\xff".encode("latin-1"),
        "f:2:1: not valid UTF-8 (save the file as UTF-8)",
    ),
    "text in UTF-16": ("a: 1".encode("utf-16"), "f:1:1: not valid UTF-8 (save the file as UTF-8)"),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_is_forbidden_is_reported_where_it_stands(case: str) -> None:
    data, expected = FORBIDDEN[case]
    assert [str(problem) for problem in parse(data, "f").problems] == [expected]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a: 1\n\tb: 2\n", "f:2:1"),
        (b"a: b: c\n", "f:1:5"),
        (b"a: [1\nb: 2\n", "f:2:2"),
        (b"a: 'x\n", "f:2:1"),
        ("a: 1\nb: \ufffe\n".encode(), "f:2:4"),
        ("ü: 1\nä: \uffff\n".encode(), "f:2:4"),
    ],
)
def test_broken_yaml_is_reported_where_it_breaks(data: bytes, place: str) -> None:
    [problem] = parse(data, "f").problems
    assert str(problem).startswith(f"{place}: not valid YAML: ")


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"a: b: c\n", "text that contains ': ' needs quotes"),
        (b"tenant: a\ntier: free\n  protect: true\n", "indent this key like the other keys of its mapping"),
        (b"a: 1\n\tb: 2\n", "indent with spaces, not tabs; put text with special characters in quotes"),
    ],
)
def test_a_syntax_error_has_the_remedy_of_its_cause(data: bytes, hint: str) -> None:
    [problem] = parse(data, "f").problems
    assert problem.hint == hint


def test_documents_before_a_syntax_error_are_kept() -> None:
    parsed = parse(b"tenant: a\n---\ntenant: [b\n", "f")
    assert [document.value for document in parsed.documents] == [{"tenant": "a"}]
    assert len(parsed.problems) == 1


def test_an_alias_leaves_its_document_incomplete() -> None:
    parsed = parse(b"a: &x 1\nb: *x\nc: 2\n", "f")
    assert [problem.location.line for problem in parsed.problems] == [1, 2]
    assert [(document.value, document.complete) for document in parsed.documents] == [
        ({"a": "1", "c": "2"}, False)
    ]


def test_an_alias_may_stand_anywhere_without_confusing_the_rest() -> None:
    for data in (b"*x", b"- *x\n- 1\n", b"*x : 1\nb: 2\n", b"? [a, *x]\n: {c: *x}\nb: 2\n"):
        parsed = parse(data, "f")
        assert parsed.problems
        assert all(not document.complete for document in parsed.documents)


def test_nesting_has_an_end() -> None:
    assert not parse(b"[" * 32 + b"]" * 32, "f").problems
    [problem] = parse(b"[" * 33 + b"]" * 33, "f").problems
    assert str(problem) == "f:1:33: nested more than 32 levels deep"
    assert parse(b"[" * 100_000, "f").problems == (problem,)


def test_every_key_and_value_has_a_place() -> None:
    [first, second] = read_positions(b"a: 1\nb:\n  - x\n  - {c: y}\n---\nd: 2\n")
    assert first.place(("a",), at_key=True) == (1, 1)
    assert first.place(("a",)) == (1, 4)
    assert first.place(("b", 0)) == (3, 5)
    assert first.place(("b", 1, "c")) == (4, 9)
    assert second.place(("d",)) == (6, 4)


def test_what_is_missing_stands_where_the_thing_around_it_stands() -> None:
    [positions] = read_positions(b"a:\n  b: 1\n")
    assert positions.place(("a", "c"), at_key=True) == (1, 1)
    assert positions.place(("a", "b", "c", 3)) == (2, 3)
    assert positions.place(("x",)) == (1, 1)


TEXTS = (
    b"# Tenant acme.\ntenant: acme\ntier: free\nlabels: {plan: no, 'size': 010}\noverrides:\n  quota: {a: 6GiB}\n",
    b"tenant: zoe\nsnapshots:\n  - v1\n  - {name: v2, at: 2026-01-01}\ndev_branches: []\n---\n---\ntenant: b\n",
    b'a: |\n  text\n\n  more\nb: >-\n  folded\nc: "x: y"\n? d\n: ~\n',
)
PIECES = (
    *(b"a: 1\n", b"- ", b"&a ", b"*a ", b"!t ", b"!!str ", b"{", b"}", b"[", b"]", b"\n", b"---\n", b"...\n"),
    *(
        b"'",
        b'"',
        b"#",
        b"? ",
        b": ",
        b"|",
        b"~",
        b"null",
        b"\t",
        b"  ",
        b"%YAML 1.1\n",
        b",",
        b"<<: ",
        b"tier: x\n",
    ),
    *("\u00e9: 1\n".encode(), "e\u0301: 1\n".encode(), b"[" * 40),
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.sampled_from(PIECES)), max_size=4)


def edited(text: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """The text with some bytes replaced."""
    for place, length, piece in edits:
        at = int(place * len(text))
        text = text[:at] + piece + text[at + length :]
    return text


def kinds(value: Any) -> Any:
    """The value with what it is."""
    if isinstance(value, dict):
        return [(key, kinds(member)) for key, member in value.items()]
    return [kinds(one) for one in value] if isinstance(value, list) else (type(value), value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.sampled_from(TEXTS), EDITS)
@example(TEXTS[0], [(0.0, 0, b"- [a, b]\n- {? [a] : 1}\n---\n")])
def test_the_quick_loop_reads_what_the_strict_builder_reads(
    text: bytes, edits: list[tuple[float, int, bytes]]
) -> None:
    data = edited(text, edits)
    if not text_problems(data, "f"):
        quick, strict = parse(data, "f"), strictly_parsed(data, "f")
        assert quick == strict
        assert [kinds(one.value) for one in quick.documents] == [kinds(one.value) for one in strict.documents]


def test_an_ordinary_text_takes_the_quick_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "strictly_parsed", lambda *_: pytest.fail("the strict builder was asked"))
    for text in TEXTS:
        assert parse(text, "f").documents
