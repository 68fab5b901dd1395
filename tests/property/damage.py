"""Ways in which a file that the product has written comes to say something else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as some

from tests.contract.breaking import VALUES, changed, places, spoilt_at, value_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.breaking import Path

DEEP: Final = 100_000
VERSIONS: Final = (2, 0, -1, 99, 10**30, True, "1", "2", None, 1.0, 1.5, [1], {"a": 1})
_DIFFERENT: Final = [*VALUES.values()]


@some.composite
def bytes_of(draw: some.DrawFn, data: bytes) -> bytes:
    """The file with bytes flipped, cut, doubled or put in at one place."""
    start = draw(some.integers(0, len(data) - 1))
    end = min(len(data), start + draw(some.sampled_from([1, 1, 2, 7, 300, 5000])))
    before, part, after = data[:start], data[start:end], data[end:]
    flipped = bytes([part[0] ^ 1 << draw(some.integers(0, 7))]) + part[1:]
    longer = part + draw(some.binary(max_size=3))
    new = draw(some.sampled_from([flipped, b"", part + part, longer, b"\0" * len(part)]))
    return draw(some.sampled_from([before + new + after, before, part + after, b"[" * DEEP, before + b"[" * DEEP]))


@some.composite
def json_of(draw: some.DrawFn, document: Any) -> bytes:
    """The document with a member that is absent, renamed, doubled, nested, or of another type or version."""
    path = draw(some.sampled_from([one for one in places(document, object) if one]))
    if draw(some.integers(0, 9)) == 0 and isinstance(document, dict) and "format_version" in document:
        path, ways = ("format_version",), some.sampled_from(VERSIONS).map(lambda value: _put(path, value))
    else:
        ways = some.one_of(
            some.sampled_from(_DIFFERENT).map(lambda value: _put(path, value)),
            some.sampled_from([_renamed, _nested]).map(lambda way: lambda it: way(it, path)),
        )
    return json.dumps(draw(ways)(document)).encode()


def _put(path: Path, value: object) -> Callable[[Any], Any]:
    return lambda document: spoilt_at(document, path, value)


def _renamed(document: Any, path: Path) -> Any:
    def rename(found: Any) -> Any:
        return {f"{key}_" if key == path[-1] else key: one for key, one in found.items()}

    return changed(document, path[:-1], rename) if isinstance(path[-1], str) else _nested(document, path)


def _nested(document: Any, path: Path) -> Any:
    value = value_at(document, path)
    return changed(document, path, lambda _: {"a": [value]})


@some.composite
def lines_of(draw: some.DrawFn, data: bytes) -> bytes:
    """The file of JSON lines, of which one has a change, is absent, comes twice, or comes elsewhere."""
    lines = data.splitlines(keepends=True)
    at = draw(some.integers(0, len(lines) - 1))
    line = lines.pop(at)
    other = json_of(json.loads(line)).map(lambda one: one + b"\n")
    new = draw(some.one_of(other, some.just(line), bytes_of(line)))
    to = draw(some.sampled_from([at, at, at, 0, len(lines)]))
    lines[to:to] = [new] * draw(some.sampled_from([1, 1, 1, 2, 0]))
    return b"".join(lines)
