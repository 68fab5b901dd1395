"""Readers of text, names and addresses: the text of a single value -> the value, or a RejectedError.

Numbers and times have a module of their own (``numbers.py``).
"""

from __future__ import annotations

import re
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from reconciler.desired import rotation
from reconciler.desired.address import EXAMPLE, read_api_address
from reconciler.desired.naming import (
    MAX_TENANT_LENGTH,
    ORGANIZATION,
    PLACEHOLDER,
    PLACEHOLDERS,
    TENANT,
    TIER,
    composed,
)
from reconciler.desired.tenant import Reduction
from reconciler.desired.tier import EnvReference
from reconciler.files.events import Quoted
from reconciler.files.finding import RejectedError, did_you_mean, nearest
from reconciler.files.hidden_text import has_hidden
from reconciler.files.plain_values import NULLS, kind, text_of
from reconciler.model.api_limits import ID_PATTERN, MAX_NAME_LENGTH, MAX_REPLICA_NAME_LENGTH
from reconciler.model.fields.allow_list import is_address
from reconciler.model.quoting import looks_secret, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.desired.tenant import Acceptance
    from reconciler.model.values import Json

RESERVED_DATABASES: Final = ("postgres", "template0", "template1")
"""Neon: docs, manage/databases."""
RESERVED_ROLES: Final = ("neon_superuser", "cloud_admin", "zenith_admin", "public", "none")
"""Neon: docs, manage/roles; names that start with ``pg_`` are reserved too."""


REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
PROJECT_ID = re.compile(ID_PATTERN)
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PASSWORD = re.compile(r"://[^/]*:[^/]*@|://[^/]*@[^/]*@|[?&]password=", re.IGNORECASE)
"""Of an address: after its user, or as a parameter."""
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BRACES: Final = re.compile(r"\{[^{}]*\}|[{}]")
_ACCEPTED: Final = "for example pro -> free, 7d -> 1d, or 2030-01-31"
MOST_STEPS: Final = 20
_SIDE: Final = "[A-Za-z0-9][A-Za-z0-9.-]*?"
_STEP: Final = re.compile(f"({_SIDE}) *-> *({_SIDE})")
DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STEP_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "string",
    "pattern": f"^{_SIDE} *-> *{_SIDE}$",
    "examples": ["pro -> free", "7d -> 1d"],
}
ACCEPTANCE_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "boolean"},
        {"type": "string", "format": "date", "pattern": f"^{DAY.pattern}$"},
        dict(_STEP_SCHEMA),
        {"type": "array", "items": dict(_STEP_SCHEMA), "maxItems": MOST_STEPS},
    ]
}


def refuse_secret(text: str) -> str:
    """Returns the text unless it looks like an API key of Neon."""
    if looks_secret(text):
        raise RejectedError("this looks like an API key", "name an environment variable instead: ${NAME}")
    return text


def read_text(text: str) -> str:
    """Text on one line, in NFC."""
    return composed(_printable(text))


PARAMETER: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?")
"""Postgres ignores the case of a parameter's name; a file has it in lower case, so that it is there once."""


def read_parameter(text: str) -> str:
    """The name of a Postgres parameter."""
    if PARAMETER.fullmatch(text) is None:
        raise RejectedError("is not the name of a Postgres parameter", "in lower case, such as work_mem")
    return text


def _printable(text: str) -> str:
    if has_hidden(text):
        raise RejectedError("holds a character that cannot be printed")
    return text


def read_glob(text: str) -> str:
    """A pattern of files, as it is written: some file systems keep the form of a name."""
    read_name(text)
    return text


def read_name(text: str) -> str:
    """The name of a snapshot or branch."""
    text = composed(text)
    if not text.strip() or text != text.strip():
        raise RejectedError("a name must not be blank or begin or end with a space")
    if len(text) > MAX_NAME_LENGTH:
        raise RejectedError(f"a name has at most {MAX_NAME_LENGTH} characters, this one has {len(text)}")
    return read_text(text)


def read_replica_name(text: str) -> str:
    """The name of a compute."""
    text = read_name(text)
    if len(text) > MAX_REPLICA_NAME_LENGTH:
        raise RejectedError(f"a name has at most {MAX_REPLICA_NAME_LENGTH} characters, this one has {len(text)}")
    return text


def read_tenant_name(text: str) -> str:
    """The name of a tenant, which is valid in a file name and a project name."""
    if not TENANT.fullmatch(text):
        raise RejectedError(
            f"{shown(text)} is not a tenant name",
            "letters A to Z, digits and . _ - + @, not beginning with '.' or '-'",
        )
    if len(text) > MAX_TENANT_LENGTH:
        raise RejectedError(f"a tenant name has at most {MAX_TENANT_LENGTH} characters, this one has {len(text)}")
    return text


def read_slug(text: str) -> str:
    """The name of a fleet, an organization, a tier or a region."""
    if not SLUG.fullmatch(text):
        raise RejectedError(f"{shown(text)} is not a name", "up to 63 lower-case letters, digits and '-'")
    return text


def read_project_id(text: str) -> str:
    """Neon: a project id."""
    if not PROJECT_ID.fullmatch(text):
        raise RejectedError(f"{shown(text)} is not a project id", "as the console shows it: cool-river-12345678")
    return text


def read_database(text: str) -> str:
    """The name of a database; Neon reserves some."""
    if text in RESERVED_DATABASES:
        raise RejectedError(f"the database name {text!r} is reserved", _reserved(RESERVED_DATABASES))
    return _read_identifier(text, "database")


def read_role(text: str) -> str:
    """The name of a role; Neon and Postgres reserve some."""
    if text in RESERVED_ROLES or text.startswith("pg_"):
        raise RejectedError(f"the role name {text!r} is reserved", _reserved(("pg_*", *RESERVED_ROLES)))
    return _read_identifier(text, "role")


def _reserved(names: tuple[str, ...]) -> str:
    return f"reserved: {', '.join(names)}"


def _read_identifier(text: str, what: str) -> str:
    text = read_name(text)
    if len(text.encode()) > 63:
        raise RejectedError(f"a {what} name has at most 63 bytes, this one has {len(text.encode())}")
    return text


def read_reference(text: str) -> EnvReference:
    """``${NAME}``. Messages never repeat the text, which may be a key."""
    match = REFERENCE.fullmatch(text)
    if match is None:
        raise RejectedError(
            "a key must not be written in the files", "write ${NAME} and set the environment variable NAME"
        )
    return EnvReference(match[1])


def read_registry_address(text: str) -> str | EnvReference:
    """The address of a database, or the environment variable that holds it. A password is never repeated."""
    if match := REFERENCE.fullmatch(text):
        return EnvReference(match[1])
    remedy = "write ${NAME} and set the environment variable NAME"
    if _PASSWORD.search(text):
        raise RejectedError("a password must not be written in the files", remedy)
    if not text.startswith(("sqlite:///", "postgresql://", "postgres://")):
        raise RejectedError("no address of a registry", f"sqlite:///registry.db, or {remedy}")
    return read_text(text)


def read_organization_id(text: str) -> str | EnvReference:
    """An id, or the environment variable that holds it."""
    match = REFERENCE.fullmatch(text)
    if match is not None:
        return EnvReference(match[1])
    if not PROJECT_ID.fullmatch(text):
        raise RejectedError(f"{shown(text)} is not an organization id", "org-cool-river-12345678, or ${NAME}")
    return text


def read_naming(text: str) -> str:
    """A pattern for project names, with room for the longest tenant name."""
    text = read_name(text)
    for braces in _BRACES.findall(text):
        if braces not in PLACEHOLDERS:
            raise RejectedError(f"{shown(braces)} is not a placeholder", _placeholder_hint(braces))
    if text.count(PLACEHOLDER) != 1:
        raise RejectedError(f"{shown(text)} must hold {PLACEHOLDER} exactly once", 'as in "myapp-{tenant}"')
    refuse_long_names(text)
    return text


def read_rotation(text: str) -> str:
    """A pattern for names of rotated snapshots: the date of a slot once, and its time at most once."""
    text = read_name(text)
    for braces in _BRACES.findall(text):
        if braces not in rotation.PLACEHOLDERS:
            known = f"known: {', '.join(rotation.PLACEHOLDERS)}"
            raise RejectedError(f"{shown(braces)} is not a placeholder", known)
    if text.count(rotation.DATE) != 1 or text.count(rotation.TIME) > 1:
        raise RejectedError(f"{shown(text)} must hold {rotation.DATE} exactly once", 'as in "auto-{date}"')
    return text


def _placeholder_hint(braces: str) -> str:
    near = nearest(braces.strip("{}"), [placeholder.strip("{}") for placeholder in PLACEHOLDERS])
    return f"known: {', '.join(PLACEHOLDERS)}" if near is None else f"did you mean '{{{near}}}'?"


def refuse_long_names(pattern: str, tiers: Iterable[str] = (), organizations: Iterable[str] = ()) -> None:
    """Raises RejectedError if the longest tenant, tier and organization make a name too long for Neon."""
    longest = {PLACEHOLDER: MAX_TENANT_LENGTH, TIER: _most(tiers), ORGANIZATION: _most(organizations)}
    length = len(pattern) + sum(
        pattern.count(placeholder) * (characters - len(placeholder)) for placeholder, characters in longest.items()
    )
    if length > MAX_NAME_LENGTH:
        raise RejectedError(f"project names could have {length} characters, Neon allows {MAX_NAME_LENGTH}")


def _most(names: Iterable[str]) -> int:
    return max(map(len, names), default=0)


def read_host(text: str) -> str:
    """The base URL of the API. Messages never repeat a user name or password in it."""
    try:
        return read_api_address(text)
    except ValueError as error:
        named = "this" if "@" in text else shown(text)
        raise RejectedError(f"{named} is not an API address: {error}", EXAMPLE) from None


MAX_REASON: Final = 200
"""Plans and reports show it beside every change."""


def read_flag(text: str) -> bool:
    """true or false. ``no`` is rejected, although YAML 1.1 reads it as a boolean."""
    if text not in {"true", "false"}:
        raise RejectedError(f"expected true or false, not {shown(text)}")
    return text == "true"


def read_address(text: str) -> str:
    """An address, a network or a range of addresses (Neon: IP Allow)."""
    if not is_address(text):
        raise RejectedError(f"{shown(text)} is not an IP address", "10.0.0.1, 10.0.0.0/8 or 10.0.0.1-10.0.0.9")
    return text


def read_version(text: str) -> int:
    """The version of the format. There is only one so far."""
    if text != "1":
        raise RejectedError(f"version {shown(text)} is not known to this release", "known: 1")
    return 1


def one_of(words: tuple[str, ...], text: str) -> str:
    """One of a few words."""
    if text not in words:
        raise RejectedError(f"{shown(text)} is not one of {', '.join(words)}", did_you_mean(text, words))
    return text


def read_reason(text: str) -> str:
    """Why something was done, in one line of up to ``MAX_REASON`` characters."""
    line = " ".join(text.split())
    if not line:
        raise RejectedError("the reason is empty", "say why, for whoever asks later")
    if len(line) > MAX_REASON:
        raise RejectedError(f"the reason has {len(line)} characters: at most {MAX_REASON} are allowed")
    return line


def read_query(text: str) -> str:
    """A query in SQL; it may have several lines."""
    if not text.strip():
        raise RejectedError("the query is empty", "for example select tenant, tier from customers")
    return text.strip().removesuffix(";").strip()


def read_expression(text: str) -> str:
    """An expression of a policy; it may have several lines."""
    if not text.strip():
        raise RejectedError("the expression is empty", "for example tenant.tier == 'free'")
    return text.strip()


def read_message(text: str) -> str:
    """The message of a policy, in one line of up to ``MAX_REASON`` characters."""
    line = " ".join(text.split())
    if not line or len(line) > MAX_REASON:
        raise RejectedError(f"a message has 1 to {MAX_REASON} characters, this one has {len(line)}")
    return line


def read_acceptance(value: object) -> Acceptance:
    """Read a reduction, a list of them, the last day, true or false. Raises RejectedError."""
    if isinstance(value, list):
        if len(value) > MOST_STEPS:
            raise RejectedError(f"at most {MOST_STEPS} reductions are allowed, not {len(value)}")
        return tuple(_step(_acceptance_text(entry)) for entry in value)
    text = _acceptance_text(value)
    if "->" in text:
        return (_step(text),)
    return read_day(text, _ACCEPTED) if DAY.fullmatch(text) else _accepted_flag(text)


def _acceptance_text(value: object) -> str:
    text = text_of(value)
    if text is None:
        raise RejectedError(f"expected a reduction, a date, or true, not {kind(value)}", _ACCEPTED)
    return refuse_secret(text).strip()


def _step(text: str) -> Reduction:
    match = _STEP.fullmatch(text)
    if match is None:
        raise RejectedError(f"{shown(text)} is not a reduction", _ACCEPTED)
    if match[1] == match[2]:
        raise RejectedError(f"{shown(text)} is not a reduction: both sides are the same", _ACCEPTED)
    return Reduction(match[1], match[2])


def read_day(text: str, examples: str) -> date:
    """A day of the calendar, in the form that ``DAY`` matches."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RejectedError(f"the date {shown(text)} does not exist", examples) from None


def _accepted_flag(text: str) -> bool:
    try:
        return read_flag(text)
    except RejectedError:
        raise RejectedError(f"expected a reduction, a date, or true, not {shown(text)}", _ACCEPTED) from None


def read_free_form(value: object) -> Json:
    """A value of ``unchecked`` settings: plain scalars by the YAML 1.2 core schema, quoted ones as text.

    Numbers are decimal: Neon's own are, and 0x1F in a file is more likely part of a name.
    """
    if isinstance(value, dict):
        return {_sendable(str(key)): read_free_form(member) for key, member in value.items()}
    if isinstance(value, list):
        return [read_free_form(member) for member in value]
    if isinstance(value, str):
        return _free_form_scalar(value)
    if isinstance(value, float):
        return _finite(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    raise RejectedError(f"cannot be read: {kind(value)}")


def _free_form_scalar(text: str) -> Json:
    if isinstance(text, Quoted):
        return _sendable(str(text))
    if text in NULLS:
        return None
    if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return text.lower() == "true"
    if _INTEGER.fullmatch(text) and len(text) < 20:
        return int(text)
    return _finite(float(text)) if _FLOAT.fullmatch(text) else _sendable(text)


def _finite(number: float) -> float:
    if not isfinite(number):
        raise RejectedError("the number is too large")
    return number


def _sendable(text: str) -> str:
    """Rejects half of a surrogate pair, which JSON can escape and which is not text."""
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise RejectedError("contains half of a surrogate pair")
    return refuse_secret(text)
