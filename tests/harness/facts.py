"""The numbers and names that an output tells: what one format says, the others have to say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from reconciler.documents.reader import parse_saved_plan
from reconciler.model.units import format_seconds, roughly_bytes, roughly_seconds
from reconciler.model.values import replace
from reconciler.plan.actions.project import CreateProject
from reconciler.views.console import as_text
from reconciler.views.formats import formats_of, render
from reconciler.views.sentences import duration
from reconciler.views.values import worded
from reconciler.views.view import DriftView, PlanView
from tests.unit.views.rendered import html_of

if TYPE_CHECKING:
    from reconciler.plan.plan import Plan
    from reconciler.views.view import View

WIDTH: Final = 100_000
"""No line of text is broken."""
_AROUND: Final = "()[],;:.'\"`|"
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(?::\d\d)?(?:Z| UTC)")
_ONE_WORD: Final = re.compile(r"\S*\w\S*")
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_MORE: Final = re.compile(r"\band ([\d,]+) more\b")
_READ_ON: Final = re.compile(r"rules: docs/safety\.md#rules|\(--full shows all\)|Journal: \S+")
"""What text alone tells, or text and pages: where to read on."""
OF_FILES: Final = {"made_at": "2026-01-01T00:00:00Z", "commit": None, "base": None}
"""What a saved plan has, and a drift report does not."""


def lacking(view: View) -> dict[str, list[str]]:
    """What text says of a view and another format does not, by format."""
    text = rendered(view, "text")
    others = {row.name for row in formats_of(type(view).__name__)}
    found = {} if isinstance(view, PlanView | DriftView) else {"json": of_json(rendered(view, "json"))}
    found |= {name: of(rendered(view, name)) for name, of in _PAGES.items() if name in others}
    names = names_of(json.loads(rendered(view, "json")))
    told = {name: sorted(facts(text, names) - facts(other, names)) for name, other in found.items()}
    if isinstance(view, PlanView | DriftView):
        told["json"] = sorted(set(text.splitlines()) ^ set(_read_back(view).splitlines()))
    return {name: words for name, words in told.items() if words}


def facts(text: str, names: frozenset[str]) -> frozenset[str]:
    """The words with a digit in them, and those that are names. How many more there are is said of what is cut."""
    line = " ".join(text.split())
    bare = _MORE.sub("", _READ_ON.sub("", _MOMENT.sub(r"\1T\2", line)))
    words = (word.strip(_AROUND) for word in bare.split())
    return frozenset(word for word in words if word in names or any(map(str.isdigit, word)))


def names_of(document: Any) -> frozenset[str]:
    """The texts of a JSON document that are one word."""
    return frozenset(one for one in _values(document) if isinstance(one, str) and _ONE_WORD.fullmatch(one))


def rendered(view: View, name: str) -> str:
    """The view in a format, in lines that are not broken."""
    found = render(view, name)
    if isinstance(found, Iterator):
        return "".join(found)
    return found if isinstance(found, str) else as_text(found, WIDTH)


def _read_back(view: PlanView | DriftView) -> str:
    """The text of what the JSON document says: it says all that the text says if that is the same."""
    document = json.loads(rendered(view, "json"))
    if isinstance(view, PlanView):
        plan = parse_saved_plan(json.dumps(document).encode(), "the document").plan
        return rendered(replace(view, plan=plan), "text")
    empty: dict[str, Any] = {"unmanaged": [], "file_changes": [], "waiting": []}
    whole = {**document, **OF_FILES, **empty, "kind": "plan"}
    plan = parse_saved_plan(json.dumps(whole).encode(), "the document").plan
    return rendered(DriftView(_with_new_values(plan, view.plan)), "text")


def _with_new_values(plan: Plan, known: Plan) -> Plan:
    """The plan with the values of new projects: a drift report tells none of them, in no format."""
    created = {one.tenant: one.changes for one in known.actions if isinstance(one, CreateProject)}
    tenants = (
        replace(
            tenant,
            actions=tuple(
                replace(one, changes=created[one.tenant]) if isinstance(one, CreateProject) else one
                for one in tenant.actions
            ),
        )
        for tenant in plan.tenants
    )
    return replace(plan, tenants=tuple(tenants))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - HTMLParser's
        self._hidden = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - HTMLParser's
        self._hidden = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)


def of_html(page: str) -> str:
    """The text of a page without script. A block names its first tenant, and how many more there are."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    text = " ".join(reader.texts)
    return " ".join((text, *(f"{int(found.replace(',', '')) + 1:,}" for found in _MORE.findall(text))))


def of_markdown(markdown: str) -> str:
    """The text of Markdown, as GitHub's renderer shows it."""
    return of_html(html_of(markdown))


def of_junit(xml: str) -> str:
    """The names, failures and outputs of JUnit XML."""
    suites = ElementTree.fromstring(xml)  # noqa: S314 - made here
    return " ".join((*suites.itertext(), *(value for one in suites.iter() for value in one.attrib.values())))


def of_annotations(commands: str) -> str:
    """The places, titles and messages of workflow commands, as GitHub decodes them."""
    codes = {"%25": "%", "%0A": "\n", "%0D": "\r", "%3A": ":", "%2C": ","}
    return re.sub("|".join(codes), lambda code: codes[code[0]], commands).replace("::", " ")


def of_sarif(text: str) -> str:
    """The values of a SARIF document, each place as ``file:line``."""
    document = json.loads(text)
    places = (
        f"{one['artifactLocation']['uri']}:{one['region']['startLine']}:{one['region']['startColumn']}"
        for one in _parts(document)
        if isinstance(one, dict) and "artifactLocation" in one
    )
    return " ".join((*map(str, _values(document)), *places))


_PAGES: Final = {"markdown": of_markdown, "html": of_html, "junit": of_junit}


def of_json(text: str) -> str:
    """The values of a JSON document in the words of the other formats, and how many members its lists have."""
    document = json.loads(text)
    return " ".join((*map(_word, _values(document)), *(word for one in _parts(document) for word in _words(one))))


def _word(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _parts(document: Any) -> Iterator[Any]:
    """Every object and list in a document."""
    if isinstance(document, dict | list):
        yield document
        for one in document.values() if isinstance(document, dict) else document:
            yield from _parts(one)


def _values(document: Any) -> Iterator[object]:
    """Every value that is neither object nor list."""
    for part in _parts(document):
        members = part.values() if isinstance(part, dict) else part
        yield from (one for one in members if not isinstance(one, dict | list))


def _words(part: Any) -> Iterator[str]:
    """What the other formats make of an object or a list."""
    if isinstance(part, list):
        yield f"{len(part):,}"
        return
    if isinstance(part.get("path"), str):
        values = (part.get(name) for name in ("before", "after"))
        yield from (worded(part["path"], value) for value in values if not isinstance(value, dict | list))
    if {"file", "line"} <= part.keys():
        yield f"{part['file']}:{part['line']}"
    if isinstance(part.get("quota"), str):
        roughly = roughly_bytes if part["quota"].endswith("_bytes") else roughly_seconds
        yield from (roughly(part[name]) for name in ("used", "limit") if part[name] is not None)
    yield from (f"{part[name]}%" for name in ("percent",) if part.get(name) is not None)
    yield from (format_seconds(part[name]) for name in ("idle_seconds",) if part.get(name) is not None)
    yield from (f"{at[:10]} {at[11:16]}" for at in part.values() if isinstance(at, str) and _STAMP.match(at))
    if {"started_at", "finished_at"} <= part.keys():
        began, ended = (datetime.fromisoformat(part[name]) for name in ("started_at", "finished_at"))
        yield duration((ended - began).total_seconds())
