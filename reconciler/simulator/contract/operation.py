"""One operation of the description: what may be asked of it, and what it may answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from reconciler.simulator.contract.strict import Finding, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.simulator.contract.strict import Checker

BOOLEANS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value in the path or the query of a request; ``kind`` is its JSON type."""

    name: str
    required: bool
    kind: str
    checker: Checker

    def findings(self, texts: Sequence[str], where: str) -> Iterator[Finding]:
        """What is wrong with the ``texts`` given for it; none at all means that it was left out."""
        if not texts:
            if self.required:
                yield Finding(where, "is required")
        elif self.kind == "array":
            yield from self.checker.findings(list(texts), where)
        elif len(texts) > 1:
            yield Finding(where, f"is given {len(texts)} times")
        else:
            yield from self.checker.findings(self._value(texts[0]), where)

    def _value(self, text: str) -> object:
        if self.kind == "boolean":
            return BOOLEANS.get(text, text)
        if self.kind in ("integer", "number"):
            return number(text)
        return text


def number(text: str) -> int | float | str:
    """The number that ``text`` is, else the text itself, which then has the wrong type."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@dataclass(frozen=True, slots=True)
class Content:
    """A body: its media type, and its schema where that type is JSON."""

    media_type: str
    checker: Checker | None

    def findings(self, media_type: str, content: bytes, where: str) -> Iterator[Finding]:
        """What is wrong with a body that came as ``content`` and said it were ``media_type``."""
        if media_type.partition(";")[0].strip().lower() != self.media_type:
            yield Finding(where, f"came as {media_type or 'nothing in particular'!r}, not as {self.media_type!r}")
        elif self.checker is not None:
            try:
                value = msgspec.json.decode(content)
            except (msgspec.DecodeError, RecursionError) as error:
                yield Finding(where, f"is not JSON: {error}: {shortened(repr(content))}")
            else:
                yield from self.checker.findings(value, where)


@dataclass(frozen=True, slots=True)
class Operation:
    """Method and path template, with all that belongs to them. ``answers`` holds None if a body must not be."""

    name: str
    method: str
    template: str
    path_parameters: Mapping[str, Parameter]
    query_parameters: Mapping[str, Parameter]
    body: Content | None
    body_required: bool
    answers: Mapping[int, Content | None]
    error: Content | None

    def path_findings(self, values: Mapping[str, str]) -> Iterator[Finding]:
        """What is wrong with the ``values`` that stand in the path."""
        for name, text in values.items():
            if name in self.path_parameters:
                yield from self.path_parameters[name].findings([text], f"path {name}")

    def query_findings(self, items: Sequence[tuple[str, str]]) -> Iterator[Finding]:
        """What is wrong with the query of a request."""
        for name, parameter in self.query_parameters.items():
            yield from parameter.findings([text for key, text in items if key == name], f"query {name}")
        for name in dict.fromkeys(key for key, _ in items if key not in self.query_parameters):
            yield Finding(f"query {name}", "is not a parameter of this operation")

    def body_findings(self, media_type: str, content: bytes) -> Iterator[Finding]:
        """What is wrong with the body of a request."""
        if not content:
            if self.body_required:
                yield Finding("request body", "is required")
        elif self.body is None:
            yield Finding("request body", "is sent where none is declared")
        else:
            yield from self.body.findings(media_type, content, "request body")

    def answer_findings(self, status: int, media_type: str, content: bytes) -> Iterator[Finding]:
        """What is wrong with an answer. Success has to be declared; every other status may carry an error."""
        if status not in self.answers and status < 400:
            declared = ", ".join(str(code) for code in self.answers)
            yield Finding(f"status {status}", f"is not declared (declared: {declared}; errors)")
            return
        body = self.answers.get(status, self.error)
        if body is not None:
            yield from body.findings(media_type, content, "response body")
        elif content:
            yield Finding("response body", f"is sent where none is declared: {shortened(repr(content))}")
