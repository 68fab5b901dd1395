"""The journals' record of one write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.model.values import Value


class RecordedChange(Struct, frozen=True):
    """One field. ``path`` ends in its unit."""

    path: str
    before: Value
    after: Value


class RecordedWrite(Struct, frozen=True, kw_only=True):
    """One call that writes: who made it, for whom, why, and with what result."""

    at: datetime
    run: str
    request_id: str
    actor: str
    commit: str | None
    """The commit of the files; None outside a repository."""
    kind: str
    """The kind of the action: ``patch_project``."""
    tenants: tuple[str, ...]
    organization: str
    project_ids: tuple[str, ...]
    """Those of the tenants, in their order; of a creation none, because there was no id yet."""
    reason: str
    changes: tuple[RecordedChange, ...]
    result: str
    """``applied``, ``failed``, ``unknown`` or ``not sent``; ``interrupted`` if the run died during the call."""
    message: str
    object: Mapping[str, str] | None = None
    """Names and ids of what it changed below or beside the project: ``{"branch": "main"}``. None in journals of
    earlier versions."""
    wave: int | None = None
    """The wave of the run that the tenants are in; None without waves."""


class Audit(Struct, frozen=True):
    """The writes that journals contain, oldest first."""

    writes: tuple[RecordedWrite, ...]
    files: int
    """Journals that were read."""
    unreadable: tuple[str, ...] = ()
    """Files of which a part could not be read, in name order: writes may be missing."""
