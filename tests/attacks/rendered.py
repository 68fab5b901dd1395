"""Markdown as a forge renders it, searched for what a reader could click, see or be called by."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib import import_module
from typing import Any, Final

_RENDERER: Any = import_module("cmarkgfm")
"""The renderer, which has no types."""
OURS: Final = {
    *("p", "br", "hr", "ul", "ol", "li", "strong", "em", "code", "pre"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
}
"""What our Markdown is made of."""
_ATTRIBUTES: Final = frozenset(
    {("details", "open"), ("th", "align"), ("td", "align"), ("code", "class"), ("pre", "lang")}
)
_CALLING: Final = re.compile(r"(?<![\w`/])@[A-Za-z0-9][\w-]*|(?<!\w):[a-z][a-z0-9_+-]*:|(?<![\w&])(?:#|GH-)\d+\b")
"""What GitHub makes of text after it is rendered: mentions, pictures by name, references to issues."""


class _Search(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._code = 0
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in OURS:
            self.found.append(f"<{tag}>")
        self.found += [f"<{tag} {name}>" for name, _ in attrs if (tag, name) not in _ATTRIBUTES]
        self._open.append(tag)
        self._code += tag in ("code", "pre")

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag in ("code", "pre")
        if tag not in self._open:
            self.found.append(f"</{tag}>")
        else:
            self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.found += _CALLING.findall(data)

    def handle_comment(self, data: str) -> None:
        if data.strip():  # one that is empty keeps two signs apart
            self.found.append(f"<!--{data[:40]}")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"<!{decl[:40]}")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"<?{data[:40]}")


def foreign(markdown: str) -> list[str]:
    """Links, pictures, mentions and HTML that are not ours, in the order in which they stand."""
    search = _Search()
    search.feed(_html(markdown))
    search.close()
    return search.found


def _html(markdown: str) -> str:
    html: str = _RENDERER.github_flavored_markdown_to_html(markdown, _RENDERER.cmark.Options.CMARK_OPT_UNSAFE)
    return html
