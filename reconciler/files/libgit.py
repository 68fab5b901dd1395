"""libgit2, which reads a repository without starting a program: no filter, no hook, no fsmonitor, no fetch.

Import ``pygit2`` only from here.
"""

from __future__ import annotations

import os

_CERTIFICATES = {name: os.environ.pop(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if name in os.environ}
# pygit2 loads certificates at import, and fails if they are invalid. Its network functions are not used here.
try:
    import pygit2
    from pygit2.ffi import C, ffi
finally:
    os.environ.update(_CERTIFICATES)

__all__ = ["is_overlooked", "pygit2"]

_ASSUME_UNCHANGED = 1 << 15
_SKIP_WORKTREE = 1 << 14

# Read a partial clone as far as it goes; libgit2 would refuse it, and never fetches missing objects.
pygit2.settings.set_extensions(["partialclone"])


def is_overlooked(repository: pygit2.Repository, path: str) -> bool | None:
    """Return whether git is configured to ignore changes of a file: assume-unchanged, skip-worktree.

    None if the index has no such file, or has a format that libgit2 does not read (sparse, split). ``path`` is
    relative to the top of the repository. libgit2's status does not report this for a file that is missing on
    disk, and pygit2 does not expose the flags.
    """
    try:
        repository.index.read(force=False)
    except (pygit2.GitError, OSError):
        return None
    entry = C.git_index_get_bypath(repository.index._index, os.fsencode(path), 0)  # noqa: SLF001 - see above
    if entry == ffi.NULL:
        return None
    return bool(entry.flags & _ASSUME_UNCHANGED or entry.flags_extended & _SKIP_WORKTREE)
