"""How templates become a page: every text is escaped, and no name can run, load or hide anything."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reconciler.views.safe_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

STYLE: Final = "style.css"
SCRIPTS: Final = ("found.js", "drawn.js", "page.js")
"""One script, in this order."""
SHORTEST_PIECE: Final = 64
"""Expressions that are written at once."""


def pages(template: str, *, data: Iterator[Markup], **values: Any) -> Iterator[str]:
    """The page that a template makes of these values, piece by piece. ``data`` are those of its script."""
    environment = _environment()
    static = {"style": _file(STYLE), "script": _script(), "policy": _policy()}
    stream = environment.get_template(template).stream(**static, data=data, **values)
    stream.enable_buffering(SHORTEST_PIECE)
    return iter(stream)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reconciler.views.html"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: Any) -> Any:
    """Text from outside as in every format: what steers or is not seen is written out."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _file(name: str) -> Markup:
    """The style sheet or a script, which are part of this program."""
    environment = _environment()
    assert environment.loader is not None  # noqa: S101 - for the type checker
    return Markup(environment.loader.get_source(environment, name)[0])  # noqa: S704 - a file of this program


@cache
def _script() -> Markup:
    return Markup("\n").join(map(_file, SCRIPTS))


@cache
def _policy() -> str:
    """The content security policy: this script is run, this style sheet is used, and nothing else."""
    style, script = (_digest(text) for text in (_file(STYLE), _script()))
    allowed = f"script-src '{script}'; style-src '{style}'; img-src data:"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
