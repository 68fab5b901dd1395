"""What a person permits for one run, beyond what the files ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping


class Permissions(Struct, frozen=True):
    """From the command line (``--allow``, ``--prune``) or the prompt; the default permits nothing extra."""

    lowering: bool = False
    """Reductions may go ahead without a commit that asks for them."""
    prune: bool = False
    """Owned orphans are deleted."""
    counts: Mapping[str, int] = {}
    """The exact number of actions by threshold name: ``{"deletes": 12}`` permits 12 deletions, not 13."""
    expect_empty: bool = False
    """This is the first run: an empty account does not suggest a wrong key."""
