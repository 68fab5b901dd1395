"""libgit2, which reads a repository without starting a program: no filter, no hook, no fsmonitor, no fetch.

Import ``pygit2`` from here alone.
"""

from __future__ import annotations

import os

_CERTIFICATES = {name: os.environ.pop(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}
# pygit2 loads them when it is imported, and fails where they are no certificates. Nothing here uses its network.
try:
    import pygit2
    from pygit2.ffi import C, ffi
finally:
    os.environ.update(_CERTIFICATES)

__all__ = ["is_overlooked", "pygit2"]

_ASSUME_UNCHANGED = 1 << 15
_SKIP_WORKTREE = 1 << 14

# A partial clone is read as far as it goes; libgit2 would refuse it, and never fetches what is missing.
pygit2.settings.set_extensions(["partialclone"])


def is_overlooked(repository: pygit2.Repository, path: str) -> bool | None:
    """Whether git was told to overlook what becomes of a file: assume-unchanged, skip-worktree.

    None where the index has no such file, or is of a kind that libgit2 does not read (sparse, split). ``path``
    is from the top of the repository. libgit2's status does not tell it of a file that is gone from disk, and
    pygit2 does not show the flags.
    """
    try:
        repository.index.read(force=False)
    except (pygit2.GitError, OSError):
        return None
    entry = C.git_index_get_bypath(repository.index._index, os.fsencode(path), 0)  # noqa: SLF001 (see above)
    if entry == ffi.NULL:
        return None
    return bool(entry.flags & _ASSUME_UNCHANGED or entry.flags_extended & _SKIP_WORKTREE)
