"""What a person permits for one run, beyond what the files say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Permissions:
    """Given on the command line (``--allow``, ``--prune``) or at the prompt; the default permits nothing extra."""

    lowering: bool = False
    """Lowering actions may go ahead although no commit asks for them."""
    prune: bool = False
    """Owned orphans are to be deleted."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """The exact number of actions by threshold name: ``{"deletes": 12}`` permits 12 deletions, not 13."""
    expect_empty: bool = False
    """No live project is no sign of a wrong key: this is the first run."""
