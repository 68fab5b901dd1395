"""libgit2, which reads a repository without starting a program: no filter, no hook, no fsmonitor, no fetch.

Import ``pygit2`` only from here. It is imported when it is first used, which no folder outside of git does.
"""

from __future__ import annotations

import os
import ssl
import threading
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    import pygit2

__all__ = ["is_overlooked", "pygit2"]

_ASSUME_UNCHANGED: Final = 1 << 15
_SKIP_WORKTREE: Final = 1 << 14
_NO_CERTIFICATES: Final = ssl.DefaultVerifyPaths(cast("str", None), os.sep, "", "", "", "")
_LOADING: Final = threading.Lock()


class _OnDemand:
    """The module pygit2, imported by the first use of one of its names."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(_imported(), name)
        setattr(self, name, found)
        return found


if not TYPE_CHECKING:
    pygit2 = _OnDemand()


@cache
def _imported() -> ModuleType:
    with _LOADING, _without_certificates():
        import pygit2  # noqa: PLC0415 - see above

    # Read a partial clone as far as it goes; libgit2 would refuse it, and never fetches missing objects.
    pygit2.settings.set_extensions(["partialclone"])
    return pygit2


@contextmanager
def _without_certificates() -> Iterator[None]:
    """Pygit2 loads certificates at import, and fails if they are invalid.

    Its network functions are not used here, and reading 100 certificates takes longer than reading a small fleet.
    """
    ask = ssl.get_default_verify_paths
    vars(ssl)["get_default_verify_paths"] = lambda: _NO_CERTIFICATES
    try:
        yield
    finally:
        vars(ssl)["get_default_verify_paths"] = ask


def is_overlooked(repository: pygit2.Repository, path: str) -> bool | None:
    """Return whether git is configured to ignore changes of a file: assume-unchanged, skip-worktree.

    None if the index has no such file, or has a format that libgit2 does not read (sparse, split). ``path`` is
    relative to the top of the repository. libgit2's status does not report this for a file that is missing on
    disk, and pygit2 does not expose the flags.
    """
    from pygit2.ffi import C, ffi  # noqa: PLC0415 - where a repository is, pygit2 is there

    try:
        repository.index.read(force=False)
    except (pygit2.GitError, OSError):
        return None
    entry = C.git_index_get_bypath(repository.index._index, os.fsencode(path), 0)  # noqa: SLF001 - see above
    if entry == ffi.NULL:
        return None
    return bool(entry.flags & _ASSUME_UNCHANGED or entry.flags_extended & _SKIP_WORKTREE)
