"""Lines are laid out as rich lays out text, for terminals and for text files alike."""

from __future__ import annotations

import io
from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text  # noqa: TID251 - what breaks lines for comparison

from reconciler.views.console import as_text
from reconciler.views.terminal import CommaList, Line, Piece, UnbrokenLine, paragraph, styled

WORDS: Final = st.sampled_from(["a", "bc", "word", "x" * 30, "x" * 70, "日本", "é\u0301", "🙂", " ", "\t", "\x00"])
TEXTS: Final = st.lists(WORDS, max_size=30).map(" ".join)
WIDTHS: Final = st.sampled_from([24, 30, 41, 80, 100])


@given(TEXTS, TEXTS, WIDTHS)
def test_a_paragraph_breaks_where_rich_breaks_it(one: str, two: str, width: int) -> None:
    body = styled(one, "bold") + styled(two, "red")
    wrapped = Text(body.plain).wrap(Console(width=width), width)
    expected = "".join(f"{line.plain.rstrip()}\n" for line in wrapped)
    assert as_text(Line(styled(""), body), width) == (expected or "\n")


@given(TEXTS, TEXTS, st.lists(TEXTS, min_size=1, max_size=6), WIDTHS)
def test_a_terminal_shows_the_lines_of_a_text_file(lead: str, body: str, items: list[str], width: int) -> None:
    pieces: list[Piece] = [
        Line(styled(lead), styled(body), 2),
        CommaList(styled(lead), tuple(items), 2),
        UnbrokenLine(styled(body)),
    ]
    for piece in pieces:
        file = io.StringIO()
        Console(file=file, width=width, highlight=False).print(piece, crop=False)
        assert file.getvalue() == as_text(piece, width)


def test_a_style_goes_on_after_a_break() -> None:
    body = styled("one two ", "red") + styled("three", "bold")
    assert [piece.parts for piece in body.divided([4, 10])] == [
        (("one ", "red"),),
        (("two ", "red"), ("th", "bold")),
        (("ree", "bold"),),
    ]
    assert paragraph("a  ").body.trimmed() == styled("a")
