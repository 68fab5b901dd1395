"""Markdown for a forge: the only way by which text gets there.

A :class:`Markdown` is made by the functions of this module alone. Text of any origin is a plain word, or it stands
in a code span, where no renderer looks for links, names to notify, pictures, references or HTML.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.views.formatted_text import FormattedText, Untrusted
from reconciler.views.safe_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_SPAN: Final = 500
"""Characters of a text that are shown: one long name must not push everything else out of a comment."""

LONGEST: Final = 2_000
"""Characters of a sentence in which commands are looked for; of a longer one, the beginning is shown."""

_WORD: Final = r"[A-Za-z]+(?:['-][A-Za-z]+)*"
_NUMBER: Final = r"\d{1,3}(?:,\d{3})+|\d{1,6}(?:\.\d{1,6})?"
_PLAIN: Final = re.compile(rf"\(?(?:(?P<quote>['\"]?)(?:{_WORD})(?P=quote)|{_NUMBER})\)?[.,;:?!]?\)?")
_COMMIT: Final = re.compile(r"[0-9a-f]{7}", re.IGNORECASE)
"""What forges take for the short name of a commit; so may be a word (``defaced``), or the beginning of one."""
_LIST_ITEM: Final = re.compile(r"\d+[.)]")
_AROUND: Final = re.compile(r"(\(?)(.*?)(\)?[.,;:?!]?)", re.DOTALL)
"""Brackets and punctuation, and between them the text of a code span."""
_ARROW: Final = "->"
_PIPE: Final = re.compile(r"(?P<escaped>\\?)\|")


class Markdown(Struct, frozen=True):
    """A piece of a line in which nothing from outside is more than text."""

    source: str

    def __bool__(self) -> bool:
        return bool(self.source)


class Block(Struct, frozen=True):
    """Whole lines: a paragraph, a table, a list, or what is folded away."""

    source: str


ARROW: Final = Markdown("&rarr;")


def code(text: str) -> Markdown:
    """The text as it is, in a code span that it cannot leave; beyond 500 characters, how many there are more.

    A character that is written out counts as what it is written as, where it stands among the first 500.
    """
    safe = printable(text[:MAX_SPAN])  # as long as the text may be: the rest is only counted
    rest = len(safe) - MAX_SPAN + max(len(text) - MAX_SPAN, 0)
    shown = _span(safe[:MAX_SPAN])
    return Markdown(f"{shown} and {rest:,} characters more" if rest > 0 else shown)


def prose(sentence: str) -> Markdown:
    """A sentence whose commands stand between backticks, each as one code span; the beginning of a long text."""
    if len(sentence) > LONGEST:
        return code(sentence)
    parts = sentence.split("`")
    if len(parts) % 2 == 0 or "" in parts[1::2]:
        return text(sentence)
    return text(FormattedText(tuple(Untrusted(one) if n % 2 else one for n, one in enumerate(parts) if one)))


def text(sentence: str | FormattedText) -> Markdown:
    """A sentence: plain words as they are, and in code spans names and whatever is no plain word."""
    parts = sentence.parts if isinstance(sentence, FormattedText) else (sentence,)
    written = ""
    for piece in map(_part, parts):
        apart = " " if written.endswith("`") and piece.startswith("`") else ""
        written += apart + piece
    return Markdown(written.strip())


def strong(piece: Markdown) -> Markdown:
    """Emphasised."""
    return Markdown(f"**{piece.source}**")


def row(*pieces: Markdown, between: str = " ") -> Markdown:
    """Those pieces that hold anything, in one line."""
    return Markdown(between.join(piece.source for piece in pieces if piece))


def listed(pieces: Iterable[Markdown]) -> Markdown:
    """With commas between them."""
    return row(*pieces, between=", ")


def stacked(pieces: Iterable[Markdown]) -> Markdown:
    """One below the other in a cell."""
    return row(*pieces, between="<br>")


def paragraph(lines: Iterable[Markdown]) -> Block:
    """Lines that stay apart."""
    return Block("  \n".join(line.source for line in lines))


def table(head: Sequence[Markdown], rows: Iterable[Sequence[Markdown]]) -> Block:
    """A table."""
    return Block("\n".join(map(_table_row, (head, [Markdown("---")] * len(head), *rows))))


def bullets(items: Iterable[Markdown]) -> Block:
    """A list."""
    return Block("\n".join(f"- {item.source}" for item in items))


def folded(title: str, blocks: Iterable[Block], *, opened: bool) -> Block:
    """What a click shows, or hides where it is ``opened``. The title holds no name: no code span works there."""
    state = " open" if opened else ""
    summary = Block(f"<details{state}><summary>{html.escape(printable(title))}</summary>")
    return Block(document((summary, *blocks, Block("</details>"))).removesuffix("\n"))


def document(blocks: Iterable[Block]) -> str:
    """The whole text."""
    return "\n\n".join(block.source for block in blocks) + "\n"


def _part(part: str | Untrusted) -> str:
    if isinstance(part, Untrusted):
        return code(part.text).source
    inside = part.strip(" ")
    lead, trail = part.startswith(" "), part.endswith(" ") and inside
    return f"{' ' * lead}{' '.join(_sentence(inside)) if inside else ''}{' ' * bool(trail)}"


def _sentence(part: str) -> Iterator[str]:
    """Its plain words; the other words between them, in one code span."""
    strange: list[str] = []
    for number, token in enumerate(re.split(" +", part)):
        if _is_plain(token) and not (number == 0 and _LIST_ITEM.match(token)):
            yield from _spanned(strange)
            yield ARROW.source if token == _ARROW else token
            strange = []
        else:
            strange.append(token)
    yield from _spanned(strange)


def _is_plain(token: str) -> bool:
    return token == _ARROW or (_PLAIN.fullmatch(token) is not None and not _COMMIT.search(token))


def _spanned(tokens: Sequence[str]) -> Iterator[str]:
    """The tokens in a code span, without the brackets and the sign around them that belong to the sentence."""
    if tokens and (found := _AROUND.fullmatch(" ".join(tokens))):
        before, inside, after = found.groups()
        if after.startswith(")") and inside.count("(") > inside.count(")"):
            inside, after = f"{inside})", after[1:]
        yield f"{before}{code(inside).source if inside else ''}{after}"


def _span(inside: str) -> str:
    if not inside:
        return "(empty)"
    fence = "`" * (max(map(len, re.findall("`+", inside)), default=0) + 1)
    edges = inside[0] + inside[-1]
    gap = " " if "`" in edges or (edges == "  " and inside.strip(" ")) else ""
    return f"{fence}{gap}{inside}{gap}{fence}"


def _table_row(cells: Sequence[Markdown]) -> str:
    return f"| {' | '.join(_PIPE.sub(_escaped_pipe, cell.source) for cell in cells)} |"


def _escaped_pipe(found: re.Match[str]) -> str:
    """A cell ends at a ``|``; renderers differ about one that stands behind a backslash of its own."""
    return "\\\\x7c" if found["escaped"] else "\\|"
