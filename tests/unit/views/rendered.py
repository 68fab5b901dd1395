"""A comment as the renderer of GitHub shows it: which elements there are, and what is text outside of code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

import cmarkgfm
from cmarkgfm.cmark import Options

EXTENSIONS: Final = ["table", "autolink", "strikethrough", "tagfilter", "tasklist"]
EMPTY_ELEMENTS: Final = frozenset({"br"})
OURS: Final = frozenset(
    ["p", "br", "strong", "code", "details", "summary", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"]
)
"""All that a comment of ours consists of."""

ACTIVE: Final = re.compile(
    r"""@[\w-]                          # somebody is notified
      | (?<!\w):[\w+-]+:                # a picture
      | \#\d | \bGH-\d | \b[0-9a-f]{7}  # an issue, a commit
      | :// | \bwww\. | \w@\w           # a link
      | [`*_~\[\]<>|$\\]                # what has a meaning to some renderer""",
    re.IGNORECASE | re.VERBOSE,
)
"""What forges make more of than text, after they have rendered Markdown: in text nodes outside of code."""


@dataclass
class Comment(HTMLParser):
    """The elements of a comment and the texts in them."""

    elements: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str | None]] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    """The content of each code span."""
    prose: list[str] = field(default_factory=list)
    """Each text outside of code."""
    declarations: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs
        if tag == "code":
            self.code.append("")
        if tag not in EMPTY_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.code[-1] += data
        elif data.strip():
            self.prose.append(data)

    def handle_comment(self, data: str) -> None:
        self.declarations.append(data)

    def handle_decl(self, decl: str) -> None:
        self.declarations.append(decl)

    def handle_pi(self, data: str) -> None:
        self.declarations.append(data)

    def unknown_decl(self, data: str) -> None:
        self.declarations.append(data)


def html_of(markdown: str) -> str:
    """What GitHub's renderer makes of it, raw HTML left in as GitHub does."""
    return str(cmarkgfm.markdown_to_html_with_extensions(markdown, Options.CMARK_OPT_UNSAFE, EXTENSIONS))


def rendered(markdown: str) -> Comment:
    """The comment, all of whose elements are closed where they were opened."""
    comment = Comment()
    comment.feed(html_of(markdown))
    comment.close()
    assert not comment.open
    return comment


def shape(comment: Comment) -> list[str]:
    """Its elements in their order, but for code spans: how many of them a sentence has depends on its words."""
    return [element for element in comment.elements if element != "code"]


def only_text(comment: Comment) -> bool:
    """Whether it has no element but ours, and nothing outside of code that a forge makes more of than text."""
    return (
        set(comment.elements) <= OURS
        and set(comment.attributes) <= {("open", ""), ("open", None)}
        and not comment.declarations
        and not any(ACTIVE.search(text) for text in comment.prose)
    )
