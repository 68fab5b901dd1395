"""An HTML page as a reader, a browser and a screen reader take it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "br", "rect", "line", "img", "input"})


@dataclass
class Element:
    """A start tag with its attributes, and the text inside; a script and a style are no text of what is around."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""
    inside: list[Element] = field(default_factory=list)

    def all(self, tag: str) -> list[Element]:
        """The elements of a tag within, in their order."""
        return [found for one in self.inside for found in ([one] * (one.tag == tag) + one.all(tag))]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("document", {})]
        self.errors: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        if len(element.attributes) != len(attrs):
            self.errors.append(f"<{tag}> has an attribute twice")
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].inside.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:  # a browser writes <rect></rect>
            return
        if self.open[-1].tag != tag:
            self.errors.append(f"</{tag}> closes <{self.open[-1].tag}>")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        unseen = self.open[-1].tag in {"script", "style"}
        for element in self.open[-1:] if unseen else self.open:
            element.text += data


def read_page(text: str) -> Element:
    """The page. Fails if a tag is left open or closes another one."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.errors == []
    assert [one.tag for one in reader.open] == ["document"]
    return reader.open[0]


def elements(page: Element) -> list[Element]:
    """All elements, in their order."""
    return [found for one in page.inside for found in (one, *elements(one))]


def check_harmless(page: Element) -> None:
    """Only the page's own script runs, nothing is loaded, and no link leads elsewhere."""
    for one in elements(page):
        assert one.tag not in {"iframe", "object", "embed", "img", "form", "base", "audio", "video"}
        for name, value in one.attributes.items():
            assert not name.startswith("on"), name
            assert name not in {"src", "srcset", "style", "action", "formaction", "background"}, name
            if name in {"href", "xlink:href"}:
                assert value is not None
                assert value == "data:," or re.fullmatch(r"#[a-z-]+", value), value
    (style,) = page.all("style")
    data, script = page.all("script")
    assert data.attributes == {"type": "application/json", "id": "data"}
    assert not script.attributes
    json.loads(data.text)
    assert not set(data.text) & set("<>&")
    policy = next(one for one in page.all("meta") if "http-equiv" in one.attributes).attributes["content"]
    allowed = f"script-src '{_digest(script.text)}'; style-src '{_digest(style.text)}'; img-src data:"
    assert policy == f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    assert "url(" not in style.text
    assert "@import" not in style.text


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def check_readable(page: Element) -> None:
    """What a screen reader needs: a language, one main heading, names of tables, columns, drawings and regions."""
    (html,) = page.all("html")
    assert html.attributes["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == 1
    ids = [one.attributes["id"] for one in elements(page) if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    for one in elements(page):
        target = one.attributes.get("href") or ""
        assert not target.startswith("#") or target[1:] in ids, target
        assert one.attributes.get("aria-labelledby") in {None, *ids}
    for table in page.all("table"):
        assert table.all("caption")[0].text
        assert all(cell.attributes.get("scope") in {"col", "row"} for cell in table.all("th"))
        assert all(cell.text.strip() for cell in table.all("th"))
    for drawing in page.all("svg"):
        assert drawing.attributes["role"] == "img"
        assert drawing.attributes["aria-label"]
    for one in elements(page):
        if "tabindex" in one.attributes:
            assert one.attributes["role"] == "region"
            assert one.attributes["aria-label"]
