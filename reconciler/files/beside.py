"""What lies beside the fleet's folder in its repository: files of the last commit, to which a link may lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import InvalidInputError
from reconciler.files.objects import Kind
from reconciler.files.repository import find
from reconciler.files.tree import Beside, UnreadableError

if TYPE_CHECKING:
    from pathlib import Path


def beside(root: Path) -> Beside | None:
    """None outside a git checkout, where there is no commit yet, and where the fleet's folder is the top."""
    try:
        repository = find(root)
        head = None if repository is None else repository.head()
    except InvalidInputError:  # what is wrong with it is told where it is needed
        return None
    if repository is None or head is None or not repository.prefix:
        return None

    def holds(path: str) -> bool:
        try:
            entry = repository.entry(head, repository.from_top(path))
        except UnreadableError:
            return False
        return entry is not None and entry.kind is Kind.FILE and entry.path == repository.from_top(path)

    return Beside(repository.prefix, holds)
