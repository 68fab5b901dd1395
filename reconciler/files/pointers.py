"""What a filter of git leaves in the place of a file: no filter is ever run, so that it is named and not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_BEGINNINGS: Final[Mapping[bytes, tuple[str, str]]] = {
    b"version https://git-lfs.github.com/spec/": ("is a pointer of Git LFS, not the file", "git lfs pull"),
    b"version https://hawser.github.com/spec/": ("is a pointer of Git LFS, not the file", "git lfs pull"),
    b"/annex/objects/": ("is a pointer of git-annex, not the file", "git annex get"),
    b"\0GITCRYPT\0": ("is encrypted by git-crypt", "git-crypt unlock"),
}
_WITHOUT_FILTER: Final = "keep the files of the fleet in git itself: take them out of the filter in .gitattributes"


def pointer(data: bytes) -> tuple[str, str] | None:
    """What the bytes are in place of the file, in words that follow its name, and what to do; None for a file."""
    for beginning, (what, command) in _BEGINNINGS.items():
        if data.startswith(beginning):
            return what, f"{command}; or {_WITHOUT_FILTER}"
    return None
