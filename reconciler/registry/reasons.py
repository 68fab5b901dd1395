"""What to do where the database of a registry refuses something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

ONLY_READS: Final = (
    "name a database and a role that may write: this one is a replica, is full, or has "
    "default_transaction_read_only"
)
REMEDIES: Final[Mapping[str | None, str]] = {
    "25006": ONLY_READS,
    "3F000": (
        "search_path names no schema that exists: create it, or name another one at the end of the address: "
        "?options=-csearch_path%3Dpublic"
    ),
}
"""By PostgreSQL's code of the error."""
UNUSABLE: Final = (
    "check the address in the variable that `registry: {url: ...}` names, and run again when the database can be "
    "used: no tenant is created without a claim"
)
