"""What is known of a tenant's past: that it had a project before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.live.state import LiveState
    from reconciler.plan.history import History


def known_past(tenant: str, live: LiveState, history: History, *, first_run: bool = False) -> str | None:
    """What says that the tenant had a project, in words; None where nothing does: then it is new.

    ``first_run`` says that what the files declared is no sign of it; nor is it where nobody has named the base and
    nothing at all is live. A registry's row that names a project finds it, or is a conflict. A revision that the
    registry remembers without a row is that of a tombstone, or of a creation that failed.
    """
    unused = first_run or ((history.guessed or history.lost) and _nothing_lives(live))
    if history.knew(tenant) and not unused:
        declared_now = tenant in history.committed
        return "the commit at hand declares the tenant" if declared_now else "the base declares the tenant"
    if tenant in live.applied:
        return f"revision {live.applied[tenant]} of the tenant was applied"
    if history.lost and not unused and tenant not in history.documents:
        return "the tenant may have had one (what the files said before is not known here)"
    return None


def _nothing_lives(live: LiveState) -> bool:
    if live.listed:
        return not any(live.listed.values())
    search = live.annotation_search
    return search is not None and not search.listed and not live.projects and not live.unknown
