"""Patterns of project names: ``app-{tenant}-{tier}-{any}``, or a regular expression between slashes.

``{tenant}`` is any text; ``{tier}`` and ``{any}`` are one word, without the separators ``- _ . :`` and blanks.
Therefore a name fits in one way at most, and matching takes time in proportion to the name's length.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

from reconciler.desired.naming import ORGANIZATION, PLACEHOLDER, TIER
from reconciler.errors import InvalidInputError, MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ANY: Final = "{any}"
MAX_LENGTH: Final = 256
"""Maximum number of characters of a pattern."""
MAX_EXPRESSION_MEMORY: Final = 2**20
"""Bytes that RE2 may use for a regular expression."""
SEPARATORS: Final = r"\-_.:\s"
"""What ends a word, as members of a character class."""
INSTALL: Final = "pip install 'neon-reconciler[adopt]'"
EXAMPLE: Final = "for example 'app-{tenant}-{tier}-{any}', or '/app-(?P<tenant>[a-z0-9]+)-.*/'"
_BRACES: Final = re.compile(r"(\{[^{}]*\}|[{}])")
_WORD: Final = f"[^{SEPARATORS}]++"
_STARTS_A_WORD: Final = re.compile(f"[^{SEPARATORS}]")


class Match(Struct, frozen=True):
    """What a project's name says."""

    tenant: str
    tier: str | None = None


class _Expression(Protocol):
    """A compiled expression, of ``re`` or of RE2."""

    def fullmatch(self, text: str) -> Any:
        """Match the whole text; None if it does not match."""


class Pattern(Struct, frozen=True):
    """A pattern that a person gave."""

    text: str
    _templates: tuple[str, ...]
    """Regular expressions, tried in this order, in which ``ORGANIZATION`` stands for the organization's name."""
    _linear: bool
    """Whether RE2 matches it."""

    def match(self, name: str, organization: str) -> Match | None:
        """Return what the name of a project in an organization says; None if it does not fit."""
        for template in self._templates:
            found = _compiled(template, organization, self._linear).fullmatch(name)
            groups = {} if found is None else found.groupdict()
            if groups.get("tenant"):
                return Match(groups["tenant"], groups.get("tier"))
        return None


def pattern(text: str, tiers: Sequence[str] = ()) -> Pattern:
    """Return the pattern. ``{tier}`` is one of the declared ``tiers`` where that fits, otherwise any word.

    Raises InvalidInputError for a pattern that cannot be used.
    """
    if len(text) > MAX_LENGTH:
        raise _invalid(text[:40] + "...", f"is longer than {MAX_LENGTH} characters")
    if text.startswith("/"):
        return _expression(text)
    parts = _BRACES.split(text)
    _check(text, parts)
    known = "|".join(map(re.escape, sorted(tiers)))
    words = (known, _WORD) if known and TIER in parts else (_WORD,)
    return Pattern(text, tuple("".join(_part(one, word) for one in parts) for word in words), _linear=False)


def _check(text: str, parts: Sequence[str]) -> None:
    placeholders = parts[1::2]
    for one in placeholders:
        if one not in {PLACEHOLDER, TIER, ORGANIZATION, ANY}:
            raise _invalid(text, f"has {one!r}, which is no placeholder")
    if placeholders.count(PLACEHOLDER) != 1:
        raise _invalid(text, "does not have {tenant} once")
    if placeholders.count(TIER) > 1:
        raise _invalid(text, "has {tier} twice")
    for before, between, after in zip(parts[1::2], parts[2::2], parts[3::2], strict=False):
        if not between:
            raise _invalid(text, f"has nothing between {before} and {after}")
    for index, one in enumerate(parts):
        if one in {TIER, ANY} and _runs_on(parts, index):
            raise _invalid(text, f"has no separator beside {one}: one of - _ . : or a space ends a word")


def _runs_on(parts: Sequence[str], index: int) -> bool:
    """Whether a word is not ended by a separator on a side where more text follows."""
    before, after = parts[index - 1], parts[index + 1]
    return bool((before and _STARTS_A_WORD.match(before[-1])) or (after and _STARTS_A_WORD.match(after)))


def _part(part: str, tier: str) -> str:
    match part:
        case "{tenant}":
            return r"(?P<tenant>.+)"
        case "{tier}":
            return f"(?P<tier>{tier})"
        case "{any}":
            return _WORD
        case "{organization}":
            return ORGANIZATION
        case _:
            return re.escape(part)


@cache
def _compiled(template: str, organization: str, linear: bool) -> _Expression:
    if linear:
        return _re2(template)
    return re.compile(template.replace(ORGANIZATION, re.escape(organization)), re.DOTALL)


def _expression(text: str) -> Pattern:
    """Return the pattern of a regular expression. RE2 matches it in linear time, whatever it is."""
    if len(text) < 3 or not text.endswith("/"):
        raise _invalid(text, "begins with / and does not end with it")
    body = text[1:-1]
    if "(?P<tenant>" not in body and "(?<tenant>" not in body:
        raise _invalid(text, "has no group (?P<tenant>...)")
    _compiled(body, "", True)
    return Pattern(text, (body,), _linear=True)


def _re2(body: str) -> _Expression:
    try:
        import re2  # noqa: PLC0415 - for regular expressions only
    except ModuleNotFoundError:
        message = f"pattern '/{body}/' is a regular expression, which needs the package google-re2"
        raise MissingPackageError(message, hint=INSTALL) from None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_EXPRESSION_MEMORY
    options.dot_nl = True
    try:
        compiled: _Expression = re2.compile(body, options)
    except re2.error as error:
        why = error.args[0] if error.args else "it cannot be compiled"
        raise _invalid(f"/{body}/", why.decode(errors="replace") if isinstance(why, bytes) else str(why)) from None
    return compiled


def patterns(texts: Sequence[str], tiers: Sequence[str] = ()) -> tuple[Pattern, ...]:
    """Return the patterns, each once. Raises InvalidInputError for one that cannot be used."""
    return tuple(pattern(text, tiers) for text in dict.fromkeys(texts))


def matches(found: Sequence[Pattern], name: str, organization: str) -> Iterator[tuple[Pattern, Match]]:
    """Yield each pattern that the name fits, with what it says."""
    for one in found:
        if (match := one.match(name, organization)) is not None:
            yield one, match


def _invalid(text: str, why: str) -> InvalidInputError:
    return InvalidInputError(f"pattern {text!r} {why}", hint=EXAMPLE)
