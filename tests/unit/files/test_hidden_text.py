"""Signs that a review does not show as what they are stand in no file, whatever they would do there."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Final

import pytest

from reconciler.files.hidden_text import MOST_REPORTED, has_hidden, hidden_text_problems
from reconciler.files.load import parse_tenants
from tests.unit.files.builders import TIERS, load_files, said
from tests.unit.files.test_load import desired

if TYPE_CHECKING:
    from pathlib import Path

LINES: Final = f"{TIERS}tenants: [{{ndjson: fleet.ndjson}}]\n"
BREAKS: Final = "\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029"
SIGNS: Final = (
    f"{BREAKS}\x00\x07\x1b\x1f\x7f\x9b"
    "\u061c\u200e\u200f\u202a\u202e\u2066\u2069"
    "\u200b\u200c\u200d\u2060\u2063\ufeff\u00ad\u034f\u180e\u206a"
    "\u115f\u3164\u2800\uffa0\ufff9\ufffb\ufe00\U000e0061\U000e0100\U000e0001"
)


def shown(sign: str) -> str:
    return f"U+{ord(sign):04X}"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("tenant: acme\ntier: free  # keep{}state: absent\n", "2:19"),
        ("tenant: acme\nlabels: {{team: 'a{}b'}}\ntier: free\n", "2:18"),
        ("tenant: acme\nti{}er: free\n", "2:3"),
        ("tenant: acme\ntier: free\n{}", "3:1"),
    ],
    ids=["in a comment", "in a string", "in a key", "at the end"],
)
def test_no_such_sign_stands_in_a_tenants_file(tmp_path: Path, text: str, place: str) -> None:
    files = {f"tenants/acme-{ord(sign):04x}.yaml": sign for sign in SIGNS}
    loaded = load_files(tmp_path, {name: text.format(sign) for name, sign in files.items()})
    assert loaded.desired is None
    for name, sign in files.items():
        problem = next(problem for problem in loaded.problems if str(problem).startswith(f"{tmp_path}/{name}:"))
        assert str(problem).startswith(f"{tmp_path}/{name}:{place}: U+{ord(sign):04X} (")
        assert problem.hint


@pytest.mark.parametrize("sign", SIGNS, ids=shown)
def test_nor_in_the_price_list_a_line_or_a_document(tmp_path: Path, sign: str) -> None:
    told = f"U+{ord(sign):04X} ("
    loaded = load_files(tmp_path, {}, tiers=f"{TIERS}# a comment {sign} x\n")
    assert said(loaded, tmp_path)[0].startswith(f"tiers.yaml:25:13: {told}")
    line = f'{{"tenant": "acme",{sign}"tier": "free"}}'
    loaded = load_files(tmp_path, {"fleet.ndjson": f"\n{line}\n"}, tiers=LINES)
    assert said(loaded, tmp_path)[0].startswith(f"fleet.ndjson:2:19: {told}")
    fleet = desired(load_files(tmp_path, {"fleet.ndjson": '{"tenant": "b", "tier": "free"}'}, tiers=LINES))
    for text, place in ((line, "1:19"), (f"[\n{line}]", "2:19"), (f"tenant: acme\ntier: free # {sign}", "2:14")):
        (problem, *_) = parse_tenants(text, "<stdin>", fleet).problems
        assert str(problem).startswith(f"<stdin>:{place}: {told}")


@pytest.mark.parametrize(
    "escape", ["\\u2028", "\\u0085", "\\u200b", "\\ufe0f", "\\u3164", "\\u00a0", "\\ud83d\\udc4d\\ufe0f"]
)
def test_an_escape_is_seen_but_makes_no_name(tmp_path: Path, escape: str) -> None:
    named = json.loads(f'"a{escape}b"')
    yaml = f'tenant: acme\ntier: pro\ndev_branches: ["a{escape}b"]\n'
    if "\\ud83d" not in escape:
        assert "cannot be printed" in str(load_files(tmp_path, {"tenants/acme.yaml": yaml}).problems)
    assert has_hidden(named)
    line = f'{{"tenant": "acme", "tier": "pro", "dev_branches": ["a{escape}b"]}}'
    assert "cannot be printed" in str(load_files(tmp_path, {"fleet.ndjson": line}, tiers=LINES).problems)


@pytest.mark.parametrize(
    "text",
    [
        "\ufefftenant: acme\ntier: free\n",
        "tenant: acme\r\ntier: free\r\n",
        "# ❤\ufe0f Grüße 漢字\u3000かな naïve\u00a0: ﷽\ntenant: acme\ntier: free\n",
        "tenant: acme\ntier: free\t# a tab\n",
        'tenant: acme\ntier: free\nlabels: {note: "a\\u2028b"}\n'.replace("\\u2028", "\\t"),
    ],
    ids=["a byte order mark", "lines of Windows", "other scripts", "a tab", "an escape"],
)
def test_what_a_review_shows_is_read(tmp_path: Path, text: str) -> None:
    assert hidden_text_problems(text, "f") == ()
    loaded = load_files(tmp_path, {"tenants/acme.yaml": text.replace('labels: {note: "a\\tb"}\n', "")})
    assert list(desired(loaded).tenants) == ["acme"]


def test_lines_of_windows_are_read_as_json_too(tmp_path: Path) -> None:
    line = '{"tenant": "acme", "tier": "free"}\r\n'
    assert list(desired(load_files(tmp_path, {"fleet.ndjson": line}, tiers=LINES)).tenants) == ["acme"]


@pytest.mark.parametrize("space", "\u00a0\u2003\u202f\u3000", ids=shown)
def test_an_exotic_space_is_no_indentation(tmp_path: Path, space: str) -> None:
    loaded = load_files(tmp_path, {"tenants/acme.yaml": f"tenant: acme\n {space}state: absent\ntier: free\n"})
    name = unicodedata.name(space)
    told = f"tenants/acme.yaml:2:2: U+{ord(space):04X} ({name}) is not allowed as indentation (indent with spaces)"
    assert said(loaded, tmp_path)[0] == told


def test_a_file_full_of_them_makes_a_bounded_number_of_problems() -> None:
    problems = hidden_text_problems("\u2028" * 100_000 + "\n\u00a0" * 100_000, "f")
    assert len(problems) <= 2 * MOST_REPORTED


def test_every_sign_that_unicode_lets_a_reader_ignore_is_known() -> None:
    """But for format characters that are drawn: of Arabic, Syriac, Kaithi and Egyptian."""
    drawn = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13456)}
    ignored = [
        chr(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zl", "Zp"} and code not in drawn
    ]
    assert [sign for sign in ignored if not has_hidden(sign)] == []
    raw = [sign for sign in ignored if sign not in "\t\n"]
    assert [sign for sign in raw if not hidden_text_problems(f"a{sign}b", "f")] == []
