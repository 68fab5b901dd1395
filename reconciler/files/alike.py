"""Files that say the same as one that was parsed, of another tenant with other values of labels.

They need no parser: a large fleet has few different files, because programs write them.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from reconciler.desired.naming import MAX_TENANT_LENGTH
from reconciler.files.finding import RejectedError
from reconciler.files.plain_values import NULLS, WORDS
from reconciler.model.values import replace

if TYPE_CHECKING:
    from reconciler.desired.tenant import Tenant

MOST_ALIKE: Final = 4096
"""Different files of which others may be copies."""
_OPENING: Final = re.compile(rb"((?:#[ -~]*\n)*)tenant: ([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\n")
_VALUE: Final = rb"[A-Za-z0-9](?:[A-Za-z0-9 ._@/&+-]*[A-Za-z0-9])?"
"""Text that means the same with quotes and without, apart from ``NULLS``."""
_LABEL: Final = re.compile(rb"  ([a-z][a-z0-9_-]*): (?:(%b)|\"(%b)\")\n" % (_VALUE, _VALUE))
_LABELS: Final = re.compile(
    rb"^labels:\n((?:  [a-z][a-z0-9_-]*: (?:%b|\"%b\")\n)+)" % (_VALUE, _VALUE), re.MULTILINE
)
_KEY: Final = b"labels"
_ESCAPE: Final = b"\\"


class Opening(NamedTuple):
    """How a file begins whose first key is the name of its tenant."""

    name: str
    line: int
    """Where the name stands; what is above it are comments in ASCII."""
    rest: bytes
    """All that follows: it means the same below every such name."""


def opening(data: bytes) -> Opening | None:
    """Return how a file begins; None where its name may be anything but the plain value of the first key."""
    found = _OPENING.match(data)
    if found is None:
        return None
    name = found[2].decode()
    if name in WORDS or len(name) > MAX_TENANT_LENGTH:
        return None
    return Opening(name, 1 + found[1].count(b"\n"), data[found.end() :])


_Around: TypeAlias = tuple[bytes, tuple[tuple[bytes, bool], ...], bytes]
"""What stands before the labels, their keys, each with whether its value is in quotes, and what stands behind."""


class _Labels(NamedTuple):
    """A block of labels with plain values."""

    around: _Around
    labels: tuple[tuple[str, str], ...]


def _labels_in(rest: bytes) -> _Labels | None:
    """Return the labels of a file; None where it has none, or some of another form."""
    found = _LABELS.search(rest)
    if found is None:
        return None
    each = _LABEL.findall(found[1])
    keys = tuple((key, bool(quoted)) for key, _, quoted in each)
    labels = tuple((key.decode(), (plain or quoted).decode()) for key, plain, quoted in each)
    if not NULLS.isdisjoint(plain.decode() for _, plain, _ in each if plain):
        return None
    return _Labels((rest[: found.start(1)], keys, rest[found.end(1) :]), labels)


@dataclass(slots=True)
class Alike:
    """The tenants of files that were parsed, by what follows their names (``Opening``)."""

    _by_rest: dict[bytes, Tenant] = field(default_factory=dict)
    _by_what_is_around: dict[_Around, Tenant] = field(default_factory=dict)

    def add(self, rest: bytes, tenant: Tenant) -> None:
        """Remember the tenant of a file that was parsed, and in which nothing was found."""
        if len(self._by_rest) >= MOST_ALIKE:
            return
        self._by_rest[rest] = tenant
        if (found := _labels_in(rest)) is None or found.labels != tuple(tenant.labels.items()):
            return
        # The block is where the labels come from: there is no other word for them, and none that is written in
        # escapes.
        if rest.count(_KEY) == 1 and _ESCAPE not in rest:
            self._by_what_is_around[found.around] = tenant

    def find(self, rest: bytes) -> Tenant | None:
        """Return the tenant of a file that says what one says that was parsed, with the labels of this file."""
        if (same := self._by_rest.get(rest)) is not None:
            return same
        if not self._by_what_is_around or (found := _labels_in(rest)) is None:
            return None
        if (like := self._by_what_is_around.get(found.around)) is None:
            return None
        from reconciler.files.build import shared_labels  # noqa: PLC0415 - where a file was parsed, it is there
        from reconciler.files.scalars import TEXT  # noqa: PLC0415 - as above

        with suppress(RejectedError):
            stated = ((key, str(TEXT.validate(value))) for key, value in found.labels)
            return replace(like, labels=shared_labels(*stated))
        return None
